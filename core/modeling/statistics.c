/* statistics.c: one pass over the rows, whose sums are solved for the parameters; see
 * statistics.h. */
#include "modeling/statistics.h"

#include <string.h>

#include "base/progress.h"
#include "eigen/limits.h"
#include "matrix/moments.h"
#include "modeling/agree.h"

lat_status lat_statistics_begin(lat_workspace *work, lat_fitted *f, size_t D)
{
  LAT_TRY(f->model->statistics->count(work, f->options, D, &f->count));
  f->statistics = lat_doubles(work, f->count);
  if (!f->statistics) return LAT_MEMORY;
  memset(f->statistics, 0, f->count * sizeof *f->statistics);
  f->sizes[LAT_D] = D;
  return LAT_OK;
}

/* A pass under way. */
typedef struct pass {
  lat_fitted *f;
  lat_statistics_sum kind;
  lat_moments_sum sum;
  const lat_share *share; /* of ranks that fit together; or NULL */
} pass;

static lat_status begin(lat_workspace *work, pass *p, const lat_source *source, size_t D)
{
  size_t rows = source->next ? 0 : source->X.rows;
  lat_statistics_sum kind = p->f->model->statistics->sum(D);
  if (!p->f->statistics) LAT_TRY(lat_statistics_begin(work, p->f, D));
  if (kind == LAT_SUM_MOMENTS) LAT_TRY(lat_moments_begin(work, &p->sum, D, rows));
  if (kind == LAT_SUM_COLUMNS) LAT_TRY(lat_column_moments_begin(work, &p->sum, D, rows));
  p->kind = kind;
  if (kind != LAT_SUM_OTHER) return lat_moments_place(work, &p->sum, p->share);
  if (p->share)
    return lat_fail(work, LAT_INVALID, "beyond %d columns this fit isn't for several ranks",
                    LAT_SCATTER_COLUMNS);
  return LAT_OK;
}

static lat_status add(lat_workspace *work, pass *p, const lat_matrix *X, const double *weights,
                      bool missing)
{
  if (p->kind == LAT_SUM_MOMENTS) return lat_moments_include(work, &p->sum, X, weights);
  if (p->kind == LAT_SUM_COLUMNS)
    return lat_column_moments_include(work, &p->sum, X, weights, missing);
  return p->f->model->statistics->add(work, p->f, X, weights, missing);
}

static lat_status end(lat_workspace *work, const pass *p)
{
  size_t D = p->f->sizes[LAT_D];
  lat_moments all = lat_moments_of(p->f->statistics, D);
  lat_column_moments columns = lat_column_moments_of(p->f->statistics, D);
  if (p->kind == LAT_SUM_MOMENTS) return lat_moments_join(work, &p->sum, &all);
  if (p->kind == LAT_SUM_COLUMNS) return lat_column_moments_join(work, &p->sum, &columns);
  return LAT_OK;
}

lat_status lat_statistics_add(lat_workspace *work, lat_source *source, lat_fitted *f)
{
  pass p = {.f = f};
  lat_matrix piece;
  const double *weights;
  LAT_TRY(lat_source_share(source, work, &p.share));
  if (p.share) LAT_TRY(begin(work, &p, source, p.share->columns));
  lat_source_rewind(source);
  LAT_STEPS(work, steps, source->next ? 0 : source->X.rows, "rows");
  for (;;) {
    LAT_TRY(lat_source_next(source, work, &piece, &weights));
    lat_step(&steps, (double)(source->rows - piece.rows), (double)piece.rows);
    if (piece.rows == 0) return end(work, &p);
    if (source->pieces == 1 && !p.share) LAT_TRY(begin(work, &p, source, piece.cols));
    lat_status status = add(work, &p, &piece, weights, source->missing);
    if (status != LAT_OK) return lat_source_failure(source, work, status, source->missing);
  }
}

static lat_status fit(lat_workspace *work, lat_source *source, lat_fitted *f)
{
  const lat_statistics_kind *kind = f->model->statistics;
  LAT_TRY(lat_model_check(work, f->model, f->options));
  if (source->comm)
    LAT_TRY(lat_model_agree(work, source->comm, f->model, f->options, NULL, source->missing));
  if (kind->takes_whole && !source->next && !source->comm &&
      kind->takes_whole(f->options, source)) {
    f->sizes[LAT_D] = source->X.cols;
    return kind->fit_whole(work, &source->X, source->weights, f);
  }
  const double N = source->next ? 0 : (double)source->X.rows, D = (double)source->X.cols;
  bool exact = kind->sum(source->X.cols) == LAT_SUM_MOMENTS;
  const double sums = N * (exact ? D * D : D), solution = exact ? LAT_SYMMETRIC_COST(D) : 0;
  LAT_STEPS(work, steps, sums + solution, NULL);
  lat_step(&steps, 0, sums);
  LAT_TRY(lat_statistics_add(work, source, f));
  lat_step(&steps, sums, solution);
  return kind->solve(work, f);
}

lat_status lat_statistics_fit(lat_workspace *work, const lat_model *model, lat_source *source,
                              const double *weights, const void *options, lat_fitted *f)
{
  *f = (lat_fitted){.model = model, .options = options};
  if (weights) source->weights = weights;
  return lat_comm_conclude(source->comm, work, fit(work, source, f));
}
