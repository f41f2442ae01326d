/* scatter.c: EM by the components' scatter, as a mixture of Gaussians with full covariances. */
#include <math.h>

#include "base/clones.h"
#include "eigen/eigen.h"
#include "em/mppca/internal.h"

static const lat_em_kind *gaussians(void)
{
  return lat_gmm_kind(LAT_COVARIANCE_FULL);
}

/* The model begins with that of the Gaussians, so their functions take it. */
static size_t count_statistics(const lat_em *em)
{
  return gaussians()->statistics(em);
}

/* What Gaussians derive, and then each component's own, in coordinates. */
typedef struct own {
  double *W, *weighted;                  /* D x M each: W, inv(Psi) W */
  double *noise, *precision, *log_noise; /* D each */
} own;

static own own_of(const lat_mppca_context *m, const gmm_derived *derived, size_t k)
{
  size_t D = m->gmm.D, M = m->M;
  own c = {.W = derived->path + lat_gmm_derived_count(&m->gmm) + k * D * (2 * M + 3)};
  c.weighted = c.W + D * M;
  c.noise = c.weighted + D * M;
  c.precision = c.noise + D;
  c.log_noise = c.precision + D;
  return c;
}

static size_t count_derived(const lat_em *em)
{
  const lat_mppca_context *m = em->model;
  return gaussians()->derived(em) + m->gmm.K * m->gmm.D * (2 * m->M + 3);
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  return gaussians()->scratch(em, rows);
}

static lat_status prepare(lat_em *em, const double *parameters, double *memory)
{
  const lat_mppca_context *m = em->model;
  size_t D = m->gmm.D, M = m->M;
  gmm_derived derived = lat_gmm_derived_of(&m->gmm, memory);
  LAT_TRY(lat_mppca_check_density(em->work, m, parameters));
  for (size_t k = 0; k < m->gmm.K; k++) {
    own c = own_of(m, &derived, k);
    double *C = derived.covariances + k * D * D;
    mppca_update u = {.m = m,
                      .old = lat_mppca_view_of(m, (double *)parameters),
                      .oldW = c.W,
                      .old_noise = c.noise};
    lat_mppca_take_old(&u, k);
    lat_factor_multiply(false, true, D, D, M, c.W, c.W, 0, C);
    for (size_t j = 0; j < D; j++) {
      if (!m->diagonal) c.noise[j] = *c.noise;
      c.precision[j] = 1 / c.noise[j];
      c.log_noise[j] = log(c.noise[j]);
      for (size_t a = 0; a < M; a++) c.weighted[j * M + a] = c.precision[j] * c.W[j * M + a];
      C[j * (D + 1)] += c.noise[j];
    }
  }
  LAT_TRY(lat_gmm_derive_means(em->work, &m->gmm, parameters, &derived));
  LAT_TRY(lat_gmm_derive_densities(em->work, &m->gmm, &derived));
  m->gmm.record->centred |= *derived.path == GMM_CENTRED;
  return LAT_OK;
}

/* ---- rows with missing entries --------------------------------------------------------------- */

/* L += sum_o w w'/psi, packed */
LAT_CLONES static void add_products(const own *c, size_t M, size_t o, const size_t *observed,
                                    double *restrict L)
{
  for (size_t i = 0; i < o; i++) {
    const double *w = c->W + observed[i] * M, *v = c->weighted + observed[i] * M;
    double *to = L;
    for (size_t a = 0; a < M; to += ++a)
      for (size_t b = 0; b <= a; b++) to[b] += v[a] * w[b];
  }
}

/* z += sum_o d w/psi; x has d `step` apart */
LAT_CLONES static void project(const own *c, size_t M, size_t o, const size_t *observed,
                               const double *restrict x, size_t step, double *restrict z)
{
  for (size_t i = 0; i < o; i++) {
    const double *v = c->weighted + observed[i] * M;
    double d = x[observed[i] * step];
    for (size_t a = 0; a < M; a++) z[a] += d * v[a];
  }
}

/* sum_o (d - w'z)^2/psi */
LAT_CLONES static double residual(const own *c, size_t M, size_t o, const size_t *observed,
                                  const double *restrict x, size_t step, const double *restrict z)
{
  double sum = 0;
  for (size_t i = 0; i < o; i++) {
    const double *w = c->W + observed[i] * M;
    double d = x[observed[i] * step];
    for (size_t a = 0; a < M; a++) d -= w[a] * z[a];
    sum += d * d * c->precision[observed[i]];
  }
  return sum;
}

