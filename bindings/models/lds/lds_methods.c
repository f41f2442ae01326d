/* lds_methods.c: what a linear dynamical system computes of sequences.
 *
 * A method of one sequence is a row of a table: the core's function, and the fields of its results,
 * which are made first and filled by it. */
#include <stddef.h>
#include <string.h>

#include "models/lds/lds.h"

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct imputed {
  double *Y, *variances;
} imputed;

/* A call about the sequence at 2 of the model at 1, with options at 3. */
typedef struct call {
  const char *who;
  lat_lds core;
  lat_lds_sequence s;
  size_t sizes[LAT_SIZES], rows; /* of results: T, or h */
  const double *future;          /* inputs of a forecast */
  union {
    lat_lds_filtered filtered;
    lat_lds_smoothed smoothed;
    lat_lds_forecasts forecasts;
    imputed imputed;
  } to;
} call;

/* rows x cols; rows numbers; a list of as many matrices (cols x cols), also with slots; a
 * number. */
typedef enum shape { ROWS, VECTOR, MATRICES, SLOTS, NUMBER, INTEGER } shape;

typedef struct field {
  const char *name;
  size_t offset; /* in call.to: of a pointer to doubles, of a double, of a size_t */
  shape shape;
  lat_size cols;
  const char *option; /* made only if this option is true; NULL: always */
} field;

typedef struct method {
  const char *name;
  bool table; /* the fields are those of a table; else they are values */
  bool ahead; /* forecast(Y, h, options) */
  const char *options[4];
  lat_status (*run)(lat_workspace *work, call *c);
  const field *fields; /* ended by a name NULL */
} method;

#define OF(results, member) offsetof(call, to.results.member)

/* ---- arguments ------------------------------------------------------------------------------- */

/* Pushes the option `name`, rows x the model's inputs; NULL for a model without inputs. */
static const double *check_inputs(lua_State *L, const latL_Fitted *f, const char *who,
                                  const char *name, size_t rows)
{
  size_t U = f->sizes[LAT_U];
  bool given = latL_getoption(L, 3, name) != LUA_TNIL;
  if (given != (U > 0))
    latL_error(L, who, given ? "%s: the model has no inputs" : "%s are missing: the model has %I",
               name, (lua_Integer)U);
  if (!given) return NULL;
  const latL_Matrix *value = latL_checkmatrix(L, lua_gettop(L), who, name);
  lat_matrix from = value->view;
  if (value->vector && rows == 1 && U > 1) from = lat_transpose(from);
  if (from.rows != rows || from.cols != U)
    latL_error(L, who, "%s is a %s, it should be %Ix%I", name, latL_shape(L, value),
               (lua_Integer)rows, (lua_Integer)U);
  lat_matrix to = latL_newmatrix(L, rows, U, LAT_FLOAT64)->view;
  lat_copy(&from, &to);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_check_finite(work, name, &to, false));
  return to.data;
}

/* The model at 1 and the one sequence at 2, whose options are at 3, for `ahead` more steps. */
static const latL_Fitted *check_call(lua_State *L, call *c, const char *const options[],
                                     size_t ahead)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, c->who);
  latL_checkoptions(L, 3, c->who, options);
  if (latL_issequences(L, 2)) latL_error(L, c->who, "Y must be one matrix, got a list");
  c->s = latL_ldsdata(L, f, 2, 3, c->who)->of[0];
  c->rows = ahead ? ahead : c->s.steps;
  memcpy(c->sizes, f->sizes, sizeof c->sizes);
  if (ahead) c->future = check_inputs(L, f, c->who, "future_inputs", ahead);
  latL_ldsfor(L, c->who, c->s.steps + ahead, &c->core);
  return f;
}

/* ---- methods of one sequence ----------------------------------------------------------------- */

/* Pushes the memory of a field; false, and pushes nothing, for one that isn't made. */
static bool push_field(lua_State *L, call *c, const field *f, int slots)
{
  size_t n = c->rows, cols = c->sizes[f->cols];
  double *data = NULL;
  if (f->option && !latL_optboolean(L, 3, c->who, f->option, false)) return false;
  if (f->shape == ROWS) data = latL_newmatrix(L, n, cols, LAT_FLOAT64)->view.data;
  if (f->shape == VECTOR) data = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  if (f->shape == MATRICES || f->shape == SLOTS)
    data = latL_newmatrices(L, n, cols, cols, f->shape == SLOTS ? slots : 0);
  if (data) memcpy((char *)c + f->offset, &data, sizeof data);
  return data != NULL;
}

/* Pushes a number that the call has given; false for other fields. */
static bool push_number(lua_State *L, const call *c, const field *f)
{
  double number;
  size_t integer;
  if (f->shape == NUMBER) {
    memcpy(&number, (const char *)c + f->offset, sizeof number);
    lua_pushnumber(L, number);
  } else if (f->shape == INTEGER) {
    memcpy(&integer, (const char *)c + f->offset, sizeof integer);
    lua_pushinteger(L, (lua_Integer)integer);
  }
  return f->shape == NUMBER || f->shape == INTEGER;
}

