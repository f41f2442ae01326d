/* system.c: what plain Lua can't ask the system for: a terminal's width, and a fine clock. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lua/binding.h"

/* terminal([file]): columns, or nil when the file isn't a terminal. */
static int terminal(lua_State *L)
{
  latL_nooptions(L, 2, "latent.terminal");
  FILE *file = stderr;
  if (!lua_isnoneornil(L, 1)) {
    luaL_Stream *stream = luaL_testudata(L, 1, LUA_FILEHANDLE);
    if (!stream)
      return latL_error(L, "latent.terminal", "file must be an open file, got %s",
                        luaL_typename(L, 1));
    if (!stream->closef) return latL_error(L, "latent.terminal", "file is closed");
    file = stream->f;
  }
  struct winsize size = {0};
  int descriptor = fileno(file);
  if (!isatty(descriptor)) return 0;
  /* a serial line knows no size */
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size.ws_col = 80;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* clock(): seconds since some moment, of a clock that never goes back. */
static int wall_clock(lua_State *L)
{
  latL_nooptions(L, 1, "latent.clock");
  lua_pushnumber(L, lat_clock());
  return 1;
}

static const luaL_Reg functions[] = {{"terminal", terminal}, {"clock", wall_clock}, {NULL, NULL}};

void latL_open_system(lua_State *L)
{
  luaL_setfuncs(L, functions, 0);
}
