/* files_csv_write.c: tables of text, out: a matrix, and the names of its columns and labels of its
 * rows beside it. */
#include "data/file.h"
#include "files/csv.h"
#include "lua/binding.h"

static const char WHO[] = "latent.write";

/* The names of columns: the option `columns`, or `names`. Keeps them on the stack. */
static const char **optcolumns(lua_State *L, const latL_Matrix *A)
{
  size_t n;
  const char *option = latL_hasoption(L, 3, "names") ? "names" : "columns";
  if (latL_hasoption(L, 3, "names") && latL_hasoption(L, 3, "columns"))
    latL_error(L, WHO, "names and columns are the same option, give one of them");
  const char **names = latL_optstrings(L, 3, WHO, option, "a list of strings", &n);
  if (names && n != A->view.cols)
    latL_error(L, WHO, "%s has %I names for a %s", option, (lua_Integer)n, latL_shape(L, A));
  return names;
}

/* The text of a label: itself, a whole number, or, with `classes`, that of the class of that number.
 * Replaces label i, on the top of the stack. */
static const char *label_text(lua_State *L, lua_Integer i, const char **classes, size_t count)
{
  int whole;
  lua_Integer number = lua_tointegerx(L, -1, &whole);
  if (lua_type(L, -1) == LUA_TSTRING) return lua_tostring(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER)
    latL_error(L, WHO, "labels must be strings or numbers, but element %I is a %s", i,
               latL_typename(L, -1));
  if (!whole) latL_error(L, WHO, "labels must be strings or whole numbers: element %I isn't", i);
  if (classes && (number < 1 || number > (lua_Integer)count))
    latL_error(L, WHO, "labels must be numbers of the %I classes, but element %I is %I",
               (lua_Integer)count, i, number);
  lua_pop(L, 1);
  if (classes)
    lua_pushstring(L, classes[number - 1]);
  else
    lua_pushfstring(L, "%I", number);
  return lua_tostring(L, -1);
}

/* The option `labels`: a list or a vector, one a row, also of numbers of `classes`. Keeps the texts
 * on the stack. */
static const char **optlabels(lua_State *L, const latL_Matrix *A)
{
  size_t rows = A->view.rows, count;
  const char **classes = latL_optstrings(L, 3, WHO, "classes", "a list of strings", &count);
  if (latL_getoption(L, 3, "labels") == LUA_TNIL) {
    if (classes) latL_error(L, WHO, "classes are those of labels; give both");
    return NULL;
  }
  int given = lua_gettop(L), texts = given + 1;
  const latL_Matrix *codes = latL_tomatrix(L, given);
  if (!codes && lua_type(L, given) != LUA_TTABLE)
    latL_error(L, WHO, "labels must be a list or a vector, got %s", latL_typename(L, given));
  size_t n = codes ? codes->view.rows : (size_t)lua_rawlen(L, given);
  if (n != rows || (codes && codes->view.cols != 1))
    latL_error(L, WHO, "labels must be %I, one a row of X, got %s", (lua_Integer)rows,
               codes ? latL_shape(L, codes) : lua_pushfstring(L, "%I", (lua_Integer)n));
  lua_createtable(L, rows < INT32_MAX ? (int)rows : 0, 0);
  const char **labels = lua_newuserdatauv(L, (rows + 1) * sizeof *labels, 0);
  for (size_t i = 0; i < rows; i++) {
    if (codes)
      lua_pushnumber(L, lat_get(&codes->view, i, 0));
    else
      lua_rawgeti(L, given, (lua_Integer)i + 1);
    labels[i] = label_text(L, (lua_Integer)i + 1, classes, count);
    lua_rawseti(L, texts, (lua_Integer)i + 1);
  }
  return labels;
}

static const char *optstring(lua_State *L, const char *name)
{
  int type = latL_getoption(L, 3, name);
  if (type != LUA_TNIL && type != LUA_TSTRING)
    latL_error(L, WHO, "%s must be a string, got %s", name, latL_typename(L, -1));
  return lua_tostring(L, -1); /* the options keep it */
}

lat_status latL_writecsv(lua_State *L, const latL_Format *f, const char *path)
{
  const latL_Matrix *A = latL_checkmatrix(L, 2, WHO, "X");
  latL_checkoptions(L, 3, WHO,
                    LATL_NAMES("format", "columns", "names", "delimiter", "decimal", "missing",
                               "labels", "label", "classes"));
  luaL_checkstack(L, 12, WHO);
  lat_csv_format format = {.delimiter =
                               latL_optcharacter(L, WHO, 3, "delimiter", f->write_delimiter),
                           .decimal = latL_optcharacter(L, WHO, 3, "decimal", '.'),
                           .missing = optstring(L, "missing"),
                           .label = optstring(L, "label")};
  format.names = optcolumns(L, A);
  format.labels = optlabels(L, A);
  if (format.label && !format.labels) latL_error(L, WHO, "label is the name of labels; give both");
  return lat_csv_write(latL_workspace(L), path, &A->view, &format);
}
