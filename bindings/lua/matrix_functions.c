/* matrix_functions.c: linear algebra's methods of matrices and the functions of latent.eigen and
 * latent._metrics (latent.metrics has more, in Lua), by the core's tables (matrix/functions.h). */
#include "matrix/functions.h"

#include <math.h>
#include <string.h>

#include "eigen/eigen.h"
#include "lua/binding.h"
#include "matrix/samples/metrics.h"

static const latL_Matrix *check_argument(lua_State *L, int arg, const latL_Function *f)
{
  const char name[] = {((const lat_function *)f->of)->takes[arg - 1], '\0'};
  const latL_Matrix *A = latL_checkmatrix(L, arg, f->who, name);
  const bool square = !A->vector && A->view.rows == A->view.cols;
  if (((const lat_function *)f->of)->square && !square)
    latL_error(L, f->who, "%s must be square, got a %s", name, latL_shape(L, A));
  return A;
}

/* The argument `tolerance`, a share of the largest singular value. */
static double check_tolerance(lua_State *L, int arg, const char *who)
{
  if (lua_isnil(L, arg)) return (double)NAN;
  double tolerance = latL_checknumber(L, arg, who, "tolerance");
  if (!(tolerance >= 0 && tolerance <= 1))
    latL_error(L, who, "tolerance must be a number from 0 to 1, got %f", tolerance);
  return tolerance;
}

/* The kind of norm at `arg`: a word, or 1, 2, math.huge as mathematics writes them. */
static lat_norm_kind check_norm(lua_State *L, int arg)
{
  static const char *const words[] = {
      [LAT_NORM_FROBENIUS] = "fro", [LAT_NORM_ONE] = "1",   [LAT_NORM_TWO] = "2",
      [LAT_NORM_INFINITY] = "inf",  [LAT_NORM_MAX] = "max", [LAT_NORM_NUCLEAR] = "nuclear"};
  const int type = lua_type(L, arg);
  if (type == LUA_TNIL) return LAT_NORM_FROBENIUS;
  for (int i = 0; i <= LAT_NORM_NUCLEAR; i++) {
    const bool number = i == LAT_NORM_ONE || i == LAT_NORM_TWO;
    if (type == LUA_TNUMBER && number && lua_tonumber(L, arg) == i) return (lat_norm_kind)i;
    if (type == LUA_TSTRING && !number && strcmp(words[i], lua_tostring(L, arg)) == 0)
      return (lat_norm_kind)i;
  }
  if (type != LUA_TNUMBER || lua_tonumber(L, arg) != HUGE_VAL)
    latL_error(L, "A:norm", "kind must be \"fro\", 1, 2, \"inf\", \"max\" or \"nuclear\", got %s",
               latL_got(L, arg));
  return LAT_NORM_INFINITY;
}

static size_t side_of(char letter, const lat_function_call *c)
{
  if (letter == 'k') return c->k;
  if (letter == 'm') return c->B->cols;
  return letter == 'n' ? c->A->rows : c->A->cols;
}

/* Pushes the matrices that are wanted, and moves `gives` on to the numbers; how many there are. */
static int push_results(lua_State *L, const char **gives, lat_dtype dtype, bool vector,
                        lat_function_call *c)
{
  int wanted = 0;
  for (int i = 0; **gives && !strchr("#%", **gives); i++) {
    const char *sides = *gives + (**gives == '?');
    const size_t letters = strcspn(sides, " ");
    if (sides == *gives || c->vectors) {
      latL_Matrix *A =
          latL_newmatrix(L, side_of(sides[0], c), letters == 1 ? 1 : side_of(sides[1], c), dtype);
      A->vector = letters == 1 || (sides[1] == 'm' && vector);
      c->results[i] = A->view;
      wanted++;
    }
    *gives = sides + letters + (sides[letters] == ' ');
  }
  return wanted;
}

static int compute(lua_State *L, const latL_Function *f)
{
  const lat_function *function = f->of;
  const char *gives = function->gives;
  lat_function_call c = {.tolerance = (double)NAN, .vectors = true};
  if (f->table) lat_options_default(f->table, &c, sizeof c);
  const latL_Matrix *A = check_argument(L, 1, f), *B = NULL;
  for (const char *t = function->takes + 1; *t; t++) {
    if (*t == 'B' || *t == 'Y') B = check_argument(L, 2, f);
    if (*t == 't') c.tolerance = check_tolerance(L, 2, f->who);
    if (*t == 'n') c.norm = check_norm(L, 2);
  }
  c.A = &A->view;
  c.B = B ? &B->view : NULL;
  c.k = c.A->rows < c.A->cols ? c.A->rows : c.A->cols;
  if (f->table) {
    const int options = f->arguments + 1;
    size_t k = c.k;
    if (lat_option_find(f->table, "k"))
      k = (size_t)latL_optinteger(L, options, f->who, "k", (lua_Integer)k, 1, (lua_Integer)k);
    latL_readtable(L, options, f->who, f->table, NULL, &c);
    c.k = k;
  }
  const bool narrow =
      !function->wide && c.A->dtype == LAT_FLOAT32 && (!B || B->view.dtype == LAT_FLOAT32);
  int results = push_results(L, &gives, narrow ? LAT_FLOAT32 : LAT_FLOAT64, B && B->vector, &c);
  latL_run(L, f->who, function->call, &c);
  for (int i = 0; *gives; gives++) {
    if (*gives == ' ') continue;
    if (*gives == '%')
      lua_pushinteger(L, (lua_Integer)c.numbers[i++]);
    else
      lua_pushnumber(L, c.numbers[i++]);
    results++;
  }
  return results;
}

/* To the class, or to the table on the top of the stack. */
static void add(lua_State *L, const char *metatable, const lat_function *functions)
{
  for (const lat_function *o = functions; o->name; o++) {
    const int arguments = (int)strlen(o->takes);
    latL_addrow(L, metatable,
                &(latL_Function){o->name, compute, arguments, .table = o->options, .of = o});
  }
}

void latL_open_matrix_functions(lua_State *L)
{
  add(L, LATL_MATRIX, lat_linear_functions);
  luaL_getsubtable(L, -1, "eigen");
  add(L, NULL, lat_eigen_functions);
  lua_pop(L, 1);
  lua_newtable(L);
  add(L, NULL, lat_metric_functions);
  lua_setfield(L, -2, "_metrics");
}