static int call_one(lua_State *L, const method *m, const char *who)
{
  call c = {.who = who};
  int slots = 0;
  size_t ahead = m->ahead ? latL_checksize(L, 4, who, "h") : 0;
  check_call(L, &c, m->options, ahead);
  for (const field *f = m->fields; f->name && !slots; f++)
    if (f->shape == SLOTS && (c.to.filtered.slots = latL_newslots(L, c.rows)))
      slots = lua_gettop(L);
  if (m->table) lua_createtable(L, 0, 8);
  int result = lua_gettop(L), values = 0;
  for (const field *f = m->fields; f->name; f++) {
    if (!push_field(L, &c, f, slots)) continue;
    if (m->table) lua_setfield(L, result, f->name);
    values++;
  }
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, m->run(work, &c));
  for (const field *f = m->fields; m->table && f->name; f++)
    if (push_number(L, &c, f)) lua_setfield(L, result, f->name);
  return m->table ? 1 : values;
}

/* Copies the fields of the table at `from` into the one on the top. */
static void copy_fields(lua_State *L, int from)
{
  int to = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, from);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
  }
}

static int call_method(lua_State *L);

/* A list of sequences gives a list of results, of the model as it is now. */
static int call_list(lua_State *L, const method *m, const char *who)
{
  latL_fitted(L, 1, &latL_lds_kind.base, who);
  size_t n = latL_lengthoflist(L, 2);
  lua_createtable(L, (int)n, 0);
  bool inputs = latL_getoption(L, 3, "inputs") == LUA_TTABLE;
  if (inputs && latL_lengthoflist(L, 5) != n)
    latL_error(L, who, "inputs must be a list of %I matrices, one for each sequence",
               (lua_Integer)n);
  lua_pushlightuserdata(L, (void *)(size_t)m);
  lua_pushstring(L, who);
  lua_pushcclosure(L, call_method, 2);
  for (size_t i = 1; i <= n; i++) {
    lua_pushvalue(L, 6);
    lua_pushvalue(L, 1);
    lua_geti(L, 2, (lua_Integer)i);
    lua_newtable(L);
    if (lua_istable(L, 3)) copy_fields(L, 3);
    if (inputs) {
      lua_geti(L, 5, (lua_Integer)i);
      lua_setfield(L, -2, "inputs");
    }
    lua_call(L, 3, 1);
    lua_rawseti(L, 4, (lua_Integer)i);
  }
  lua_settop(L, 4);
  return 1;
}

/* Upvalues: the method, and its name for messages. */
static int call_method(lua_State *L)
{
  const method *m = latL_verbkind(L);
  const char *who = latL_verb(L);
  lua_settop(L, m->ahead ? 4 : 3);
  if (m->ahead) lua_rotate(L, 3, 1); /* the options to 3, as everywhere */
  return !m->ahead && latL_issequences(L, 2) ? call_list(L, m, who) : call_one(L, m, who);
}

static lat_status run_filter(lat_workspace *work, call *c)
{
  lat_lds_filtered *to = &c->to.filtered;
  LAT_TRY(lat_lds_filter(work, &c->core, &c->s, to));
  if (to->diffuse > c->s.steps) to->diffuse = c->s.steps;
  return LAT_OK;
}

static lat_status run_smoother(lat_workspace *work, call *c)
{
  return lat_lds_smooth(work, &c->core, &c->s, &c->to.smoothed);
}

static lat_status run_forecast(lat_workspace *work, call *c)
{
  return lat_lds_forecast(work, &c->core, &c->s, c->rows, c->future, &c->to.forecasts);
}

static lat_status run_imputation(lat_workspace *work, call *c)
{
  return lat_lds_impute(work, &c->core, &c->s, c->to.imputed.Y, c->to.imputed.variances);
}

static const field
    filter_fields[] = {{"means", OF(filtered, means), ROWS, LAT_M, NULL},
                       {"covariances", OF(filtered, covariances), SLOTS, LAT_M, NULL},
                       {"predicted_means", OF(filtered, predicted_means), ROWS, LAT_M, NULL},
                       {"predicted_covariances", OF(filtered, predicted_covariances), SLOTS, LAT_M,
                        NULL},
                       {"log_likelihood", OF(filtered, log_likelihood), NUMBER, LAT_END, NULL},
                       {"skipped", OF(filtered, skipped), INTEGER, LAT_END, NULL},
                       {"diffuse", OF(filtered, diffuse), INTEGER, LAT_END, NULL},
                       {0}},
    innovation_fields[] = {{"variances", OF(filtered, innovation_variances), ROWS, LAT_D, NULL},
                           {"standardized", OF(filtered, standardized), ROWS, LAT_D, NULL},
                           {"innovations", OF(filtered, innovations), ROWS, LAT_D, NULL},
                           {"covariances", OF(filtered, innovation_covariances), MATRICES, LAT_D,
                            NULL},
                           {"log_likelihood", OF(filtered, log_densities), VECTOR, LAT_END, NULL},
                           {0}},
    density_fields[] = {{"log_likelihood", OF(filtered, log_densities), VECTOR, LAT_END, NULL},
                        {0}},
    smooth_fields[] = {{"means", OF(smoothed, means), ROWS, LAT_M, NULL},
                       {"covariances", OF(smoothed, covariances), MATRICES, LAT_M, NULL},
                       {"lag_covariances", OF(smoothed, lag_covariances), MATRICES, LAT_M, NULL},
                       {"log_likelihood", OF(smoothed, log_likelihood), NUMBER, LAT_END, NULL},
                       {0}},
    transform_fields[] = {{"means", OF(smoothed, means), ROWS, LAT_M, NULL}, {0}},
    impute_fields[] = {{"Y", OF(imputed, Y), ROWS, LAT_D, NULL},
                       {"variances", OF(imputed, variances), ROWS, LAT_D, "variance"},
                       {0}},
    forecast_fields[] = {
        {"means", OF(forecasts, means), ROWS, LAT_D, NULL},
        {"covariances", OF(forecasts, covariances), MATRICES, LAT_D, NULL},
        {"state_means", OF(forecasts, state_means), ROWS, LAT_M, NULL},
        {"state_covariances", OF(forecasts, state_covariances), MATRICES, LAT_M, NULL},
        {0}};

