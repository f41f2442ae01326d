/* krylov.c: block Lanczos with full reorthogonalization and thick restart (krylov.h).
 *
 * Storage: Q is n x (basis + block) column-major, its first `dim` columns the orthonormal basis,
 * then the current block, and after that the product; T is the projected matrix Q'AQ, full, as
 * restarts fill it. A step orthogonalizes the product against the basis, which computes a block
 * column of T and the next block. */
#include "eigen/krylov.h"

#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "eigen/dense.h"
#include "matrix/linear/lapack.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"

/* Sizes of 0 are chosen by lat_krylov_init. */
const lat_option lat_krylov_table[] = {
    LAT_OPTION_NUMBER(lat_krylov_options, tolerance, 1e-10, 1e-15, 0.5),
    LAT_OPTION_SIZE(lat_krylov_options, max_iterations, 1000, 1, LAT_ANY_COUNT),
    LAT_OPTION_SIZE(lat_krylov_options, block, 0, 1, INT_MAX),
    LAT_OPTION_SIZE(lat_krylov_options, basis, 0, 1, INT_MAX),
    LAT_OPTION_SEED(lat_krylov_options, seed),
    {.name = NULL}};

/* The basis Q has dim columns whose products are known, T = Q'AQ, then the current block:
 * width columns, whose product is wanted, and memory for that product. T's rows at the
 * block hold the product's part in Q, which is known by symmetry. */
typedef struct lat_krylov_state {
  lat_workspace *work;
  size_t n, k, basis, block, max_iterations;
  double tolerance;
  lat_random random;
  double *Q, *T; /* column-major, n and `order` rows, `order` columns */
  double *R;     /* block x block, column-major: A Q = Q T + V R [0 I], V the block */
  size_t order;  /* basis + block */
  size_t dim, width;
  size_t last;         /* columns of Q that were multiplied last: where [0 I] has its I */
  size_t unseen, wait; /* products since the last update of the Ritz pairs; until the next */
  double excess;       /* then: the log of the worst residual over what is allowed */
  double norm;         /* the largest ||A q|| and |theta| so far */
  int exponent;        /* the operator is multiplied by 2^-exponent */
  size_t starts;       /* fresh ones, after convergence */
  size_t probes;       /* products since the last of them */
  double sum;          /* of the k values then */
  double dropped;      /* coupling dropped by restarts, which adds to each residual */
  lat_matrix theta, Y; /* Ritz values, descending, and vectors, when last updated */
  double *values, *residuals;
} state;

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
  return a > b ? a : b;
}

static lat_matrix by_columns(double *data, size_t rows, size_t cols, size_t lead)
{
  return (lat_matrix){data, rows, cols, 1, (ptrdiff_t)lead, LAT_FLOAT64};
}

static lat_matrix columns(const state *s, size_t c, size_t cols)
{
  return by_columns(s->Q + c * s->n, s->n, cols, s->n);
}

static lat_matrix part_of_T(const state *s, size_t r, size_t c, size_t rows, size_t cols)
{
  return by_columns(s->T + c * s->order + r, rows, cols, s->order);
}

/* ---- orthonormal blocks ---------------------------------------------------- */

typedef struct pivots {
  double least, most;
} pivots;

/* V = V r by Cholesky QR: fast, and good enough (in two passes) while V is far from
 * singular. r is cols x cols; when not good, V is as it was. */
static lat_status cholesky_qr(state *s, lat_matrix V, double noise, double *r, pivots *p,
                              bool *good)
{
  lapack_int b = (lapack_int)V.cols;
  lat_matrix Vt = lat_transpose(V), G = by_columns(r, V.cols, V.cols, V.cols);
  LAT_TRY(lat_product(s->work, 1, &Vt, &V, 0, &G));
  *good = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', b, r, b) == 0;
  *p = (pivots){DBL_MAX, 0};
  for (size_t j = 0; j < V.cols && *good; j++) {
    double pivot = r[j * V.cols + j];
    *p = (pivots){fmin(p->least, pivot), fmax(p->most, pivot)};
    for (size_t i = j + 1; i < V.cols; i++) r[j * V.cols + i] = 0;
  }
  *good = *good && p->least > LAT_KRYLOV_WELL * p->most && p->least > noise;
  if (*good)
    cblas_dtrsm(CblasColMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)V.rows, b,
                1, r, b, V.data, (int)V.rows);
  return LAT_OK;
}

