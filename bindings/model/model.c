#include "model/model.h"

#include <math.h>
#include <string.h>

static const char is_kind = 0;                /* its address is a key of every kind's metatable */
static const char FITTED[] = "latent.fitted"; /* no class of the users' */

/* ---- what a fit makes ------------------------------------------------------------------------ */

static latL_Fitted *to_fitted(lua_State *L, int arg)
{
  return luaL_testudata(L, arg, FITTED);
}

latL_Fitted *latL_newunfitted(lua_State *L, int model)
{
  model = lua_absindex(L, model);
  latL_Fitted *f = lua_newuserdatauv(L, sizeof *f, LATL_FITTED_VALUES);
  const latL_Model *m = lua_touserdata(L, model);
  *f = (latL_Fitted){.owner = m, .model = m->kind->core};
  if (m->kind->core) f->options = latL_optionsof(m);
  luaL_setmetatable(L, FITTED);
  lua_pushvalue(L, model);
  lua_setiuservalue(L, -2, LATL_OF_MODEL);
  lua_newtable(L);
  lua_setiuservalue(L, -2, LATL_RECORD);
  return f;
}

latL_Fitted *latL_newfitted(lua_State *L, int model, const size_t sizes[LAT_SIZES])
{
  latL_Fitted *f = latL_newunfitted(L, model);
  size_t count = lat_parameters_count(latL_parametersof(latL_owner(f)), sizes);
  memcpy(f->sizes, sizes, sizeof f->sizes);
  f->flat = latL_newmatrix(L, 1, count ? count : 1, LAT_FLOAT64)->view.data;
  lua_setiuservalue(L, -2, LATL_PARAMETERS);
  return f;
}

double *latL_newstatistics(lua_State *L, int fitted, size_t count)
{
  fitted = lua_absindex(L, fitted);
  double *memory = latL_newmatrix(L, 1, count, LAT_FLOAT64)->view.data;
  latL_Fitted *f = lua_touserdata(L, fitted);
  lua_setiuservalue(L, fitted, LATL_STATISTICS);
  f->count = count;
  return f->statistics = memory;
}

void latL_dropaside(lua_State *L, int fitted)
{
  fitted = lua_absindex(L, fitted);
  latL_Fitted *f = lua_touserdata(L, fitted);
  lua_pushnil(L);
  lua_setiuservalue(L, fitted, LATL_ASIDE);
  f->aside = NULL;
  f->aside_bytes = 0;
}

latL_Fitted *latL_pushcopy(lua_State *L, int model, const lat_fitted *from)
{
  latL_Fitted *to = latL_newfitted(L, model, from->sizes);
  size_t count = lat_parameters_count(latL_parametersof(latL_owner(to)), from->sizes);
  memcpy(to->flat, from->flat, count * sizeof *to->flat);
  if (from->aside) {
    to->aside = memcpy(lua_newuserdatauv(L, from->aside_bytes, 0), from->aside, from->aside_bytes);
    to->aside_bytes = from->aside_bytes;
    lua_setiuservalue(L, -2, LATL_ASIDE);
  }
  if (from->statistics)
    memcpy(latL_newstatistics(L, -1, from->count), from->statistics,
           from->count * sizeof *from->statistics);
  to->seen = from->seen;
  to->updates = from->updates;
  return to;
}

/* Pushes the value at `from`; of a table a copy, also of the tables in it, `depth` levels. */
static void push_copy(lua_State *L, int from, int depth)
{
  if (lua_type(L, from) != LUA_TTABLE || depth == 0) {
    lua_pushvalue(L, from);
    return;
  }
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, from);) {
    lua_pushvalue(L, -2);
    push_copy(L, lua_gettop(L) - 1, depth - 1);
    lua_rawset(L, -5);
    lua_pop(L, 1);
  }
}

latL_Fitted *latL_copyfitted(lua_State *L, int fitted)
{
  fitted = lua_absindex(L, fitted);
  const latL_Fitted *from = lua_touserdata(L, fitted);
  lua_getiuservalue(L, fitted, LATL_OF_MODEL);
  latL_Fitted *to = latL_pushcopy(L, -1, from);
  lua_remove(L, -2);
  lua_getiuservalue(L, fitted, LATL_RECORD);
  push_copy(L, lua_gettop(L), 1);
  lua_setiuservalue(L, -3, LATL_RECORD);
  lua_pop(L, 1);
  return to;
}

