/* lds_options.c: the options of latent.lds.
 *
 * A matrix may be given as a number, a vector, a matrix, a list of these (one for each step), or a
 * function of the step. What a value means depends on the sizes M, D and U, and these come from the
 * values: first from matrices, then from vectors, then from numbers. */
#include <string.h>

#include "models/lds/lds.h"

#define WHO "lds"

static const char *name_of(int i)
{
  return lat_lds_parameters[i].name;
}

static bool is_covariance(int i)
{
  return i == LAT_LDS_Q || i == LAT_LDS_R || i == LAT_LDS_COVARIANCE;
}

/* rows x cols of parameter i; both are 0 while they aren't known. */
static void shape_of(int i, const size_t sizes[LAT_SIZES], size_t *rows, size_t *cols)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  *rows = sizes[shape[0]];
  *cols = shape[1] == LAT_END ? 1 : sizes[shape[1]];
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* Size number k of parameter i is n, by the value at `at`. */
static void set_size(lua_State *L, size_t sizes[LAT_SIZES], int i, int at, int k, size_t n)
{
  static const char *const words[LAT_SIZES] = {
      [LAT_D] = "outputs", [LAT_M] = "states", [LAT_U] = "inputs"};
  lat_size s = lat_lds_parameters[i].shape[k];
  if (s == LAT_END) return;
  if (sizes[s] == 0) sizes[s] = n;
  if (sizes[s] == n) return;
  const latL_Matrix *value = latL_tomatrix(L, at);
  latL_error(L, WHO, "%s is a %s, but the model has %I %s", name_of(i),
             value ? latL_shape(L, value) : "number", (lua_Integer)sizes[s], words[s]);
}

/* A vector of n is a diagonal, a row or a column. */
static void set_sizes_by_vector(lua_State *L, size_t sizes[LAT_SIZES], int i, int at, size_t n)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  if (is_covariance(i) || shape[1] == LAT_END) {
    set_size(L, sizes, i, at, 0, n);
    return;
  }
  if (i == LAT_LDS_A && n > 1)
    latL_error(L, WHO,
               "A is a vector of %I, it should be a number, a matrix or a list of matrices, one "
               "for each step",
               (lua_Integer)n);
  /* C of one output; B and D of one state or output */
  bool row = i == LAT_LDS_C ? sizes[LAT_M] != 1 : sizes[shape[0]] == 1 && n > 1;
  set_size(L, sizes, i, at, 0, row ? 1 : n);
  set_size(L, sizes, i, at, 1, row ? n : 1);
}

enum { MATRICES, VECTORS, NUMBERS, ROUNDS };

/* Takes the sizes from the value at `at` of parameter i, in the round that is its kind's. */
static void set_sizes(lua_State *L, size_t sizes[LAT_SIZES], int i, int at, int round)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  if (lua_type(L, at) == LUA_TNUMBER) {
    for (int k = 0; round == NUMBERS && !is_covariance(i) && k < 2; k++)
      if (shape[k] != LAT_END && sizes[shape[k]] == 0) sizes[shape[k]] = 1;
    return;
  }
  const latL_Matrix *value = latL_checkmatrix(L, at, WHO, name_of(i));
  bool vector = value->vector || shape[1] == LAT_END;
  if (round != (vector ? VECTORS : MATRICES)) return;
  if (vector) {
    set_sizes_by_vector(L, sizes, i, at, value->view.rows * value->view.cols);
    return;
  }
  set_size(L, sizes, i, at, 0, value->view.rows);
  set_size(L, sizes, i, at, 1, value->view.cols);
}

