/* nonlinear.c: latent.nonlinear, latent variables behind a net without an encoder. */
#include "deep/nonlinear/nonlinear.h"

#include <math.h>

#include "deep/common/decoder.h"
#include "models/deep/deep.h"

typedef struct nonlinear {
  latL_Deep deep;
  lat_nonlinear core;
  size_t samples;
} nonlinear;

static const latL_Kind kind = {.name = "nonlinear",
                               .metatable = "latent.Nonlinear",
                               .parameters = (const lat_parameter[]){{NULL, {LAT_END}}},
                               .refresh = NULL,
                               .gaps = LATL_GAPS_BY("mppca")};

static void done(void *model)
{
  lat_nonlinear_done(&((nonlinear *)model)->core);
}

/* latent.nonlinear{input_dim=, latent_dim=, hidden=, likelihood=, sigma=, samples=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"input_dim", "latent_dim",      "hidden",
                                      "samples",   LATL_DEEP_OPTIONS, LATL_LIKELIHOOD_OPTIONS,
                                      NULL};
  const char *who = "nonlinear";
  lua_settop(L, 1);
  if (!latL_checkoptions(L, 1, who, names))
    latL_error(L, who, "options are missing: input_dim, latent_dim");
  nonlinear *m = latL_newmodel(L, &kind, sizeof *m);
  lat_deep_options deep = latL_deepoptions(L, who, &m->deep);
  size_t D = latL_requiredsize(L, who, "input_dim", 1 << 24);
  lat_nonlinear_options o = {.latent_dim = latL_requiredsize(L, who, "latent_dim", 1 << 20),
                             .deep = deep,
                             .likelihood = latL_optlikelihood(L, who, D, LAT_P_GAUSSIAN)};
  o.layers = latL_opthidden(L, who, "hidden", 64, o.hidden, LAT_NONLINEAR_LAYERS - 1);
  m->samples = (size_t)latL_optinteger(L, 1, who, "samples", 500, 1, 1 << 24);
  double numbers = 0;
  latL_checkwidths(L, who, o.hidden, o.layers, o.latent_dim, lat_likelihood_outputs(&o.likelihood),
                   &numbers);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_nonlinear_init(work, &m->core, &o));
  m->deep.decoder = &m->core.decoder;
  m->deep.likelihood = &m->core.likelihood;
  m->deep.latent_dim = o.latent_dim;
  latL_deepmade(L, who, &m->deep, &m->core.deep, done);
  return 1;
}

/* ---- steps ------------------------------------------------------------------------------------- */

/* self at 1, data at 2, options at 3 */
static nonlinear *begin(lua_State *L, const char *who, const char *const names[], lat_matrix *X)
{
  lua_settop(L, 3);
  nonlinear *m = latL_checkmodel(L, &kind, who);
  *X = latL_checkdata(L, 2, who, "X", m->core.likelihood.D).X;
  latL_checkoptions(L, 3, who, names);
  return m;
}

static size_t samples_of(lua_State *L, const char *who, const nonlinear *m)
{
  return (size_t)latL_optinteger(L, 3, who, "samples", (lua_Integer)m->samples, 1, 1 << 24);
}

/* step(X [, {samples=, learning_rate=}]) -> loss */
static int step(lua_State *L)
{
  static const char *const names[] = {"samples", "learning_rate", NULL};
  const char *who = "nonlinear:step";
  lat_matrix X;
  double loss;
  nonlinear *m = begin(L, who, names, &X);
  size_t K = samples_of(L, who, m);
  double rate = latL_rate(L, 3, who, &m->deep);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_nonlinear_step(work, &m->core, &X, K, rate, m->deep.clip, &loss));
  latL_stepped(L, &m->deep, m->core.grey);
  lua_pushnumber(L, loss);
  return 1;
}

/* loss(X [, {samples=}]) -> the same of the next step, without taking it; leaves the gradients */
static int loss_of(lua_State *L)
{
  static const char *const names[] = {"samples", NULL};
  const char *who = "nonlinear:loss";
  lat_matrix X;
  double loss;
  nonlinear *m = begin(L, who, names, &X);
  size_t K = samples_of(L, who, m);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_nonlinear_gradient(work, &m->core, &X, K, &loss));
  lua_pushnumber(L, loss);
  return 1;
}

/* ---- use ----------------------------------------------------------------------------------------- */

/* log_likelihood(X [, {samples, seed}]) -> one a row, effective numbers of draws */
static int log_likelihood(lua_State *L)
{
  const char *who = "nonlinear:log_likelihood";
  static const char *const names[] = {"samples", "seed", NULL};
  lua_settop(L, 3);
  nonlinear *m = latL_checkmodel(L, &kind, who);
  latL_Query q = latL_checkdata(L, 2, who, "X", m->core.likelihood.D);
  latL_checkoptions(L, 3, who, names);
  size_t K = (size_t)latL_optinteger(L, 3, who, "samples", 10000, 1, 1 << 30);
  uint64_t seed = latL_optseed(L, 3, who);
  double *result = latL_querycolumn(L, &q), *effective = latL_querycolumn(L, &q);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = lat_likelihood_check_all(work, &m->core.likelihood, &q.X,
                                               m->core.options.deep.dtype, &m->core.grey);
  if (status == LAT_OK)
    status = lat_prior_log_likelihood(work, &m->core.decoder, &m->core.likelihood, &q.X, K, seed,
                                      result, effective);
  latL_check(L, who, work, mark, status);
  return latL_querynumbers(L, &q, 2);
}

void latL_open_nonlinear(lua_State *L)
{
  static const luaL_Reg methods[] = {
      {"step", step}, {"loss", loss_of}, {"log_likelihood", log_likelihood}, {NULL, NULL}};
  static const char *const in_lua[] = {"fit", "steps", NULL};
  latL_newdeepkind(L, &kind, methods, "train", in_lua);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "nonlinear");
}