/* table[name] := the value on the top, for a table that is a user value. */
static void set_field(lua_State *L, int at, int value, const char *name)
{
  lua_getiuservalue(L, at, value);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* In the place of the table on the top, its field; the type. */
static int take_field(lua_State *L, const char *name)
{
  lua_pushstring(L, name);
  int type = lua_rawget(L, -2);
  lua_remove(L, -2);
  return type;
}

void latL_record(lua_State *L, int fitted, const char *name)
{
  set_field(L, lua_absindex(L, fitted), LATL_RECORD, name);
}

void latL_recordfields(lua_State *L, int fitted, const latL_Field *fields, const void *object)
{
  lua_getiuservalue(L, fitted, LATL_RECORD);
  latL_setfields(L, fields, object);
  lua_pop(L, 1);
}

void latL_recordlist(lua_State *L, int fitted, const char *name, const double *numbers,
                     size_t count)
{
  fitted = lua_absindex(L, fitted);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushnumber(L, numbers[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  latL_record(L, fitted, name);
}

int latL_recorded(lua_State *L, int fitted, const char *name)
{
  lua_getiuservalue(L, fitted, LATL_RECORD);
  return take_field(L, name);
}

static const char MISSING[] = "missing";

bool latL_takesmissing(lua_State *L, int fitted)
{
  if (lua_isnil(L, fitted)) return false;
  bool takes = latL_recorded(L, fitted, MISSING) == LUA_TBOOLEAN && lua_toboolean(L, -1);
  lua_pop(L, 1);
  return takes;
}

void latL_recordmissing(lua_State *L, int fitted, bool missing)
{
  if (!missing) return;
  fitted = lua_absindex(L, fitted);
  lua_pushboolean(L, true);
  latL_record(L, fitted, MISSING);
}

void latL_recorddata(lua_State *L, int fitted, int data, size_t rows)
{
  fitted = lua_absindex(L, fitted);
  if (rows > 0) {
    lua_pushinteger(L, (lua_Integer)rows);
    latL_record(L, fitted, "observations");
  }
  if (!latL_tomatrix(L, data)) return;
  if (!latL_pushdescribed(L, data, "names")) return;
  if (lua_istable(L, -1))
    latL_record(L, fitted, "names");
  else
    lua_pop(L, 1);
}

void latL_publish(lua_State *L, int model)
{
  lua_setiuservalue(L, model, LATL_FITTED);
}

const latL_Fitted *latL_pushfitted(lua_State *L, int model)
{
  lua_getiuservalue(L, model, LATL_FITTED);
  return lua_touserdata(L, -1);
}

size_t latL_columnsbefore(lua_State *L)
{
  if (!latL_tomodel(L, 1)) return 0;
  const latL_Fitted *f = latL_pushfitted(L, 1);
  size_t columns = f ? f->sizes[LAT_D] : 0;
  lua_pop(L, 1);
  return columns;
}

/* The model at `arg`; raises for anything else. */
static latL_Model *check_model(lua_State *L, int arg, const latL_Kind *kind, const char *who)
{
  latL_Model *m = luaL_testudata(L, arg, kind->metatable);
  if (!m && arg == 1) latL_failself(L, who, kind->name);
  if (!m) latL_error(L, who, "other must be a %s, got %s", kind->name, latL_typename(L, arg));
  return m;
}

const latL_Fitted *latL_fitted(lua_State *L, int arg, const latL_Kind *kind, const char *who)
{
  const latL_Fitted *f = to_fitted(L, arg);
  if (f && strcmp(latL_owner(f)->kind->metatable, kind->metatable) == 0) return f;
  const latL_Model *m = check_model(L, arg, kind, who);
  if (m->gone) latL_failgone(L, who, "model's memory");
  if (kind->core && kind->core->nets) return latL_netsof(m);
  if (kind->refresh) kind->refresh(L, arg, who);
  f = latL_pushfitted(L, arg);
  if (!f || !f->flat) latL_error(L, who, "the model is not fitted yet");
  lua_replace(L, arg);
  return f;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Pushes the parameter at `at`, which is a view of the flat vector of the block at index `fitted`:
 * a number, a vector, a matrix, or a list of matrices. */
static void push_parameter(lua_State *L, int fitted, const lat_parameter *p, double *at)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  const lat_size *shape = p->shape;
  if (shape[0] == LAT_END) {
    lua_pushnumber(L, *at);
    return;
  }
  if (lat_parameter_count(p, f->sizes) == 0) { /* no matrix is empty */
    lua_pushnil(L);
    return;
  }
  lua_getiuservalue(L, fitted, LATL_PARAMETERS);
  int owner = lua_gettop(L);
  size_t a = f->sizes[shape[0]];
  if (shape[1] == LAT_END) {
    latL_newview(L, owner, lat_vector_of(at, a), true);
  } else if (shape[2] == LAT_END) {
    latL_newview(L, owner, lat_matrix_of(at, a, f->sizes[shape[1]]), false);
  } else {
    size_t rows = f->sizes[shape[1]], cols = f->sizes[shape[2]];
    latL_newviews(L, owner, at, a, rows, cols);
  }
}

/* Pushes what the last fit has made that is called `name`, or nil. */
static void push_fitted_field(lua_State *L, const latL_Kind *kind, int model, const char *name)
{
  if (kind->refresh) kind->refresh(L, model, kind->name);
  const latL_Fitted *f = latL_pushfitted(L, model);
  int fitted = lua_gettop(L);
  if (!f || latL_recorded(L, fitted, name) != LUA_TNIL) return;
  double *at = f->flat;
  for (const lat_parameter *p = latL_parametersof(latL_owner(f)); at && p->name; p++) {
    if (strcmp(p->name, name) == 0) {
      push_parameter(L, fitted, p, at);
      return;
    }
    at += lat_parameter_count(p, f->sizes);
  }
}

static bool is_parameter(const latL_Model *m, const char *name)
{
  for (const lat_parameter *p = latL_parametersof(m); p && p->name; p++)
    if (strcmp(p->name, name) == 0) return true;
  return false;
}

/* A copy of the options that the model at `model` was made with. */
static void push_made_with(lua_State *L, int model)
{
  if (latL_kept(L, model, LATL_MADE_WITH) == LUA_TTABLE) {
    push_copy(L, lua_gettop(L), LAT_JSON_DEPTH);
    return;
  }
  lua_newtable(L);
}

/* The fields of the table at the top whose names users may type go into the table at `to`. */
static void add_fields(lua_State *L, int to)
{
  int from = lua_gettop(L);
  for (lua_pushnil(L); lua_istable(L, from) && lua_next(L, from); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_tostring(L, -2)[0] == '(') continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, to);
  }
  lua_settop(L, from - 1);
}

/* The iterator of pairs(model): next(fields, name), and an error where next would say less. */
static int next_field(lua_State *L)
{
  if (!lua_istable(L, 1)) return latL_error(L, "pairs", "this is for the loop to call");
  lua_settop(L, 2);
  return lua_next(L, 1) ? 2 : 0;
}

/* pairs(model): parameters and what fits leave, in no order. */
static int pairs_of_model(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  kind = check_model(L, 1, kind, kind->name)->kind;
  lua_settop(L, 1);
  lua_pushcfunction(L, next_field);
  lua_newtable(L);
  lua_getiuservalue(L, 1, LATL_KEPT);
  add_fields(L, 3);
  if (kind->refresh) kind->refresh(L, 1, kind->name);
  const latL_Fitted *f = latL_pushfitted(L, 1);
  if (f) {
    double *at = f->flat;
    for (const lat_parameter *p = latL_parametersof(latL_owner(f)); at && p->name; p++) {
      push_parameter(L, 4, p, at);
      lua_setfield(L, 3, p->name);
      lua_settop(L, 4);
      at += lat_parameter_count(p, f->sizes);
    }
    lua_getiuservalue(L, 4, LATL_RECORD);
    add_fields(L, 3);
  }
  lua_settop(L, 3);
  return 2; /* and nil */
}

/* Upvalues: the kind, its methods. */
static int index_model(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  kind = check_model(L, 1, kind, kind->name)->kind; /* several kinds may share a metatable */
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
  lua_getiuservalue(L, 1, LATL_KEPT);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL) return 1;
  if (lua_type(L, 2) != LUA_TSTRING) return 1; /* the nil */
  push_fitted_field(L, kind, 1, lua_tostring(L, 2));
  if (!lua_isnil(L, -1)) return 1;
  if (strcmp(lua_tostring(L, 2), "options") == 0) {
    push_made_with(L, 1);
    return 1;
  }
  bool ready = (kind->core && kind->core->nets) || latL_pushfitted(L, 1);
  if (!is_parameter(lua_touserdata(L, 1), lua_tostring(L, 2)))
    return latL_absent(L, kind->metatable, ready);
  if (!ready) latL_error(L, kind->name, "%s: the model is not fitted yet", lua_tostring(L, 2));
  return 0;
}

