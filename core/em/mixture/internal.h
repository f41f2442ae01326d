/* mixture/internal.h: what the files of mixture.h share. Private to the module. */
#ifndef LAT_EM_MIXTURE_INTERNAL_H
#define LAT_EM_MIXTURE_INTERNAL_H

#include <math.h>

#include "em/mixture/mixture.h"

/* A mixture on its way through a fit or a computation; lat_em's `model`. */
typedef struct lat_mixture_context {
  lat_family family;
  size_t D, K, M;
  const double *levels, *lowest; /* D each */
  double smoothing;
  /* a row's component, from 1, or 0 where it isn't known; or NULL. A known one counts with
   * log p(x, k) in the objective. */
  const uint32_t *labels;
  double row;         /* what a row weighs on average, for starts, which add half a row to what they
                       * count; 0: as the weights say */
  const double *seen; /* for lat_em_step: the weight of the rows behind the running statistics;
                       * the objective is then without the prior. NULL for a fit */
} lat_mixture_context;

extern const lat_parameter lat_mixture_bernoulli[], lat_mixture_poisson[],
    lat_mixture_categorical[], lat_mixture_functions[];
const lat_em_kind *lat_mixture_kind(lat_family family);
extern const lat_fit_kind lat_mixture_fit_kind;

lat_mixture_context lat_mixture_context_of(const lat_mixture *mixture);

/* Streams of random words (base/random.h) of starts, apart from other models'. */
enum { MIXTURE_STREAM_STARTS = 0x6d78 };

/* ---- rows (rows.c) --------------------------------------------------------------------------- */

/* LAT_INVALID, naming the entry (row, column, value): for data that aren't finite (NaN passes when
 * `missing`), and for an entry that the family doesn't have. */
lat_status lat_mixture_check_rows(lat_workspace *work, const lat_mixture_context *m,
                                  const lat_matrix *X, bool missing);

/* The levels (D) and the lowest codes (D) of coded columns, both found in the data: codes begin
 * at 0 in a column that has a 0, else at 1. Values that lowest and levels already have are kept
 * (NaN: to be found). LAT_INVALID for what is no code. */
lat_status lat_mixture_find_levels(lat_workspace *work, const lat_matrix *X, bool missing,
                                   double *levels, double *lowest);

/* Rows that are the same, entry by entry (NaN equals NaN), made one: the places of the first of
 * each, and the sum of their weights; rows of weight 0 are left out. All in the workspace. *count
 * is 0 when there would be more than `most`. X has finite values and NaN. Keeps them. */
lat_status lat_distinct_rows(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t most, size_t *count, size_t **places, double **totals);

/* ---- starts (init.c) ------------------------------------------------------------------------- */

/* A start: each component halfway between the data's distribution (which is all that is taken
 * from X, so that the order of rows doesn't matter) and a random one; components that have labels
 * without the random part. Weights are equal. */
lat_status lat_mixture_start(lat_workspace *work, const lat_mixture_context *m, const lat_matrix *X,
                             const double *weights, bool missing, lat_random *random,
                             double *parameters);

/* The same with K-means centres of the features, which are probabilities or rates, moved a tenth
 * of the way to the data's; missing features are at their mean. From at most 16384 rows. */
lat_status lat_mixture_start_kmeans(lat_workspace *work, const lat_mixture_context *m,
                                    const lat_matrix *X, const double *weights, bool missing,
                                    lat_random *random, double *parameters);

/* ---- families of functions (own.c) ----------------------------------------------------------- */

/* The plan of such a fit. Keeps its memory. */
lat_status lat_own_plan(lat_fit *fit);
lat_status lat_own_start(lat_fit *fit);
/* The E-step for all rows, on the calling thread. */
lat_status lat_own_add(lat_fit *fit);
/* lat_mixture_apply, with request->densities. */
lat_status lat_own_apply(lat_workspace *work, const lat_mixture *mixture,
                         const lat_request *request, const lat_outputs *outputs);

/* ---- blocks of rows (e_step.c) --------------------------------------------------------------- */

/* The logarithm of probability 0: finite, so that differences of such logarithms aren't NaN, and
 * so far down that nothing else comes near. */
#define MIXTURE_NEVER (-1e300)

enum { MIXTURE_ROWS = 256, MIXTURE_FACTORIALS = 256 };

/* Where the first mean, rate or probability stands in the flat parameters. */
size_t lat_mixture_offset(const lat_mixture_context *m);

/* What the parameters mean for densities. The rows k and K + k belong to component k: the terms
 * of the logarithm, and counts of contradictions (see mixture.h), which are needed only when some
 * probability is a limit. */
typedef struct mixture_derived {
  double *limits;     /* 1: 1 when some are */
  double *prior;      /* 1: the logarithm of the prior */
  double *weights;    /* K: log w */
  double *slopes;     /* 2K x M */
  double *bases;      /* 2K x D; not for categorical columns */
  double *constants;  /* 2K: sums of bases */
  double *factorials; /* log x! of small x; for Poisson columns */
} mixture_derived;

size_t lat_mixture_derived_count(const lat_mixture_context *m);
mixture_derived lat_mixture_derived_of(const lat_mixture_context *m, double *memory);
/* LAT_INVALID for parameters out of their domain. */
lat_status lat_mixture_derive(lat_workspace *work, const lat_mixture_context *m,
                              const double *parameters, double *memory);

/* Up to MIXTURE_ROWS rows. */
typedef struct mixture_block {
  size_t n;
  double *features; /* n x M, 0 where missing */
  double *observed; /* n x D, 1 or 0, when partial; not for categorical columns */
  bool partial;     /* an entry is missing */
  bool valid;       /* the rows are all of this family */
  double *common;   /* n: c(x) */
  double *joint;    /* 2K x n, of which the first half is log p(x, k) - c(x) */
  double *log_sum;  /* n */
  double *spare;    /* 2n */
} mixture_block;

size_t lat_mixture_block_count(const lat_mixture_context *m);
mixture_block lat_mixture_block_of(const lat_mixture_context *m, double *memory);

/* The rows of X, at most MIXTURE_ROWS. */
void lat_mixture_features(const lat_mixture_context *m, const mixture_derived *derived,
                          const lat_matrix *X, bool missing, mixture_block *block);
/* joint */
void lat_mixture_joint(const lat_mixture_context *m, const mixture_derived *derived,
                       mixture_block *block);
/* joint becomes responsibilities, and log_sum is log p(x), with c(x); -infinity for 0. */
void lat_mixture_responsibilities(const lat_mixture_context *m, mixture_block *block);
/* log p(x) of 0, as said above, is -infinity. */
static inline double lat_mixture_log_sum(double log_sum)
{
  return log_sum < MIXTURE_NEVER / 2 ? -INFINITY : log_sum;
}

/* log x! for x = 0, 1, 2, ... */
double lat_mixture_log_factorial(double x);

/* The statistics: the objective's sum, the weight, then */
typedef struct mixture_statistics {
  double *components; /* K: sum of r */
  double *sums;       /* K x M: of r f */
  double *observed;   /* K x D: of r where the entry is there; not for categorical columns */
} mixture_statistics;

size_t lat_mixture_statistics_count(const lat_mixture_context *m);
mixture_statistics lat_mixture_statistics_of(const lat_mixture_context *m, double *memory);

#endif