/* C = U U' of its lower triangle, U m x M */
LAT_CLONES static void square(size_t m, size_t M, const double *restrict U, double *restrict C)
{
  for (size_t i = 0; i < m; i++)
    for (size_t l = 0; l <= i; l++) {
      double sum = 0;
      for (size_t a = 0; a < M; a++) sum += U[i * M + a] * U[l * M + a];
      C[i * m + l] = C[l * m + i] = sum;
    }
}

/* L of I + W_o'inv(Psi_o)W_o; the logarithm of |C_oo|. */
static double factor(const own *c, size_t M, const gmm_pattern *p, double *L)
{
  double log_det, sum = 0;
  memset(L, 0, lat_packed_count(M) * sizeof *L);
  add_products(c, M, p->o, p->observed, L);
  for (size_t i = 0; i < p->o; i++) sum += c->log_noise[p->observed[i]];
  for (size_t a = 0; a < M; a++) L[lat_packed_count(a + 1) - 1] += 1;
  lat_packed_cholesky(M, L, &log_det);
  return sum + log_det;
}

/* C = W_m V W_m' + Psi_m, by the rows of W_m inv(L'), which are U. */
static void condition_missing(const own *c, size_t M, const gmm_pattern *p, double *U, double *C)
{
  for (size_t i = 0; i < p->m; i++) {
    const double *row = p->L;
    double *u = U + i * M;
    memcpy(u, c->W + p->missing[i] * M, M * sizeof *u);
    for (size_t a = 0; a < M; row += ++a) {
      for (size_t b = 0; b < a; b++) u[a] -= row[b] * u[b];
      u[a] /= row[a];
    }
  }
  square(p->m, M, U, C);
  for (size_t i = 0; i < p->m; i++) C[i * (p->m + 1)] += c->noise[p->missing[i]];
}

/* By the M x M matrix of the pattern: see factor.h. */
static void condition(const lat_gmm_context *gmm, const gmm_derived *derived, size_t k,
                      const gmm_pattern *p, const gmm_block *block, double *joint, double *expected,
                      double *C)
{
  const lat_mppca_context *m =
      (const lat_mppca_context *)(const void *)gmm; /* which begins with it */
  size_t M = m->M, n = block->n;
  own c = own_of(m, derived, k);
  double *z = block->Z, log_det = factor(&c, M, p, p->L);
  for (size_t i = 0; i < n; i++) {
    memset(z, 0, M * sizeof *z);
    project(&c, M, p->o, p->observed, expected + i, n, z);
    lat_packed_solve(M, p->L, z);
    double sum = log_det + residual(&c, M, p->o, p->observed, expected + i, n, z);
    for (size_t a = 0; a < M; a++) sum += z[a] * z[a];
    joint[i] = -0.5 * sum;
    for (size_t l = 0; l < p->m; l++)
      expected[p->missing[l] * n + i] = cblas_ddot((blasint)M, c.W + p->missing[l] * M, 1, z, 1);
  }
  condition_missing(&c, M, p, p->G, C);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  static const lat_gmm_structure structure = {.condition = condition};
  lat_mppca_context model = *(const lat_mppca_context *)em->model;
  lat_em gaussian = *em;
  if (2 * model.M < model.gmm.D) model.gmm.structure = &structure; /* else it doesn't pay */
  gaussian.model = &model;
  gaussians()->e_step(&gaussian, chunk, statistics, scratch);
}

/* ---- the M-step ------------------------------------------------------------------------------ */

/* Steps of EM for diagonal noise, in an iteration: they cost nothing beside its E-step, and its
 * next responsibilities are the better for them. */
enum { STEPS = 10 };

typedef struct update {
  mppca_update u;
  double *S; /* component k's scatter */
  double added;
  double *vectors, *values; /* isotropic */
  double *G, *half;         /* D x M each; diagonal */
  double *V, *spare;        /* packed, and M more */
  lat_status status;
} update;