/* Pushes "pca, fitted: mean 4, components 4x2, ...". */
static void push_head(lua_State *L, const latL_Model *m, const latL_Fitted *f)
{
  const lat_parameter *parameters = latL_parametersof(m);
  bool fitted = f && f->flat;
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, m->kind->name);
  luaL_addstring(&text, fitted ? ", fitted:" : ", not fitted");
  for (const lat_parameter *p = parameters; fitted && p->name; p++) {
    luaL_addstring(&text, p == parameters ? " " : ", ");
    luaL_addstring(&text, p->name);
    for (int i = 0; i < 3 && p->shape[i] != LAT_END; i++) {
      lua_pushfstring(L, i ? "x%I" : " %I", (lua_Integer)f->sizes[p->shape[i]]);
      luaL_addvalue(&text);
    }
  }
  luaL_pushresult(&text);
}

/* Pushes a list of the names of the options given that aren't the defaults, in the order of the core's
 * table; nil of a kind that has none. */
static void push_changed(lua_State *L, const latL_Model *m)
{
  if (!m->kind->core) {
    lua_pushnil(L);
    return;
  }
  lua_newtable(L);
  int list = lua_gettop(L);
  latL_kept(L, 1, LATL_MADE_WITH);
  for (const lat_option *o = m->kind->core->options; lua_istable(L, -1) && o->name; o++) {
    lua_pushstring(L, o->name);
    int type = lua_rawget(L, list + 1);
    lua_settop(L, list + 1);
    /* what the table doesn't read, but the kind itself, is no default when it is given */
    bool read = o->type != LAT_GIVEN && (type != LUA_TTABLE || o->list || o->type == LAT_RANGE);
    if (type == LUA_TNIL || (read && lat_option_is_default(o, latL_optionsof(m)))) continue;
    lua_pushstring(L, o->name);
    lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
  }
  lua_settop(L, list);
}

