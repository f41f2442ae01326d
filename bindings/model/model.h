/* model.h: what every model in Lua has in common.
 *
 * A model is a userdata of its kind: latL_Model first, then what the kind adds, which its
 * constructor sets and nothing changes later. Its user values are what its last fit has made (a
 * latL_Fitted; nil before a fit), and a table of fields that the constructor has kept.
 *
 * Lua code may run whenever Lua allocates (a finalizer), and it may fit the model while a method or
 * another fit of the same model works. So
 *
 *   - all that a fit makes, the parameters and whatever belongs to them, is one block, which is made
 *     apart, becomes the model's as a whole (latL_publish), and isn't written to from then on;
 *   - a method begins by taking the block (latL_fitted): in its place on the stack it stays as it is,
 *     whatever becomes of the model, and the method reads sizes and numbers from nowhere else;
 *   - a fit has memory of its own (fit.h), and the model has nothing of it before it is published.
 *
 * A fit within a fit is thereby as good as one before it: the model has what was published last.
 * Models with nets (deep.h) are the exception: a step of theirs changes the nets in place, without
 * Lua code in between. */
#ifndef LATL_MODEL_MODEL_H
#define LATL_MODEL_MODEL_H

#include "lua/binding.h"

/* Data that aren't rows (lat_fit_units in em/fit.h), and the model's options for them. */
typedef struct latL_Units {
  const void *of, *options;
  size_t count, columns;
} latL_Units;

typedef struct latL_Kind {
  const char *name;                /* "pca" */
  const char *metatable;           /* "latent.PCA" */
  const lat_parameter *parameters; /* unless `core` tells */
  /* publishes the parameters of the model at `model` when its block is still without; or NULL */
  void (*refresh)(lua_State *L, int model, const char *who);
  const char *gaps; /* ends a message about NaN in X: the remedy */

  /* Of models whose options and methods come from the core's tables (options.h, methods.h, fit.h):
   */
  const lat_model *core;
  /* Options that the table doesn't read, for the model at `model`: the user's table, if any, is at
   * 1. NULL: none. */
  void (*read)(lua_State *L, int model, void *options);
  /* Of models of other data than rows: what a fit (run.h) is given at LATL_DATA, with the options
   * at LATL_OPTIONS. Pushes one value that keeps it. NULL: rows. */
  void (*read_units)(lua_State *L, const char *who, latL_Units *units);
  /* Makes what such a model has besides, once its options have been checked: the nets. Or NULL. */
  void (*make)(lua_State *L, int model);
  /* Fields of the kind's own in the block at `fitted`, from what lies aside; after a fit and each
   * of its steps. Or NULL. */
  void (*record)(lua_State *L, int fitted);
  /* The fields of those that follow from the parameters, for ones from a file, or given. Or NULL. */
  void (*complete)(lua_State *L, int fitted);
  /* Of models some of which are functions of the user's. Before a method asks the core about the
   * block at 1 (and rows at 2): raises, or gives what the request needs besides, in memory that is
   * pushed. And rows of which the core has drawn nothing but the components. NULL: nothing. */
  void (*prepare)(lua_State *L, const char *who, const lat_method *method, const lat_fitted *fitted,
                  lat_request *request);
  void (*draw)(lua_State *L, const char *who, const lat_fitted *fitted, lat_random *random,
               const lat_matrix *X, const double *labels);
  /* Why the parameters of the model at `model` don't say by themselves what it is, for hosts in C:
   * "its e_step and m_step are Lua functions"; NULL where they do. NULL: they always do. */
  const char *(*bound)(lua_State *L, int model);
  const luaL_Reg *methods; /* those whose row takes LAT_TAKES_OTHER, or that do more; or NULL */
} latL_Kind;

/* The remedy for missing entries by a model that knows them (which itself says LATL_KNOWS_GAPS);
 * and what the model at argument 1, or whose block is there, says (latL_setremedy). */
#define LATL_GAPS_BY(name) "latent." name " knows missing entries"
const char *latL_modelremedy(lua_State *L);

