/* save.c: model:save and model:save_string, for every kind of model there is. */
#include "model/files/saved.h"

#include <string.h>

#include "deep/common/net_file.h"

/* ---- what a file says of a model ------------------------------------------------------------- */

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

/* Pushes the options that the model was made with; of users' functions the plain ones, without
 * these and what they began with. */
static void push_options(lua_State *L, bool own)
{
  int type = latL_kept(L, 1, LATL_MADE_WITH);
  if (type == LUA_TTABLE && !own) return;
  lua_newtable(L);
  lua_insert(L, -2);
  if (type == LUA_TTABLE)
    copy_plain(L);
  else
    lua_pop(L, 1);
}

/* The table on the top, which is popped, as text in the workspace. */
static lat_status put_object(lua_State *L, lat_workspace *work, lat_text *to)
{
  lat_json_text t = {.work = work};
  latL_putvalue(L, &t, LAT_JSON_DEPTH);
  lua_pop(L, 1);
  *to = (lat_text){t.at, t.n};
  return t.status;
}

/* The same of options. Raises when one can't be saved, and names it. */
static lat_status put_options(lua_State *L, const char *who, lat_workspace *work, lat_text *to)
{
  int options = lua_gettop(L);
  latL_pushnames(L);
  for (lua_Integer i = 1; lua_rawgeti(L, options + 1, i) != LUA_TNIL; i++) {
    lat_json_text t = {.work = work};
    lua_pushvalue(L, -1);
    lua_rawget(L, options);
    const char *wrong = latL_putvalue(L, &t, LAT_JSON_DEPTH - 1);
    if (wrong)
      latL_error(L, who, "the option '%s' can't be saved: it is, or holds, a %s",
                 lua_tostring(L, -2), wrong);
    lua_settop(L, options + 1);
  }
  lua_settop(L, options);
  return put_object(L, work, to);
}

/* The model at 1: its block `f`, or one with nets (NULL). */
static lat_status describe(lua_State *L, const char *who, lat_workspace *work, const latL_Fitted *f,
                           lat_saved *m)
{
  static const lat_parameter none[] = {{.name = NULL}};
  static const size_t no_sizes[LAT_SIZES] = {0};
  bool own = strcmp(m->kind, LATL_SAVED_OWN) == 0;
  push_options(L, own);
  LAT_TRY(put_options(L, who, work, &m->options));
  push_record(L, f != NULL);
  LAT_TRY(put_object(L, work, &m->record));
  m->set = f && !own ? (lat_parameter_set){"", latL_parametersof(latL_owner(f)), f->sizes, f->flat}
                     : (lat_parameter_set){"", none, no_sizes, NULL};
  return LAT_OK;
}

/* True, or nil and a message. */
static int finish(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                  const char *path, lat_status status)
{
  int results = latL_filewritten(L, who, work, mark, path, status);
  lat_workspace_done(work); /* now, not when the collector comes by */
  return results;
}

/* ---- a model of the user's functions --------------------------------------------------------- */

/* Users can change the table on the top, of the model's present parameters; their count. */
static size_t check_own(lua_State *L, const char *who)
{
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), n++) {
    if (lua_type(L, -2) != LUA_TSTRING)
      latL_error(L, who, "model.parameters has a key without a name");
    if (lua_type(L, -1) != LUA_TNUMBER && !latL_tomatrix(L, -1))
      latL_error(L, who, "model.parameters: '%s' must be a number or a matrix, got %s",
                 lua_tostring(L, -2), latL_typename(L, -1));
  }
  return n;
}

/* The values of the table on the top, numbers and matrices, as sources. */
static void put_own(lua_State *L, double *numbers, lat_tensor_source *to)
{
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), n++) {
    const latL_Matrix *A = latL_tomatrix(L, -1);
    if (!A) numbers[n] = lua_tonumber(L, -1);
    to[n] = (lat_tensor_source){.name = {lua_tostring(L, -2), lua_rawlen(L, -2)},
                                .data = lat_vector_of(numbers + n, 1)};
    if (!A) continue;
    to[n].axes = A->vector ? 1 : 2;
    to[n].shape[0] = A->view.rows;
    to[n].shape[1] = A->view.cols;
    to[n].data = A->view;
  }
}

