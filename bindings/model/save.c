/* save.c: model:save, for every kind of model there is. */
#include "model/saved.h"

#include <stdio.h>
#include <string.h>

/* ---- what a file says of a model ---------------------------------------------------------- */

typedef struct texts {
  latL_Text options, sizes, record;
} texts;

static void put_sizes(latL_Text *t, const lat_parameter *parameters, const size_t sizes[LAT_SIZES])
{
  char digits[48];
  const char *comma = "{";
  for (int s = LAT_END + 1; s < LAT_SIZES; s++) {
    if (!latL_usessize(parameters, s)) continue;
    snprintf(digits, sizeof digits, "%s\"%s\":%zu", comma, latL_size_names[s], sizes[s]);
    latL_puttext(t, digits);
    comma = ",";
  }
  latL_puttext(t, *comma == '{' ? "{}" : "}");
}

/* Copies the plain fields of the table on the top into the one below it, and pops it. */
static void copy_plain(lua_State *L)
{
  int from = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !latL_isplain(L, lua_tostring(L, -2), lua_gettop(L)))
      continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, from - 1);
  }
  lua_pop(L, 1);
}

/* Pushes a table of the plain fields of the block at 1, or of the model there, which has nets. */
static void push_record(lua_State *L, bool block)
{
  lua_newtable(L);
  latL_pushkept(L, 1);
  copy_plain(L);
  if (!block) return;
  lua_getiuservalue(L, 1, LATL_RECORD);
  copy_plain(L);
}