/* Pushes one of the matrices that the value at `at` gives: of a function that of its first step. */
static void push_sample(lua_State *L, latL_LdsGiven given, int i, int at)
{
  bool transition = i == LAT_LDS_A || i == LAT_LDS_B || i == LAT_LDS_Q;
  lua_pushvalue(L, at);
  if (given == LATL_LIST) lua_geti(L, at, 1);
  if (given != LATL_FUNCTION) return;
  lua_pushinteger(L, transition ? 2 : 1);
  lua_call(L, 1, 1);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* to := the number, vector or matrix at `at`, as parameter number i. */
static void read_value(lua_State *L, const char *who, int i, int at, const size_t sizes[LAT_SIZES],
                       double *to)
{
  size_t rows, cols;
  shape_of(i, sizes, &rows, &cols);
  memset(to, 0, rows * cols * sizeof *to);
  if (lua_type(L, at) == LUA_TNUMBER) {
    if (!is_covariance(i) && rows * cols != 1)
      latL_error(L, who, "%s is a number, it should be %Ix%I", name_of(i), (lua_Integer)rows,
                 (lua_Integer)cols);
    for (size_t k = 0; k < rows; k++) to[k * cols + k] = lua_tonumber(L, at);
    return;
  }
  const latL_Matrix *value = latL_checkmatrix(L, at, who, name_of(i));
  lat_matrix from = value->view, target = lat_matrix_of(to, rows, cols);
  size_t n = from.rows * from.cols;
  if (value->vector && is_covariance(i) && n == rows && rows > 1) {
    for (size_t k = 0; k < rows; k++) to[k * cols + k] = lat_get(&from, k, 0);
    return;
  }
  bool vector = value->vector || lat_lds_parameters[i].shape[1] == LAT_END;
  if (vector && (rows == 1 || cols == 1) && n == rows * cols && from.rows != rows)
    from = lat_transpose(from);
  if (from.rows != rows || from.cols != cols)
    latL_error(L, who, "%s is a %s, it should be %Ix%I", name_of(i), latL_shape(L, value),
               (lua_Integer)rows, (lua_Integer)cols);
  lat_copy(&from, &target);
}

/* Calls the function of parameter i for steps 1..n. The matrices of the first transition, which
 * there isn't, stay 0. */
static void call_function(lua_State *L, int model, const char *who, int i, size_t n,
                          const size_t sizes[LAT_SIZES], double *to)
{
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
  bool transition = i == LAT_LDS_A || i == LAT_LDS_B || i == LAT_LDS_Q;
  int top = lua_gettop(L);
  memset(to, 0, count * sizeof *to);
  for (size_t t = transition; t < n; t++) {
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

void latL_ldsvalues(lua_State *L, int model, const latL_Lds *m, const char *who,
                    const size_t sizes[LAT_SIZES], size_t n, bool constants,
                    lat_lds_matrix values[LAT_LDS_PARAMETERS])
{
  luaL_checkstack(L, 8, who);
  lua_newtable(L);
  int keeper = lua_gettop(L);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes), room = count ? count : 1;
    latL_LdsGiven given = m->given[i];
    values[i] = (lat_lds_matrix){NULL, given > LATL_CONSTANT ? room : 0};
    if (given == LATL_ABSENT || (given == LATL_CONSTANT && !constants)) continue;
    if (given == LATL_LIST && m->steps[i] < n)
      latL_error(L, who, "%s is given for %I steps, and %I are needed", name_of(i),
                 (lua_Integer)m->steps[i], (lua_Integer)n);
    if (given == LATL_LIST) {
      values[i].data = m->options.given[i].data;
      continue;
    }
    size_t steps = given == LATL_FUNCTION && n > 0 ? n : 1;
    double *to = latL_newmatrix(L, steps, room, LAT_FLOAT64)->view.data;
    lua_rawseti(L, keeper, i + 1);
    values[i].data = to;
    if (given == LATL_FUNCTION)
      call_function(L, model, who, i, n, sizes, to);
    else if (count > 0)
      read_constant(L, model, who, i, sizes, to);
  }
}

/* Packs the list at `at`: as views the field of the parameter's name, which users see. */
static void pack_list(lua_State *L, latL_Lds *m, int i, int at, const size_t sizes[LAT_SIZES])
{
  size_t n = latL_lengthoflist(L, at), rows, cols;
  shape_of(i, sizes, &rows, &cols);
  double *to = latL_newmatrix(L, n, rows * cols, LAT_FLOAT64)->view.data;
  int owner = lua_gettop(L);
  for (size_t t = 0; t < n; t++) {
    lua_geti(L, at, (lua_Integer)t + 1);
    read_value(L, WHO, i, owner + 1, sizes, to + t * rows * cols);
    lua_settop(L, owner);
  }
  m->steps[i] = n;
  m->options.given[i] = (lat_lds_matrix){to, rows * cols};
  latL_newviews(L, owner, to, n, rows, cols);
  latL_keep(L, 2, name_of(i)); /* found before the parameter of this name */
  char key[32];
  snprintf(key, sizeof key, "(%s)", name_of(i));
  latL_keep(L, 2, key);
}

static latL_LdsGiven kind_of(lua_State *L, int at)
{
  int type = lua_type(L, at);
  return type == LUA_TNIL          ? LATL_ABSENT
         : type == LUA_TFUNCTION   ? LATL_FUNCTION
         : latL_issequences(L, at) ? LATL_LIST
                                   : LATL_CONSTANT;
}

/* The kinds of all values, and the sizes that they imply. */
static void read_matrices(lua_State *L, latL_Lds *m, size_t sizes[LAT_SIZES])
{
  int first = lua_gettop(L) + 1, last = first + LAT_LDS_PARAMETERS - 1;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    int type = latL_getoption(L, 1, name_of(i));
    m->given[i] = kind_of(L, first + i);
    if (m->given[i] > LATL_CONSTANT && i >= LAT_LDS_MEAN)
      latL_error(L, WHO, "%s is of the first step, so there is one of it", name_of(i));
    if (m->given[i] == LATL_CONSTANT && type != LUA_TNUMBER)
      latL_checkmatrix(L, first + i, WHO, name_of(i));
  }
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
      if (m->given[i] == LATL_ABSENT) continue;
      push_sample(L, m->given[i], i, first + i);
      set_sizes(L, sizes, i, lua_gettop(L), round);
      lua_settop(L, last);
    }
  if (sizes[LAT_M] == 0) sizes[LAT_M] = 1;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    if (m->given[i] == LATL_LIST) pack_list(L, m, i, first + i, sizes);
    if (m->given[i] != LATL_FUNCTION) continue;
    lua_pushvalue(L, first + i);
    latL_keep(L, 2, name_of(i));
  }
  lua_settop(L, first - 1);
}

