/* mixture/init.c: where a fit of a mixture begins. */
#include <math.h>
#include <string.h>

#include "em/kmeans/starts.h"
#include "em/mixture/internal.h"

static lat_status weight_of_row(lat_workspace *work, const lat_mixture_context *m, size_t N,
                                const double *weights, double *weight)
{
  double total = 0;
  *weight = m->row > 0 ? m->row : 1;
  if (m->row > 0 || !weights) return LAT_OK;
  for (size_t i = 0; i < N; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    total += weights[i];
  }
  if (total > 0) *weight = total / (double)N;
  return LAT_OK;
}

/* What the data says without components: the mean of each feature (M) where it is observed, moved a
 * little away from limits, by half a row of average weight. Blocks with an entry that the family
 * doesn't have are passed over here: the first E-step, which knows where they are, will name it. */
static lat_status find_margins(lat_workspace *work, const lat_mixture_context *m,
                               const lat_matrix *X, const double *weights, bool missing,
                               double *margins)
{
  size_t M = m->M;
  double *memory = lat_doubles(work, lat_mixture_block_count(m)), *counts = lat_doubles(work, M);
  double *tables = lat_doubles(work, lat_mixture_derived_count(m));
  if (!memory || !tables || !counts) return LAT_MEMORY;
  mixture_block b = lat_mixture_block_of(m, memory);
  mixture_derived derived = lat_mixture_derived_of(m, tables);
  memset(tables, 0, lat_mixture_derived_count(m) * sizeof *tables);
  memset(margins, 0, M * sizeof *margins);
  memset(counts, 0, M * sizeof *counts);
  double half;
  LAT_TRY(weight_of_row(work, m, X->rows, weights, &half));
  half *= 0.5;
  for (size_t i = 0; i < X->rows; i += MIXTURE_ROWS) {
    LAT_TRY(lat_check(work));
    size_t left = X->rows - i;
    lat_matrix rows = lat_block_of(*X, i, 0, left < MIXTURE_ROWS ? left : MIXTURE_ROWS, m->D);
    lat_mixture_features(m, &derived, &rows, missing, &b);
    if (!b.valid) continue;
    for (size_t j = 0; j < b.n * M; j++) {
      double w = weights ? weights[i + j / M] : 1;
      margins[j % M] += w * b.features[j];
      counts[j % M] += b.partial ? w * b.observed[j] : w;
    }
  }
  if (m->family == LAT_CATEGORICAL) {
    for (size_t d = 0, f = 0; d < m->D; f += (size_t)m->levels[d++]) {
      double levels = m->levels[d], total = half * levels;
      for (size_t l = 0; l < (size_t)levels; l++) total += margins[f + l];
      for (size_t l = 0; l < (size_t)levels; l++) margins[f + l] = (margins[f + l] + half) / total;
    }
  } else {
    for (size_t f = 0; f < M; f++) margins[f] = (margins[f] + half) / (counts[f] + 2 * half);
  }
  return LAT_OK;
}

/* Equal weights, and what isn't estimated. */
static void fill_structure(const lat_mixture_context *m, double *parameters)
{
  for (size_t k = 0; k < m->K; k++) parameters[k] = 1 / (double)m->K;
  if (m->family != LAT_CATEGORICAL) return;
  memcpy(parameters + m->K, m->levels, m->D * sizeof *parameters);
  memcpy(parameters + m->K + m->D, m->lowest, m->D * sizeof *parameters);
}

/* Random features: means between 1/4 and 3/4, rates around the margin, and probabilities that are
 * uniform on the simplex. */
static void draw(const lat_mixture_context *m, const double *margins, lat_random *random,
                 double *out)
{
  if (m->family != LAT_CATEGORICAL) {
    for (size_t f = 0; f < m->M; f++) {
      double u = lat_random_uniform(random);
      out[f] = m->family == LAT_BERNOULLI ? 0.25 + 0.5 * u : 2 * u * margins[f];
    }
    return;
  }
  for (size_t d = 0; d < m->D; out += (size_t)m->levels[d++]) {
    double total = 0;
    for (size_t l = 0; l < (size_t)m->levels[d]; l++)
      total += out[l] = lat_random_exponential(random) + 1e-3;
    for (size_t l = 0; l < (size_t)m->levels[d]; l++) out[l] /= total;
  }
}