typedef struct latL_Model {
  const latL_Kind *kind;
  bool gone; /* its finalizer has run: a model with nets has memory outside of Lua's */
} latL_Model;

enum { LATL_FITTED = 1, LATL_KEPT, LATL_UNDER_WAY, LATL_VALUES = LATL_UNDER_WAY }; /* user values */

/* ---- what a fit makes ------------------------------------------------------------------------ */

/* A block is the core's; its `owner` is the model. */
typedef lat_fitted latL_Fitted;
static inline const latL_Model *latL_owner(const latL_Fitted *fitted)
{
  return (const latL_Model *)fitted->owner;
}

/* The options of a model whose kind has a core: they lie behind its head. */
static inline void *latL_optionsof(const latL_Model *model)
{
  return (void *)(size_t)(model + 1);
}
/* What a model with nets has in a block's place: it lies behind the options, and the core's struct
 * behind it. Methods find the model itself at 1 then. */
static inline latL_Fitted *latL_netsof(const latL_Model *model)
{
  return (latL_Fitted *)(void *)((char *)latL_optionsof(model) + model->kind->core->options_size);
}
/* The table of a model's parameters. */
static inline const lat_parameter *latL_parametersof(const latL_Model *model)
{
  const lat_model *core = model->kind->core;
  return core ? core->parameters(latL_optionsof(model)) : model->kind->parameters;
}

/* Its user values: the model; the parameters, a 1 x P matrix; a table of the other fields that
 * users read (history, converged); the statistics; what else there is; and what latL_prepare keeps. */
enum {
  LATL_OF_MODEL = 1,
  LATL_PARAMETERS,
  LATL_RECORD,
  LATL_STATISTICS,
  LATL_ASIDE,
  LATL_PREPARED,
  LATL_FITTED_VALUES = LATL_PREPARED
};

/* Pushes a block for the model at `model`: memory for parameters of these sizes, unset. */
latL_Fitted *latL_newfitted(lua_State *L, int model, const size_t sizes[LAT_SIZES]);
/* Pushes one without parameters, for kinds with `refresh`. */
latL_Fitted *latL_newunfitted(lua_State *L, int model);
/* Pushes one with what `from` has, whose numbers may lie in a workspace, but without a record. */
latL_Fitted *latL_pushcopy(lua_State *L, int model, const lat_fitted *from);
/* Pushes a copy of the block at `fitted`, which may be changed. */
latL_Fitted *latL_copyfitted(lua_State *L, int fitted);
/* Memory, unset, for the statistics of the block at `fitted`; and what lies aside is gone. */
double *latL_newstatistics(lua_State *L, int fitted, size_t count);
void latL_dropaside(lua_State *L, int fitted);
/* The field `name` of the block at `fitted` := the value on the top of the stack, which is popped.
 */
void latL_record(lua_State *L, int fitted, const char *name);
/* Such fields of the object (lua/class.h). */
void latL_recordfields(lua_State *L, int fitted, const latL_Field *fields, const void *object);
/* The same of a list of numbers. */
void latL_recordlist(lua_State *L, int fitted, const char *name, const double *numbers,
                     size_t count);
/* The block on the top of the stack is popped and becomes the model's at `model`. Allocates
 * nothing. */
void latL_publish(lua_State *L, int model);

/* A method begins: the model at `arg`, of this kind, gives its place on the stack to its block,
 * which is returned. Raises without one. A block in that place is fine, too: methods call each
 * other. */
const latL_Fitted *latL_fitted(lua_State *L, int arg, const latL_Kind *kind, const char *who);
/* Of kinds whose core has `prepare`: what it derives for the request from the parameters of the block
 * at `fitted`, kept there until they change (users may write to them); or zeros, where the call is
 * about so many rows, or the numbers are so many, that each call derives its own. */
lat_prepared latL_prepare(lua_State *L, int fitted, const char *who, const lat_request *request);
/* Pushes the block of the model at `model`, or nil (and NULL). */
const latL_Fitted *latL_pushfitted(lua_State *L, int model);
/* The columns that the model at argument 1 has been fitted on; 0 before a fit, or of anything else.
 */