/* The same by Householder QR with pivoting, whose first `rank` columns are the directions
 * longer than noise. The columns after them, up to `keep`, are drawn at random, and
 * their rows of r (cols x cols, not triangular now) are zero. */
static lat_status pivoted_qr(state *s, lat_matrix V, double noise, size_t keep, double *r,
                             pivots *p, size_t *rank)
{
  size_t n = V.rows, b = V.cols, reflectors = least(n, b);
  lapack_int rows = (lapack_int)n, cols = (lapack_int)b, length, info;
  double *v = V.data, *memory, query;
  double *tau = lat_doubles(s->work, reflectors);
  lapack_int *order = lat_allocate(s->work, b, sizeof *order);
  if (!tau || !order) return LAT_MEMORY;
  memset(order, 0, b * sizeof *order);
  info = LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, rows, cols, v, rows, order, tau, &query, -1);
  LAT_TRY(lat_lapack_work(s->work, "dgeqp3", info, query, &memory, &length));
  info = LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, rows, cols, v, rows, order, tau, memory, length);
  LAT_TRY(lat_lapack_info(s->work, "dgeqp3", info));

  *p = (pivots){0, fabs(v[0])};
  for (*rank = 0; *rank < least(keep, reflectors); ++*rank) {
    double pivot = fabs(v[*rank * n + *rank]);
    if (!(pivot > noise)) break;
    p->least = pivot;
  }
  memset(r, 0, b * b * sizeof *r);
  for (size_t j = 0; j < b; j++)
    for (size_t i = 0; i <= j && i < *rank; i++) r[(size_t)(order[j] - 1) * b + i] = v[j * n + i];

  lapack_int kept = (lapack_int)*rank;
  if (kept > 0) {
    info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, rows, kept, kept, v, rows, tau, &query, -1);
    LAT_TRY(lat_lapack_work(s->work, "dorgqr", info, query, &memory, &length));
    info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, rows, kept, kept, v, rows, tau, memory, length);
    LAT_TRY(lat_lapack_info(s->work, "dorgqr", info));
  }
  if (keep > *rank)
    LAT_TRY(lat_random_fill_normal(s->work, &s->random, n * (keep - *rank), v + *rank * n));
  return LAT_OK;
}

/* Makes the `cols` columns of Q at dim orthonormal, also to the dim columns before: W = Q H + V R.
 * V has `keep` columns. H (dim x cols) may be NULL. Block Gram-Schmidt, repeated as
 * often as digits cancel (Kahan's "twice is enough", Parlett, The symmetric
 * eigenvalue problem, 6.9), with random directions for those that are rounding errors. */
static lat_status orthonormalize(state *s, double noise, size_t cols, size_t keep,
                                 const lat_matrix *H)
{
  size_t b = cols;
  double *r = lat_doubles(s->work, cols * cols), *product = lat_doubles(s->work, cols * cols);
  double *C = lat_doubles(s->work, s->dim * cols + 1);
  if (!r || !product || !C) return LAT_MEMORY;
  lat_matrix Q = columns(s, 0, s->dim), Qt = lat_transpose(Q);
  bool again = true;
  for (int pass = 0; pass < LAT_KRYLOV_PASSES && again; pass++) {
    lat_matrix W = columns(s, s->dim, b), c = by_columns(C, s->dim, b, s->dim);
    lat_matrix old = by_columns(s->R, b, cols, cols);
    if (s->dim > 0) {
      LAT_TRY(lat_product(s->work, 1, &Qt, &W, 0, &c));
      LAT_TRY(lat_product(s->work, -1, &Q, &c, 1, &W));
      if (H && pass == 0) lat_copy(&c, H);
      if (H && pass > 0) LAT_TRY(lat_product(s->work, 1, &c, &old, 1, H));
    }
    if (keep == 0) break;
    size_t rank = b;
    pivots p;
    bool good = false;
    if (keep == b) LAT_TRY(cholesky_qr(s, W, noise, r, &p, &good));
    if (!good) LAT_TRY(pivoted_qr(s, W, noise, keep, r, &p, &rank));
    again = pass == 0 || rank < keep || p.least < LAT_KRYLOV_KEPT * fmax(1, p.most);

    lat_matrix factor = by_columns(r, keep, b, b), R = by_columns(s->R, keep, cols, cols);
    lat_matrix result = by_columns(product, keep, cols, cols);
    if (pass == 0) {
      lat_copy(&factor, &R);
    } else {
      LAT_TRY(lat_product(s->work, 1, &factor, &old, 0, &result));
      lat_copy(&result, &R);
    }
    noise = LAT_KRYLOV_NOISE; /* of unit vectors from now on */
    b = keep;
  }
  return LAT_OK;
}

