/* load.c: latent.load, for every kind of model there is; saved.h describes the files.
 *
 * Loading runs nothing that a file names but the constructors of the module, with options that
 * they check as they check a user's. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "model/files/saved.h"

/* ---- which fields, and who stores nets ----------------------------------------------------------- */

bool latL_isplain(lua_State *L, const char *name, int value)
{
  if (!isalpha((unsigned char)*name)) return false;
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && *name != '_') return false;
  int type = lua_type(L, value);
  if (type != LUA_TTABLE) return type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
  bool plain = true;
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1), count++)
    plain = plain && lua_isinteger(L, -2) &&
            (lua_type(L, -1) == LUA_TNUMBER || lua_type(L, -1) == LUA_TSTRING);
  return plain && count == lua_rawlen(L, value);
}

latL_Stored *latL_storedkind(lua_State *L, const latL_Kind *kind)
{
  luaL_getmetatable(L, kind->metatable);
  lua_getfield(L, -1, LATL_STORED);
  latL_Stored *const *stored = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return stored ? *stored : NULL;
}

/* ---- metadata -------------------------------------------------------------------------------- */

typedef struct loading {
  const char *who;
  latL_Source *source;
  lat_workspace *work;
  lat_safetensors file;
  int constructors, functions; /* stack indices: by kind; what the user adds, or nil */
} loading;

/* Pushes the object that is the metadata `key`. */
static lat_status push_object(lua_State *L, const loading *l, const char *prefix, const char *key)
{
  lat_json j;
  LAT_TRY(lat_saved_object(l->work, &l->file, prefix, key, &j));
  LAT_TRY(latL_pushjson(L, &j));
  return lat_json_end(&j);
}

/* Calls the function below its `arguments` for one result; what it raises is the file's fault. */
static lat_status call(lua_State *L, lat_workspace *work, const char *what, int arguments)
{
  int failed = lua_pcall(L, arguments, 1, 0);
  if (failed == LUA_OK) return LAT_OK;
  if (failed != LUA_ERRRUN || lua_type(L, -1) != LUA_TSTRING) lua_error(L);
  return lat_fail(work, LAT_FORMAT, "%s: %s", what, lua_tostring(L, -1));
}

/* Pushes the constructor that the file names, and its options. */
static lat_status push_constructor(lua_State *L, const loading *l, const char *prefix)
{
  const lat_text *kind = lat_saved_find(&l->file, prefix, "kind");
  if (!kind) return lat_fail(l->work, LAT_FORMAT, "the metadata has no '%skind'", prefix);
  lua_pushlstring(L, kind->at, kind->n);
  if (lua_rawget(L, l->constructors) != LUA_TNIL) return push_object(L, l, prefix, "options");
  return lat_fail(l->work, LAT_FORMAT, "the model's kind '%.*s' is unknown",
                  kind->n < 40 ? (int)kind->n : 40, kind->at);
}

/* Gives the block at `fitted` the fields of the record, but none that the constructor of its model
 * has set; or, without one (0), the model at `model`, which has nets. */
static lat_status keep_record(lua_State *L, const loading *l, const char *prefix, int model,
                              int fitted)
{
  const latL_Model *m = lua_touserdata(L, model);
  LAT_TRY(push_object(L, l, prefix, "record"));
  int record = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, record); lua_settop(L, record + 1)) {
    const char *name = lua_tostring(L, record + 1);
    const lat_parameter *p = latL_parametersof(m);
    while (p->name && strcmp(p->name, name) != 0) p++;
    if (p->name || !latL_isplain(L, name, record + 2))
      return lat_fail(l->work, LAT_FORMAT, "the record has no place for '%.40s'", name);
    if (latL_kept(L, model, name) != LUA_TNIL) continue;
    lua_pushvalue(L, record + 2);
    if (fitted)
      latL_record(L, fitted, name);
    else
      latL_keep(L, model, name);
  }
  lua_settop(L, record - 1);
  return LAT_OK;
}

/* ---- models ---------------------------------------------------------------------------------- */

/* Pushes a list of new models, members of a group or one alone, and fills the sets but for `flat`.
 */
