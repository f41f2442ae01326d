/* latent.c: EM for the latent variables too, of rows with too many columns for their scatter.
 *
 * The posterior of z is that of PPCA or factor analysis (factor/rows.h), for each component. A
 * missing entry x_j, given the row's others, is m_j + w_j'z + noise: so E[x_j] = m_j + w_j'E[z],
 * cov[x_j, z] = w_j'V and var[x_j] = w_j'V w_j + psi_j go into B and q. */
#include <math.h>

#include "base/clones.h"
#include "em/mppca/internal.h"

/* derived: 1 when statistics are about the means, for else products would lose digits; then what
 * lat_mppca_derive makes; then, unless entries are missing, what lat_mppca_density_derive makes. */
static const double guard = 1e7;

static bool is_centred(const lat_em *em)
{
  return *em->derived != 0;
}

static size_t count_statistics(const lat_em *em)
{
  const lat_mppca_context *m = em->model;
  return 2 + m->gmm.K * mppca_latent_count(m);
}

static size_t count_derived(const lat_em *em)
{
  bool missing = em->options.missing;
  return 1 + lat_mppca_derived_count(em->model, missing) +
         (missing ? 0 : lat_mppca_density_count(em->model));
}

static double *fast_part(const lat_em *em, const double *memory)
{
  return (double *)memory + 1 + lat_mppca_derived_count(em->model, em->options.missing);
}

static lat_status prepare(lat_em *em, const double *parameters, double *memory)
{
  const lat_mppca_context *m = em->model;
  size_t D = m->gmm.D;
  double worst = 0;
  LAT_TRY(lat_mppca_check_density(em->work, m, parameters));
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  for (size_t k = 0; k < m->gmm.K; k++) {
    double sum = 0;
    for (size_t j = 0; j < D; j++) {
      double away = p.means[k * D + j] - m->gmm.shift[j];
      sum += away * away / mppca_noise(m, p.noise, k, j);
    }
    worst = fmax(worst, sum);
  }
  *memory = !m->gmm.online && !(worst < guard);
  m->gmm.record->centred |= *memory != 0;
  lat_mppca_derive(m, parameters, em->options.missing, memory + 1);
  if (em->options.missing) return LAT_OK;
  LAT_SCOPE(em->work);
  double *spare = lat_doubles(em->work, lat_packed_count(m->M));
  if (!spare) return LAT_MEMORY;
  lat_mppca_density_derive(m, parameters, fast_part(em, memory), spare);
  return LAT_OK;
}

/* ---- the E-step ------------------------------------------------------------------------------ */

/* A worker's memory: of the chunk, and of what a component's share of it takes. */
typedef struct scratch_parts {
  double *joint;                    /* K x n, then responsibilities times weights */
  double *log_sum, *common, *spare; /* n, n, 2n */
  double *weights;                  /* n: the chunk's, then those of the rows at hand */
  double *rows;                     /* n x D: these */
  double *z1;                       /* batch x (M+1): weight times z~ */
  double *square;                   /* (M+1) x M */
  double *V;                        /* groups x (T+1): weight times V, and weight */
  double *gaps;                     /* D x (T+1): the sum of these where an entry is missing */
  double *line;                     /* M */
  double *shift;                    /* D: e = x - mean + shift */
  double *walk;
} scratch_parts;

static size_t place(const lat_mppca_context *m, bool missing, size_t n, double *scratch,
                    scratch_parts *r)
{
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M),
         batch = lat_factor_batch_rows(M, missing, n);
  size_t walk = lat_factor_rows_count(m->gmm.D, m->M, missing, n),
         fast = lat_mppca_density_scratch(m, n);
  double *at = scratch;
  scratch_parts all;
  const struct {
    double **part;
    size_t count;
  } parts[] = {{&all.joint, m->gmm.K * n},
               {&all.log_sum, n},
               {&all.common, n},
               {&all.spare, 2 * n},
               {&all.weights, n},
               {&all.rows, n * D},
               {&all.z1, batch * (M + 1)},
               {&all.square, (M + 1) * (M + 1)},
               {&all.V, (missing ? batch : 1) * (T + 1)},
               {&all.gaps, missing ? D * (T + 1) : 0},
               {&all.line, M},
               {&all.shift, D},
               {&all.walk, walk > fast || missing ? walk : fast}};
  size_t total = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i].part = at ? at + total : NULL;
    total += parts[i].count;
  }
  if (r) *r = all;
  return total;
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  return place(em->model, em->options.missing, rows, NULL, NULL);
}