/* Lists are checked as a whole, once. */
static void check_lists(lua_State *L, const latL_Lds *m, const size_t sizes[LAT_SIZES])
{
  lat_workspace *work = latL_workspace(L);
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    size_t rows, cols;
    if (m->given[i] != LATL_LIST) continue;
    shape_of(i, sizes, &rows, &cols);
    latL_call(L, WHO, work,
              lat_lds_check_matrix(work, i, m->options.given[i], m->steps[i], rows, cols));
  }
}

/* ---- the other options ----------------------------------------------------------------------- */

static lat_lds_initial check_initial(lua_State *L, int at)
{
  static const char *const words[] = {"known", "stationary", "diffuse", NULL};
  if (lua_type(L, at) != LUA_TSTRING)
    latL_error(L, WHO,
               "initial must be \"known\", \"stationary\" or \"diffuse\", or a list of "
               "these, one for each state");
  const char *word = lua_tostring(L, at);
  for (int k = 0; words[k]; k++)
    if (strcmp(word, words[k]) == 0) return (lat_lds_initial)(LAT_LDS_KNOWN + k);
  latL_error(L, WHO, "unknown initial '%s' (known: known, stationary, diffuse)", word);
  return LAT_LDS_KNOWN;
}

static void read_initial(lua_State *L, lat_lds_options *o)
{
  size_t M = o->latent_dim;
  int type = latL_getoption(L, 1, "initial"), at = lua_gettop(L);
  if (type != LUA_TNIL && type != LUA_TTABLE) o->initial = check_initial(L, at);
  if (type == LUA_TTABLE) {
    if (lua_rawlen(L, at) != M)
      latL_error(L, WHO, "initial is a list of %I, but the model has %I states",
                 (lua_Integer)lua_rawlen(L, at), (lua_Integer)M);
    lat_lds_initial *initials = lua_newuserdatauv(L, M * sizeof *initials, 0);
    for (size_t i = 0; i < M; i++) {
      lua_geti(L, at, (lua_Integer)i + 1);
      initials[i] = check_initial(L, at + 2);
      lua_settop(L, at + 1);
    }
    o->initials = initials;
    latL_keep(L, 2, "(initial)");
  }
  lua_settop(L, at - 1);
}

static void read_estimate(lua_State *L, const latL_Lds *m, lat_lds_options *o)
{
  int type = latL_getoption(L, 1, "estimate"), at = lua_gettop(L);
  if (type != LUA_TNIL && type != LUA_TTABLE)
    latL_error(L, WHO, "estimate must be a list of names, got %s", luaL_typename(L, at));
  if (type == LUA_TTABLE) {
    bool *flags = lua_newuserdatauv(L, LAT_LDS_PARAMETERS * sizeof *flags, 0);
    memset(flags, 0, LAT_LDS_PARAMETERS * sizeof *flags);
    for (lua_Integer k = 1; lua_geti(L, at, k) != LUA_TNIL; k++) {
      const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
      int i = 0;
      while (i < LAT_LDS_PARAMETERS && strcmp(name_of(i), word) != 0) i++;
      if (i == LAT_LDS_PARAMETERS)
        latL_error(L, WHO,
                   "estimate: unknown parameter %s (known: A, B, C, D, Q, R, initial_mean, "
                   "initial_covariance)",
                   latL_got(L, -1));
      if (m->given[i] > LATL_CONSTANT)
        latL_error(L, WHO, "%s varies with t, and so can't be estimated", word);
      flags[i] = true;
      lua_pop(L, 1);
    }
    o->estimate = flags;
    lua_settop(L, at + 1);
    latL_keep(L, 2, "(estimate)");
  }
  lua_settop(L, at - 1);
}

