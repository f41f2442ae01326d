/* files_safetensors.c: tables of matrices by name, in and out. */
#include "data/file.h"
#include "files/safetensors.h"
#include "lua/binding.h"

/* ---- reading ------------------------------------------------------------------------ */

/* { name = matrix, ... }, { key = string, ... } */
int latL_readtensors(lua_State *L, const latL_Format *f, latL_Source *s, const char *path)
{
  (void)f;
  const char *who = "latent.read";
  lat_safetensors file;
  latL_checkoptions(L, 2, who, LATL_NO_NAMES);
  lat_status status = lat_safetensors_parse(&s->work, s->map.bytes, s->map.size, &file);
  for (size_t i = 0; i < file.count && status == LAT_OK; i++) {
    lat_text name = file.tensors[i].name;
    if (file.tensors[i].array.rows == 0)
      status = lat_fail(&s->work, LAT_FORMAT, "'%.*s' is empty, and a matrix can't be",
                        name.n < 40 ? (int)name.n : 40, name.at);
  }
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  lua_newtable(L);
  for (size_t i = 0; i < file.count; i++) {
    lua_pushlstring(L, file.tensors[i].name.at, file.tensors[i].name.n);
    const lat_array *array = &file.tensors[i].array;
    latL_newarray(L, who, s, array, lat_array_dtype(array));
    lua_rawset(L, -3);
  }
  lua_newtable(L);
  for (size_t i = 0; i < file.pairs; i++) {
    lua_pushlstring(L, file.metadata[i].key.at, file.metadata[i].key.n);
    lua_pushlstring(L, file.metadata[i].value.at, file.metadata[i].value.n);
    lua_rawset(L, -3);
  }
  return 2;
}

/* ---- writing ------------------------------------------------------------------------ */

static lat_text text_at(lua_State *L, int at)
{
  lat_text text;
  text.at = lua_tolstring(L, at, &text.n);
  return text;
}

/* Pushes a copy of the table at 2, with all values as matrices; returns their number. */
static size_t push_matrices(lua_State *L, const char *who)
{
  size_t count = 0;
  if (lua_type(L, 2) != LUA_TTABLE)
    latL_error(L, who, "for .safetensors X must be a table of matrices by name, got %s",
               luaL_typename(L, 2));
  lua_newtable(L);
  int to = lua_gettop(L);
  lua_pushvalue(L, 2);
  int odd = latL_pushnames(L);
  if (odd != LUA_TNONE)
    latL_error(L, who, "for .safetensors X has matrices by name, not by a %s",
               lua_typename(L, odd));
  for (; lua_rawgeti(L, to + 2, (lua_Integer)count + 1) != LUA_TNIL; count++) {
    lua_pushvalue(L, -1);
    lua_rawget(L, 2);
    latL_checkmatrix(L, -1, who, lua_tostring(L, -2));
    lua_rawset(L, to);
  }
  lua_settop(L, to);
  return count;
}

/* Pushes the option `metadata`, a table of strings; returns their number. */
static size_t push_metadata(lua_State *L, const char *who)
{
  size_t pairs = 0;
  int type = latL_getoption(L, 3, "metadata");
  if (type == LUA_TNIL) return 0;
  if (type != LUA_TTABLE)
    latL_error(L, who, "metadata must be a table of strings, got %s", luaL_typename(L, -1));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), pairs++)
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      latL_error(L, who, "metadata must be strings by name, but a %s has the key of type %s",
                 luaL_typename(L, -1), luaL_typename(L, -2));
  return pairs;
}

lat_status latL_writetensors(lua_State *L, const latL_Format *f, const char *path)
{
  (void)f;
  const char *who = "latent.write";
  latL_checkoptions(L, 3, who, LATL_NAMES("metadata"));
  size_t count = push_matrices(L, who), pairs = push_metadata(L, who);
  luaL_checkstack(L, 4, who);
  lat_workspace *work = latL_workspace(L);
  lat_tensor_source *sources = lat_allocate(work, count, sizeof *sources);
  lat_pair *metadata = lat_allocate(work, pairs, sizeof *metadata);
  if (!sources || !metadata) return LAT_MEMORY;
  if (pairs) {
    pairs = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      metadata[pairs++] = (lat_pair){text_at(L, -2), text_at(L, -1)};
  }
  lua_pop(L, 1);
  count = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const latL_Matrix *A = latL_tomatrix(L, -1);
    sources[count++] = (lat_tensor_source){.name = text_at(L, -2),
                                           .axes = A->vector ? 1 : 2,
                                           .shape = {A->view.rows, A->view.cols},
                                           .data = A->view};
  }
  return lat_safetensors_write(work, path, sources, count, metadata, pairs);
}