/* y := x + c */
LAT_CLONES static void move(size_t n, const double *restrict x, const double *restrict c,
                            double *restrict y)
{
  for (size_t i = 0; i < n; i++) y[i] = x[i] + c[i];
}

/* y += w x^2 */
LAT_CLONES static void add_squares(size_t n, double w, const double *restrict x, double *restrict y)
{
  for (size_t i = 0; i < n; i++) y[i] += w * x[i] * x[i];
}

/* Component k's share of the rows at hand. */
typedef struct adder {
  const lat_mppca_context *m;
  const mppca_component *c;
  const scratch_parts *scratch_parts;
  lat_factor_rows walk;
  double *A, *B, *q;
} adder;

/* z1 := r (z, 1), and the groups' r V. */
static void weigh(const adder *a)
{
  const lat_factor_rows *r = &a->walk;
  size_t M = a->m->M, T = lat_packed_count(M);
  for (size_t g = 0; g < r->groups; g++) {
    double sum = 0, *V = a->scratch_parts->V + g * (T + 1);
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++) {
      double w = a->scratch_parts->weights[lat_factor_place(r, i)],
             *z1 = a->scratch_parts->z1 + i * (M + 1);
      for (size_t l = 0; l < M; l++) z1[l] = w * r->z[i * M + l];
      sum += z1[M] = w;
    }
    if (M > 0) lat_packed_inverse(M, r->factor + g * T, V, a->scratch_parts->line);
    for (size_t t = 0; t < T; t++) V[t] *= sum * r->model->noise;
    V[T] = sum;
  }
}

/* A += sum r (z~ z~' + V) */
static void add_latent(const adder *a)
{
  const lat_factor_rows *r = &a->walk;
  size_t M = a->m->M, T = lat_packed_count(M);
  lat_factor_multiply(true, false, M + 1, M, r->rows, a->scratch_parts->z1, r->z, 0,
                      a->scratch_parts->square);
  for (size_t i = 0, at = 0; i <= M; i++)
    for (size_t j = 0; j <= i && j < M; j++, at++) a->A[at] += a->scratch_parts->square[i * M + j];
  for (size_t g = 0; g < r->groups; g++) {
    const double *V = a->scratch_parts->V + g * (T + 1);
    for (size_t t = 0; t < T; t++) a->A[t] += V[t];
    a->A[T + M] += V[T];
  }
}

/* Missing entries become their conditional means, and all x become e. */
static void complete(const adder *a)
{
  const lat_factor_rows *r = &a->walk;
  size_t D = a->m->gmm.D;
  for (size_t g = 0; g < r->groups; g++) {
    const double *mask = r->model->missing ? r->mask + g * D : NULL;
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++) {
      double *d = r->d + i * D, *fit = r->fit + i * D;
      for (size_t j = 0; mask && j < D; j++) d[j] = mask[j] != 0 ? d[j] : fit[j];
      move(D, d, a->scratch_parts->shift, fit);
      add_squares(D, a->scratch_parts->z1[i * (a->m->M + 1) + a->m->M], fit, a->q);
    }
  }
}

/* What missing entries have beyond their means. */
static void add_gaps(const adder *a)
{
  const lat_factor_rows *r = &a->walk;
  size_t D = a->m->gmm.D, M = a->m->M, T = lat_packed_count(M);
  for (size_t i = 0; i < r->groups * D; i++) r->mask[i] = 1 - r->mask[i];
  lat_factor_multiply(true, false, D, T + 1, r->groups, r->mask, a->scratch_parts->V, 0,
                      a->scratch_parts->gaps);
  for (size_t j = 0; j < D; j++) {
    const double *V = a->scratch_parts->gaps + j * (T + 1), *w = a->c->frame.W + j * M;
    double *b = a->B + j * (M + 1), *line = a->scratch_parts->line;
    if (V[T] == 0) continue;
    memset(line, 0, M * sizeof *line);
    for (size_t k = 0, at = 0; k < M; k++)
      for (size_t l = 0; l <= k; l++, at++) {
        line[k] += w[l] * V[at];
        if (l < k) line[l] += w[k] * V[at];
      }
    for (size_t l = 0; l < M; l++) {
      b[l] += line[l];
      a->q[j] += line[l] * w[l];
    }
    a->q[j] += V[T] * a->c->noise[a->m->diagonal ? j : 0];
  }
}

