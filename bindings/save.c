/* save.c: model:save and latent.load, for every kind of model there is.
 *
 * A saved model is a safetensors file: its parameters, each a tensor of its name, and metadata
 *
 *   format   "latent"
 *   version  "1"
 *   kind     "pca", which names the constructor
 *   options  the constructor's options, as JSON; matrices among them are lists
 *   sizes    {"D":4,"M":2}
 *   record   the model's plain fields: iterations, converged, history, ...
 *
 * Loading runs nothing that a file names but the constructors of the module, with options that
 * they check as they check a user's. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "files/safetensors.h"
#include "json.h"
#include "model.h"

#define FORMAT  "latent"
#define VERSION "1"

static const char *const size_names[LAT_SIZES] = {
    [LAT_D] = "D", [LAT_K] = "K", [LAT_M] = "M", [LAT_U] = "U"};

/* ---- saving -------------------------------------------------------------------------------- */

/* Does a shape of the table use this size? */
static bool is_used(const lat_parameter *table, int size)
{
  for (; table->name; table++)
    for (int i = 0; i < 3 && table->shape[i] != LAT_END; i++)
      if ((int)table->shape[i] == size) return true;
  return false;
}

static void put_sizes(latL_Text *t, const latL_Model *m)
{
  char digits[48];
  const char *comma = "{";
  for (int s = LAT_END + 1; s < LAT_SIZES; s++) {
    if (!is_used(m->kind->parameters, s)) continue;
    snprintf(digits, sizeof digits, "%s\"%s\":%zu", comma, size_names[s], m->sizes[s]);
    latL_puttext(t, digits);
    comma = ",";
  }
  latL_puttext(t, *comma == '{' ? "{}" : "}");
}

/* Fields that are saved have identifiers for names, and are true, false, numbers, strings or lists
 * of numbers. `value` is a stack index. */
static bool is_plain(lua_State *L, const char *name, int value)
{
  if (!isalpha((unsigned char)*name)) return false;
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && *name != '_') return false;
  int type = lua_type(L, value);
  if (type != LUA_TTABLE) return type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
  bool plain = true;
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1), count++)
    plain = plain && lua_isinteger(L, -2) && lua_type(L, -1) == LUA_TNUMBER;
  return plain && count == lua_rawlen(L, value);
}

/* Pushes a table of the plain fields of the model at 1. */
static void push_record(lua_State *L)
{
  lua_newtable(L);
  lua_getiuservalue(L, 1, LATL_KEPT);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !is_plain(L, lua_tostring(L, -2), lua_gettop(L)))
      continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -6);
  }
  lua_pop(L, 1);
}

/* Pushes the options the model at 1 was made with. */
static void push_options(lua_State *L)
{
  lua_getiuservalue(L, 1, LATL_KEPT);
  if (lua_getfield(L, -1, LATL_MADE_WITH) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  lua_remove(L, -2);
}

/* Raises when an option can't be saved, and names it. */
static void check_options(lua_State *L, const char *who, lat_workspace *work)
{
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    latL_Text t = {.work = work};
    const char *wrong = latL_putvalue(L, &t, LAT_JSON_DEPTH - 1);
    if (wrong)
      latL_error(L, who, "the option '%s' can't be saved: it is, or holds, a %s",
                 lua_tostring(L, -2), wrong);
  }
}

static lat_text text_of(const char *word)
{
  return (lat_text){word, strlen(word)};
}

static lat_pair pair_of(const char *key, const latL_Text *t)
{
  return (lat_pair){text_of(key), {t->at, t->n}};
}