/* The components (K) that some row's label names. */
static lat_status find_labelled(lat_workspace *work, const lat_mixture_context *m, size_t N,
                                bool *labelled)
{
  memset(labelled, 0, m->K * sizeof *labelled);
  for (size_t i = 0; m->labels && i < N; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    if (m->labels[i] > 0) labelled[m->labels[i] - 1] = true;
  }
  return LAT_OK;
}

lat_status lat_mixture_start(lat_workspace *work, const lat_mixture_context *m, const lat_matrix *X,
                             const double *weights, bool missing, lat_random *random,
                             double *parameters)
{
  double *theta = parameters + lat_mixture_offset(m);
  LAT_SCOPE(work);
  double *margins = lat_doubles(work, m->M), *noise = lat_doubles(work, m->M);
  bool *labelled = lat_allocate(work, m->K, sizeof *labelled);
  if (!margins || !noise || !labelled) return LAT_MEMORY;
  LAT_TRY(find_margins(work, m, X, weights, missing, margins));
  LAT_TRY(find_labelled(work, m, X->rows, labelled));
  fill_structure(m, parameters);
  for (size_t k = 0; k < m->K; k++) {
    draw(m, margins, random, noise);
    for (size_t f = 0; f < m->M; f++)
      theta[k * m->M + f] = labelled[k] || m->K == 1 ? margins[f] : 0.5 * (margins[f] + noise[f]);
  }
  return LAT_OK;
}

/* The features of some rows (Y: n x M), spread evenly over X, with what is missing at its mean. */
static lat_status gather_features(lat_workspace *work, const lat_mixture_context *m,
                                  const lat_matrix *X, bool missing, size_t step,
                                  const double *margins, lat_matrix *Y)
{
  double *memory = lat_doubles(work, lat_mixture_block_count(m));
  double *tables = lat_doubles(work, lat_mixture_derived_count(m));
  if (!memory || !tables) return LAT_MEMORY;
  mixture_block b = lat_mixture_block_of(m, memory);
  mixture_derived derived = lat_mixture_derived_of(m, tables);
  memset(tables, 0, lat_mixture_derived_count(m) * sizeof *tables);
  for (size_t i = 0; i < Y->rows; i++) {
    if (i % MIXTURE_ROWS == 0) LAT_TRY(lat_check(work));
    lat_matrix row = lat_block_of(*X, i * step, 0, 1, m->D);
    double *y = (double *)Y->data + i * m->M;
    lat_mixture_features(m, &derived, &row, missing, &b);
    memcpy(y, b.valid ? b.features : margins, m->M * sizeof *y);
    for (size_t f = 0; b.partial && f < m->M; f++)
      if (b.valid && b.observed[f] == 0) y[f] = margins[f];
    if (m->family != LAT_CATEGORICAL || !missing || !b.valid) continue;
    for (size_t d = 0, f = 0; d < m->D; f += (size_t)m->levels[d++]) {
      size_t levels = (size_t)m->levels[d];
      if (isnan(lat_get(&row, 0, d))) memcpy(y + f, margins + f, levels * sizeof *y);
    }
  }
  return LAT_OK;
}

lat_status lat_mixture_start_kmeans(lat_workspace *work, const lat_mixture_context *m,
                                    const lat_matrix *X, const double *weights, bool missing,
                                    lat_random *random, double *parameters)
{
  enum { MOST = 16384 };
  size_t step = (X->rows + MOST - 1) / MOST, n = (X->rows + step - 1) / step, M = m->M;
  double *theta = parameters + lat_mixture_offset(m);
  LAT_SCOPE(work);
  double *margins = lat_doubles(work, M), *w = weights ? lat_doubles(work, n) : NULL;
  lat_matrix Y = lat_matrix_new(work, n, M);
  if (!margins || (weights && !w) || !Y.data) return LAT_MEMORY;
  LAT_TRY(find_margins(work, m, X, weights, missing, margins));
  LAT_TRY(gather_features(work, m, X, missing, step, margins, &Y));
  for (size_t i = 0; weights && i < n; i++) w[i] = weights[i * step];
  fill_structure(m, parameters);
  LAT_TRY(lat_start_kmeans(work, &Y, w, m->K, lat_random_word(random), theta, NULL));
  for (size_t i = 0; i < m->K * M; i++) theta[i] = 0.9 * theta[i] + 0.1 * margins[i % M];
  return LAT_OK;
}