static lat_status write_own(lua_State *L, const char *who, lat_workspace *work, lat_target target,
                            const lat_saved *m)
{
  lat_pair metadata[2 + LAT_SAVED_PAIRS];
  latL_recorded(L, 1, "parameters");
  size_t n = check_own(L, who);
  lat_tensor_source *sources = lat_allocate(work, n, sizeof *sources);
  double *numbers = lat_doubles(work, n);
  if (!sources || !numbers) return LAT_MEMORY;
  put_own(L, numbers, sources);
  lat_saved_format(metadata);
  LAT_TRY(lat_saved_pairs(work, m, metadata + 2));
  return lat_safetensors_write(work, target, sources, n, metadata, 2 + LAT_SAVED_PAIRS);
}

/* ---- one model ------------------------------------------------------------------------------- */

/* The model at 1, which gives its place to its block. */
static lat_status write_model(lua_State *L, const char *who, lat_workspace *work, lat_target target)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  latL_Stored *stored = latL_storedkind(L, kind);
  void *nets = stored ? latL_checkmodel(L, kind, who) : NULL;
  const latL_Fitted *f = stored ? NULL : latL_fitted(L, 1, kind, who);
  if (f) kind = latL_owner(f)->kind; /* several kinds may share a metatable */
  lat_saved m = {.kind = kind->name};
  LAT_TRY(describe(L, who, work, f, &m));
  if (nets) {
    lat_checkpoint checkpoint = stored(nets);
    return lat_net_write(work, target, &checkpoint, &m);
  }
  if (strcmp(kind->name, LATL_SAVED_OWN) == 0) return write_own(L, who, work, target, &m);
  return lat_saved_write(work, target, &m, 1);
}

/* A method begins, with so many arguments behind the model: its name, "gmm:save", on the top. */
static const char *begin(lua_State *L, const char *verb, int arguments)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  const char *who = lua_pushfstring(L, "%s:%s", kind->name, verb);
  lua_insert(L, 1);
  latL_nooptions(L, arguments + 3, who);
  lua_settop(L, arguments + 2);
  lua_rotate(L, 1, -1); /* `who` to the top */
  return who;
}

/* model:save(path) -> true, or nil, message. Upvalue: the kind. */
static int save(lua_State *L)
{
  const char *who = begin(L, "save", 1), *path = latL_checkpath(L, 2, who);
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = write_model(L, who, work, (lat_target){.path = path});
  return finish(L, who, work, mark, path, status);
}

/* What has been written into the source's memory, as a string. */
static int push_bytes(lua_State *L, const char *who, latL_Source *s, lat_status status)
{
  if (status != LAT_OK) latL_check(L, who, &s->work, lat_workspace_mark(&s->work), status);
  lua_pushlstring(L, (const char *)s->map.bytes, s->map.size);
  latL_closesource(s);
  return 1;
}

/* model:save_string() -> the bytes of the file. Upvalue: the kind. */
static int save_string(lua_State *L)
{
  const char *who = begin(L, "save_string", 0);
  latL_Source *s = latL_newsource(L);
  return push_bytes(L, who, s, write_model(L, who, &s->work, (lat_target){.memory = &s->map}));
}

/* ---- a group --------------------------------------------------------------------------------- */

/* Model number i of a group, which is at 1, and gives its place to its block. */
static lat_status put_member(lua_State *L, const char *who, lat_workspace *work, size_t i,
                             lat_saved *to)
{
  const char *prefix = lat_saved_prefix(work, i + 1);
  if (!prefix) return LAT_MEMORY;
  const latL_Model *m = latL_tomodel(L, 1);
  if (!m || luaL_getmetafield(L, 1, "loaded") == LUA_TNIL)
    return (lat_status)latL_error(L, who, "model %I is a %s, which can't be saved",
                                  (lua_Integer)i + 1, m ? m->kind->name : latL_typename(L, 1));
  lua_pop(L, 1);
  const latL_Fitted *f = latL_pushfitted(L, 1);
  if (!f) latL_error(L, who, "model %I is not fitted yet", (lua_Integer)i + 1);
  lua_pop(L, 1);
  f = latL_fitted(L, 1, m->kind, who);
  to->kind = m->kind->name;
  LAT_TRY(describe(L, who, work, f, to));
  to->set.prefix = prefix;
  return LAT_OK;
}