/* Pushes the options that the model was made with. */
static void push_options(lua_State *L)
{
  if (latL_kept(L, 1, LATL_MADE_WITH) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
}

/* Raises when an option of the table on the top can't be saved, and names it. */
static void check_options(lua_State *L, const char *who, lat_workspace *work)
{
  int options = lua_gettop(L);
  latL_pushnames(L);
  for (lua_Integer i = 1; lua_rawgeti(L, options + 1, i) != LUA_TNIL; i++) {
    latL_Text t = {.work = work};
    lua_pushvalue(L, -1);
    lua_rawget(L, options);
    const char *wrong = latL_putvalue(L, &t, LAT_JSON_DEPTH - 1);
    if (wrong)
      latL_error(L, who, "the option '%s' can't be saved: it is, or holds, a %s",
                 lua_tostring(L, -2), wrong);
    lua_settop(L, options + 1);
  }
  lua_settop(L, options);
}

/* The texts of the model with the block `f` at 1; NULL: the model itself is there. */
static lat_status describe(lua_State *L, const char *who, lat_workspace *work, const latL_Fitted *f,
                           texts *t)
{
  int top = lua_gettop(L);
  *t = (texts){{.work = work}, {.work = work}, {.work = work}};
  push_options(L);
  check_options(L, who, work);
  latL_putvalue(L, &t->options, LAT_JSON_DEPTH);
  push_record(L, f != NULL);
  latL_putvalue(L, &t->record, LAT_JSON_DEPTH);
  if (f) put_sizes(&t->sizes, latL_parametersof(latL_owner(f)), f->sizes);
  if (!f) latL_puttext(&t->sizes, "{}");
  lua_settop(L, top);
  LAT_TRY(t->options.status);
  LAT_TRY(t->record.status);
  return t->sizes.status;
}

static lat_text text_of(const char *word)
{
  return (lat_text){word, strlen(word)};
}

/* The pair of `prefix` and `key`, which go into the workspace. */
static lat_status put_pair(lat_workspace *work, const char *prefix, const char *key, lat_text value,
                           lat_pair *to)
{
  size_t n = strlen(prefix), m = strlen(key);
  char *text = lat_allocate(work, n + m + 1, 1);
  if (!text) return LAT_MEMORY;
  memcpy(text, prefix, n);
  memcpy(text + n, key, m + 1);
  *to = (lat_pair){{text, n + m}, value};
  return LAT_OK;
}

enum { OF_FILE = 2, OF_MODEL = 4 }; /* pairs */

static void put_format(lat_pair *to)
{
  to[0] = (lat_pair){text_of("format"), text_of(LATL_SAVED_FORMAT)};
  to[1] = (lat_pair){text_of("version"), text_of(LATL_SAVED_VERSION)};
}

static lat_status put_model(lat_workspace *work, const char *prefix, const char *kind,
                            const texts *t, lat_pair *to)
{
  LAT_TRY(put_pair(work, prefix, "kind", text_of(kind), &to[0]));
  LAT_TRY(put_pair(work, prefix, "options", (lat_text){t->options.at, t->options.n}, &to[1]));
  LAT_TRY(put_pair(work, prefix, "sizes", (lat_text){t->sizes.at, t->sizes.n}, &to[2]));
  return put_pair(work, prefix, "record", (lat_text){t->record.at, t->record.n}, &to[3]);
}

/* ---- one model ------------------------------------------------------------------------------- */

/* True, or nil and a message. */
static int finish(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                  const char *path, lat_status status)
{
  int results = latL_filewritten(L, who, work, mark, path, status);
  lat_workspace_done(work); /* now, not when the collector comes by */
  return results;
}

/* model:save(path) -> true, or nil, message. Upvalue: the kind. A model with nets is a checkpoint, which
 * has a format of its own. */
static int save(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  latL_Stored *stored = latL_storedkind(L, kind->metatable);
  const char *who = lua_pushfstring(L, "%s:save", kind->name);
  lua_insert(L, 1);
  latL_nooptions(L, 4, who);
  lua_settop(L, 3);
  lua_rotate(L, 1, -1); /* `who` to the top */
  void *model = stored ? latL_checkmodel(L, kind, who) : NULL;
  const latL_Fitted *f = stored ? NULL : latL_fitted(L, 1, kind, who);
  const char *path = latL_checkpath(L, 2, who);
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  texts t;
  lat_pair metadata[OF_FILE + OF_MODEL];
  if (f) kind = latL_owner(f)->kind; /* several kinds may share a metatable */
  put_format(metadata);
  lat_status status = describe(L, who, work, f, &t);
  if (status == LAT_OK) status = put_model(work, "", kind->name, &t, metadata + OF_FILE);
  if (status == LAT_OK && stored) {
    lat_checkpoint checkpoint = stored(model);
    status = lat_checkpoint_write(work, path, &checkpoint, metadata + OF_FILE, OF_MODEL);
  } else if (status == LAT_OK) {
    lat_parameter_set set = {"", latL_parametersof(latL_owner(f)), f->sizes, f->flat};
    status = lat_parameters_write(work, path, &set, 1, metadata, OF_FILE + OF_MODEL);
  }
  return finish(L, who, work, mark, path, status);
}

/* ---- a group --------------------------------------------------------------------------------- */

/* Model number i of a group, which is at 1, and gives its place to its block. */
static lat_status put_member(lua_State *L, const char *who, lat_workspace *work, size_t i,
                             lat_parameter_set *set, lat_pair *metadata)
{
  texts t;
  char *prefix = lat_allocate(work, 1, sizeof(latL_Prefix));
  if (!prefix) return LAT_MEMORY;
  snprintf(prefix, sizeof(latL_Prefix), "%zu.", i + 1);
  const latL_Model *m = latL_tomodel(L, 1);
  if (!m || luaL_getmetafield(L, 1, "loaded") == LUA_TNIL)
    return (lat_status)latL_error(L, who, "model %I is a %s, which can't be saved",
                                  (lua_Integer)i + 1, m ? m->kind->name : luaL_typename(L, 1));
  lua_pop(L, 1);
  const latL_Fitted *f = latL_pushfitted(L, 1);
  if (!f) latL_error(L, who, "model %I is not fitted yet", (lua_Integer)i + 1);
  lua_pop(L, 1);
  f = latL_fitted(L, 1, m->kind, who);
  LAT_TRY(describe(L, who, work, f, &t));
  *set = (lat_parameter_set){prefix, latL_parametersof(m), f->sizes, f->flat};
  return put_model(work, prefix, m->kind->name, &t, metadata);
}

/* latent._save_group(path, kind, options, models) -> true, or nil, message: for the parts in Lua */
static int save_group(lua_State *L)
{
  lua_settop(L, 4);
  const char *kind = luaL_checkstring(L, 2), *who = lua_pushfstring(L, "%s:save", kind);
  const char *path = latL_checkpath(L, 1, who);
  luaL_checktype(L, 4, LUA_TTABLE);
  size_t count = lua_rawlen(L, 4);
  lua_createtable(L, (int)count, 0); /* keeps the models' blocks */
  int blocks = lua_gettop(L);
  lat_workspace *work = latL_newworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_Text options = {.work = work};
  lua_pushvalue(L, 3);
  check_options(L, who, work);
  latL_putvalue(L, &options, LAT_JSON_DEPTH);
  lua_pop(L, 1);
  size_t pairs = OF_FILE + 2 + count * OF_MODEL;
  lat_parameter_set *sets = lat_allocate(work, count, sizeof *sets);
  lat_pair *metadata = lat_allocate(work, pairs, sizeof *metadata);
  lat_status status = sets && metadata ? options.status : LAT_MEMORY;
  if (status == LAT_OK) {
    put_format(metadata);
    metadata[OF_FILE] = (lat_pair){text_of("kind"), text_of(kind)};
    metadata[OF_FILE + 1] = (lat_pair){text_of("options"), {options.at, options.n}};
  }
  for (size_t i = 0; i < count && status == LAT_OK; i++) {
    lua_rawgeti(L, 4, (lua_Integer)i + 1);
    lua_insert(L, 1);
    status = put_member(L, who, work, i, &sets[i], metadata + OF_FILE + 2 + i * OF_MODEL);
    lua_pushvalue(L, 1); /* in whose place its block is now */
    lua_rawseti(L, blocks + 1, (lua_Integer)i + 1);
    lua_remove(L, 1);
  }
  if (status == LAT_OK) status = lat_parameters_write(work, path, sets, count, metadata, pairs);
  return finish(L, who, work, mark, path, status);
}

/* ---- a model of the user's functions --------------------------------------------------------- */

/* Pushes the options at 1 was made with, but for its functions and its start. */
static void push_own_options(lua_State *L)
{
  push_options(L);
  int from = lua_gettop(L);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
    if (lua_isfunction(L, -1) || strcmp(lua_tostring(L, -2), "parameters") == 0) continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
  }
  lua_remove(L, from);
}

