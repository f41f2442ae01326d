/* gmm/internal.h: what the files of the mixture of Gaussians share. Not for hosts.
 *
 * A block is up to lat_gmm_block_rows rows of data, in the coordinates (x - shift)/scale, stored by
 * columns (D x n): every loop then runs over the n rows. */
#ifndef LAT_EM_GMM_INTERNAL_H
#define LAT_EM_GMM_INTERNAL_H

#include "em/gmm/context.h"
#include "matrix/tile.h"

/* How an iteration computes: by features; by rows about the means, because there are many columns,
 * all pairs of rows and components or those that matter; or with statistics about the means as
 * well, because products of coordinates would lose digits (statistics are about 0 otherwise), again
 * of all pairs or those that matter. */
enum gmm_path { GMM_FEATURES, GMM_ROWS, GMM_MAIN_ROWS, GMM_CENTRED, GMM_MAIN_CENTRED };
/* Columns from which on half of them tell which pairs these are. */
enum { GMM_MAIN_COLUMNS = 24 };

/* Full covariances that aren't computed by features: rows of a block then lie side by side,
 * gmm_pitch numbers apart (e_step_rows.c). */
static inline size_t gmm_pitch(const lat_gmm_context *gmm)
{
  return lat_tile_columns(gmm->D);
}

/* One covariance for all components; a multiple of the unit matrix. Dense: full or tied. */
static inline bool gmm_is_tied(const lat_gmm_context *gmm)
{
  return gmm->covariance == LAT_COVARIANCE_TIED || gmm->covariance == LAT_COVARIANCE_TIED_DIAG ||
         gmm->covariance == LAT_COVARIANCE_TIED_SPHERICAL;
}
static inline bool gmm_is_spherical(const lat_gmm_context *gmm)
{
  return gmm->covariance == LAT_COVARIANCE_SPHERICAL ||
         gmm->covariance == LAT_COVARIANCE_TIED_SPHERICAL;
}
static inline bool lat_gmm_is_dense(const lat_gmm_context *gmm)
{
  return gmm->covariance == LAT_COVARIANCE_FULL || gmm->covariance == LAT_COVARIANCE_TIED;
}

/* A view of what prepare derives: everything in scaled coordinates. Sizes of covariances and
 * factors are those of the covariance's kind. */
typedef struct gmm_derived {
  double *path;        /* 1: a gmm_path */
  double *inverse;     /* D: 1/scale */
  double *log_scale;   /* D */
  double *log_weights; /* K */
  double *constants;   /* K: log of weight, and of the density at the mean in the data's units */
  double *means;       /* K x D */
  double *covariances;
  double *factors;      /* W = L^-1 where S = L L': lower triangular; or 1/deviation */
  double *coefficients; /* F x padded; none in wide mixtures */
  double *transposed; /* K x D x pitch: W', of full covariances that aren't computed by features */
} gmm_derived;

/* More columns than this: features would be more work than triangular products. (From 20 on by rows
 * would be faster where most responsibilities are nothing, and half as fast where they aren't.) */
enum { GMM_FEATURE_COLUMNS = 40 };
static inline bool gmm_is_wide(const lat_gmm_context *gmm)
{
  return gmm->covariance == LAT_COVARIANCE_FULL && gmm->D > GMM_FEATURE_COLUMNS;
}

/* Features of x: quadratic ones, of which log p(x, k) is a linear function: the products x_i x_j
 * for full covariances, x_i^2, |x|^2, or none for tied dense ones, whose quadratic part is the same
 * for all; then x; then 1. Coefficients and statistics are F x padded, a row for each feature, with
 * a number for each component (K, and zeros up to whole vectors); in wide mixtures, which don't
 * compute by features, statistics are K x F. Statistics of tied dense covariances have the products
 * of all rows behind them. */
static inline size_t gmm_padded(const lat_gmm_context *gmm)
{
  return (gmm->K + 7) / 8 * 8;
}
size_t lat_gmm_quadratic(const lat_gmm_context *gmm);
static inline size_t gmm_features(const lat_gmm_context *gmm)
{
  return lat_gmm_quadratic(gmm) + gmm->D + 1;
}
/* Statistics but for the products of tied dense ones; how far apart the features of a component and
 * the components are in them. */
