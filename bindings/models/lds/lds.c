/* lds.c: latent.lds, linear dynamical systems: what they compute of sequences.
 *
 * A method of one sequence is a row of a table: the core's function, and the fields of its results,
 * which are made first and filled by it. */
#include "models/lds/lds.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "model/methods.h"

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct imputed {
  double *Y, *variances;
} imputed;

/* A call about the sequence at 2 of the model at 1, with options at 3. */
typedef struct call {
  const char *who;
  lat_request request;
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
  bool if_variance; /* made only with the option `variance` */
} field;

typedef struct method {
  const char *name;
  bool table; /* the fields are those of a table; else they are values */
  bool ahead; /* forecast(Y, h, options) */
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
  latL_run(L, who, lat_check_finite, name, &to, false);
  return to.data;
}

/* The one sequence at 2, for `ahead` more steps of the model whose block is at 1. */
static void check_sequence(lua_State *L, call *c, const latL_Fitted *f, size_t ahead)
{
  if (latL_issequences(L, 2)) latL_error(L, c->who, "Y must be one matrix, got a list");
  c->s = latL_ldsdata(L, f, 2, 3, c->who)->of[0];
  c->rows = ahead ? ahead : c->s.steps;
  memcpy(c->sizes, f->sizes, sizeof c->sizes);
  if (ahead) c->future = check_inputs(L, f, c->who, "future_inputs", ahead);
  c->core = latL_ldsfor(L, c->who, c->s.steps + ahead);
}

/* ---- methods of one sequence ----------------------------------------------------------------- */

