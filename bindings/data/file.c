/* file.c: a file that is being read, mapped and kept by the collector; how reading and writing
 * fail. */
#include "data/file.h"

#include <string.h>

#include "lua/binding.h"

#define LATL_FILE "latent.File" /* the metatable's name */

/* ---- sources -------------------------------------------------------------------- */

void latL_closesource(latL_Source *s)
{
  lat_file_unmap(&s->map);
  s->gone = true;
  lat_workspace_done(&s->work);
}

static int source_gc(lua_State *L)
{
  latL_Source *s = latL_garbage(L, LATL_FILE);
  if (s) latL_closesource(s);
  return 0;
}

latL_Source *latL_newsource(lua_State *L)
{
  const lat_workspace *ours = latL_workspace(L);
  latL_Source *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (latL_Source){0};
  lat_workspace_init(&s->work);
  s->work.allocator = ours->allocator;
  latL_lendpoll(L, &s->work);
  luaL_setmetatable(L, LATL_FILE);
  return s;
}

latL_Source *latL_copysource(lua_State *L, const char *who, const char *bytes, size_t size)
{
  latL_Source *s = latL_newsource(L);
  unsigned char *copy = NULL;
  size_t capacity = 0;
  lat_status status = lat_file_widen(&s->work, &copy, 0, &capacity, size);
  if (status != LAT_OK) latL_check(L, who, &s->work, lat_workspace_mark(&s->work), status);
  if (size) memcpy(copy, bytes, size);
  s->map = (lat_map){copy, size, true, s->work.allocator};
  return s;
}

/* Pushes a file whose bytes `get` gets. */
static latL_Source *open_by(lua_State *L, const char *who, const char *path,
                            lat_status (*get)(lat_workspace *, const char *, lat_map *))
{
  latL_Source *s = latL_newsource(L);
  lat_status status = get(&s->work, path, &s->map);
  if (status == LAT_MEMORY && get == lat_file_map) {
    lua_gc(L, LUA_GCCOLLECT, 0); /* mappings that it hasn't found yet may have to go first */
    status = get(&s->work, path, &s->map);
  }
  if (status == LAT_OK) return s;
  latL_sourcefailure(L, who, s, path, status);
  return NULL;
}

latL_Source *latL_opensource(lua_State *L, const char *who, const char *path)
{
  return open_by(L, who, path, lat_file_map);
}

latL_Source *latL_openstream(lua_State *L, const char *who, const char *path)
{
  return open_by(L, who, path, lat_file_take);
}

const char *latL_checkpath(lua_State *L, int arg, const char *who)
{
  latL_allow(L, who);
  if (lua_type(L, arg) != LUA_TSTRING)
    latL_error(L, who, "path must be a string, got %s",
               lua_isnone(L, arg) ? "nothing" : latL_typename(L, arg));
  const char *path = lua_tostring(L, arg);
  if (strlen(path) != lua_rawlen(L, arg)) latL_error(L, who, "path holds a NUL character");
  return path;
}

/* ---- failures ---------------------------------------------------------------- */

/* nil, "path: message"; a message that begins with its line follows the colon at once, as in
 * "iris.csv:17:3: ...". Misuse, no memory and Ctrl-C raise instead. */
static int push_failure(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                        const char *path, lat_status status)
{
  if (status != LAT_FILE && status != LAT_FORMAT) latL_check(L, who, work, mark, status);
  char message[sizeof work->message];
  memcpy(message, work->message, sizeof message);
  lat_workspace_release(work, mark);
  bool place = message[0] >= '0' && message[0] <= '9' && strchr(message, ':');
  lua_pushnil(L);
  lua_pushfstring(L, "%s:%s%s", path, place ? "" : " ", message);
  return 2;
}

int latL_sourcefailure(lua_State *L, const char *who, latL_Source *s, const char *path,
                       lat_status status)
{
  int results = push_failure(L, who, &s->work, lat_workspace_mark(&s->work), path, status);
  latL_endtold(L, &s->work);
  latL_closesource(s);
  return results;
}

int latL_filewritten(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                     const char *path, lat_status status)
{
  latL_endtold(L, work);
  if (status != LAT_OK) return push_failure(L, who, work, mark, path, status);
  lat_workspace_release(work, mark);
  return latL_returnboolean(L, true);
}

/* ---- arrays in files ------------------------------------------------------------ */

latL_Matrix *latL_newarray(lua_State *L, const char *who, latL_Source *s,
                           const unsigned char *bytes, const lat_array *array, lat_dtype dtype)
{
  latL_Matrix *A = latL_newmatrix(L, array->rows, array->cols, dtype);
  A->vector = array->vector;
  latL_check(L, who, &s->work, lat_workspace_mark(&s->work),
             lat_array_read(&s->work, array, bytes, &A->view));
  return A;
}

void latL_open_file(lua_State *L)
{
  latL_newfinalized(L, LATL_FILE, source_gc);
}
