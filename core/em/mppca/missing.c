/* mppca/missing.c: rows with missing entries under all components at once. By the M x M matrix of
 * what a row has, I + W_o'inv(Psi_o)W_o = L L' (factor/internal.h),
 *
 *   E[x_m] = W_m z,   cov[x_m] = U U' + Psi_m,   U = W_m inv(L'),
 *
 * which is little work where there are few latent dimensions, and of the same kind for all
 * components. So numbers of the same place in eight of them lie side by side, and every step is a
 * loop of vectors.
 *
 * Storage: components in groups of eight, the last of which is filled up with ones that have no W;
 * element (i, j <= i) of L is line i (i + 1)/2 + j of a table of eight columns. */
#include <math.h>

#include "base/clones.h"
#include "base/vector_math.h"
#include "em/mppca/internal.h"
#include "matrix/tile.h"

LAT_FUSED

enum { LANES = LAT_TILE };

typedef double simd __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

static size_t groups_of(const lat_mppca_context *m)
{
  return (m->gmm.K + LANES - 1) / LANES;
}

bool lat_mppca_by_lanes(const lat_mppca_context *m)
{
  size_t D = m->gmm.D, M = m->M;
  return 2 * M < D && 3 * LANES * groups_of(m) * M * M < m->gmm.K * D * D;
}

/* Of a group: lines of eight numbers. */
typedef struct lanes {
  double *W, *weighted;                         /* D x M each: W, inv(Psi) W */
  double *mean, *noise, *precision, *log_noise; /* D each */
} lanes;

static size_t lane_lines(const lat_mppca_context *m)
{
  return m->gmm.D * (2 * m->M + 4);
}

static lanes lanes_of(const lat_mppca_context *m, const double *memory, size_t group)
{
  size_t D = m->gmm.D, M = m->M;
  lanes l = {.W = (double *)memory + group * lane_lines(m) * LANES};
  l.weighted = l.W + D * M * LANES;
  l.mean = l.weighted + D * M * LANES;
  l.noise = l.mean + D * LANES;
  l.precision = l.noise + D * LANES;
  l.log_noise = l.precision + D * LANES;
  return l;
}

size_t lat_mppca_lanes_count(const lat_mppca_context *m)
{
  return groups_of(m) * lane_lines(m) * LANES;
}

void lat_mppca_lanes_begin(const lat_mppca_context *m, double *memory)
{
  memset(memory, 0, lat_mppca_lanes_count(m) * sizeof *memory);
  for (size_t g = 0; g < groups_of(m); g++) {
    lanes l = lanes_of(m, memory, g);
    for (size_t i = 0; i < m->gmm.D * LANES; i++) l.noise[i] = l.precision[i] = 1;
  }
}

void lat_mppca_lanes_put(const lat_mppca_context *m, size_t k, const double *mean, const double *W,
                         const double *noise, double *memory)
{
  size_t D = m->gmm.D, M = m->M, at = k % LANES;
  lanes l = lanes_of(m, memory, k / LANES);
  for (size_t j = 0; j < D; j++) {
    double variance = noise[m->diagonal ? j : 0];
    l.mean[j * LANES + at] = mean[j];
    l.noise[j * LANES + at] = variance;
    l.precision[j * LANES + at] = 1 / variance;
    l.log_noise[j * LANES + at] = log(variance);
    for (size_t a = 0; a < M; a++) {
      l.W[(j * M + a) * LANES + at] = W[j * M + a];
      l.weighted[(j * M + a) * LANES + at] = W[j * M + a] / variance;
    }
  }
}

/* ---- a pattern ------------------------------------------------------------------------------- */

/* Tables of the present group and pattern, lines of eight numbers. */
typedef struct tables {
  double *L, *pivots, *squares; /* packed(M), M, M */
  double *z;                    /* M */
  double *U;                    /* m x M */
  double *x;                    /* D: x - mean, or its conditional mean */
  double *log_det, *sum;        /* 1 each */
} tables;

static size_t place(const lat_mppca_context *m, double *memory, tables *t)
{
  size_t D = m->gmm.D, M = m->M;
  const size_t counts[] = {lat_packed_count(M), M, M, M, D * M, D, 1, 1};
  double *to[sizeof counts / sizeof *counts];
  size_t total = 0;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    to[i] = memory ? memory + total : NULL;
    total += counts[i] * LANES;
  }
  if (t) *t = (tables){to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7]};
  return total;
}

size_t lat_mppca_lanes_scratch(const lat_mppca_context *m)
{
  return place(m, NULL, NULL);
}

/* L := sum_o w w'/psi; log_det := that of Psi_oo */
LAT_CLONES static void add_products(const lanes *l, size_t M, const gmm_pattern *p, tables *t)
{
  simd sum = {0};
  memset(t->L, 0, lat_packed_count(M) * LANES * sizeof *t->L);
  for (size_t i = 0; i < p->o; i++) {
    size_t j = p->observed[i];
    const simd *w = (const simd *)(l->W + j * M * LANES);
    const simd *v = (const simd *)(l->weighted + j * M * LANES);
    simd *to = (simd *)t->L;
    for (size_t a = 0; a < M; to += ++a)
      for (size_t b = 0; b <= a; b++) to[b] += v[a] * w[b];
    sum += *(const simd *)(l->log_noise + j * LANES);
  }
  *(simd *)t->log_det = sum;
}