/* The closed form: W = U (Lambda - s I)^(1/2), s the mean of what the other directions have. */
static bool fit_isotropic(update *s)
{
  size_t D = s->u.m->gmm.D, M = s->u.m->M, found = 2 * M < D ? M : D;
  lat_workspace *work = s->u.base.em->work;
  lat_matrix S = lat_matrix_of(s->S, D, D), vectors = lat_matrix_of(s->vectors, D, found);
  LAT_SCOPE(work);
  if (s->status == LAT_OK)
    s->status =
        lat_symmetric(work, &S, LAT_EIGEN_AUTO, lat_matrix_of(s->values, found, 1), &vectors);
  if (s->status != LAT_OK) return true; /* the M-step ends with it */
  double rest = 0;
  for (size_t i = M; i < found; i++) rest += s->values[i];
  for (size_t j = 0; found < D && j < D; j++) rest += s->u.diagonal[j];
  for (size_t i = 0; found < D && i < M; i++) rest -= s->values[i];
  double noise = *s->u.noise = rest / (double)(D - M);
  for (size_t i = 0; i < M; i++) {
    double length = sqrt(fmax(s->values[i] - noise, 0));
    for (size_t j = 0; j < D; j++) s->u.W[j * M + i] = length * s->vectors[j * found + i];
  }
  return lat_mppca_sound(s->u.m, s->u.noise);
}

static bool fit_diagonal(update *s)
{
  const lat_mppca_context *m = s->u.m;
  size_t D = m->gmm.D, M = m->M;
  memcpy(s->u.W, s->u.oldW, D * M * sizeof(double));
  memcpy(s->u.noise, s->u.old_noise, D * sizeof(double));
  for (int step = 0; step < STEPS; step++) {
    double *B = s->half, *SB = s->vectors, *E = s->values;
    lat_mppca_precision(m, s->u.W, s->u.noise, s->G, s->V, s->spare);
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++) E[a * M + b] = E[b * M + a] = s->V[at];
    lat_factor_multiply(false, false, D, M, M, s->G, E, 0, B); /* B' */
    lat_factor_multiply(false, false, D, M, D, s->S, B, 0, SB);
    lat_factor_multiply(true, false, M, M, D, B, SB, 1, E);
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++) s->V[at] = E[a * M + b];
    lat_mppca_solve(m, SB, s->V, s->u.diagonal, s->u.W, s->u.noise);
    if (!lat_mppca_sound(m, s->u.noise)) return false;
  }
  return true;
}

static bool fit(gmm_update *base, size_t k, double ridge)
{
  update *s = (update *)base;
  size_t D = base->gmm->D;
  (void)k;
  for (size_t j = 0; j < D; j++) s->u.diagonal[j] = s->S[j * (D + 1)] += ridge - s->added;
  s->added = ridge;
  return s->u.m->diagonal ? fit_diagonal(s) : fit_isotropic(s);
}

static bool is_point(const gmm_update *base, size_t k)
{
  const update *s = (const update *)base;
  return lat_mppca_is_point(s->u.m, gmm_rows_held(base, k), s->u.diagonal);
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_mppca_context *m = em->model;
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  LAT_SCOPE(em->work);
  gmm_derived derived = lat_gmm_derived_of(&m->gmm, em->derived);
  update s = {.u = {.base = {.fit = fit, .is_point = is_point}}};
  LAT_TRY(lat_mppca_begin_update(&s.u, em, parameters, statistics[1]));
  s.S = lat_doubles(em->work, 2 * D * D + D + M * M + 2 * D * M + 2 * T + M);
  if (!s.S) return LAT_MEMORY;
  s.vectors = s.S + D * D;
  s.values = s.vectors + D * D;
  s.G = s.values + D + M * M;
  s.half = s.G + D * M;
  s.V = s.half + D * M;
  s.spare = s.V + T;
  lat_gmm_find_means(&s.u.base, &derived, statistics + 2);
  for (size_t k = 0; k < m->gmm.K; k++) {
    gmm_emptiness empty = lat_gmm_is_empty(&s.u.base, k);
    if (empty == GMM_EMPTY) {
      memcpy(s.u.base.means + k * D, derived.means + k * D, D * sizeof(double));
      continue;
    }
    lat_mppca_take_old(&s.u, k);
    s.added = 0;
    if (empty == GMM_FILLED) {
      lat_gmm_own_covariance(&s.u.base, k, statistics + 2, s.S);
      lat_gmm_regularize_or_reseed(&s.u.base, k);
    }
    LAT_TRY(s.status);
    lat_mppca_put_new(&s.u, k);
  }
  lat_gmm_write_means(&s.u.base, parameters);
  return LAT_OK;
}

const lat_em_kind lat_mppca_scatter_isotropic = MPPCA_KIND(lat_mppca_isotropic);
const lat_em_kind lat_mppca_scatter_diagonal = MPPCA_KIND(lat_mppca_diagonal);
