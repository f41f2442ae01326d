/* functions.h: functions of one or two matrices by name, with what each takes and gives, for
 * callers that find them in a table and not in C: bindings to other languages.
 *
 *   call.A = &A;
 *   for (each pair of letters in function->gives) call.results[i] = a matrix of that shape;
 *   LAT_TRY(function->call(work, &call));
 *
 * Tables: lat_linear_functions (below), lat_eigen_functions (eigen/eigen.h), lat_metric_functions
 * (metrics.h). */
#ifndef LAT_MATRIX_FUNCTIONS_H
#define LAT_MATRIX_FUNCTIONS_H

#include "base/options.h"
#include "matrix/linear/linear.h"
#include "matrix/matrix.h"

enum { LAT_FUNCTION_RESULTS = 3 };

typedef struct lat_function_call {
  const lat_matrix *A, *B;
  double tolerance; /* a share of the largest singular value; NaN: lat_rank_tolerance */
  lat_norm_kind norm;
  int solver;        /* a lat_eigensolver */
  bool vectors;      /* whether eigenvectors are wanted, too */
  size_t k;          /* how many eigenvalues or singular values; 0: all */
  double p;          /* the power of a distance */
  size_t neighbours; /* how many of a row are near */
  double radius;     /* of a mode */
  double correction; /* what a covariance's divisor N is made smaller by */
  lat_matrix results[LAT_FUNCTION_RESULTS];
  double numbers[2]; /* what the function gives besides, or instead */
} lat_function_call;

typedef struct lat_function {
  const char *name; /* NULL ends a table */
  /* A, A and B, or the samples X and Y; then t, the tolerance, or n, the kind of norm, or nothing
   */
  const char *takes;
  /* Words of letters. The sides of a matrix, or the length of a vector: n and d, A's rows and
   * columns; k, the shorter of these, or as many as wanted; m, B's columns. Behind a question mark:
   * a matrix that is there if vectors are wanted. A number: '#', or '%' when it is whole. */
  const char *gives;
  bool square;               /* A and B must be */
  bool wide;                 /* results are float64, whatever A is */
  const lat_option *options; /* fields of lat_function_call; NULL: there are none */
  lat_status (*call)(lat_workspace *work, lat_function_call *call);
} lat_function;

extern const lat_function lat_linear_functions[];

#endif