static lat_status make_models(lua_State *L, const loading *l, size_t count, bool group,
                              lat_parameter_set *sets)
{
  lua_newtable(L);
  int list = lua_gettop(L);
  for (size_t i = 0; i < count; i++) {
    size_t *sizes = lat_allocate(l->work, LAT_SIZES, sizeof *sizes);
    const char *prefix = group ? lat_saved_prefix(l->work, i + 1) : "";
    if (!sizes || !prefix) return LAT_MEMORY;
    LAT_TRY(push_constructor(L, l, prefix));
    LAT_TRY(call(L, l->work, "the options are wrong", 1));
    const lat_parameter *parameters = latL_parametersof(lua_touserdata(L, -1));
    LAT_TRY(lat_saved_sizes(l->work, &l->file, prefix, parameters, sizes));
    sets[i] = (lat_parameter_set){prefix, parameters, sizes, NULL};
    lua_rawseti(L, list, (lua_Integer)i + 1);
  }
  return LAT_OK;
}

/* The same of whole models, which have all the tensors of the file. */
static lat_status load_models(lua_State *L, const loading *l, size_t count, bool group)
{
  lat_parameter_set *sets = lat_allocate(l->work, count, sizeof *sets);
  if (!sets) return LAT_MEMORY;
  LAT_TRY(make_models(L, l, count, group, sets));
  LAT_TRY(lat_parameters_match(l->work, &l->file, sets, count));
  int list = lua_gettop(L);
  for (size_t i = 0; i < count; i++, lua_settop(L, list)) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    sets[i].flat = latL_newfitted(L, list + 1, sets[i].sizes)->flat;
    LAT_TRY(lat_parameters_read(l->work, &l->file, l->source->map.bytes, &sets[i], 1));
    LAT_TRY(keep_record(L, l, sets[i].prefix, list + 1, list + 2));
    latL_publish(L, list + 1);
    luaL_getmetafield(L, list + 1, "loaded");
    lua_pushvalue(L, list + 1);
    LAT_TRY(call(L, l->work, "the parameters are wrong", 1));
  }
  return LAT_OK;
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* The part in Lua, whose function `_restore` takes the options and the list of models. */
static lat_status load_group(lua_State *L, const loading *l, const char *kind)
{
  latL_pushpart(L, l->who, lua_pushfstring(L, "latent.%s", kind));
  lua_getfield(L, -1, "_restore");
  LAT_TRY(push_object(L, l, "", "options"));
  LAT_TRY(load_models(L, l, lat_saved_count(&l->file), true));
  return call(L, l->work, "the models are wrong", 2);
}

/* ---- a model of the user's functions --------------------------------------------------------- */

/* Pushes a table of the tensors: numbers and matrices. */
static lat_status push_own(lua_State *L, const loading *l)
{
  lua_newtable(L);
  for (size_t i = 0; i < l->file.count; i++) {
    const lat_tensor *t = &l->file.tensors[i];
    lua_pushlstring(L, t->name.at, t->name.n);
    const char *name = lua_tostring(L, -1);
    if (t->array.rows == 0 || t->array.kind != 'f' || t->array.size != sizeof(double))
      return lat_fail(l->work, LAT_FORMAT, "'%.40s' must have dtype F64, and not be empty", name);
    lat_matrix A =
        latL_newarray(L, l->who, l->source, l->source->map.bytes, &t->array, LAT_FLOAT64)->view;
    for (size_t k = 0; k < A.rows * A.cols; k++)
      if (!isfinite(((const double *)A.data)[k]))
        return lat_fail(l->work, LAT_FORMAT, "element %zu of '%.40s' isn't finite", k + 1, name);
    if (t->array.axes == 0) {
      lua_pushnumber(L, *(const double *)A.data);
      lua_replace(L, -2);
    }
    lua_rawset(L, -3);
  }
  return LAT_OK;
}

static lat_status load_own(lua_State *L, const loading *l)
{
  if (lua_isnil(L, l->functions))
    return lat_fail(l->work, LAT_FORMAT,
                    "its functions are not in the file: latent.load(path, { e_step = ..., m_step = "
                    "... }) takes them");
  LAT_TRY(push_constructor(L, l, ""));
  int options = lua_gettop(L);
  LAT_TRY(push_own(L, l));
  lua_setfield(L, options, "parameters");
  for (lua_pushnil(L); lua_next(L, l->functions); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, options);
  }
  LAT_TRY(call(L, l->work, "the options are wrong", 1));
  int model = lua_gettop(L);
  const size_t sizes[LAT_SIZES] = {[LAT_K] = 1}; /* what its flat vector is, a fit says */
  *latL_newfitted(L, model, sizes)->flat = 0;
  LAT_TRY(push_own(L, l));
  latL_record(L, model + 1, "parameters");
  LAT_TRY(keep_record(L, l, "", model, model + 1));
  latL_publish(L, model);
  return LAT_OK;
}

