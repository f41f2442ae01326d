/* files_csv.c: tables of text, in and out: the options, and what comes back beside X. */
#include "data/file.h"

#include <stdint.h>
#include <string.h>

#include "base/progress.h"
#include "files/csv_columns.h"
#include "lua/binding.h"

/* ---- options -------------------------------------------------------------- */

char latL_optcharacter(lua_State *L, const char *who, int arg, const char *name, char otherwise)
{
  char character = otherwise;
  if (latL_getoption(L, arg, name) != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) != 1)
      latL_error(L, who, "%s must be a string of one character", name);
    character = lua_tostring(L, -1)[0];
    if (character == '\0') latL_error(L, who, "%s must not be a NUL character", name);
  }
  lua_pop(L, 1);
  return character;
}

/* header = true, false or "auto" (also nil) */
static lat_csv_header optheader(lua_State *L, const char *who)
{
  lat_csv_header header = LAT_CSV_AUTO;
  int type = latL_getoption(L, 2, "header");
  if (type == LUA_TBOOLEAN)
    header = lua_toboolean(L, -1) ? LAT_CSV_YES : LAT_CSV_NO;
  else if (type != LUA_TNIL && !(type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "auto") == 0))
    latL_error(L, who, "header must be true, false or \"auto\", got %s", latL_got(L, -1));
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
               latL_typename(L, -1));
  return lat_csv_find_column(work, &p->csv, &p->columns, name, i, column);
}