int latL_returnlines(lua_State *L, const latL_Model *m)
{
  if (!latL_findpart(L, "latent.summary")) return lua_settop(L, 2), 1;
  lua_getfield(L, -1, "lines");
  lua_pushvalue(L, 1);
  lua_pushstring(L, m->kind->name);
  lua_pushvalue(L, 2);
  push_changed(L, m);
  lua_call(L, 4, 1);
  return 1;
}

static int tostring_model(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  const latL_Model *m = check_model(L, 1, kind, kind->name);
  lua_settop(L, 1);
  const latL_Fitted *f = latL_pushfitted(L, 1);
  push_head(L, m, f);
  lua_replace(L, 2);
  return latL_returnlines(L, m);
}

static int newindex_model(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  return latL_error(L, kind->name, "%s can't be set: a model's fields are what fits make",
                    latL_got(L, 2));
}

void latL_newkind(lua_State *L, const latL_Kind *kind)
{
  static const luaL_Reg meta[] = {{"__tostring", tostring_model},
                                  {"__newindex", newindex_model},
                                  {"__pairs", pairs_of_model},
                                  {NULL, NULL}};
  latL_newmetatable(L, FITTED);
  lua_pop(L, 1);
  latL_newmetatable(L, kind->metatable);
  lua_pushboolean(L, true);
  lua_rawsetp(L, -2, &is_kind);
  lua_newtable(L);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, index_model, 2);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -2, "methods");
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  luaL_setfuncs(L, meta, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LATL_KINDS);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  lua_setfield(L, -2, kind->name);
  lua_pop(L, 2);
}