size_t latL_columnsbefore(lua_State *L);
/* Pushes field `name` of the block at `fitted`; its type. */
int latL_recorded(lua_State *L, int fitted, const char *name);
/* Whether the block at `fitted` (or nil) is of a fit with missing = true, and so takes missing entries
 * in all methods without being told; and says so of it, a field that files keep. */
bool latL_takesmissing(lua_State *L, int fitted);
void latL_recordmissing(lua_State *L, int fitted, bool missing);
/* What is known of the data that it was fitted to: the field `observations`, unless the rows are 0, not
 * known; and `names`, if there is a matrix at `data` whose columns have them. */
void latL_recorddata(lua_State *L, int fitted, int data, size_t rows);

/* ---- kinds ----------------------------------------------------------------------------------- */

/* Makes the metatable of a kind: methods, kept and recorded fields and parameters are what
 * `model.name` finds, in this order. Its models can be saved and loaded (save.c): what a file holds
 * are the options, the plain fields, and the parameters with those sizes that their shapes use. A
 * kind that has more to be checked gives its metatable a function `loaded`, which is called with
 * the model after a load, and may raise. */
void latL_newkind(lua_State *L, const latL_Kind *kind);
/* Gives the head at 2, of the model at 1, with what bindings/latent/summary.lua has to say besides,
 * where that is to be had. */
int latL_returnlines(lua_State *L, const latL_Model *model);
/* The kind of this name, or NULL. */
const latL_Kind *latL_findkind(lua_State *L, const char *name);

/* Gives a metatable verbs that several kinds share: closures of `kind`, whatever that points to, of
 * "name:verb" for messages, and of `more`, or NULL. */
void latL_addverbs(lua_State *L, const char *metatable, const char *name, const void *kind,
                   const luaL_Reg *verbs, const void *more);
/* In such a verb: these. */
const void *latL_verbkind(lua_State *L);
const char *latL_verb(lua_State *L);

#define LATL_KINDS "latent.kinds" /* in the registry: every kind by its name, also latent.NAME's */

/* Kinds whose parameters aren't a table of the core's (which is empty then), but nets': what of a
 * model a file holds. Such a model is whole from the start. */
typedef lat_checkpoint latL_Stored(void *model);
#define LATL_STORED "stored" /* the metatable's field with a light userdata of a pointer to it */
#define LATL_MOST   "latent.most" /* in the registry while a model is loaded: the file's bytes */

/* Pushes a new model of `bytes` >= sizeof(latL_Model), the rest zero. It is for constructors: a
 * copy of the table at argument 1, the options, becomes the kept field LATL_MADE_WITH. */
#define LATL_MADE_WITH "(options)"
void *latL_newmodel(lua_State *L, const latL_Kind *kind, size_t bytes);

/* Pushes the value at `from`; of a table a copy, also of the tables in it, `depth` levels. */
void latL_pushdeep(lua_State *L, int from, int depth);
/* The metatable on the top becomes that of a kind of models. */
void latL_markkind(lua_State *L);
/* The model at `arg`, of this kind; raises for anything else, but not for one whose memory is gone. */
latL_Model *latL_argmodel(lua_State *L, int arg, const latL_Kind *kind, const char *who);
/* The model at `arg`, of whatever kind; NULL for everything else. */
latL_Model *latL_tomodel(lua_State *L, int arg);
/* The model at argument 1, of this kind: what its constructor has made. */
void *latL_checkmodel(lua_State *L, const latL_Kind *kind, const char *who);

/* The field `name` of the model at `model` := the value on the top of the stack, which is popped.
 * For constructors (and nets). */
void latL_keep(lua_State *L, int model, const char *name);
/* Pushes that field of the model at `model`, or of the model whose block is there; its type. */
int latL_kept(lua_State *L, int model, const char *name);
/* The same of field `name` of that field, a table. */
int latL_keptfield(lua_State *L, int model, const char *table, const char *name);
/* Pushes the table of these fields. */
void latL_pushkept(lua_State *L, int model);

#endif