static inline size_t gmm_statistics(const lat_gmm_context *gmm)
{
  return gmm_features(gmm) * (gmm_is_wide(gmm) ? gmm->K : gmm_padded(gmm));
}
static inline size_t gmm_step(const lat_gmm_context *gmm)
{
  return gmm_is_wide(gmm) ? 1 : gmm_padded(gmm);
}
static inline size_t gmm_apart(const lat_gmm_context *gmm)
{
  return gmm_is_wide(gmm) ? gmm_features(gmm) : 1;
}
/* Which product is x_i x_j, i <= j: those of columns that are s apart around a circle lie side by
 * side, so that they are a product of two vectors. In wide mixtures they are the rows of a triangle
 * in panels of LAT_TILE, each a rectangle from its first column on. */
static inline size_t gmm_panel(const lat_gmm_context *gmm, size_t first)
{
  return first * gmm_pitch(gmm) - first * (first - (first ? LAT_TILE : 0)) / 2;
}
static inline size_t gmm_product(const lat_gmm_context *gmm, size_t i, size_t j)
{
  size_t D = gmm->D, apart = j - i, first = i / LAT_TILE * LAT_TILE;
  if (gmm_is_wide(gmm))
    return gmm_panel(gmm, first) + (i - first) * (gmm_pitch(gmm) - first) + (j - first);
  return 2 * apart <= D ? apart * D + i : (D - apart) * D + j;
}
static inline size_t gmm_triangle(size_t D)
{
  return D * (D + 1) / 2;
}
/* Numbers that a matrix between columns has, of scratch: D, when it is diagonal. */
static inline size_t gmm_square(const lat_gmm_context *gmm)
{
  return lat_gmm_is_dense(gmm) ? gmm->D * gmm->D : gmm->D;
}
/* Numbers in one covariance, and in all of them. */
static inline size_t gmm_covariance_size(const lat_gmm_context *gmm)
{
  return lat_gmm_is_dense(gmm) ? gmm->D * gmm->D : gmm_is_spherical(gmm) ? 1 : gmm->D;
}
static inline size_t gmm_covariance_count(const lat_gmm_context *gmm)
{
  return gmm_covariance_size(gmm) * (gmm_is_tied(gmm) ? 1 : gmm->K);
}

gmm_derived lat_gmm_derived_of(const lat_gmm_context *gmm, const double *memory);
size_t lat_gmm_derived_count(const lat_gmm_context *gmm);
lat_status lat_gmm_derive(lat_workspace *work, const lat_gmm_context *gmm, const double *parameters,
                          double *memory);
/* Its two halves: frame, weights and means; and the rest, once the covariances are there. */
lat_status lat_gmm_derive_means(lat_workspace *work, const lat_gmm_context *gmm,
                                const double *parameters, const gmm_derived *derived);
lat_status lat_gmm_derive_densities(lat_workspace *work, const lat_gmm_context *gmm,
                                    const gmm_derived *derived);
/* Puts negative weights to 0 and their sum to 1; false when nothing is left. */
bool lat_gmm_weights_feasible(size_t K, double *weights);

/* Component k's part of the covariances or factors. */
static inline double *gmm_part(const lat_gmm_context *gmm, double *all, size_t k)
{
  return gmm_is_tied(gmm) ? all : all + k * gmm_covariance_size(gmm);
}

/* One covariance, in the units of the data, in scaled coordinates; `inverse` is 1/scale. */
void lat_gmm_scale_covariance(const lat_gmm_context *gmm, const double *from, const double *inverse,
                              double *to);

/* The factor L of D x D S = L L' (row-major, its lower triangle), over S; what lies above the
 * diagonal becomes 0. False when a pivot isn't above `least`. */
bool lat_gmm_cholesky(size_t D, double *S, double least);

/* ---- blocks ---------------------------------------------------------------------------------- */

size_t lat_gmm_block_rows(const lat_gmm_context *gmm);
/* doubles of a worker's scratch, for the kernels below */
size_t lat_gmm_scratch_count(const lat_gmm_context *gmm);

typedef struct gmm_block {
  size_t n;
  double *features;         /* n x F, when the path is by features */
  double *padded;           /* n x padded: log p(x, k), then responsibilities, beside them */
  double *T;                /* D x n: x by columns, on other paths; or by rows (gmm_pitch) */
  double *joint;            /* K x n: log p(x, k), then responsibilities times weights */
  double *log_sum, *common; /* n each: log p(x); what all log p(x, k) have to add */
  double *weights;          /* n: or NULL when all are 1 */
  double unit;              /* the least positive weight, which what is left out is relative to */
  double *Y, *Z;            /* D x n, or n x pitch, each */
  double *spare;            /* 2n + 2D, and of dense covariances D x pitch */
  double *lists;            /* lat_gmm_lists_count; or NULL */
} gmm_block;

