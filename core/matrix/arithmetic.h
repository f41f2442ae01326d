/* arithmetic.h: functions of one, two or three numbers, element by element.
 *
 * Views have any strides and either dtype. Functions compute in float64 when any
 * operand is float64 and else in float32, and allocate no memory. Results are the same
 * for every number of threads and every layout. */
#ifndef LAT_MATRIX_ARITHMETIC_H
#define LAT_MATRIX_ARITHMETIC_H

#include "matrix/matrix.h"

typedef enum lat_operation {
  /* of one number a */
  LAT_NEGATIVE,
  LAT_ABS,
  LAT_SIGN,       /* -1, 0 or 1; NaN for NaN */
  LAT_SQUARE,     /* a a */
  LAT_SQRT,       /* NaN below 0 */
  LAT_RECIPROCAL, /* 1/a */
  LAT_FLOOR,
  LAT_CEIL,
  LAT_ROUND, /* to the nearest integer, halves to the even one */
  LAT_EXP,
  LAT_EXPM1, /* exp(a)-1, precise near 0 */
  LAT_LOG,   /* natural */
  LAT_LOG1P, /* log(1+a), precise near 0 */
  LAT_SIN,
  LAT_COS,
  LAT_TANH,
  LAT_SIGMOID,  /* 1/(1+exp(-a)) */
  LAT_RELU,     /* max(a, 0); NaN for NaN */
  LAT_SOFTPLUS, /* log(1+exp(a)), without overflow */
  LAT_ISNAN,    /* 1 or 0, as all predicates */
  LAT_ISFINITE,
  /* of two numbers a and b */
  LAT_ADD,
  LAT_SUBTRACT,
  LAT_MULTIPLY,
  LAT_DIVIDE,
  LAT_POWER,   /* as C's pow */
  LAT_MINIMUM, /* NaN when either is NaN */
  LAT_MAXIMUM,
  LAT_LESS, /* comparisons: 1 or 0, and 0 with NaN, except for LAT_NOT_EQUAL */
  LAT_LESS_EQUAL,
  LAT_GREATER,
  LAT_GREATER_EQUAL,
  LAT_EQUAL,
  LAT_NOT_EQUAL,
  /* of three */
  LAT_CLAMP,  /* the nearest number to a in [b, c]; NaN for NaN; c where b > c */
  LAT_SELECT, /* b where a is not 0 (NaN isn't), else c */
  LAT_OPERATIONS
} lat_operation;

/* C := op(A), element by element. C is A's shape, and A itself or apart from it. These fail with
 * LAT_CANCELLED only, as by lat_check; `work` may be NULL, and then they don't. */
lat_status lat_unary(lat_workspace *work, lat_operation op, const lat_matrix *A,
                     const lat_matrix *C);

/* C := op(A, B) for views of C's shape, as lat_broadcast_to makes them; each is C itself or apart
 * from it. */
lat_status lat_binary(lat_workspace *work, lat_operation op, const lat_matrix *A,
                      const lat_matrix *B, const lat_matrix *C);

/* D := op(A, B, C), likewise. */
lat_status lat_ternary(lat_workspace *work, lat_operation op, const lat_matrix *A,
                       const lat_matrix *B, const lat_matrix *C, const lat_matrix *D);

/* Views of A and B with one shape: a side of length 1 is repeated (by a stride of 0) to the other
 * one's length, in rows and columns alike, so a 1 x 1 matrix fits everything. LAT_SHAPE where
 * lengths differ and none is 1. The views are to read, not to write. */
lat_status lat_broadcast(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                         lat_matrix *A_fit, lat_matrix *B_fit);

/* A, repeated to rows x cols; its sides are of that length or 1. */
lat_matrix lat_broadcast_to(const lat_matrix *A, size_t rows, size_t cols);

/* Same shape, and equal numbers everywhere: 0 equals -0, NaN nothing. */
lat_status lat_equal(lat_workspace *work, const lat_matrix *A, const lat_matrix *B, bool *equal);

#endif
