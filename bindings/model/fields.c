/* fields.c: what whoever reads a model finds, its fields, and how it is printed; the classes of
 * kinds, and the verbs that their methods are; see model.h. */
#include <string.h>

#include "model/model.h"

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
    latL_pushdeep(L, lua_gettop(L), LAT_JSON_DEPTH);
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
  kind = latL_argmodel(L, 1, kind, kind->name)->kind;
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
  kind = latL_argmodel(L, 1, kind, kind->name)->kind; /* several kinds may share a metatable */
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
  const latL_Model *m = latL_argmodel(L, 1, kind, kind->name);
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
  latL_newmetatable(L, kind->metatable);
  latL_markkind(L);
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
