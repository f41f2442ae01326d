/* kmeans/init.c: where K-means begins: rows at random, or by k-means++; see kmeans.h.
 *
 * k-means++ keeps for each row its nearest centre so far and the distance to it, in single
 * precision, and for each candidate of a pool the rows' distances to it. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "em/common/distance.h"
#include "em/kmeans/internal.h"

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
  for (size_t i = 0; weights && i < X->rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    if (!(weights[i] > 0)) rows--;
  }
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
  for (size_t i = 0; i < X->rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    left += weight_of(weights, i) > 0;
  }
  for (size_t i = 0; wanted > 0 && i < X->rows; i++) { /* weights may be others by now */
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    if (!(weight_of(weights, i) > 0)) continue;
    if (lat_random_below(random, left--) < wanted)
      take_row(X, i, centers + (K - wanted--) * X->cols);
  }
  return LAT_OK;
}

/* ---- k-means++ ------------------------------------------------------------------------------- */

enum {
  POOL = 32,        /* the most candidates at a time */
  BLOCKS_PIECE = 64 /* blocks between two looks at whether to go on */
};

/* Rows know their nearest centre so far and the distance to it, to a part in a thousand, which is
 * enough for chances; a distance is 0 exactly where a row is a centre. */
typedef struct plus {
  lat_matrix X; /* all rows, or every few of many */
  const double *weights, *centers;
  size_t every; /* weights are of every row */
  float *distance;
  uint32_t *label;
  size_t step, blocks, tries;
  double *potential; /* a block's sum of w d^2 */

  /* candidates: drawn together for the next several centres, so that the data are read once for
   * all of these */
  size_t pool, drawn, rounds; /* at most, now, and how many centres came of them */
  double *candidates;         /* pool x D */
  float *away;                /* pool x N: distances to the candidates, infinite if not computed */
  double *gains;              /* blocks x pool: by how much a candidate would lower the potential */
  size_t place[POOL];         /* which row it is */
  double chance[POOL];        /* that it had */
  double gain[POOL];          /* as it was last computed; it can only shrink */
  bool alive[POOL], fresh[POOL];

  float *half; /* of each centre: its distance to the nearest candidate, halved */
  lat_nearest nearest;
  double unit; /* of the distances: what keeps them in the range of single precision */
  double *tables, *origin, *scratch;
  size_t scratch_count;
  size_t best; /* the candidate that is taken, as the centre number new_label, or that is weighed */
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

/* The sum of w (own^2 - d^2) over the rows where d is less. */
LAT_CLONES static double gain_of(size_t n, const float *own, const float *d, const double *w)
{
  double s[LAT_ACCUMULATORS] = {0};
  size_t i = 0;
  for (; i + LAT_ACCUMULATORS <= n; i += LAT_ACCUMULATORS) {
    for (size_t l = 0; l < LAT_ACCUMULATORS; l++) {
      double a = (double)own[i + l], b = (double)d[i + l];
      s[l] += b < a ? w[i + l] * (a * a - b * b) : 0;
    }
  }
  for (size_t l = 0; i + l < n; l++) {
    double a = (double)own[i + l], b = (double)d[i + l];
    s[l] += b < a ? w[i + l] * (a * a - b * b) : 0;
  }
  return lat_sum_accumulators(s);
}

/* No candidate can be nearer to a row than its centre is, by the triangle inequality, when all are
 * twice as far from that centre as the row. */
static void weigh_block(void *context, size_t c, size_t worker)
{
  const plus *p = context;
  const double *rows[LAT_NEAREST_ROWS];
  float distances[POOL * LAT_NEAREST_ROWS], own[LAT_NEAREST_ROWS];
  double weights[LAT_NEAREST_ROWS], *scratch = p->scratch + worker * p->scratch_count;
  uint16_t open[LAT_NEAREST_ROWS];
  size_t N = p->X.rows, first = c * p->step, n = block_rows(p, c, scratch, rows), count = 0;
  for (size_t r = 0; r < n; r++) {
    open[count] = (uint16_t)r;
    rows[count] = rows[r];
    own[count] = p->distance[first + r];
    weights[count] = weight_at(p, first + r);
    count += p->half[p->label[first + r]] < own[count];
  }
  if (count > 0)
    lat_nearest_distances(&p->nearest, count, rows, p->unit, distances,
                          scratch + p->step * p->X.cols);
  for (size_t t = 0; t < p->drawn; t++) {
    const float *d = distances + t * LAT_NEAREST_ROWS;
    float *away = p->away + t * N + first;
    p->gains[c * p->pool + t] = gain_of(count, own, d, weights);
    for (size_t r = 0; r < n; r++) away[r] = INFINITY;
    for (size_t r = 0; r < count; r++) away[open[r]] = d[r];
  }
}

/* The gain of one candidate as it is now. */
static void weigh_again(void *context, size_t c, size_t worker)
{
  const plus *p = context;
  double weights[LAT_NEAREST_ROWS];
  size_t first = c * p->step, left = p->X.rows - first, n = left < p->step ? left : p->step;
  (void)worker;
  for (size_t r = 0; r < n; r++) weights[r] = weight_at(p, first + r);
  p->gains[c * p->pool + p->best] =
      gain_of(n, p->distance + first, p->away + p->best * p->X.rows + first, weights);
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

/* Every row is a centre. */
static bool is_covered(const plus *p)
{
  for (size_t c = 0; c < p->blocks; c++)
    if (p->potential[c] > 0) return false;
  return true;
}

LAT_CLONES static void measure_candidates(const plus *p, size_t centers)
{
  size_t D = p->X.cols;
  for (size_t k = 0; k < centers; k++) {
    double least = INFINITY;
    for (size_t t = 0; t < p->drawn; t++)
      least = fmin(least, lat_squared_distance(D, p->centers + k * D, p->candidates + t * D));
    p->half[k] = (float)fmin(0.499 * sqrt(least) * p->unit, 1e18);
  }
}

/* About the distance of the farthest of a few rows from the first candidate, inverted. */
LAT_CLONES static double unit_of(const plus *p)
{
  size_t D = p->X.cols, every = p->X.rows / 256 + 1;
  double most = 0, *row = p->scratch;
  int exponent = 0;
  for (size_t i = 0; i < p->X.rows; i += every) {
    take_row(&p->X, i, row);
    most = fmax(most, lat_squared_distance(D, row, p->candidates));
  }
  if (most > 0 && isfinite(most)) frexp(sqrt(most), &exponent);
  return ldexp(1, -exponent);
}

static lat_status plus_begin(lat_workspace *work, plus *p, size_t K)
{
  size_t N = p->X.rows, D = p->X.cols;
  p->tries = 2 + (size_t)log((double)K);
  p->pool = p->tries < POOL / 4 ? 4 * p->tries : POOL;
  p->step = lat_nearest_rows(p->pool, D);
  p->blocks = (N + p->step - 1) / p->step;
  p->distance = lat_allocate(work, N, sizeof *p->distance);
  p->label = lat_allocate(work, N, sizeof *p->label);
  p->potential = lat_doubles(work, p->blocks);
  p->gains = lat_allocate(work, p->blocks, p->pool * sizeof(double));
  p->away = lat_allocate(work, N, p->pool * sizeof *p->away);
  p->candidates = lat_allocate(work, p->pool, D * sizeof(double));
  p->half = lat_allocate(work, K, sizeof *p->half);
  p->tables = lat_doubles(work, lat_nearest_count(p->pool, D));
  p->origin = lat_doubles(work, D);
  p->scratch_count = p->step * D + lat_nearest_scratch(p->pool, D);
  p->scratch = lat_allocate(work, lat_workers(work), p->scratch_count * sizeof(double));
  if (!p->distance || !p->label || !p->potential || !p->gains || !p->away || !p->candidates ||
      !p->half || !p->tables || !p->origin || !p->scratch)
    return LAT_MEMORY;
  memset(p->label, 0, N * sizeof *p->label);
  for (size_t i = 0; i < N; i++) p->distance[i] = 1; /* the first draw is by weight alone */
  p->half[0] = 0;
  for (size_t c = 0; c < p->blocks; c++) {
    if (c % BLOCKS_PIECE == 0) LAT_TRY(lat_check(work));
    update_potential(p, c);
  }
  return LAT_OK;
}

static void sum_gains(plus *p, size_t t)
{
  p->gain[t] = 0;
  for (size_t c = 0; c < p->blocks; c++) p->gain[t] += p->gains[c * p->pool + t];
  p->fresh[t] = true;
}

/* New candidates, when there are k centres; the first centre is the only one of its kind. */
static lat_status draw_pool(lat_workspace *work, plus *p, size_t k, lat_random *random)
{
  size_t D = p->X.cols;
  p->drawn = k == 0 ? 1 : p->pool;
  p->rounds = 0;
  for (size_t t = 0; t < p->drawn; t++) {
    p->place[t] = draw(p, lat_random_uniform(random));
    p->chance[t] = chance(p, p->place[t]);
    p->alive[t] = true;
    take_row(&p->X, p->place[t], p->candidates + t * D);
  }
  if (k == 0)
    p->unit = unit_of(p);
  else
    measure_candidates(p, k);
  p->nearest = lat_nearest_of(p->tables, p->drawn, D, p->candidates, p->origin);
  lat_nearest_origin(p->drawn, D, p->candidates, p->origin);
  lat_nearest_prepare(&p->nearest, 0);
  LAT_TRY(lat_parallel(work, p->blocks, weigh_block, p));
  for (size_t t = 0; t < p->drawn; t++) sum_gains(p, t);
  return LAT_OK;
}

/* Candidates were drawn with the chances that rows had then. Kept with probability present chance
 * by that one, those which stay are as if drawn now. False when there are none. */
static bool redraw_pool(plus *p, lat_random *random)
{
  bool any = false;
  for (size_t t = 0; t < p->drawn; t++) {
    if (!p->alive[t]) continue;
    double now = chance(p, p->place[t]);
    p->alive[t] = lat_random_uniform(random) * p->chance[t] < now;
    p->chance[t] = now;
    p->fresh[t] = false;
    any |= p->alive[t];
  }
  return any;
}

/* The candidate that lowers the potential most, the first of equal ones. Gains shrink as centres
 * are added, so an old one is a bound: only those on top are computed again (Minoux, Accelerated
 * greedy algorithms, 1978). */
static lat_status find_best(lat_workspace *work, plus *p)
{
  for (;;) {
    double most = -1;
    for (size_t t = 0; t < p->drawn; t++) {
      if (!p->alive[t] || p->gain[t] <= most) continue;
      most = p->gain[t];
      p->best = t;
    }
    if (p->fresh[p->best]) return LAT_OK;
    LAT_TRY(lat_parallel(work, p->blocks, weigh_again, p));
    sum_gains(p, p->best);
  }
}

/* Centre number k. A pool lasts for as many centres as it has candidates for. */
static lat_status choose(lat_workspace *work, plus *p, size_t k, lat_random *random, double *center)
{
  size_t D = p->X.cols;
  if (k < 2 || p->rounds >= p->pool / p->tries || !redraw_pool(p, random))
    LAT_TRY(draw_pool(work, p, k, random));
  LAT_TRY(find_best(work, p));
  memcpy(center, p->candidates + p->best * D, D * sizeof *center);
  p->alive[p->best] = false;
  p->new_label = (uint32_t)k;
  p->rounds++;
  return lat_parallel(work, p->blocks, update_block, p);
}

/* Many rows are more than enough to find starts in: then every few of them are taken, if that
 * leaves enough with a weight. */
static void thin_out(plus *p, size_t K)
{
  enum { ROWS = 1 << 18, ROWS_A_CENTER = 16 };
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
  LAT_SCOPE(work);
  size_t D = X->cols;
  plus p = {.X = *X, .weights = weights, .centers = centers};
  thin_out(&p, K);
  LAT_TRY(plus_begin(work, &p, K));
  for (size_t k = 0; k < K; k++) {
    if (is_covered(&p)) /* what is left has nowhere to go */
      memcpy(centers + k * D, centers, D * sizeof *centers);
    else
      LAT_TRY(choose(work, &p, k, random, centers + k * D));
  }
  return LAT_OK;
}
