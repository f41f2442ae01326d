/* terminal.c: latent.terminal(file) gives a terminal's width, which plain Lua can't ask for. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "binding.h"

/* terminal([file]): columns, or nil when the file isn't a terminal. */
static int terminal(lua_State *L)
{
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

void latL_open_terminal(lua_State *L)
{
  lua_pushcfunction(L, terminal);
  lua_setfield(L, -2, "terminal");
}