/* ---- Ritz pairs -------------------------------------------------------------- */

/* The leading eigenpairs of T, as many as a restart keeps, and the residuals of the k best. */
static lat_status update_ritz_pairs(state *s)
{
  size_t d = s->dim,
         kept = least(d, s->k + (s->basis - s->k - least(2 * s->block, s->basis - s->k)) / 2);
  lat_matrix T = part_of_T(s, 0, 0, d, d), copy = lat_matrix_new(s->work, d, d);
  if (!copy.data) return LAT_MEMORY;
  lat_copy(&T, &copy);
  kept = least(d, most(kept, s->k + 1));
  LAT_TRY(lat_symmetric_lapack(s->work, copy.data, d, kept, false, &s->theta, &s->Y));
  s->norm = fmax(s->norm, fabs(lat_get(&s->theta, 0, 0)));
  return LAT_OK;
}

/* ||R y||, y the last rows of the Ritz vector. */
static double coupling_norm(const state *s, size_t i)
{
  double sum = 0;
  for (size_t r = 0; r < s->width; r++) {
    double entry = 0;
    for (size_t c = 0; c < s->last; c++)
      entry += s->R[c * s->last + r] * lat_get(&s->Y, s->dim - s->last + c, i);
    sum += entry * entry;
  }
  return sqrt(sum);
}

/* ||A v - theta v||, or a little more after fresh starts. */
static double residual(const state *s, size_t i)
{
  return hypot(coupling_norm(s, i), s->dropped);
}

/* Whether the k best have converged. If not, sets after how many products to update them again,
 * which costs about dim^3: half of those that the residuals, falling as before, will need. */
static bool converged(state *s, size_t iterations)
{
  double worst = 0, allowed = s->tolerance * s->norm;
  for (size_t i = 0; i < s->k; i++) worst = fmax(worst, residual(s, i));
  double unseen = (double)s->unseen;
  s->unseen = 0;
  s->wait = 1;
  if (worst <= allowed) return true;
  double excess = log(worst / allowed), gain = (s->excess - excess) / unseen;
  double wait = gain > 0 ? 0.5 * excess / gain : DBL_MAX;
  s->wait = (size_t)fmax(1, fmin(wait, (double)iterations / 6));
  s->excess = excess;
  return false;
}

/* Q := the first `cols` Ritz vectors. */
static lat_status rotate_basis(state *s, size_t cols)
{
  lat_matrix Q = columns(s, 0, s->dim), first = columns(s, 0, cols);
  lat_matrix Y = lat_block_of(s->Y, 0, 0, s->dim, cols);
  lat_matrix rotated = lat_transpose(lat_matrix_new(s->work, cols, s->n));
  if (!rotated.data) return LAT_MEMORY;
  LAT_TRY(lat_product(s->work, 1, &Q, &Y, 0, &rotated));
  lat_copy(&rotated, &first);
  return LAT_OK;
}

