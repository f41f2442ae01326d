/* scatter.c: EM by the components' scatter, as a mixture of Gaussians with full covariances. */
#include <math.h>

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

/* What Gaussians derive, and then what missing.c does, where it is used. */
static bool has_lanes(const lat_em *em)
{
  return em->options.missing && lat_mppca_by_lanes(em->model);
}

static double *lanes_of(const lat_mppca_context *m, const gmm_derived *derived)
{
  return derived->path + lat_gmm_derived_count(&m->gmm);
}

static size_t count_derived(const lat_em *em)
{
  return gaussians()->derived(em) + (has_lanes(em) ? lat_mppca_lanes_count(em->model) : 0);
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  return gaussians()->scratch(em, rows) + (has_lanes(em) ? lat_mppca_lanes_scratch(em->model) : 0);
}

static lat_status prepare(lat_em *em, const double *parameters, double *memory)
{
  const lat_mppca_context *m = em->model;
  size_t D = m->gmm.D, M = m->M;
  gmm_derived derived = lat_gmm_derived_of(&m->gmm, memory);
  LAT_TRY(lat_mppca_check_density(em->work, m, parameters));
  LAT_SCOPE(em->work);
  double *W = lat_doubles(em->work, D * M + D);
  if (!W) return LAT_MEMORY;
  double *noise = W + D * M;
  LAT_TRY(lat_gmm_derive_means(em->work, &m->gmm, parameters, &derived));
  if (has_lanes(em)) lat_mppca_lanes_begin(m, lanes_of(m, &derived));
  for (size_t k = 0; k < m->gmm.K; k++) {
    double *C = derived.covariances + k * D * D;
    mppca_update u = {
        .m = m, .old = lat_mppca_view_of(m, (double *)parameters), .oldW = W, .old_noise = noise};
    lat_mppca_take_old(&u, k);
    lat_factor_multiply(false, true, D, D, M, W, W, 0, C);
    for (size_t j = 0; j < D; j++) C[j * (D + 1)] += noise[m->diagonal ? j : 0];
    if (has_lanes(em))
      lat_mppca_lanes_put(m, k, derived.means + k * D, W, noise, lanes_of(m, &derived));
  }
  LAT_TRY(lat_gmm_derive_densities(em->work, &m->gmm, &derived));
  m->gmm.record->centred |= *derived.path == GMM_CENTRED;
  return LAT_OK;
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  lat_mppca_context model = *(const lat_mppca_context *)em->model;
  lat_em gaussian = *em;
  gmm_derived derived = lat_gmm_derived_of(&model.gmm, em->derived);
  lat_gmm_structure structure = {.condition = lat_mppca_condition,
                                 .derived = lanes_of(&model, &derived),
                                 .scratch = scratch + gaussians()->scratch(em, chunk->X.rows)};
  if (has_lanes(em)) model.gmm.structure = &structure;
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
