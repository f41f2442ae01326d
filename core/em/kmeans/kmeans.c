/* kmeans.c: the E- and the M-step of K-means.
 *
 * The E-step goes through the rows in blocks: labels by the bounds or a search, then sums cluster
 * by cluster, in groups of rows that share what is read of the centre. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "em/common/distance.h"
#include "em/kmeans/internal.h"

/* ---- what lies where ------------------------------------------------------------------------- */

typedef struct sums {
  double *J, *weight, *searched; /* 1 each */
  double *counts;                /* K: weights of the clusters */
  double *sums;                  /* K x D */
} sums;

static sums sums_of(const lat_em *em, double *statistics)
{
  double *counts = statistics + KMEANS_HEAD;
  return (sums){statistics, statistics + 1, statistics + 2, counts, counts + em->sizes[LAT_K]};
}

static size_t statistics_count(const lat_em *em)
{
  return KMEANS_HEAD + em->sizes[LAT_K] * (1 + em->sizes[LAT_D]);
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

/* A block's copy of its rows, the search's own, and the rows that are searched for. */
static size_t scratch_count(const lat_em *em, size_t rows)
{
  size_t K = em->sizes[LAT_K], D = em->sizes[LAT_D];
  (void)rows;
  return lat_nearest_rows(K, D) * (D + lat_nearest_width(D)) + lat_nearest_scratch(K, D);
}

/* ---- the E-step ------------------------------------------------------------------------------ */

static lat_status prepare(lat_em *em, const double *centers, double *derived)
{
  const lat_kmeans_context *model = em->model;
  size_t K = em->sizes[LAT_K], D = em->sizes[LAT_D];
  if (K > INT_MAX || D > INT_MAX)
    return lat_fail(em->work, LAT_SHAPE, "%zu centres of %zu columns are too many", K, D);
  lat_nearest nearest = lat_nearest_of(derived, K, D, centers, origin_of(em, centers));
  lat_nearest_prepare(&nearest, model->bounds ? model->bounds->scale : 0);
  if (model->bounds) {
    lat_kmeans_running_begin(model->running, model->bounds, &nearest);
    lat_kmeans_bounds_begin(model->bounds, &nearest);
  }
  lat_kmeans_far_begin(model->far);
  return LAT_OK;
}

/* Rows in a block, and what is found out about them. */
typedef struct block {
  size_t first, n;
  const double *weights;
  const double *rows[LAT_NEAREST_ROWS];
  uint32_t labels[LAT_NEAREST_ROWS];
  double squares[LAT_NEAREST_ROWS];
} block;

/* What bounds->copy has of a block's rows, which is made in the first pass. */
static const float *copied_rows(const lat_nearest *nearest, const lat_kmeans_bounds *bounds,
                                const block *b)
{
  if (!bounds || !bounds->copy) return NULL;
  float *rows = bounds->copy + b->first * lat_nearest_width(nearest->D);
  if (!bounds->copied) lat_nearest_shift(nearest, b->n, b->rows, rows);
  return rows;
}

/* The `count` rows of the block whose places are in `open`, for a search: as many at the beginning
 * of `rows`, and of what is returned, which is NULL without a copy. */
static const float *pick_rows(const lat_nearest *nearest, const float *copied, const block *b,
                              size_t count, const uint32_t *open, const double **rows,
                              float *picked)
{
  size_t width = lat_nearest_width(nearest->D);
  for (size_t i = 0; i < count; i++) rows[i] = b->rows[open[i]];
  if (!copied || count == b->n) return copied;
  for (size_t i = 0; i < count; i++)
    memcpy(picked + i * width, copied + open[i] * width, width * sizeof *picked);
  return picked;
}

/* The labels of the rows whose bounds don't do, and their bounds; returns how many these are. */
static size_t search_open(const lat_nearest *nearest, lat_kmeans_bounds *bounds, block *b,
                          double *scratch)
{
  uint32_t open[LAT_NEAREST_ROWS], found[LAT_NEAREST_ROWS];
  float own[LAT_NEAREST_ROWS], others[LAT_NEAREST_ROWS];
  const double *rows[LAT_NEAREST_ROWS];
  size_t count = lat_kmeans_bounds_test(bounds, b->first, b->n, b->rows, open);
  memcpy(b->labels, bounds->label + b->first, b->n * sizeof *b->labels);
  if (count == 0) return 0;
  float *picked = (float *)(scratch + lat_nearest_scratch(nearest->K, nearest->D));
  const float *copied = copied_rows(nearest, bounds, b);
  copied = pick_rows(nearest, copied, b, count, open, rows, picked);
  lat_nearest_search(nearest, count, rows, copied, found, own, others, scratch);
  for (size_t i = 0; i < count; i++) {
    b->labels[open[i]] = found[i];
    bounds->upper[b->first + open[i]] = own[i];
    bounds->lower[b->first + open[i]] = others[i];
  }
  return count;
}

/* The rows' labels; returns how many had to be searched. Bounds still have the labels of before. */
static size_t label_rows(const lat_nearest *nearest, lat_kmeans_bounds *bounds, block *b,
                         double *scratch)
{
  if (bounds && bounds->tested) return search_open(nearest, bounds, b, scratch);
  float *own = bounds ? bounds->upper + b->first : NULL;
  float *others = bounds ? bounds->lower + b->first : NULL;
  lat_nearest_search(nearest, b->n, b->rows, copied_rows(nearest, bounds, b), b->labels, own,
                     others, scratch);
  return b->n;
}

/* Rows of one cluster that are added together: they share what is read of its centre and its sum.
 */
enum { GROUP = 4 };

typedef struct group {
  const double *x[GROUP];
  double w[GROUP], squares[GROUP];
} group;

/* sum += the sum of w (x - origin) over the group, and the squared distances to the centre, in the
 * order of lat_squared_distance. */
LAT_INLINE void add_group(size_t D, group *g, const double *restrict center,
                          const double *restrict origin, double *restrict sum)
{
  const double *a = g->x[0], *b = g->x[1], *c = g->x[2], *d = g->x[3];
  const double wa = g->w[0], wb = g->w[1], wc = g->w[2], wd = g->w[3];
  double sa[LAT_ACCUMULATORS] = {0}, sb[LAT_ACCUMULATORS] = {0}, sc[LAT_ACCUMULATORS] = {0},
         sd[LAT_ACCUMULATORS] = {0};
  double rest[GROUP] = {0};
  size_t j = 0;
  for (; j + LAT_ACCUMULATORS <= D; j += LAT_ACCUMULATORS) {
    for (size_t l = 0; l < LAT_ACCUMULATORS; l++) {
      double o = origin[j + l], m = center[j + l];
      double xa = a[j + l], xb = b[j + l], xc = c[j + l], xd = d[j + l];
      sum[j + l] += (wa * (xa - o) + wb * (xb - o)) + (wc * (xc - o) + wd * (xd - o));
      sa[l] += (xa - m) * (xa - m);
      sb[l] += (xb - m) * (xb - m);
      sc[l] += (xc - m) * (xc - m);
      sd[l] += (xd - m) * (xd - m);
    }
  }
  for (; j < D; j++) {
    double o = origin[j], m = center[j];
    sum[j] += (wa * (a[j] - o) + wb * (b[j] - o)) + (wc * (c[j] - o) + wd * (d[j] - o));
    for (size_t i = 0; i < GROUP; i++) rest[i] += (g->x[i][j] - m) * (g->x[i][j] - m);
  }
  g->squares[0] = lat_sum_accumulators(sa) + rest[0];
  g->squares[1] = lat_sum_accumulators(sb) + rest[1];
  g->squares[2] = lat_sum_accumulators(sc) + rest[2];
  g->squares[3] = lat_sum_accumulators(sd) + rest[3];
}

/* The rows by their labels, stably; in their own order where clusters are more than rows. */
static void order_rows(const block *b, size_t K, uint16_t *order)
{
  uint16_t place[2 * LAT_NEAREST_ROWS + 1] = {0};
  if (K > 2 * LAT_NEAREST_ROWS) {
    for (size_t i = 0; i < b->n; i++) order[i] = (uint16_t)i;
    return;
  }
  for (size_t i = 0; i < b->n; i++) place[b->labels[i] + 1]++;
  for (size_t k = 1; k < K; k++) place[k] = (uint16_t)(place[k] + place[k - 1]);
  for (size_t i = 0; i < b->n; i++) order[place[b->labels[i]]++] = (uint16_t)i;
}

/* Adds up to GROUP rows of one label, from order[0] on; returns how many. A group that isn't full
 * is filled up with rows of weight 0. */
LAT_INLINE size_t add_rows(const lat_em *em, block *b, const uint16_t *order, size_t left,
                           const sums *s)
{
  const double *centers = em->parameters;
  size_t D = em->sizes[LAT_D], k = b->labels[order[0]], n = 0;
  group g;
  for (; n < GROUP && n < left && b->labels[order[n]] == k; n++) {
    size_t i = order[n];
    g.x[n] = b->rows[i];
    g.w[n] = b->weights ? b->weights[i] : 1;
    s->counts[k] += g.w[n];
  }
  for (size_t i = n; i < GROUP; i++) {
    g.x[i] = g.x[0];
    g.w[i] = 0;
  }
  add_group(D, &g, centers + k * D, origin_of(em, centers), s->sums + k * D);
  for (size_t i = 0; i < n; i++) b->squares[order[i]] = g.squares[i];
  return n;
}

/* Rows of up to SHORT columns don't come by themselves in the order of their labels. */
enum { SHORT = 64, AHEAD = 12 };

LAT_CLONES static void add_block(const lat_em *em, block *b, const sums *s)
{
  uint16_t order[LAT_NEAREST_ROWS];
  size_t D = em->sizes[LAT_D];
  double J = 0, weight = 0;
  order_rows(b, em->sizes[LAT_K], order);
  for (size_t i = 0; i < b->n;) {
    for (size_t l = i + AHEAD; D <= SHORT && l < b->n && l < i + AHEAD + GROUP; l++)
      for (size_t j = 0; j < D; j += 8) LAT_PREFETCH(b->rows[order[l]] + j);
    i += add_rows(em, b, order + i, b->n - i, s);
  }
  for (size_t i = 0; i < b->n; i++) {
    double w = b->weights ? b->weights[i] : 1;
    J += w * b->squares[i];
    weight += w;
  }
  *s->J += J;
  *s->weight += weight;
}

/* A pass that goes on: rows that have moved, and those that may be the farthest. */
LAT_CLONES static void move_block(const lat_kmeans_context *model, const lat_nearest *nearest,
                                  block *b, double *statistics)
{
  const lat_kmeans_bounds *bounds = model->bounds;
  const uint32_t *before = bounds->label + b->first;
  const float *upper = bounds->upper + b->first;
  float least = (float)(sqrt(lat_kmeans_far_least(model->far)) * bounds->scale) * 0.999999F;
  size_t D = nearest->D, far = 0;
  for (size_t i = 0; i < b->n; i++) {
    if (b->labels[i] != before[i])
      lat_kmeans_running_move(nearest, b->rows[i], before[i], b->labels[i], statistics);
    b->squares[i] = NAN;
    if (upper[i] < least) continue;
    b->squares[i] = lat_squared_distance(D, b->rows[i], nearest->centers + b->labels[i] * D);
    far++;
  }
  if (far) lat_kmeans_far_offer(model->far, b->first, b->n, b->rows, NULL, b->squares);
}

static void whole_block(const lat_em *em, const lat_kmeans_context *model, block *b, const sums *s)
{
  add_block(em, b, s);
  lat_kmeans_far_offer(model->far, b->first, b->n, b->rows, b->weights, b->squares);
  if (model->bounds) lat_kmeans_bounds_measured(model->bounds, b->first, b->n, b->squares);
}

/* Adds those of the pass before: once in a pass, with the first row's. */
static void go_on(const lat_kmeans_context *model, const lat_em *em, double *statistics)
{
  const double *before = model->running->statistics;
  for (size_t i = 0; i < statistics_count(em); i++) statistics[i] += before[i];
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_kmeans_context *model = em->model;
  size_t N = chunk->X.rows, D = em->sizes[LAT_D];
  size_t step = lat_nearest_rows(em->sizes[LAT_K], D);
  bool goes_on = model->running && model->running->used;
  lat_nearest nearest = nearest_of(em, em->parameters);
  sums s = sums_of(em, statistics);
  if (goes_on && chunk->first == 0) go_on(model, em, statistics);
  if (model->running && chunk->weights) atomic_store(&model->running->weighted, true);
  for (size_t i = 0; i < N; i += step) {
    block b = {.first = chunk->first + i, .n = N - i < step ? N - i : step};
    b.weights = chunk->weights ? chunk->weights + i : NULL;
    lat_matrix X = lat_block_of(chunk->X, i, 0, b.n, D);
    lat_kmeans_rows(&X, scratch, b.rows);
    *s.searched += (double)label_rows(&nearest, model->bounds, &b, scratch + step * D);
    if (goes_on)
      move_block(model, &nearest, &b, statistics);
    else
      whole_block(em, model, &b, &s);
    if (model->bounds) memcpy(model->bounds->label + b.first, b.labels, b.n * sizeof *b.labels);
  }
}

/* ---- the M-step ------------------------------------------------------------------------------ */

/* Each centre goes to the mean of its rows; those without rows take the farthest ones. */
static lat_status m_step(lat_em *em, const double *statistics, double *centers)
{
  const lat_kmeans_context *model = em->model;
  size_t K = em->sizes[LAT_K], D = em->sizes[LAT_D], at = 0;
  const double *counts = statistics + KMEANS_HEAD, *sum = counts + K,
               *origin = origin_of(em, centers);
  bool some = false; /* cluster has no rows */
  for (size_t k = 0; k < K; k++) some |= !(counts[k] > 0);
  if (some) LAT_TRY(lat_kmeans_far_share(model->far, em->work, em->share));
  for (size_t k = 0; k < K; k++) {
    double *center = centers + k * D;
    if (counts[k] > 0) {
      for (size_t j = 0; j < D; j++) center[j] = origin[j] + sum[k * D + j] / counts[k];
    } else {
      const double *row = lat_kmeans_far_next(model->far, origin, &at);
      if (!row) continue;
      memcpy(center, row, D * sizeof *row);
      em->reseeded = true;
    }
  }
  if (!model->bounds) return LAT_OK;
  lat_kmeans_bounds_end(model->bounds, statistics[2]);
  bool moved = em->reseeded;
  if (!lat_kmeans_running_end(model->running, D, K, statistics)) em->reseeded = true;
  if (moved) model->running->doubtful = true; /* many rows will move */
  return LAT_OK;
}

const lat_em_kind lat_kmeans_kind = {.name = "kmeans",
                                     .parameters = lat_kmeans_parameters,
                                     .descends = true,
                                     .statistics = statistics_count,
                                     .derived = derived_count,
                                     .scratch = scratch_count,
                                     .prepare = prepare,
                                     .e_step = e_step,
                                     .m_step = m_step};

/* ---- what a fit needs ------------------------------------------------------------------------ */

lat_status lat_kmeans_context_init(lat_kmeans_context *context, lat_workspace *work, size_t N,
                                   size_t D, size_t K, lat_kmeans_algorithm algorithm)
{
  *context = (lat_kmeans_context){.far = lat_kmeans_far_new(work, D, K)};
  if (!context->far) return LAT_MEMORY;
  if (N == 0) return LAT_OK;
  context->bounds = lat_kmeans_bounds_new(work, N, D, K, algorithm);
  context->running = lat_kmeans_running_new(work, D, K);
  return context->bounds && context->running ? LAT_OK : LAT_MEMORY;
}

void lat_kmeans_begin(lat_kmeans_context *context, size_t D, size_t K, double *parameters)
{
  lat_nearest_origin(K, D, parameters, parameters + K * D);
  if (context->bounds) context->bounds->known = false;
}

const uint32_t *lat_kmeans_labels(const lat_kmeans_context *context)
{
  return context->bounds ? context->bounds->label : NULL;
}

void lat_kmeans_last_pass(const lat_kmeans_context *context)
{
  context->running->doubtful = true;
}