/* Thick restart: the basis is `cols` Ritz vectors, for which T is diagonal, and the block. */
static lat_status restart(state *s, size_t cols)
{
  lat_matrix Y = lat_block_of(s->Y, s->dim - s->last, 0, s->last, cols);
  lat_matrix R = by_columns(s->R, s->width, s->last, s->last);
  LAT_TRY(rotate_basis(s, cols));
  memmove(s->Q + cols * s->n, s->Q + s->dim * s->n, s->n * s->width * sizeof *s->Q);
  memset(s->T, 0, s->order * s->order * sizeof *s->T);
  for (size_t i = 0; i < cols; i++) s->T[i * s->order + i] = lat_get(&s->theta, i, 0);
  lat_matrix coupling = part_of_T(s, cols, 0, s->width, cols);
  LAT_TRY(lat_product(s->work, 1, &R, &Y, 0, &coupling));
  s->dim = cols;
  return LAT_OK;
}

/* A fresh start: the k best and a random block. The coupling of the k best to the old block is
 * dropped, and from now on counted as part of every residual. If it is too large for that, the
 * iteration goes on; the bounds p^-3/4 add up, in squares, to less than the tolerance. */
static lat_status restart_at_random(state *s)
{
  double sum = 0, allowed = 0.6 * s->tolerance * s->norm / pow((double)(s->starts + 1), 0.75);
  for (size_t i = 0; i < s->k; i++) sum += pow(coupling_norm(s, i), 2);
  if (sqrt(sum) > allowed) return LAT_OK;
  s->dropped = hypot(s->dropped, sqrt(sum));
  LAT_TRY(restart(s, s->k));
  s->starts++;
  s->probes = 0;
  s->sum = 0;
  for (size_t i = 0; i < s->k; i++) s->sum += lat_get(&s->theta, i, 0);
  lat_matrix coupling = part_of_T(s, s->k, 0, s->width, s->k);
  lat_fill(&coupling, 0);
  s->width = least(s->block, s->n - s->k);
  LAT_TRY(lat_random_fill_normal(s->work, &s->random, s->n * s->width, s->Q + s->dim * s->n));
  return orthonormalize(s, 0, s->width, s->width, NULL);
}

/* Once the k best have converged: they are the best if a fresh start has changed none of them and
 * the best of the others will stay below them. */
typedef enum verdict { PROVED, UNDECIDED, ANEW } verdict;

static verdict decide(const state *s)
{
  double sum = 0, slack = s->tolerance * s->norm;
  if (s->block >= s->k || s->width == 0) return PROVED;
  if (s->starts == 0) return ANEW;
  if (s->probes < LAT_KRYLOV_PROBES || s->theta.rows <= s->k ||
      lat_get(&s->theta, s->k, 0) + coupling_norm(s, s->k) >
          lat_get(&s->theta, s->k - 1, 0) + slack)
    return UNDECIDED;
  for (size_t i = 0; i < s->k; i++) sum += lat_get(&s->theta, i, 0);
  return sum - s->sum > (double)s->k * slack ? ANEW : PROVED;
}

/* ---- init, next --------------------------------------------------------------- */

static lat_status finish(lat_krylov *solver, bool success)
{
  state *s = solver->state;
  for (size_t i = 0; i < s->k; i++) {
    s->values[i] = ldexp(lat_get(&s->theta, i, 0), s->exponent);
    s->residuals[i] = ldexp(residual(s, i), s->exponent);
  }
  LAT_TRY(rotate_basis(s, s->k));
  solver->values = lat_vector_of(s->values, s->k);
  solver->residuals = lat_vector_of(s->residuals, s->k);
  solver->vectors = columns(s, 0, s->k);
  lat_fix_signs(&solver->vectors, NULL);
  solver->converged = success;
  solver->wanted = false;
  return LAT_OK;
}

