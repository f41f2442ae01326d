/* nn_net.c: linear layers, multilayer perceptrons, and nets made of nets. */
#include "nn/nn.h"

#include <stdint.h>
#include <string.h>

/* The layers follow the net in its userdata. */
static lat_net *new_net(lua_State *L, size_t layers, int store)
{
  store = lua_absindex(L, store);
  lat_net *net = lua_newuserdatauv(L, sizeof *net + layers * sizeof(lat_layer), 1);
  *net = (lat_net){lua_touserdata(L, store), (lat_layer *)(net + 1), layers};
  memset(net->layers, 0, layers * sizeof(lat_layer));
  lua_pushvalue(L, store);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, LATL_NET);
  return net;
}

static void *self(lua_State *L, const char *who)
{
  lat_net *net = luaL_testudata(L, 1, LATL_NET);
  if (!net) latL_failself(L, who, "net");
  latL_usestore(L, net->store, who);
  return net;
}

/* ---- making them ---------------------------------------------------------------------------- */

static lat_activation activation_option(lua_State *L, int options, const char *who,
                                        const char *name, lat_activation otherwise)
{
  if (latL_getoption(L, options, name) != LUA_TNIL)
    otherwise = latL_checkactivation(L, lua_gettop(L), who, name);
  lua_pop(L, 1);
  return otherwise;
}

/* The options at `arg`. A layer's own activation is `last`. */
static lat_layer_options read_options(lua_State *L, int arg, const char *who, bool mlp)
{
  lat_layer_options o = {0};
  lat_activation f =
      activation_option(L, arg, who, "activation", mlp ? LAT_NN_RELU : LAT_NN_LINEAR);
  o.activation = mlp ? f : LAT_NN_LINEAR;
  o.last = mlp ? activation_option(L, arg, who, "last", LAT_NN_LINEAR) : f;
  o.init = (lat_init)latL_optword(L, arg, who, "init", lat_init_names, LAT_INIT_TORCH);
  o.gain = latL_optnumber(L, arg, who, "gain", 1, 1e-30, 1e30);
  o.no_bias = !latL_optboolean(L, arg, who, "bias", true);
  o.spectral = latL_optboolean(L, arg, who, "spectral", false);
  o.zero_last = mlp && latL_optboolean(L, arg, who, "zero_last", false);
  return o;
}

/* nn.linear(store, name, inputs, outputs [, options]) */
static int linear(lua_State *L, const latL_Function *f)
{
  lat_store *store = latL_checkstore(L, 1, f->who);
  const char *name = latL_checkstring(L, 2, f->who, "name");
  size_t inputs = latL_checksize(L, 3, f->who, "inputs"),
         outputs = latL_checksize(L, 4, f->who, "outputs");
  lat_layer_options options = read_options(L, 5, f->who, false);
  lat_net *net = new_net(L, 1, 1);
  latL_run(L, f->who, lat_layer_add, store, name, inputs, outputs, &options, net->layers);
  return 1;
}

/* nn.mlp(store, name, { inputs, hidden..., outputs } [, options]) */
static int mlp(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  lat_store *store = latL_checkstore(L, 1, who);
  const char *name = latL_checkstring(L, 2, who, "name");
  if (lua_type(L, 3) != LUA_TTABLE)
    latL_error(L, who, "sizes must be a list of integers, got %s", latL_typegot(L, 3));
  size_t count = lua_rawlen(L, 3);
  if (count < 2 || count > 1000)
    latL_error(L, who, "sizes must be a list of 2 to 1000 integers, got %I", (lua_Integer)count);
  lat_layer_options options = read_options(L, 4, who, true);
  lua_settop(L, 3);
  size_t *sizes = lua_newuserdatauv(L, count * sizeof *sizes, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 3, (lua_Integer)i + 1);
    sizes[i] = latL_checksize(L, -1, who, "every size");
    lua_pop(L, 1);
  }
  lat_net *net = new_net(L, count - 1, 1);
  latL_run(L, who, lat_net_mlp, store, name, sizes, count - 1, &options, net->layers, net);
  return 1;
}

/* nn.sequential{ net or activation, ... } */
static int sequential(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  if (lua_type(L, 1) != LUA_TTABLE)
    latL_error(L, who, "parts must be a list of nets and names of activations, got %s",
               latL_typegot(L, 1));
  const size_t count = lua_rawlen(L, 1);
  size_t most = 0;
  int store = 0; /* the first net's */
  lua_settop(L, 1);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i);
    const lat_net *part = luaL_testudata(L, -1, LATL_NET);
    if (!part) latL_checkactivation(L, lua_gettop(L), who, "activation");
    most += part ? part->count : 1;
    if (part && !store) {
      lua_getiuservalue(L, -1, 1);
      store = lua_gettop(L);
    }
    lua_settop(L, store ? store : 1);
  }
  if (!store) latL_error(L, who, "there must be at least one net among the parts");
  lat_net *net = new_net(L, most, store);
  net->count = 0;
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i);
    lat_layer alone = {0};
    lat_net only = {net->store, &alone, 1};
    const lat_net *part = luaL_testudata(L, -1, LATL_NET);
    if (!part)
      alone.activation = latL_checkactivation(L, lua_gettop(L), who, "activation"), part = &only;
    if (net->count + part->count > most) latL_error(L, who, "a finalizer changed the list");
    latL_run(L, who, lat_net_append, net, part, i);
    lua_pop(L, 1);
  }
  return 1;
}

