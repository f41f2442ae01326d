/* files_csv.c: tables of text, in and out: the options, and what comes back beside X. */
#include "data/file.h"

#include <stdint.h>
#include <string.h>

#include "files/csv_columns.h"
#include "lua/binding.h"

/* ---- options -------------------------------------------------------------- */

static char optdelimiter(lua_State *L, const char *who, int arg, char otherwise)
{
  char delimiter = otherwise;
  if (latL_getoption(L, arg, "delimiter") != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) != 1)
      latL_error(L, who, "delimiter must be a string of one character");
    delimiter = lua_tostring(L, -1)[0];
    if (delimiter == '\0') latL_error(L, who, "delimiter must not be a NUL character");
  }
  lua_pop(L, 1);
  return delimiter;
}

/* header = true, false or "auto" (also nil) */
static lat_csv_header optheader(lua_State *L, const char *who)
{
  lat_csv_header header = LAT_CSV_AUTO;
  int type = latL_getoption(L, 2, "header");
  if (type == LUA_TBOOLEAN)
    header = lua_toboolean(L, -1) ? LAT_CSV_YES : LAT_CSV_NO;
  else if (type != LUA_TNIL && !(type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "auto") == 0))
    latL_error(L, who, "header must be true, false or \"auto\"");
  lua_pop(L, 1);
  return header;
}

/* ---- which column goes where ----------------------------------------------- */

/* The table, and the columns that are wanted of it. */
typedef struct plan {
  lat_csv csv;
  lat_csv_columns columns;
} plan;

/* The column that the name or number on the top of the stack means. */
static lat_status find_column(lua_State *L, lat_workspace *work, const plan *p, const char *option,
                              size_t *column)
{
  const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  int is = 0;
  lua_Integer i = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is) : 0;
  if (!name && !is)
    latL_error(L, "latent.read", "%s must name columns by strings or integers, got %s", option,
               luaL_typename(L, -1));
  return lat_csv_find_column(work, &p->csv, &p->columns, name, i, column);
}

/* The option `columns`; without it all columns are wanted. */
static lat_status add_columns(lua_State *L, lat_workspace *work, plan *p)
{
  size_t j;
  if (latL_getoption(L, 2, "columns") == LUA_TNIL) {
    for (j = 0; j < p->csv.cols; j++) LAT_TRY(lat_csv_add_column(work, &p->csv, &p->columns, j));
  } else if (lua_type(L, -1) != LUA_TTABLE) {
    latL_error(L, "latent.read", "columns must be a list of names or numbers, got %s",
               luaL_typename(L, -1));
  }
  for (lua_Integer k = 1; lua_istable(L, -1) && k <= (lua_Integer)lua_rawlen(L, -1); k++) {
    lua_rawgeti(L, -1, k);
    LAT_TRY(find_column(L, work, p, "columns", &j));
    if (j != p->columns.label && lat_csv_is_wanted(&p->columns, j))
      latL_error(L, "latent.read", "columns names column %I twice", (lua_Integer)j + 1);
    LAT_TRY(lat_csv_add_column(work, &p->csv, &p->columns, j));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return LAT_OK;
}

static lat_status make_plan(lua_State *L, lat_workspace *work, plan *p)
{
  size_t j;
  LAT_TRY(lat_csv_columns_begin(work, &p->csv, &p->columns));
  if (latL_getoption(L, 2, "labels") != LUA_TNIL) {
    LAT_TRY(find_column(L, work, p, "labels", &j));
    LAT_TRY(lat_csv_add_labels(work, &p->csv, &p->columns, j));
  }
  lua_pop(L, 1);
  LAT_TRY(add_columns(L, work, p));
  return p->columns.count > 0 ? LAT_OK : lat_fail(work, LAT_FORMAT, "no column of numbers");
}

/* ---- what comes back -------------------------------------------------------- */

static void push_field(lua_State *L, lat_csv_field field)
{
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, field.length + 1);
  luaL_pushresultsize(&buffer, lat_csv_unquote(field, out));
}