const latL_Kind *latL_findkind(lua_State *L, const char *name)
{
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LATL_KINDS);
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  const latL_Kind *kind = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return kind;
}

/* What Lua calls for a verb: the function finds the upvalues as its own. */
static int call_verb(lua_State *L)
{
  if (lua_gettop(L) > 2) latL_takedata(L, 2, latL_verb(L));
  return lua_tocfunction(L, lua_upvalueindex(4))(L);
}

void latL_addverbs(lua_State *L, const char *metatable, const char *name, const void *kind,
                   const luaL_Reg *verbs, const void *more)
{
  luaL_getmetatable(L, metatable);
  lua_getfield(L, -1, "methods");
  for (; verbs->name; verbs++) {
    lua_pushlightuserdata(L, (void *)(size_t)kind);
    lua_pushfstring(L, "%s:%s", name, verbs->name);
    lua_pushlightuserdata(L, (void *)(size_t)more);
    lua_pushcfunction(L, verbs->func);
    lua_pushcclosure(L, call_verb, 4);
    lua_setfield(L, -2, verbs->name);
  }
  lua_pop(L, 2);
}

const void *latL_verbkind(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(1));
}

const char *latL_verb(lua_State *L)
{
  return lua_tostring(L, lua_upvalueindex(2));
}

/* ---- models ---------------------------------------------------------------------------------- */

void *latL_newmodel(lua_State *L, const latL_Kind *kind, size_t bytes)
{
  latL_Model *m = lua_newuserdatauv(L, bytes, LATL_VALUES);
  memset(m, 0, bytes);
  m->kind = kind;
  lua_newtable(L);
  if (lua_istable(L, 1)) {
    push_copy(L, 1, LAT_JSON_DEPTH);
    lua_setfield(L, -2, LATL_MADE_WITH);
  }
  lua_setiuservalue(L, -2, LATL_KEPT);
  luaL_setmetatable(L, kind->metatable);
  return m;
}

latL_Model *latL_tomodel(lua_State *L, int arg)
{
  void *model = lua_touserdata(L, arg);
  if (!model || !lua_getmetatable(L, arg)) return NULL;
  bool ours = lua_rawgetp(L, -1, &is_kind) != LUA_TNIL;
  lua_pop(L, 2);
  return ours ? model : NULL;
}

/* The model at `arg`, or whose block is there. */
static const latL_Model *model_at(lua_State *L, int arg)
{
  const latL_Fitted *f = to_fitted(L, arg);
  return f ? latL_owner(f) : latL_tomodel(L, arg);
}

const char *latL_modelremedy(lua_State *L)
{
  const latL_Model *m = model_at(L, 1);
  if (!m) return NULL;
  const char *gaps = m->kind->gaps ? m->kind->gaps : "";
  bool later = to_fitted(L, 1) && strcmp(gaps, LATL_KNOWS_GAPS) == 0; /* a method, no fit */
  return later ? LATL_KNOWS_GAPS ", here or at fit" : gaps;
}

void *latL_checkmodel(lua_State *L, const latL_Kind *kind, const char *who)
{
  latL_Model *m = check_model(L, 1, kind, who);
  if (m->gone) latL_failgone(L, who, "model's memory");
  return m;
}

void latL_pushkept(lua_State *L, int model)
{
  if (!to_fitted(L, model)) {
    lua_getiuservalue(L, model, LATL_KEPT);
    return;
  }
  lua_getiuservalue(L, model, LATL_OF_MODEL);
  lua_getiuservalue(L, -1, LATL_KEPT);
  lua_remove(L, -2);
}

void latL_keep(lua_State *L, int model, const char *name)
{
  set_field(L, lua_absindex(L, model), LATL_KEPT, name);
}

int latL_kept(lua_State *L, int model, const char *name)
{
  latL_pushkept(L, model);
  return take_field(L, name);
}

int latL_keptfield(lua_State *L, int model, const char *table, const char *name)
{
  latL_kept(L, model, table);
  int type = lua_getfield(L, -1, name);
  lua_remove(L, -2);
  return type;
}
