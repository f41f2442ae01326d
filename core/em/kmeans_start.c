#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "em/distance.h"
#include "em/kmeans_parts.h"

static double weight_of(const double *weights, size_t i)
{
  return weights ? weights[i] : 1;
}

/* Row i of X as K x D centres have it. */
static void take_row(const lat_matrix *X, size_t i, double *center)
{
  lat_matrix from = lat_row(*X, i), to = lat_vector_of(center, X->cols);
  lat_copy(&from, &to);
}

static lat_status check_data(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t K)
{
  size_t rows = X->rows;
  for (size_t i = 0; weights && i < X->rows; i++)
    if (!(weights[i] > 0)) rows--;
  if (K > rows)
    return lat_fail(work, LAT_INVALID, "%zu clusters need at least as many rows%s, got %zu", K,
                    weights ? " with a weight above 0" : "", rows);
  return lat_check_finite(work, "X", X, false);
}

/* Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S) gives rows in
 * order, each set equally likely, without a list of the rows. */
lat_status lat_kmeans_random(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t K, lat_random *random, double *centers)
{
  LAT_TRY(check_data(work, X, weights, K));
  size_t left = 0, wanted = K;
  for (size_t i = 0; i < X->rows; i++) left += weight_of(weights, i) > 0;
  for (size_t i = 0; wanted > 0; i++) {
    if (!(weight_of(weights, i) > 0)) continue;
    if (lat_random_below(random, left--) < wanted)
      take_row(X, i, centers + (K - wanted--) * X->cols);
  }
  return LAT_OK;
}

/* ---- k-means++ ---------------------------------------------------------------------- */

enum { TRIES = 2 + 63 }; /* the most draws for a centre: ln K is below 63 */

/* Rows know their nearest centre so far and the distance to it, in single precision, which is
 * enough for chances; a distance is 0 exactly where a row is a centre. */
typedef struct plus {
  lat_matrix X; /* all rows, or every few of many */
  const double *weights, *centers;
  size_t every; /* weights are of every row */
  float *distance;
  uint32_t *label;
  size_t step, blocks, tries;
  double *potential;  /* a block's sum of w d^2 */
  double *gains;      /* blocks x tries: by how much a candidate would lower it */
  float *away;        /* tries x N: distances to the candidates, infinite if not computed */
  double *candidates; /* tries x D */
  float *half;        /* centres x tries: the distances between them, halved */
  double *scratch;
  size_t best; /* the candidate that is taken, as the centre number new_label */
  uint32_t new_label;
} plus;

static double weight_at(const plus *p, size_t i)
{
  return weight_of(p->weights, i * p->every);
}

/* A row's chance to be the next centre. */
static double chance(const plus *p, size_t i)
{
  return weight_at(p, i) * ((double)p->distance[i] * p->distance[i]);
}

static size_t block_rows(const plus *p, size_t c, double *copy, const double **rows)
{
  size_t first = c * p->step, left = p->X.rows - first, n = left < p->step ? left : p->step;
  lat_matrix X = lat_block_of(p->X, first, 0, n, p->X.cols);
  lat_kmeans_rows(&X, copy, rows);
  return n;
}

/* Whether candidate t can be nearer to row i than its centre is: by the triangle inequality not
 * when it is twice as far from that centre as the row. */
static inline bool near(const plus *p, size_t i, size_t t)
{
  return p->half[p->label[i] * p->tries + t] < p->distance[i];
}

LAT_CLONES static void weigh_rows(const plus *p, size_t first, size_t n, const double *const *rows,
                                  double *gains)
{
  size_t D = p->X.cols, N = p->X.rows;
  for (size_t i = first; i < first + n; i++) {
    double own = (double)p->distance[i] * p->distance[i], w = weight_at(p, i);
    for (size_t t = 0; t < p->tries; t++) {
      p->away[t * N + i] = INFINITY;
      if (!near(p, i, t)) continue;
      double square = lat_squared_distance(D, rows[i - first], p->candidates + t * D);
      gains[t] += square < own ? w * (own - square) : 0;
      p->away[t * N + i] = (float)sqrt(square);
    }
  }
}

static void weigh_block(void *context, size_t c, size_t worker)
{
  const plus *p = context;
  const double *rows[LAT_NEAREST_ROWS];
  size_t n = block_rows(p, c, p->scratch + worker * p->step * p->X.cols, rows);
  double *gains = p->gains + c * p->tries;
  memset(gains, 0, p->tries * sizeof *gains);
  weigh_rows(p, c * p->step, n, rows, gains);
}

static void update_potential(const plus *p, size_t c)
{
  double potential = 0;
  for (size_t i = c * p->step; i < (c + 1) * p->step && i < p->X.rows; i++)
    potential += chance(p, i);
  p->potential[c] = potential;
}

static void update_block(void *context, size_t c, size_t worker)
{
  const plus *p = context;
  const float *away = p->away + p->best * p->X.rows;
  (void)worker;
  for (size_t i = c * p->step; i < (c + 1) * p->step && i < p->X.rows; i++) {
    if (p->new_label > 0 && away[i] >= p->distance[i]) continue;
    p->distance[i] = away[i];
    p->label[i] = p->new_label;
  }
  update_potential(p, c);
}