/* Updates the norm by the product, and scales it and T anew when its entries are too large. */
static lat_status scale_product(lat_krylov *solver)
{
  state *s = solver->state;
  double largest = 0, *w = solver->W.data;
  size_t size = s->n * s->width;
  bool finite = true;
  for (size_t i = 0; i < size; i++) {
    double x = fabs(w[i]);
    finite = finite && x <= DBL_MAX;
    largest = x > largest ? x : largest;
  }
  if (!finite) return lat_check_finite(s->work, "the product", &solver->W, false);
  lat_scale_power(w, size, -s->exponent);
  largest = ldexp(largest, -s->exponent);
  if (largest > 0 && (s->norm == 0 || largest > LAT_KRYLOV_LARGE)) {
    int shift;
    frexp(largest, &shift);
    lat_scale_power(w, size, -shift);
    lat_scale_power(s->T, s->order * s->order, -shift);
    s->norm = ldexp(s->norm, -shift);
    s->exponent += shift;
  }
  for (size_t j = 0; j < s->width; j++)
    s->norm = fmax(s->norm, cblas_dnrm2((int)s->n, w + j * s->n, 1));
  return LAT_OK;
}

/* Writes H, the part in Q of the product of the columns from `before`, into T, after checking
 * its symmetry; and the known part of the next product. */
static lat_status store(state *s, size_t before, const lat_matrix *H, size_t width)
{
  double worst = 0;
  for (size_t j = 0; j < H->cols; j++) {
    for (size_t i = 0; i < H->rows; i++) {
      double h = lat_get(H, i, j), *mirror = s->T + i * s->order + before + j;
      double expected = i < before ? *mirror : lat_get(H, before + j, i - before);
      worst = fmax(worst, fabs(h - expected));
      if (i >= before) h = 0.5 * (h + expected);
      s->T[(before + j) * s->order + i] = *mirror = h;
    }
  }
  if (!(worst <= (LAT_KRYLOV_ASYMMETRIC + 10 * s->tolerance) * s->norm))
    return lat_fail(s->work, LAT_INVALID,
                    "the operator must be symmetric, but u'(A v) and v'(A u) differ by %.3g of its "
                    "largest eigenvalue",
                    worst / s->norm);
  lat_matrix R = by_columns(s->R, width, H->cols, H->cols);
  lat_matrix coupling = part_of_T(s, s->dim, before, width, H->cols);
  lat_copy(&R, &coupling);
  return LAT_OK;
}

/* Chooses the next step after the basis has grown: more products, a restart, or the end. */
static lat_status advance(lat_krylov *solver)
{
  state *s = solver->state;
  bool complete = s->width == 0, full = s->dim + s->width > s->basis;
  bool last = solver->iterations >= s->max_iterations;
  if (s->dim < s->k || !(complete || full || last || s->unseen >= s->wait)) return LAT_OK;
  LAT_TRY(update_ritz_pairs(s));
  bool good = converged(s, solver->iterations);
  verdict next = good ? decide(s) : UNDECIDED;
  if (next == PROVED || last) return finish(solver, next == PROVED);
  if (next == ANEW) LAT_TRY(restart_at_random(s));
  if (s->dim + s->width <= s->basis) return LAT_OK;
  return restart(s, least(s->theta.rows, s->basis - 2 * s->block));
}

static void request_product(lat_krylov *solver)
{
  state *s = solver->state;
  solver->V = columns(s, s->dim, s->width);
  solver->W = columns(s, s->dim + s->width, s->width);
  solver->wanted = true;
}

lat_status lat_krylov_next(lat_krylov *solver)
{
  state *s = solver->state;
  if (!solver->wanted) return lat_fail(s->work, LAT_INVALID, "no product is wanted any more");
  LAT_TRY(lat_check(s->work));
  LAT_SCOPE(s->work);
  LAT_TRY(scale_product(solver));
  size_t before = s->dim, width;
  s->last = s->width;
  s->dim += s->width;
  width = least(s->block, s->n - s->dim);
  double *h = lat_doubles(s->work, s->dim * s->last);
  if (!h) return LAT_MEMORY;
  lat_matrix H = by_columns(h, s->dim, s->last, s->dim);
  LAT_TRY(orthonormalize(s, LAT_KRYLOV_NOISE * s->norm, s->last, width, &H));
  LAT_TRY(store(s, before, &H, width));
  s->width = width;
  s->probes++;
  s->unseen++;
  solver->iterations++;
  solver->products += s->last;
  LAT_TRY(advance(solver));
  if (solver->wanted) request_product(solver);
  return LAT_OK;
}