/* ---- models with nets ------------------------------------------------------------------------ */

/* A constructor makes nets as large as its options say: no larger than the file holds. */
static lat_status load_stored(lua_State *L, const loading *l)
{
  const lat_text *kind = lat_saved_find(&l->file, "", "kind");
  if (kind) lua_pushlstring(L, kind->at, kind->n);
  const latL_Kind *known = kind ? latL_findkind(L, lua_tostring(L, -1)) : NULL;
  latL_Stored *stored = known ? latL_storedkind(L, known) : NULL;
  if (!stored)
    return lat_fail(l->work, LAT_FORMAT, "a checkpoint of latent.nn alone (store:load reads it)");
  lua_pushinteger(L, (lua_Integer)l->source->map.size);
  lua_setfield(L, LUA_REGISTRYINDEX, LATL_MOST);
  LAT_TRY(push_constructor(L, l, ""));
  lat_status status = call(L, l->work, "the options are wrong", 1);
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, LATL_MOST);
  LAT_TRY(status);
  int model = lua_gettop(L);
  lat_checkpoint checkpoint = stored(lua_touserdata(L, model));
  LAT_TRY(lat_checkpoint_read(l->work, &l->file, l->source->map.bytes, &checkpoint));
  LAT_TRY(keep_record(L, l, "", model, 0));
  lua_pushinteger(L, (lua_Integer)checkpoint.optimizers[0]->steps);
  latL_keep(L, model, "iterations");
  return LAT_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Pushes the model. */
static lat_status load_file(lua_State *L, loading *l)
{
  static const char *const groups[] = {"classifier", NULL};
  LAT_TRY(lat_safetensors_parse(l->work, l->source->map.bytes, l->source->map.size, &l->file));
  const lat_text *format = lat_saved_find(&l->file, "", "format");
  if (format && lat_text_is(*format, "latent.nn") && lua_isnil(L, l->functions))
    return load_stored(L, l);
  LAT_TRY(lat_saved_check(l->work, &l->file));
  const lat_text *kind = lat_saved_find(&l->file, "", "kind");
  if (lat_text_is(*kind, LATL_SAVED_OWN)) return load_own(L, l);
  if (!lua_isnil(L, l->functions))
    latL_error(L, l->who, "the model in the file is not one of Lua functions, and takes none");
  for (int i = 0; groups[i]; i++)
    if (lat_text_is(*kind, groups[i])) return load_group(L, l, groups[i]);
  LAT_TRY(load_models(L, l, 1, false));
  lua_rawgeti(L, -1, 1);
  return LAT_OK;
}

/* What is at 1 is to be loaded; and `functions`. */
static void begin(lua_State *L, const char *who)
{
  latL_nooptions(L, 3, who);
  lua_settop(L, 2);
  if (!lua_isnil(L, 2) && !lua_istable(L, 2))
    latL_error(L, who, "functions must be a table, got %s", latL_typename(L, 2));
  luaL_checkstack(L, 40, who);
  lua_pushvalue(L, lua_upvalueindex(1));
}

/* The source on the top; `path` is for messages. */
static int load(lua_State *L, const char *who, latL_Source *s, const char *path)
{
  loading l = {.who = who, .source = s, .work = &s->work, .constructors = 3, .functions = 2};
  lat_status status = load_file(L, &l);
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  latL_closesource(s);
  return 1;
}

/* latent.load(path [, functions]) -> model, or nil, message */
int latL_load(lua_State *L)
{
  static const char who[] = "latent.load";
  const char *path = latL_checkpath(L, 1, who);
  begin(L, who);
  latL_Source *s = latL_opensource(L, who, path);
  return s ? load(L, who, s, path) : 2;
}

/* latent.load_string(bytes [, functions]) -> model, or nil, message */
int latL_loadstring(lua_State *L)
{
  static const char who[] = "latent.load_string";
  const char *bytes = latL_checkstring(L, 1, who, "bytes");
  begin(L, who);
  return load(L, who, latL_copysource(L, who, bytes, lua_rawlen(L, 1)), "bytes");
}
