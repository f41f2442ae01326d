/* api.h: Lua's C interface and the core's, for every file of the module. */
#ifndef LATL_LUA_API_H
#define LATL_LUA_API_H

#include <lauxlib.h>
#include <lua.h>

#include "latent.h"

/* Functions that older versions of Lua don't have. As weak symbols they are NULL there, so that the
 * loader accepts the module, and luaopen_latent can raise an error that names the version. */
#define LATL_PRAGMA(words) _Pragma(#words)
#define LATL_WEAK(name)    LATL_PRAGMA(weak name)
/* clang-format off */
LATL_WEAK(luaL_buffinitsize) LATL_WEAK(luaL_checkversion_) LATL_WEAK(luaL_getsubtable)
LATL_WEAK(luaL_len) LATL_WEAK(luaL_prepbuffsize) LATL_WEAK(luaL_pushresultsize)
LATL_WEAK(luaL_requiref) LATL_WEAK(luaL_setfuncs) LATL_WEAK(luaL_setmetatable)
LATL_WEAK(luaL_testudata) LATL_WEAK(luaL_tolstring) LATL_WEAK(lua_absindex) LATL_WEAK(lua_arith)
LATL_WEAK(lua_callk) LATL_WEAK(lua_compare) LATL_WEAK(lua_copy) LATL_WEAK(lua_getglobal)
LATL_WEAK(lua_geti) LATL_WEAK(lua_getiuservalue) LATL_WEAK(lua_isinteger) LATL_WEAK(lua_len)
LATL_WEAK(lua_newuserdatauv) LATL_WEAK(lua_pcallk) LATL_WEAK(lua_rawgetp) LATL_WEAK(lua_rawlen)
LATL_WEAK(lua_rawsetp) LATL_WEAK(lua_rotate) LATL_WEAK(lua_seti) LATL_WEAK(lua_setiuservalue)
LATL_WEAK(lua_stringtonumber) LATL_WEAK(lua_toclose) LATL_WEAK(lua_tointegerx)
LATL_WEAK(lua_tonumberx)
/* clang-format on */

#endif
