/* files.c: latent.read, latent.write and latent.open. The file's ending chooses the format. */
#include "data/file.h"

#include <string.h>
#include <strings.h>

#include "base/progress.h"
#include "comm/share.h"
#include "files/gzip.h"
#include "files/idx.h"
#include "files/npy.h"
#include "lua/binding.h"
#include "ranks/comm.h"

/* ---- the formats ------------------------------------------------------------------- */

static int read_array(lua_State *L, const latL_Format *f, latL_Source *s, const char *path)
{
  static const char who[] = "latent.read";
  lat_array array;
  latL_checkoptions(L, 2, who, LATL_NAMES("format", "dtype", "progress"));
  lat_status status = f->parse(&s->work, s->map.bytes, s->map.size, &array);
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  latL_newarray(L, who, s, s->map.bytes, &array, latL_optdtype(L, 2, who, lat_array_dtype(&array)));
  return 1;
}

static lat_status write_array(lua_State *L, const latL_Format *f, const char *path)
{
  (void)f;
  const latL_Matrix *A = latL_checkmatrix(L, 2, "latent.write", "X");
  latL_checkoptions(L, 3, "latent.write", LATL_NAMES("format"));
  return lat_npy_write(latL_workspace(L), path, &A->view, A->vector);
}

static const latL_Format formats[] = {
    {".npy", read_array, write_array, .parse = lat_npy_parse},
    {".npz", latL_readnpz, latL_writenpz, .parse = NULL},
    {".csv", latL_readcsv, latL_writecsv, .parse = NULL},
    {".tsv", latL_readcsv, latL_writecsv, .read_delimiter = '\t', .write_delimiter = '\t'},
    {".txt", latL_readcsv, latL_writecsv, .write_delimiter = '\t'},
    {".safetensors", latL_readtensors, latL_writetensors, .parse = NULL},
    {".png", latL_readimage, latL_writeimage, .png = true},
    {".pgm", latL_readimage, latL_writeimage, .png = false},
    {".ppm", latL_readimage, latL_writeimage, .png = false},
    {".idx", read_array, NULL, .parse = lat_idx_parse},
    {"ubyte", read_array, NULL, .parse = lat_idx_parse}};

/* The characters of a name before the ending .gz, or all when it has another one. */
static size_t without_gz(const char *name, size_t n)
{
  return n >= 3 && strncasecmp(name + n - 3, ".gz", 3) == 0 ? n - 3 : n;
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

/* Pushes the endings of formats that are read, or written: ".npy, .csv or .idx". */
static void push_endings(lua_State *L, bool written)
{
  enum { COUNT = sizeof formats / sizeof *formats };
  int last = COUNT - 1;
  luaL_Buffer list;
  while (written && !formats[last].write) last--;
  luaL_buffinit(L, &list);
  for (int k = 0; k <= last; k++) {
    if (written && !formats[k].write) continue;
    if (k > 0) luaL_addstring(&list, k == last ? " or " : ", ");
    if (formats[k].ending[0] != '.') luaL_addchar(&list, '-');
    luaL_addstring(&list, formats[k].ending);
  }
  if (!written) luaL_addstring(&list, ", or one of these before .gz");
  luaL_pushresult(&list);
}

/* The option `format` in place of the path's ending; NULL where it isn't given. *packed becomes true
 * when it ends in .gz. */
static const latL_Format *optformat(lua_State *L, const char *who, int arg, bool written,
                                    bool *packed)
{
  if (lua_isnil(L, arg)) return NULL;
  if (!lua_istable(L, arg)) latL_error(L, who, "options must be a table, got %s", latL_got(L, arg));
  int type = latL_getoption(L, arg, "format");
  if (type == LUA_TNIL) return NULL;
  if (type != LUA_TSTRING)
    latL_error(L, who, "format must be a string, got %s", latL_typename(L, -1));
  const char *name = lua_tostring(L, -1); /* the options keep it */
  lua_pop(L, 1);
  size_t length = strlen(name), n = written ? length : without_gz(name, length);
  if (n < length) *packed = true;
  for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
    const char *ending = formats[k].ending + (formats[k].ending[0] == '.' && name[0] != '.');
    if (strlen(ending) == n && strncasecmp(ending, name, n) == 0 && (formats[k].write || !written))
      return &formats[k];
  }
  push_endings(L, written);
  latL_error(L, who, "format must be one of %s, got \"%s\"", lua_tostring(L, -1), name);
  return NULL;
}

