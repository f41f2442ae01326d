/* nn_checkpoint.c: store:save and store:load. */
#include "data/file.h"
#include "lua/json.h"
#include "nn/checkpoint.h"
#include "nn/nn.h"

#include <string.h>

static void add_optimizer(lua_State *L, const char *who, lat_checkpoint *c)
{
  latL_Optimizer *o = luaL_testudata(L, -1, LATL_OPTIMIZER);
  if (!o)
    latL_error(L, who, "optimizer must be an optimizer or a list of them, got %s",
               latL_typename(L, -1));
  if (o->core.store != c->store)
    latL_error(L, who, "the optimizer %s moves the parameters of another store", o->name);
  if (c->count == LAT_CHECKPOINT_OPTIMIZERS)
    latL_error(L, who, "a checkpoint has at most %d optimizers", LAT_CHECKPOINT_OPTIMIZERS);
  c->optimizers[c->count++] = &o->core;
}

/* Reads the options at 3, { optimizer = one or a list, tape = , random = }; the objects stay
 * alive in the table. */
static lat_checkpoint read_options(lua_State *L, const char *who)
{
  lat_checkpoint c = {.store = latL_checkstore(L, 1, who)};
  bool list = latL_getoption(L, 3, "optimizer") == LUA_TTABLE;
  if (!list && !lua_isnil(L, -1)) add_optimizer(L, who, &c);
  for (size_t i = 1, n = list ? lua_rawlen(L, -1) : 0; i <= n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    add_optimizer(L, who, &c);
    lua_pop(L, 1);
  }
  if (latL_getoption(L, 3, "tape") != LUA_TNIL) c.tape = latL_checktape(L, lua_gettop(L), who);
  if (latL_getoption(L, 3, "random") != LUA_TNIL &&
      !(c.random = luaL_testudata(L, -1, LATL_RANDOM)))
    latL_error(L, who, "random must be a latent.Random, got %s", latL_typename(L, -1));
  lua_pop(L, 3);
  if (c.store->count == 0) latL_error(L, who, "the store has no parameters");
  return c;
}

/* store:save(path [, options]) -> true, or nil, message */
static int save(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  const char *path = latL_checkpath(L, 2, who);
  lat_checkpoint c = read_options(L, who);
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_json_text fields = {.work = work};
  int type = latL_getoption(L, 3, "fields");
  if (type != LUA_TNIL) {
    if (type != LUA_TTABLE)
      latL_error(L, who, "fields must be a table, got %s", latL_typename(L, -1));
    const char *wrong = latL_putvalue(L, &fields, LAT_JSON_DEPTH);
    if (wrong) latL_error(L, who, "fields can't be saved: there is a %s", wrong);
  }
  const lat_pair pair = {{"fields", 6}, {fields.at, fields.n}};
  lat_status status = fields.status;
  if (status == LAT_OK)
    status = lat_checkpoint_write(work, (lat_target){.path = path}, &c, &pair, type != LUA_TNIL);
  return latL_filewritten(L, who, work, mark, path, status);
}

/* Pushes the fields. */
static lat_status load_from(lua_State *L, latL_Source *s, const lat_checkpoint *c)
{
  lat_safetensors file;
  lat_json j;
  LAT_TRY(lat_safetensors_parse(&s->work, s->map.bytes, s->map.size, &file));
  const lat_text *fields = lat_safetensors_metadata(&file, "fields");
  if (fields) {
    LAT_TRY(lat_json_begin(&j, &s->work, *fields));
    LAT_TRY(latL_pushjson(L, &j));
    LAT_TRY(lat_json_end(&j));
  } else {
    lua_newtable(L);
  }
  return lat_checkpoint_read(&s->work, &file, s->map.bytes, c);
}

/* store:load(path [, options]) -> the fields, or nil, message */
static int load(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  const char *path = latL_checkpath(L, 2, who);
  lat_checkpoint c = read_options(L, who);
  latL_Source *s = latL_opensource(L, who, path);
  if (!s) return 2;
  lat_status status = load_from(L, s, &c);
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  latL_closesource(s);
  return 1;
}

const latL_Function latL_nn_checkpoint_methods[] = {
    {"store:save", save, 2, 0, LATL_OPTIONS("optimizer", "tape", "random", "fields")},
    {"store:load", load, 2, 0, LATL_OPTIONS("optimizer", "tape", "random")},
    LATL_END};