/* Users can change the table on the top, of the model's present parameters. */
static void check_own(lua_State *L, const char *who)
{
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      latL_error(L, who, "model.parameters has a key without a name");
    if (lua_type(L, -1) != LUA_TNUMBER && !latL_tomatrix(L, -1))
      latL_error(L, who, "model.parameters: '%s' must be a number or a matrix, got %s",
                 lua_tostring(L, -2), luaL_typename(L, -1));
  }
}

/* The values of the table on the top, numbers and matrices, as sources. */
static size_t put_own(lua_State *L, double *numbers, lat_tensor_source *to)
{
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), n++) {
    if (!to) continue;
    const latL_Matrix *A = latL_tomatrix(L, -1);
    if (!A) numbers[n] = lua_tonumber(L, -1);
    to[n] = (lat_tensor_source){.name = text_of(lua_tostring(L, -2)),
                                .data = lat_vector_of(numbers + n, 1)};
    if (!A) continue;
    to[n].axes = A->vector ? 1 : 2;
    to[n].shape[0] = A->view.rows;
    to[n].shape[1] = A->view.cols;
    to[n].data = A->view;
  }
  return n;
}

/* em:save(path) -> true, or nil, message. Upvalue: the kind. */
static int save_own(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  const char *who = LATL_SAVED_OWN ":save";
  latL_nooptions(L, 3, who);
  lua_settop(L, 2);
  latL_fitted(L, 1, kind, who);
  const char *path = latL_checkpath(L, 2, who);
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_Text options = {.work = work}, record = {.work = work};
  push_own_options(L);
  latL_putvalue(L, &options, LAT_JSON_DEPTH);
  push_record(L, true);
  latL_putvalue(L, &record, LAT_JSON_DEPTH);
  lat_pair metadata[OF_FILE + 3];
  put_format(metadata);
  metadata[OF_FILE] = (lat_pair){text_of("kind"), text_of(kind->name)};
  metadata[OF_FILE + 1] = (lat_pair){text_of("options"), {options.at, options.n}};
  metadata[OF_FILE + 2] = (lat_pair){text_of("record"), {record.at, record.n}};
  lat_status status = options.status == LAT_OK ? record.status : options.status;
  latL_recorded(L, 1, "parameters");
  check_own(L, who);
  size_t n = put_own(L, NULL, NULL);
  lat_tensor_source *sources = lat_allocate(work, n, sizeof *sources);
  double *numbers = lat_doubles(work, n);
  if (!sources || !numbers) status = LAT_MEMORY;
  if (status == LAT_OK) {
    put_own(L, numbers, sources);
    status = lat_safetensors_write(work, path, sources, n, metadata, OF_FILE + 3);
  }
  return finish(L, who, work, mark, path, status);
}

void latL_open_save(lua_State *L)
{
  int module = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LATL_KINDS);
  for (lua_pushnil(L); lua_next(L, module + 1); lua_pop(L, 1)) {
    const latL_Kind *kind = lua_touserdata(L, -1);
    bool own = strcmp(kind->name, LATL_SAVED_OWN) == 0;
    luaL_getmetatable(L, kind->metatable);
    bool stored = latL_storedkind(L, kind->metatable) != NULL;
    if (lua_getfield(L, -1, "loaded") != LUA_TNIL || own || stored) { /* see latL_savable */
      lua_getfield(L, -2, "methods");
      lua_pushlightuserdata(L, (void *)(size_t)kind);
      lua_pushcclosure(L, own ? save_own : save, 1);
      lua_setfield(L, -2, "save");
      lua_pop(L, 1);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, save_group);
  lua_setfield(L, module, "_save_group");
}