/* ---- using them ----------------------------------------------------------------------------- */

/* The value at 2; its tape is pushed, and keeps the store. */
static latL_Value *value_of(lua_State *L, const char *who, int *tape)
{
  latL_Value *x = latL_checkvalue(L, 2, who, "x");
  lua_getiuservalue(L, 2, 1);
  *tape = lua_gettop(L);
  lua_getiuservalue(L, 1, 1);
  latL_keepstore(L, *tape, *tape + 1);
  latL_begin(L, x->tape);
  return x;
}

/* net(x), and net:frozen(x), of another kind */
static int forward(lua_State *L, const latL_Function *f)
{
  int tape;
  const lat_net *net = self(L, f->who);
  latL_Value *x = value_of(L, f->who, &tape);
  return latL_pushvalue(L, tape, f->who,
                        (f->kind ? lat_net_constant : lat_net_forward)(x->tape, net, x->handle));
}

static int input_gradient(lua_State *L, const latL_Function *f)
{
  int tape;
  const lat_net *net = self(L, f->who);
  latL_Value *x = value_of(L, f->who, &tape);
  lat_value v = {0};
  if (!lua_isnil(L, 3)) v = latL_tovalue(L, 3, x->tape, f->who, "v");
  return latL_pushvalue(L, tape, f->who, lat_net_input_gradient(x->tape, net, x->handle, v, NULL));
}

/* net:power_iteration() -> |W u| of each layer, as far as they are normalized */
static int power_iteration(lua_State *L, const latL_Function *f)
{
  const lat_net *net = self(L, f->who);
  double *norms = lua_newuserdatauv(L, net->count * sizeof *norms, 0);
  latL_run(L, f->who, lat_net_power_iteration, net, norms);
  lua_newtable(L);
  for (size_t i = 0; i < net->count; i++) {
    if (net->layers[i].inputs == 0 || net->layers[i].u == SIZE_MAX) continue;
    lua_pushnumber(L, norms[i]);
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
  }
  return 1;
}

/* net:parameters() -> the names of its parameters */
static int parameters(lua_State *L, const latL_Function *f)
{
  const lat_net *net = self(L, f->who);
  lua_Integer n = 0;
  lua_newtable(L);
  for (size_t i = 0; i < net->count; i++) {
    const lat_layer *layer = &net->layers[i];
    const size_t all[] = {layer->weight, layer->bias, layer->u};
    for (size_t k = 0; layer->inputs > 0 && k < 3; k++) {
      if (all[k] == SIZE_MAX) continue;
      lua_pushstring(L, net->store->items[all[k]].name);
      lua_rawseti(L, -2, ++n);
    }
  }
  return 1;
}

static int tostring(lua_State *L, const latL_Function *f)
{
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  const char *text;
  lat_status status = lat_net_describe(work, self(L, f->who), &text);
  if (status == LAT_OK) lua_pushfstring(L, "latent.Net (%s)", text);
  latL_check(L, f->who, work, mark, status);
  return 1;
}

/* net.inputs, net.outputs, net.store */
static int more_fields(lua_State *L)
{
  const lat_net *net = lua_touserdata(L, 1);
  const char *name = lua_tostring(L, 2);
  if (strcmp(name, "inputs") == 0) return latL_returninteger(L, (lua_Integer)lat_net_inputs(net));
  if (strcmp(name, "outputs") == 0) return latL_returninteger(L, (lua_Integer)lat_net_outputs(net));
  if (strcmp(name, "store") != 0) return 0;
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static const latL_Function methods[] = {{"net", forward, .name = "__call"},
                                        {"net:frozen", forward, .kind = 1, .arguments = 2},
                                        {"net:power_iteration", power_iteration, .arguments = 1},
                                        {"net:input_gradient", input_gradient, .arguments = 3},
                                        {"net:parameters", parameters, .arguments = 1},
                                        {"net:__tostring", tostring, .arguments = 0},
                                        LATL_END};
static const latL_Field no_fields[] = {{.name = NULL}};
const latL_Class latL_nn_net_class = {LATL_NET, "net", methods, no_fields, self, more_fields, NULL};
const latL_Function latL_nn_net_functions[] = {
    {"nn.linear", linear, 4, 0, LATL_OPTIONS("activation", "init", "gain", "bias", "spectral")},
    {"nn.mlp", mlp, 3, 0,
     LATL_OPTIONS("activation", "last", "init", "gain", "bias", "zero_last", "spectral")},
    {"nn.sequential", sequential, .arguments = 1},
    LATL_END};
