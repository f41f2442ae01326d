/* statistics.h: fits of models whose parameters are a function of sums over the rows.
 *
 * Such a fit is one pass: every piece of the data is added to the statistics, from which the
 * parameters are solved at the end. They can be kept, and more rows be added later. A model of this
 * kind is a table (lat_statistics_kind) of what differs; lat_statistics_fit is a fit as a whole,
 * and each lat_NAME_fit of them calls it. Step by step it is
 *
 *   lat_fitted f = {.model = &lat_scaler_model, .options = &options};
 *   LAT_TRY(lat_statistics_begin(work, &f, D));
 *   LAT_TRY(f.model->statistics->add(work, &f, &X, weights, false)); as often as there are pieces
 *   LAT_TRY(f.model->statistics->solve(work, &f)); */
#ifndef LAT_MODELING_STATISTICS_H
#define LAT_MODELING_STATISTICS_H

#include "modeling/model.h"
#include "modeling/source.h"

/* A D x D scatter is added up for so many columns at most (128 MB). */
enum { LAT_SCATTER_COLUMNS = 4096 };

typedef enum lat_statistics_sum {
  LAT_SUM_OTHER,
  LAT_SUM_MOMENTS, /* lat_moments, or lat_column_moments (matrix/moments.h) */
  LAT_SUM_COLUMNS
} lat_statistics_sum;

typedef struct lat_statistics_kind {
  /* How many numbers the statistics of D columns are; all 0 are those of no rows. LAT_INVALID, with
   * a sentence, where the options don't allow for so many columns. */
  lat_status (*count)(lat_workspace *work, const void *options, size_t D, size_t *count);
  /* What the statistics are: moments of so many columns, to which the rows of a pass are joined
   * once all of them are there; or anything else, to which each piece is added. */
  lat_statistics_sum (*sum)(size_t D);
  /* Adds rows, as one piece, to fitted->statistics, of fitted->sizes[LAT_D] columns. LAT_INVALID,
   * naming row and column, for infinities and, unless missing, NaN. */
  lat_status (*add)(lat_workspace *work, const lat_fitted *fitted, const lat_matrix *X,
                    const double *weights, bool missing);
  /* Sets sizes, flat and what lies aside from the statistics. Keeps them. */
  lat_status (*solve)(lat_workspace *work, lat_fitted *fitted);
  /* Whether rows that the source has in memory are fitted otherwise, as a whole, and that fit: the
   * same, without statistics. NULL: they aren't. */
  bool (*takes_whole)(const void *options, const lat_source *source);
  lat_status (*fit_whole)(lat_workspace *work, const lat_matrix *X, const double *weights,
                          lat_fitted *fitted);
  /* Solving costs much more than adding, so who adds to earlier statistics may solve once somebody
   * asks; then, for D columns, does adding that fails leave the statistics as they were? NULL:
   * solving costs little. */
  bool (*adds_all_or_nothing)(size_t D);
} lat_statistics_kind;

/* The statistics of no rows, of D columns, in the workspace. Keeps them. */
lat_status lat_statistics_begin(lat_workspace *work, lat_fitted *fitted, size_t D);

/* Adds all rows of the source to the statistics, which begin here where there are none yet.
 * Keeps these. */
lat_status lat_statistics_add(lat_workspace *work, lat_source *source, lat_fitted *fitted);

/* A fit with all rows of the source: `fitted` gets sizes, parameters, what lies aside and, unless
 * the rows were taken as a whole, statistics. LAT_INVALID for options that are wrong; what the
 * source and the model say. Keeps these. */
lat_status lat_statistics_fit(lat_workspace *work, const lat_model *model, lat_source *source,
                              const double *weights, const void *options, lat_fitted *fitted);

#endif
