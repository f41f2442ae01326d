/* vae.c: latent.vae: making and training variational autoencoders. What they are used for is in
 * vae/infer.c, and the training loop in latent/train.lua. */
#include "models/deep/vae.h"

#include <math.h>

const latL_Kind latL_vae_kind = {.name = "vae",
                                 .metatable = "latent.VAE",
                                 .parameters = (const lat_parameter[]){{NULL, {LAT_END}}},
                                 .refresh = NULL,
                                 .gaps = LATL_GAPS_BY("mppca")};

static const char *const bounds[] = {"elbo", "iwae", NULL};

static void done(void *model)
{
  lat_vae_done(&((latL_Vae *)model)->core);
}

/* What the training's loss is made of. */
static void read_objective(lua_State *L, latL_Vae *v)
{
  const char *who = "vae";
  v->objective.beta = latL_optnumber(L, 1, who, "beta", 1, 0, 1e6);
  v->objective.free_bits = latL_optnumber(L, 1, who, "free_bits", 0, 0, 1e6);
  v->objective.samples = (size_t)latL_optinteger(L, 1, who, "samples", 1, 1, 1 << 20);
  v->objective.importance = latL_optword(L, 1, who, "bound", bounds, v->objective.samples > 1) == 1;
  v->kl_warm_up = latL_optnumber(L, 1, who, "kl_warm_up", 0, 0, 1e15);
  if (v->objective.importance && v->objective.free_bits > 0)
    latL_error(L, who, "free_bits change a KL, which the bound \"iwae\" has none of");
}

/* The widths of the hidden layers; the decoder's are the encoder's, turned round, unless given. */
static void read_hidden(lua_State *L, lat_vae_options *o)
{
  const size_t most = LAT_VAE_LAYERS - 1;
  o->encoder_layers = latL_opthidden(L, "vae", "hidden", 400, o->encoder_hidden, most);
  size_t n = o->encoder_layers;
  bool given = latL_getoption(L, 1, "decoder_hidden") != LUA_TNIL;
  lua_pop(L, 1);
  if (given) {
    o->decoder_layers = latL_opthidden(L, "vae", "decoder_hidden", 400, o->decoder_hidden, most);
    return;
  }
  o->decoder_layers = n;
  for (size_t k = 0; k < n; k++) o->decoder_hidden[k] = o->encoder_hidden[n - 1 - k];
}

/* latent.vae{input_dim=, latent_dim=, hidden=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"input_dim",
                                      "latent_dim",
                                      "hidden",
                                      "decoder_hidden",
                                      "classes",
                                      "lowest",
                                      "beta",
                                      "kl_warm_up",
                                      "free_bits",
                                      "samples",
                                      "bound",
                                      LATL_DEEP_OPTIONS,
                                      LATL_LIKELIHOOD_OPTIONS,
                                      NULL};
  const char *who = "vae";
  lua_settop(L, 1);
  if (!latL_checkoptions(L, 1, who, names))
    latL_error(L, who, "options are missing: input_dim, latent_dim");
  latL_Vae *v = latL_newmodel(L, &latL_vae_kind, sizeof *v);
  lat_deep_options deep = latL_deepoptions(L, who, &v->deep);
  size_t D = latL_requiredsize(L, who, "input_dim", 1 << 24);
  lat_vae_options o = {.latent_dim = latL_requiredsize(L, who, "latent_dim", 1 << 20),
                       .classes = (size_t)latL_optinteger(L, 1, who, "classes", 0, 0, 1 << 20),
                       .deep = deep,
                       .likelihood = latL_optlikelihood(L, who, D, LAT_P_BERNOULLI)};
  v->deep.lowest = latL_optinteger(L, 1, who, "lowest", 0, -(1 << 30), 1 << 30);
  read_hidden(L, &o);
  read_objective(L, v);
  double numbers = 0;
  latL_checkwidths(L, who, o.encoder_hidden, o.encoder_layers, D + o.classes, 2 * o.latent_dim,
                   &numbers);
  latL_checkwidths(L, who, o.decoder_hidden, o.decoder_layers, o.latent_dim + o.classes,
                   lat_likelihood_outputs(&o.likelihood), &numbers);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_vae_init(work, &v->core, &o));
  v->deep.decoder = &v->core.decoder;
  v->deep.likelihood = &v->core.likelihood;
  v->deep.latent_dim = o.latent_dim;
  v->deep.classes = o.classes;
  v->deep.labelled = true;
  latL_deepmade(L, who, &v->deep, &v->core.deep, done);
  return 1;
}

/* ---- steps ------------------------------------------------------------------------------------- */

typedef struct batch {
  latL_Vae *vae;
  lat_matrix X;
  const size_t *labels;
  lat_vae_objective objective;
} batch;

/* self at 1, data at 2, options at 3; pushes a value that keeps the labels. */
static batch begin(lua_State *L, const char *who, const char *const names[])
{
  lua_settop(L, 3);
  batch b = {.vae = latL_checkmodel(L, &latL_vae_kind, who)};
  b.X = latL_checkdata(L, 2, who, "X", b.vae->core.likelihood.D).X;
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "labels");
  b.labels =
      latL_optclasslabels(L, 4, who, b.X.rows, b.vae->core.options.classes, b.vae->deep.lowest);
  b.objective = b.vae->objective;
  b.objective.beta = latL_optnumber(L, 3, who, "beta", b.objective.beta, 0, 1e6);
  if (b.vae->kl_warm_up > 0)
    b.objective.beta *= fmin(1, ((double)b.vae->core.deep.optimizer.steps + 1) / b.vae->kl_warm_up);
  return b;
}

static int push_parts(lua_State *L, lat_vae_parts parts)
{
  lua_pushnumber(L, parts.loss);
  lua_pushnumber(L, parts.reconstruction);
  lua_pushnumber(L, parts.kl);
  return 3;
}

/* step(X [, {labels=, learning_rate=, beta=}]) -> loss, reconstruction, kl */
static int step(lua_State *L)
{
  static const char *const names[] = {"labels", "learning_rate", "beta", NULL};
  const char *who = "vae:step";
  lat_vae_parts parts;
  batch b = begin(L, who, names);
  double rate = latL_rate(L, 3, who, &b.vae->deep);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_vae_step(work, &b.vae->core, &b.X, b.labels, &b.objective, rate, b.vae->deep.clip,
                         &parts));
  latL_stepped(L, &b.vae->deep, b.vae->core.grey);
  return push_parts(L, parts);
}

/* loss(X [, {labels=, beta=}]) -> the same of the next step, without taking it; leaves the gradients */
static int loss(lua_State *L)
{
  static const char *const names[] = {"labels", "beta", NULL};
  const char *who = "vae:loss";
  lat_vae_parts parts;
  batch b = begin(L, who, names);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_vae_gradient(work, &b.vae->core, &b.X, b.labels, &b.objective, &parts));
  return push_parts(L, parts);
}

void latL_open_vae(lua_State *L)
{
  static const luaL_Reg methods[] = {{"step", step}, {"loss", loss}, {NULL, NULL}};
  static const char *const in_lua[] = {"fit",      "steps",    "kl_per_unit", "active_units",
                                       "traverse", "manifold", NULL};
  latL_newdeepkind(L, &latL_vae_kind, methods, "vae_use", in_lua);
  latL_addmethods(L, latL_vae_kind.metatable, latL_vae_uses);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "vae");
}
