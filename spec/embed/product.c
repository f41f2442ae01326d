/* product.c: lat_product over every pair of layouts, most of which Lua's views can't reach, against
 * sums by definition. Prints the number of cases and the largest error, as a part of what k terms
 * summed in any order may be off by; its spec runs it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"
#include "matrix/product.h"

enum { LAYOUTS = 9, WRITABLE = 6, ROOM = 1 << 18 };

static unsigned seed = 1;

static double draw(void)
{
  seed = seed * 1664525u + 1013904223u;
  return (double)(seed >> 8) / (1 << 24) - 0.5;
}

/* A rows x cols view of `memory` (ROOM elements) in one of the layouts; those from WRITABLE on
 * repeat elements or run backwards. */
static lat_matrix view(int layout, size_t rows, size_t cols, void *memory, lat_dtype dtype)
{
  ptrdiff_t r = (ptrdiff_t)rows, c = (ptrdiff_t)cols;
  const ptrdiff_t strides[LAYOUTS][2] = {
      {c, 1},             /* packed */
      {1, r},             /* a transpose */
      {2 * c + 3, 1},     /* a block */
      {1, 2 * r + 3},     /* a transpose's block */
      {2 * c + 3, 2},     /* every second column */
      {2, 2 * r + 3},     /* every second row of a transpose */
      {-(2 * c + 3), -1}, /* backwards */
      {0, 1},             /* a row, repeated */
      {1, 0},             /* a column, repeated */
  };
  lat_matrix A = {memory, rows, cols, strides[layout][0], strides[layout][1], dtype};
  lat_matrix all = {memory, ROOM, 1, 1, 1, dtype};
  for (size_t i = 0; i < ROOM && i < 8 * rows * cols + 64; i++) lat_set(&all, i, 0, draw());
  if (A.row_stride < 0)
    A.data = (char *)memory + (ptrdiff_t)lat_dtype_size(dtype) * ((r - 1) * (2 * c + 3) + (c - 1));
  return A;
}

/* The largest error of C over its bound for sums in any order, with alpha in any place: k + 2
 * roundings of the sum of magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). */
static double error(const lat_matrix *A, const lat_matrix *B, const lat_matrix *old,
                    const lat_matrix *C, double alpha, double beta)
{
  double worst = 0, unit = C->dtype == LAT_FLOAT64 ? 0x1p-53 : 0x1p-24;
  double roundings = (double)A->cols + 2;
  for (size_t i = 0; i < C->rows; i++) {
    for (size_t j = 0; j < C->cols; j++) {
      double start = beta == 0 ? 0 : beta * lat_get(old, i, j), magnitude = fabs(start);
      long double sum = start;
      for (size_t k = 0; k < A->cols; k++) {
        double term = alpha * lat_get(A, i, k) * lat_get(B, k, j);
        sum += term;
        magnitude += fabs(term);
      }
      double e = fabs((double)(lat_get(C, i, j) - sum)) / (roundings * unit * magnitude);
      if (!(e <= worst)) worst = e;
    }
  }
  return worst;
}

int main(void)
{
  static const size_t shapes[][3] = {{1, 1, 1}, {1, 1, 9}, {1, 5, 1}, {5, 1, 1},   {1, 5, 7},
                                     {5, 1, 7}, {5, 7, 1}, {3, 5, 7}, {17, 9, 13}, {3, 2, 515}};
  static double room[3][ROOM], before[1024];
  double worst = 0;
  int cases = 0;
  lat_workspace work;
  lat_workspace_init(&work);
  for (int code = 0; code < 2 * 2 * 10 * LAYOUTS * LAYOUTS * WRITABLE; code++) {
    int rest = code;
    lat_dtype dtype = rest % 2 ? LAT_FLOAT32 : LAT_FLOAT64;
    double beta = (rest /= 2) % 2 ? 0.5 : 0;
    const size_t *n = shapes[(rest /= 2) % 10];
    int a = (rest /= 10) % LAYOUTS, b = (rest /= LAYOUTS) % LAYOUTS, c = rest / LAYOUTS;
    lat_matrix A = view(a, n[0], n[2], room[0], dtype), B = view(b, n[2], n[1], room[1], dtype);
    lat_matrix C = view(c, n[0], n[1], room[2], dtype), old = lat_matrix_of(before, n[0], n[1]);
    lat_copy(&C, &old);
    if (beta == 0) lat_fill(&C, NAN); /* which must not be read */
    if (lat_product(&work, 1.5, &A, &B, beta, &C) != LAT_OK) {
      printf("%s\n", work.message);
      return 1;
    }
    double e = error(&A, &B, &old, &C, 1.5, beta);
    if (!(e <= worst)) worst = e;
    cases++;
  }
  lat_workspace_done(&work);
  printf("%d %.3f\n", cases, worst);
  return 0;
}