/* The row at `share` of the way through all chances. */
static size_t draw(const plus *p, double share)
{
  double total = 0;
  for (size_t c = 0; c < p->blocks; c++) total += p->potential[c];
  double rest = share * total;
  size_t c = 0, last = 0;
  while (c + 1 < p->blocks && rest >= p->potential[c]) rest -= p->potential[c++];
  /* rounding may lead past the end of a block, and back; never to a row without a chance */
  while (c > 0 && !(p->potential[c] > 0)) c--;
  for (size_t i = c * p->step; i < p->X.rows; i++) {
    double own = chance(p, i);
    if (!(own > 0)) continue;
    last = i;
    if (rest < own) break;
    rest -= own;
  }
  return last;
}

static bool settled(const plus *p)
{
  for (size_t c = 0; c < p->blocks; c++)
    if (p->potential[c] > 0) return false;
  return true;
}

LAT_CLONES static void measure_candidates(const plus *p, size_t centers)
{
  size_t D = p->X.cols;
  for (size_t k = 0; k < centers; k++) {
    for (size_t t = 0; t < p->tries; t++) {
      double square = lat_squared_distance(D, p->centers + k * D, p->candidates + t * D);
      p->half[k * p->tries + t] = (float)(0.499999 * sqrt(square));
    }
  }
}

/* The candidate that lowers the potential most, the first of equal ones. */
static size_t best_candidate(const plus *p)
{
  double most = -1;
  size_t best = 0;
  for (size_t t = 0; t < p->tries; t++) {
    double gain = 0;
    for (size_t c = 0; c < p->blocks; c++) gain += p->gains[c * p->tries + t];
    if (gain > most) {
      most = gain;
      best = t;
    }
  }
  return best;
}

static lat_status plus_begin(lat_workspace *work, plus *p, size_t K)
{
  size_t N = p->X.rows, D = p->X.cols;
  p->step = lat_nearest_rows(K, D);
  p->blocks = (N + p->step - 1) / p->step;
  p->tries = 2 + (size_t)log((double)K);
  p->distance = lat_allocate(work, N, sizeof *p->distance);
  p->label = lat_allocate(work, N, sizeof *p->label);
  p->potential = lat_doubles(work, p->blocks);
  p->gains = lat_allocate(work, p->blocks, p->tries * sizeof(double));
  p->away = lat_allocate(work, N, p->tries * sizeof *p->away);
  p->candidates = lat_allocate(work, p->tries, D * sizeof(double));
  p->half = lat_allocate(work, K, p->tries * sizeof *p->half);
  p->scratch = lat_allocate(work, lat_workers(work), p->step * D * sizeof(double));
  if (!p->distance || !p->label || !p->potential || !p->gains || !p->away || !p->candidates ||
      !p->half || !p->scratch)
    return LAT_MEMORY;
  memset(p->label, 0, N * sizeof *p->label);
  for (size_t i = 0; i < N; i++) p->distance[i] = 1; /* the first draw is by weight alone */
  for (size_t t = 0; t < p->tries; t++) p->half[t] = 0;
  for (size_t c = 0; c < p->blocks; c++) update_potential(p, c);
  return LAT_OK;
}

/* Draws candidates and keeps the best of them, as centre number k. */
static lat_status choose(lat_workspace *work, plus *p, size_t k, lat_random *random, double *center)
{
  size_t D = p->X.cols, drawn = k == 0 ? 1 : p->tries;
  for (size_t t = 0; t < drawn; t++)
    take_row(&p->X, draw(p, lat_random_uniform(random)), p->candidates + t * D);
  for (size_t t = drawn; t < p->tries; t++)
    memcpy(p->candidates + t * D, p->candidates, D * sizeof(double));
  if (k > 0) measure_candidates(p, k);
  LAT_TRY(lat_parallel(work, p->blocks, weigh_block, p));
  p->best = k == 0 ? 0 : best_candidate(p);
  p->new_label = (uint32_t)k;
  memcpy(center, p->candidates + p->best * D, D * sizeof *center);
  return lat_parallel(work, p->blocks, update_block, p);
}

/* Many rows are more than enough to find starts in: then every few of them are taken, if that
 * leaves enough with a weight. */
static void thin_out(plus *p, size_t K)
{
  enum { ROWS = 1 << 19, ROWS_A_CENTER = 64 };
  size_t most = K > ROWS / ROWS_A_CENTER ? K * ROWS_A_CENTER : ROWS, left = 0;
  size_t every = (p->X.rows + most - 1) / most;
  for (size_t i = 0; i < p->X.rows; i += every) left += weight_of(p->weights, i) > 0;
  p->every = left < K ? 1 : every;
  p->X.rows = (p->X.rows + p->every - 1) / p->every;
  p->X.row_stride *= (ptrdiff_t)p->every;
}

lat_status lat_kmeans_plus(lat_workspace *work, const lat_matrix *X, const double *weights,
                           size_t K, lat_random *random, double *centers)
{
  LAT_TRY(check_data(work, X, weights, K));
  lat_mark mark = lat_workspace_mark(work);
  size_t D = X->cols;
  plus p = {.X = *X, .weights = weights, .centers = centers};
  thin_out(&p, K);
  LAT_TRY(plus_begin(work, &p, K));
  for (size_t k = 0; k < K; k++) {
    if (settled(&p)) /* every row is a centre already: what is left has nowhere to go */
      memcpy(centers + k * D, centers, D * sizeof *centers);
    else
      LAT_TRY(choose(work, &p, k, random, centers + k * D));
  }
  lat_workspace_release(work, mark);
  return LAT_OK;
}
