/* lds_options.c: what a linear dynamical system is made of. */
#include <string.h>

#include "models/lds/lds.h"

#define WHO "lds"

static const char *const size_words[LAT_SIZES] = {
    [LAT_D] = "outputs", [LAT_M] = "states", [LAT_U] = "inputs"};

static const char *name_of(int i)
{
  return lat_lds_parameters[i].name;
}

static bool is_covariance(int i)
{
  return i == LAT_LDS_Q || i == LAT_LDS_R || i == LAT_LDS_COVARIANCE;
}

static bool may_vary(int i)
{
  return i < LAT_LDS_MEAN;
}

/* ---- sizes ------------------------------------------------------------------------------------- */

/* The size s is n, says what is at `at`. */
static void meet(lua_State *L, size_t sizes[LAT_SIZES], const char *who, int i, int at, lat_size s,
                 size_t n)
{
  if (s == LAT_END) return;
  if (sizes[s] == 0) sizes[s] = n;
  if (sizes[s] == n) return;
  const latL_Matrix *value = latL_tomatrix(L, at);
  latL_error(L, who, "%s is a %s, but the model has %I %s", name_of(i),
             value ? latL_shape(L, value) : "number", (lua_Integer)sizes[s], size_words[s]);
}

/* What a vector of n says where a matrix is expected: a diagonal, a row or a column. */
static void meet_vector(lua_State *L, size_t sizes[LAT_SIZES], int i, int at, size_t n)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  if (is_covariance(i) || shape[1] == LAT_END) {
    meet(L, sizes, WHO, i, at, shape[0], n);
    return;
  }
  if (i == LAT_LDS_A && n > 1)
    latL_error(
        L, WHO,
        "A is a vector of %I, it should be a number, a matrix or a list of matrices, one for "
        "each step",
        (lua_Integer)n);
  bool row = i == LAT_LDS_C ? sizes[LAT_M] != 1 : false; /* C of one output; B and D of one input */
  if (i != LAT_LDS_C && sizes[shape[0]] == 1 && n > 1) row = true;
  meet(L, sizes, WHO, i, at, shape[0], row ? 1 : n);
  meet(L, sizes, WHO, i, at, shape[1], row ? n : 1);
}

/* What the value at `at` says. Matrices speak first, then vectors, then numbers. */
static void meet_value(lua_State *L, latL_Lds *m, int i, int at, int turn)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  if (lua_type(L, at) == LUA_TNUMBER) {
    if (turn < 2 || is_covariance(i)) return;
    for (int k = 0; k < 2; k++)
      if (shape[k] != LAT_END && m->sizes[shape[k]] == 0) m->sizes[shape[k]] = 1;
    return;
  }
  const latL_Matrix *value = latL_checkmatrix(L, at, WHO, name_of(i));
  bool vector = value->vector || shape[1] == LAT_END;
  if (vector != (turn == 1)) return;
  if (vector)
    meet_vector(L, m->sizes, i, at, value->view.rows * value->view.cols);
  else
    for (int k = 0; k < 2; k++)
      meet(L, m->sizes, WHO, i, at, shape[k], k ? value->view.cols : value->view.rows);
}

void latL_sizelds(lua_State *L, const latL_Lds *m, const char *who, size_t outputs, size_t inputs,
                  size_t sizes[LAT_SIZES])
{
  memcpy(sizes, m->sizes, sizeof m->sizes);
  if (outputs && sizes[LAT_D] && outputs != sizes[LAT_D])
    latL_error(L, who, "Y has %I columns, the model has %I outputs", (lua_Integer)outputs,
               (lua_Integer)sizes[LAT_D]);
  if (outputs) sizes[LAT_D] = outputs;
  if (inputs && sizes[LAT_U] == 0) sizes[LAT_U] = inputs;
  if (inputs != sizes[LAT_U])
    latL_error(L, who, "the data has %I inputs, the model has %I", (lua_Integer)inputs,
               (lua_Integer)sizes[LAT_U]);
}

/* ---- values -------------------------------------------------------------------------------------- */

void latL_putlds(lua_State *L, const char *who, int i, int at, const size_t sizes[LAT_SIZES],
                 double *to)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  size_t rows = sizes[shape[0]], cols = shape[1] == LAT_END ? 1 : sizes[shape[1]];
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
  bool along =
      (rows == 1 || cols == 1) && (value->vector || shape[1] == LAT_END) && n == rows * cols;
  if (along && from.rows != rows) from = lat_transpose(from);
  if (from.rows != rows || from.cols != cols)
    latL_error(L, who, "%s is a %s, it should be %Ix%I", name_of(i), latL_shape(L, value),
               (lua_Integer)rows, (lua_Integer)cols);
  lat_copy(&from, &target);
}

