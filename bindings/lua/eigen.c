/* eigen.c: eigen.largest, the largest eigenvalues of a matrix, or of a function that multiplies. */
#include "base/progress.h"
#include "eigen/krylov.h"

#include <limits.h>

#include "lua/binding.h"

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
               latL_typename(L, -1));
  if (result->view.rows != n || result->view.cols != b)
    latL_error(L, LARGEST, "the function must return a %dx%d matrix, got a %s", (int)n, (int)b,
               latL_shape(L, result));
  lat_copy(&result->view, &solver->W);
  lua_pop(L, 1);
}

static lat_krylov_options check_largest(lua_State *L, size_t *n, size_t *k)
{
  lat_krylov_options options;
  lat_options_default(lat_krylov_table, &options, sizeof options);
  if (lua_type(L, 1) == LUA_TFUNCTION) {
    *n = (size_t)latL_optinteger(L, 3, LARGEST, "size", 0, 1, INT_MAX);
    if (*n == 0)
      latL_error(L, LARGEST, "a function needs the option size, its number of rows and columns");
  } else {
    const latL_Matrix *A = latL_checkmatrix(L, 1, LARGEST, "A");
    *n = A->view.rows;
    if (A->vector || A->view.cols != *n)
      latL_error(L, LARGEST, "A must be square, got a %s", latL_shape(L, A));
    size_t size = latL_optsize(L, 3, LARGEST, "size", *n, 1);
    if (size != *n)
      latL_error(L, LARGEST, "size is %I, but A has %I rows", (lua_Integer)size, (lua_Integer)*n);
  }
  *k = latL_checksize(L, 2, LARGEST, "k");
  if (*k > *n)
    latL_error(L, LARGEST, "k must be from 1 to the size %d, got %I", (int)*n, (lua_Integer)*k);
  latL_readfields(L, 3, LARGEST, lat_krylov_table, &options);
  return options;
}

static void push_copy(lua_State *L, const lat_matrix *A, bool vector)
{
  latL_Matrix *copy = latL_newmatrix(L, A->rows, A->cols, LAT_FLOAT64);
  copy->vector = vector;
  lat_copy(A, &copy->view);
}

/* Pushes values, vectors and the table of what happened. */
static int push_largest(lua_State *L, const lat_krylov *solver)
{
  push_copy(L, &solver->values, true);
  push_copy(L, &solver->vectors, false);
  lua_createtable(L, 0, 4);
  lua_pushboolean(L, solver->converged);
  lua_setfield(L, -2, "converged");
  lua_pushinteger(L, (lua_Integer)solver->iterations);
  lua_setfield(L, -2, "iterations");
  lua_pushinteger(L, (lua_Integer)solver->products);
  lua_setfield(L, -2, "products");
  push_copy(L, &solver->residuals, true);
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
  latL_optprogress(L, 3, LARGEST);
  lat_workspace *work = latL_callworkspace(L);
  LAT_STEPS(work, steps, 0, NULL); /* of the products that it will need */
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

const latL_Function latL_eigen_functions[] = {
    {LARGEST, largest, 2, 0,
     LATL_OPTIONS("size", "tolerance", "max_iterations", "block", "basis", "seed", "start",
                  "progress")},
    LATL_END};
