/* model.h: what every model in Lua has in common.
 *
 * A model is a userdata of its kind: latL_Model first, then what the kind adds. Its user values
 * are the parameters (a 1 x P matrix, nil before a fit), a table of the other fields, and what the
 * kind needs to go on with a fit (partial_fit).
 * Parameters are read as fields through the core's one table of them; they change only as a
 * whole, when a fit (or one iteration of it) is complete. */
#ifndef LATENT_MODEL_H
#define LATENT_MODEL_H

#include "binding.h"

typedef struct latL_Kind {
  const char *name;      /* "pca" */
  const char *metatable; /* "latent.PCA" */
  const lat_parameter *parameters;
  /* brings the parameters of the model at argument 1 up to date before they are read; or NULL */
  void (*refresh)(lua_State *L, const char *who);
  const char *gaps; /* ends a message about NaN in X: the remedy */
} latL_Kind;

/* Remedies for missing entries: of models that know them, and by those that do. */
#define LATL_KNOWS_GAPS    "missing = true makes it a missing entry"
#define LATL_GAPS_BY(name) "latent." name " knows missing entries"

typedef struct latL_Model {
  const latL_Kind *kind;
  size_t sizes[LAT_SIZES];
  double *flat; /* the parameters; NULL before a fit */
  bool gone;    /* its finalizer has run: a model with nets has memory outside of Lua's */
} latL_Model;

enum { LATL_PARAMETERS = 1, LATL_KEPT, LATL_STATE, LATL_VALUES = LATL_STATE }; /* user values */

/* Makes the metatable of a kind: methods, `kept` fields (history, converged) and parameters are
 * what `model.name` finds, in this order. Its models can be saved and loaded (save.c): what a file
 * holds are the options, the plain kept fields, and the parameters with those sizes that their
 * shapes use. A kind whose struct has more to be set, or to be checked against the parameters,
 * gives its metatable a function `loaded`, which is called with the model after a load, and may
 * raise. */
void latL_newkind(lua_State *L, const latL_Kind *kind, const luaL_Reg *methods);

/* Gives a metatable verbs that several kinds share: closures of `kind`, whatever that points to, of
 * "name:verb" for messages, and of `more`, or NULL. */
void latL_addverbs(lua_State *L, const char *metatable, const char *name, const void *kind,
                   const luaL_Reg *verbs, const void *more);
/* In such a verb: these. */
const void *latL_verbkind(lua_State *L);
const char *latL_verb(lua_State *L);

#define LATL_KINDS "latent.kinds" /* in the registry: every kind by its name, also latent.NAME's */

/* Makes the models of a metatable savable: `loaded`, called with a model of this kind whose
 * parameters come from a file, raises unless they go with each other and with its options. Shapes
 * and finite numbers have been checked. latL_soundasread is for kinds that need no more. */
void latL_savable(lua_State *L, const char *metatable, lua_CFunction loaded);
int latL_soundasread(lua_State *L);
/* Kinds whose parameters aren't a table of the core's (which is empty then), but nets': what of a model
 * a file holds. Such a model is whole from the start. */
typedef lat_checkpoint latL_Stored(void *model);
#define LATL_STORED "stored" /* the metatable's field with a light userdata of a pointer to it */
#define LATL_MOST   "latent.most" /* in the registry while a model is loaded: the file's bytes */

/* What mixtures check: that there are as many components as the options say, and that the
 * parameter `weights`, if there is one, is a distribution. */
void latL_checkcomponents(lua_State *L, const latL_Model *model, size_t components);

/* By the distances (K x K) of another's components (rows) from its own, a mixture takes the other's
 * order with the least sum: pushes the permutation (from 1) and the distances, and memory with the
 * order (from 0), which is returned. */
size_t *latL_matchcomponents(lua_State *L, const char *who, size_t K, const double *costs);

/* Pushes a new model of `bytes` >= sizeof(latL_Model), the rest zero. It is for constructors: a
 * copy of the table at argument 1, the options, becomes the kept field LATL_MADE_WITH. */
#define LATL_MADE_WITH "(options)"
void *latL_newmodel(lua_State *L, const latL_Kind *kind, size_t bytes);

/* The model at `arg`, of whatever kind; NULL for everything else. */
latL_Model *latL_tomodel(lua_State *L, int arg);
/* The model at argument 1, of this kind; `fitted` also requires its parameters. */
void *latL_checkmodel(lua_State *L, const latL_Kind *kind, const char *who, bool fitted);

/* Pushes fresh memory for parameters of these sizes (a 1 x P matrix); latL_adopt makes the value
 * on the top of the stack the parameters of the model at `model`, and pops it. */
double *latL_newparameters(lua_State *L, const latL_Kind *kind, const size_t sizes[LAT_SIZES]);
void latL_adopt(lua_State *L, int model, const size_t sizes[LAT_SIZES]);

/* model.name = the value on the top of the stack, which is popped: a field that isn't a parameter. */
void latL_keep(lua_State *L, int model, const char *name);

/* Whether the option latent_dim of the table at `arg` is "mle": the dimension of the largest evidence; and
 * the field log_evidence of the model at 1, a table. */
bool latL_asksevidence(lua_State *L, int arg);
void latL_keepevidence(lua_State *L, const double *log_evidence, size_t count);

/* The option `weights`: N numbers >= 0, in a packed vector that is pushed (nil and NULL without). */
const double *latL_optweights(lua_State *L, int options, const char *who, size_t N);

#endif
