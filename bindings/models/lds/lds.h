/* lds.h: what the files of latent.lds share. */
#ifndef LATL_MODELS_LDS_LDS_H
#define LATL_MODELS_LDS_LDS_H

#include "model/density.h"
#include "model/em.h"

/* What the user gave for a parameter: nothing, one matrix, one for each step, or a function of
 * t. */
typedef enum latL_LdsGiven { LATL_ABSENT, LATL_CONSTANT, LATL_LIST, LATL_FUNCTION } latL_LdsGiven;

typedef struct latL_Lds {
  latL_EmModel em;
  latL_LdsGiven given[LAT_LDS_PARAMETERS];
  size_t steps[LAT_LDS_PARAMETERS]; /* of a list */
  lat_lds_options options;          /* with the values for the sizes that they say */
  lat_lds_model core;               /* what they describe */
} latL_Lds;

extern const latL_EmKind latL_lds_kind;

/* ---- lds_options.c: what a model is made of ---- */

/* Reads the options at 1 into the model at 2. */
void latL_readlds(lua_State *L, latL_Lds *m);

/* values := those of the parameters for n steps of the model (or its block) at `model`, of these
 * sizes: of lists, of functions (0 for n = 0), and with `constants` of constant ones. Pushes a
 * table that keeps them. Raises when a list is shorter. */
void latL_ldsvalues(lua_State *L, int model, const latL_Lds *m, const char *who,
                    const size_t sizes[LAT_SIZES], size_t n, bool constants,
                    lat_lds_matrix values[LAT_LDS_PARAMETERS]);

/* ---- lds_data.c: sequences, and a model for them ---- */

typedef struct latL_Sequences {
  size_t count, rows, longest; /* rows: of all */
  lat_lds_sequence *of;
} latL_Sequences;

/* Sequences: the matrix or list at `data`, and the inputs, one or a list, in the option `inputs` at
 * `options`. Pushes a userdata that keeps them. Raises unless they have sizes[LAT_D] columns and
 * the inputs sizes[LAT_U] (0: any, and it becomes theirs). */
latL_Sequences *latL_checksequences(lua_State *L, int data, int options, const char *who,
                                    size_t sizes[LAT_SIZES]);
/* The same for a fitted model; raises unless the inputs are as many as it has. */
latL_Sequences *latL_ldsdata(lua_State *L, const latL_Fitted *f, int data, int options,
                             const char *who);

/* The fitted model at argument 1, which gives its place to its block, as the core's, for n steps:
 * raises when a list is shorter, and calls functions. Pushes a table that keeps their matrices. */
void latL_ldsfor(lua_State *L, const char *who, size_t n, lat_lds *core);
/* The same for as many steps as lists have (0: there are none); a function raises. */
size_t latL_checklds(lua_State *L, const char *who, lat_lds *core);

/* ---- lds_list.c: lists of matrices ---- */

/* Whether the value at `arg` is a list of matrices; and the length of one, by its own account. */
bool latL_issequences(lua_State *L, int arg);
size_t latL_lengthoflist(lua_State *L, int arg);

/* Pushes a list of n matrices (rows x cols), whose elements are returned, one behind another. With
 * a userdata of slots at `slots` (0: none) that of step t is the one at slots[t]. */
double *latL_newmatrices(lua_State *L, size_t n, size_t rows, size_t cols, int slots);
/* Pushes n slots, to be filled; nothing (NULL) when the list is so short that it has none. */
size_t *latL_newslots(lua_State *L, size_t n);

void latL_addldsmethods(lua_State *L); /* lds_methods.c */

#endif
