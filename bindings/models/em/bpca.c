/* bpca.c: latent.bpca, Bayesian PCA. */
#include <math.h>
#include <string.h>

#include "model/em.h"
#include "models/em/factor.h"

typedef struct latL_Bpca {
  latL_EmModel em;
  bool all; /* latent_dim wasn't given: as many as there can be */
  size_t latent_dim;
  bool iterate; /* method = "em" */
} latL_Bpca;

static const char *const methods_of_fit[] = {"closed_form", "em", NULL};

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void publish(lua_State *L, latL_Run *run, int fitted);

static const latL_EmKind kind = {.base = {.name = "bpca",
                                          .metatable = "latent.BPCA",
                                          .parameters = lat_bpca_parameters,
                                          .refresh = NULL,
                                          .gaps = LATL_KNOWS_GAPS},
                                 .missing = true,
                                 .plan = plan,
                                 .start = start,
                                 .publish = publish};

/* latent.bpca{latent_dim=, method=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"latent_dim", "method",     "max_iterations",
                                      "tolerance",  "accelerate", NULL}; /* its start is one */
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "bpca", names);
  latL_Bpca *p = latL_newmodel(L, &kind.base, sizeof *p);
  latL_emoptions(L, 1, "bpca", &p->em, 10000, 1e-10, 1);
  p->em.options.accelerate = latL_optboolean(L, 1, "bpca", "accelerate", true);
  p->all = latL_getoption(L, 1, "latent_dim") == LUA_TNIL;
  lua_pop(L, 1);
  p->latent_dim = (size_t)latL_optinteger(L, 1, "bpca", "latent_dim", 0, 0, 1 << 20);
  p->iterate = latL_optword(L, 1, "bpca", "method", methods_of_fit, 1) == 1;
  return 1;
}

static lat_bpca core_of(const latL_Fitted *f)
{
  return lat_bpca_of(f->flat, f->sizes[LAT_D], f->sizes[LAT_M]);
}

static lat_factor_model view(const latL_Fitted *f)
{
  lat_bpca b = core_of(f);
  return lat_bpca_model(&b);
}

static size_t rank(const lat_factor_model *m)
{
  return lat_bpca_dimensions(m->W, m->D, m->M);
}

static const latL_FactorKind factors = {&kind.base, view, lat_ppca_free_parameters, rank};

/* Columns with more than one value. */
static size_t count_varying(const lat_matrix *X)
{
  size_t count = 0;
  for (size_t j = 0; j < X->cols; j++) {
    double first = NAN;
    size_t i = 0;
    for (; i < X->rows; i++) {
      double x = lat_get(X, i, j);
      if (isnan(first)) first = x;
      if (x > first || x < first) break;
    }
    count += i < X->rows;
  }
  return count;
}

/* The most latent dimensions: one less than the columns that vary, and of N rows N - 2, so that
 * something is left to be noise. */
static size_t most_dimensions(const latL_Bpca *p, size_t varying, size_t N)
{
  if (!p->all) return p->latent_dim;
  size_t most = varying > 0 ? varying - 1 : 0;
  if (most + 2 <= N) return most;
  return N > 2 ? N - 2 : most > 0;
}

static void keep_dimensions(lua_State *L, int fitted)
{
  lat_factor_model m = view(lua_touserdata(L, fitted));
  lua_pushinteger(L, (lua_Integer)rank(&m));
  latL_record(L, fitted, "effective_dimension");
}

/* ---- the iteration --------------------------------------------------------------------------- */

typedef struct context {
  lat_bpca_state core; /* first: it is lat_em's model */
  bool settled;
} context;

static void plan(lua_State *L, latL_Run *run)
{
  const latL_Bpca *p = run->model;
  size_t D = run->sizes[LAT_D];
  context *c = lat_allocate(run->work, 1, sizeof *c);
  double *shift = c ? lat_doubles(run->work, D) : NULL;
  if (!shift) latL_error(L, run->who, "%s", run->work->message);
  memset(shift, 0, D * sizeof *shift);
  *c = (context){.core = {.shift = shift, .settled = &c->settled}};
  run->core = &lat_bpca_kind;
  run->context = c;
  lat_matrix X = latL_sample(L, run);
  run->sizes[LAT_M] = most_dimensions(p, count_varying(&X), X.rows);
}