/* latent._save_group(path, kind, options, models) -> true, or nil, message, and
 * latent._save_group_string(nil, kind, options, models) -> the bytes of the file: for the parts in
 * Lua. Upvalue: whether it is a file. */
static int save_group(lua_State *L)
{
  lua_settop(L, 4);
  bool file = lua_toboolean(L, lua_upvalueindex(1));
  const char *kind = luaL_checkstring(L, 2);
  const char *who = lua_pushfstring(L, "%s:%s", kind, file ? "save" : "save_string");
  const char *path = file ? latL_checkpath(L, 1, who) : NULL;
  luaL_checktype(L, 4, LUA_TTABLE);
  size_t count = lua_rawlen(L, 4);
  lua_createtable(L, (int)count, 0); /* keeps the models' blocks */
  int blocks = lua_gettop(L);
  latL_Source *s = latL_newsource(L);
  lat_workspace *work = &s->work;
  lat_mark mark = lat_workspace_mark(work);
  lat_saved group = {.set = {.prefix = ""}, .kind = kind};
  lat_saved *models = lat_allocate(work, count + 1, sizeof *models);
  lua_pushvalue(L, 3);
  lat_status status = models ? put_options(L, who, work, &group.options) : LAT_MEMORY;
  if (status == LAT_OK) models[0] = group;
  for (size_t i = 0; i < count && status == LAT_OK; i++) {
    lua_rawgeti(L, 4, (lua_Integer)i + 1);
    lua_insert(L, 1);
    status = put_member(L, who, work, i, &models[i + 1]);
    lua_pushvalue(L, 1); /* in whose place its block is now */
    lua_rawseti(L, blocks + 1, (lua_Integer)i + 1);
    lua_remove(L, 1);
  }
  const lat_target target = {.path = path, .memory = &s->map};
  if (status == LAT_OK) status = lat_saved_write(work, target, models, count + 1);
  return file ? finish(L, who, work, mark, path, status) : push_bytes(L, who, s, status);
}

/* Of all models that can be saved (latL_newkind): their methods, latent.load and
 * latent.load_string. */
void latL_open_save(lua_State *L)
{
  int module = lua_gettop(L), constructors = module + 1;
  lua_newtable(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LATL_KINDS);
  for (lua_pushnil(L); lua_next(L, module + 2); lua_settop(L, module + 3)) {
    const latL_Kind *kind = lua_touserdata(L, -1);
    luaL_getmetatable(L, kind->metatable);
    if (lua_getfield(L, -1, "loaded") == LUA_TNIL && strcmp(kind->name, LATL_SAVED_OWN) != 0 &&
        !latL_storedkind(L, kind))
      continue;
    lua_getfield(L, -2, "methods");
    lua_pushlightuserdata(L, (void *)(size_t)kind);
    lua_pushcclosure(L, save, 1);
    lua_setfield(L, -2, "save");
    lua_pushlightuserdata(L, (void *)(size_t)kind);
    lua_pushcclosure(L, save_string, 1);
    lua_setfield(L, -2, "save_string");
    lua_getfield(L, module, kind->name);
    lua_setfield(L, constructors, kind->name);
  }
  lua_settop(L, constructors);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, LATL_CONSTRUCTORS);
  lua_pushvalue(L, constructors);
  lua_pushcclosure(L, latL_loadstring, 1);
  lua_setfield(L, module, "load_string");
  lua_pushcclosure(L, latL_load, 1);
  lua_setfield(L, module, "load");
  lua_pushboolean(L, true);
  lua_pushcclosure(L, save_group, 1);
  lua_setfield(L, module, "_save_group");
  lua_pushboolean(L, false);
  lua_pushcclosure(L, save_group, 1);
  lua_setfield(L, module, "_save_group_string");
}
