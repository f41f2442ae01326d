#include "em/kmeans.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "em/distance.h"
#include "em/kmeans_parts.h"

static const lat_parameter table[] = {
    {"centers", {LAT_K, LAT_D}}, {"origin", {LAT_D}}, {NULL, {LAT_END}}};

/* ---- what lies where -------------------------------------------------------------- */

typedef struct sums {
  double *J, *weight, *searched; /* 1 each */
  double *counts;                /* K: weights of the clusters */
  double *sums;                  /* K x D */
} sums;

static sums sums_of(const lat_em *em, double *statistics)
{
  double *counts = statistics + 3;
  return (sums){statistics, statistics + 1, statistics + 2, counts, counts + em->sizes[LAT_K]};
}

static size_t statistics_count(const lat_em *em)
{
  return 3 + em->sizes[LAT_K] * (1 + em->sizes[LAT_D]);
}

static size_t derived_count(const lat_em *em)
{
  return lat_nearest_count(em->sizes[LAT_K], em->sizes[LAT_D]);
}

static const double *origin_of(const lat_em *em, const double *parameters)
{
  return parameters + em->sizes[LAT_K] * em->sizes[LAT_D];
}

static lat_nearest nearest_of(const lat_em *em, const double *parameters)
{
  return lat_nearest_of(em->derived, em->sizes[LAT_K], em->sizes[LAT_D], parameters,
                        origin_of(em, parameters));
}

/* A block's copy of its rows, then the search's own. */
static size_t scratch_count(const lat_em *em, size_t rows)
{
  size_t K = em->sizes[LAT_K], D = em->sizes[LAT_D];
  (void)rows;
  return lat_nearest_rows(K, D) * D + lat_nearest_scratch(K, D);
}

/* ---- the E-step --------------------------------------------------------------------- */

static lat_status prepare(lat_em *em, const double *centers, double *derived)
{
  const lat_kmeans *model = em->model;
  size_t K = em->sizes[LAT_K], D = em->sizes[LAT_D];
  if (K > INT_MAX || D > INT_MAX)
    return lat_fail(em->work, LAT_SHAPE, "%zu centres of %zu columns are too many", K, D);
  lat_nearest nearest = lat_nearest_of(derived, K, D, centers, origin_of(em, centers));
  lat_nearest_prepare(&nearest);
  if (model->bounds) lat_kmeans_bounds_begin(model->bounds, D, K, centers);
  lat_kmeans_far_begin(model->far);
  return LAT_OK;
}

/* Rows in a block, and what is found out about them. */
typedef struct block {
  size_t first, n;
  const double *weights;
  const double *rows[LAT_NEAREST_ROWS];
  uint32_t labels[LAT_NEAREST_ROWS];
  double squares[LAT_NEAREST_ROWS]; /* NaN: not computed yet */
  ptrdiff_t ahead;                  /* from a row to the one in the next block */
} block;

/* The rows' labels, and squared distances to them where they are known; returns how many had to be
 * searched. */
static size_t label_rows(const lat_nearest *nearest, lat_kmeans_bounds *bounds, block *b,
                         double *scratch)
{
  uint32_t open[LAT_NEAREST_ROWS], found[LAT_NEAREST_ROWS];
  const double *rows[LAT_NEAREST_ROWS];
  double second[LAT_NEAREST_ROWS];
  size_t D = nearest->D, count = b->n;
  bool tested = bounds && bounds->tested;
  if (tested)
    count = lat_kmeans_bounds_test(bounds, D, nearest->centers, b->first, b->n, b->rows, b->labels,
                                   b->squares, open);
  for (size_t i = 0; i < count; i++) rows[i] = b->rows[tested ? open[i] : i];
  if (count > 0) lat_nearest_search(nearest, count, rows, found, second, scratch);
  for (size_t i = 0; i < count; i++) {
    size_t at = tested ? open[i] : i;
    if (!tested || found[i] != b->labels[at]) {
      b->labels[at] = found[i];
      b->squares[at] = NAN;
    }
    if (bounds) lat_kmeans_bounds_set(bounds, b->first + at, found[i], second[i]);
  }
  return count;
}

/* sum += w (x - origin), and meanwhile the row that comes `ahead` is fetched */
LAT_INLINE void add_row(size_t D, double w, const double *restrict x, const double *restrict origin,
                        double *restrict sum, ptrdiff_t ahead)
{
  size_t j = 0;
  for (; j + LAT_LANES <= D; j += LAT_LANES) {
    __builtin_prefetch(x + j + ahead, 0, 2);
    for (size_t l = 0; l < LAT_LANES; l++) sum[j + l] += w * (x[j + l] - origin[j + l]);
  }
  for (; j < D; j++) sum[j] += w * (x[j] - origin[j]);
}

