/* lds_options.c: the options of latent.lds that matrices, lists and functions are.
 *
 * A matrix may be given as a number, a vector, a matrix, a list of these (one for each step), or a
 * function of the step. What a value means depends on the sizes M, D and U, and these come from the
 * values: first from matrices, then from vectors, then from numbers. */
#include <stdio.h>
#include <string.h>

#include "model/given.h"
#include "models/lds/lds.h"

#define WHO "lds"

typedef enum given { ABSENT, CONSTANT, LIST, FUNCTION } given;

/* What the user gave for each parameter; of lists their steps and matrices. The model keeps it. */
typedef struct kinds {
  given of[LAT_LDS_PARAMETERS];
  size_t steps[LAT_LDS_PARAMETERS];
  const double *lists[LAT_LDS_PARAMETERS];
} kinds;

static const kinds *kinds_of(lua_State *L, int model)
{
  latL_kept(L, model, "(kinds)");
  const kinds *k = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return k;
}

static const char *name_of(int i)
{
  return lat_lds_parameters[i].name;
}

/* The value on the top becomes the model's kept field "(what name)". */
static void keep(lua_State *L, int model, const char *what, const char *name)
{
  char key[48];
  snprintf(key, sizeof key, "(%s%s)", what, name);
  latL_keep(L, model, key);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The number, vector or matrix at `at`, for parameter i. */
static lat_lds_value check_value(lua_State *L, const char *who, const char *name, int i, int at)
{
  if (lua_type(L, at) == LUA_TNUMBER)
    return (lat_lds_value){name, LAT_LDS_NUMBER, {0}, lua_tonumber(L, at)};
  const latL_Matrix *X = latL_checkmatrix(L, at, who, name);
  bool vector = X->vector || lat_lds_parameters[i].shape[1] == LAT_END;
  return (lat_lds_value){name, vector ? LAT_LDS_VECTOR : LAT_LDS_MATRIX, X->view, 0};
}

/* to := the value at `at`, as parameter i. */
static void read_value(lua_State *L, const char *who, int i, int at, const size_t sizes[LAT_SIZES],
                       double *to)
{
  lat_lds_value value = check_value(L, who, name_of(i), i, at);
  latL_run(L, who, lat_lds_set_value, i, &value, sizes, to);
}

/* Calls the function of parameter i for steps 1..n. The matrices of the first transition, which
 * there isn't, stay 0. */
static void call_function(lua_State *L, int model, const char *who, int i, size_t n,
                          const size_t sizes[LAT_SIZES], double *to)
{
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
  int top = lua_gettop(L);
  memset(to, 0, count * sizeof *to);
  for (size_t t = lat_lds_is_transition(i); t < n; t++) {
    latL_kept(L, model, name_of(i));
    lua_pushinteger(L, (lua_Integer)t + 1);
    lua_call(L, 1, 1);
    read_value(L, who, i, top + 1, sizes, to + t * count);
    lua_settop(L, top);
  }
}

/* The option that is constant. */
static void read_constant(lua_State *L, int model, const char *who, int i,
                          const size_t sizes[LAT_SIZES], double *to)
{
  int top = lua_gettop(L);
  latL_kept(L, model, LATL_MADE_WITH);
  latL_getoption(L, top + 1, name_of(i));
  read_value(L, who, i, top + 2, sizes, to);
  lua_settop(L, top);
}

bool latL_ldsvalues(lua_State *L, int model, const char *who, const size_t sizes[LAT_SIZES],
                    size_t n, bool constants, lat_lds_matrix values[LAT_LDS_PARAMETERS])
{
  const kinds *k = kinds_of(L, model);
  size_t memory[LAT_LDS_PARAMETERS], total = 1;
  bool functions = false;
  luaL_checkstack(L, 8, who);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
    if (k->of[i] == LIST && k->steps[i] < n)
      latL_error(L, who, "%s is given for %I steps, and %I are needed", name_of(i),
                 (lua_Integer)k->steps[i], (lua_Integer)n);
    values[i] = (lat_lds_matrix){NULL, k->of[i] > CONSTANT ? count + (count == 0) : 0};
    if (k->of[i] == LIST) values[i].data = k->lists[i];
    memory[i] = k->of[i] == FUNCTION ? count * (n + (n == 0)) : k->of[i] == CONSTANT ? count : 0;
    total += memory[i];
    functions |= k->of[i] == FUNCTION;
  }
  double *to = latL_newmatrix(L, 1, total, LAT_FLOAT64)->view.data;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    if (k->of[i] != FUNCTION && (k->of[i] != CONSTANT || !constants)) continue;
    if (k->of[i] == FUNCTION)
      call_function(L, model, who, i, n, sizes, to);
    else if (memory[i] > 0)
      read_constant(L, model, who, i, sizes, to);
    values[i].data = to;
    to += memory[i];
  }
  return functions;
}

