/* batches.c: the inner step of latent.batches (latent/batches.lua). */
#include "deep/common/batch.h"
#include "lua/binding.h"

/* _gather(X, rows, out, scale, how, random) -> out, whose rows are X's of these numbers, scaled,
 * then binarized (how is nil, "dynamic", "static" or "threshold"). In place of `out` may stand
 * the dtype of a fresh one. */
static int gather(lua_State *L, const latL_Function *f)
{
  static const char *const words[] = {"none", "dynamic", "static", "threshold", NULL};
  const char *who = f->who;
  lua_settop(L, 6);
  const latL_Matrix *X = latL_checkmatrix(L, 1, who, "X");
  static const char *const dtypes[] = {"float64", "float32", NULL};
  size_t count;
  const size_t *places = latL_checkplaces(L, 2, who, "row", X->view.rows, false, &count);
  if (lua_type(L, 3) == LUA_TSTRING) {
    latL_Matrix *fresh =
        latL_newmatrix(L, count, X->view.cols, (lat_dtype)luaL_checkoption(L, 3, NULL, dtypes));
    fresh->vector = X->vector;
    lua_replace(L, 3);
  }
  const latL_Matrix *out = latL_checkmatrix(L, 3, who, "out");
  double scale = luaL_checknumber(L, 4);
  lat_binarize how = (lat_binarize)luaL_checkoption(L, 5, "none", words);
  lat_random *random = latL_checkrandom(L, 6, who);
  latL_checkwritable(L, out, who, "out");
  if (out->view.rows != count || out->view.cols != X->view.cols)
    latL_error(L, who, "out is a %s, the batch is %Ix%I", latL_shape(L, out), (lua_Integer)count,
               (lua_Integer)X->view.cols);
  latL_run(L, who, lat_batch, &X->view, places, scale, how, random, &out->view);
  lua_settop(L, 3);
  return 1;
}

/* _shares(A, B): whether they have memory in common */
static int shares(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, f->who, "B");
  return latL_returnboolean(L, lat_overlaps(&A->view, &B->view));
}

const latL_Function latL_batches_functions[] = {
    {"batches", gather, .name = "_gather"}, {"batches", shares, .name = "_shares"}, LATL_END};