/* Which rows of a chunk a block has, and what is missing of them: the same columns of all. */
typedef struct gmm_rows {
  const size_t *at; /* n row numbers; or NULL: first, first + 1, ... */
  size_t first;
  const size_t *missing; /* column numbers */
  size_t m;              /* of them; 0 for complete rows */
  double *expected;      /* K x D x n: x - m_k, with conditional means for what is missing */
  double *C;             /* K x m x m, or K x m variances: their conditional covariances */
} gmm_rows;

static inline size_t gmm_row(const gmm_rows *rows, size_t i)
{
  return rows->at ? rows->at[i] : rows->first + i;
}

gmm_block lat_gmm_block_of(const lat_gmm_context *gmm, double *scratch, size_t n);

/* Loads the rows of X, as features when the path is by them and they are complete; else T. */
void lat_gmm_read_rows(const lat_gmm_context *gmm, const gmm_derived *derived, const lat_matrix *X,
                       bool complete, gmm_block *block);
/* joint := log p(x, k), but for `common`. */
void lat_gmm_densities(const lat_gmm_context *gmm, const gmm_derived *derived, gmm_block *block);

/* Responsibilities from joint, known labels put in, weights multiplied; the head of the
 * statistics. */
void lat_gmm_find_responsibilities(const lat_gmm_context *gmm, const lat_em_chunk *chunk,
                                   const gmm_rows *rows, gmm_block *block, double *statistics);

/* Adds the block to the statistics (without their head). */
void lat_gmm_accumulate(const lat_gmm_context *gmm, const gmm_derived *derived, gmm_block *block,
                        double *statistics);

/* The same of features of full covariances, where most responsibilities are nothing
 * (e_step_lists.c); false, and nothing done, where they aren't. Doubles of scratch for it, for
 * blocks of so many rows. */
size_t lat_gmm_lists_count(const lat_gmm_context *gmm, size_t rows);
bool lat_gmm_accumulate_lists(const lat_gmm_context *gmm, const gmm_block *block,
                              double *statistics);

/* Adds component k's share of the block, whose rows are Y (D x n), to its statistics about `about`
 * (NULL: 0). */
void lat_gmm_add_component(const lat_gmm_context *gmm, size_t k, const gmm_block *block,
                           const double *Y, const double *about, double *statistics);
/* Adds `weight` times C (m x m, or m variances) to component k's quadratic statistics; C belongs
 * to the given columns. */
void lat_gmm_add_covariance(const lat_gmm_context *gmm, size_t k, double weight, const double *C,
                            const size_t *columns, size_t m, double *statistics);

/* What component k's statistics are about, in scaled coordinates: NULL is 0. */
static inline const double *gmm_centre(const lat_gmm_context *gmm, const gmm_derived *derived,
                                       size_t k)
{
  bool centred = *derived->path == GMM_CENTRED || *derived->path == GMM_MAIN_CENTRED;
  return centred && !gmm->online ? derived->means + k * gmm->D : NULL;
}

/* ---- by rows (e_step_rows.c): complete rows, full covariances -------------------------------- */

static inline bool gmm_by_rows(const lat_gmm_context *gmm, const gmm_derived *derived)
{
  return gmm->covariance == LAT_COVARIANCE_FULL && *derived->path != GMM_FEATURES;
}
void lat_gmm_read_packed_rows(const lat_gmm_context *gmm, const gmm_derived *derived,
                              const lat_matrix *X, gmm_block *block);
/* joint := log p(x, k) */
void lat_gmm_row_densities(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                           gmm_block *block);
/* The same of all components; where they make no difference to the responsibilities, -INFINITY. */
void lat_gmm_main_densities(const lat_gmm_context *gmm, const gmm_derived *derived,
                            gmm_block *block);
/* Adds component k's share about `about` (NULL: 0). */
void lat_gmm_add_rows(const lat_gmm_context *gmm, size_t k, const gmm_block *block,
                      const double *about, double *statistics);
/* Where component k's quadratic statistics begin, and how far apart they are. */
double *lat_gmm_quadratic_of(const lat_gmm_context *gmm, size_t k, double *statistics,
                             size_t *step);
/* Adds the upper triangle of A, rows `pitch` apart, to component k's products. */
void lat_gmm_add_products(const lat_gmm_context *gmm, size_t k, const double *A, size_t pitch,
                          double *statistics);

/* ---- M-steps (lat_gmm_m_step.c, singular.c) -------------------------------------------------- */

