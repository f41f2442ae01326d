/* files.c: latent.read, latent.write and latent.open. The file's ending chooses the format. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "data/files.h"
#include "files/gzip.h"
#include "files/idx.h"
#include "files/npy.h"

void latL_closesource(latL_Source *s)
{
  lat_file_unmap(&s->map);
  s->gone = true;
  lat_workspace_done(&s->work);
}

static int source_gc(lua_State *L)
{
  latL_Source *s = latL_garbage(L, "latent.File");
  if (s) latL_closesource(s);
  return 0;
}

/* Pushes one; Ctrl-C reaches its workspace as it does the state's. */
static latL_Source *new_source(lua_State *L)
{
  const lat_workspace *ours = latL_workspace(L);
  latL_Source *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (latL_Source){0};
  lat_workspace_init(&s->work);
  s->work.allocator = ours->allocator;
  s->work.poll = ours->poll;
  s->work.poll_state = ours->poll_state;
  luaL_setmetatable(L, "latent.File");
  return s;
}

/* ---- failures ---------------------------------------------------------------- */

/* nil, "path: message"; a message that begins with its line follows the colon at once, as in
 * "iris.csv:17:3: ...". Misuse, no memory and Ctrl-C raise instead. */
int latL_filefailure(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
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
  int results = latL_filefailure(L, who, &s->work, lat_workspace_mark(&s->work), path, status);
  latL_closesource(s);
  return results;
}

/* Maps the file; mappings that the collector hasn't found yet may have to go first. */
static lat_status map_source(lua_State *L, latL_Source *s, const char *path)
{
  lat_status status = lat_file_map(&s->work, path, &s->map);
  if (status != LAT_MEMORY) return status;
  lua_gc(L, LUA_GCCOLLECT, 0);
  return lat_file_map(&s->work, path, &s->map);
}

latL_Source *latL_opensource(lua_State *L, const char *who, const char *path)
{
  latL_Source *s = new_source(L);
  lat_status status = map_source(L, s, path);
  if (status == LAT_OK) return s;
  latL_sourcefailure(L, who, s, path, status);
  return NULL;
}

const char *latL_checkpath(lua_State *L, int arg, const char *who)
{
  size_t n;
  if (lua_type(L, arg) != LUA_TSTRING)
    latL_error(L, who, "path must be a string, got %s",
               lua_isnone(L, arg) ? "nothing" : luaL_typename(L, arg));
  const char *path = lua_tolstring(L, arg, &n);
  if (strlen(path) != n) latL_error(L, who, "path holds a NUL character");
  return path;
}

/* ---- binary arrays: npy and idx ---------------------------------------------- */

typedef lat_status parser(lat_workspace *, const unsigned char *, size_t, lat_array *);

/* Rows i, i+1, ... by way of a copy, where the matrix is of another dtype than the array's. */
static lat_status convert_rows(latL_Source *s, const lat_array *array, size_t i,
                               const lat_matrix *rows)
{
  LAT_TRY(lat_check(&s->work));
  if (rows->dtype == lat_array_dtype(array)) {
    lat_array_convert(array, s->map.bytes, i, rows);
    return LAT_OK;
  }
  lat_mark mark = lat_workspace_mark(&s->work);
  lat_matrix copy = *rows;
  copy.dtype = lat_array_dtype(array);
  copy.data = lat_allocate(&s->work, rows->rows * rows->cols, lat_dtype_size(copy.dtype));
  if (!copy.data) return LAT_MEMORY;
  lat_array_convert(array, s->map.bytes, i, &copy);
  lat_copy(&copy, rows);
  lat_workspace_release(&s->work, mark);
  return LAT_OK;
}

latL_Matrix *latL_newarray(lua_State *L, const char *who, latL_Source *s, const lat_array *array,
                           lat_dtype dtype)
{
  latL_Matrix *A = latL_newmatrix(L, array->rows, array->cols, dtype);
  A->vector = array->vector;
  /* In bands, so that Ctrl-C is heard. What lies in the file as in memory is one long column, so that
   * a long row is cut, too. */
  lat_array line = *array;
  lat_matrix all = A->view;
  if (!array->fortran || (array->axes <= 2 && (array->rows == 1 || array->cols == 1))) {
    line.fortran = false;
    line.axes = 1;
    line.rows = line.shape[0] = array->rows * array->cols;
    line.cols = 1;
    all = (lat_matrix){all.data, line.rows, 1, 1, 1, all.dtype};
  }
  size_t band = 1 + ((size_t)1 << 17) / line.cols;
  lat_mark mark = lat_workspace_mark(&s->work);
  for (size_t i = 0; i < line.rows; i += band) {
    size_t n = line.rows - i < band ? line.rows - i : band;
    lat_matrix rows = lat_block_of(all, i, 0, n, line.cols);
    latL_check(L, who, &s->work, mark, convert_rows(s, &line, i, &rows));
  }
  return A;
}

static int read_array(lua_State *L, latL_Source *s, const char *path, parser *parse)
{
  static const char *const names[] = {"dtype", NULL};
  lat_array array;
  latL_checkoptions(L, 2, "latent.read", names);
  lat_status status = parse(&s->work, s->map.bytes, s->map.size, &array);
  if (status != LAT_OK) return latL_sourcefailure(L, "latent.read", s, path, status);
  latL_newarray(L, "latent.read", s, &array,
                latL_optdtype(L, 2, "latent.read", lat_array_dtype(&array)));
  return 1;
}

static int read_npy(lua_State *L, latL_Source *s, const char *path)
{
  return read_array(L, s, path, lat_npy_parse);
}

static int read_idx(lua_State *L, latL_Source *s, const char *path)
{
  return read_array(L, s, path, lat_idx_parse);
}

