/* mixture.h: what mixture.c, which makes and fits mixtures, mixture/infer.c, which asks fitted
 * ones, and mixture_own.c, where the family is a table of Lua functions, share. */
#ifndef LATL_MODELS_EM_MIXTURE_H
#define LATL_MODELS_EM_MIXTURE_H

#include "model/em.h"

#define LATL_MIXTURE "latent.Mixture"

/* LATL_OWN is a family of Lua functions. */
enum { LATL_OWN = LAT_CATEGORICAL + 1 };

typedef struct latL_Mixture {
  latL_EmModel em;
  int family;
  size_t components;
  double smoothing;
  int start;  /* of the words of `init` */
  bool mixed; /* later starts go the other way in turn: all of them, unless init says "random" */
} latL_Mixture;

/* Kept fields that aren't the user's: their names are no identifiers. */
#define LATL_MIXTURE_INIT   "(init)"
#define LATL_MIXTURE_LEVELS "(levels)"
#define LATL_MIXTURE_LOWEST "(lowest)"
#define LATL_MIXTURE_GROUPS "(groups)"
#define LATL_MIXTURE_FAMILY "(family)" /* the functions */

/* The mixture at `arg`, which must be fitted, gives its place to its block; and the core's view of
 * the parameters of one. */
const latL_Fitted *latL_checkmixture(lua_State *L, int arg, const char *who);
lat_mixture latL_mixtureof(const latL_Fitted *f);

/* Puts the components of the block at `fitted`, which nobody has yet, in this order (new i is old
 * order[i], from 0), and what partial_fit goes on from with them. */
void latL_reordermixture(lua_State *L, int fitted, const char *who, const size_t *order);

enum { LATL_START_RANDOM, LATL_START_KMEANS, LATL_START_GIVEN }; /* as in the list of words */

/* Raises when X in memory has fewer rows than the mixture components. */
void latL_mixturerows(lua_State *L, const latL_Run *run);

extern const latL_EmKind latL_mixture_own; /* the driver's kind for LATL_OWN */

/* Gives the metatable what fitted mixtures say. */
void latL_addmixtureuses(lua_State *L);

/* The mixture whose block is at 1 is of Lua functions: one of these for the rows at 2 (and q at 3,
 * or nil); pushes the results. */
enum { LATL_LOG_LIKELIHOOD, LATL_RESPONSIBILITIES, LATL_PREDICT, LATL_ELBO };
int latL_ownapply(lua_State *L, const char *who, bool missing, int what);
/* Rows and labels drawn with the family's `sample`; pushes both. */
int latL_ownsample(lua_State *L, const char *who, size_t n, lat_random *random);
/* Free parameters of one component, as the family says. */
lua_Integer latL_ownfree(lua_State *L, const char *who);

#endif
