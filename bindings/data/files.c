/* files.c: latent.read, latent.write and latent.open. The file's ending chooses the format. */
#include "data/file.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "files/gzip.h"
#include "files/idx.h"
#include "files/npy.h"
#include "lua/binding.h"

/* ---- the formats ------------------------------------------------------------------- */

static int read_array(lua_State *L, const latL_Format *f, latL_Source *s, const char *path)
{
  static const char who[] = "latent.read";
  lat_array array;
  latL_checkoptions(L, 2, who, LATL_NAMES("dtype"));
  lat_status status = f->parse(&s->work, s->map.bytes, s->map.size, &array);
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  latL_newarray(L, who, s, s->map.bytes, &array, latL_optdtype(L, 2, who, lat_array_dtype(&array)));
  return 1;
}

static lat_status write_array(lua_State *L, const latL_Format *f, const char *path)
{
  (void)f;
  const latL_Matrix *A = latL_checkmatrix(L, 2, "latent.write", "X");
  latL_checkoptions(L, 3, "latent.write", LATL_NO_NAMES);
  return lat_npy_write(latL_workspace(L), path, &A->view, A->vector);
}

static const latL_Format formats[] = {
    {".npy", read_array, write_array, .parse = lat_npy_parse},
    {".npz", latL_readnpz, latL_writenpz, .parse = NULL},
    {".csv", latL_readcsv, latL_writecsv, NULL, '\0', ','},
    {".tsv", latL_readcsv, latL_writecsv, NULL, '\t', '\t'},
    {".txt", latL_readcsv, latL_writecsv, NULL, '\0', '\t'},
    {".safetensors", latL_readtensors, latL_writetensors, .parse = NULL},
    {".idx", read_array, NULL, .parse = lat_idx_parse},
    {"ubyte", read_array, NULL, .parse = lat_idx_parse}};

/* The characters of a path before the ending .gz, or all when it has another one. */
static size_t without_gz(const char *path)
{
  size_t n = strlen(path);
  return n >= 3 && strcasecmp(path + n - 3, ".gz") == 0 ? n - 3 : n;
}

/* By the ending of the path's first n characters. */
static const latL_Format *format_of(const char *path, size_t n)
{
  for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
    size_t m = strlen(formats[k].ending);
    if (n >= m && strncasecmp(path + n - m, formats[k].ending, m) == 0) return &formats[k];
  }
  return NULL;
}

static int unknown_ending(lua_State *L, const char *path, const char *known)
{
  lua_pushnil(L);
  lua_pushfstring(L, "%s: the file's ending must be %s", path, known);
  return 2;
}

/* ---- the functions ------------------------------------------------------------------ */

/* The file's bytes become those that were compressed. */
static lat_status expand(latL_Source *s)
{
  lat_map whole;
  LAT_TRY(lat_gzip_expand(&s->work, s->map.bytes, s->map.size, &whole));
  lat_file_unmap(&s->map);
  s->map = whole;
  return LAT_OK;
}

static int files_read(lua_State *L, const latL_Function *row)
{
  const char *path = latL_checkpath(L, 1, row->who);
  size_t n = without_gz(path);
  const latL_Format *f = format_of(path, n);
  lua_settop(L, 2);
  if (!f)
    return unknown_ending(L, path,
                          ".npy, .npz, .csv, .tsv, .txt, .safetensors, .idx or -ubyte, "
                          "or one of these before .gz");
  latL_Source *s = latL_opensource(L, row->who, path);
  if (!s) return 2;
  lat_status status = path[n] ? expand(s) : LAT_OK;
  if (status != LAT_OK) return latL_sourcefailure(L, row->who, s, path, status);
  int results = f->read(L, f, s, path);
  latL_closesource(s);
  return results;
}

/* Writing takes the state's workspace, which is released to where it was. */
static int files_write(lua_State *L, const latL_Function *row)
{
  const char *path = latL_checkpath(L, 1, row->who);
  const latL_Format *f = format_of(path, strlen(path));
  lua_settop(L, 3);
  if (!f || !f->write)
    return unknown_ending(L, path, ".npy, .npz, .csv, .tsv, .txt or .safetensors");
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  return latL_filewritten(L, row->who, work, mark, path, f->write(L, f, path));
}

/* latent._write_file(path, bytes): for the parts in Lua, so that their files are written as all
 * others. The underscore says that it isn't for users. */
static int files_write_bytes(lua_State *L, const latL_Function *row)
{
  size_t n;
  const char *path = latL_checkpath(L, 1, row->who);
  const char *bytes = lua_tolstring(L, 2, &n);
  if (!bytes) return latL_error(L, row->who, "bytes must be a string, got %s", luaL_typename(L, 2));
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  return latL_filewritten(L, row->who, work, mark, path, lat_file_write(work, path, bytes, n));
}

static int files_open(lua_State *L, const latL_Function *row)
{
  const char *path = latL_checkpath(L, 1, row->who);
  const latL_Format *f = format_of(path, strlen(path));
  lat_array array;
  lat_matrix view;
  if (!f || f->parse != lat_npy_parse)
    return unknown_ending(L, path, ".npy (latent.read reads others)");
  latL_Source *s = latL_opensource(L, row->who, path);
  if (!s) return 2;
  lat_status status = lat_npy_parse(&s->work, s->map.bytes, s->map.size, &array);
  if (status == LAT_OK && !lat_array_native(&array))
    status = lat_fail(&s->work, LAT_FORMAT,
                      "%s-endian %c%zu elements can't be used as they are in the file; "
                      "latent.read converts them",
                      array.big ? "big" : "little", array.kind, array.size);
  if (status != LAT_OK) return latL_sourcefailure(L, row->who, s, path, status);
  if (lat_array_view(&array, s->map.bytes, &view)) {
    latL_Matrix *A = latL_newview(L, -1, view, array.vector);
    A->readonly = true;
    A->gone = &s->gone;
    return 1;
  }
  /* askew in the file, so it takes a copy, which behaves the same */
  latL_newarray(L, row->who, s, s->map.bytes, &array, lat_array_dtype(&array))->readonly = true;
  latL_closesource(s);
  return 1;
}

const latL_Function latL_files_functions[] = {
    {"latent.read", files_read, .arguments = 0},
    {"latent.write", files_write, .arguments = 0},
    {"latent.open", files_open, .arguments = 1},
    {"latent._write_file", files_write_bytes, .arguments = 0},
    LATL_END};
