/* saved.h: what saved models hold, for save.c, which writes them, and load.c, which reads them. Not
 * installed.
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
 * A group of models, which is a part in Lua (latent.classifier), has the first four of these, of
 * which the options are what the part says; and each of its models, which are numbered, has its
 * kind, options, sizes, record and tensors under names that begin with "1.", "2.", ...
 *
 * A model with nets (latent.vae) is a checkpoint of latent.nn (nn/checkpoint.h): it has that
 * format, what training goes on from, and kind, options and record beside it.
 *
 * A model of the user's functions (latent.em) has its present parameters as tensors, numbers without
 * axes, and no sizes; its functions are given again when it is loaded. */
#ifndef LATL_MODEL_SAVED_H
#define LATL_MODEL_SAVED_H

#include "data/file.h"
#include "files/safetensors.h"
#include "lua/json.h"
#include "model/model.h"

#define LATL_SAVED_FORMAT  "latent"
#define LATL_SAVED_VERSION "1"
#define LATL_SAVED_OWN     "em" /* the kind of users' functions */

typedef char latL_Prefix[24]; /* "1." */

extern const char *const latL_size_names[LAT_SIZES];

/* Does a shape of the table use this size? */
bool latL_usessize(const lat_parameter *table, int size);

/* Fields that are saved have identifiers for names, and are true, false, numbers, strings or lists
 * of numbers. `value` is a stack index. */
bool latL_isplain(lua_State *L, const char *name, int value);

/* What the models of a metatable store beside options and record, when they have nets; or NULL. */
latL_Stored *latL_storedkind(lua_State *L, const char *metatable);

#endif