size_t latL_ldssteps(lua_State *L, const char *who)
{
  const kinds *k = kinds_of(L, 1);
  size_t steps = 0;
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    if (k->of[i] == FUNCTION)
      latL_error(L, who, "%s is a function of t, for which there must be sequences", name_of(i));
    if (k->of[i] == LIST && (steps == 0 || k->steps[i] < steps)) steps = k->steps[i];
  }
  return steps;
}

const char *latL_ldsbound(lua_State *L, int model)
{
  const kinds *k = kinds_of(L, model);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++)
    if (k->of[i] > CONSTANT) return "its matrices vary with t";
  return NULL;
}

/* ---- matrices: their kinds, and the sizes that they imply ------------------------------------ */

/* Pushes one of the matrices that the value at `at` gives: of a function that of its first step. */
static void push_sample(lua_State *L, given kind, int i, int at)
{
  lua_pushvalue(L, at);
  if (kind == LIST) lua_geti(L, at, 1);
  if (kind != FUNCTION) return;
  lua_pushinteger(L, lat_lds_is_transition(i) ? 2 : 1);
  lua_call(L, 1, 1);
}

/* Packs and checks the list at `at`, whose views become the field of the parameter's name. */
static void pack_list(lua_State *L, int model, kinds *k, int i, int at,
                      const size_t sizes[LAT_SIZES])
{
  size_t n = latL_lengthoflist(L, at), rows, cols;
  lat_lds_shape(i, sizes, &rows, &cols);
  double *to = latL_newmatrix(L, n, rows * cols, LAT_FLOAT64)->view.data;
  int owner = lua_gettop(L);
  for (size_t t = 0; t < n; t++) {
    lua_geti(L, at, (lua_Integer)t + 1);
    read_value(L, WHO, i, owner + 1, sizes, to + t * rows * cols);
    lua_settop(L, owner);
  }
  const lat_lds_matrix list = {to, rows * cols};
  latL_run(L, WHO, lat_lds_check_matrix, i, list, n, rows, cols);
  k->steps[i] = n;
  k->lists[i] = to;
  latL_newviews(L, owner, to, n, rows, cols);
  latL_keep(L, model, name_of(i)); /* found before the parameter of this name */
  keep(L, model, "list ", name_of(i));
}

static void read_kinds(lua_State *L, int model, kinds *k, size_t sizes[LAT_SIZES])
{
  int first = lua_gettop(L) + 1, last = first + LAT_LDS_PARAMETERS - 1;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    int type = latL_getoption(L, 1, name_of(i)), at = first + i;
    k->of[i] = type == LUA_TNIL          ? ABSENT
               : type == LUA_TFUNCTION   ? FUNCTION
               : latL_issequences(L, at) ? LIST
                                         : CONSTANT;
    if (k->of[i] > CONSTANT && i >= LAT_LDS_MEAN)
      latL_error(L, WHO, "%s is of the first step, so there is one of it", name_of(i));
    if (k->of[i] == CONSTANT) check_value(L, WHO, name_of(i), i, at);
  }
  for (int kind = LAT_LDS_MATRIX; kind < LAT_LDS_VALUES; kind++)
    for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
      if (k->of[i] == ABSENT) continue;
      push_sample(L, k->of[i], i, first + i);
      lat_lds_value value = check_value(L, WHO, name_of(i), i, lua_gettop(L));
      if ((int)value.kind == kind) latL_run(L, WHO, lat_lds_set_sizes, i, &value, sizes);
      lua_settop(L, last);
    }
  if (sizes[LAT_M] == 0) sizes[LAT_M] = 1;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    if (k->of[i] == LIST) pack_list(L, model, k, i, first + i, sizes);
    if (k->of[i] != FUNCTION) continue;
    lua_pushvalue(L, first + i);
    latL_keep(L, model, name_of(i));
  }
  lua_settop(L, first - 1);
}

/* ---- the other options ----------------------------------------------------------------------- */

/* The place of the word in the list; raises when it isn't there. */
static int find_word(lua_State *L, const char *option, const char *word, const char *const words[],
                     const char *known)
{
  int k = 0;
  while (words[k] && strcmp(words[k], word) != 0) k++;
  if (!words[k]) latL_error(L, WHO, "%s '%s' (known: %s)", option, word, known);
  return k;
}

