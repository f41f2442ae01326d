/* diffusion/diffusion.c: making a diffusion model: its net, noise levels and time features, and
 * what it keeps of the data (diffusion.h). */
#include "deep/diffusion/diffusion.h"

#include "deep/diffusion/internal.h"
#include "matrix/reduce.h"

/* ---- making ---------------------------------------------------------------------------------- */

/* Noise levels A_t, and the features of t/T for t = 1, ..., T. */
static lat_status make_tables(lat_workspace *work, lat_diffusion *model)
{
  LAT_SCOPE(work);
  size_t T = model->options.timesteps, F = model->net.features;
  lat_dtype dtype = model->deep.store.dtype;
  model->kept = lat_memory_allocate(&model->allocator, T + 1, sizeof *model->kept);
  model->features = lat_memory_allocate(&model->allocator, T, F * lat_dtype_size(dtype));
  double *times = lat_doubles(work, T);
  if (!model->kept || !model->features || !times)
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu time steps", T);
  lat_diffusion_schedule(&model->options, NULL, model->kept);
  for (size_t t = 1; t <= T; t++) times[t - 1] = (double)t / (double)T;
  lat_matrix table = {model->features, T, F, (ptrdiff_t)F, 1, dtype};
  lat_time_features(T, times, &table);
  return LAT_OK;
}

static lat_status make(lat_workspace *work, lat_diffusion *model)
{
  const lat_diffusion_options *o = &model->options;
  lat_store *store = &model->deep.store;
  size_t D = o->input_dim, T = o->timesteps;
  LAT_TRY(lat_units_add(work, store, D, &model->units));
  LAT_TRY(lat_store_add(work, store, "data.range", 2, D, LAT_INIT_ZERO, 1, 0, &model->range));
  LAT_TRY(
      lat_store_add(work, store, "data.residuals", 2, T, LAT_INIT_ZERO, 1, 0, &model->residuals));
  lat_store_fix(store, model->range);
  lat_store_fix(store, model->residuals);
  LAT_TRY(lat_time_net_add(work, store, "net", D, D, &o->net, &o->deep, &model->net));
  LAT_TRY(make_tables(work, model));
  return lat_deep_seal(work, &model->deep, &o->deep);
}

lat_status lat_diffusion_init(lat_workspace *work, lat_diffusion *model,
                              const lat_diffusion_options *options)
{
  *model = (lat_diffusion){.options = *options, .allocator = work->allocator};
  LAT_TRY(lat_diffusion_check(work, options));
  lat_deep_begin(&model->deep, &options->deep);
  lat_status status = make(work, model);
  if (status != LAT_OK) lat_diffusion_done(model);
  return status;
}

void lat_diffusion_done(lat_diffusion *model)
{
  lat_memory_free(&model->allocator, model->kept);
  lat_memory_free(&model->allocator, model->features);
  lat_deep_done(&model->deep);
  model->kept = NULL;
  model->features = NULL;
}

/* ---- data ------------------------------------------------------------------------------------ */

lat_status lat_diffusion_check_rows(lat_workspace *work, const lat_diffusion *model,
                                    const lat_matrix *X)
{
  return lat_deep_check_rows(work, "X", X, model->options.input_dim);
}

lat_status lat_diffusion_check_data(lat_workspace *work, const lat_diffusion *model,
                                    const lat_request *r, const size_t **labels)
{
  const lat_time_net_options *o = &model->options.net;
  LAT_TRY(lat_diffusion_check_rows(work, model, &r->X));
  return lat_class_labels(work, r->classes, r->X.rows, o->classes, o->lowest, labels);
}

/* Rows of `range`, 2 x D: the least and the greatest of each column of X. */
static lat_status find_range(lat_workspace *work, const lat_matrix *X, const lat_matrix *range)
{
  const lat_matrix least = lat_block_of(*range, 0, 0, 1, X->cols);
  const lat_matrix greatest = lat_block_of(*range, 1, 0, 1, X->cols);
  LAT_TRY(lat_reduce(work, LAT_MIN, X, 1, 0, &least));
  return lat_reduce(work, LAT_MAX, X, 1, 0, &greatest);
}

lat_status lat_diffusion_extend(lat_workspace *work, lat_diffusion *model, const lat_matrix *X)
{
  LAT_SCOPE(work);
  lat_matrix range = lat_store_view(&model->deep.store, model->deep.store.values, model->range);
  lat_matrix ends = lat_matrix_new(work, 2, X->cols);
  if (!ends.data) return LAT_MEMORY;
  LAT_TRY(find_range(work, X, &ends));
  for (size_t j = 0; j < X->cols; j++) {
    lat_set(&range, 0, j, fmin(lat_get(&range, 0, j), lat_get(&ends, 0, j)));
    lat_set(&range, 1, j, fmax(lat_get(&range, 1, j), lat_get(&ends, 1, j)));
  }
  return LAT_OK;
}

lat_status lat_diffusion_begin(lat_workspace *work, lat_diffusion *model, const lat_matrix *X)
{
  LAT_TRY(lat_diffusion_check_rows(work, model, X));
  LAT_TRY(lat_units_begin(work, &model->units, X, model->options.standardize));
  lat_matrix range = lat_store_view(&model->deep.store, model->deep.store.values, model->range);
  return find_range(work, X, &range);
}
