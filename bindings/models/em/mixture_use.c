/* mixture/infer.c: what a fitted mixture says of rows, and of other mixtures. */
#include <string.h>

#include "model/density.h"
#include "models/em/mixture.h"

static const char *const missing_option[] = {"missing", NULL};

/* A call about rows: the mixture at 1, the rows at 2, options at `options`. */
typedef struct call {
  latL_Query q;
  const latL_Fitted *f;
  bool own; /* of Lua functions: core is empty */
  bool missing;
  lat_mixture core;
} call;

static int family_of(const latL_Fitted *f)
{
  return ((const latL_Mixture *)latL_owner(f))->family;
}

static call begin(lua_State *L, const char *who, int options, const char *const names[])
{
  call c = {.own = false};
  lua_settop(L, options);
  c.f = latL_checkmixture(L, 1, who);
  size_t D = c.f->sizes[LAT_D];
  c.q = latL_checkquery(L, 2, who, "X", D);
  latL_checkoptions(L, options, who, names);
  c.missing = latL_optboolean(L, options, who, "missing", false);
  c.own = family_of(c.f) == LATL_OWN;
  if (!c.own) c.core = latL_mixtureof(c.f);
  if (c.q.X.cols != D)
    latL_error(L, who, "X has %I columns, the model was fitted on %I", (lua_Integer)c.q.X.cols,
               (lua_Integer)D);
  if (c.own && c.q.one) { /* the functions get rows */
    latL_newview(L, 2, c.q.X, false);
    lua_replace(L, 2);
  }
  return c;
}

static void apply(lua_State *L, const call *c, const lat_mixture_images *images)
{
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->q.who, work,
            lat_mixture_apply(work, &c->core, c->f->flat, &c->q.X, c->missing, images));
}

/* responsibilities(X [, {missing}]) -> N x K; of one row a vector */
static int responsibilities(lua_State *L)
{
  call c = begin(L, "mixture:responsibilities", 3, missing_option);
  if (c.own) {
    latL_ownapply(L, c.q.who, c.missing, LATL_RESPONSIBILITIES);
    if (c.q.one) latL_newview(L, -1, lat_transpose(latL_tomatrix(L, -1)->view), true);
    return 1;
  }
  lat_matrix to = latL_queryrows(L, &c.q, c.core.K);
  apply(L, &c, &(lat_mixture_images){.responsibilities = &to});
  return 1;
}

/* predict(X [, {missing}]) -> vector of labels 1..K */
static int predict(lua_State *L)
{
  call c = begin(L, "mixture:predict", 3, missing_option);
  if (c.own)
    latL_ownapply(L, c.q.who, c.missing, LATL_PREDICT);
  else
    apply(L, &c, &(lat_mixture_images){.labels = latL_querycolumn(L, &c.q)});
  return latL_querylabels(L, &c.q);
}

/* log_likelihood(X [, {missing}]) -> vector */
static latL_Query log_likelihood(lua_State *L)
{
  call c = begin(L, latL_verb(L), 3, missing_option);
  if (c.own)
    latL_ownapply(L, c.q.who, c.missing, LATL_LOG_LIKELIHOOD);
  else
    apply(L, &c, &(lat_mixture_images){.log_likelihood = latL_querycolumn(L, &c.q)});
  return c.q;
}

static size_t free_parameters(lua_State *L)
{
  const char *who = latL_verb(L);
  const latL_Fitted *f = latL_checkmixture(L, 1, who);
  size_t K = f->sizes[LAT_K];
  if (family_of(f) == LATL_OWN) return K - 1 + K * (size_t)latL_ownfree(L, who);
  lat_mixture core = latL_mixtureof(f);
  return lat_mixture_free_parameters(&core);
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
static int elbo(lua_State *L)
{
  const char *who = "mixture:elbo";
  lua_settop(L, 4);
  bool given = !lua_isnil(L, 3);
  if (given) latL_checkmatrix(L, 3, who, "q");
  call c = begin(L, who, 4, missing_option);
  if (c.own) {
    latL_ownapply(L, who, c.missing, LATL_ELBO);
    return latL_querynumbers(L, &c.q, 2);
  }
  lat_mixture_images images = {.q = NULL};
  lat_matrix rows;
  if (given) {
    rows = latL_checkquery(L, 3, who, "q", c.core.K).X;
    if (rows.rows != c.q.X.rows || rows.cols != c.core.K)
      latL_error(L, who,
                 "q is a %s, it should be %Ix%I: a row for each of X, a column for each "
                 "component",
                 latL_shape(L, latL_tomatrix(L, 3)), (lua_Integer)c.q.X.rows,
                 (lua_Integer)c.core.K);
    images.q = &rows;
  }
  images.bound = latL_querycolumn(L, &c.q);
  images.kl = latL_querycolumn(L, &c.q);
  apply(L, &c, &images);
  return latL_querynumbers(L, &c.q, 2);
}

/* impute(X) -> X with its missing entries at their conditional means, or most probable levels */
static int impute(lua_State *L)
{
  static const char *const none[] = {NULL};
  const char *who = "mixture:impute";
  call c = begin(L, who, 3, none);
  if (c.own) latL_error(L, who, "a family of functions doesn't say how");
  c.missing = true;
  lat_matrix to = latL_queryrows(L, &c.q, c.core.D);
  apply(L, &c, &(lat_mixture_images){.imputed = &to});
  return 1;
}

/* sample(n [, {seed}]) -> rows, labels */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who = "mixture:sample";
  lua_settop(L, 3);
  const latL_Fitted *f = latL_checkmixture(L, 1, who);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  if (family_of(f) == LATL_OWN) return latL_ownsample(L, who, n, random);
  lat_mixture core = latL_mixtureof(f);
  lat_matrix X = latL_newmatrix(L, n, core.D, LAT_FLOAT64)->view;
  double *labels = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_mixture_sample(work, &core, f->flat, random, &X, labels));
  return 2;
}