/* The option `categorical`: true, or a list of columns. */
static lat_status set_categorical(lua_State *L, lat_workspace *work, plan *p)
{
  size_t j;
  int type = latL_getoption(L, 2, "categorical");
  if (type == LUA_TBOOLEAN && lua_toboolean(L, -1)) {
    for (j = 0; j < p->csv.cols; j++)
      if (p->csv.text[j] && j != p->columns.label) lat_csv_set_categorical(&p->csv, &p->columns, j);
  } else if (type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TTABLE) {
    latL_error(L, "latent.read", "categorical must be true, or a list of names or numbers, got %s",
               latL_typename(L, -1));
  }
  for (lua_Integer k = 1; type == LUA_TTABLE && k <= (lua_Integer)lua_rawlen(L, -1); k++) {
    lua_rawgeti(L, -1, k);
    LAT_TRY(find_column(L, work, p, "categorical", &j));
    lat_csv_set_categorical(&p->csv, &p->columns, j);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return LAT_OK;
}

/* The option `columns`; without it all columns are wanted. */
static lat_status add_columns(lua_State *L, lat_workspace *work, plan *p)
{
  size_t j;
  if (latL_getoption(L, 2, "columns") == LUA_TNIL) {
    for (j = 0; j < p->csv.cols; j++) LAT_TRY(lat_csv_add_column(work, &p->csv, &p->columns, j));
  } else if (lua_type(L, -1) != LUA_TTABLE) {
    latL_error(L, "latent.read", "columns must be a list of names or numbers, got %s",
               latL_typename(L, -1));
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
  bool labels = latL_getoption(L, 2, "labels") != LUA_TNIL;
  if (labels) LAT_TRY(find_column(L, work, p, "labels", &p->columns.label));
  lua_pop(L, 1);
  LAT_TRY(set_categorical(L, work, p));
  if (labels) LAT_TRY(lat_csv_add_labels(work, &p->csv, &p->columns, p->columns.label));
  LAT_TRY(add_columns(L, work, p));
  for (j = 0; j < p->csv.cols; j++)
    if (p->columns.categorical[j]) LAT_TRY(lat_csv_add_column(work, &p->csv, &p->columns, j));
  return p->columns.count > 0 ? LAT_OK : lat_fail(work, LAT_FORMAT, "no column of numbers");
}

/* ---- what comes back -------------------------------------------------------- */

static void push_field(lua_State *L, lat_csv_field field)
{
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, field.length + 1);
  luaL_pushresultsize(&buffer, lat_csv_unquote(field, out));
}

/* Pushes the texts of classes as a list. */
static void push_classes(lua_State *L, const lat_csv_field *classes, size_t count)
{
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t k = 0; k < count; k++) {
    push_field(L, classes[k]);
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
}

/* Pushes the name of column j, or its number without a header. */
static void push_column(lua_State *L, const plan *p, size_t j)
{
  if (p->columns.names)
    lua_pushstring(L, p->columns.names[j]);
  else
    lua_pushinteger(L, (lua_Integer)j + 1);
}

/* Fills the columns of codes of the matrix below the table on the top of the stack, which gets
 * info.categories: column -> its classes. */
static lat_status set_categories(lua_State *L, lat_workspace *work, const plan *p)
{
  const lat_matrix X = latL_tomatrix(L, -2)->view;
  bool any = false;
  for (size_t j = 0; j < p->csv.cols; j++) {
    const lat_csv_field *classes;
    size_t count;
    if (p->columns.code_of[j] == SIZE_MAX) continue;
    LAT_TRY(lat_csv_encode(work, &p->csv, &p->columns, j, &X, &classes, &count));
    if (!any) lua_newtable(L);
    any = true;
    push_column(L, p, j);
    push_classes(L, classes, count);
    lua_rawset(L, -3);
  }
  if (any) lua_setfield(L, -2, "categories");
  return LAT_OK;
}

/* info.labels, info.classes and info.codes, into the table on the top of the stack. */
static lat_status set_labels(lua_State *L, lat_workspace *work, const plan *p)
{
  const lat_csv_field *labels = p->columns.text_of[p->columns.label], *classes;
  const lat_matrix codes = latL_newvector(L, p->csv.rows, LAT_FLOAT64)->view;
  size_t count;
  LAT_TRY(lat_csv_classes(work, NULL, labels, p->csv.rows, codes.data, &classes, &count));
  push_classes(L, classes, count);
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
    if (!p->columns.text_of[j] || (p->columns.categorical[j] && j != p->columns.label)) continue;
    push_column(L, p, j);
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

/* info.note: which columns became text that nobody has asked for, by what word each: a number with a slip of the pen
 * makes text of its column. */
static void set_note(lua_State *L, const plan *p)
{
  int info = lua_gettop(L), count = 0;
  bool asked = latL_hasoption(L, 2, "labels");
  luaL_checkstack(L, (int)LUA_MINSTACK, NULL);
  lua_pushliteral(L, "");
  for (size_t j = 0; j < p->csv.cols; j++) {
    if (!p->columns.text_of[j] || p->columns.categorical[j] || (asked && j == p->columns.label))
      continue;
    lua_pushstring(L, count++ ? "; column " : "column ");
    lua_pushinteger(L, (lua_Integer)j + 1);
    lua_pushfstring(L, p->columns.names ? " (%s)" : "",
                    p->columns.names ? p->columns.names[j] : "");
    lua_pushliteral(L, " is text, not in the matrix; it begins with '");
    push_field(L, p->columns.text_of[j][0]);
    lua_pushliteral(L, "'");
    lua_concat(L, lua_gettop(L) - info);
  }
  if (count > 0)
    lua_setfield(L, info, "note");
  else
    lua_settop(L, info);
}

static lat_status push_info(lua_State *L, lat_workspace *work, plan *p)
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
  LAT_TRY(set_categories(L, work, p));
  if (p->columns.label == SIZE_MAX) return LAT_OK;
  if (!latL_hasoption(L, 2, "labels")) LAT_TRY(lat_csv_choose_labels(work, &p->csv, &p->columns));
  LAT_TRY(set_labels(L, work, p));
  set_texts(L, p);
  set_note(L, p);
  return LAT_OK;
}

int latL_readcsv(lua_State *L, const latL_Format *f, latL_Source *source, const char *path)
{
  const char *who = "latent.read";
  latL_checkoptions(L, 2, who,
                    LATL_NAMES("format", "delimiter", "decimal", "header", "missing", "labels",
                               "columns", "categorical", "skip", "progress"));
  const char decimal = latL_optcharacter(L, who, 2, "decimal", '.');
  lat_csv_options options = {.delimiter =
                                 latL_optcharacter(L, who, 2, "delimiter", f->read_delimiter),
                             .decimal = decimal,
                             .header = optheader(L, who),
                             .skip = latL_optsize(L, 2, who, "skip", 0, 0)};
  options.missing =
      latL_optstrings(L, 2, who, "missing", "a list of strings", &options.missing_count);

  plan p;
  LAT_STEPS(&source->work, steps, 5, NULL); /* the second pass converts, which takes longer */
  lat_step(&steps, 0, 2);
  lat_status status =
      lat_csv_scan(&source->work, source->map.bytes, source->map.size, &options, &p.csv);
  if (status == LAT_OK) status = make_plan(L, &source->work, &p);
  if (status != LAT_OK) return latL_sourcefailure(L, who, source, path, status);
  latL_Matrix *X = latL_newmatrix(L, p.csv.rows, p.columns.count, LAT_FLOAT64);
  lat_step(&steps, 2, 3);
  status = lat_csv_read(&source->work, &p.csv, &X->view, p.columns.column_of, p.columns.text_of);
  if (status == LAT_OK) status = push_info(L, &source->work, &p);
  if (status != LAT_OK) return latL_sourcefailure(L, who, source, path, status);
  lua_pushstring(L, path);
  lua_setfield(L, -2, "source");
  latL_setabout(L, -2, -1);
  return 2;
}