/* Packs the list at `at` into a kept field. */
static void pack_list(lua_State *L, latL_Lds *m, int i, int at)
{
  size_t n = latL_lengthoflist(L, at);
  const lat_size *shape = lat_lds_parameters[i].shape;
  size_t count = m->sizes[shape[0]] * m->sizes[shape[1]];
  double *to = latL_newmatrix(L, n, count, LAT_FLOAT64)->view.data;
  int top = lua_gettop(L);
  lua_createtable(L, (int)n, 0);
  for (size_t t = 0; t < n; t++) {
    lua_geti(L, at, (lua_Integer)t + 1);
    latL_putlds(L, WHO, i, top + 2, m->sizes, to + t * count);
    lat_matrix view = lat_matrix_of(to + t * count, m->sizes[shape[0]], m->sizes[shape[1]]);
    latL_newview(L, top, view, false);
    lua_rawseti(L, top + 1, (lua_Integer)t + 1);
    lua_settop(L, top + 1);
  }
  m->steps[i] = n;
  m->listed[i] = to;
  latL_keep(L, 2, name_of(i)); /* found before the parameter of this name */
  lua_pushfstring(L, "(%s)", name_of(i));
  lua_insert(L, -2);
  latL_keep(L, 2, lua_tostring(L, -2));
  lua_pop(L, 1);
}

/* One of the matrices that the value at `at` gives: of a function that of the first step that has one. */
static void push_sample(lua_State *L, const latL_Lds *m, int i, int at)
{
  bool moves = i == LAT_LDS_A || i == LAT_LDS_B || i == LAT_LDS_Q;
  lua_pushvalue(L, at);
  if (m->given[i] == LATL_LIST) lua_geti(L, at, 1);
  if (m->given[i] != LATL_FUNCTION) return;
  lua_pushinteger(L, moves ? 2 : 1);
  lua_call(L, 1, 1);
}

static void read_matrices(lua_State *L, latL_Lds *m)
{
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    int type = latL_getoption(L, 1, name_of(i)), at = first + i;
    m->given[i] = type == LUA_TNIL          ? LATL_ABSENT
                  : type == LUA_TFUNCTION   ? LATL_FUNCTION
                  : latL_issequences(L, at) ? LATL_LIST
                                            : LATL_CONSTANT;
    if (m->given[i] > LATL_CONSTANT && !may_vary(i))
      latL_error(L, WHO, "%s is of the first step, so there is one of it", name_of(i));
    if (m->given[i] == LATL_CONSTANT && type != LUA_TNUMBER)
      latL_checkmatrix(L, at, WHO, name_of(i));
  }
  for (int turn = 0; turn < 3; turn++)
    for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
      if (m->given[i] == LATL_ABSENT) continue;
      push_sample(L, m, i, first + i);
      meet_value(L, m, i, lua_gettop(L), turn);
      lua_settop(L, first + LAT_LDS_PARAMETERS - 1);
    }
  if (m->sizes[LAT_M] == 0) m->sizes[LAT_M] = 1;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    if (m->given[i] == LATL_LIST) pack_list(L, m, i, first + i);
    if (m->given[i] == LATL_FUNCTION) {
      lua_pushvalue(L, first + i);
      latL_keep(L, 2, name_of(i));
    }
  }
  lua_settop(L, first - 1);
}

/* ---- the initial state ------------------------------------------------------------------------------ */

static const char *const initials[] = {"known", "stationary", "diffuse", NULL};

static latL_LdsInitial check_initial(lua_State *L, int at)
{
  if (lua_type(L, at) != LUA_TSTRING)
    latL_error(L, WHO,
               "initial must be \"known\", \"stationary\" or \"diffuse\", or a list of "
               "these, one for each state");
  const char *word = lua_tostring(L, at);
  for (int k = 0; initials[k]; k++)
    if (strcmp(word, initials[k]) == 0) return (latL_LdsInitial)k;
  latL_error(L, WHO, "unknown initial '%s' (known: known, stationary, diffuse)", word);
  return LATL_KNOWN;
}

/* Gives the flags that the core knows. */
static void note_initial(latL_Lds *m, bool *diffuse)
{
  m->any_diffuse = m->any_stationary = false;
  for (size_t i = 0; i < m->sizes[LAT_M]; i++) {
    diffuse[i] = m->initial[i] == LATL_DIFFUSE;
    m->any_diffuse |= diffuse[i];
    m->any_stationary |= m->initial[i] == LATL_STATIONARY;
  }
  m->core.diffuse = m->any_diffuse ? diffuse : NULL;
  m->core.stationary = m->any_stationary;
}

