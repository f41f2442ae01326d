/* lds_tracker.h: what the files of a tracker share. */
#ifndef LATL_MODELS_LDS_LDS_TRACKER_H
#define LATL_MODELS_LDS_LDS_TRACKER_H

#include "lua/binding.h"

#define LATL_TRACKER "latent.Tracker"

/* User values. The functions are nil where the model is linear. */
enum {
  LATL_TRACKER_MEMORY = 1, /* all numbers, the model's matrices included */
  LATL_TRACKER_STATE,      /* a view of the mean: what update and predict return */
  LATL_TRACKER_POINT,      /* the vector that functions are given */
  LATL_TRACKER_INPUT,      /* the inputs, as the user gave them */
  LATL_TRACKER_F,
  LATL_TRACKER_H,
  LATL_TRACKER_F_JACOBIAN,
  LATL_TRACKER_H_JACOBIAN,
  LATL_TRACKER_VALUES = LATL_TRACKER_H_JACOBIAN
};

typedef struct latL_Tracker {
  lat_lds_tracker core;
  bool has[LATL_TRACKER_VALUES + 1]; /* functions */
  bool nonlinear;
  bool busy; /* a function of the user's runs, and must not change what it is asked about */
  lat_lds_tracker_options options;
  double *checkpoint;      /* memory of one */
  double *y, *u;           /* of one step */
  double *point;           /* what functions are given */
  double *points, *values; /* 2M+1 of them: of the unscented form, or of differences */
  double *mean, *jacobian; /* of f or h, for the extended form */
} latL_Tracker;

/* The tracker at 1, in functions of its class; the second raises while a function of the user's
 * runs. */
latL_Tracker *latL_checktracker(lua_State *L, const char *who);
latL_Tracker *latL_freetracker(lua_State *L, const char *who);

extern const char *const latL_tracker_functions[]; /* names of the options, by their user values */
extern const latL_Function latL_tracker_steps[];   /* lds_tracker_step.c: update, predict, ... */

#endif
