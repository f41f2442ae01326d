/* lds.h: what the files of latent.lds share. */
#ifndef LATL_MODELS_LDS_LDS_H
#define LATL_MODELS_LDS_LDS_H

#include "model/model.h"

/* ---- lds_options.c: what a model is made of ---- */

/* latL_Kind's `read`. */
void latL_readlds(lua_State *L, int model, void *options);

/* values := those of the parameters for n steps of the model (or its block) at `model`, of these
 * sizes: of lists, of functions (0 for n = 0), and with `constants` of constant ones; returns
 * whether there are functions. Pushes what keeps them. Raises when a list is shorter. */
bool latL_ldsvalues(lua_State *L, int model, const char *who, const size_t sizes[LAT_SIZES],
                    size_t n, bool constants, lat_lds_matrix values[LAT_LDS_PARAMETERS]);
/* latL_Kind's `bound`. */
const char *latL_ldsbound(lua_State *L, int model);
/* How many steps the lists of the model at 1 have; 0 without. Raises if there is a function. */
size_t latL_ldssteps(lua_State *L, const char *who);

/* ---- lds_data.c: numbers, sequences, and a model for them ---- */

/* to := the n numbers at `arg`, which are finite, or any: a vector, a table, or a number when n is
 * 1. Makes nothing. */
void latL_readnumbers(lua_State *L, int arg, const char *who, const char *name, size_t n,
                      bool finite, double *to);
/* to := the rows x cols matrix at `arg`, of finite numbers. */
void latL_readmatrix(lua_State *L, int arg, const char *who, const char *name, size_t rows,
                     size_t cols, double *to);

/* The option `name`, a rows x cols matrix of finite numbers, as packed doubles; NULL without it.
 * The stack keeps it. */
const double *latL_optpacked(lua_State *L, int options, const char *who, const char *name,
                             size_t rows, size_t cols);

typedef struct latL_Sequences {
  size_t count, rows, longest; /* rows: of all */
  lat_lds_sequence *of;
} latL_Sequences;

/* Sequences of a fitted model: the matrix or list at `data`, and the inputs, one or a list, in the
 * option `inputs` at `options`. Pushes a userdata that keeps them; raises unless columns and inputs
 * are as many as it has. */
latL_Sequences *latL_ldsdata(lua_State *L, const latL_Fitted *f, int data, int options,
                             const char *who);
/* The model whose block is at 1 for n steps: raises when a list is shorter, and calls functions.
 * Pushes what keeps their matrices. */
lat_lds latL_ldsfor(lua_State *L, const char *who, size_t n);
/* latL_Kind's `read_units`. */
void latL_readsequences(lua_State *L, const char *who, latL_Units *units);

/* ---- lds_list.c: lists of matrices, and results ---- */

/* Whether the value at `arg` is a list of matrices; and the length of one, by its own account. */
bool latL_issequences(lua_State *L, int arg);
size_t latL_lengthoflist(lua_State *L, int arg);
/* Pushes element i of the list at `at`, or the value there, if it isn't one. */
void latL_pushelement(lua_State *L, int at, bool list, size_t i);

/* Pushes a list of n matrices (rows x cols), whose elements are returned, one behind another. With
 * a userdata of slots at `slots` (0: none) that of step t is the one at slots[t]. */
double *latL_newmatrices(lua_State *L, size_t n, size_t rows, size_t cols, int slots);
/* Pushes n slots, to be filled; nothing (NULL) when the list is so short that it has none. */
size_t *latL_newslots(lua_State *L, size_t n);

/* Pushes the memory of all results that are given for what is asked (LAT_LDS_VARIANCES, ..), with
 * slots at that index (or 0), in a table or not; returns how many values that are. The numbers that the call has given go into the table on the top
 * afterwards. */
int latL_pushresults(lua_State *L, lat_lds_call *call, const lat_lds_method_row *method, int slots,
                     unsigned asked);
void latL_setnumbers(lua_State *L, const lat_lds_call *call, const lat_lds_method_row *method);
/* Pushes the table of a forecast, h steps, whose memory is returned; with intervals, unless the
 * level is NaN. */
lat_lds_forecasts latL_newforecasts(lua_State *L, const lat_lds *lds, size_t h, double level);

int latL_newtracker(lua_State *L); /* lds_tracker.c: lds:tracker */

#endif
