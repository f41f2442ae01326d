/* gmm.h: mixtures of Gaussians in Lua. For any form of covariance (gmm.c, mppca.c) gmm_fit.c does what
 * doesn't depend on it on the way to a fit: frames, starts, the record of singularities, the
 * components' order; and e_step_rows.c what they all say of rows. */
#ifndef LATL_MODELS_EM_GMM_H
#define LATL_MODELS_EM_GMM_H

#include "model/em.h"
#include "model/query.h"

typedef struct latL_Gmm latL_Gmm;

enum { LATL_START_KMEANS, LATL_START_RANDOM, LATL_START_GIVEN }; /* the option init */

/* What depends on the form of the covariances. */
typedef struct latL_GmmForm {
  const char *name, *metatable; /* "gmm", "latent.GMM" */
  /* The first parameters, in run->parameters: of rows with labels (from 1; 0 where not known); of
   * these means (K x D); and, put over these, what else the table `init` at that index gives. */
  lat_status (*labels)(latL_Run *run, const lat_matrix *X, const uint32_t *labels);
  void (*means)(latL_Run *run, const double *means);
  void (*given)(lua_State *L, latL_Run *run, int init);
  /* Shift and scale of coordinates (D each) for data as the fitted model expects them. */
  lat_status (*frame)(lat_workspace *work, const latL_Fitted *f, double *shift, double *scale);
  /* New component i := old component order[i], in the parameters of a block that nobody has yet, and in
   * its statistics, when it has any. */
  lat_status (*reorder)(lat_workspace *work, latL_Fitted *f, const size_t *order);
  /* Of a fitted model: lat_gmm_apply, and the number of its free parameters. */
  lat_status (*apply)(lat_workspace *work, const latL_Fitted *f, const lat_matrix *X, bool missing,
                      const lat_gmm_images *images);
  size_t (*free_parameters)(const latL_Fitted *f);
} latL_GmmForm;

struct latL_Gmm {
  latL_EmModel em;
  const latL_GmmForm *form;
  lat_gmm core;   /* K, the covariance and the regularization, as the constructor has been told */
  int start;      /* one of LATL_START_ */
  bool one_scale; /* for all columns, in the frame of coordinates */
};

/* ---- any form: gmm_fit.c -------------------------------------------------------------------- */

/* The options components and init of a constructor (`who`), whose table has these names. */
void latL_readinit(lua_State *L, latL_Gmm *g, const char *who, const char *const names[]);
/* When `init` gives all parameters, the model at 2 can be used; M is as in latL_pushgiven (given.h). */
void latL_givegmm(lua_State *L, const latL_Gmm *g, const char *who, size_t M);
/* For `plan`: the mixture for the core, with memory of the run's for its frame of coordinates and its
 * record. Blocks have them aside: partial_fit goes on with them. */
lat_gmm latL_plangmm(lua_State *L, latL_Run *run);
/* The driver's start, publish and finish; run->context begins with a lat_gmm. */
lat_status latL_startgmm(lua_State *L, latL_Run *run);
void latL_publishgmm(lua_State *L, latL_Run *run, int fitted);
void latL_finishgmm(lua_State *L, latL_Run *run, int fitted);
/* X itself, or a copy with the columns' means in the place of missing entries. */
lat_status latL_complete(latL_Run *run, lat_matrix *X);
/* Pops a matrix of the init table, or a list of K, into `to`; `field` is its name. */
void latL_takegiven(lua_State *L, latL_Run *run, const char *field, size_t rows, size_t cols,
                    double *to);
void latL_takelist(lua_State *L, latL_Run *run, const char *field, size_t K, size_t rows,
                   size_t cols, double *to);

/* The end of `align`, for the mixture whose block is at 1: by the distances (K x K) of another's
 * components (rows) from its own it takes the other's order. Pushes the permutation and the distances;
 * 2. */
int latL_aligngmm(lua_State *L, const char *who, size_t K, const double *costs);

/* ---- any form: e_step_rows.c -------------------------------------------------------------------- */

/* Gives the form's metatable responsibilities, predict, log_likelihood, score, free_parameters, aic,
 * bic and elbo, and verbs of its own. They are latL_addverbs'. */
void latL_addgmmverbs(lua_State *L, const latL_GmmForm *form, const luaL_Reg *own);

/* The mixture of the verb's form at `arg`, which must be fitted, gives its place to its block. */
const latL_Fitted *latL_checkgmm(lua_State *L, int arg, const char *who);
/* A verb begins: the mixture at 1, the top at `top`. */
const latL_Fitted *latL_begingmm(lua_State *L, int top, const char **who);

/* A call about rows: the mixture at 1, the rows at 2, options (with these names) at `options`. */
typedef struct latL_GmmCall {
  latL_Query q;
  const latL_Fitted *f;
  size_t D, K;
  bool missing;
} latL_GmmCall;
latL_GmmCall latL_callgmm(lua_State *L, int options, const char *const names[]);

/* ---- latent.gmm -------------------------------------------------------------------------------- */

/* A fitted mixture for the core; and with a frame of coordinates of its own, in the workspace. */
lat_gmm latL_gmmof(const latL_Fitted *f);
lat_status latL_gmmframe(lat_workspace *work, const latL_Fitted *f, lat_gmm *core);

extern const luaL_Reg latL_gmm_uses[]; /* gmm/sample.c: its own verbs */

#endif
