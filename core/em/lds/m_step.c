/* lds/m_step.c: new parameters of a linear dynamical system from the E-step's sums.
 *
 * Two regressions, of z_t on (z_{t-1}, u_t) and of y_t on (z_t, u_t). With the sums about residuals
 * d of the present coefficients, the change of (A B) is sum E[d x'] inv(sum E[x x']), and the new
 * noise the mean of
 *
 *   E[d d'] - change E[x d'] - E[d x'] change' + change E[x x'] change'.
 *
 * Entries may be held. If the rows of (A B) have different free entries and Q isn't diagonal, the
 * regression is the generalized one under the present Q; then comes Q. The expected log-likelihood
 * rises in both steps (expectation/conditional maximization: Meng, Rubin, Biometrika 80, 1993). A
 * stationary initial state depends on A and Q; the step is then halved until the expected
 * log-likelihood with the initial state's term isn't less than before. */
#include "eigen/eigen.h"
#include "em/lds/em.h"

/* ---- regressions ----------------------------------------------------------------------------- */

/* Which entries of (A B) or (C D), n x X, may change; and the noise, which couples the rows. */
typedef struct freedom {
  const bool *free;    /* n x X */
  const double *noise; /* n x n */
  bool diagonal;       /* the noise is, so that each row is a regression of its own */
} freedom;

/* index := the free entries of row i; how many. */
static size_t list_free(const freedom *f, size_t X, size_t i, size_t *index)
{
  size_t k = 0;
  for (size_t j = 0; j < X; j++)
    if (f->free[i * X + j]) index[k++] = j;
  return k;
}

static bool is_diagonal(size_t n, const double *A)
{
  bool diagonal = true;
  for (size_t i = 0; i < n * n; i++) diagonal &= i / n == i % n || A[i] == 0;
  return diagonal;
}

static bool rows_equal(const freedom *f, size_t n, size_t X)
{
  for (size_t i = 1; i < n; i++)
    if (memcmp(f->free, f->free + i * X, X * sizeof *f->free) != 0) return false;
  return true;
}

/* change of row i := dx_f inv(xx_ff) over its free entries; `factored`: U and inverse have
 * xx_ff. */
static void solve_row(const lat_lds_regression *r, size_t i, const size_t *index, size_t k,
                      bool factored, double *U, double *inverse, double *b, double *change)
{
  for (size_t p = 0; p < k; p++) b[p] = r->dx[i * r->X + index[p]];
  if (!factored) {
    for (size_t p = 0; p < k; p++)
      for (size_t q = 0; q < k; q++) U[p * k + q] = r->xx[index[p] * r->X + index[q]];
    lat_lds_cholesky(k, U, inverse, LDS_REGRESSION_PIVOT);
  }
  lat_lds_solve_lower(k, 1, U, inverse, b);
  lat_lds_solve_upper(k, 1, U, inverse, b);
  for (size_t p = 0; p < k; p++) change[i * r->X + index[p]] = b[p];
}

/* All rows at once: sum over (l, q) of N_il xx_jq change_lq = sum over l of N_il dx_lj, N being the
 * inverse of the noise. */
static lat_status solve_coupled(lat_workspace *work, const lat_lds_regression *r, const freedom *f,
                                double *change)
{
  size_t n = r->n, X = r->X, k = 0;
  size_t *at = lat_allocate(work, n * X, sizeof *at);
  double *U = lat_doubles(work, n * n), *N = lat_doubles(work, n * n);
  double *inverse = lat_doubles(work, n), *Ndx = lat_doubles(work, n * X);
  if (!at || !U || !N || !inverse || !Ndx) return LAT_MEMORY;
  for (size_t i = 0; i < n * X; i++)
    if (f->free[i]) at[k++] = i;
  memcpy(U, f->noise, n * n * sizeof *U);
  lat_lds_cholesky(n, U, inverse, LDS_REGRESSION_PIVOT);
  for (size_t i = 0; i < n * n; i++) N[i] = i / n == i % n;
  lat_lds_solve_lower(n, n, U, inverse, N);
  lat_lds_solve_upper(n, n, U, inverse, N);
  lat_lds_multiply(n, X, n, N, n, 1, r->dx, LDS_SET, Ndx);
  double *H = lat_doubles(work, k * k), *b = lat_doubles(work, k), *scale = lat_doubles(work, k);
  if (!H || !b || !scale) return LAT_MEMORY;
  for (size_t p = 0; p < k; p++) {
    b[p] = Ndx[at[p]];
    for (size_t q = 0; q < k; q++)
      H[p * k + q] = N[at[p] / X * n + at[q] / X] * r->xx[at[p] % X * X + at[q] % X];
  }
  lat_lds_cholesky(k, H, scale, LDS_REGRESSION_PIVOT);
  lat_lds_solve_lower(k, 1, H, scale, b);
  lat_lds_solve_upper(k, 1, H, scale, b);
  for (size_t p = 0; p < k; p++) change[at[p]] = b[p];
  return LAT_OK;
}