static void set_initial(latL_Lds *m, latL_LdsInitial initial)
{
  size_t M = m->sizes[LAT_M];
  for (size_t i = 0; i < M; i++) m->initial[i] = initial;
  note_initial(m, (bool *)(m->initial + M));
}

static void read_initial(lua_State *L, latL_Lds *m)
{
  size_t M = m->sizes[LAT_M];
  m->initial = lua_newuserdatauv(L, M * (sizeof *m->initial + sizeof(bool)), 0);
  latL_keep(L, 2, "(initial)");
  set_initial(m, LATL_KNOWN);
  int type = latL_getoption(L, 1, "initial"), at = lua_gettop(L);
  if (type == LUA_TTABLE) {
    if (lua_rawlen(L, at) != M)
      latL_error(L, WHO, "initial is a list of %I, but the model has %I states",
                 (lua_Integer)lua_rawlen(L, at), (lua_Integer)M);
    for (size_t i = 0; i < M; i++) {
      lua_geti(L, at, (lua_Integer)i + 1);
      m->initial[i] = check_initial(L, at + 1);
      lua_settop(L, at);
    }
    note_initial(m, (bool *)(m->initial + M));
  } else if (type != LUA_TNIL) {
    set_initial(m, check_initial(L, at));
  }
  bool known = false;
  for (size_t i = 0; i < M; i++) known |= m->initial[i] == LATL_KNOWN;
  if (m->any_stationary && known)
    latL_error(L, WHO, "initial: states are all stationary or none of them, but for diffuse ones");
  m->automatic = type == LUA_TNIL && m->given[LAT_LDS_MEAN] == LATL_ABSENT &&
                 m->given[LAT_LDS_COVARIANCE] == LATL_ABSENT &&
                 (latL_wholelds(m) || (m->asked && !m->core.estimate[LAT_LDS_MEAN] &&
                                       !m->core.estimate[LAT_LDS_COVARIANCE]));
  if (type != LUA_TNIL && known && m->given[LAT_LDS_COVARIANCE] == LATL_ABSENT && latL_wholelds(m))
    latL_error(L, WHO, "initial = \"known\" needs initial_covariance");
  lua_settop(L, at - 1);
}

/* ---- what is estimated, and how ------------------------------------------------------------------------ */

static void read_estimate(lua_State *L, latL_Lds *m)
{
  const char *names[LAT_LDS_PARAMETERS + 1] = {NULL};
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) names[i] = name_of(i);
  int type = latL_getoption(L, 1, "estimate"), at = lua_gettop(L);
  if (type != LUA_TNIL && type != LUA_TTABLE)
    latL_error(L, WHO, "estimate must be a list of names, got %s", luaL_typename(L, at));
  m->asked = type == LUA_TTABLE;
  for (lua_Integer k = 1; m->asked && lua_geti(L, at, k) != LUA_TNIL; k++) {
    const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    int i = 0;
    while (names[i] && strcmp(names[i], word) != 0) i++;
    if (!names[i])
      latL_error(L, WHO,
                 "estimate: unknown parameter %s (known: A, B, C, D, Q, R, initial_mean, "
                 "initial_covariance)",
                 latL_got(L, -1));
    if (m->given[i] > LATL_CONSTANT)
      latL_error(L, WHO, "%s varies with t, and so can't be estimated", word);
    m->core.estimate[i] = true;
    lua_pop(L, 1);
  }
  lua_settop(L, at - 1);
}

static void read_structure(lua_State *L, latL_Lds *m)
{
  static const char *const names[] = {"Q", "R", NULL};
  static const char *const words[] = {"full", "diagonal", "scalar", NULL};
  latL_getoption(L, 1, "structure");
  int at = lua_gettop(L);
  latL_checkfields(L, at, WHO, "structure", names);
  m->core.Q_structure = (lat_lds_structure)latL_optword(L, at, WHO, "Q", words, LAT_LDS_FULL);
  m->core.R_structure = (lat_lds_structure)latL_optword(L, at, WHO, "R", words, LAT_LDS_FULL);
  lua_settop(L, at - 1);
}