LAT_CLONES static void add_block(const lat_em *em, block *b, const sums *s)
{
  const double *centers = em->parameters, *origin = origin_of(em, centers);
  size_t D = em->sizes[LAT_D];
  double J = 0, weight = 0;
  for (size_t i = 0; i < b->n; i++) {
    double w = b->weights ? b->weights[i] : 1;
    size_t k = b->labels[i];
    const double *x = b->rows[i];
    if (isnan(b->squares[i])) b->squares[i] = lat_squared_distance(D, x, centers + k * D);
    J += w * b->squares[i];
    weight += w;
    s->counts[k] += w;
    add_row(D, w, x, origin, s->sums + k * D, b->ahead);
  }
  *s->J += J;
  *s->weight += weight;
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_kmeans *model = em->model;
  size_t N = chunk->X.rows, D = em->sizes[LAT_D];
  size_t step = lat_nearest_rows(em->sizes[LAT_K], D);
  lat_nearest nearest = nearest_of(em, em->parameters);
  sums s = sums_of(em, statistics);
  for (size_t i = 0; i < N; i += step) {
    block b = {.first = chunk->first + i, .n = N - i < step ? N - i : step};
    b.weights = chunk->weights ? chunk->weights + i : NULL;
    lat_matrix X = lat_block_of(chunk->X, i, 0, b.n, D);
    lat_kmeans_rows(&X, scratch, b.rows);
    b.ahead = lat_kmeans_copies(&X) ? 0 : X.row_stride * (ptrdiff_t)step;
    *s.searched += (double)label_rows(&nearest, model->bounds, &b, scratch + step * D);
    add_block(em, &b, &s);
    lat_kmeans_far_offer(model->far, b.first, b.n, b.rows, b.weights, b.squares);
  }
}

/* ---- the M-step ----------------------------------------------------------------------- */

/* Each centre goes to the mean of its rows; those without rows take the farthest ones. */
static lat_status m_step(lat_em *em, const double *statistics, double *centers)
{
  const lat_kmeans *model = em->model;
  size_t K = em->sizes[LAT_K], D = em->sizes[LAT_D], at = 0;
  const double *counts = statistics + 3, *sum = counts + K, *origin = origin_of(em, centers);
  for (size_t k = 0; k < K; k++) {
    double *center = centers + k * D;
    if (counts[k] > 0) {
      for (size_t j = 0; j < D; j++) center[j] = origin[j] + sum[k * D + j] / counts[k];
    } else {
      const double *row = lat_kmeans_far_next(model->far, &at);
      if (!row) continue;
      memcpy(center, row, D * sizeof *row);
      em->unsettled = true;
    }
  }
  if (model->bounds) lat_kmeans_bounds_end(model->bounds, statistics[2]);
  return LAT_OK;
}

const lat_em_kind lat_kmeans_kind = {.name = "kmeans",
                                     .parameters = table,
                                     .descends = true,
                                     .statistics = statistics_count,
                                     .derived = derived_count,
                                     .scratch = scratch_count,
                                     .prepare = prepare,
                                     .e_step = e_step,
                                     .m_step = m_step};

/* ---- a fit -------------------------------------------------------------------------------- */

lat_status lat_kmeans_init(lat_kmeans *model, lat_workspace *work, size_t N, size_t D, size_t K,
                           lat_kmeans_algorithm algorithm)
{
  *model = (lat_kmeans){.far = lat_kmeans_far_new(work, D, K)};
  if (!model->far) return LAT_MEMORY;
  if (N == 0 || K == 1 || algorithm == LAT_KMEANS_LLOYD) return LAT_OK;
  model->bounds = lat_kmeans_bounds_new(work, N, D, K, algorithm);
  return model->bounds ? LAT_OK : LAT_MEMORY;
}

void lat_kmeans_begin(lat_kmeans *model, size_t D, size_t K, double *parameters)
{
  lat_nearest_origin(K, D, parameters, parameters + K * D);
  if (model->bounds) model->bounds->known = false;
}

lat_status lat_kmeans_fit(lat_workspace *work, const lat_matrix *X, const double *weights, size_t K,
                          const lat_kmeans_options *options, double *centers, double *J)
{
  size_t D = X->cols, sizes[LAT_SIZES] = {[LAT_D] = D, [LAT_K] = K};
  lat_random random = {.seed = options->seed};
  lat_mark mark = lat_workspace_mark(work);
  double *trial = lat_allocate(work, K + 1, D * sizeof *trial), best = INFINITY;
  lat_kmeans model;
  lat_em em;
  if (!trial) return LAT_MEMORY;
  LAT_TRY(lat_kmeans_init(&model, work, X->rows, D, K, options->algorithm));
  for (size_t i = 0; i < (options->restarts ? options->restarts : 1); i++) {
    lat_mark turn = lat_workspace_mark(work);
    lat_random own = lat_random_split(&random);
    LAT_TRY((options->random_start ? lat_kmeans_random : lat_kmeans_plus)(work, X, weights, K, &own,
                                                                          trial));
    lat_kmeans_begin(&model, D, K, trial);
    LAT_TRY(lat_em_init(&em, work, &lat_kmeans_kind, &model, sizes, trial, &options->em));
    do {
      LAT_TRY(lat_em_begin(&em));
      LAT_TRY(lat_em_add(&em, X, weights));
      LAT_TRY(lat_em_end(&em));
    } while (!em.done);
    double reached;
    LAT_TRY(lat_kmeans_assign(work, X, weights, K, trial, NULL, NULL, &reached));
    if (reached < best) memcpy(centers, trial, K * D * sizeof *trial);
    if (reached < best) best = reached;
    lat_workspace_release(work, turn);
  }
  if (J) *J = best;
  lat_workspace_release(work, mark);
  return LAT_OK;
}
