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
               luaL_typename(L, -1));
  if (o->core.store != c->store)
    latL_error(L, who, "the optimizer %s moves the parameters of another store", o->name);
  if (c->count == LAT_CHECKPOINT_OPTIMIZERS)
    latL_error(L, who, "a checkpoint has at most %d optimizers", LAT_CHECKPOINT_OPTIMIZERS);
  c->optimizers[c->count++] = &o->core;
}

/* Reads the options at 3, { optimizer = one or a list, tape = , random = }; the objects stay
 * alive in the table. */
static lat_checkpoint read_options(lua_State *L, const char *who, lat_random **random)
{
  lat_checkpoint c = {.store = latL_checkstore(L, 1, who)};
  if (latL_getoption(L, 3, "optimizer") == LUA_TTABLE) {
    size_t n = lua_rawlen(L, -1);
    for (size_t i = 1; i <= n; i++) {
      lua_rawgeti(L, -1, (lua_Integer)i);
      add_optimizer(L, who, &c);
      lua_pop(L, 1);
    }
  } else if (!lua_isnil(L, -1)) {
    add_optimizer(L, who, &c);
  }
  if (latL_getoption(L, 3, "tape") != LUA_TNIL) c.tape = latL_checktape(L, lua_gettop(L), who);
  *random = NULL;
  if (latL_getoption(L, 3, "random") != LUA_TNIL && !(*random = luaL_testudata(L, -1, LATL_RANDOM)))
    latL_error(L, who, "random must be a latent.Random, got %s", luaL_typename(L, -1));
  lua_pop(L, 3);
  if (c.store->count == 0) latL_error(L, who, "the store has no parameters");
  return c;
}

/* Pushes { seed, stream, position } of the generator. */
static void push_random(lua_State *L, const lat_random *random)
{
  const uint64_t state[3] = {random->seed, random->stream, random->position};
  lua_createtable(L, 3, 0);
  for (int i = 0; i < 3; i++) {
    lua_pushinteger(L, (lua_Integer)state[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* store:save(path [, options]) -> true, or nil, message */
static int save(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  lat_random *random;
  const char *path = latL_checkpath(L, 2, who);
  lat_checkpoint c = read_options(L, who, &random);
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_json_text fields = {.work = work}, generator = {.work = work};
  lat_pair pairs[2];
  size_t count = 0;
  int type = latL_getoption(L, 3, "fields");
  if (type != LUA_TNIL) {
    if (type != LUA_TTABLE)
      latL_error(L, who, "fields must be a table, got %s", luaL_typename(L, -1));
    const char *wrong = latL_putvalue(L, &fields, LAT_JSON_DEPTH);
    if (wrong) latL_error(L, who, "fields can't be saved: there is a %s", wrong);
    pairs[count++] = (lat_pair){{"fields", 6}, {fields.at, fields.n}};
  }
  if (random) {
    push_random(L, random);
    latL_putvalue(L, &generator, 2);
    pairs[count++] = (lat_pair){{"random", 6}, {generator.at, generator.n}};
  }
  lat_status status = fields.status != LAT_OK ? fields.status : generator.status;
  if (status == LAT_OK) status = lat_checkpoint_write(work, path, &c, pairs, count);
  return latL_filewritten(L, who, work, mark, path, status);
}

/* Pushes the value of the metadata `key`, or nil when there is none. */
static lat_status push_metadata(lua_State *L, lat_workspace *work, const lat_safetensors *file,
                                const char *key)
{
  const lat_text *text = lat_safetensors_metadata(file, key);
  lat_json j;
  if (!text) {
    lua_pushnil(L);
    return LAT_OK;
  }
  LAT_TRY(lat_json_begin(&j, work, *text));
  LAT_TRY(latL_pushjson(L, &j));
  return lat_json_end(&j);
}

/* The generator's state from the file; the table is popped. */
static lat_status read_random(lua_State *L, lat_workspace *work, const lat_safetensors *file,
                              lat_random *state)
{
  uint64_t *fields[3] = {&state->seed, &state->stream, &state->position};
  LAT_TRY(push_metadata(L, work, file, "random"));
  if (lua_type(L, -1) != LUA_TTABLE)
    return lat_fail(work, LAT_FORMAT, "the metadata has no 'random'");
  for (int i = 0; i < 3; i++) {
    lua_rawgeti(L, -1, i + 1);
    if (!lua_isinteger(L, -1))
      return lat_fail(work, LAT_FORMAT, "'random' in the metadata must be three integers");
    *fields[i] = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return LAT_OK;
}

/* Pushes the fields. */
static lat_status load_from(lua_State *L, latL_Source *s, lat_checkpoint *c, lat_random *random)
{
  lat_safetensors file;
  lat_random state;
  LAT_TRY(lat_safetensors_parse(&s->work, s->map.bytes, s->map.size, &file));
  if (random) LAT_TRY(read_random(L, &s->work, &file, &state));
  LAT_TRY(push_metadata(L, &s->work, &file, "fields"));
  if (lua_isnil(L, -1)) lua_newtable(L);
  LAT_TRY(lat_checkpoint_read(&s->work, &file, s->map.bytes, c));
  if (random) *random = state;
  return LAT_OK;
}

/* store:load(path [, options]) -> the fields, or nil, message */
static int load(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  lat_random *random;
  const char *path = latL_checkpath(L, 2, who);
  lat_checkpoint c = read_options(L, who, &random);
  latL_Source *s = latL_opensource(L, who, path);
  if (!s) return 2;
  lat_status status = load_from(L, s, &c, random);
  if (status != LAT_OK) return latL_sourcefailure(L, who, s, path, status);
  latL_closesource(s);
  return 1;
}

static const latL_Function methods[] = {
    {"store:save", save, 2, 0, LATL_OPTIONS("optimizer", "tape", "random", "fields")},
    {"store:load", load, 2, 0, LATL_OPTIONS("optimizer", "tape", "random")},
    LATL_END};

void latL_open_nn_checkpoint(lua_State *L)
{
  latL_addtoclass(L, LATL_STORE, methods);
}