/* fixed = {A = mask, ...}: entries that aren't 0 are held */
static void read_fixed(lua_State *L, latL_Lds *m)
{
  static const char *const names[] = {"A", "B", "C", "D", "Q", "R", "initial_mean", NULL};
  latL_getoption(L, 1, "fixed");
  int at = lua_gettop(L);
  latL_checkfields(L, at, WHO, "fixed", names);
  for (int i = 0; i <= LAT_LDS_MEAN && lua_istable(L, at); i++) {
    lua_settop(L, at);
    if (lua_getfield(L, at, name_of(i)) == LUA_TNIL) continue;
    const lat_size *shape = lat_lds_parameters[i].shape;
    size_t rows = m->sizes[shape[0]], cols = shape[1] == LAT_END ? 1 : m->sizes[shape[1]];
    if (m->given[i] != LATL_CONSTANT || rows * cols == 0)
      latL_error(L, WHO, "fixed holds entries of %s, which isn't given", name_of(i));
    const latL_Matrix *mask = latL_checkmatrix(L, at + 1, WHO, "fixed");
    lat_matrix view = mask->view;
    if (mask->vector && (rows == 1 || cols == 1) && view.rows == rows * cols && view.rows != rows)
      view = lat_transpose(view);
    if (view.rows != rows || view.cols != cols)
      latL_error(L, WHO, "fixed.%s is a %s, it should be %Ix%I", name_of(i), latL_shape(L, mask),
                 (lua_Integer)rows, (lua_Integer)cols);
    bool *flags = lua_newuserdatauv(L, rows * cols, 0);
    for (size_t k = 0; k < rows * cols; k++) flags[k] = lat_get(&view, k / cols, k % cols) != 0;
    m->core.fixed[i] = flags;
    lua_pushfstring(L, "(fixed %s)", name_of(i));
    lua_insert(L, -2);
    latL_keep(L, 2, lua_tostring(L, -2));
  }
  lua_settop(L, at - 1);
}

/* ---- given parameters ------------------------------------------------------------------------------------ */

bool latL_wholelds(const latL_Lds *m)
{
  return m->given[LAT_LDS_A] && m->given[LAT_LDS_C] && m->given[LAT_LDS_Q] && m->given[LAT_LDS_R] &&
         m->sizes[LAT_D] > 0;
}

void latL_fillgiven(lua_State *L, int model, const char *who, const size_t sizes[LAT_SIZES],
                    double *flat)
{
  model = lua_absindex(L, model);
  const latL_Lds *m = lua_touserdata(L, model);
  int top = lua_gettop(L);
  double *at = flat;
  latL_kept(L, model, LATL_MADE_WITH);
  int options = lua_gettop(L);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
    memset(at, 0, count * sizeof *at);
    if (m->given[i] == LATL_LIST) memcpy(at, m->listed[i], count * sizeof *at);
    if (m->given[i] == LATL_CONSTANT && count > 0) {
      latL_getoption(L, options, name_of(i));
      latL_putlds(L, who, i, options + 1, sizes, at);
      lua_settop(L, options);
    }
    at += count;
  }
  lua_settop(L, top);
}

/* Of an initial state of which nothing is said: stationary where A, which is given, has a long run, else
 * diffuse. */
static void settle_initial(lua_State *L, latL_Lds *m)
{
  size_t M = m->sizes[LAT_M], count = lat_parameters_count(lat_lds_parameters, m->sizes);
  double *flat = latL_newmatrix(L, 1, count, LAT_FLOAT64)->view.data;
  latL_fillgiven(L, 2, WHO, m->sizes, flat);
  lat_lds lds = lat_lds_of(flat, m->sizes);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  double *scratch = lat_doubles(work, M + M * M);
  bool stable = scratch && m->given[LAT_LDS_A] == LATL_CONSTANT &&
                m->given[LAT_LDS_Q] <= LATL_CONSTANT &&
                lat_lds_stationary(work, &lds, scratch, scratch + M) == LAT_OK;
  lat_workspace_release(work, mark);
  set_initial(m, stable ? LATL_STATIONARY : LATL_DIFFUSE);
  lua_pop(L, 1);
}

void latL_readlds(lua_State *L, latL_Lds *m)
{
  static const char *const forms[] = {"covariance", "square_root", NULL};
  m->sizes[LAT_M] = (size_t)latL_optinteger(L, 1, WHO, "latent_dim", 0, 1, (lua_Integer)1 << 16);
  read_matrices(L, m);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) m->core.given[i] = m->given[i] != LATL_ABSENT;
  m->core.square_root = latL_optword(L, 1, WHO, "form", forms, 0) == 1;
  read_estimate(L, m);
  read_structure(L, m);
  read_fixed(L, m);
  read_initial(L, m);
  if (m->automatic) settle_initial(L, m);
}