/* The change (n x X) of the coefficients by (generalized) least squares. */
static lat_status regress(lat_workspace *work, const lat_lds_regression *r, const freedom *f,
                          double *change)
{
  size_t n = r->n, X = r->X;
  bool equal = rows_equal(f, n, X);
  memset(change, 0, n * X * sizeof *change);
  if (!equal && !f->diagonal) return solve_coupled(work, r, f, change);
  size_t *index = lat_allocate(work, X, sizeof *index);
  double *U = lat_doubles(work, X * X), *inverse = lat_doubles(work, X), *b = lat_doubles(work, X);
  if (!index || !U || !inverse || !b) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++)
    solve_row(r, i, index, list_free(f, X, i, index), equal && i > 0, U, inverse, b, change);
  return LAT_OK;
}

/* square (n x n) := dd - change dx' - dx change' + change xx change' */
static lat_status residuals(lat_workspace *work, const lat_lds_regression *r, const double *change,
                            double *square)
{
  size_t n = r->n, X = r->X;
  double *t = lat_doubles(work, n * X), *changed = lat_doubles(work, n * X);
  double *half = lat_doubles(work, n * n);
  if (!t || !changed || !half) return LAT_MEMORY;
  memcpy(changed, r->dx, n * X * sizeof *changed); /* change xx / 2 - dx */
  lat_lds_multiply(n, X, X, change, X, 1, r->xx, LDS_SET, t);
  for (size_t i = 0; i < n * X; i++) changed[i] = 0.5 * t[i] - changed[i];
  lat_lds_transpose(n, X, change, t);
  lat_lds_multiply(n, n, X, changed, X, 1, t, LDS_SET, half);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      square[i * n + j] =
          0.5 * (r->dd[i * n + j] + r->dd[j * n + i]) + half[i * n + j] + half[j * n + i];
  return LAT_OK;
}

/* ---- covariances ----------------------------------------------------------------------------- */

/* Sets eigenvalues below 0, which rounding may leave in a covariance, to 0. */
static lat_status make_semidefinite(lat_workspace *work, size_t n, double *S)
{
  double *root = lat_doubles(work, n * n), *values = lat_doubles(work, n);
  if (!root || !values) return LAT_MEMORY;
  if (lat_lds_root(n, S, root)) return LAT_OK;
  lat_matrix view = lat_matrix_of(S, n, n), vectors = lat_matrix_of(root, n, n);
  LAT_TRY(lat_symmetric(work, &view, LAT_EIGEN_FULL, lat_vector_of(values, n), &vectors));
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      S[i * n + j] = 0;
      for (size_t k = 0; k < n; k++)
        if (values[k] > 0) S[i * n + j] += root[i * n + k] * values[k] * root[j * n + k];
    }
  return LAT_OK;
}

/* to := S / count in its structure, except held entries. */
static void set_covariance(size_t n, lat_lds_structure structure, const bool *fixed,
                           const double *S, double count, double *to)
{
  double sum = 0, free = 0;
  for (size_t i = 0; i < n; i++)
    if (!fixed || !fixed[i * n + i]) {
      sum += S[i * n + i] / count;
      free++;
    }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      if (fixed && fixed[i * n + j]) continue;
      double value = S[i * n + j] / count;
      if (structure != LAT_LDS_FULL && i != j) value = 0;
      if (structure == LAT_LDS_SCALAR && i == j) value = sum / free;
      to[i * n + j] = i == j && !(value > 0) ? 0 : value;
    }
}

