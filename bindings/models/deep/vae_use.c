/* vae/infer.c: what a VAE is for, in Lua. */
#include "models/deep/vae.h"

#include <math.h>

#include "deep/common/decoder.h"

/* ---- calls --------------------------------------------------------------------------------------- */

typedef struct call {
  latL_Query q;
  latL_Vae *vae;
  const size_t *labels;
} call;

static size_t latent_dim(const call *c)
{
  return c->vae->core.options.latent_dim;
}

/* self at 1, data at 2, options at 3; pushes values that must stay. */
static call begin(lua_State *L, const char *who, const char *const names[])
{
  lua_settop(L, 3);
  call c = {.vae = latL_checkmodel(L, &latL_vae_kind, who)};
  c.q = latL_checkdata(L, 2, who, "X", c.vae->core.likelihood.D);
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "labels");
  c.labels =
      latL_optclasslabels(L, 4, who, c.q.X.rows, c.vae->core.options.classes, c.vae->deep.lowest);
  return c;
}

static lat_matrix new_rows(lua_State *L, const call *c, size_t columns)
{
  return latL_queryresult(L, &c->q, 0, columns, c->vae->core.options.deep.dtype, LATL_APART).view;
}

static const char *const labels_only[] = {"labels", NULL};

/* ---- the latent space ------------------------------------------------------------------------------ */

/* encode(X [, {labels}]) -> means, variances */
static int encode(lua_State *L)
{
  call c = begin(L, "vae:encode", labels_only);
  lat_matrix mean = new_rows(L, &c, latent_dim(&c)), variance = new_rows(L, &c, latent_dim(&c));
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.q.who, work,
            lat_vae_encode(work, &c.vae->core, &c.q.X, c.labels, &mean, &variance));
  return 2;
}

static int transform(lua_State *L)
{
  call c = begin(L, "vae:transform", labels_only);
  lat_matrix mean = new_rows(L, &c, latent_dim(&c));
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.q.who, work, lat_vae_encode(work, &c.vae->core, &c.q.X, c.labels, &mean, NULL));
  return 1;
}

/* reconstruct(X [, {labels}]) -> the decoded means */
static int reconstruct(lua_State *L)
{
  call c = begin(L, "vae:reconstruct", labels_only);
  lat_matrix Z = new_rows(L, &c, latent_dim(&c)), Y = new_rows(L, &c, c.vae->core.likelihood.D);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = lat_vae_encode(work, &c.vae->core, &c.q.X, c.labels, &Z, NULL);
  if (status == LAT_OK)
    status = lat_decode(work, &c.vae->core.decoder, &c.vae->core.likelihood, &Z, c.labels,
                        c.vae->core.options.classes, &Y, NULL);
  latL_check(L, c.q.who, work, mark, status);
  return 1;
}

/* ---- likelihoods ------------------------------------------------------------------------------------ */

/* The option `name`, N x M finite numbers above `least`; pushes it. False when there is none. */
static bool latent_option(lua_State *L, const call *c, const char *name, double least,
                          lat_matrix *A)
{
  if (latL_getoption(L, 3, name) == LUA_TNIL) return false;
  *A = latL_checkdata(L, lua_gettop(L), c->q.who, name, latent_dim(c)).X;
  if (A->rows != c->q.X.rows)
    latL_error(L, c->q.who, "%s has %I rows, X has %I", name, (lua_Integer)A->rows,
               (lua_Integer)c->q.X.rows);
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++)
      if (!(lat_get(A, i, j) > least && lat_get(A, i, j) < (double)INFINITY))
        latL_error(L, c->q.who, "%s(%I,%I) is %f; they are finite%s", name, (lua_Integer)i + 1,
                   (lua_Integer)j + 1, lat_get(A, i, j), least < 0 ? "" : " and > 0");
  return true;
}

/* elbo(X [, {means, variances, samples, seed, labels}]) -> the bound, reconstruction, KL:
 * bound = -reconstruction - KL */
static int elbo(lua_State *L)
{
  static const char *const names[] = {"means", "variances", "samples", "seed", "labels", NULL};
  call c = begin(L, "vae:elbo", names);
  lat_matrix mean, variance;
  bool own = latent_option(L, &c, "means", -(double)INFINITY, &mean);
  if (latent_option(L, &c, "variances", 0, &variance) != own)
    latL_error(L, c.q.who, "means and variances of q belong together: %s are missing",
               own ? "variances" : "means");
  size_t samples = (size_t)latL_optinteger(L, 3, c.q.who, "samples", 1, 1, 1 << 30);
  uint64_t seed = latL_optseed(L, 3, c.q.who);
  double *bound = latL_querycolumn(L, &c.q), *reconstruction = latL_querycolumn(L, &c.q),
         *kl = latL_querycolumn(L, &c.q);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.q.who, work,
            lat_vae_bound(work, &c.vae->core, &c.q.X, c.labels, own ? &mean : NULL,
                          own ? &variance : NULL, samples, seed, reconstruction, kl));
  for (size_t i = 0; i < c.q.X.rows; i++) bound[i] = -reconstruction[i] - kl[i];
  return latL_querynumbers(L, &c.q, 3);
}

/* log_likelihood(X [, {samples, method, seed, labels}]) -> one a row, effective numbers of draws */
static int log_likelihood(lua_State *L)
{
  const char *who = "vae:log_likelihood";
  static const char *const names[] = {"samples", "method", "seed", "labels", NULL};
  static const char *const methods[] = {"importance", "prior", NULL};
  call c = begin(L, who, names);
  size_t K = (size_t)latL_optinteger(L, 3, who, "samples", 5000, 1, 1 << 30);
  bool prior = latL_optword(L, 3, who, "method", methods, 0) == 1;
  uint64_t seed = latL_optseed(L, 3, who);
  if (prior && c.labels)
    latL_error(L, who, "method = \"prior\" shares its draws among all rows, which labels forbid");
  double *result = latL_querycolumn(L, &c.q), *effective = latL_querycolumn(L, &c.q);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_vae *core = &c.vae->core;
  lat_status status = prior ? lat_vae_check(work, core, &c.q.X, c.labels) : LAT_OK;
  if (status == LAT_OK)
    status = prior
                 ? lat_prior_log_likelihood(work, &core->decoder, &core->likelihood, &c.q.X, K,
                                            seed, result, effective)
                 : lat_vae_log_likelihood(work, core, &c.q.X, c.labels, K, seed, result, effective);
  latL_check(L, who, work, mark, status);
  return latL_querynumbers(L, &c.q, 2);
}

const luaL_Reg latL_vae_uses[] = {
    {"encode", encode}, {"transform", transform},           {"reconstruct", reconstruct},
    {"elbo", elbo},     {"log_likelihood", log_likelihood}, {NULL, NULL}};