/* model:save(path) -> true, or nil, message. Upvalue: the kind. */
static int save(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 2);
  const char *who = lua_pushfstring(L, "%s:save", kind->name);
  const latL_Model *m = latL_checkmodel(L, kind, who, true);
  const char *path = latL_checkpath(L, 2, who);
  lat_workspace *work = latL_newworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_Text options = {.work = work}, sizes = {.work = work}, record = {.work = work};
  push_options(L);
  check_options(L, who, work);
  latL_putvalue(L, &options, LAT_JSON_DEPTH);
  push_record(L);
  latL_putvalue(L, &record, LAT_JSON_DEPTH);
  put_sizes(&sizes, m);
  lat_pair metadata[] = {{text_of("format"), text_of(FORMAT)},
                         {text_of("version"), text_of(VERSION)},
                         {text_of("kind"), text_of(m->kind->name)},
                         pair_of("options", &options),
                         pair_of("sizes", &sizes),
                         pair_of("record", &record)};
  lat_status status = options.status;
  if (status == LAT_OK) status = record.status;
  if (status == LAT_OK) status = sizes.status;
  if (status == LAT_OK)
    status = lat_parameters_write(work, path, m->kind->parameters, m->sizes, m->flat, metadata,
                                  sizeof metadata / sizeof *metadata);
  if (status != LAT_OK) return latL_filefailure(L, who, work, mark, path, status);
  lat_workspace_done(work);
  lua_pushboolean(L, true);
  return 1;
}

/* ---- loading ------------------------------------------------------------------------------- */

/* Pushes the object that is the metadata `key`. */
static lat_status push_object(lua_State *L, lat_workspace *work, const lat_safetensors *file,
                              const char *key)
{
  lat_json j;
  const lat_text *value = lat_safetensors_metadata(file, key);
  if (!value) return lat_fail(work, LAT_FORMAT, "the metadata has no '%s'", key);
  LAT_TRY(lat_json_begin(&j, work, *value));
  if (lat_json_peek(&j) != '{')
    return lat_fail(work, LAT_FORMAT, "'%s' in the metadata is no JSON object", key);
  LAT_TRY(latL_pushjson(L, &j));
  return lat_json_end(&j);
}

static lat_status read_sizes(lua_State *L, lat_workspace *work, const lat_safetensors *file,
                             const lat_parameter *table, size_t sizes[LAT_SIZES])
{
  LAT_TRY(push_object(L, work, file, "sizes"));
  for (int s = LAT_END + 1; s < LAT_SIZES; s++) {
    if (!is_used(table, s)) continue;
    lua_Integer least = s == LAT_M || s == LAT_U ? 0 : 1; /* there may be none */
    if (lua_getfield(L, -1, size_names[s]) != LUA_TNUMBER || !lua_isinteger(L, -1) ||
        lua_tointeger(L, -1) < least)
      return lat_fail(work, LAT_FORMAT, "the size %s must be an integer >= %d", size_names[s],
                      (int)least);
    sizes[s] = (size_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return LAT_OK;
}

/* Calls the function below its `arguments` for one result; what it raises is the file's fault. */
static lat_status call(lua_State *L, lat_workspace *work, const char *what, int arguments)
{
  int failed = lua_pcall(L, arguments, 1, 0);
  if (failed == LUA_OK) return LAT_OK;
  if (failed != LUA_ERRRUN || lua_type(L, -1) != LUA_TSTRING) lua_error(L);
  return lat_fail(work, LAT_FORMAT, "%s: %s", what, lua_tostring(L, -1));
}

/* Pushes a new model of the kind and with the options that the file says. */
static lat_status make(lua_State *L, lat_workspace *work, const lat_safetensors *file)
{
  const lat_text *format = lat_safetensors_metadata(file, "format");
  const lat_text *version = lat_safetensors_metadata(file, "version");
  const lat_text *kind = lat_safetensors_metadata(file, "kind");
  if (!format || !lat_text_is(*format, FORMAT) || !version || !kind)
    return lat_fail(work, LAT_FORMAT, "no saved model (latent.read reads other safetensors files)");
  if (!lat_text_is(*version, VERSION))
    return lat_fail(work, LAT_FORMAT, "version '%.*s' is unknown (" VERSION " is read)",
                    version->n < 20 ? (int)version->n : 20, version->at);
  lua_pushlstring(L, kind->at, kind->n);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TFUNCTION)
    return lat_fail(work, LAT_FORMAT, "the model's kind '%.*s' is unknown",
                    kind->n < 40 ? (int)kind->n : 40, kind->at);
  LAT_TRY(push_object(L, work, file, "options"));
  return call(L, work, "the options are wrong", 1);
}

/* Gives the model at `model` the fields of the record, but none that its constructor has set. */
static lat_status keep_record(lua_State *L, lat_workspace *work, const lat_safetensors *file,
                              int model)
{
  const latL_Model *m = lua_touserdata(L, model);
  LAT_TRY(push_object(L, work, file, "record"));
  lua_getiuservalue(L, model, LATL_KEPT);
  for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
    const char *name = lua_tostring(L, -2);
    const lat_parameter *p = m->kind->parameters;
    while (p->name && strcmp(p->name, name) != 0) p++;
    if (p->name || !is_plain(L, name, lua_gettop(L)))
      return lat_fail(work, LAT_FORMAT, "the record has no place for '%.40s'", name);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -4) == LUA_TNIL) {
      lua_pushvalue(L, -3);
      lua_pushvalue(L, -3);
      lua_rawset(L, -6);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return LAT_OK;
}

