/* tile.h: products of matrices that lie in the cache, for the inner loops of models.
 *
 * A BLAS copies both factors into an order of its own first, which is slow for a block of a few
 * hundred rows and a small matrix, and an older one doesn't use this processor's widest vectors.
 * These multiply in place: a tile of C stays in registers while the sum runs. On x86-64 they are
 * made for AVX2 and AVX-512 with fused multiply-adds, and chosen when called; elsewhere BLAS does
 * the work. The order of each sum depends on the sizes alone.
 *
 * No sizes may be 0 but k, whose sums are then 0. Strides count numbers. Nothing overlaps. */
#ifndef LAT_MATRIX_TILE_H
#define LAT_MATRIX_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row of B and of C in lat_tile_product has its n columns padded to a multiple of these
 * (numbers of either size: 64 bytes of them); the padding of B affects only the padding of C. */
enum { LAT_TILE = 8, LAT_TILE_FLOAT = 16 };

static inline size_t lat_tile_columns(size_t n)
{
  return (n + LAT_TILE - 1) / LAT_TILE * LAT_TILE;
}

static inline size_t lat_tile_columns_float(size_t n)
{
  return (n + LAT_TILE_FLOAT - 1) / LAT_TILE_FLOAT * LAT_TILE_FLOAT;
}

/* C (m x n) := A B, or C += A B. A (m x k) has its number (i, p) at i a_row + p a_column, so that
 * it may be a transpose; B (k x n) and C have rows b_row and c_row apart. */
void lat_tile_product(size_t m, size_t n, size_t k, const double *A, size_t a_row, size_t a_column,
                      const double *B, size_t b_row, bool add, double *C, size_t c_row);
void lat_tile_product_float(size_t m, size_t n, size_t k, const float *A, size_t a_row,
                            size_t a_column, const float *B, size_t b_row, bool add, float *C,
                            size_t c_row);

/* C (m x n) := A B', or C += A B', for rows of A (m x k) and B (n x k) with a_row and b_row between
 * them: k should be long, as each number of C is summed up in a vector. */
void lat_tile_inner(size_t m, size_t n, size_t k, const double *A, size_t a_row, const double *B,
                    size_t b_row, bool add, double *C, size_t c_row);
void lat_tile_inner_float(size_t m, size_t n, size_t k, const float *A, size_t a_row,
                          const float *B, size_t b_row, bool add, float *C, size_t c_row);

/* Of each column of A B, which isn't stored: the least number, its row (the first of equal ones),
 * and the least of the others, infinity where there is none; where a number is NaN, the second is
 * as small as the best, or the best infinity. A (m x k) has rows a_row apart, and n is padded as
 * that of lat_tile_product. False without kernels for this processor: nothing has been done. */
bool lat_tile_least_float(size_t m, size_t n, size_t k, const float *A, size_t a_row,
                          const float *B, size_t b_row, float *best, float *second, int32_t *whose);

#endif