static void add_rows(adder *a, const lat_matrix *X)
{
  size_t D = a->m->gmm.D, M = a->m->M;
  lat_factor_rows_begin(&a->walk, &a->c->frame, X, a->scratch_parts->walk);
  while (lat_factor_rows_next(&a->walk)) {
    const lat_factor_rows *r = &a->walk;
    weigh(a);
    add_latent(a);
    complete(a);
    lat_factor_multiply(true, false, D, M + 1, r->rows, r->fit, a->scratch_parts->z1, 1, a->B);
    if (r->model->missing) add_gaps(a);
  }
}

/* The rows that the component has anything to do with: where components are far apart that spares
 * nearly all of the work. */
static lat_matrix gather(const lat_matrix *X, const double *responsibilities, double least,
                         const scratch_parts *r)
{
  size_t n = 0, D = X->cols;
  for (size_t i = 0; i < X->rows; i++) {
    if (!(responsibilities[i] > least)) continue;
    lat_matrix from = lat_block_of(*X, i, 0, 1, D), to = lat_matrix_of(r->rows + n * D, 1, D);
    lat_copy(&from, &to);
    r->weights[n++] = responsibilities[i];
  }
  return lat_matrix_of(r->rows, n, D);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_mppca_context *m = em->model;
  bool missing = em->options.missing;
  size_t D = m->gmm.D, M = m->M, n = chunk->X.rows;
  scratch_parts r;
  place(m, missing, n, scratch, &r);
  if (missing || !lat_mppca_density_rows(m, fast_part(em, em->derived), &chunk->X, r.joint, r.walk))
    lat_mppca_densities(m, em->parameters, missing, em->derived + 1, &chunk->X, r.joint, r.walk);
  memset(r.common, 0, n * sizeof *r.common);
  gmm_block block = {.n = n,
                     .joint = r.joint,
                     .log_sum = r.log_sum,
                     .common = r.common,
                     .weights = r.weights,
                     .spare = r.spare};
  lat_gmm_find_responsibilities(&m->gmm, chunk, &(gmm_rows){.first = 0}, &block, statistics);
  for (size_t k = 0; k < m->gmm.K; k++) {
    mppca_component c = lat_mppca_component_of(m, em->parameters, missing, em->derived + 1, k);
    lat_matrix rows = gather(&chunk->X, r.joint + k * n, 1e-30 * block.unit, &r);
    adder a = {
        .m = m, .c = &c, .scratch_parts = &r, .A = statistics + 2 + k * mppca_latent_count(m)};
    a.B = a.A + lat_packed_count(M + 1);
    a.q = a.B + D * (M + 1);
    for (size_t j = 0; j < D; j++) {
      r.shift[j] = is_centred(em) ? 0 : c.frame.mean[j] - m->gmm.shift[j];
    }
    if (rows.rows > 0) add_rows(&a, &rows);
  }
}

/* ---- the M-step ------------------------------------------------------------------------------ */

typedef struct update {
  mppca_update u;
  /* of component k, in coordinates and about its new mean, but for a ridge: S B', V + B S B' and
   * the scatter's diagonal, which its fit adds the ridge to */
  double *SB, *E, *diagonal;
  double *trialSB, *trialE;
  double *G, *V, *spare, *B; /* of the present parameters: see lat_mppca_precision; B' = G V */
} update;

static void take_statistics(update *s, size_t k, const double *statistics)
{
  const lat_mppca_context *m = s->u.m;
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  const double *A = statistics + k * mppca_latent_count(m), *z = A + T, *B = z + M + 1;
  const double *q = B + D * (M + 1), *scale = m->gmm.scale;
  double n = s->u.base.counts[k];
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++) s->E[at] = A[at] / n - z[a] / n * (z[b] / n);
  for (size_t j = 0; j < D; j++) {
    const double *b = B + j * (M + 1);
    double mean = b[M] / n;
    for (size_t i = 0; i < M; i++) s->SB[j * M + i] = (b[i] / n - mean * (z[i] / n)) / scale[j];
    s->diagonal[j] = (q[j] / n - mean * mean) / (scale[j] * scale[j]);
  }
}

