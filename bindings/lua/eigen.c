/* eigen.c: latent.eigen, eigenvalues and singular values. */
#include "eigen/eigen.h"

#include <limits.h>

#include "eigen/krylov.h"
#include "lua/binding.h"

static latL_Matrix *check_square(lua_State *L, int arg, const char *who, const char *name)
{
  latL_Matrix *A = latL_checkmatrix(L, arg, who, name);
  if (A->vector || A->view.rows != A->view.cols)
    latL_error(L, who, "%s must be square, got a %s", name, latL_shape(L, A));
  return A;
}

/* The option k, or all of them. */
static size_t opt_count(lua_State *L, int options, const char *who, size_t most)
{
  return (size_t)latL_optinteger(L, options, who, "k", (lua_Integer)most, 1, (lua_Integer)most);
}

/* Fresh results, on the stack. */
typedef struct eigenpairs {
  lat_matrix values, matrix;
  const lat_matrix *vectors; /* `matrix`, or NULL when none are wanted */
} eigenpairs;

static void push_results(lua_State *L, size_t n, size_t k, bool wanted, eigenpairs *to)
{
  to->values = latL_newvector(L, k, LAT_FLOAT64)->view;
  to->vectors = wanted ? &to->matrix : NULL;
  if (wanted) to->matrix = latL_newmatrix(L, n, k, LAT_FLOAT64)->view;
}

/* eigen.symmetric(A [, {k=, vectors=, solver=}]) -> values, vectors */
static int symmetric(lua_State *L, const latL_Function *f)
{
  static const char *const solvers[] = {"auto", "full", "partial", "krylov", NULL};
  const latL_Matrix *A = check_square(L, 1, f->who, "A");
  size_t n = A->view.rows, k = opt_count(L, 2, f->who, n);
  bool wanted = latL_optboolean(L, 2, f->who, "vectors", true);
  lat_eigensolver solver =
      (lat_eigensolver)latL_optword(L, 2, f->who, "solver", solvers, LAT_EIGEN_AUTO);
  eigenpairs to;
  push_results(L, n, k, wanted, &to);
  latL_run(L, f->who, lat_symmetric, &A->view, solver, to.values, to.vectors);
  return wanted ? 2 : 1;
}

/* eigen.generalized(A, B [, {k=, vectors=}]) -> values, vectors */
static int generalized(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = check_square(L, 1, f->who, "A"), *B = check_square(L, 2, f->who, "B");
  size_t n = A->view.rows, k = opt_count(L, 3, f->who, n);
  bool wanted = latL_optboolean(L, 3, f->who, "vectors", true);
  eigenpairs to;
  push_results(L, n, k, wanted, &to);
  latL_run(L, f->who, lat_generalized, &A->view, &B->view, to.values, to.vectors);
  return wanted ? 2 : 1;
}

/* eigen.general(A [, {vectors=}]) -> real parts, imaginary parts, vectors */
static int general(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = check_square(L, 1, f->who, "A");
  size_t n = A->view.rows;
  bool wanted = latL_optboolean(L, 2, f->who, "vectors", true);
  lat_matrix real = latL_newvector(L, n, LAT_FLOAT64)->view;
  eigenpairs to;
  push_results(L, n, n, wanted, &to);
  latL_run(L, f->who, lat_general, &A->view, real, to.values, to.vectors);
  return wanted ? 3 : 2;
}

/* eigen.svd(A [, {k=}]) -> U, s, V */
static int svd(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  size_t N = A->view.rows, D = A->view.cols, k = opt_count(L, 2, f->who, N < D ? N : D);
  lat_matrix U = latL_newmatrix(L, N, k, LAT_FLOAT64)->view;
  lat_matrix s = latL_newvector(L, k, LAT_FLOAT64)->view;
  lat_matrix V = latL_newmatrix(L, D, k, LAT_FLOAT64)->view;
  latL_run(L, f->who, lat_svd_truncated, &A->view, &U, s, &V);
  return 3;
}

/* ---- eigen.largest ---------------------------------------------------------- */

#define LARGEST "eigen.largest"

/* solver->W := f(solver->V) with the function at 1, which may keep the matrix that it is given. */
static void call_operator(lua_State *L, lat_krylov *solver)
{
  size_t n = solver->V.rows, b = solver->V.cols;
  lua_pushvalue(L, 1);
  lat_matrix argument = latL_newmatrix(L, n, b, LAT_FLOAT64)->view;
  lat_copy(&solver->V, &argument);
  lua_call(L, 1, 1);
  const latL_Matrix *result = latL_tomatrix(L, -1);
  if (!result)
    latL_error(L, LARGEST, "the function must return a %dx%d matrix, got %s", (int)n, (int)b,
               luaL_typename(L, -1));
  if (result->view.rows != n || result->view.cols != b)
    latL_error(L, LARGEST, "the function must return a %dx%d matrix, got a %s", (int)n, (int)b,
               latL_shape(L, result));
  lat_copy(&result->view, &solver->W);
  lua_pop(L, 1);
}

