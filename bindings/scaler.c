/* scaler.c: latent.scaler, columns with mean 0 and deviation 1. */
#include <string.h>

#include "model.h"
#include "query.h"
#include "source.h"

static const latL_Kind kind = {"scaler", "latent.Scaler", lat_scaler_parameters, NULL,
                               LATL_KNOWS_GAPS};

typedef struct scaler {
  latL_Model model;
  bool with_mean, with_deviation, missing;
  bool unfinished; /* a fit was left by an error: its moments are not to be gone on with */
  size_t D;        /* columns of the moments below; 0 before there are any */
  double *moments; /* in the matrix that is user value LATL_STATE */
} scaler;

static lat_scaler core_of(const scaler *s)
{
  return lat_scaler_of(s->model.flat, s->model.sizes[LAT_D]);
}

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

static lat_status take(lua_State *L, void *model, lat_workspace *work, const lat_matrix *X,
                       const double *weights)
{
  scaler *s = model;
  if (s->D == 0) {
    latL_Matrix *m = latL_newmatrix(L, 1, lat_column_moments_count(X->cols), LAT_FLOAT64);
    lat_fill(&m->view, 0);
    lua_setiuservalue(L, 1, LATL_STATE);
    s->moments = m->view.data;
    s->D = X->cols;
  }
  lat_column_moments moments = lat_column_moments_of(s->moments, s->D);
  return lat_column_moments_add(work, &moments, X, weights, s->missing);
}

static int fit_on(lua_State *L, const char *who, bool afresh)
{
  static const char *const names[] = {"weights", "missing", NULL};
  lua_settop(L, 3);
  scaler *s = latL_checkmodel(L, &kind, who, false);
  latL_checkoptions(L, 3, who, names);
  latL_Rows rows;
  latL_checkrows(L, &rows, 2, 3, who);
  s->missing = latL_optboolean(L, 3, who, "missing", false);
  if (afresh || s->unfinished) s->D = 0;
  latL_checkcolumns(L, &rows, who, s->D);
  s->unfinished = afresh;
  latL_eachpiece(L, &rows, 2, who, s->missing, s, take);
  s->unfinished = false;

  size_t sizes[LAT_SIZES] = {[LAT_D] = s->D};
  lat_scaler fresh = lat_scaler_of(latL_newparameters(L, &kind, sizes), s->D);
  lat_column_moments moments = lat_column_moments_of(s->moments, s->D);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_scaler_from_moments(work, &moments, s->with_mean, s->with_deviation, &fresh));
  latL_adopt(L, 1, sizes);
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
  const scaler *s = latL_checkmodel(L, &kind, who, true);
  lat_scaler core = core_of(s);
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
