/* outputs.h: what every mixture gives of rows once log p(x, k) and p(k | x) are known: the way from
 * a block's numbers (component-major, responsibilities.h) into the outputs that were asked for.
 *
 *   lat_output_rows rows = {outputs, request->q, K, n, first, NULL};
 *   lat_write_components(&rows, joint, log_sum);
 *   if (lat_asks_bound(outputs)) lat_write_bound(&rows, kept, log_sum, joint, scratch);
 */
#ifndef LAT_EM_COMMON_OUTPUTS_H
#define LAT_EM_COMMON_OUTPUTS_H

#include "modeling/model.h"

/* Where the n rows of a block go: its row i is row `first + i` of the outputs, or first + at[i]. */
typedef struct lat_output_rows {
  const lat_outputs *to;
  const lat_matrix *q; /* of the request: N x K, or NULL */
  size_t K, n, first;
  const size_t *at;
} lat_output_rows;

static inline size_t lat_output_row(const lat_output_rows *rows, size_t i)
{
  return rows->first + (rows->at ? rows->at[i] : i);
}

/* The component with the largest of the K numbers values[k * stride], from 0; the first of equal
 * ones. */
size_t lat_best_component(size_t K, const double *values, size_t stride);

/* Those of log_likelihood (log_sum, n), labels and responsibilities (r, K x n) that were asked for.
 */
void lat_write_components(const lat_output_rows *rows, const double *r, const double *log_sum);

/* Whether bound or kl was asked for: hosts may want one without the other. */
static inline bool lat_asks_bound(const lat_outputs *outputs)
{
  return outputs->bound || outputs->kl;
}

/* Those of bound and kl (lat_elbo) that were asked for, for the rows of q, made to add up to 1, or
 * without for r. joint is log p(x, k), log_sum log p(x). Scratch: lat_bound_scratch(K, n) numbers.
 */
size_t lat_bound_scratch(size_t K, size_t n);
void lat_write_bound(const lat_output_rows *rows, const double *joint, const double *log_sum,
                     const double *r, double *scratch);

/* Rows that are far from all components (lat_is_far) have log_sum -infinity from here on; *far (0:
 * none yet) becomes the first of them, from 1. */
void lat_find_far(const lat_output_rows *rows, double *log_sum, size_t *far);

/* The same of all chunks: LAT_INVALID, naming the first row, when the outputs tell of components.
 */
lat_status lat_check_all_far(lat_workspace *work, const lat_outputs *outputs, const size_t *far,
                             size_t chunks);

#endif
