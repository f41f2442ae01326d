/* scaler.c: latent.scaler, columns with mean 0 and deviation 1. */
#include <string.h>

#include "model/model.h"
#include "model/query.h"
#include "model/source.h"

static const latL_Kind kind = {.name = "scaler",
                               .metatable = "latent.Scaler",
                               .parameters = lat_scaler_parameters,
                               .refresh = NULL,
                               .gaps = LATL_KNOWS_GAPS};

typedef struct scaler {
  latL_Model model;
  bool with_mean, with_deviation;
} scaler;

/* latent.scaler [{with_mean=true, with_deviation=true}] */
static int new (lua_State *L)
{
  static const char *const names[] = {"with_mean", "with_deviation", NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "scaler", names);
  scaler *s = latL_newmodel(L, &kind, sizeof *s);
  s->with_mean = latL_optboolean(L, 1, "scaler", "with_mean", true);
  s->with_deviation = latL_optboolean(L, 1, "scaler", "with_deviation", true);
  return 1;
}

/* A fit under way: the moments, in a matrix that is at `place` on the stack. */
typedef struct gathering {
  lat_column_moments moments;
  bool missing;
  int place;
} gathering;

static void new_moments(lua_State *L, gathering *g, size_t D)
{
  size_t count = lat_column_moments_count(D);
  double *memory = latL_newmatrix(L, 1, count, LAT_FLOAT64)->view.data;
  memset(memory, 0, count * sizeof *memory);
  g->moments = lat_column_moments_of(memory, D);
  lua_replace(L, g->place);
}

static lat_status take(lua_State *L, void *context, lat_workspace *work, const lat_matrix *X,
                       const double *weights)
{
  gathering *g = context;
  if (!g->moments.mean) new_moments(L, g, X->cols);
  return lat_column_moments_add(work, &g->moments, X, weights, g->missing);
}

/* The moments are the block's statistics, which partial_fit goes on from. */
static int fit_on(lua_State *L, const char *who, bool afresh)
{
  static const char *const names[] = {"weights", "missing", NULL};
  lua_settop(L, 3);
  const scaler *s = latL_checkmodel(L, &kind, who);
  latL_checkoptions(L, 3, who, names);
  latL_Rows rows;
  latL_checkrows(L, &rows, 2, 3, who, afresh ? 0 : latL_columnsbefore(L));
  gathering g = {.missing = latL_optboolean(L, 3, who, "missing", false)};
  const latL_Fitted *before = latL_pushfitted(L, 1);
  lua_pushnil(L);
  g.place = lua_gettop(L);
  if (!afresh && before && before->statistics) {
    new_moments(L, &g, before->sizes[LAT_D]);
    memcpy(latL_tomatrix(L, g.place)->view.data, before->statistics,
           before->count * sizeof(double));
  }
  latL_checkcolumns(L, &rows, who, g.moments.dimensions);
  latL_eachpiece(L, &rows, 2, who, g.missing, &g, take);

  size_t sizes[LAT_SIZES] = {[LAT_D] = g.moments.dimensions};
  latL_Fitted *f = latL_newfitted(L, 1, sizes);
  lat_scaler fresh = lat_scaler_of(f->flat, g.moments.dimensions);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_scaler_from_moments(work, &g.moments, s->with_mean, s->with_deviation, &fresh));
  f->statistics = latL_tomatrix(L, g.place)->view.data;
  f->count = lat_column_moments_count(g.moments.dimensions);
  lua_pushvalue(L, g.place);
  lua_setiuservalue(L, -2, LATL_STATISTICS);
  latL_publish(L, 1);
  lua_settop(L, 1);
  return 1;
}

static int fit(lua_State *L)
{
  return fit_on(L, "scaler:fit", true);
}

static int partial_fit(lua_State *L)
{
  return fit_on(L, "scaler:partial_fit", false);
}

static int apply(lua_State *L, const char *who, bool inverse)
{
  static const char *const names[] = {"out", NULL};
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &kind, who);
  lat_scaler core = lat_scaler_of(f->flat, f->sizes[LAT_D]);
  latL_Query q = latL_checkquery(L, 2, who, "X", core.D);
  latL_checkoptions(L, 3, who, names);
  const latL_Matrix *X = latL_tomatrix(L, 2); /* the result has its shape, whichever that is */
  latL_Result Z = latL_result(L, 3, who, X->view.rows, X->view.cols, X->vector, X->view.dtype,
                              LATL_SAME_PLACES);
  lat_matrix to = q.one ? lat_transpose(Z.view) : Z.view;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_scaler_apply(work, &core, inverse, &q.X, &to));
  latL_finish(L, who, &Z);
  return 1;
}

static int transform(lua_State *L)
{
  return apply(L, "scaler:transform", false);
}

static int inverse_transform(lua_State *L)
{
  return apply(L, "scaler:inverse_transform", true);
}

static const luaL_Reg methods[] = {
    {"fit", fit},
    {"partial_fit", partial_fit},
    {"transform", transform},
    {"inverse_transform", inverse_transform},
    {NULL, NULL},
};

void latL_open_scaler(lua_State *L)
{
  latL_newkind(L, &kind, methods);
  latL_savable(L, kind.metatable, latL_soundasread);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "scaler");
}
