/* mppca_scatter.c: EM by the components' scatter, as a mixture of Gaussians with full covariances. */
#include <math.h>

#include "eigen/eigen.h"
#include "em/mppca_kernel.h"

static const lat_em_kind *gaussians(void)
{
  return lat_gmm_kind(LAT_COVARIANCE_FULL);
}

/* The model begins with that of the Gaussians, so their functions take it. */
static size_t count_statistics(const lat_em *em)
{
  return gaussians()->statistics(em);
}

static size_t count_derived(const lat_em *em)
{
  return gaussians()->derived(em);
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  return gaussians()->scratch(em, rows);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  gaussians()->e_step(em, chunk, statistics, scratch);
}

/* C_k in coordinates. */
static void fill_covariance(const mppca_update *u, size_t k, double *C)
{
  size_t D = u->m->gmm.D, M = u->m->M;
  mppca_take_old(u, k);
  lat_factor_multiply(false, true, D, D, M, u->oldW, u->oldW, 0, C);
  for (size_t j = 0; j < D; j++) C[j * (D + 1)] += u->old_noise[u->m->diagonal ? j : 0];
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  const lat_mppca *m = em->model;
  size_t D = m->gmm.D;
  gmm_ready ready = gmm_ready_of(&m->gmm, derived);
  lat_mark mark = lat_workspace_mark(em->work);
  double *memory = lat_doubles(em->work, D * m->M + D);
  if (!memory) return LAT_MEMORY;
  LAT_TRY(mppca_check_density(em->work, m, parameters));
  mppca_update u = {.m = m,
                    .old = lat_mppca_of(m, (double *)parameters),
                    .oldW = memory,
                    .old_noise = memory + D * m->M};
  for (size_t k = 0; k < m->gmm.K; k++) fill_covariance(&u, k, ready.covariances + k * D * D);
  LAT_TRY(gmm_prepare_means(em->work, &m->gmm, parameters, &ready));
  LAT_TRY(gmm_prepare_densities(em->work, &m->gmm, &ready));
  m->gmm.record->centred |= *ready.path == GMM_CENTRED;
  lat_workspace_release(em->work, mark);
  return LAT_OK;
}

/* ---- the M-step ----------------------------------------------------------------------------------- */

/* Steps of EM for diagonal noise, in an iteration: they cost nothing beside its E-step, and its next
 * responsibilities are the better for them. */
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
  size_t D = s->u.m->gmm.D, M = s->u.m->M;
  lat_workspace *work = s->u.base.em->work;
  lat_matrix S = lat_matrix_of(s->S, D, D), vectors = lat_matrix_of(s->vectors, D, D);
  lat_mark mark = lat_workspace_mark(work);
  if (s->status == LAT_OK)
    s->status = lat_symmetric(work, &S, LAT_EIGEN_FULL, lat_matrix_of(s->values, D, 1), &vectors);
  lat_workspace_release(work, mark);
  if (s->status != LAT_OK) return true; /* the M-step ends with it */
  double noise = 0;
  for (size_t i = M; i < D; i++) noise += s->values[i] / (double)(D - M);
  *s->u.noise = noise;
  for (size_t i = 0; i < M; i++) {
    double length = sqrt(fmax(s->values[i] - noise, 0));
    for (size_t j = 0; j < D; j++) s->u.W[j * M + i] = length * s->vectors[j * D + i];
  }
  return mppca_sound(s->u.m, s->u.noise);
}

static bool fit_diagonal(update *s)
{
  const lat_mppca *m = s->u.m;
  size_t D = m->gmm.D, M = m->M;
  memcpy(s->u.W, s->u.oldW, D * M * sizeof(double));
  memcpy(s->u.noise, s->u.old_noise, D * sizeof(double));
  for (int step = 0; step < STEPS; step++) {
    double *B = s->half, *SB = s->vectors, *E = s->values;
    mppca_precision(m, s->u.W, s->u.noise, s->G, s->V, s->spare);
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++) E[a * M + b] = E[b * M + a] = s->V[at];
    lat_factor_multiply(false, false, D, M, M, s->G, E, 0, B); /* B' */
    lat_factor_multiply(false, false, D, M, D, s->S, B, 0, SB);
    lat_factor_multiply(true, false, M, M, D, B, SB, 1, E);
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++) s->V[at] = E[a * M + b];
    mppca_solve(m, SB, s->V, s->u.diagonal, s->u.W, s->u.noise);
    if (!mppca_sound(m, s->u.noise)) return false;
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
  return mppca_is_point(s->u.m, base->counts[k], s->u.diagonal);
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_mppca *m = em->model;
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  lat_mark mark = lat_workspace_mark(em->work);
  gmm_ready ready = gmm_ready_of(&m->gmm, em->derived);
  update s = {.u = {.base = {.fit = fit, .is_point = is_point}}};
  LAT_TRY(mppca_begin_update(&s.u, em, parameters, statistics[1]));
  s.S = lat_doubles(em->work, 2 * D * D + D + M * M + 2 * D * M + 2 * T + M);
  if (!s.S) return LAT_MEMORY;
  s.vectors = s.S + D * D;
  s.values = s.vectors + D * D;
  s.G = s.values + D + M * M;
  s.half = s.G + D * M;
  s.V = s.half + D * M;
  s.spare = s.V + T;
  gmm_find_means(&s.u.base, &ready, statistics + 2);
  for (size_t k = 0; k < m->gmm.K; k++) {
    gmm_emptiness empty = gmm_is_empty(&s.u.base, k);
    if (empty == GMM_EMPTY) {
      memcpy(s.u.base.means + k * D, ready.means + k * D, D * sizeof(double));
      continue;
    }
    mppca_take_old(&s.u, k);
    s.added = 0;
    if (empty == GMM_FILLED) {
      gmm_own_covariance(&s.u.base, k, statistics + 2, s.S);
      gmm_secure(&s.u.base, k);
    }
    LAT_TRY(s.status);
    mppca_put_new(&s.u, k);
  }
  gmm_write_means(&s.u.base, parameters);
  lat_workspace_release(em->work, mark);
  return LAT_OK;
}

#define KIND(table)                                                                                \
  {                                                                                                \
    .name = "mppca", .parameters = table, .statistics = count_statistics,                          \
    .derived = count_derived, .scratch = count_scratch, .feasible = mppca_feasible,                \
    .prepare = prepare, .e_step = e_step, .m_step = m_step                                         \
  }
const lat_em_kind mppca_scatter_isotropic = KIND(lat_mppca_isotropic);
const lat_em_kind mppca_scatter_diagonal = KIND(lat_mppca_diagonal);