static lat_krylov_options check_largest(lua_State *L, size_t *n, size_t *k)
{
  lat_krylov_options options = {0};
  if (lua_type(L, 1) == LUA_TFUNCTION) {
    *n = (size_t)latL_optinteger(L, 3, LARGEST, "size", 0, 1, INT_MAX);
    if (*n == 0)
      latL_error(L, LARGEST, "a function needs the option size, its number of rows and columns");
  } else {
    *n = check_square(L, 1, LARGEST, "A")->view.rows;
    size_t size = latL_optsize(L, 3, LARGEST, "size", *n, 1);
    if (size != *n)
      latL_error(L, LARGEST, "size is %I, but A has %I rows", (lua_Integer)size, (lua_Integer)*n);
  }
  *k = latL_checksize(L, 2, LARGEST, "k");
  if (*k > *n)
    latL_error(L, LARGEST, "k must be from 1 to the size %d, got %I", (int)*n, (lua_Integer)*k);
  options.tolerance = latL_optnumber(L, 3, LARGEST, "tolerance", 1e-10, 1e-15, 0.5);
  options.max_iterations = latL_optsize(L, 3, LARGEST, "max_iterations", 1000, 1);
  options.block = (size_t)latL_optinteger(L, 3, LARGEST, "block", 0, 1, INT_MAX);
  options.basis = (size_t)latL_optinteger(L, 3, LARGEST, "basis", 0, 1, INT_MAX);
  options.seed = latL_optseed(L, 3, LARGEST);
  return options;
}

/* Pushes values, vectors and the table of what happened. */
static int push_largest(lua_State *L, const lat_krylov *solver)
{
  eigenpairs to;
  push_results(L, solver->vectors.rows, solver->values.rows, true, &to);
  lat_copy(&solver->values, &to.values);
  lat_copy(&solver->vectors, &to.matrix);
  lua_createtable(L, 0, 4);
  lua_pushboolean(L, solver->converged);
  lua_setfield(L, -2, "converged");
  lua_pushinteger(L, (lua_Integer)solver->iterations);
  lua_setfield(L, -2, "iterations");
  lua_pushinteger(L, (lua_Integer)solver->products);
  lua_setfield(L, -2, "products");
  lat_matrix residuals = latL_newvector(L, solver->residuals.rows, LAT_FLOAT64)->view;
  lat_copy(&solver->residuals, &residuals);
  lua_setfield(L, -2, "residuals");
  return 3;
}

/* eigen.largest(A or f, k [, {size=, tolerance=, max_iterations=, block=, basis=, seed=, start=}])
 * -> values, vectors, info. The solver's memory is in a workspace of its own, for f may raise, and
 * may call anything. */
static int largest(lua_State *L, const latL_Function *f)
{
  (void)f;
  size_t n, k;
  lat_krylov_options options = check_largest(L, &n, &k);
  if (latL_getoption(L, 3, "start") != LUA_TNIL)
    options.start = &latL_checkmatrix(L, 4, LARGEST, "start")->view;
  const latL_Matrix *A = latL_tomatrix(L, 1);
  lat_workspace *work = latL_callworkspace(L);
  lat_krylov solver;
  lat_status status;
  if (A) {
    status = lat_symmetric_largest(work, &A->view, k, &options, &solver);
  } else {
    status = lat_krylov_init(&solver, work, n, k, &options);
    while (status == LAT_OK && solver.wanted) {
      call_operator(L, &solver);
      status = lat_krylov_next(&solver);
    }
  }
  if (status != LAT_OK) latL_check(L, LARGEST, work, (lat_mark){0}, status);
  int results = push_largest(L, &solver);
  lat_workspace_done(work); /* now, not when the collector comes by */
  return results;
}

static const latL_Function functions[] = {
    {"eigen.symmetric", symmetric, 1, 0, LATL_OPTIONS("k", "vectors", "solver")},
    {"eigen.generalized", generalized, 2, 0, LATL_OPTIONS("k", "vectors")},
    {"eigen.general", general, 1, 0, LATL_OPTIONS("vectors")},
    {"eigen.svd", svd, 1, 0, LATL_OPTIONS("k")},
    {LARGEST, largest, 2, 0,
     LATL_OPTIONS("size", "tolerance", "max_iterations", "block", "basis", "seed", "start")},
    LATL_END};

void latL_open_eigen(lua_State *L)
{
  latL_addtomodule(L, "eigen", functions);
}
