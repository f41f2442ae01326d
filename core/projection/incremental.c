/* incremental.c: updates of the leading singular triplets of centred rows by an SVD a chunk
 * (incremental.h).
 *
 * The state is one flat vector: moments of the columns, the rank, M singular values, M x D
 * directions. */
#include "projection/incremental.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "matrix/linear/svd.h"
#include "matrix/spread.h"
#include "projection/limits.h"
#include "projection/pca_internal.h"

size_t lat_incremental_count(size_t D, size_t M)
{
  return lat_column_moments_count(D) + 1 + M + M * D;
}

lat_incremental lat_incremental_of(double *memory, size_t D, size_t M)
{
  lat_incremental state = {.D = D, .M = M, .columns = lat_column_moments_of(memory, D)};
  state.rank = memory + lat_column_moments_count(D);
  state.singular = state.rank + 1;
  state.directions = state.singular + M;
  return state;
}

/* The matrix of the head comment for one chunk, packed; `means` are the chunk's own. */
static void stack(const lat_incremental *state, size_t rank, const lat_matrix *X,
                  const double *means, double *A)
{
  size_t D = state->D;
  double n = state->columns.weight[0], b = (double)X->rows;
  for (size_t i = 0; i < rank; i++)
    for (size_t j = 0; j < D; j++) A[i * D + j] = state->singular[i] * state->directions[i * D + j];
  lat_centre(X, NULL, means, NULL, A + rank * D);
  double root = sqrt(n * b / (n + b)), *last = A + (rank + X->rows) * D;
  for (size_t j = 0; j < D; j++) last[j] = root * (means[j] - state->columns.mean[j]);
}

static lat_status add_chunk(lat_workspace *work, lat_incremental *state, const lat_matrix *X)
{
  size_t D = state->D, rank = (size_t)*state->rank, rows = rank + X->rows + 1;
  size_t found = rows < D ? rows : D, keep = found < state->M ? found : state->M;
  LAT_SCOPE(work);
  double *own = lat_doubles(work, lat_column_moments_count(D));
  lat_matrix A = lat_matrix_new(work, rows, D), V = lat_matrix_new(work, D, found);
  lat_matrix s = lat_matrix_new(work, found, 1);
  if (!own || !A.data || !V.data || !s.data) return LAT_MEMORY;
  memset(own, 0, lat_column_moments_count(D) * sizeof(double));
  lat_column_moments chunk = lat_column_moments_of(own, D);
  LAT_TRY(lat_column_moments_add(work, &chunk, X, NULL, false));
  stack(state, rank, X, chunk.mean, A.data);
  LAT_TRY(lat_svd(work, &A, NULL, s, &V));
  LAT_TRY(lat_column_moments_add(work, &state->columns, X, NULL, false));

  const double *sigma = s.data;
  while (keep > 0 && !(sigma[keep - 1] > LAT_INCREMENTAL_NOISE * sigma[0])) keep--;
  lat_matrix from = lat_transpose(lat_block_of(V, 0, 0, D, keep ? keep : 1));
  lat_matrix to = lat_matrix_of(state->directions, keep, D);
  if (keep) lat_copy(&from, &to);
  memcpy(state->singular, sigma, keep * sizeof(double));
  *state->rank = (double)keep;
  return LAT_OK;
}

lat_status lat_incremental_add(lat_workspace *work, lat_incremental *state, const lat_matrix *X)
{
  if (X->cols != state->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the rows before had %zu", X->cols,
                    state->D);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  size_t chunk = 2 * state->M > LAT_INCREMENTAL_ROWS ? 2 * state->M : LAT_INCREMENTAL_ROWS;
  LAT_STEPS(work, steps, X->rows, "rows");
  for (size_t first = 0; first < X->rows; first += chunk) {
    size_t rows = X->rows - first < chunk ? X->rows - first : chunk;
    lat_matrix part = lat_block_of(*X, first, 0, rows, X->cols);
    LAT_TRY(lat_at_step(&steps, (double)first, (double)rows));
    LAT_TRY(add_chunk(work, state, &part));
  }
  return LAT_OK;
}

lat_status lat_pca_from_incremental(lat_workspace *work, const lat_incremental *state,
                                    double **flat, size_t *M)
{
  size_t D = state->D, rank = (size_t)*state->rank;
  double n = state->columns.weight[0];
  if (n < 2 || rank == 0)
    return lat_fail(work, LAT_INVALID, "the rows seen so far don't vary: no component to give");
  size_t sizes[LAT_SIZES] = {[LAT_D] = D, [LAT_M] = rank};
  *flat = lat_doubles(work, lat_parameters_count(lat_pca_parameters, sizes));
  double *deviation = lat_doubles(work, D);
  if (!*flat || !deviation) return LAT_MEMORY;
  lat_pca_parts pca = lat_pca_parts_of(*flat, D, rank);
  *pca.total_variance = 0;
  for (size_t j = 0; j < D; j++) {
    pca.mean[j] = state->columns.mean[j];
    pca.deviation[j] = 1;
    deviation[j] = lat_column_deviation(&state->columns, j);
    *pca.total_variance += lat_column_variance(&state->columns, j);
  }
  LAT_TRY(lat_check_spread(work, LAT_SPREAD_TOGETHER, D, pca.mean, deviation));
  for (size_t i = 0; i < rank; i++) {
    pca.eigenvalues[i] = state->singular[i] * state->singular[i] / n;
    pca.explained_ratio[i] = pca.eigenvalues[i] / *pca.total_variance;
  }
  lat_matrix rows = lat_matrix_of(state->directions, rank, D), columns = lat_transpose(rows);
  lat_matrix components = lat_matrix_of(pca.components, D, rank);
  lat_copy(&columns, &components);
  *M = rank;
  return LAT_OK;
}