lat_status lat_lds_check_fixed(lat_workspace *work, const char *name, size_t n, const bool *fixed,
                               const double *value)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      bool held = fixed[i * n + j], own = fixed[i * n + i] && fixed[j * n + j];
      if (held != fixed[j * n + i])
        return lat_fail(work, LAT_INVALID,
                        "fixed: entry %zu, %zu of %s is held and its mirror isn't", i + 1, j + 1,
                        name);
      if (i == j || own) {
        if (own && !held)
          return lat_fail(work, LAT_INVALID,
                          "fixed: entry %zu, %zu of %s is free between variances that are held",
                          i + 1, j + 1, name);
        continue;
      }
      if (held && value[i * n + j] != 0)
        return lat_fail(
            work, LAT_INVALID,
            "fixed: entry %zu, %zu of %s is held at %g; beside free variances it can be "
            "held at 0 only",
            i + 1, j + 1, name, value[i * n + j]);
      if (held) continue;
      for (size_t k = 0; k < n; k++)
        if (fixed[i * n + k] != fixed[j * n + k])
          return lat_fail(
              work, LAT_INVALID,
              "fixed: the free entries of %s must be whole blocks, but of states %zu and "
              "%zu one goes with %zu and the other doesn't",
              name, i + 1, j + 1, k + 1);
    }
  return LAT_OK;
}

/* ---- one regression and its noise ------------------------------------------------------------ */

typedef struct part {
  const lat_lds_context *context;
  int left, right, noise; /* A, B, Q or C, D, R */
  lat_lds_structure structure;
  size_t M, U;
} part;

/* Entries of (left right) that may change. */
static void find_free(const part *p, size_t n, bool *free)
{
  size_t X = p->M + p->U;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < X; j++) {
      bool first = j < p->M;
      int which = first ? p->left : p->right;
      const bool *fixed = p->context->options->fixed[which];
      size_t entry = first ? i * p->M + j : i * p->U + j - p->M;
      free[i * X + j] = p->context->estimate[which] && !(fixed && fixed[entry]);
    }
}

static lat_status estimate(lat_workspace *work, const part *p, const lat_lds_regression *r,
                           double count, double *left, double *right, double *noise)
{
  size_t n = r->n, X = r->X;
  const bool *estimated = p->context->estimate;
  if (!(count > 0)) return LAT_OK;
  bool *free = lat_allocate(work, n * X, sizeof *free);
  double *change = lat_doubles(work, n * X), *square = lat_doubles(work, n * n);
  if (!free || !change || !square) return LAT_MEMORY;
  find_free(p, n, free);
  freedom f = {free, noise, is_diagonal(n, noise)};
  LAT_TRY(regress(work, r, &f, change));
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < X; j++) {
      double *to = j < p->M ? left + i * p->M + j : right + i * p->U + j - p->M;
      if (free[i * X + j]) *to += change[i * X + j];
    }
  if (!estimated[p->noise]) return LAT_OK;
  LAT_TRY(residuals(work, r, change, square));
  set_covariance(n, p->structure, p->context->options->fixed[p->noise], square, count, noise);
  return make_semidefinite(work, n, noise);
}

/* ---- the initial state ----------------------------------------------------------------------- */

static lat_status estimate_first(lat_workspace *work, const lat_lds_context *context, size_t M,
                                 const lat_lds_sums *s, double *mean, double *covariance)
{
  double count = s->totals[LDS_SEQUENCES];
  const bool *fixed = context->options->fixed[LAT_LDS_MEAN];
  double *change = lat_doubles(work, M);
  if (!change) return LAT_MEMORY;
  for (size_t i = 0; i < M; i++) {
    bool held = !context->estimate[LAT_LDS_MEAN] || (fixed && fixed[i]) ||
                lat_lds_option_diffuse(context->options, i);
    change[i] = held ? 0 : s->first[i] / count;
    mean[i] += change[i];
  }
  if (!context->estimate[LAT_LDS_COVARIANCE]) return LAT_OK;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      bool diffuse = lat_lds_option_diffuse(context->options, i) ||
                     lat_lds_option_diffuse(context->options, j);
      covariance[i * M + j] =
          diffuse
              ? 0
              : (s->first_square[i * M + j] - change[i] * s->first[j] - s->first[i] * change[j]) /
                        count +
                    change[i] * change[j];
    }
  return make_semidefinite(work, M, covariance);
}

