/* batches.c: the inner step of latent.batches (latent/batches.lua). */
#include <math.h>

#include "deep/common/batch.h"
#include "lua/matrix.h"
#include "lua/modules.h"
#include "lua/random.h"
#include "lua/state.h"

/* _gather(X, rows, out, scale, how, random) -> out, whose rows are X's of these numbers, scaled,
 * then binarized (how is nil, "dynamic", "static" or "threshold"). In place of `out` may stand
 * the dtype of a fresh one. */
static int gather(lua_State *L, const latL_Function *f)
{
  static const char *const words[] = {"none", "dynamic", "static", "threshold", NULL};
  const char *who = f->who;
  lua_settop(L, 6);
  const latL_Matrix *X = latL_checkmatrix(L, 1, who, "X");
  const lat_matrix rows = latL_checkvector(L, 2, who, "rows");
  static const char *const dtypes[] = {"float64", "float32", NULL};
  if (lua_type(L, 3) == LUA_TSTRING) {
    lat_dtype dtype = (lat_dtype)luaL_checkoption(L, 3, NULL, dtypes);
    if (X->vector)
      latL_newvector(L, rows.rows, dtype);
    else
      latL_newmatrix(L, rows.rows, X->view.cols, dtype);
    lua_replace(L, 3);
  }
  const latL_Matrix *out = latL_checkmatrix(L, 3, who, "out");
  double scale = luaL_checknumber(L, 4);
  lat_binarize how = (lat_binarize)luaL_checkoption(L, 5, "none", words);
  lat_random *random = latL_checkrandom(L, 6, who);
  latL_checkwritable(L, out, who, "out");
  if (out->view.rows != rows.rows || out->view.cols != X->view.cols)
    latL_error(L, who, "out is a %s, the batch is %Ix%I", latL_shape(L, out),
               (lua_Integer)rows.rows, (lua_Integer)X->view.cols);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  size_t *place = lat_allocate(work, rows.rows, sizeof *place);
  if (!place) latL_check(L, who, work, mark, LAT_MEMORY);
  for (size_t k = 0; k < rows.rows; k++) {
    double i = lat_get(&rows, k, 0);
    if (!(i >= 1 && i <= (double)X->view.rows && i == floor(i))) {
      lat_workspace_release(work, mark);
      latL_error(L, who, "row %f is outside 1..%I", i, (lua_Integer)X->view.rows);
    }
    place[k] = (size_t)i - 1;
  }
  latL_check(L, who, work, mark, lat_batch(work, &X->view, place, scale, how, random, &out->view));
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

static const latL_Function functions[] = {
    {"batches", gather, .name = "_gather"}, {"batches", shares, .name = "_shares"}, LATL_END};

void latL_open_batches(lua_State *L)
{
  latL_addfunctions(L, functions);
}
