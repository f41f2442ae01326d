/* qr_iteration.c: the Schur form of a Hessenberg matrix, round by round.
 *
 * Braman, Byers and Mathias (SIAM Journal on Matrix Analysis 23, 2002): eigenvalues that have
 * converged in a window at the bottom are deflated, those that haven't are the shifts of a sweep of
 * small bulges. The window and the sweep are LAPACK's (dlaqr3, dlaqr5), and so is the iteration of
 * small blocks (dlahqr). */
#include "base/progress.h"
#include "eigen/hessenberg.h"
#include "eigen/limits.h"

#include <math.h>
#include <string.h>

#define lat_dlaqr3 LAPACK_GLOBAL(dlaqr3, DLAQR3)
#define lat_dlaqr5 LAPACK_GLOBAL(dlaqr5, DLAQR5)
#define lat_dlahqr LAPACK_GLOBAL(dlahqr, DLAHQR)
void lat_dlaqr3(const int *wantt, const int *wantz, const int *n, const int *ktop, const int *kbot,
                const int *nw, double *h, const int *ldh, const int *iloz, const int *ihiz,
                double *z, const int *ldz, int *ns, int *nd, double *sr, double *si, double *v,
                const int *ldv, const int *nh, double *t, const int *ldt, const int *nv, double *wv,
                const int *ldwv, double *work, const int *lwork);
void lat_dlaqr5(const int *wantt, const int *wantz, const int *kacc22, const int *n,
                const int *ktop, const int *kbot, const int *nshfts, double *sr, double *si,
                double *h, const int *ldh, const int *iloz, const int *ihiz, double *z,
                const int *ldz, double *v, const int *ldv, double *u, const int *ldu, const int *nv,
                double *wv, const int *ldwv, const int *nh, double *wh, const int *ldwh);
void lat_dlahqr(const int *wantt, const int *wantz, const int *n, const int *ilo, const int *ihi,
                double *h, const int *ldh, double *wr, double *wi, const int *iloz, const int *ihiz,
                double *z, const int *ldz, int *info);

typedef struct iteration {
  int n, wanted; /* with the triangle and Z, or the eigenvalues only */
  double *h, *z, *real, *imaginary;
  int top, bottom; /* the active block, from 1 */
  int window, shifts;
  int stagnant; /* rounds since the last deflation */
  double *sr, *si;
  double *V, *T, *W, *work; /* of the window; and of the sweep, below */
  double *bulges, *U, *WV, *WH;
  int length;
} iteration;

static double *entry(const iteration *q, int i, int j) /* from 1 */
{
  return q->h + (ptrdiff_t)(j - 1) * q->n + (i - 1);
}

/* Memory that LAPACK's own driver has in an unused triangle of H. Its contents are multiplied by 0,
 * so they must be finite. */
static double *zeros(lat_workspace *work, size_t count)
{
  double *x = lat_doubles(work, count);
  if (x) memset(x, 0, count * sizeof *x);
  return x;
}

/* Keeps its memory. */
static lat_status begin(lat_workspace *work, iteration *q)
{
  size_t N = (size_t)q->n;
  double fit = LAT_SCHUR_SWEEP / ((double)q->n * q->n), usual = q->n / log2(q->n), query;
  if (fit > usual) fit = usual;
  q->shifts = fit > LAT_SCHUR_SHIFTS   ? LAT_SCHUR_SHIFTS
              : fit < LAT_SCHUR_FEWEST ? LAT_SCHUR_FEWEST
                                       : (int)fit / 2 * 2;
  q->window = q->n > LAT_SCHUR_WIDE ? q->shifts * 3 / 2 : q->shifts;
  size_t window = (size_t)q->window + 1, shifts = (size_t)q->shifts;
  q->sr = zeros(work, 2 * N);
  q->V = zeros(work, window * window);
  q->T = zeros(work, window * N);
  q->W = zeros(work, window * N);
  q->bulges = zeros(work, 3 * shifts);
  q->U = zeros(work, 9 * shifts * shifts);
  q->WV = zeros(work, 3 * shifts * N);
  q->WH = zeros(work, 3 * shifts * N);
  if (!q->sr || !q->V || !q->T || !q->W || !q->bulges || !q->U || !q->WV || !q->WH)
    return LAT_MEMORY;
  q->si = q->sr + N;
  int size = q->window + 1, query_only = -1, left, deflated, one = 1;
  lat_dlaqr3(&q->wanted, &q->wanted, &q->n, &one, &q->n, &size, q->h, &q->n, &one, &q->n, q->z,
             &q->n, &left, &deflated, q->real, q->imaginary, q->V, &size, &q->n, q->T, &size, &q->n,
             q->W, &q->n, &query, &query_only);
  q->length = (int)query > 2 * size ? (int)query : 2 * size;
  q->work = zeros(work, (size_t)q->length);
  return q->work ? LAT_OK : LAT_MEMORY;
}

