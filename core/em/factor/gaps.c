/* factor/gaps.c: sums of symmetric matrices over what a row, or a column, has (internal.h).
 *
 * With a mask of zeros and ones such sums are products of matrices; but where little is missing it
 * is less work to take the sum over what is missing from that of all, or to add up what is there,
 * matrix by matrix. For the difference to keep its digits, what is missing must not be much larger
 * than what is there; sizes are traces, which bound the elements of such matrices.
 *
 * Storage: matrices are packed; SPAN elements (WIDE ones, where lists are short) of all that are
 * added are taken at a time, which stay in the cache, and their sum in registers. */
#include "base/clones.h"
#include "em/factor/internal.h"
#include "matrix/tile.h"
#include "matrix/transpose.h"

enum { WIDTH = LAT_TILE, SPAN = LAT_FACTOR_SPAN, WIDE = LAT_FACTOR_WIDE };

typedef double simd __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));

/* Of n sums: which of the matrices go into sum i, places[first[i]] to places[first[i + 1] - 1], and
 * whether these are the missing ones. */
typedef struct lists {
  uint32_t *first, *places;
  uint8_t *missing;
  double *sizes; /* of the matrices */
  double *span;  /* a span of all of them, or of all sums */
} lists;

static size_t lay_out(lists *l, size_t D, size_t stride, double *memory)
{
  size_t most = D > stride ? D : stride;
  const size_t counts[] = {most / 2 + 1, D * stride / 2 + 1, most / 8 + 1, most, stride * WIDE};
  void *to[] = {&l->first, &l->places, &l->missing, &l->sizes, &l->span};
  size_t total = 0;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    double *at = memory ? memory + total : NULL;
    memcpy(to[i], &at, sizeof at);
    total += counts[i];
  }
  return total;
}

size_t lat_factor_gaps_count(size_t D, size_t M, size_t stride)
{
  lists l;
  return M >= LAT_FACTOR_LISTS ? lay_out(&l, D, stride, NULL) : 0;
}

/* The lists of n sums of m matrices, the mask of which is at i * sum + k * matrix. */
LAT_CLONES static void make_lists(lists *l, size_t n, size_t m, const double *mask, size_t sum,
                                  size_t matrix)
{
  const double most = 0.9; /* of the size of all may be missing */
  uint32_t at = 0;
  for (size_t i = 0; i < n; i++, mask += sum) {
    double all = 0, there = 0, count = 0;
    for (size_t k = 0; k < m; k++) {
      all += l->sizes[k];
      there += l->sizes[k] * mask[k * matrix];
      count += mask[k * matrix];
    }
    bool missing = 2 * count > (double)m && all - there <= most * all;
    l->first[i] = at;
    l->missing[i] = missing;
    for (size_t k = 0; k < m; k++) {
      l->places[at] = (uint32_t)k;
      at += (mask[k * matrix] != 0) != missing;
    }
  }
  l->first[n] = at;
}

/* sum := that of a span of the matrices of a list, or of `all` what they leave. */
#define ADD_SPAN(NAME, VECTORS)                                                                    \
  LAT_INLINE void NAME(const lists *l, size_t i, const double *restrict from,                      \
                       const double *restrict all, double *restrict sum)                           \
  {                                                                                                \
    const uint32_t *end = l->places + l->first[i + 1];                                             \
    simd s[VECTORS] = {{0}};                                                                       \
    for (const uint32_t *p = l->places + l->first[i]; p < end; p++) {                              \
      const simd *line = (const simd *)(from + (size_t)*p * (VECTORS * WIDTH));                    \
      for (size_t v = 0; v < VECTORS; v++) s[v] += line[v];                                        \
    }                                                                                              \
    for (size_t v = 0; v < VECTORS; v++) {                                                         \
      if (l->missing[i]) s[v] = ((const simd *)all)[v] - s[v];                                     \
      ((simd *)sum)[v] = s[v];                                                                     \
    }                                                                                              \
  }

ADD_SPAN(add_span, SPAN / WIDTH)
ADD_SPAN(add_wide_span, WIDE / WIDTH)

LAT_CLONES static void add_spans(const lists *l, size_t n, const double *from, const double *all,
                                 double *sums)
{
  for (size_t i = 0; i < n; i++) add_span(l, i, from, all, sums + i * SPAN);
}

/* The same, added to sums. */
LAT_CLONES static void add_to_spans(const lists *l, size_t n, const double *from, const double *all,
                                    double *restrict sums)
{
  double sum[WIDE];
  for (size_t i = 0; i < n; i++, sums += WIDE) {
    add_wide_span(l, i, from, all, sum);
    for (size_t k = 0; k < WIDE; k++) sums[k] += sum[k];
  }
}

LAT_CLONES static void add_all(size_t n, const double *span, double *restrict all)
{
  memset(all, 0, WIDE * sizeof *all);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < WIDE; k++) all[k] += span[i * WIDE + k];
}

void lat_factor_gaps_products(const lat_factor_precomputed *f, size_t groups, const double *mask,
                              size_t stride, double *K, double *memory)
{
  size_t T = lat_packed_count(f->M), D = f->D;
  lists l;
  lay_out(&l, D, stride, memory);
  memcpy(l.sizes, f->traces, D * sizeof *l.sizes);
  make_lists(&l, groups, D, mask, 1, stride);
  for (size_t t = 0; t < T; t += SPAN) {
    size_t width = T - t < SPAN ? T - t : SPAN;
    add_spans(&l, groups, f->products + t * D, f->all + t, l.span);
    lat_transpose_block(groups, width, l.span, SPAN, K + t * stride, stride);
  }
}

void lat_factor_gaps_add(size_t D, size_t M, size_t groups, const double *mask, const double *E,
                         size_t stride, double *A, double *memory)
{
  size_t T = lat_packed_count(M + 1);
  double all[WIDE];
  lists l;
  lay_out(&l, D, stride, memory);
  memset(l.sizes, 0, groups * sizeof *l.sizes);
  for (size_t m = 0; m <= M; m++)
    for (size_t g = 0; g < groups; g++) l.sizes[g] += E[(lat_packed_count(m + 1) - 1) * stride + g];
  make_lists(&l, D, groups, mask, stride, 1);
  for (size_t t = 0; t < T; t += WIDE) {
    size_t width = T - t < WIDE ? T - t : WIDE;
    lat_transpose_block(width, groups, E + t * stride, stride, l.span, WIDE);
    for (size_t g = 0; g < groups && width < WIDE; g++)
      memset(l.span + g * WIDE + width, 0, (WIDE - width) * sizeof *l.span);
    add_all(groups, l.span, all);
    add_to_spans(&l, D, l.span, all, A + t * (D + 1));
    for (size_t k = 0; k < WIDE; k++) A[t * (D + 1) + D * WIDE + k] += all[k];
  }
}

void lat_factor_gaps_total(size_t D, size_t M, const double *A, double *to)
{
  size_t T = lat_packed_count(M + 1);
  for (size_t t = 0; t < T; t += WIDE) {
    size_t width = T - t < WIDE ? T - t : WIDE;
    for (size_t j = 0; j <= D; j++, A += WIDE)
      for (size_t k = 0; k < width; k++) to[j * T + t + k] += A[k];
  }
}
