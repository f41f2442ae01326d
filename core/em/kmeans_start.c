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
  const lat_matrix *X;
  const double *weights, *centers;
  float *distance;
  uint32_t *label;
  size_t step, blocks, tries;
  double *potential; /* a block's sum of w d^2 */
  double *gains;     /* blocks x TRIES: by how much a candidate would lower it */
  double *candidates, *scratch;
  float *half; /* a centre's distance to each candidate, halved: centres x tries */
} plus;

static size_t block_rows(const plus *p, size_t c, double *copy, const double **rows)
{
  size_t first = c * p->step, left = p->X->rows - first, n = left < p->step ? left : p->step;
  lat_matrix X = lat_block_of(*p->X, first, 0, n, p->X->cols);
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
  size_t D = p->X->cols;
  for (size_t r = 0; r < n; r++) {
    size_t i = first + r;
    double own = (double)p->distance[i] * p->distance[i], w = weight_of(p->weights, i);
    for (size_t t = 0; t < p->tries; t++) {
      if (!near(p, i, t)) continue;
      double gain = own - lat_squared_distance(D, rows[r], p->candidates + t * D);
      if (gain > 0) gains[t] += w * gain;
    }
  }
}

static void weigh_block(void *context, size_t c, size_t worker)
{
  const plus *p = context;
  const double *rows[LAT_NEAREST_ROWS];
  size_t n = block_rows(p, c, p->scratch + worker * p->step * p->X->cols, rows);
  double gains[TRIES] = {0};
  weigh_rows(p, c * p->step, n, rows, gains);
  memcpy(p->gains + c * p->tries, gains, p->tries * sizeof *gains);
}

/* Takes the first candidate as the centre number `label`; returns the rows' potential. */
LAT_CLONES static double update_rows(const plus *p, size_t first, size_t n,
                                     const double *const *rows, uint32_t label)
{
  bool all = label == 0;
  size_t D = p->X->cols;
  double potential = 0;
  for (size_t r = 0; r < n; r++) {
    size_t i = first + r;
    if (all || near(p, i, 0)) {
      float d = (float)sqrt(lat_squared_distance(D, rows[r], p->candidates));
      if (all || d < p->distance[i]) {
        p->distance[i] = d;
        p->label[i] = label;
      }
    }
    potential += weight_of(p->weights, i) * ((double)p->distance[i] * p->distance[i]);
  }
  return potential;
}

typedef struct update {
  const plus *p;
  uint32_t label;
} update;

static void update_task(void *context, size_t c, size_t worker)
{
  const update *u = context;
  const plus *p = u->p;
  const double *rows[LAT_NEAREST_ROWS];
  size_t n = block_rows(p, c, p->scratch + worker * p->step * p->X->cols, rows);
  p->potential[c] = update_rows(p, c * p->step, n, rows, u->label);
}

/* The row at `share` of the way through the chances w d^2 of all rows. */
static size_t draw(const plus *p, double share)
{
  double total = 0;
  for (size_t c = 0; c < p->blocks; c++) total += p->potential[c];
  double rest = share * total;
  size_t c = 0, last = 0;
  while (c + 1 < p->blocks && rest >= p->potential[c]) rest -= p->potential[c++];
  /* rounding may lead past the end of a block; never to a row without a chance */
  for (size_t i = c * p->step; i < p->X->rows; i++) {
    double chance = weight_of(p->weights, i) * ((double)p->distance[i] * p->distance[i]);
    if (!(chance > 0)) continue;
    last = i;
    if (rest < chance) break;
    rest -= chance;
  }
  return last;
}

/* A row by weight alone: for the first centre, and where all rows are centres already. */
static size_t draw_any(const plus *p, double share)
{
  double total = 0;
  size_t last = 0;
  for (size_t i = 0; i < p->X->rows; i++) total += weight_of(p->weights, i);
  double rest = share * total;
  for (size_t i = 0; i < p->X->rows; i++) {
    double w = weight_of(p->weights, i);
    if (!(w > 0)) continue;
    last = i;
    if (rest < w) break;
    rest -= w;
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
  size_t D = p->X->cols;
  for (size_t k = 0; k < centers; k++)
    for (size_t t = 0; t < p->tries; t++)
      p->half[k * p->tries + t] =
          (float)(0.499999 *
                  sqrt(lat_squared_distance(D, p->centers + k * D, p->candidates + t * D)));
}

/* The candidate that lowers the potential most, the first of equal ones. */
static size_t best_candidate(const plus *p)
{
  double total[TRIES] = {0};
  size_t best = 0;
  for (size_t c = 0; c < p->blocks; c++)
    for (size_t t = 0; t < p->tries; t++) total[t] += p->gains[c * p->tries + t];
  for (size_t t = 1; t < p->tries; t++)
    if (total[t] > total[best]) best = t;
  return best;
}

static lat_status plus_begin(lat_workspace *work, plus *p, size_t K)
{
  size_t N = p->X->rows, D = p->X->cols;
  p->step = lat_nearest_rows(K, D);
  p->blocks = (N + p->step - 1) / p->step;
  p->tries = 2 + (size_t)log((double)K);
  p->distance = lat_allocate(work, N, sizeof *p->distance);
  p->label = lat_allocate(work, N, sizeof *p->label);
  p->potential = lat_doubles(work, p->blocks);
  p->gains = lat_allocate(work, p->blocks, p->tries * sizeof(double));
  p->candidates = lat_allocate(work, p->tries, D * sizeof(double));
  p->half = lat_allocate(work, K, p->tries * sizeof *p->half);
  p->scratch = lat_allocate(work, lat_threads(), p->step * D * sizeof(double));
  return p->distance && p->label && p->potential && p->gains && p->candidates && p->half &&
                 p->scratch
             ? LAT_OK
             : LAT_MEMORY;
}

/* Puts the next centre, number k, first among the candidates. */
static lat_status choose(lat_workspace *work, plus *p, size_t k, lat_random *random)
{
  size_t D = p->X->cols;
  if (k == 0 || settled(p)) {
    take_row(p->X, draw_any(p, lat_random_uniform(random)), p->candidates);
    return LAT_OK;
  }
  for (size_t t = 0; t < p->tries; t++)
    take_row(p->X, draw(p, lat_random_uniform(random)), p->candidates + t * D);
  measure_candidates(p, k);
  LAT_TRY(lat_parallel(work, p->blocks, weigh_block, p));
  size_t best = best_candidate(p);
  memcpy(p->candidates, p->candidates + best * D, best ? D * sizeof(double) : 0);
  for (size_t j = 0; j < k; j++) p->half[j * p->tries] = p->half[j * p->tries + best];
  return LAT_OK;
}

lat_status lat_kmeans_plus(lat_workspace *work, const lat_matrix *X, const double *weights,
                           size_t K, lat_random *random, double *centers)
{
  LAT_TRY(check_data(work, X, weights, K));
  lat_mark mark = lat_workspace_mark(work);
  plus p = {.X = X, .weights = weights, .centers = centers};
  LAT_TRY(plus_begin(work, &p, K));
  for (size_t k = 0; k < K; k++) {
    LAT_TRY(choose(work, &p, k, random));
    memcpy(centers + k * X->cols, p.candidates, X->cols * sizeof *centers);
    update u = {&p, (uint32_t)k};
    if (k + 1 < K) LAT_TRY(lat_parallel(work, p.blocks, update_task, &u));
  }
  lat_workspace_release(work, mark);
  return LAT_OK;
}