/* ---- with a stationary initial state --------------------------------------------------------- */

/* value += -1/2 (count log |V| + tr(inv(V) S)), over the directions in which V isn't singular. */
static lat_status expected_density(lat_workspace *work, size_t n, double count, const double *V,
                                   const double *S, double *value)
{
  LAT_SCOPE(work);
  double *U = lat_doubles(work, n * n), *X = lat_doubles(work, n * n);
  double *inverse = lat_doubles(work, n);
  if (!U || !X || !inverse) return LAT_MEMORY;
  memcpy(U, V, n * n * sizeof *U);
  memcpy(X, S, n * n * sizeof *X);
  lat_lds_cholesky(n, U, inverse, LDS_REGRESSION_PIVOT);
  lat_lds_solve_lower(n, n, U, inverse, X);
  lat_lds_solve_upper(n, n, U, inverse, X);
  for (size_t i = 0; i < n; i++)
    *value -= 0.5 * (X[i * n + i] - 2 * count * (inverse[i] > 0 ? log(inverse[i]) : 0));
  return LAT_OK;
}

/* The expected log-density of transitions and first states under parameters whose A and B differ by
 * `change` from those of the sums; -infinity without a stationary state. */
static lat_status expected(lat_em *em, const lat_lds_sums *s, const double *change,
                           double *parameters, double *value)
{
  lat_workspace *work = em->work;
  LAT_SCOPE(work);
  size_t M = em->sizes[LAT_M];
  lat_lds lds = lat_lds_of(((const lat_lds_context *)em->model)->options, parameters, em->sizes);
  lat_lds_values now = lat_lds_values_of(parameters, em->sizes);
  double *square = lat_doubles(work, M * M);
  if (!square) return LAT_MEMORY;
  *value = 0;
  if (lat_lds_stationary(work, &lds, now.mean, now.covariance) != LAT_OK) {
    *value = -INFINITY;
    work->message[0] = '\0';
    return LAT_OK;
  }
  LAT_TRY(residuals(work, &s->transitions, change, square));
  LAT_TRY(expected_density(work, M, s->totals[LDS_TRANSITIONS], now.Q, square, value));
  return expected_density(work, M, s->totals[LDS_SEQUENCES], now.covariance, s->first_square,
                          value);
}

/* Halves the step from `before` to `parameters` in A, B and Q until `expected` isn't less than
 * before. */
static lat_status halve_step(lat_em *em, const lat_lds_sums *s, const double *before,
                             double *parameters)
{
  lat_workspace *work = em->work;
  size_t M = em->sizes[LAT_M], U = em->sizes[LAT_U], X = M + U;
  double *target = lat_doubles(work, em->count), *change = lat_doubles(work, M * X);
  double least = 0, value;
  if (!target || !change) return LAT_MEMORY;
  memcpy(target, parameters, em->count * sizeof *target);
  const lat_lds_values old = lat_lds_values_of((double *)before, em->sizes);
  const lat_lds_values end = lat_lds_values_of(target, em->sizes);
  const lat_lds_values now = lat_lds_values_of(parameters, em->sizes);
  const double *from[] = {old.A, old.B, old.Q}, *to[] = {end.A, end.B, end.Q};
  double *at[] = {now.A, now.B, now.Q};
  const size_t counts[] = {M * M, M * U, M * M};
  for (int halvings = -1; halvings <= LDS_HALVINGS; halvings++) { /* the first is where it starts */
    double length = halvings < 0 || halvings == LDS_HALVINGS ? 0 : ldexp(1, -halvings);
    for (int k = 0; k < 3; k++)
      for (size_t i = 0; i < counts[k]; i++)
        at[k][i] = from[k][i] + length * (to[k][i] - from[k][i]);
    for (size_t i = 0; i < M; i++)
      for (size_t j = 0; j < X; j++)
        change[i * X + j] = j < M ? now.A[i * M + j] - old.A[i * M + j]
                                  : now.B[i * U + j - M] - old.B[i * U + j - M];
    LAT_TRY(expected(em, s, change, parameters, &value));
    if (halvings < 0)
      least = value;
    else if (value >= least)
      return LAT_OK;
  }
  return LAT_OK;
}