static lat_status write_npy(lua_State *L, const char *path)
{
  static const char *const none[] = {NULL};
  const latL_Matrix *A = latL_checkmatrix(L, 2, "latent.write", "X");
  latL_checkoptions(L, 3, "latent.write", none);
  return lat_npy_write(latL_workspace(L), path, &A->view, A->vector);
}

/* ---- the formats ------------------------------------------------------------------- */

static int read_csv(lua_State *L, latL_Source *s, const char *path)
{
  return latL_readcsv(L, s, path, '\0');
}

static int read_tsv(lua_State *L, latL_Source *s, const char *path)
{
  return latL_readcsv(L, s, path, '\t');
}

static lat_status write_csv(lua_State *L, const char *path)
{
  return latL_writecsv(L, path, latL_checkmatrix(L, 2, "latent.write", "X"), ',');
}

static lat_status write_tsv(lua_State *L, const char *path)
{
  return latL_writecsv(L, path, latL_checkmatrix(L, 2, "latent.write", "X"), '\t');
}

typedef struct format {
  const char *ending;
  int (*read)(lua_State *L, latL_Source *s, const char *path);
  lat_status (*write)(lua_State *L, const char *path); /* what is at 2; or NULL */
} format;

static const format formats[] = {{".npy", read_npy, write_npy},
                                 {".csv", read_csv, write_csv},
                                 {".tsv", read_tsv, write_tsv},
                                 {".txt", read_csv, write_tsv},
                                 {".safetensors", latL_readtensors, latL_writetensors},
                                 {".idx", read_idx, NULL},
                                 {"ubyte", read_idx, NULL}};

/* The characters of a path before the ending .gz, or all when it has another one. */
static size_t without_gz(const char *path)
{
  size_t n = strlen(path);
  return n >= 3 && strcasecmp(path + n - 3, ".gz") == 0 ? n - 3 : n;
}

/* By the ending of the path's first n characters. */
static const format *format_of(const char *path, size_t n)
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

/* The file's bytes become those that were compressed. */
static lat_status expand(latL_Source *s)
{
  lat_map whole;
  LAT_TRY(lat_gzip_expand(&s->work, s->map.bytes, s->map.size, &whole));
  lat_file_unmap(&s->map);
  s->map = whole;
  return LAT_OK;
}

static int files_read(lua_State *L)
{
  const char *path = latL_checkpath(L, 1, "latent.read");
  size_t n = without_gz(path);
  const format *f = format_of(path, n);
  lua_settop(L, 2);
  if (!f)
    return unknown_ending(L, path,
                          ".npy, .csv, .tsv, .txt, .safetensors, .idx or -ubyte, "
                          "or one of these before .gz");
  latL_Source *s = latL_opensource(L, "latent.read", path);
  if (!s) return 2;
  lat_status status = path[n] ? expand(s) : LAT_OK;
  if (status != LAT_OK) return latL_sourcefailure(L, "latent.read", s, path, status);
  int results = f->read(L, s, path);
  latL_closesource(s);
  return results;
}

static int files_write(lua_State *L)
{
  const char *path = latL_checkpath(L, 1, "latent.write");
  const format *f = format_of(path, strlen(path));
  lua_settop(L, 3);
  if (!f || !f->write) return unknown_ending(L, path, ".npy, .csv, .tsv, .txt or .safetensors");
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = f->write(L, path);
  if (status != LAT_OK) return latL_filefailure(L, "latent.write", work, mark, path, status);
  lua_pushboolean(L, true);
  return 1;
}

/* latent._write_file(path, bytes): for the parts in Lua, so that their files are written as all
 * others. The underscore says that it isn't for users. */
static int files_write_bytes(lua_State *L)
{
  static const char who[] = "latent._write_file";
  size_t n;
  const char *path = latL_checkpath(L, 1, who);
  const char *bytes = lua_tolstring(L, 2, &n);
  if (!bytes) return latL_error(L, who, "bytes must be a string, got %s", luaL_typename(L, 2));
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = lat_file_write(work, path, bytes, n);
  if (status != LAT_OK) return latL_filefailure(L, who, work, mark, path, status);
  lua_pushboolean(L, true);
  return 1;
}

static int files_open(lua_State *L)
{
  latL_nooptions(L, 2, "latent.open");
  const char *path = latL_checkpath(L, 1, "latent.open");
  const format *f = format_of(path, strlen(path));
  lat_array array;
  lat_matrix view;
  if (!f || f->read != read_npy) return unknown_ending(L, path, ".npy (latent.read reads others)");
  latL_Source *s = new_source(L);
  lat_status status = map_source(L, s, path);
  if (status == LAT_OK) status = lat_npy_parse(&s->work, s->map.bytes, s->map.size, &array);
  if (status == LAT_OK && !lat_array_native(&array))
    status = lat_fail(&s->work, LAT_FORMAT,
                      "%s-endian %c%zu elements can't be used as they are in the file; "
                      "latent.read converts them",
                      array.big ? "big" : "little", array.kind, array.size);
  if (status != LAT_OK) return latL_sourcefailure(L, "latent.open", s, path, status);
  if (lat_array_view(&array, s->map.bytes, &view)) {
    latL_Matrix *A = latL_newview(L, -1, view, array.vector);
    A->readonly = true;
    A->gone = &s->gone;
    return 1;
  }
  /* askew in the file, so it takes a copy, which behaves the same */
  latL_newarray(L, "latent.open", s, &array, lat_array_dtype(&array))->readonly = true;
  latL_closesource(s);
  return 1;
}

void latL_open_files(lua_State *L)
{
  static const luaL_Reg functions[] = {{"read", files_read},
                                       {"write", files_write},
                                       {"open", files_open},
                                       {"_write_file", files_write_bytes},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  latL_newfinalized(L, "latent.File", source_gc);
}
