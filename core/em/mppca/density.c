/* density.c: densities of complete rows under all components at once, by one product.
 *
 * With W' inv(Psi) W + I = L L' and U = inv(Psi) W inv(L'),
 *
 *   (x-m)' inv(C) (x-m) = x' inv(Psi) x - 2 x' inv(Psi) m + m' inv(Psi) m - |U'x - U'm|^2,
 *
 * so x U_k and x inv(Psi_k) m_k for all k are a product of the rows with a matrix of K (M+1)
 * columns. It subtracts what is larger than its result by as much as W' inv(Psi) W is above I and
 * means are far from the shift, so mppca/rows.c computes where that is too much. */
#include <math.h>

#include "base/special.h"
#include "em/mppca/internal.h"
#include "matrix/moments.h"

/* Ten of sixteen digits are left to differences. */
static const double guard = 1e6;

typedef struct layout {
  double *trusted;
  double *columns;   /* D x K(M+1): U_k, inv(Psi_k) m_k, ... */
  double *offsets;   /* K x M: U_k'm_k */
  double *constants; /* K */
  double *precision; /* K x D with diagonal noise, else K: inv(Psi) */
} layout;

static size_t place(const lat_mppca_context *m, const double *memory, layout *l)
{
  size_t D = m->gmm.D, K = m->gmm.K, M = m->M;
  l->trusted = (double *)memory;
  l->columns = l->trusted + 1;
  l->offsets = l->columns + D * K * (M + 1);
  l->constants = l->offsets + K * M;
  l->precision = l->constants + K;
  return 1 + D * K * (M + 1) + K * M + K + K * (m->diagonal ? D : 1);
}

size_t lat_mppca_density_count(const lat_mppca_context *m)
{
  layout l;
  double none[1];
  return place(m, none, &l);
}

/* Component k's columns; the size of what will be subtracted. */
static double fill(const lat_mppca_context *m, const lat_mppca_view *p, size_t k, const layout *l,
                   double *L)
{
  size_t D = m->gmm.D, M = m->M, width = m->gmm.K * (M + 1), T = lat_packed_count(M);
  const double *W = p->W + k * D * M, *mean = p->means + k * D;
  double log_det = 0, square = 0, volume = 0, trace = 0, *offset = l->offsets + k * M;
  memset(L, 0, T * sizeof *L);
  memset(offset, 0, M * sizeof *offset);
  for (size_t j = 0; j < D; j++) {
    const double *w = W + j * M;
    double noise = mppca_noise(m, p->noise, k, j), precision = 1 / noise;
    l->precision[m->diagonal ? k * D + j : k] = precision;
    volume += log(noise);
    for (size_t a = 0, at = 0; a < M; a++)
      for (size_t b = 0; b <= a; b++, at++) L[at] += precision * w[a] * w[b];
  }
  for (size_t a = 0; a < M; a++) {
    trace += L[lat_packed_count(a + 1) - 1];
    L[lat_packed_count(a + 1) - 1] += 1;
  }
  lat_packed_cholesky(M, L, &log_det);
  for (size_t j = 0; j < D; j++) {
    double *u = l->columns + j * width + k * (M + 1), away = mean[j] - m->gmm.shift[j];
    double precision = l->precision[m->diagonal ? k * D + j : k];
    const double *row = L;
    for (size_t i = 0; i < M; row += ++i) { /* inv(L) w */
      u[i] = precision * W[j * M + i];
      for (size_t c = 0; c < i; c++) u[i] -= row[c] * u[c];
      u[i] /= row[i];
      offset[i] += u[i] * away;
    }
    u[M] = precision * away;
    square += u[M] * away;
  }
  l->constants[k] =
      log(p->weights[k]) - 0.5 * ((double)D * LAT_LOG_2PI + volume + log_det + square);
  return trace + square;
}

void lat_mppca_density_derive(const lat_mppca_context *m, const double *parameters, double *memory,
                              double *spare)
{
  layout l;
  place(m, memory, &l);
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  double worst = 0;
  for (size_t k = 0; k < m->gmm.K; k++) worst = fmax(worst, fill(m, &p, k, &l, spare));
  *l.trusted = worst < guard;
}

size_t lat_mppca_density_scratch(const lat_mppca_context *m, size_t rows)
{
  return rows * (m->gmm.D + m->gmm.K * (m->M + 1));
}

/* Sums of squares, in eight side by side, which a compiler can make a vector. */
static double square_sum(size_t D, const double *x, const double *weights)
{
  double sums[8] = {0};
  for (size_t j = 0; j < D; j += 8)
    for (size_t k = 0; k < 8 && j + k < D; k++)
      sums[k] += x[j + k] * x[j + k] * (weights ? weights[j + k] : 1);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

bool lat_mppca_density_rows(const lat_mppca_context *m, const double *memory, const lat_matrix *X,
                            double *joint, double *scratch)
{
  size_t D = m->gmm.D, K = m->gmm.K, M = m->M, n = X->rows, width = K * (M + 1);
  layout l;
  place(m, memory, &l);
  if (*l.trusted == 0) return false;
  double *rows = scratch, *Y = rows + n * D;
  lat_centre(X, NULL, m->gmm.shift, NULL, rows);
  lat_factor_multiply(false, false, n, width, D, rows, l.columns, 0, Y);
  for (size_t i = 0; i < n; i++) {
    const double *x = rows + i * D;
    double all = m->diagonal ? 0 : square_sum(D, x, NULL);
    for (size_t k = 0; k < K; k++) {
      const double *y = Y + i * width + k * (M + 1), *offset = l.offsets + k * M;
      double sum = m->diagonal ? square_sum(D, x, l.precision + k * D) : all * l.precision[k];
      sum -= 2 * y[M];
      for (size_t a = 0; a < M; a++) sum -= (y[a] - offset[a]) * (y[a] - offset[a]);
      joint[k * n + i] = l.constants[k] - 0.5 * sum;
    }
  }
  return true;
}