static lat_status start(lua_State *L, latL_Run *run)
{
  lat_matrix X = latL_sample(L, run);
  return lat_bpca_start(run->work, &X, run->sample_weights, run->missing, run->sizes[LAT_M],
                        run->context, run->parameters);
}

static void publish(lua_State *L, latL_Run *run, int fitted)
{
  (void)run;
  keep_dimensions(L, fitted);
  lua_pushliteral(L, "em");
  latL_record(L, fitted, "method");
}

/* ---- the closed form ------------------------------------------------------------------------- */

static int fit_closed_form(lua_State *L, const latL_Bpca *p)
{
  const char *who = "bpca:fit";
  latL_Rows rows;
  latL_checkrows(L, &rows, LATL_DATA, LATL_OPTIONS, who, 0);
  lat_workspace *work = latL_newworkspace(L);
  lat_moments moments = {0};
  size_t M, varying = 0;
  if (rows.function) {
    moments = latL_momentsof(L, &rows, who);
    for (size_t j = 0; j < rows.columns; j++)
      varying += moments.scatter[j * (rows.columns + 1)] > 0;
    M = most_dimensions(p, varying, rows.rows);
  } else {
    M = most_dimensions(p, count_varying(&rows.source.X), rows.source.X.rows);
  }
  size_t sizes[LAT_SIZES] = {[LAT_D] = rows.columns, [LAT_M] = M};
  latL_Fitted *f = latL_newfitted(L, LATL_MODEL, sizes);
  int fitted = lua_gettop(L);
  double objective;
  latL_watch(L, work);
  latL_call(L, who, work,
            rows.function
                ? lat_bpca_from_moments(work, &moments, M, f->flat, &objective)
                : lat_bpca_fit(work, &rows.source.X, rows.source.weights, M, f->flat, &objective));
  latL_keeprecord(L, fitted, "closed_form", 1, true, &objective);
  keep_dimensions(L, fitted);
  latL_publish(L, LATL_MODEL);
  lat_workspace_done(work);
  return latL_endfactorfit(L, who);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static int fit(lua_State *L)
{
  const latL_Bpca *p = latL_beginfactorfit(L, &kind.base, "bpca:fit");
  if (p->iterate || latL_hasgaps(L, "bpca:fit")) return latL_fit(L, &kind, "bpca:fit");
  return fit_closed_form(L, p);
}

static int steps(lua_State *L)
{
  return latL_steps(L, &kind, "bpca:steps");
}

/* loaded(model): its parameters, from a file, go with each other and with its options. */
static int check_loaded(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &kind.base, "latent.load");
  const latL_Bpca *p = (const latL_Bpca *)latL_owner(f);
  lat_bpca b = core_of(f);
  if (b.M >= b.D || (!p->all && b.M != p->latent_dim))
    latL_error(L, "latent.load", "W is %Ix%I, which latent_dim doesn't fit", (lua_Integer)b.D,
               (lua_Integer)b.M);
  if (!(*b.noise_variance > 0))
    latL_error(L, "latent.load", "noise_variance is %f", *b.noise_variance);
  for (size_t i = 0; i < b.M; i++)
    if (!(b.alpha[i] > 0 && b.W_covariance[i * b.M + i] > 0))
      latL_error(L, "latent.load", "alpha or the variance of column %I of W isn't above 0",
                 (lua_Integer)i + 1);
  keep_dimensions(L, 1); /* nobody else has a model that is being loaded */
  return 0;
}

static const luaL_Reg methods[] = {{"fit", fit}, {"steps", steps}, {NULL, NULL}};

void latL_open_bpca(lua_State *L)
{
  latL_newkind(L, &kind.base, methods);
  latL_addfactorverbs(L, &factors);
  latL_savable(L, "latent.BPCA", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "bpca");
}