/* Deflates what has converged in the window at the bottom of the active block. Returns how many,
 * and in *left how many eigenvalues of the window are left as shifts, from bottom - *left + 1
 * on. */
static int deflate(iteration *q, int *left)
{
  static const int one = 1;
  int order = q->bottom - q->top + 1, size = q->window, lead = q->window + 1, deflated;
  if (size > (q->n - 1) / 3) size = (q->n - 1) / 3;
  if (size > order) size = order;
  if (size < order - 1 && size > 2) { /* the window begins at the smaller of two elements */
    int row = q->bottom - size + 1;
    if (fabs(*entry(q, row, row - 1)) > fabs(*entry(q, row - 1, row - 2))) size++;
  }
  lat_dlaqr3(&q->wanted, &q->wanted, &q->n, &q->top, &q->bottom, &size, q->h, &q->n, &one, &q->n,
             q->z, &q->n, left, &deflated, q->real, q->imaginary, q->V, &lead, &q->n, q->T, &lead,
             &q->n, q->W, &q->n, q->work, &q->length);
  q->bottom -= deflated;
  return deflated;
}

/* Adds a pair of shifts x + i y and x - i y, or, with y = 0, x and `other`. */
static void add_pair(iteration *q, int *count, double x, double other, double y)
{
  q->sr[*count] = x;
  q->sr[*count + 1] = other;
  q->si[*count] = y;
  q->si[*count + 1] = -y;
  *count += 2;
}

/* Exceptional shifts, unrelated to eigenvalues, which end a cycle. */
static int exceptional_shifts(iteration *q, int wish)
{
  int count = 0;
  for (int i = q->bottom; count < wish && i > q->top + 1; i -= 2) {
    double size = fabs(*entry(q, i, i - 1)) + fabs(*entry(q, i - 1, i - 2));
    double x = *entry(q, i, i) + 0.75 * size;
    add_pair(q, &count, x, x, 0.66 * size);
  }
  return count;
}

/* Whole pairs of the `left` eigenvalues at the bottom, the last ones first. */
static int choose_shifts(iteration *q, int left, int wish)
{
  int count = 0, single = 0, first = q->bottom - left + 1;
  for (int i = q->bottom; count < wish && i >= first; i--) {
    double x = q->real[i - 1], y = q->imaginary[i - 1];
    if (y != 0 && i > first) {
      add_pair(q, &count, x, x, fabs(y));
      i--;
    } else if (y == 0 && single) {
      add_pair(q, &count, q->real[single - 1], x, 0);
      single = 0;
    } else if (y == 0) {
      single = i;
    }
  }
  if (count == 0 && single) add_pair(q, &count, q->real[single - 1], q->real[single - 1], 0);
  if (count == 2 && q->si[0] == 0) { /* the nearer one twice */
    double corner = *entry(q, q->bottom, q->bottom);
    int near = fabs(q->sr[0] - corner) < fabs(q->sr[1] - corner) ? 0 : 1;
    q->sr[0] = q->sr[1] = q->sr[near];
  }
  return count;
}