/* Pushes the memory of a field; false, and pushes nothing, for one that isn't made. */
static bool push_field(lua_State *L, call *c, const field *f, int slots)
{
  size_t n = c->rows, cols = c->sizes[f->cols];
  double *data = NULL;
  if (f->if_variance && !c->request.variance) return false;
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

static int call_one(lua_State *L, const method *m)
{
  call c = {.who = latL_verb(L)};
  int slots = 0;
  const latL_Fitted *f = latL_beginmethod(L, m->ahead ? 4 : 3, 3, &c.request);
  check_sequence(L, &c, f, m->ahead ? latL_checksize(L, 4, c.who, "h") : 0);
  for (const field *o = m->fields; o->name && !slots; o++)
    if (o->shape == SLOTS && (c.to.filtered.slots = latL_newslots(L, c.rows)))
      slots = lua_gettop(L);
  if (m->table) lua_createtable(L, 0, 8);
  int result = lua_gettop(L), values = 0;
  for (const field *o = m->fields; o->name; o++) {
    if (!push_field(L, &c, o, slots)) continue;
    if (m->table) lua_setfield(L, result, o->name);
    values++;
  }
  latL_run(L, c.who, m->run, &c);
  for (const field *o = m->fields; m->table && o->name; o++)
    if (push_number(L, &c, o)) lua_setfield(L, result, o->name);
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

/* A list of sequences gives a list of results, of the model as it is now. The method is at 5. */
static int call_list(lua_State *L)
{
  const char *who = latL_verb(L);
  latL_fitted(L, 1, &latL_lds_kind, who);
  size_t n = latL_lengthoflist(L, 2);
  lua_createtable(L, (int)n, 0);
  lua_insert(L, 4);
  bool inputs = latL_getoption(L, 3, "inputs") == LUA_TTABLE;
  if (inputs && latL_lengthoflist(L, 6) != n)
    latL_error(L, who, "inputs must be a list of %I matrices, one for each sequence",
               (lua_Integer)n);
  for (size_t i = 1; i <= n; i++) {
    lua_pushvalue(L, 5);
    lua_pushvalue(L, 1);
    lua_geti(L, 2, (lua_Integer)i);
    lua_newtable(L);
    if (lua_istable(L, 3)) copy_fields(L, 3);
    if (inputs) {
      lua_geti(L, 6, (lua_Integer)i);
      lua_setfield(L, -2, "inputs");
    }
    lua_call(L, 3, 1);
    lua_rawseti(L, 4, (lua_Integer)i);
  }
  lua_settop(L, 4);
  return 1;
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

#define FIELD(name, results, member, shape, cols)                                                  \
  {                                                                                                \
    name, OF(results, member), shape, cols, false                                                  \
  }
#define FIELDS(...) ((const field[]){__VA_ARGS__, {0}})

/* clang-format off */
static const method methods[] = {
    {"filter", true, false, run_filter, FIELDS(
        FIELD("means", filtered, means, ROWS, LAT_M),
        FIELD("covariances", filtered, covariances, SLOTS, LAT_M),
        FIELD("predicted_means", filtered, predicted_means, ROWS, LAT_M),
        FIELD("predicted_covariances", filtered, predicted_covariances, SLOTS, LAT_M),
        FIELD("log_likelihood", filtered, log_likelihood, NUMBER, LAT_END),
        FIELD("skipped", filtered, skipped, INTEGER, LAT_END),
        FIELD("diffuse", filtered, diffuse, INTEGER, LAT_END))},
    {"smooth", true, false, run_smoother, FIELDS(
        FIELD("means", smoothed, means, ROWS, LAT_M),
        FIELD("covariances", smoothed, covariances, MATRICES, LAT_M),
        FIELD("lag_covariances", smoothed, lag_covariances, MATRICES, LAT_M),
        FIELD("log_likelihood", smoothed, log_likelihood, NUMBER, LAT_END))},
    {"transform", false, false, run_smoother, FIELDS(
        FIELD("means", smoothed, means, ROWS, LAT_M))},
    {"log_likelihood", false, false, run_filter, FIELDS(
        FIELD("log_likelihood", filtered, log_densities, VECTOR, LAT_END))},
    {"innovations", true, false, run_filter, FIELDS(
        FIELD("innovations", filtered, innovations, ROWS, LAT_D),
        FIELD("variances", filtered, innovation_variances, ROWS, LAT_D),
        FIELD("covariances", filtered, innovation_covariances, MATRICES, LAT_D),
        FIELD("standardized", filtered, standardized, ROWS, LAT_D),
        FIELD("log_likelihood", filtered, log_densities, VECTOR, LAT_END))},
    {"impute", false, false, run_imputation, FIELDS(
        FIELD("Y", imputed, Y, ROWS, LAT_D),
        {"variances", OF(imputed, variances), ROWS, LAT_D, true})},
    {"forecast", true, true, run_forecast, FIELDS(
        FIELD("means", forecasts, means, ROWS, LAT_D),
        FIELD("covariances", forecasts, covariances, MATRICES, LAT_D),
        FIELD("state_means", forecasts, state_means, ROWS, LAT_M),
        FIELD("state_covariances", forecasts, state_covariances, MATRICES, LAT_M))},
    {NULL}};
/* clang-format on */

/* The method whose row of the core's table is the third upvalue. */
static const method *this_method(lua_State *L)
{
  const lat_method *row = lua_touserdata(L, lua_upvalueindex(3));
  const method *m = methods;
  while (strcmp(m->name, row->name) != 0) m++;
  return m;
}

static int call_method(lua_State *L)
{
  const method *m = this_method(L);
  lua_settop(L, m->ahead ? 4 : 3);
  if (m->ahead) lua_rotate(L, 3, 1); /* the options to 3, as everywhere */
  if (m->ahead || !latL_issequences(L, 2)) return call_one(L, m);
  for (int i = 1; i <= 3; i++) lua_pushvalue(L, lua_upvalueindex(i));
  lua_pushcclosure(L, call_method, 3);
  return call_list(L);
}

/* ---- draws ----------------------------------------------------------------------------------- */

static lat_random *check_seed(lua_State *L, const char *who)
{
  latL_getoption(L, 3, "seed");
  return latL_checkrandom(L, lua_gettop(L), who);
}

/* sample(T [, {seed, inputs}]) -> Y, Z */
static int sample(lua_State *L)
{
  lat_request request;
  const char *who = latL_verb(L);
  const latL_Fitted *f = latL_beginmethod(L, 3, 3, &request);
  size_t T = latL_checksize(L, 2, who, "T");
  const double *U = check_inputs(L, f, who, "inputs", T);
  lat_random *random = check_seed(L, who);
  lat_lds core = latL_ldsfor(L, who, T);
  double *Y = latL_newmatrix(L, T, core.outputs, LAT_FLOAT64)->view.data;
  double *Z = latL_newmatrix(L, T, core.states, LAT_FLOAT64)->view.data;
  latL_run(L, who, lat_lds_sample, &core, random, T, U, Y, Z);
  return 2;
}

/* simulate(Y [, {seed, draws, inputs}]) -> Z, or a list of them */
static int simulate(lua_State *L)
{
  call c = {.who = latL_verb(L)};
  check_sequence(L, &c, latL_beginmethod(L, 3, 3, &c.request), 0);
  size_t draws = (size_t)latL_optinteger(L, 3, c.who, "draws", 0, 1, 1 << 24);
  lat_random *random = check_seed(L, c.who);
  double *Z = draws ? latL_newmatrices(L, draws, c.rows, c.core.states, 0)
                    : latL_newmatrix(L, c.rows, c.core.states, LAT_FLOAT64)->view.data;
  latL_run(L, c.who, lat_lds_simulate, &c.core, &c.s, random, draws ? draws : 1, Z);
  return 1;
}

/* ---- criteria -------------------------------------------------------------------------------- */

/* score, aic and bic (Y [, {inputs}]), over all rows of one sequence or a list */
static int criterion(lua_State *L)
{
  lat_request request;
  const char *who = latL_verb(L);
  const lat_method *row = lua_touserdata(L, lua_upvalueindex(3));
  const latL_Fitted *f = latL_beginmethod(L, 3, 3, &request);
  const latL_Sequences *s = latL_ldsdata(L, f, 2, 3, who);
  lat_lds core = latL_ldsfor(L, who, s->longest);
  double sum, rows = (double)s->rows, free = (double)lat_lds_free_parameters(f->options, f->sizes);
  latL_run(L, who, lat_lds_log_likelihood, &core, s->of, s->count, &sum);
  lua_pushnumber(L, strcmp(row->name, "score") == 0 ? sum / rows
                    : strcmp(row->name, "aic") == 0 ? -2 * sum + 2 * free
                                                    : -2 * sum + log(rows) * free);
  return 1;
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg own_methods[] = {
    {"filter", call_method},      {"smooth", call_method},
    {"transform", call_method},   {"log_likelihood", call_method},
    {"innovations", call_method}, {"impute", call_method},
    {"forecast", call_method},    {"sample", sample},
    {"simulate", simulate},       {"score", criterion},
    {"aic", criterion},           {"bic", criterion},
    {"tracker", latL_newtracker}, {NULL, NULL}};

const latL_Kind latL_lds_kind = {.name = "lds",
                                 .metatable = "latent.LDS",
                                 .gaps = LATL_KNOWS_GAPS,
                                 .core = &lat_lds_model,
                                 .read = latL_readlds,
                                 .read_units = latL_readsequences,
                                 .methods = own_methods};

void latL_open_lds(lua_State *L)
{
  latL_openmodel(L, &latL_lds_kind);
}
