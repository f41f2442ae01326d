/* lds/em.h: what the E-step, the M-step and the start of linear dynamical systems share. Private to
 * the module. */
#ifndef LAT_EM_LDS_EM_H
#define LAT_EM_LDS_EM_H

#include "em/lds/internal.h"
#include "files/json.h"

/* lat_em's `model`. Data are sequences (lat_em_add_units). */
typedef struct lat_lds_context {
  const lat_lds_options *options;    /* resolved */
  bool estimate[LAT_LDS_PARAMETERS]; /* for data with their inputs */
  const lat_lds_sequence *sequences;
  size_t count, longest; /* of sequences; steps of the longest */
  /* Entries of all sequences that the filter skips at the start. When more are skipped, the
   * likelihood is unbounded, and the M-step LAT_SINGULAR. */
  size_t skipped;
} lat_lds_context;

extern const lat_em_kind lat_lds_kind;
extern const lat_fit_kind lat_lds_fit_kind; /* fit.c */

/* Parameters that are estimated: views of the flat vector, in the shapes of lat_lds_parameters. */
typedef struct lat_lds_values {
  double *A, *B, *C, *D, *Q, *R, *mean, *covariance;
} lat_lds_values;

lat_lds_values lat_lds_values_of(double *flat, const size_t sizes[LAT_SIZES]);

/* What files say of the options: form, initial and latent_dim. Keeps the text. */
lat_status lat_lds_write_options(lat_workspace *work, const lat_lds *lds, lat_text *to);

/* ---- options --------------------------------------------------------------------------------- */

static inline bool lat_lds_option_diffuse(const lat_lds_options *o, size_t state)
{
  return o->initials[state] == LAT_LDS_DIFFUSE;
}
/* Whether states that aren't diffuse have their stationary mean and covariance. */
bool lat_lds_is_stationary(const lat_lds_options *options);
/* What is estimated of data with so many inputs. */
void lat_lds_set_estimates(const lat_lds_options *options, size_t inputs,
                           bool estimate[LAT_LDS_PARAMETERS]);
/* LAT_INVALID, naming the entry, for entries of Q or R (`name`, n x n) that are fixed in a way for
 * which there is no closed M-step. */
lat_status lat_lds_check_fixed(lat_workspace *work, const char *name, size_t n, const bool *fixed,
                               const double *value);

/* Starting values of the parameters that aren't given; `parameters` has the given ones (start.c).
 * `perturb`: A and C by random numbers, for another start. */
lat_status lat_lds_start(lat_workspace *work, const lat_lds_context *context,
                         const size_t sizes[LAT_SIZES], uint64_t seed, bool perturb,
                         double *parameters);

/* ---- statistics ------------------------------------------------------------------------------ */

/* Sums for a regression of d (n) on x (X): of E[x x'], E[d x'] and E[d d']. */
typedef struct lat_lds_regression {
  size_t n, X;
  double *xx, *dx, *dd;
} lat_lds_regression;

/* The first numbers of the statistics: objective, rows, and the numbers of terms in the other sums.
 */
enum { LDS_SEQUENCES = 2, LDS_TRANSITIONS, LDS_OUTPUTS, LDS_SKIPPED, LDS_TOTALS };

typedef struct lat_lds_sums {
  double *totals;
  double *first, *first_square; /* of z_1 - initial_mean: M, M x M */
  /* d = z_t - A z_{t-1} - B u_t on (z_{t-1}, u_t); d = y_t - C z_t - D u_t on (z_t, u_t) */
  lat_lds_regression transitions, outputs;
} lat_lds_sums;

size_t lat_lds_statistics_count(const lat_em *em);
lat_lds_sums lat_lds_sums_of(const size_t sizes[LAT_SIZES], const double *statistics);

/* ---- the functions of lat_lds_kind ----------------------------------------------------------- */

void lat_lds_e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics,
                    double *scratch);
size_t lat_lds_scratch_count(const lat_em *em, size_t rows);
lat_status lat_lds_m_step(lat_em *em, const double *statistics, double *parameters);
bool lat_lds_feasible(const lat_em *em, double *parameters);

#endif
