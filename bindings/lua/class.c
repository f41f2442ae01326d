/* class.c: functions as rows of tables, and classes: methods, fields, finalizers. */
#include "lua/class.h"

#include <stdint.h>
#include <string.h>

#include "lua/options.h"

/* ---- functions ------------------------------------------------------------------- */

void latL_placeoptions(lua_State *L, int arguments, int optional)
{
  const int at = arguments + 1, top = lua_gettop(L);
  lua_settop(L, at);
  if (top >= at && !lua_isnil(L, at)) return;
  for (int i = at - optional; i < at && i <= top; i++) {
    if (lua_type(L, i) != LUA_TTABLE) continue;
    lua_settop(L, i);
    for (int absent = i; absent < at; absent++) lua_pushnil(L);
    lua_rotate(L, i, at - i);
    return;
  }
}

/* Upvalues of every function: its row; in a class, the metatable's address. */
static int call_function(lua_State *L)
{
  const latL_Function *f = lua_touserdata(L, lua_upvalueindex(1));
  const int at = f->arguments + 1;
  if (f->arguments) {
    if (f->optional)
      latL_placeoptions(L, f->arguments, f->optional);
    else
      lua_settop(L, at);
    if (latL_isabout(L, at)) { /* what a data set has handed on is no table of options */
      lua_pushnil(L);
      lua_replace(L, at);
    }
    const int type = lua_type(L, at);
    if (f->options && type != LUA_TNIL)
      latL_checkoptions(L, at, f->who, f->options);
    else if (type == LUA_TTABLE && !f->table)
      latL_nooptions(L, at, f->who);
  }
  return f->call(L, f);
}

static const char *name_of(const latL_Function *f)
{
  if (f->name) return f->name;
  const char *name = f->who;
  for (const char *c = f->who; *c; c++)
    if (*c == '.' || *c == ':') name = c + 1;
  return name;
}

/* Pushes the function; `metatable` is an address, or NULL. */
static void push_function(lua_State *L, const latL_Function *f, const void *metatable)
{
  lua_pushlightuserdata(L, (void *)(uintptr_t)f);
  lua_pushlightuserdata(L, (void *)(uintptr_t)metatable);
  lua_pushcclosure(L, f->direct ? f->direct : call_function, 2);
}

void latL_addfunctions(lua_State *L, const latL_Function functions[])
{
  for (const latL_Function *f = functions; f->who; f++) {
    push_function(L, f, NULL);
    lua_setfield(L, -2, name_of(f));
  }
}

void latL_addtomodule(lua_State *L, const char *name, const latL_Function functions[])
{
  if (name) luaL_getsubtable(L, -1, name);
  latL_addfunctions(L, functions);
  if (name) lua_pop(L, 1);
}

void latL_setcall(lua_State *L, lua_CFunction call)
{
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, call);
  lua_setfield(L, -2, "__call");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

static int next_by_number(lua_State *L)
{
  lua_settop(L, 2);
  if (!lua_isuserdata(L, 1) && !lua_istable(L, 1))
    return latL_error(L, "pairs", "this is for the loop to call");
  lua_Integer i = lua_tointeger(L, 2); /* 0 at first, when it is nil */
  if (i < 0 || i == LUA_MAXINTEGER) return 0;
  lua_pushinteger(L, ++i);
  return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

int latL_pairsbynumber(lua_State *L)
{
  lua_settop(L, 1);
  lua_pushcfunction(L, next_by_number);
  lua_insert(L, 1);
  return 2;
}

void latL_addtoclass(lua_State *L, const char *metatable, const latL_Function functions[])
{
  luaL_getmetatable(L, metatable);
  const void *identity = lua_topointer(L, -1);
  lua_getfield(L, -1, "methods");
  for (const latL_Function *f = functions; f->who; f++) {
    const char *name = name_of(f);
    push_function(L, f, identity);
    lua_setfield(L, strncmp(name, "__", 2) == 0 ? -3 : -2, name);
  }
  lua_pop(L, 2);
}

void latL_addrow(lua_State *L, const char *metatable, const latL_Function *row)
{
  latL_Function *copy = lua_newuserdatauv(L, 2 * sizeof *copy, 0);
  copy[0] = *row;
  copy[1] = (latL_Function)LATL_END;
  lua_rawsetp(L, LUA_REGISTRYINDEX, copy);
  if (metatable)
    latL_addtoclass(L, metatable, copy);
  else
    latL_addfunctions(L, copy);
}

void *latL_self(lua_State *L)
{
  void *object = lua_touserdata(L, 1);
  if (!object || !lua_getmetatable(L, 1)) return NULL;
  const void *metatable = lua_topointer(L, -1);
  lua_pop(L, 1);
  return metatable == lua_touserdata(L, lua_upvalueindex(2)) ? object : NULL;
}

/* ---- classes ----------------------------------------------------------------------- */

static int push_field(lua_State *L, const latL_Field *field, const void *object)
{
  const void *at = (const char *)object + field->offset;
  switch (field->type) {
  case LATL_SIZE:
    lua_pushinteger(L, (lua_Integer) * (const size_t *)at);
    break;
  case LATL_UINT64:
    lua_pushinteger(L, (lua_Integer) * (const uint64_t *)at);
    break;
  case LATL_DOUBLE:
    lua_pushnumber(L, *(const double *)at);
    break;
  case LATL_BOOLEAN:
    lua_pushboolean(L, *(const bool *)at);
    break;
  case LATL_DTYPE:
    lua_pushstring(L, latL_dtypename(*(const lat_dtype *)at));
    break;
  case LATL_STRING:
    lua_pushstring(L, *(const char *const *)at);
    break;
  }
  return 1;
}

void latL_setfields(lua_State *L, const latL_Field *fields, const void *object)
{
  for (; fields->name; fields++) {
    push_field(L, fields, object);
    lua_setfield(L, -2, fields->name);
  }
}

/* __index. Upvalues: the class, the methods. */
static int get_field(lua_State *L)
{
  const latL_Class *class = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
  if (lua_type(L, 2) != LUA_TSTRING) return 1; /* the nil */
  const void *object = class->object(L, class->who);
  const char *name = lua_tostring(L, 2);
  for (const latL_Field *field = class->fields; field->name; field++)
    if (strcmp(field->name, name) == 0) return push_field(L, field, object);
  lua_settop(L, 2);
  int more = class->more_fields ? class->more_fields(L) : 0;
  return more > 0 ? more : latL_absent(L, class->metatable, true);
}

/* __newindex. Upvalue: the class's name. */
static int fail_to_set(lua_State *L)
{
  return latL_error(L, lua_tostring(L, lua_upvalueindex(1)), "%s can't be set", latL_got(L, 2));
}

void latL_newclass(lua_State *L, const latL_Class *class)
{
  latL_newmetatable(L, class->metatable);
  lua_newtable(L);
  lua_pushlightuserdata(L, (void *)(uintptr_t) class);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, get_field, 2);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -2, "methods");
  lua_pushstring(L, class->metatable);
  lua_pushcclosure(L, fail_to_set, 1);
  lua_setfield(L, -2, "__newindex");
  if (class->finalizer) {
    lua_pushcfunction(L, class->finalizer);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
  latL_addtoclass(L, class->metatable, class->functions);
}