static void factor(const lanes *l, size_t M, const gmm_pattern *p, tables *t)
{
  add_products(l, M, p, t);
  lat_factor_cholesky(M, LANES, LANES, 1, t->L, t->pivots, t->squares);
  lat_log(M * LANES, t->squares, t->squares);
  for (size_t a = 0; a < M * LANES; a++) t->log_det[a % LANES] += t->squares[a];
}

/* The rows of W_m inv(L'). */
LAT_CLONES static void whiten_missing(const lanes *l, size_t M, const gmm_pattern *p, tables *t)
{
  for (size_t i = 0; i < p->m; i++) {
    const simd *w = (const simd *)(l->W + p->missing[i] * M * LANES);
    const simd *row = (const simd *)t->L, *pivots = (const simd *)t->pivots;
    simd *u = (simd *)t->U + i * M;
    for (size_t a = 0; a < M; row += ++a) {
      simd s = w[a];
      for (size_t b = 0; b < a; b++) s -= row[b] * u[b];
      u[a] = s * pivots[a];
    }
  }
}

/* The upper triangle of cov[x_m], of `count` components, m x m each. */
LAT_CLONES static void covary_missing(const lanes *l, size_t M, const gmm_pattern *p,
                                      const tables *t, size_t count, double *C)
{
  size_t m = p->m;
  for (size_t i = 0; i < m; i++)
    for (size_t j = i; j < m; j++) {
      const simd *u = (const simd *)t->U + i * M, *v = (const simd *)t->U + j * M;
      simd s = {0};
      for (size_t a = 0; a < M; a++) s += u[a] * v[a];
      if (i == j) s += *(const simd *)(l->noise + p->missing[i] * LANES);
      for (size_t k = 0; k < count; k++) C[(k * m + i) * m + j] = s[k];
    }
}

/* ---- a row ----------------------------------------------------------------------------------- */

/* x - mean of what there is, and z before it is solved for. */
LAT_CLONES static void project(const lanes *l, size_t M, const gmm_pattern *p, const double *x,
                               size_t step, tables *t)
{
  simd *z = (simd *)t->z;
  memset(t->z, 0, M * LANES * sizeof *t->z);
  for (size_t i = 0; i < p->o; i++) {
    size_t j = p->observed[i];
    const simd *v = (const simd *)(l->weighted + j * M * LANES);
    simd d = x[j * step] - *(const simd *)(l->mean + j * LANES);
    *(simd *)(t->x + j * LANES) = d;
    for (size_t a = 0; a < M; a++) z[a] += d * v[a];
  }
}

/* What is missing, by z; sum := log_det + sum_o (d - w'z)^2/psi + |z|^2 */
LAT_CLONES static void finish(const lanes *l, size_t M, const gmm_pattern *p, tables *t)
{
  const simd *z = (const simd *)t->z;
  simd sum = *(const simd *)t->log_det;
  for (size_t i = 0; i < p->o; i++) {
    size_t j = p->observed[i];
    const simd *w = (const simd *)(l->W + j * M * LANES);
    simd d = *(const simd *)(t->x + j * LANES);
    for (size_t a = 0; a < M; a++) d -= w[a] * z[a];
    sum += d * d * *(const simd *)(l->precision + j * LANES);
  }
  for (size_t a = 0; a < M; a++) sum += z[a] * z[a];
  *(simd *)t->sum = sum;
  for (size_t i = 0; i < p->m; i++) {
    const simd *w = (const simd *)(l->W + p->missing[i] * M * LANES);
    simd e = {0};
    for (size_t a = 0; a < M; a++) e += w[a] * z[a];
    *(simd *)(t->x + p->missing[i] * LANES) = e;
  }
}

void lat_mppca_condition(const lat_gmm_structure *structure, const lat_gmm_context *gmm,
                         const gmm_pattern *p, const gmm_block *block, double *expected, double *C)
{
  const lat_mppca_context *m =
      (const lat_mppca_context *)(const void *)gmm; /* which begins with it */
  size_t D = gmm->D, M = m->M, n = block->n;
  tables t;
  place(m, structure->scratch, &t);
  for (size_t g = 0, first = 0; g < groups_of(m); g++, first += LANES) {
    lanes l = lanes_of(m, structure->derived, g);
    size_t count = gmm->K - first < LANES ? gmm->K - first : LANES;
    factor(&l, M, p, &t);
    whiten_missing(&l, M, p, &t);
    covary_missing(&l, M, p, &t, count, C + first * p->m * p->m);
    for (size_t i = 0; i < n; i++) {
      project(&l, M, p, block->T + i, n, &t);
      lat_factor_cholesky_solve(M, LANES, t.L, t.pivots, LANES, 0, t.z, LANES);
      finish(&l, M, p, &t);
      for (size_t k = 0; k < count; k++) {
        double *to = expected + (first + k) * D * n + i;
        block->joint[(first + k) * n + i] = -0.5 * t.sum[k];
        for (size_t j = 0; j < D; j++) to[j * n] = t.x[j * LANES + k];
      }
    }
  }
}