/* The start block: the caller's directions, then random ones. */
static lat_status begin(state *s, const lat_matrix *start)
{
  LAT_SCOPE(s->work);
  size_t known = start ? least(start->cols, s->block) : 0;
  if (known < s->block)
    LAT_TRY(lat_random_fill_normal(s->work, &s->random, s->n * (s->block - known),
                                   s->Q + known * s->n));
  if (known > 0) {
    LAT_TRY(lat_check_finite(s->work, "start", start, false));
    lat_matrix from = lat_block_of(*start, 0, 0, s->n, known), to = columns(s, 0, known);
    lat_copy(&from, &to);
  }
  for (size_t j = 0; j < s->block; j++) {
    double length = cblas_dnrm2((int)s->n, s->Q + j * s->n, 1);
    if (length > 0) cblas_dscal((int)s->n, 1 / length, s->Q + j * s->n, 1);
  }
  s->width = s->block;
  return orthonormalize(s, LAT_KRYLOV_NOISE, s->block, s->block, NULL);
}

static lat_status configure(state *s, const lat_krylov_options *o, size_t n, size_t k)
{
  lat_workspace *work = s->work;
  if (k < 1 || k > n || n > INT_MAX)
    return lat_fail(work, LAT_INVALID, "k must be 1 to n = %zu (at most %d), got %zu", n, INT_MAX,
                    k);
  if (o->start && o->start->rows != n)
    return lat_fail(work, LAT_SHAPE, "start must have %zu rows, got %zu", n, o->start->rows);
  if (!(o->tolerance >= 0 && o->tolerance < 1))
    return lat_fail(work, LAT_INVALID, "tolerance must be in [0, 1), got %g", o->tolerance);
  s->n = n, s->k = k;
  s->block =
      least(n, o->block ? o->block : most(LAT_KRYLOV_BLOCK_LEAST, least(k, LAT_KRYLOV_BLOCK_MOST)));
  if (!o->block && o->basis > k + 1) s->block = least(s->block, (o->basis - k) / 2);
  s->basis = o->basis ? o->basis : k + LAT_KRYLOV_BLOCKS * s->block;
  if (s->basis < n && s->basis < k + 2 * s->block)
    return lat_fail(work, LAT_INVALID, "basis must be at least k + 2*block = %zu, got %zu",
                    k + 2 * s->block, s->basis);
  s->basis = least(s->basis, n);
  s->order = s->basis + s->block;
  s->tolerance = o->tolerance > 0 ? o->tolerance : LAT_KRYLOV_TOLERANCE;
  s->max_iterations = o->max_iterations ? o->max_iterations : LAT_KRYLOV_ITERATIONS;
  s->random.seed = o->seed;
  return LAT_OK;
}

lat_status lat_krylov_init(lat_krylov *solver, lat_workspace *work, size_t n, size_t k,
                           const lat_krylov_options *options)
{
  static const lat_krylov_options defaults = {0};
  state *s = lat_allocate(work, 1, sizeof *s);
  if (!s) return LAT_MEMORY;
  *s = (state){.work = work};
  *solver = (lat_krylov){.state = s};
  LAT_TRY(configure(s, options ? options : &defaults, n, k));
  s->Q = lat_allocate(work, s->order, n * sizeof *s->Q);
  s->T = lat_allocate(work, s->order, s->order * sizeof *s->T);
  s->R = lat_doubles(work, s->block * s->block);
  s->values = lat_doubles(work, k);
  s->residuals = lat_doubles(work, k);
  if (!s->Q || !s->T || !s->R || !s->values || !s->residuals) return LAT_MEMORY;
  memset(s->T, 0, s->order * s->order * sizeof *s->T);
  LAT_TRY(begin(s, options ? options->start : NULL));
  request_product(solver);
  return LAT_OK;
}
