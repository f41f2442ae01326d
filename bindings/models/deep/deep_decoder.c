/* deep_decoder.c: what all models with a decoder do with it. */
#include "deep/common/decoder.h"
#include "models/deep/deep.h"

static lat_matrix new_rows(lua_State *L, const latL_Deep *m, size_t rows, size_t cols)
{
  return latL_newmatrix(L, rows, cols, m->core->store.dtype)->view;
}

static int decode_as(lua_State *L, const char *verb)
{
  static const char *const names[] = {"labels", "variance", NULL};
  const char *who;
  lua_settop(L, 3);
  const latL_Deep *m = latL_checkdeep(L, verb, &who);
  latL_Query q = latL_checkdata(L, 2, who, "Z", m->latent_dim);
  latL_checkoptions(L, 3, who, names + !m->labelled); /* labels are the first */
  bool with_variance = latL_optboolean(L, 3, who, "variance", false);
  latL_getoption(L, 3, "labels");
  const size_t *labels = latL_optclasslabels(L, -1, who, q.X.rows, m->classes, m->lowest);
  lat_dtype dtype = m->core->store.dtype;
  size_t D = m->likelihood->D;
  latL_Result mean = latL_queryresult(L, &q, 0, D, dtype, LATL_APART), variance;
  if (with_variance) variance = latL_queryresult(L, &q, 0, D, dtype, LATL_APART);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_decode(work, m->decoder, m->likelihood, &q.X, labels, m->classes, &mean.view,
                       with_variance ? &variance.view : NULL));
  return with_variance ? 2 : 1;
}

/* decode(Z [, {labels, variance}]) -> means of x [, variances] */
static int decode(lua_State *L)
{
  return decode_as(L, "decode");
}

static int inverse_transform(lua_State *L)
{
  return decode_as(L, "inverse_transform");
}

/* sample(n [, {seed, labels, mean}]) -> rows, latent variables */
static int sample(lua_State *L)
{
  static const char *const names[] = {"labels", "seed", "mean", NULL};
  const char *who;
  lua_settop(L, 3);
  const latL_Deep *m = latL_checkdeep(L, "sample", &who);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names + !m->labelled); /* labels are the first */
  bool mean = latL_optboolean(L, 3, who, "mean", false);
  latL_getoption(L, 3, "labels");
  const size_t *labels = latL_optclasslabels(L, -1, who, n, m->classes, m->lowest);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_matrix X = new_rows(L, m, n, m->likelihood->D), Z = new_rows(L, m, n, m->latent_dim);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_draw(work, m->decoder, m->likelihood, labels, m->classes, mean, random, &Z, &X));
  return 2;
}

/* score(X [, options]) -> the mean of log_likelihood(X, options) */
static int score(lua_State *L)
{
  const char *who;
  lua_settop(L, 3);
  latL_checkdeep(L, "score", &who);
  lua_getfield(L, 1, "log_likelihood");
  lua_insert(L, 1);
  lua_pop(L, 1);
  lua_call(L, 3, 1);
  if (lua_type(L, -1) == LUA_TNUMBER) return 1; /* of one row */
  lat_matrix l = latL_tomatrix(L, -1)->view;
  double sum = 0;
  for (size_t i = 0; i < l.rows; i++) sum += lat_get(&l, i, 0);
  lua_pushnumber(L, sum / (double)l.rows);
  return 1;
}

const luaL_Reg latL_decoder_uses[] = {{"decode", decode},
                                      {"inverse_transform", inverse_transform},
                                      {"sample", sample},
                                      {"score", score},
                                      {NULL, NULL}};
