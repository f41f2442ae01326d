/* files_named.c: tables of matrices by name, in and out: safetensors and npz files. */
#include <string.h>

#include "data/file.h"
#include "files/npz.h"
#include "lua/binding.h"

/* ---- reading ------------------------------------------------------------------------ */

static bool is_wanted(const char **names, lat_text name)
{
  while (names && *names && !lat_text_is(name, *names)) names++;
  return !names || *names;
}

/* Pushes the array's matrix into the table on the top of the stack. */
static void add_matrix(lua_State *L, latL_Source *s, lat_text name, const unsigned char *bytes,
                       const lat_array *array)
{
  lua_pushlstring(L, name.at, name.n);
  latL_newarray(L, "latent.read", s, bytes, array, lat_array_dtype(array));
  lua_rawset(L, -3);
}

static lat_status no_array(lat_workspace *work, const char *name)
{
  return lat_fail(work, LAT_FORMAT, "no matrix '%.40s' in it", name);
}

/* { name = matrix, ... }, { key = string, ... } */
int latL_readtensors(lua_State *L, const latL_Format *f, latL_Source *s, const char *path)
{
  (void)f;
  const char *who = "latent.read";
  size_t n;
  lat_safetensors file;
  latL_checkoptions(L, 2, who, LATL_NAMES("format", "names", "progress"));
  const char **names = latL_optstrings(L, 2, who, "names", "a list of strings", &n);
  lat_status status = lat_safetensors_parse(&s->work, s->map.bytes, s->map.size, &file);
  for (size_t k = 0; names && k < n && status == LAT_OK; k++)
    if (!lat_safetensors_find(&file, names[k])) status = no_array(&s->work, names[k]);
  for (size_t i = 0; i < file.count && status == LAT_OK; i++)
    if (file.tensors[i].array.rows == 0 && is_wanted(names, file.tensors[i].name))
      status = lat_fail(&s->work, LAT_FORMAT, "'%.*s' is empty, and a matrix can't be",
                        LAT_SHOWN(file.tensors[i].name));
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  lua_newtable(L);
  for (size_t i = 0; i < file.count; i++)
    if (is_wanted(names, file.tensors[i].name))
      add_matrix(L, s, file.tensors[i].name, s->map.bytes, &file.tensors[i].array);
  lua_newtable(L);
  for (size_t i = 0; i < file.pairs; i++) {
    lua_pushlstring(L, file.metadata[i].key.at, file.metadata[i].key.n);
    lua_pushlstring(L, file.metadata[i].value.at, file.metadata[i].value.n);
    lua_rawset(L, -3);
  }
  return 2;
}

/* Pushes the texts of an entry as a list into the table on the top of the stack. */
static lat_status add_texts(lua_State *L, latL_Source *s, const lat_npz_file *entry,
                            const unsigned char *bytes, const lat_array *array)
{
  char *out = lat_allocate(&s->work, array->size, 1);
  if (!out) return LAT_MEMORY;
  lua_pushlstring(L, entry->name.at, entry->name.n);
  lua_createtable(L, array->rows < INT32_MAX ? (int)array->rows : 0, 0);
  for (size_t i = 0; i < array->rows; i++) {
    lua_pushlstring(L, out, lat_npy_text(array, bytes, i, out));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
    LAT_TRY(lat_check(&s->work));
  }
  lua_rawset(L, -3);
  return LAT_OK;
}

/* One entry of an npz file; what it expands to is held no longer than that takes. */
static lat_status read_entry(lua_State *L, latL_Source *s, const lat_npz_file *entry)
{
  const unsigned char *bytes;
  lat_array array;
  lat_mark mark = lat_workspace_mark(&s->work);
  LAT_TRY(lat_npz_entry(&s->work, entry, &bytes, &array));
  if (lat_npy_is_text(&array))
    LAT_TRY(add_texts(L, s, entry, bytes, &array));
  else
    add_matrix(L, s, entry->name, bytes, &array);
  lat_workspace_release(&s->work, mark);
  return LAT_OK;
}

/* { name = matrix, ... } */
int latL_readnpz(lua_State *L, const latL_Format *f, latL_Source *s, const char *path)
{
  (void)f;
  const char *who = "latent.read";
  size_t n;
  lat_npz file;
  latL_checkoptions(L, 2, who, LATL_NAMES("format", "names", "progress"));
  const char **names = latL_optstrings(L, 2, who, "names", "a list of strings", &n);
  lat_status status = lat_npz_parse(&s->work, s->map.bytes, s->map.size, &file);
  for (size_t k = 0; names && k < n && status == LAT_OK; k++)
    if (!lat_npz_find(&file, (lat_text){names[k], strlen(names[k])}))
      status = no_array(&s->work, names[k]);
  lua_newtable(L);
  for (size_t i = 0; i < file.count && status == LAT_OK; i++)
    if (is_wanted(names, file.entries[i].name)) status = read_entry(L, s, &file.entries[i]);
  return status == LAT_OK ? 1 : latL_sourcefailure(L, who, s, path, status);
}

/* ---- writing ------------------------------------------------------------------------ */