static void read_structure(lua_State *L, lat_lds_options *o)
{
  static const char *const names[] = {"Q", "R", NULL};
  static const char *const words[] = {"full", "diagonal", "scalar", NULL};
  latL_getoption(L, 1, "structure");
  int at = lua_gettop(L);
  latL_checkfields(L, at, WHO, "structure", names);
  o->Q_structure = (lat_lds_structure)latL_optword(L, at, WHO, "Q", words, LAT_LDS_FULL);
  o->R_structure = (lat_lds_structure)latL_optword(L, at, WHO, "R", words, LAT_LDS_FULL);
  lua_settop(L, at - 1);
}

/* The mask at `at` of parameter i: entries that aren't 0 are held. Pushes its flags. */
static const bool *check_mask(lua_State *L, int i, int at, size_t rows, size_t cols)
{
  const latL_Matrix *mask = latL_checkmatrix(L, at, WHO, "fixed");
  lat_matrix view = mask->view;
  if (mask->vector && (rows == 1 || cols == 1) && view.rows == rows * cols && view.rows != rows)
    view = lat_transpose(view);
  if (view.rows != rows || view.cols != cols)
    latL_error(L, WHO, "fixed.%s is a %s, it should be %Ix%I", name_of(i), latL_shape(L, mask),
               (lua_Integer)rows, (lua_Integer)cols);
  bool *flags = lua_newuserdatauv(L, rows * cols, 0);
  for (size_t k = 0; k < rows * cols; k++) flags[k] = lat_get(&view, k / cols, k % cols) != 0;
  return flags;
}

/* fixed = {A = mask, ...} */
static void read_fixed(lua_State *L, const latL_Lds *m, const size_t sizes[LAT_SIZES],
                       lat_lds_options *o)
{
  static const char *const names[] = {"A", "B", "C", "D", "Q", "R", "initial_mean", NULL};
  latL_getoption(L, 1, "fixed");
  int at = lua_gettop(L);
  latL_checkfields(L, at, WHO, "fixed", names);
  for (int i = 0; i <= LAT_LDS_MEAN && lua_istable(L, at); i++) {
    size_t rows, cols;
    lua_settop(L, at);
    if (lua_getfield(L, at, name_of(i)) == LUA_TNIL) continue;
    shape_of(i, sizes, &rows, &cols);
    if (m->given[i] != LATL_CONSTANT || rows * cols == 0)
      latL_error(L, WHO, "fixed holds entries of %s, which isn't given", name_of(i));
    o->fixed[i] = check_mask(L, i, at + 1, rows, cols);
    char key[32];
    snprintf(key, sizeof key, "(fixed %s)", name_of(i));
    latL_keep(L, 2, key);
  }
  lua_settop(L, at - 1);
}

void latL_readlds(lua_State *L, latL_Lds *m)
{
  static const char *const forms[] = {"covariance", "square_root", NULL};
  lat_lds_options *o = &m->options;
  size_t sizes[LAT_SIZES] = {0};
  *o = lat_lds_defaults();
  sizes[LAT_M] = (size_t)latL_optinteger(L, 1, WHO, "latent_dim", 0, 1, (lua_Integer)1 << 16);
  read_matrices(L, m, sizes);
  o->latent_dim = sizes[LAT_M];
  o->outputs = sizes[LAT_D];
  o->inputs = sizes[LAT_U];
  o->form = latL_optword(L, 1, WHO, "form", forms, 0) == 1 ? LAT_LDS_SQUARE_ROOT
                                                           : LAT_LDS_COVARIANCE_FORM;
  read_estimate(L, m, o);
  read_structure(L, o);
  read_fixed(L, m, sizes, o);
  read_initial(L, o);
  lat_lds_matrix values[LAT_LDS_PARAMETERS]; /* not in place: lists are there */
  latL_ldsvalues(L, 2, m, WHO, sizes, 0, true, values);
  memcpy(o->given, values, sizeof values);
  latL_keep(L, 2, "(values)");
  bool *diffuse = lua_newuserdatauv(L, o->latent_dim * sizeof *diffuse, 0);
  latL_keep(L, 2, "(diffuse)");
  lat_workspace *work = latL_workspace(L);
  latL_call(L, WHO, work, lat_lds_resolve(work, o, diffuse, &m->core));
  check_lists(L, m, sizes);
}
