/* lds.h: what the files of latent.lds share. */
#ifndef LATL_MODELS_LDS_LDS_H
#define LATL_MODELS_LDS_LDS_H

#include "model/density.h"
#include "model/em.h"

/* What the user gave for one: nothing, one matrix, a list of one for each step, or a function of t. */
typedef enum latL_LdsGiven { LATL_ABSENT, LATL_CONSTANT, LATL_LIST, LATL_FUNCTION } latL_LdsGiven;

typedef enum latL_LdsInitial { LATL_KNOWN, LATL_STATIONARY, LATL_DIFFUSE } latL_LdsInitial;

typedef struct latL_Lds {
  latL_EmModel em;
  size_t sizes[LAT_SIZES]; /* M, D, U as far as they are known; 0 else */
  latL_LdsGiven given[LAT_LDS_PARAMETERS];
  size_t steps[LAT_LDS_PARAMETERS];         /* of a list */
  const double *listed[LAT_LDS_PARAMETERS]; /* its matrices, side by side, in a kept field */
  bool asked;                               /* the option `estimate` is there */
  bool automatic;                           /* nothing is said of the initial state */
  latL_LdsInitial *initial;                 /* M, in a kept field; NULL while M isn't known */
  bool any_diffuse, any_stationary;
  lat_lds_model core;
} latL_Lds;

extern const latL_EmKind latL_lds_kind;

/* The model whose block this is. */
const latL_Lds *latL_ldsof(const latL_Fitted *f);

/* The fitted model at argument 1, which gives its place to its block, as the core's. Matrices that vary
 * have *steps steps (0: there are none); one that is a function of t raises. */
void latL_checklds(lua_State *L, const char *who, lat_lds *core, size_t *steps);

/* The same for a call about `steps` steps: raises when a list is shorter, and asks functions. Pushes a
 * table that keeps their matrices. */
void latL_ldsfor(lua_State *L, const char *who, size_t steps, lat_lds *core);

/* ---- lds_options.c: what a model is made of ---- */

/* Reads the options at 1 into the model at 2. */
void latL_readlds(lua_State *L, latL_Lds *m);
/* All sizes, of which some are the data's: its columns, and those of its inputs (0: it has none). */
void latL_sizelds(lua_State *L, const latL_Lds *m, const char *who, size_t outputs, size_t inputs,
                  size_t sizes[LAT_SIZES]);
/* Whether all of the model is given, so that it is one without a fit. */
bool latL_wholelds(const latL_Lds *m);
/* flat := what is given of the parameters of the model at `model`, zeros for the rest. */
void latL_fillgiven(lua_State *L, int model, const char *who, const size_t sizes[LAT_SIZES],
                    double *flat);
/* estimate[i]: whether parameter i is estimated, when data have so many inputs. */
void latL_ldsestimates(const latL_Lds *m, size_t inputs, bool estimate[LAT_LDS_PARAMETERS]);
/* What varies, for n steps of a model of these sizes; pushes a table as latL_ldsfor. The model, or its
 * block, is at 1. */
void latL_varylds(lua_State *L, const latL_Lds *m, const char *who, size_t n,
                  const size_t sizes[LAT_SIZES], lat_lds_matrix varying[LAT_LDS_PARAMETERS]);
/* Reads a number, vector or matrix at `at` as parameter number i. */
void latL_putlds(lua_State *L, const char *who, int i, int at, const size_t sizes[LAT_SIZES],
                 double *to);

/* ---- lds_data.c: sequences ---- */

/* Whether the value at `arg` is a list of matrices; and how long it is, by its own account. */
bool latL_issequences(lua_State *L, int arg);
size_t latL_lengthoflist(lua_State *L, int arg);

/* Sequences: the matrix or list at `data`, and the inputs, one or a list, in the option `inputs` at
 * `options`. Pushes a userdata that keeps them. Raises unless they have `outputs` columns (0: any,
 * and *outputs becomes it) and the inputs `inputs` ones. */
typedef struct latL_Sequences {
  size_t count, rows; /* rows: of all */
  size_t outputs, inputs;
  lat_lds_sequence *of;
} latL_Sequences;
latL_Sequences *latL_checksequences(lua_State *L, int data, int options, const char *who,
                                    size_t *outputs, size_t *inputs);
/* The same for a fitted model, which knows how many there are. */
latL_Sequences *latL_ldsdata(lua_State *L, const latL_Fitted *f, int data, int options,
                             const char *who);

/* ---- lds_list.c: lists of matrices ---- */

/* Pushes a list of n matrices (rows x cols), whose elements are returned, one behind another. With a
 * userdata of slots at `slots` (0: none) that of step t is the one at slots[t]. */
double *latL_newmatrices(lua_State *L, size_t n, size_t rows, size_t cols, int slots);
/* Pushes n slots, to be filled; nothing (NULL) when the list is so short that it has none. */
size_t *latL_newslots(lua_State *L, size_t n);

extern const latL_Density latL_lds_density;
extern const luaL_Reg latL_lds_uses[];  /* lds_use.c: what a model says of a sequence */
extern const luaL_Reg latL_lds_draws[]; /* lds_draw.c: forecasts and draws */

#endif