/* The probabilities of column d of a categorical mixture, K x levels: a view. */
static int column(lua_State *L)
{
  latL_nooptions(L, 3, "mixture:column");
  const char *who = "mixture:column";
  lua_settop(L, 2);
  const latL_Fitted *f = latL_checkmixture(L, 1, who);
  if (family_of(f) != LAT_CATEGORICAL) latL_error(L, who, "the family is not \"categorical\"");
  lat_mixture core = latL_mixtureof(f);
  size_t columns = 0, first = 0, at = 0;
  for (size_t d = 0; d < core.D; d++) columns += core.levels[d] > 0;
  size_t wanted = latL_checkindex(L, 2, who, "column", columns);
  for (size_t d = 0; d < core.D; d++) { /* a group of one-hot columns counts once */
    if (core.levels[d] == 0) continue;
    if (at++ == wanted) {
      double *p =
          lat_parameter_at(latL_parametersof(latL_owner(f)), f->sizes, f->flat, "probabilities");
      lat_matrix all = lat_matrix_of(p, core.K, core.M);
      lua_getiuservalue(L, 1, LATL_PARAMETERS);
      latL_newview(L, lua_gettop(L), lat_block_of(all, 0, first, core.K, (size_t)core.levels[d]),
                   false);
      return 1;
    }
    first += (size_t)core.levels[d];
  }
  return 0;
}

/* align(other) -> permutation, distances: component i is now what was number permutation[i], the
 * one that belongs to component i of the other. */
static int align(lua_State *L)
{
  latL_nooptions(L, 3, "mixture:align");
  const char *who = "mixture:align";
  lua_settop(L, 2);
  const latL_Fitted *a = latL_checkmixture(L, 1, who), *b = latL_checkmixture(L, 2, who);
  const size_t *sizes = a->sizes, *others = b->sizes;
  size_t K = sizes[LAT_K];
  if (family_of(a) == LATL_OWN) latL_error(L, who, "a family of functions has no distances");
  if (family_of(a) != family_of(b) || memcmp(sizes, others, LAT_SIZES * sizeof *sizes) != 0)
    latL_error(L, who,
               "the other has %I components of %I columns, this one %I of %I, and the family and "
               "the levels must be the same",
               (lua_Integer)others[LAT_K], (lua_Integer)others[LAT_D], (lua_Integer)K,
               (lua_Integer)sizes[LAT_D]);
  lat_mixture core = latL_mixtureof(a), other = latL_mixtureof(b);
  if (family_of(a) == LAT_CATEGORICAL &&
      memcmp(core.levels, other.levels, 2 * core.D * sizeof *core.levels) != 0)
    latL_error(L, who, "the columns of the other have other levels");
  double *costs = latL_newmatrix(L, K, K, LAT_FLOAT64)->view.data;
  lat_mixture_distances(&core, b->flat, a->flat, costs);
  size_t *order = latL_matchcomponents(L, who, K, costs);
  int results = lua_gettop(L) - 1;
  lua_getiuservalue(L, 1, LATL_OF_MODEL);
  latL_copyfitted(L, 1);
  latL_reordermixture(L, results + 3, who, order);
  latL_publish(L, results + 2);
  lua_settop(L, results);
  return 2;
}

static const luaL_Reg methods[] = {
    {"responsibilities", responsibilities},
    {"predict", predict},
    {"elbo", elbo},
    {"impute", impute},
    {"sample", sample},
    {"column", column},
    {"align", align},
    {NULL, NULL},
};

void latL_addmixtureuses(lua_State *L)
{
  static const latL_Density density = {.log_likelihood = log_likelihood,
                                       .free_parameters = free_parameters};
  latL_addmethods(L, LATL_MIXTURE, methods);
  latL_adddensity(L, LATL_MIXTURE, "mixture", NULL, &density);
}
