/* mixture/rows.c: rows before a fit: what is no data of the family, levels, and rows that are the
 * same. */
#include <math.h>
#include <string.h>

#include "em/mixture/internal.h"

/* ---- checks ---------------------------------------------------------------------------------- */

static lat_status wrong(lat_workspace *work, size_t i, size_t d, double x, const char *expected)
{
  return lat_fail(work, LAT_INVALID, "X[%zu,%zu] is %g; %s", i + 1, d + 1, x, expected);
}

static lat_status check_code(lat_workspace *work, const lat_mixture_context *m, size_t i, size_t d,
                             double x)
{
  double level = x - m->lowest[d];
  if (level >= 0 && level < m->levels[d] && floor(level) == level) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "X[%zu,%zu] is %g; codes of this column are %g to %g", i + 1,
                  d + 1, x, m->lowest[d], m->lowest[d] + m->levels[d] - 1);
}

static lat_status check_group(lat_workspace *work, const lat_matrix *X, size_t i, size_t first,
                              size_t levels)
{
  size_t ones = 0, absent = 0;
  for (size_t d = first; d < first + levels; d++) {
    double x = lat_get(X, i, d);
    if (!isnan(x) && x != 0 && x != 1) return wrong(work, i, d, x, "one-hot columns are 0 or 1");
    ones += x == 1;
    absent += isnan(x) != 0;
  }
  if (absent == levels || (ones == 1 && absent == 0)) return LAT_OK;
  return lat_fail(work, LAT_INVALID,
                  "row %zu has %zu ones in columns %zu to %zu, a group with exactly one (or NaN in "
                  "all of them)",
                  i + 1, ones, first + 1, first + levels);
}

static lat_status check_entry(lat_workspace *work, const lat_mixture_context *m,
                              const lat_matrix *X, size_t i, size_t d)
{
  double x = lat_get(X, i, d);
  if (m->family == LAT_CATEGORICAL && m->lowest[d] < 0)
    return m->levels[d] > 0 ? check_group(work, X, i, d, (size_t)m->levels[d]) : LAT_OK;
  if (isnan(x)) return LAT_OK;
  if (m->family == LAT_CATEGORICAL) return check_code(work, m, i, d, x);
  if (m->family == LAT_BERNOULLI && x != 0 && x != 1)
    return wrong(work, i, d, x, "a Bernoulli mixture takes 0 and 1");
  if (m->family == LAT_POISSON && !(x >= 0 && x < 0x1p52 && floor(x) == x))
    return wrong(work, i, d, x, "a Poisson mixture takes counts, whole numbers >= 0");
  return LAT_OK;
}

lat_status lat_mixture_check_rows(lat_workspace *work, const lat_mixture_context *m,
                                  const lat_matrix *X, bool missing)
{
  if (X->cols != m->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu", X->cols,
                    m->D);
  LAT_TRY(lat_check_finite(work, "X", X, missing));
  size_t ask = 1 + LAT_LOOK / m->D;
  for (size_t i = 0; i < X->rows; i++) {
    if (i % ask == 0) LAT_TRY(lat_check(work));
    for (size_t d = 0; d < m->D; d++) LAT_TRY(check_entry(work, m, X, i, d));
  }
  return LAT_OK;
}

lat_status lat_mixture_find_levels(lat_workspace *work, const lat_matrix *X, bool missing,
                                   double *levels, double *lowest)
{
  const double most = 65536; /* levels: beyond that it is no code */
  LAT_TRY(lat_check_finite(work, "X", X, missing));
  for (size_t d = 0; d < X->cols; d++) {
    double least = INFINITY, last = 0;
    for (size_t i = 0; i < X->rows; i++) {
      if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
      double x = lat_get(X, i, d);
      if (isnan(x)) continue;
      if (!(x >= 0 && x <= most && floor(x) == x))
        return wrong(work, i, d, x, "codes are whole numbers from 0 or 1");
      least = x < least ? x : least;
      last = x > last ? x : last;
    }
    if (isnan(lowest[d])) lowest[d] = least == 0 ? 0 : 1;
    if (isnan(levels[d])) levels[d] = last - lowest[d] + 1 > 1 ? last - lowest[d] + 1 : 1;
  }
  return LAT_OK;
}

/* ---- rows that are the same ------------------------------------------------------------------ */

/* The bits of x, for a hash: all NaN are one, and 0 is -0. */
static uint64_t bits_of(double x)
{
  uint64_t bits;
  x = x == 0 ? 0 : x;
  memcpy(&bits, &x, sizeof bits);
  return isnan(x) ? UINT64_MAX : bits;
}

static uint64_t hash(const lat_matrix *X, size_t i)
{
  uint64_t h = 0x9e3779b97f4a7c15u;
  for (size_t d = 0; d < X->cols; d++) {
    h = (h ^ bits_of(lat_get(X, i, d))) * 0xd6e8feb86659fd93u; /* odd: a bijection of words */
    h ^= h >> 32;
  }
  return h;
}

static bool same(const lat_matrix *X, size_t i, size_t j)
{
  for (size_t d = 0; d < X->cols; d++)
    if (bits_of(lat_get(X, i, d)) != bits_of(lat_get(X, j, d))) return false;
  return true;
}

lat_status lat_distinct_rows(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t most, size_t *count, size_t **places, double **totals)
{
  *count = 0;
  if (most > UINT32_MAX / 2) most = UINT32_MAX / 2;
  if (most == 0) return LAT_OK;
  size_t slots = 16;
  while (slots < 2 * most) slots *= 2;
  size_t *found = *places = lat_allocate(work, most, sizeof *found);
  uint32_t *table = lat_allocate(work, slots, sizeof *table); /* numbers of distinct rows, from 1 */
  double *sums = *totals = lat_doubles(work, most);
  if (!found || !table || !sums) return LAT_MEMORY;
  memset(table, 0, slots * sizeof *table);
  size_t distinct = 0;
  for (size_t i = 0; i < X->rows; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_check(work)); /* a row may wait for memory twice */
    if (weights && weights[i] == 0) continue;
    size_t slot = hash(X, i) & (slots - 1);
    while (table[slot] && !same(X, i, found[table[slot] - 1])) slot = (slot + 1) & (slots - 1);
    if (!table[slot]) {
      if (distinct == most) return LAT_OK;
      found[distinct] = i;
      sums[distinct] = 0;
      table[slot] = (uint32_t)++distinct;
    }
    sums[table[slot] - 1] += weights ? weights[i] : 1;
  }
  *count = distinct;
  return LAT_OK;
}
