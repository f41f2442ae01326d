/* gmm.h: mixtures of Gaussians in Lua. What gmm.c, which makes and fits them, and gmm_use.c, which
 * asks fitted ones, share; and gmm_fit.c, which does for mixtures of any form of covariance (mppca.c)
 * what doesn't depend on it: frames, starts, the record of singularities, the components' order. */
#ifndef LATENT_GMM_H
#define LATENT_GMM_H

#include "em.h"

typedef struct latL_Gmm latL_Gmm;

/* What depends on the form of the covariances. */
typedef struct latL_GmmForm {
  /* The first parameters, in run->parameters: of rows with labels (from 1; 0 where not known); of
   * these means (K x D); and, put over these, what else the table `init` at that index gives. */
  lat_status (*labels)(latL_Run *run, const lat_matrix *X, const uint32_t *labels);
  void (*means)(latL_Run *run, const double *means);
  void (*given)(lua_State *L, latL_Run *run, int init);
  /* Shift and scale of coordinates (D each) for data as the fitted model expects them. */
  lat_status (*frame)(lat_workspace *work, const latL_Gmm *g, double *shift, double *scale);
  /* New component i := old component order[i], in a copy of the model's parameters, and in what
   * partial_fit goes on from (or NULL) when it belongs to them. */
  lat_status (*reorder)(lat_workspace *work, const latL_Gmm *g, const size_t *order,
                        double *parameters, const lat_matrix *state);
} latL_GmmForm;

struct latL_Gmm {
  latL_EmModel em;
  const latL_GmmForm *form;
  lat_gmm core; /* as the fit under way or the last one has it */
  lat_gmm_record record;
  enum { LATL_START_KMEANS, LATL_START_RANDOM, LATL_START_GIVEN } start;
  bool one_scale; /* for all columns, in the frame of coordinates */
  bool ranked;    /* the fit puts components in order at its end */
};

/* ---- any form: gmm_fit.c -------------------------------------------------------------------- */

/* The options components and init of a constructor (`who`), whose table has these names. */
void latL_readinit(lua_State *L, latL_Gmm *g, const char *who, const char *const names[]);
/* For `plan`: memory for the columns of the run. The frame of coordinates and the record's arrays
 * outlive a fit: partial_fit goes on with them. */
void latL_gmmmemory(lua_State *L, latL_Run *run);
/* The driver's start, publish and finish; run->context begins with a lat_gmm. */
lat_status latL_startgmm(lua_State *L, latL_Run *run);
void latL_publishgmm(lua_State *L, latL_Run *run);
void latL_finishgmm(lua_State *L, latL_Run *run);
/* X itself, or a copy with the columns' means in the place of missing entries. */
lat_status latL_complete(latL_Run *run, lat_matrix *X);
/* Pops a matrix of the init table, or a list of K, into `to`; `field` is its name. */
void latL_takegiven(lua_State *L, latL_Run *run, const char *field, size_t rows, size_t cols,
                    double *to);
void latL_takelist(lua_State *L, latL_Run *run, const char *field, size_t K, size_t rows,
                   size_t cols, double *to);
/* Gives the mixture at argument 1 new parameters: the old ones in this order of components (new i
 * is old order[i], from 0). What partial_fit goes on from changes with them. */
void latL_reordergmm(lua_State *L, const char *who, const size_t *order);

/* The end of `align`, for the mixture at argument 1: by the distances (K x K) of another's components
 * (rows) from its own it takes the other's order. Pushes the permutation and the distances; 2. */
int latL_aligngmm(lua_State *L, const char *who, size_t K, const double *costs);

/* ---- latent.gmm -------------------------------------------------------------------------------- */

/* The mixture at `arg`, which must be fitted. */
latL_Gmm *latL_checkgmm(lua_State *L, int arg, const char *who);

extern const luaL_Reg latL_gmm_uses[]; /* methods */

#endif