/* info.labels, info.classes and info.codes, into the table on the top of the stack. */
static lat_status set_labels(lua_State *L, lat_workspace *work, const plan *p)
{
  const lat_csv_field *labels = p->columns.text_of[p->columns.label], *classes;
  const lat_matrix codes = latL_newvector(L, p->csv.rows, LAT_FLOAT64)->view;
  size_t count;
  LAT_TRY(lat_csv_classes(work, labels, p->csv.rows, codes.data, &classes, &count));
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t k = 0; k < count; k++) {
    push_field(L, classes[k]);
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
  lua_createtable(L, p->csv.rows < INT32_MAX ? (int)p->csv.rows : 0, 0);
  for (size_t i = 0; i < p->csv.rows; i++) {
    lua_rawgeti(L, -2, (lua_Integer)lat_get(&codes, i, 0));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -4, "labels");
  lua_setfield(L, -3, "classes");
  lua_setfield(L, -2, "codes");
  return LAT_OK;
}

/* info.text: column name (or number, without a header) -> list of strings */
static void set_texts(lua_State *L, const plan *p)
{
  lua_newtable(L);
  for (size_t j = 0; j < p->csv.cols; j++) {
    if (!p->columns.text_of[j]) continue;
    if (p->columns.names)
      lua_pushstring(L, p->columns.names[j]);
    else
      lua_pushinteger(L, (lua_Integer)j + 1);
    if (j == p->columns.label) {
      lua_getfield(L, -3, "labels");
    } else {
      lua_createtable(L, p->csv.rows < INT32_MAX ? (int)p->csv.rows : 0, 0);
      for (size_t i = 0; i < p->csv.rows; i++) {
        push_field(L, p->columns.text_of[j][i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
      }
    }
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "text");
}

static lat_status push_info(lua_State *L, lat_workspace *work, const plan *p)
{
  lua_newtable(L);
  if (p->columns.names) {
    lua_createtable(L, (int)p->columns.count, 0);
    for (size_t k = 0; k < p->columns.count; k++) {
      lua_pushstring(L, p->columns.names[p->columns.order[k]]);
      lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
    lua_setfield(L, -2, "columns");
  }
  if (p->columns.label == SIZE_MAX) return LAT_OK;
  LAT_TRY(set_labels(L, work, p));
  set_texts(L, p);
  return LAT_OK;
}

int latL_readcsv(lua_State *L, const latL_Format *f, latL_Source *source, const char *path)
{
  const char *who = "latent.read";
  latL_checkoptions(L, 2, who,
                    LATL_NAMES("delimiter", "header", "missing", "labels", "columns", "skip"));
  lat_csv_options options = {.delimiter = optdelimiter(L, who, 2, f->read_delimiter),
                             .header = optheader(L, who),
                             .skip = latL_optsize(L, 2, who, "skip", 0, 0)};
  options.missing =
      latL_optstrings(L, 2, who, "missing", "a list of strings", &options.missing_count);

  plan p;
  lat_status status =
      lat_csv_scan(&source->work, source->map.bytes, source->map.size, &options, &p.csv);
  if (status == LAT_OK) status = make_plan(L, &source->work, &p);
  if (status != LAT_OK) return latL_sourcefailure(L, who, source, path, status);
  latL_Matrix *X = latL_newmatrix(L, p.csv.rows, p.columns.count, LAT_FLOAT64);
  status = lat_csv_read(&source->work, &p.csv, &X->view, p.columns.column_of, p.columns.text_of);
  if (status == LAT_OK) status = push_info(L, &source->work, &p);
  if (status != LAT_OK) return latL_sourcefailure(L, who, source, path, status);
  return 2;
}

lat_status latL_writecsv(lua_State *L, const latL_Format *f, const char *path)
{
  const char *who = "latent.write";
  const latL_Matrix *A = latL_checkmatrix(L, 2, who, "X");
  size_t n;
  latL_checkoptions(L, 3, who, LATL_NAMES("columns", "delimiter", "missing"));
  const char delimiter = optdelimiter(L, who, 3, f->write_delimiter);
  const char **names = latL_optstrings(L, 3, who, "columns", "a list of strings", &n);
  if (names && n != A->view.cols)
    latL_error(L, who, "columns has %I names for a %s", (lua_Integer)n, latL_shape(L, A));
  const char *missing = "NA";
  int type = latL_getoption(L, 3, "missing");
  if (type != LUA_TNIL && type != LUA_TSTRING)
    latL_error(L, who, "missing must be a string, got %s", luaL_typename(L, -1));
  if (type == LUA_TSTRING) missing = lua_tostring(L, -1);
  return lat_csv_write(latL_workspace(L), path, &A->view, names, delimiter, missing);
}