/* ---- the M-step ------------------------------------------------------------------------------ */

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_lds_context *context = em->model;
  lat_workspace *work = em->work;
  size_t M = em->sizes[LAT_M], U = em->sizes[LAT_U];
  lat_lds_sums s = lat_lds_sums_of(em->sizes, statistics);
  lat_lds_values now = lat_lds_values_of(parameters, em->sizes);
  double *before = lat_doubles(work, em->count);
  if (!before) return LAT_MEMORY;
  memcpy(before, parameters, em->count * sizeof *before);
  part transitions = {
      context, LAT_LDS_A, LAT_LDS_B, LAT_LDS_Q, (lat_lds_structure)context->options->Q_structure,
      M,       U};
  part outputs = {
      context, LAT_LDS_C, LAT_LDS_D, LAT_LDS_R, (lat_lds_structure)context->options->R_structure,
      M,       U};
  LAT_TRY(estimate(work, &outputs, &s.outputs, s.totals[LDS_OUTPUTS], now.C, now.D, now.R));
  LAT_TRY(
      estimate(work, &transitions, &s.transitions, s.totals[LDS_TRANSITIONS], now.A, now.B, now.Q));
  if (!lat_lds_is_stationary(context->options))
    return estimate_first(work, context, M, &s, now.mean, now.covariance);
  if (!context->estimate[LAT_LDS_A] && !context->estimate[LAT_LDS_B] &&
      !context->estimate[LAT_LDS_Q])
    return LAT_OK;
  return halve_step(em, &s, before, parameters);
}

static lat_status fail_unbounded(const lat_em *em)
{
  return lat_fail(
      em->work, LAT_SINGULAR,
      "in iteration %zu the covariance C P C' + R of an observation has become singular: "
      "some outputs are explained without noise, and the likelihood is unbounded; take "
      "fewer states, a diagonal R, or hold R",
      em->iterations + 1);
}

static lat_status check_finite(const lat_em *em, const double *parameters)
{
  for (size_t i = 0; i < em->count; i++)
    if (!isfinite(parameters[i]))
      return lat_fail(em->work, LAT_DIVERGED,
                      "in iteration %zu numbers overflow: divide the data by a part of their size",
                      em->iterations + 1);
  return LAT_OK;
}

/* The number of outputs without noise of their own. */
static size_t count_noiseless(const lat_em *em, double *parameters, double *work)
{
  size_t D = em->sizes[LAT_D];
  memcpy(work, lat_lds_values_of(parameters, em->sizes).R, D * D * sizeof *work);
  return lat_lds_cholesky(D, work, work + D * D, LDS_REGRESSION_PIVOT);
}

lat_status lat_lds_m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_lds_context *context = em->model;
  size_t D = em->sizes[LAT_D];
  LAT_SCOPE(em->work);
  double *work = lat_doubles(em->work, D * D + D);
  if (!work) return LAT_MEMORY;
  size_t noiseless = count_noiseless(em, parameters, work);
  if (lat_lds_sums_of(em->sizes, statistics).totals[LDS_SKIPPED] > (double)context->skipped)
    return fail_unbounded(em);
  LAT_TRY(m_step(em, statistics, parameters));
  LAT_TRY(check_finite(em, parameters));
  if (context->estimate[LAT_LDS_R] && count_noiseless(em, parameters, work) > noiseless)
    return fail_unbounded(em);
  return LAT_OK;
}

bool lat_lds_feasible(const lat_em *em, double *parameters)
{
  const lat_lds_options *options = ((const lat_lds_context *)em->model)->options;
  size_t M = em->sizes[LAT_M], D = em->sizes[LAT_D];
  lat_lds lds = lat_lds_of(options, parameters, em->sizes);
  lat_lds_values now = lat_lds_values_of(parameters, em->sizes);
  LAT_SCOPE(em->work);
  double *root = lat_doubles(em->work, M > D ? M * M : D * D);
  bool proper = root && lat_lds_root(M, now.Q, root) && lat_lds_root(D, now.R, root);
  if (proper && lat_lds_is_stationary(options))
    proper = lat_lds_stationary(em->work, &lds, now.mean, now.covariance) == LAT_OK;
  return proper && lat_lds_root(M, now.covariance, root);
}