static int unknown_ending(lua_State *L, const char *path, const char *known)
{
  lua_pushnil(L);
  lua_pushfstring(L, "%s: the file's ending must be %s; the option format says it for any name",
                  path, known);
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

/* What the file gives; of one that is compressed expanding it takes half of the time. */
static int read_source(lua_State *L, const latL_Format *f, latL_Source *s, const char *path,
                       bool packed)
{
  LAT_STEPS(&s->work, steps, s->map.size, "bytes");
  double size = (double)s->map.size, of_expanding = packed ? size / 2 : 0;
  lat_step(&steps, 0, of_expanding);
  lat_status status = packed ? expand(s) : LAT_OK;
  if (status != LAT_OK) return latL_sourcefailure(L, "latent.read", s, path, status);
  lat_step(&steps, of_expanding, size - of_expanding);
  return f->read(L, f, s, path);
}

static int files_read(lua_State *L, const latL_Function *row)
{
  const char *path = latL_checkpath(L, 1, row->who);
  lua_settop(L, 2);
  latL_optprogress(L, 2, row->who);
  size_t n = without_gz(path, strlen(path));
  bool packed = path[n];
  const latL_Format *f = optformat(L, row->who, 2, false, &packed);
  if (!f) f = format_of(path, n);
  if (!f) {
    push_endings(L, false);
    return unknown_ending(L, path, lua_tostring(L, -1));
  }
  latL_Source *s = lat_file_is_stream(path) ? latL_openstream(L, row->who, path)
                                            : latL_opensource(L, row->who, path);
  if (!s) return 2;
  int results = read_source(L, f, s, path, packed);
  latL_endtold(L, &s->work);
  latL_closesource(s);
  if (results > 1 || !latL_tomatrix(L, -1)) return results;
  lua_createtable(L, 0, 1);
  lua_pushstring(L, path);
  lua_setfield(L, -2, "source");
  latL_setabout(L, -2, -1);
  lua_pop(L, 1);
  return 1;
}

/* Writing takes the state's workspace, which is released to where it was. */
static int files_write(lua_State *L, const latL_Function *row)
{
  const char *path = latL_checkpath(L, 1, row->who);
  lua_settop(L, 3);
  latL_checkread(L, 2, row->who);
  bool packed = false;
  const latL_Format *f = optformat(L, row->who, 3, true, &packed);
  if (!f) f = format_of(path, strlen(path));
  if (!f || !f->write) {
    push_endings(L, true);
    return unknown_ending(L, path, lua_tostring(L, -1));
  }
  if (lat_file_is_stream(path)) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: only files are written, not streams", path);
    return 2;
  }
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
  if (!bytes) return latL_error(L, row->who, "bytes must be a string, got %s", latL_typename(L, 2));
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  return latL_filewritten(L, row->who, work, mark, path, lat_file_write(work, path, bytes, n));
}

/* The rows of the array in the source below the top that are asked for: a view of the file, or,
 * where that can't be or only a part of a file of another format is wanted, a copy. */
static void push_rows(lua_State *L, const char *who, latL_Source *s, const lat_array *array,
                      uint64_t first, uint64_t rows)
{
  lat_matrix view;
  latL_Matrix *A;
  if (lat_array_view(array, s->map.bytes, &view)) {
    view = lat_block_of(view, (size_t)first, 0, (size_t)rows, view.cols);
    A = latL_newview(L, -1, view, array->vector);
    A->gone = &s->gone;
  } else if (rows == array->rows) {
    A = latL_newarray(L, who, s, s->map.bytes, array, lat_array_dtype(array));
    latL_closesource(s);
  } else {
    A = latL_newmatrix(L, (size_t)rows, array->cols, lat_array_dtype(array));
    A->vector = array->vector;
    lat_array_convert(array, s->map.bytes, (size_t)first, &A->view);
    latL_closesource(s);
  }
  A->readonly = true;
}

static lat_status check_native(latL_Source *s, const lat_array *array)
{
  if (lat_array_native(array)) return LAT_OK;
  return lat_fail(&s->work, LAT_FORMAT,
                  "%s-endian %c%zu elements can't be used as they are in the file; "
                  "latent.read converts them",
                  array->big ? "big" : "little", array->kind, array->size);
}

/* latent.open(path [, {format, rows}]) */
static int files_open(lua_State *L, const latL_Function *row)
{
  const char *path = latL_checkpath(L, 1, row->who);
  lua_settop(L, 2);
  latL_checkoptions(L, 2, row->who, LATL_NAMES("format", "rows"));
  bool packed = false;
  const latL_Format *f = optformat(L, row->who, 2, false, &packed);
  const lat_comm *comm = NULL;
  if (latL_getoption(L, 2, "rows") != LUA_TNIL) comm = latL_checkcomm(L, -1, row->who, "rows");
  lua_settop(L, 2);
  if (!f) f = format_of(path, strlen(path));
  lat_array array;
  if (!f || !f->parse || (f->parse != lat_npy_parse && !comm) || packed)
    return unknown_ending(L, path, comm ? ".npy or .idx" : ".npy (latent.read reads others)");
  latL_Source *s = latL_opensource(L, row->who, path);
  if (!s) return 2;
  lat_status status = f->parse(&s->work, s->map.bytes, s->map.size, &array);
  if (status == LAT_OK && !comm) status = check_native(s, &array);
  if (status != LAT_OK) return latL_sourcefailure(L, row->who, s, path, status);
  uint64_t first = 0, rows = array.rows;
  if (comm) lat_share_rows(comm, array.rows, array.cols, &first, &rows);
  if (rows == 0)
    latL_pushnorows(L);
  else
    push_rows(L, row->who, s, &array, first, rows);
  return 1;
}

const latL_Function latL_files_functions[] = {
    {"latent.read", files_read, .arguments = 0},
    {"latent.write", files_write, .arguments = 0},
    {"latent.open", files_open, .arguments = 0},
    {"latent._write_file", files_write_bytes, .arguments = 0},
    LATL_END};
