/* deep.h: what the models with nets have in common in Lua: options, learning rates, their parameters by
 * name, saving and loading with all that training goes on from.
 *
 * A model's userdata begins with latL_Deep; `core` points to the lat_deep in the same userdata once
 * that has been made, and `done` gives its memory back. What is better said in Lua (the training
 * loop, pictures of the latent space) is in latent/train.lua and latent/NAME_use.lua, and becomes
 * methods beside those in C. */
#ifndef LATL_MODELS_DEEP_DEEP_H
#define LATL_MODELS_DEEP_DEEP_H

#include "deep/common/deep.h"
#include "deep/common/likelihood.h"
#include "model/model.h"
#include "model/query.h"

typedef struct latL_Deep {
  latL_Model base;
  lat_deep *core;
  void (*done)(void *model);
  double learning_rate, clip;
  bool cosine;
  double schedule_steps, warm_up; /* in steps; 0 is none */
  uint64_t seed;
  /* from z to x */
  const lat_net *decoder;
  const lat_likelihood *likelihood;
  size_t latent_dim, classes; /* classes: of labels, which the decoder takes too; or 0 */
  lua_Integer lowest;         /* label */
  bool labelled;              /* the kind knows labels at all */
} latL_Deep;

/* The options of every model with nets, for its list; and reading them, at stack index 1. The net's
 * own are given back, the others stay in the model. */
#define LATL_DEEP_OPTIONS                                                                          \
  "activation", "init", "optimizer", "learning_rate", "beta1", "beta2", "epsilon", "weight_decay", \
      "clip", "schedule", "schedule_steps", "warm_up", "dtype", "seed"
lat_deep_options latL_deepoptions(lua_State *L, const char *who, latL_Deep *model);

/* Takes the made model, at the top of the stack, into use, once its decoder's fields above are set: the
 * optimizer's options, fields that say what it is (input_dim, latent_dim, dtype, seed); and the
 * collector is told of the memory. */
void latL_deepmade(lua_State *L, const char *who, latL_Deep *model, lat_deep *core,
                   void (*done)(void *));

/* The option `name`: the widths of hidden layers, a number or a list, at most `most` of them. */
size_t latL_opthidden(lua_State *L, const char *who, const char *name, size_t otherwise,
                      size_t *widths, size_t most);

/* Adds the numbers of a net with these hidden layers to *numbers; raises when that is beyond reason, or
 * beyond the file that is being loaded. To be called before the nets are made. */
void latL_checkwidths(lua_State *L, const char *who, const size_t *widths, size_t count,
                      size_t inputs, size_t outputs, double *numbers);

/* The likelihood of a model with D columns. */
#define LATL_LIKELIHOOD_OPTIONS "likelihood", "levels", "variance", "sigma", "variance_range"
lat_likelihood latL_optlikelihood(lua_State *L, const char *who, size_t D,
                                  lat_likelihood_kind otherwise);

/* An option that has to be there: an integer from 1 to `most`. */
size_t latL_requiredsize(lua_State *L, const char *who, const char *name, lua_Integer most);

/* The learning rate of the next step, by the schedule; or the option `learning_rate` at `options`. */
double latL_rate(lua_State *L, int options, const char *who, const latL_Deep *model);

/* The rows at `arg`, of `columns` columns. */
latL_Query latL_checkdata(lua_State *L, int arg, const char *who, const char *name, size_t columns);

/* Labels at `arg`: `rows` whole numbers from `lowest` to lowest + classes - 1, from 0 in fresh memory
 * that is pushed; one number stands for all. NULL (and nil) when there are none. */
const size_t *latL_optclasslabels(lua_State *L, int arg, const char *who, size_t rows,
                                  size_t classes, lua_Integer lowest);

/* After a step: counts it in `iterations`, and says in `note` what grey levels mean. */
void latL_stepped(lua_State *L, const latL_Deep *model, bool grey);

/* The model at 1, of the kind that is upvalue 1; *who becomes "NAME:VERB", which is pushed. */
latL_Deep *latL_checkdeep(lua_State *L, const char *verb, const char **who);

/* What all models with a decoder do with it (deep_decoder.c): decode, sample, score; upvalue 1 is the
 * kind. */
extern const luaL_Reg latL_decoder_uses[];

/* Makes the metatable: the methods, those that all have, and `more` (ended by NULL), which are found in
 * the Lua module latent.MODULE when they are called first. */
void latL_newdeepkind(lua_State *L, const latL_Kind *kind, const luaL_Reg *methods,
                      const char *module, const char *const more[]);

#endif