static void sweep(iteration *q, int left)
{
  static const int one = 1, structured = 2, three = 3;
  int order = q->bottom - q->top + 1, lead = 3 * q->shifts, count;
  int wish = q->shifts < order - 1 ? q->shifts : (order - 1) / 2 * 2;
  bool stuck = q->stagnant > 0 && q->stagnant % LAT_SCHUR_STALLED == 0;
  count = stuck ? exceptional_shifts(q, wish) : choose_shifts(q, left, wish);
  if (count == 0) count = exceptional_shifts(q, wish);
  lat_dlaqr5(&q->wanted, &q->wanted, &structured, &q->n, &q->top, &q->bottom, &count, q->sr, q->si,
             q->h, &q->n, &one, &q->n, q->z, &q->n, q->bulges, &three, q->U, &lead, &q->n, q->WV,
             &q->n, &q->n, q->WH, &lead);
}

/* One round with the active block at the bottom. `info` is 0, or where it failed. */
static void round_of(iteration *q, int *info)
{
  static const int one = 1;
  int left;
  if (q->bottom - q->top + 1 <= LAT_SCHUR_SMALL) {
    lat_dlahqr(&q->wanted, &q->wanted, &q->n, &q->top, &q->bottom, q->h, &q->n, q->real,
               q->imaginary, &one, &q->n, q->z, &q->n, info);
    q->bottom = q->top - 1;
    q->stagnant = 0;
    return;
  }
  int deflated = deflate(q, &left);
  q->stagnant = deflated > 0 ? 0 : q->stagnant + 1;
  if (q->bottom - q->top + 1 > LAT_SCHUR_SMALL && deflated <= LAT_SCHUR_NIBBLE * q->window)
    sweep(q, left);
}

static lat_status at_once(lat_workspace *work, int n, int low, int high, double *h, double *real,
                          double *imaginary, double *z, int *info)
{
  double query, *memory, *to = z ? z : h;
  lapack_int length;
  char job = z ? 'S' : 'E', vectors = z ? 'V' : 'N';
  LAT_TRY(lat_check(work));
  *info = LAPACKE_dhseqr_work(LAPACK_COL_MAJOR, job, vectors, n, low, high, h, n, real, imaginary,
                              to, n, &query, -1);
  LAT_TRY(lat_lapack_work(work, "dhseqr", *info, query, &memory, &length));
  *info = LAPACKE_dhseqr_work(LAPACK_COL_MAJOR, job, vectors, n, low, high, h, n, real, imaginary,
                              to, n, memory, length);
  return lat_lapack_info(work, "dhseqr", *info);
}

lat_status lat_schur(lat_workspace *work, int n, int low, int high, double *h, double *real,
                     double *imaginary, double *z, int *info)
{
  LAT_SCOPE(work);
  if (n <= LAT_SCHUR_AT_ONCE) return at_once(work, n, low, high, h, real, imaginary, z, info);
  iteration q = {.n = n,
                 .wanted = z != NULL,
                 .h = h,
                 .z = z ? z : h,
                 .real = real,
                 .imaginary = imaginary,
                 .bottom = high};
  *info = 0;
  LAT_TRY(begin(work, &q));
  for (int j = 0; j < n; j++) { /* below the subdiagonal are Householder vectors */
    if (j + 2 < n) memset(h + (ptrdiff_t)j * n + j + 2, 0, (size_t)(n - j - 2) * sizeof *h);
    real[j] = h[(ptrdiff_t)j * n + j]; /* of those that balancing has found */
    imaginary[j] = 0;
  }
  LAT_STEPS(work, steps, high - low + 1, NULL); /* eigenvalues */
  for (long rounds = (long)LAT_SCHUR_ROUNDS * (high - low + 11); q.bottom >= low && *info == 0;
       rounds--) {
    LAT_TRY(lat_at_step(&steps, high - q.bottom, 0));
    q.top = q.bottom;
    while (q.top > low && *entry(&q, q.top, q.top - 1) != 0) q.top--;
    if (rounds == 0)
      *info = q.bottom;
    else
      round_of(&q, info);
  }
  return LAT_OK;
}