/* A ridge is a scatter of its own: r B', and B r B'. */
static void add_ridge(update *s, double ridge)
{
  const lat_mppca_context *m = s->u.m;
  size_t D = m->gmm.D, M = m->M;
  for (size_t j = 0; j < D; j++) s->u.diagonal[j] = s->diagonal[j] + ridge;
  memcpy(s->trialSB, s->SB, D * M * sizeof(double));
  memcpy(s->trialE, s->E, lat_packed_count(M) * sizeof(double));
  if (!(ridge > 0) || M == 0) return;
  lat_mppca_precision(m, s->u.oldW, s->u.old_noise, s->G, s->V, s->spare);
  for (size_t j = 0; j < D; j++) {
    const double *g = s->G + j * M;
    double *b = s->B + j * M;
    memset(b, 0, M * sizeof *b);
    for (size_t k = 0, at = 0; k < M; k++)
      for (size_t l = 0; l <= k; l++, at++) {
        b[k] += g[l] * s->V[at];
        if (l < k) b[l] += g[k] * s->V[at];
      }
    for (size_t k = 0, at = 0; k < M; k++) {
      s->trialSB[j * M + k] += ridge * b[k];
      for (size_t l = 0; l <= k; l++, at++) s->trialE[at] += ridge * b[k] * b[l];
    }
  }
}

static bool fit(gmm_update *base, size_t k, double ridge)
{
  update *s = (update *)base;
  (void)k;
  add_ridge(s, ridge);
  lat_mppca_solve(s->u.m, s->trialSB, s->trialE, s->u.diagonal, s->u.W, s->u.noise);
  return lat_mppca_sound(s->u.m, s->u.noise);
}

static bool is_point(const gmm_update *base, size_t k)
{
  const update *s = (const update *)base;
  return lat_mppca_is_point(s->u.m, gmm_rows_held(base, k), s->u.diagonal);
}

/* Counts, and means in coordinates: the centre of the statistics and their offset from it. */
static void find_means(update *s, bool centred, const double *statistics)
{
  const lat_mppca_context *m = s->u.m;
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  for (size_t k = 0; k < m->gmm.K; k++) {
    const double *A = statistics + k * mppca_latent_count(m), *B = A + T + M + 1;
    double n = s->u.base.counts[k] = A[T + M];
    for (size_t j = 0; j < D; j++) {
      double centre = centred ? s->u.old.means[k * D + j] - m->gmm.shift[j] : 0;
      double offset = n > 0 ? B[j * (M + 1) + M] / n : 0;
      s->u.base.means[k * D + j] = (centre + offset) / m->gmm.scale[j];
    }
  }
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_mppca_context *m = em->model;
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  LAT_SCOPE(em->work);
  update s = {.u = {.base = {.fit = fit, .is_point = is_point}}};
  LAT_TRY(lat_mppca_begin_update(&s.u, em, parameters, statistics[1]));
  s.SB = lat_doubles(em->work, 4 * D * M + D + 4 * T + M);
  if (!s.SB) return LAT_MEMORY;
  s.trialSB = s.SB + D * M;
  s.G = s.trialSB + D * M;
  s.B = s.G + D * M;
  s.diagonal = s.B + D * M;
  s.E = s.diagonal + D;
  s.trialE = s.E + T;
  s.V = s.trialE + T;
  s.spare = s.V + T;
  find_means(&s, is_centred(em), statistics + 2);
  for (size_t k = 0; k < m->gmm.K; k++) {
    gmm_emptiness empty = lat_gmm_is_empty(&s.u.base, k);
    if (empty == GMM_EMPTY) {
      for (size_t j = 0; j < D; j++)
        s.u.base.means[k * D + j] = (s.u.old.means[k * D + j] - m->gmm.shift[j]) / m->gmm.scale[j];
      continue;
    }
    lat_mppca_take_old(&s.u, k);
    if (empty == GMM_FILLED) {
      take_statistics(&s, k, statistics + 2);
      lat_gmm_regularize_or_reseed(&s.u.base, k);
    }
    lat_mppca_put_new(&s.u, k);
  }
  lat_gmm_write_means(&s.u.base, parameters);
  return LAT_OK;
}

const lat_em_kind lat_mppca_latent_isotropic = MPPCA_KIND(lat_mppca_isotropic);
const lat_em_kind lat_mppca_latent_diagonal = MPPCA_KIND(lat_mppca_diagonal);
