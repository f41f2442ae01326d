/* lds_tracker.h: what the files of a tracker share. */
#ifndef LATL_MODELS_LDS_LDS_TRACKER_H
#define LATL_MODELS_LDS_LDS_TRACKER_H

#include "lua/binding.h"

#define LATL_TRACKER "latent.Tracker"

/* User values. */
enum {
  LATL_TRACKER_MEMORY = 1, /* all numbers, the model's matrices included */
  LATL_TRACKER_STATE,      /* a view of the mean: what update and predict return */
  LATL_TRACKER_POINT,      /* the vector that functions are given */
  LATL_TRACKER_INPUT,      /* the inputs, as the user gave them */
  LATL_TRACKER_FUNCTION,   /* the first of LAT_LDS_FUNCTIONS; nil where the model is linear */
  LATL_TRACKER_VALUES = LATL_TRACKER_FUNCTION + LAT_LDS_FUNCTIONS - 1
};

typedef struct latL_Tracker {
  lat_lds_tracker core;
  lat_lds_functions functions;
  bool busy; /* a function of the user's runs, and must not change what it is asked about */
  double *checkpoint; /* memory of one */
  double *y, *u;      /* of one step */
  double *point;      /* what functions are given */
  lua_State *L;       /* whose step it is */
  const char *who;
} latL_Tracker;

/* The tracker at 1, in functions of its class; raises while a function of the user's runs. */
latL_Tracker *latL_freetracker(lua_State *L, const char *who);

/* lat_lds_functions' call, of the tracker's. */
void latL_calltracker(void *tracker, int which, const double *at, size_t time, size_t rows,
                      size_t cols, double *to);

#endif