/* initials := those of the option's list, if it is one. */
static void read_initials(lua_State *L, lat_lds_options *o, lat_lds_initial *initials)
{
  if (latL_getoption(L, 1, "initial") == LUA_TTABLE) {
    size_t count;
    const char **words = latL_optstrings(L, 1, WHO, "initial", "a list of words", &count);
    if (count != o->latent_dim)
      latL_error(L, WHO, "initial is a list of %I, but the model has %I states", (lua_Integer)count,
                 (lua_Integer)o->latent_dim);
    for (size_t i = 0; i < count; i++)
      initials[i] = (lat_lds_initial)find_word(L, "unknown initial", words[i], lat_lds_initials,
                                               "known, stationary, diffuse");
    o->initials = initials;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_estimate(lua_State *L, int model, lat_lds_options *o)
{
  const char *names[LAT_LDS_PARAMETERS + 1] = {NULL};
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) names[i] = name_of(i);
  if (latL_getoption(L, 1, "estimate") == LUA_TSTRING)
    latL_error(L, WHO, "estimate must be a list of names, got string");
  size_t count;
  const char **words = latL_optstrings(L, 1, WHO, "estimate", "a list of names", &count);
  if (words) {
    bool *flags = lua_newuserdatauv(L, LAT_LDS_PARAMETERS * sizeof *flags, 0);
    memset(flags, 0, LAT_LDS_PARAMETERS * sizeof *flags);
    for (size_t i = 0; i < count; i++)
      flags[find_word(L, "estimate: unknown parameter", words[i], names,
                      "A, B, C, D, Q, R, initial_mean, initial_covariance")] = true;
    o->estimate = flags;
    keep(L, model, "", "estimate");
  }
  lua_pop(L, 2);
}

static void read_structure(lua_State *L, lat_lds_options *o)
{
  latL_getoption(L, 1, "structure");
  latL_checkfields(L, lua_gettop(L), WHO, "structure", LATL_NAMES("Q", "R"));
  latL_readtable(L, lua_gettop(L), WHO, lat_lds_structure_options, NULL, o);
  lua_pop(L, 1);
}

/* fixed = {A = mask, ...}: entries that aren't 0 are held. */
static void read_fixed(lua_State *L, int model, const kinds *k, const size_t sizes[LAT_SIZES],
                       lat_lds_options *o)
{
  static const char *const names[] = {"A", "B", "C", "D", "Q", "R", "initial_mean", NULL};
  latL_getoption(L, 1, "fixed");
  int at = lua_gettop(L);
  latL_checkfields(L, at, WHO, "fixed", names);
  for (int i = 0; i <= LAT_LDS_MEAN && lua_istable(L, at); i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
    lua_settop(L, at);
    if (lua_getfield(L, at, name_of(i)) == LUA_TNIL) continue;
    if (k->of[i] != CONSTANT || count == 0)
      latL_error(L, WHO, "fixed holds entries of %s, which isn't given", name_of(i));
    const char *name = lua_pushfstring(L, "fixed.%s", name_of(i));
    lat_lds_value mask = check_value(L, WHO, name, i, at + 1);
    double *numbers = latL_newvector(L, count, LAT_FLOAT64)->view.data;
    latL_run(L, WHO, lat_lds_set_value, i, &mask, sizes, numbers);
    bool *flags = lua_newuserdatauv(L, count, 0);
    for (size_t j = 0; j < count; j++) flags[j] = numbers[j] != 0;
    o->fixed[i] = flags;
    keep(L, model, "fixed ", name_of(i));
  }
  lua_settop(L, at - 1);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* What nothing was said of becomes an option, for files. */
static void note_initial(lua_State *L, int model, const lat_lds_options *o)
{
  latL_kept(L, model, LATL_MADE_WITH);
  lua_pushstring(L, o->initials[0] == LAT_LDS_STATIONARY ? "stationary" : "diffuse");
  lua_setfield(L, -2, "initial");
  lua_pop(L, 1);
}

void latL_readlds(lua_State *L, int model, void *options)
{
  lat_lds_options *o = options;
  size_t sizes[LAT_SIZES] = {0};
  kinds *k = lua_newuserdatauv(L, sizeof *k, 0);
  memset(k, 0, sizeof *k);
  keep(L, model, "", "kinds");
  if (latL_hasoption(L, 1, "latent_dim")) sizes[LAT_M] = o->latent_dim;
  read_kinds(L, model, k, sizes);
  o->latent_dim = sizes[LAT_M];
  o->outputs = sizes[LAT_D];
  o->inputs = sizes[LAT_U];
  lat_lds_initial *initials = lua_newuserdatauv(L, o->latent_dim * sizeof *initials, 0);
  keep(L, model, "", "initials");
  read_estimate(L, model, o);
  read_structure(L, o);
  read_fixed(L, model, k, sizes, o);
  read_initials(L, o, initials);
  latL_ldsvalues(L, model, WHO, sizes, 0, true, o->given);
  keep(L, model, "", "values");
  latL_run(L, WHO, lat_lds_resolve, o, initials);
  latL_madewith(L, model, "latent_dim", o->latent_dim);
  if (o->initial_unsaid) note_initial(L, model, o);
  if (!lat_lds_is_complete(o)) return; /* else it has its parameters at once */
  double *flat = latL_newfitted(L, model, sizes)->flat;
  latL_run(L, WHO, lat_lds_set_given, o, sizes, flat);
  latL_publish(L, model);
}