/* One on its way, in scaled coordinates. What covariances are made of is the caller's: */
typedef struct gmm_update gmm_update;
struct gmm_update {
  /* makes component k's covariance, with `ridge` added to the diagonal of its scatter; false when
   * it is singular, as near as LAT_GMM_COLLAPSED */
  bool (*fit)(gmm_update *u, size_t k, double ridge);
  /* asked after such a fit: are there too few rows, or have they no spread at all? */
  bool (*is_point)(const gmm_update *u, size_t k);
  /* gives it the covariance of all the data, the unit matrix */
  void (*spread)(gmm_update *u, size_t k);
  /* the rest lat_gmm_begin_update and lat_gmm_find_means set */
  lat_em *em;
  const lat_gmm_context *gmm;
  double total;    /* sum of weights */
  double *counts;  /* K: N_k */
  double *means;   /* K x D */
  double *offsets; /* K x D: means minus the centre of the statistics */
};

/* Keeps the update's memory. */
lat_status lat_gmm_begin_update(gmm_update *u, lat_em *em, const lat_gmm_context *gmm,
                                double total);
/* Counts, means and offsets from the mixture's statistics (without their head). */
void lat_gmm_find_means(gmm_update *u, const gmm_derived *derived, const double *statistics);
/* Component k's covariance from them, in the mixture's form; not for tied dense ones. */
void lat_gmm_own_covariance(const gmm_update *u, size_t k, const double *statistics, double *S);

/* How many rows component k holds: its share of the weight, times their number, so that the scale
 * of weights doesn't matter. */
static inline double gmm_rows_held(const gmm_update *u, size_t k)
{
  return u->counts[k] / u->total * (double)u->em->rows;
}

/* A component without rows has begun anew, or is to keep what it has. */
typedef enum gmm_emptiness { GMM_FILLED, GMM_EMPTY, GMM_BEGUN_ANEW } gmm_emptiness;
gmm_emptiness lat_gmm_is_empty(gmm_update *u, size_t k);
/* Fits component k's covariance (that of all, when tied), and does what gmm.h says about
 * singularities. */
void lat_gmm_regularize_or_reseed(gmm_update *u, size_t k);
/* The regularization that is only a safeguard, or 0 for one that is part of the model: see gmm.h.
 */
static inline bool gmm_is_safeguard(const lat_gmm_context *gmm)
{
  return gmm->regularization <= LAT_GMM_SAFEGUARD;
}
static inline double gmm_safeguard(const lat_gmm_context *gmm)
{
  return gmm_is_safeguard(gmm) ? gmm->regularization : 0;
}

/* Is a fit singular, as gmm.h says? */
lat_status lat_gmm_singular(lat_em *em, bool *singular);
/* What Gaussians of any form know about that: something was done about it, or a component holds
 * fewer than `least` rows. */
bool lat_gmm_has_collapsed(const lat_em *em, const lat_gmm_context *gmm, const double *weights,
                           size_t least);
/* Weights and means in the user's units. */
void lat_gmm_write_means(const gmm_update *u, double *parameters);

lat_status lat_gmm_m_step(lat_em *em, const double *statistics, double *parameters);

/* ---- walking over rows, complete or not (e_step_missing.c) ----------------------------------- */

/* Takes a block whose joint is filled. */
typedef void gmm_on_block(void *context, gmm_block *block, const gmm_rows *rows);

/* Gives the rows of X block by block; with `missing` rows are grouped by what they miss, when any
 * do. */
void lat_gmm_each_block(const lat_gmm_context *gmm, const gmm_derived *derived, const lat_matrix *X,
                        bool missing, gmm_on_block *take, void *context, double *scratch);
size_t lat_gmm_each_scratch(const lat_gmm_context *gmm, size_t rows, bool missing);

/* Rows that miss the same columns. */
typedef struct gmm_pattern {
  const size_t *observed, *missing; /* column numbers: o and m of them */
  size_t o, m;
} gmm_pattern;

/* What knows of covariances with a structure how to condition on observed columns faster than by a
 * factor of them. For the block's rows and all components: its joint (K x n) := log N(x_o) but for
 * weight, scale and 2 pi; the expected (K x D x n) and the upper triangles of C (K x m x m): see
 * gmm_rows. */
typedef struct lat_gmm_structure {
  void (*condition)(const struct lat_gmm_structure *structure, const lat_gmm_context *gmm,
                    const gmm_pattern *p, const gmm_block *block, double *expected, double *C);
  const double *derived; /* of the parameters, for `condition` */
  double *scratch;       /* its own memory, of one thread */
} lat_gmm_structure;

/* lat_gmm_accumulate for rows with missing entries. */
void lat_gmm_accumulate_missing(const lat_gmm_context *gmm, const gmm_derived *derived,
                                gmm_block *block, const gmm_rows *rows, double *statistics);

#endif