/* Pushes the model. */
static lat_status load_model(lua_State *L, latL_Source *s)
{
  lat_workspace *work = &s->work;
  lat_safetensors file;
  size_t sizes[LAT_SIZES] = {0};
  LAT_TRY(lat_safetensors_parse(work, s->map.bytes, s->map.size, &file));
  LAT_TRY(make(L, work, &file));
  int model = lua_gettop(L);
  const latL_Kind *kind = ((const latL_Model *)lua_touserdata(L, model))->kind;
  LAT_TRY(read_sizes(L, work, &file, kind->parameters, sizes));
  LAT_TRY(lat_parameters_match(work, &file, kind->parameters, sizes));
  double *flat = latL_newparameters(L, kind, sizes);
  LAT_TRY(lat_parameters_read(work, &file, s->map.bytes, kind->parameters, sizes, flat));
  latL_adopt(L, model, sizes);
  LAT_TRY(keep_record(L, work, &file, model));
  luaL_getmetafield(L, model, "loaded");
  lua_pushvalue(L, model);
  LAT_TRY(call(L, work, "the parameters are wrong", 1));
  lua_settop(L, model);
  return LAT_OK;
}

/* latent.load(path) -> model, or nil, message. Upvalue: the constructors by the kinds' names. */
static int load(lua_State *L)
{
  const char *path = latL_checkpath(L, 1, "latent.load");
  latL_Source *s = latL_opensource(L, "latent.load", path);
  if (!s) return 2;
  lat_status status = load_model(L, s);
  if (status != LAT_OK) return latL_sourcefailure(L, "latent.load", s, path, status);
  latL_closesource(s);
  return 1;
}

void latL_open_save(lua_State *L)
{
  int module = lua_gettop(L);
  lua_newtable(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LATL_KINDS);
  for (lua_pushnil(L); lua_next(L, module + 2); lua_pop(L, 1)) {
    const latL_Kind *kind = lua_touserdata(L, -1);
    luaL_getmetatable(L, kind->metatable);
    if (lua_getfield(L, -1, "loaded") == LUA_TNIL) { /* see latL_savable */
      lua_pop(L, 2);
      continue;
    }
    lua_pop(L, 1);
    lua_getfield(L, -1, "methods");
    lua_pushlightuserdata(L, (void *)(size_t)kind);
    lua_pushcclosure(L, save, 1);
    lua_setfield(L, -2, "save");
    lua_getfield(L, module, kind->name);
    lua_setfield(L, module + 1, kind->name);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  lua_pushcclosure(L, load, 1);
  lua_setfield(L, module, "load");
}
