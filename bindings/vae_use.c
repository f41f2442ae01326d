/* vae_use.c: what a VAE is for, in Lua. */
#include "vae.h"

#include "deep/decoder.h"

/* ---- calls --------------------------------------------------------------------------------------- */

typedef struct call {
  const char *who;
  latL_Vae *vae;
  lat_matrix X; /* the data, or latent variables */
  const size_t *labels;
} call;

static size_t latent_dim(const call *c)
{
  return c->vae->core.options.latent_dim;
}

/* self at 1, rows at 2 (of the data, or of the latent space), options at 3. What is pushed later
 * comes from 6 on. */
static call begin(lua_State *L, const char *who, bool latent, const char *const names[])
{
  lua_settop(L, 3);
  call c = {.who = who, .vae = latL_checkmodel(L, &latL_vae_kind, who, false)};
  size_t columns = latent ? latent_dim(&c) : c.vae->core.likelihood.D;
  c.X = latL_checkdata(L, 2, who, latent ? "Z" : "X", columns);
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "labels");
  c.labels = latL_optclasslabels(L, 4, who, c.X.rows, c.vae->core.options.classes, c.vae->lowest);
  return c;
}

static lat_matrix new_rows(lua_State *L, const call *c, size_t columns)
{
  return latL_newmatrix(L, c->X.rows, columns, c->vae->core.options.dtype)->view;
}

static double *new_column(lua_State *L, const call *c)
{
  return latL_newvector(L, c->X.rows, LAT_FLOAT64)->view.data;
}

static uint64_t opt_seed(lua_State *L, const char *who)
{
  return (uint64_t)latL_optinteger(L, 3, who, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
}

static const char *const labels_only[] = {"labels", NULL};

/* ---- the latent space ------------------------------------------------------------------------------ */

/* encode(X [, {labels}]) -> means, variances */
static int encode(lua_State *L)
{
  call c = begin(L, "vae:encode", false, labels_only);
  lat_matrix mean = new_rows(L, &c, latent_dim(&c)), variance = new_rows(L, &c, latent_dim(&c));
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, c.who, work, mark,
             lat_vae_encode(work, &c.vae->core, &c.X, c.labels, &mean, &variance));
  return 2;
}

static int transform(lua_State *L)
{
  call c = begin(L, "vae:transform", false, labels_only);
  lat_matrix mean = new_rows(L, &c, latent_dim(&c));
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, c.who, work, mark, lat_vae_encode(work, &c.vae->core, &c.X, c.labels, &mean, NULL));
  return 1;
}

static int decode_named(lua_State *L, const char *who)
{
  static const char *const names[] = {"labels", "variance", NULL};
  call c = begin(L, who, true, names);
  size_t D = c.vae->core.likelihood.D;
  bool with_variance = latL_optboolean(L, 3, c.who, "variance", false);
  lat_matrix mean = new_rows(L, &c, D), variance;
  if (with_variance) variance = new_rows(L, &c, D);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, c.who, work, mark,
             lat_decode(work, &c.vae->core.decoder, &c.vae->core.likelihood, &c.X, c.labels,
                        c.vae->core.options.classes, &mean, with_variance ? &variance : NULL));
  return with_variance ? 2 : 1;
}

/* decode(Z [, {labels, variance}]) -> means of x [, variances] */
static int decode(lua_State *L)
{
  return decode_named(L, "vae:decode");
}

static int inverse_transform(lua_State *L)
{
  return decode_named(L, "vae:inverse_transform");
}

/* reconstruct(X [, {labels}]) -> the decoded means */
static int reconstruct(lua_State *L)
{
  call c = begin(L, "vae:reconstruct", false, labels_only);
  lat_matrix Z = new_rows(L, &c, latent_dim(&c)), Y = new_rows(L, &c, c.vae->core.likelihood.D);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = lat_vae_encode(work, &c.vae->core, &c.X, c.labels, &Z, NULL);
  if (status == LAT_OK)
    status = lat_decode(work, &c.vae->core.decoder, &c.vae->core.likelihood, &Z, c.labels,
                        c.vae->core.options.classes, &Y, NULL);
  latL_check(L, c.who, work, mark, status);
  return 1;
}

