/* statistics.c: one pass over the rows, whose sums are solved for the parameters; see
 * statistics.h. */
#include "modeling/statistics.h"

#include <string.h>

lat_status lat_statistics_begin(lat_workspace *work, lat_fitted *f, size_t D)
{
  LAT_TRY(f->model->statistics->count(work, f->options, D, &f->count));
  f->statistics = lat_doubles(work, f->count);
  if (!f->statistics) return LAT_MEMORY;
  memset(f->statistics, 0, f->count * sizeof *f->statistics);
  f->sizes[LAT_D] = D;
  return LAT_OK;
}

lat_status lat_statistics_add(lat_workspace *work, lat_source *source, lat_fitted *f)
{
  lat_matrix piece;
  const double *weights;
  lat_source_rewind(source);
  for (;;) {
    LAT_TRY(lat_source_next(source, work, &piece, &weights));
    if (piece.rows == 0) return LAT_OK;
    if (!f->statistics) LAT_TRY(lat_statistics_begin(work, f, piece.cols));
    lat_status status = f->model->statistics->add(work, f, &piece, weights, source->missing);
    if (status != LAT_OK) return lat_source_failure(source, work, status, source->missing);
  }
}

lat_status lat_statistics_fit(lat_workspace *work, const lat_model *model, lat_source *source,
                              const double *weights, const void *options, lat_fitted *f)
{
  const lat_statistics_kind *kind = model->statistics;
  *f = (lat_fitted){.model = model, .options = options};
  if (weights) source->weights = weights;
  LAT_TRY(lat_model_check(work, model, options));
  if (kind->takes_whole && !source->next && kind->takes_whole(options, source)) {
    f->sizes[LAT_D] = source->X.cols;
    return kind->fit_whole(work, &source->X, source->weights, f);
  }
  LAT_TRY(lat_statistics_add(work, source, f));
  return kind->solve(work, f);
}
