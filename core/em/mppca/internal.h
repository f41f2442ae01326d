/* mppca/internal.h: what the files of mixtures of PPCA share. Not for hosts. */
#ifndef LAT_EM_MPPCA_INTERNAL_H
#define LAT_EM_MPPCA_INTERNAL_H

#include "em/factor/internal.h"
#include "em/gmm/internal.h"
#include "em/mppca/context.h"

static inline double mppca_noise(const lat_mppca_context *m, const double *noise, size_t k,
                                 size_t j)
{
  return m->diagonal ? noise[k * m->gmm.D + j] : noise[k];
}

/* LAT_SINGULAR, naming the component, unless weights are >= 0 and noise variances > 0. */
lat_status lat_mppca_check_density(lat_workspace *work, const lat_mppca_context *m,
                                   const double *parameters);
bool lat_mppca_feasible(const lat_em *em, double *parameters);

/* ---- rows under a component (mppca/rows.c) --------------------------------------------------- */

typedef struct mppca_component {
  const double *noise; /* its variances */
  double log_weight;
  lat_factor_precomputed frame;
} mppca_component;

/* What is derived from the parameters once for all rows. */
size_t lat_mppca_derived_count(const lat_mppca_context *m, bool missing);
void lat_mppca_derive(const lat_mppca_context *m, const double *parameters, bool missing,
                      double *memory);
mppca_component lat_mppca_component_of(const lat_mppca_context *m, const double *parameters,
                                       bool missing, const double *memory, size_t k);

/* joint (K x n) := log p(x, k) of the rows of X; scratch is that of lat_factor_rows. */
void lat_mppca_densities(const lat_mppca_context *m, const double *parameters, bool missing,
                         const double *memory, const lat_matrix *X, double *joint, double *scratch);

/* The same of complete rows, faster (density.c); false, and nothing done, where it would lose too
 * many digits. `spare` is a packed M x M matrix. */
size_t lat_mppca_density_count(const lat_mppca_context *m);
void lat_mppca_density_derive(const lat_mppca_context *m, const double *parameters, double *memory,
                              double *spare);
size_t lat_mppca_density_scratch(const lat_mppca_context *m, size_t rows);
bool lat_mppca_density_rows(const lat_mppca_context *m, const double *memory, const lat_matrix *X,
                            double *joint, double *scratch);

/* ---- rows with missing entries (mppca/missing.c) --------------------------------------------- */

/* Whether the M x M matrices of all components together are less work than covariances. */
bool lat_mppca_by_lanes(const lat_mppca_context *m);
/* What is derived: the memory for it, begun once, into which each component is put, in scaled
 * coordinates. And a worker's scratch. */
size_t lat_mppca_lanes_count(const lat_mppca_context *m);
void lat_mppca_lanes_begin(const lat_mppca_context *m, double *memory);
void lat_mppca_lanes_put(const lat_mppca_context *m, size_t k, const double *mean, const double *W,
                         const double *noise, double *memory);
size_t lat_mppca_lanes_scratch(const lat_mppca_context *m);
/* A lat_gmm_structure's; gmm is the first member of a lat_mppca_context. */
void lat_mppca_condition(const lat_gmm_structure *structure, const lat_gmm_context *gmm,
                         const gmm_pattern *p, const gmm_block *block, double *expected, double *C);

/* ---- M-steps --------------------------------------------------------------------------------- */

/* The parameters of one component in scaled coordinates: W (D x M) and noise (1 or D). */

/* One step for z. SB is S B' (D x M), E = V + B S B' (packed, destroyed), diagonal that of S. */
void lat_mppca_solve(const lat_mppca_context *m, const double *SB, double *E,
                     const double *diagonal, double *W, double *noise);

/* G := inv(Psi) W (D x M) and V (packed) := inv(I + W'G); `spare` is M
 * more than V. */
void lat_mppca_precision(const lat_mppca_context *m, const double *W, const double *noise,
                         double *G, double *V, double *spare);

/* Is the noise above LAT_GMM_COLLAPSED? */
bool lat_mppca_sound(const lat_mppca_context *m, const double *noise);
/* See gmm_update; `diagonal` is that of the scatter. */
bool lat_mppca_is_point(const lat_mppca_context *m, double rows, const double *diagonal);

/* Is a fit singular, as mppca.h says? */
lat_status lat_mppca_singular(lat_em *em, bool *singular);

/* One component of an M-step on its way; what both ways have in common. */
typedef struct mppca_update {
  gmm_update base;
  const lat_mppca_context *m;
  lat_mppca_view old; /* the parameters, in the user's units */
  double *W, *noise;  /* component k's, which is being made, in scaled coordinates */
  double *oldW, *old_noise;
  double *diagonal; /* D: of its scatter */
} mppca_update;
/* Keeps the update's memory. */
lat_status lat_mppca_begin_update(mppca_update *u, lat_em *em, double *parameters, double total);
/* Component k's present parameters in scaled coordinates, into oldW and old_noise. */
void lat_mppca_take_old(const mppca_update *u, size_t k);
/* What has been made of it in W and noise becomes the parameters. */
void lat_mppca_put_new(const mppca_update *u, size_t k);

/* The two ways (scatter.c, latent.c), whose functions have these names. */
#define MPPCA_KIND(table)                                                                          \
  {                                                                                                \
    .name = "mppca", .parameters = table, .statistics = count_statistics,                          \
    .derived = count_derived, .scratch = count_scratch, .feasible = lat_mppca_feasible,            \
    .prepare = prepare, .e_step = e_step, .m_step = m_step, .singular = lat_mppca_singular         \
  }
extern const lat_em_kind lat_mppca_scatter_isotropic, lat_mppca_scatter_diagonal;
extern const lat_em_kind lat_mppca_latent_isotropic, lat_mppca_latent_diagonal;
static inline bool mppca_by_scatter(const lat_mppca_context *m)
{
  return m->gmm.D <= LAT_MPPCA_SCATTER && m->M > 0;
}
/* A component's statistics beyond LAT_MPPCA_SCATTER columns: A = sum r E[z~ z~'] (packed), with
 * z~ = (z, 1); B = sum r E[e z~'] (D x (M+1)), q = sum r E[e^2] (D); e is x less the centre. */
static inline size_t mppca_latent_count(const lat_mppca_context *m)
{
  return lat_packed_count(m->M + 1) + m->gmm.D * (m->M + 2);
}

#endif
