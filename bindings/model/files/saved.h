/* saved.h: what saved models hold, for save.c, which writes them, and load.c, which reads them. Not
 * installed.
 *
 * The core's modeling/save.h describes the files, and reads and writes what the tables of models
 * say. From Lua options are those that the constructor was given, matrices among them as lists, and
 * the record has the model's plain fields: iterations, converged, history, ...
 *
 * A group of models, which is a part in Lua (latent.classifier), has numbered models, and options
 * that are what the part says.
 *
 * A model with nets (latent.vae) is a checkpoint of latent.nn (nn/checkpoint.h): it has that
 * format, what training goes on from, and kind, options and record beside it.
 *
 * A model of the user's functions (latent.em) has its present parameters as tensors, numbers
 * without axes, and no sizes; its functions are given again when it is loaded. */
#ifndef LATL_MODEL_SAVED_H
#define LATL_MODEL_SAVED_H

#include "data/file.h"
#include "lua/json.h"
#include "model/model.h"
#include "modeling/save.h"

#define LATL_SAVED_OWN "em" /* the kind of users' functions */

/* Fields that are saved have identifiers for names, and are true, false, numbers, strings or lists
 * of these. `value` is a stack index. */
bool latL_isplain(lua_State *L, const char *name, int value);

/* latent.load and latent.load_string; the upvalue is a table of the constructors by the kinds' names,
 * which the registry has, too. */
#define LATL_CONSTRUCTORS "latent.constructors"
int latL_load(lua_State *L);
int latL_loadstring(lua_State *L);

/* What models of the kind store beside options and record, when they have nets; or NULL. */
latL_Stored *latL_storedkind(lua_State *L, const latL_Kind *kind);

#endif