/* sample(n [, {seed, labels, mean}]) -> rows, latent variables */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", "labels", "mean", NULL};
  const char *who = "vae:sample";
  lua_settop(L, 3);
  latL_Vae *v = latL_checkmodel(L, &latL_vae_kind, who, false);
  size_t n = latL_checksize(L, 2, who, "n"), M = v->core.options.latent_dim;
  size_t classes = v->core.options.classes;
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "labels");
  const size_t *labels = latL_optclasslabels(L, 4, who, n, classes, v->lowest);
  bool mean = latL_optboolean(L, 3, who, "mean", false);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_matrix X = latL_newmatrix(L, n, v->core.likelihood.D, v->core.options.dtype)->view;
  lat_matrix Z = latL_newmatrix(L, n, M, v->core.options.dtype)->view;
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(
      L, who, work, mark,
      lat_draw(work, &v->core.decoder, &v->core.likelihood, labels, classes, mean, random, &Z, &X));
  return 2;
}

/* ---- likelihoods ------------------------------------------------------------------------------------ */

/* elbo(X [, {samples, seed, labels}]) -> the bound, reconstruction, KL: bound = -reconstruction - KL */
static int elbo(lua_State *L)
{
  static const char *const names[] = {"samples", "seed", "labels", NULL};
  call c = begin(L, "vae:elbo", false, names);
  size_t samples = (size_t)latL_optinteger(L, 3, c.who, "samples", 1, 1, 1 << 30);
  uint64_t seed = opt_seed(L, c.who);
  double *bound = new_column(L, &c), *reconstruction = new_column(L, &c), *kl = new_column(L, &c);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, c.who, work, mark,
             lat_vae_bound(work, &c.vae->core, &c.X, c.labels, samples, seed, reconstruction, kl));
  for (size_t i = 0; i < c.X.rows; i++) bound[i] = -reconstruction[i] - kl[i];
  return 3;
}

/* Pushes the log-likelihoods and the effective numbers of draws. */
static lat_matrix push_log_likelihood(lua_State *L, const char *who)
{
  static const char *const names[] = {"samples", "method", "seed", "labels", NULL};
  static const char *const methods[] = {"importance", "prior", NULL};
  call c = begin(L, who, false, names);
  size_t K = (size_t)latL_optinteger(L, 3, who, "samples", 5000, 1, 1 << 30);
  bool prior = latL_optword(L, 3, who, "method", methods, 0) == 1;
  uint64_t seed = opt_seed(L, who);
  if (prior && c.labels)
    latL_error(L, who, "method = \"prior\" shares its draws among all rows, which labels forbid");
  lat_matrix result = latL_newvector(L, c.X.rows, LAT_FLOAT64)->view;
  double *effective = new_column(L, &c);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_vae *core = &c.vae->core;
  lat_status status = prior ? lat_vae_check(work, core, &c.X, c.labels) : LAT_OK;
  if (status == LAT_OK)
    status =
        prior ? lat_prior_log_likelihood(work, &core->decoder, &core->likelihood, &c.X, K, seed,
                                         result.data, effective)
              : lat_vae_log_likelihood(work, core, &c.X, c.labels, K, seed, result.data, effective);
  latL_check(L, who, work, mark, status);
  return result;
}

static int log_likelihood(lua_State *L)
{
  push_log_likelihood(L, "vae:log_likelihood");
  return 2;
}

static int score(lua_State *L)
{
  lat_matrix l = push_log_likelihood(L, "vae:score");
  double sum = 0;
  for (size_t i = 0; i < l.rows; i++) sum += lat_get(&l, i, 0);
  lua_pushnumber(L, sum / (double)l.rows);
  return 1;
}

const luaL_Reg latL_vae_uses[] = {{"encode", encode},
                                  {"transform", transform},
                                  {"decode", decode},
                                  {"inverse_transform", inverse_transform},
                                  {"reconstruct", reconstruct},
                                  {"sample", sample},
                                  {"elbo", elbo},
                                  {"log_likelihood", log_likelihood},
                                  {"score", score},
                                  {NULL, NULL}};