static lat_text text_at(lua_State *L, int at)
{
  lat_text text;
  text.at = lua_tolstring(L, at, &text.n);
  return text;
}

/* Where the value on the top of the stack is a list of strings: replaces it by a copy. */
static bool copy_texts(lua_State *L, const char *who, const char *name)
{
  if (!lua_istable(L, -1) || lua_rawgeti(L, -1, 1) != LUA_TSTRING) {
    if (lua_istable(L, -2)) lua_pop(L, 1);
    return false;
  }
  lua_pop(L, 1);
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, -2, i) != LUA_TSTRING)
      latL_error(L, who, "%s must be a matrix or a list of strings, but element %I is a %s", name,
                 i, latL_typename(L, -1));
    lua_rawseti(L, -2, i);
  }
  lua_replace(L, -2);
  return true;
}

/* Pushes a copy of the table at 2, with all values as matrices, or lists of strings where `texts`
 * allows them; returns their number. */
static size_t push_matrices(lua_State *L, const char *who, const latL_Format *f, bool texts)
{
  size_t count = 0;
  if (lua_type(L, 2) != LUA_TTABLE)
    latL_error(L, who, "for %s X must be a table of matrices by name, got %s", f->ending,
               latL_typename(L, 2));
  lua_newtable(L);
  int to = lua_gettop(L);
  lua_pushvalue(L, 2);
  int odd = latL_pushnames(L);
  if (odd != LUA_TNONE)
    latL_error(L, who, "for %s X has matrices by name, not by a %s", f->ending,
               lua_typename(L, odd));
  for (; lua_rawgeti(L, to + 2, (lua_Integer)count + 1) != LUA_TNIL; count++) {
    lua_pushvalue(L, -1);
    lua_rawget(L, 2);
    const char *name = lua_tostring(L, -2);
    if (!texts || !copy_texts(L, who, name)) latL_checkmatrix(L, -1, who, name);
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
    latL_error(L, who, "metadata must be a table of strings, got %s", latL_typename(L, -1));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), pairs++)
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      latL_error(L, who, "metadata must be strings by name, but a %s has the key of type %s",
                 latL_typename(L, -1), latL_typename(L, -2));
  return pairs;
}

/* The list of strings on the top of the stack as texts in the workspace; NULL without memory. */
static lat_text *texts_of(lua_State *L, lat_workspace *work, size_t *count)
{
  *count = (size_t)lua_rawlen(L, -1);
  lat_text *texts = lat_allocate(work, *count, sizeof *texts);
  for (size_t i = 0; texts && i < *count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    texts[i] = text_at(L, -1);
    lua_pop(L, 1);
  }
  return texts;
}

/* The table of `count` matrices and lists at `at` as sources, in the workspace; NULL without memory. */
static lat_tensor_source *sources_at(lua_State *L, int at, lat_workspace *work, size_t count)
{
  lat_tensor_source *sources = lat_allocate(work, count, sizeof *sources);
  if (!sources) return NULL;
  count = 0;
  for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
    const latL_Matrix *A = latL_tomatrix(L, -1);
    if (!A) {
      size_t n;
      const lat_text *texts = texts_of(L, work, &n);
      if (!texts) return NULL;
      sources[count++] =
          (lat_tensor_source){.name = text_at(L, -2), .axes = 1, .data.rows = n, .texts = texts};
      continue;
    }
    sources[count++] = (lat_tensor_source){.name = text_at(L, -2),
                                           .axes = A->vector ? 1 : 2,
                                           .shape = {A->view.rows, A->view.cols},
                                           .data = A->view};
  }
  return sources;
}

lat_status latL_writetensors(lua_State *L, const latL_Format *f, const char *path)
{
  const char *who = "latent.write";
  latL_checkoptions(L, 3, who, LATL_NAMES("format", "metadata"));
  size_t count = push_matrices(L, who, f, false), pairs = push_metadata(L, who);
  luaL_checkstack(L, 4, who);
  lat_workspace *work = latL_workspace(L);
  lat_pair *metadata = lat_allocate(work, pairs, sizeof *metadata);
  lat_tensor_source *sources = sources_at(L, lua_gettop(L) - 1, work, count);
  if (!sources || !metadata) return LAT_MEMORY;
  if (pairs) {
    pairs = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      metadata[pairs++] = (lat_pair){text_at(L, -2), text_at(L, -1)};
  }
  return lat_safetensors_write(work, (lat_target){.path = path}, sources, count, metadata, pairs);
}

lat_status latL_writenpz(lua_State *L, const latL_Format *f, const char *path)
{
  const char *who = "latent.write";
  latL_checkoptions(L, 3, who, LATL_NAMES("format"));
  size_t count = push_matrices(L, who, f, true);
  luaL_checkstack(L, 4, who);
  if (count == 0) latL_error(L, who, "for %s X must have a matrix at least", f->ending);
  lat_workspace *work = latL_workspace(L);
  lat_tensor_source *sources = sources_at(L, lua_gettop(L), work, count);
  return sources ? lat_npz_write(work, path, sources, count) : LAT_MEMORY;
}