static const method methods[] = {
    {"filter", true, false, {"inputs"}, run_filter, filter_fields},
    {"smooth", true, false, {"inputs"}, run_smoother, smooth_fields},
    {"transform", false, false, {"inputs"}, run_smoother, transform_fields},
    {"log_likelihood", false, false, {"inputs"}, run_filter, density_fields},
    {"innovations", true, false, {"inputs"}, run_filter, innovation_fields},
    {"impute", false, false, {"inputs", "variance"}, run_imputation, impute_fields},
    {"forecast", true, true, {"inputs", "future_inputs"}, run_forecast, forecast_fields}};

/* ---- draws ----------------------------------------------------------------------------------- */

static lat_random *check_seed(lua_State *L, const char *who)
{
  latL_getoption(L, 3, "seed");
  return latL_checkrandom(L, lua_gettop(L), who);
}

/* sample(T [, {seed, inputs}]) -> Y, Z */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", "inputs", NULL};
  const char *who = latL_verb(L);
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  latL_checkoptions(L, 3, who, names);
  size_t T = latL_checksize(L, 2, who, "T");
  const double *U = check_inputs(L, f, who, "inputs", T);
  lat_random *random = check_seed(L, who);
  lat_lds core;
  latL_ldsfor(L, who, T, &core);
  double *Y = latL_newmatrix(L, T, core.outputs, LAT_FLOAT64)->view.data;
  double *Z = latL_newmatrix(L, T, core.states, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_sample(work, &core, random, T, U, Y, Z));
  return 2;
}

/* simulate(Y [, {seed, draws, inputs}]) -> Z, or a list of them */
static int simulate(lua_State *L)
{
  static const char *const names[] = {"seed", "draws", "inputs", NULL};
  call c = {.who = latL_verb(L)};
  lua_settop(L, 3);
  check_call(L, &c, names, 0);
  size_t draws = (size_t)latL_optinteger(L, 3, c.who, "draws", 0, 1, 1 << 24);
  lat_random *random = check_seed(L, c.who);
  double *Z = draws ? latL_newmatrices(L, draws, c.rows, c.core.states, 0)
                    : latL_newmatrix(L, c.rows, c.core.states, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.who, work, lat_lds_simulate(work, &c.core, &c.s, random, draws ? draws : 1, Z));
  return 1;
}

static const luaL_Reg draws[] = {{"sample", sample}, {"simulate", simulate}, {NULL, NULL}};

/* ---- densities ------------------------------------------------------------------------------- */

/* The sum over all rows of Y, one sequence or a list, of which there are `rows`. */
static double total(lua_State *L, double *rows)
{
  static const char *const names[] = {"inputs", NULL};
  const char *who = latL_verb(L);
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  latL_checkoptions(L, 3, who, names);
  const latL_Sequences *s = latL_ldsdata(L, f, 2, 3, who);
  lat_lds core;
  latL_ldsfor(L, who, s->longest, &core);
  double sum;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_log_likelihood(work, &core, s->of, s->count, &sum));
  *rows = (double)s->rows;
  return sum;
}

static size_t free_parameters(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, latL_verb(L));
  const latL_Lds *m = (const latL_Lds *)latL_owner(f);
  lat_lds_model now = m->core;
  lat_lds_set_estimates(&m->options, f->sizes[LAT_U], &now);
  return lat_lds_free_parameters(&now, f->sizes);
}

void latL_addldsmethods(lua_State *L)
{
  static const latL_Density density = {.free_parameters = free_parameters, .total = total};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    const luaL_Reg one[] = {{methods[i].name, call_method}, {NULL, NULL}};
    latL_addverbs(L, "latent.LDS", "lds", methods + i, one, NULL);
  }
  latL_addverbs(L, "latent.LDS", "lds", NULL, draws, NULL);
  latL_adddensity(L, "latent.LDS", "lds", NULL, &density);
}
