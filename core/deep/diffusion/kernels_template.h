/* diffusion/kernels_template.h: loops over packed matrices (predict.c), for float and double. */

/* y := p a + q b + r c; c may be NULL, y one of the others */
static CLONES void K(combine)(size_t n, double p, const void *a_, double q, const void *b_,
                              double r, const void *c_, void *y_)
{
  const real *a = a_, *b = b_, *c = c_, P = (real)p, Q = (real)q, R = (real)r;
  real *y = y_;
  if (c)
    LAT_INDEPENDENT for (size_t i = 0; i < n; i++) y[i] = P * a[i] + Q * b[i] + R * c[i];
  else
    LAT_INDEPENDENT for (size_t i = 0; i < n; i++) y[i] = P * a[i] + Q * b[i];
}

/* y within least..most, column by column */
static CLONES void K(clamp)(size_t rows, size_t cols, const void *least_, const void *most_,
                            void *y_)
{
  const real *restrict least = least_, *restrict most = most_;
  real *restrict y = y_;
  for (size_t i = 0; i < rows; i++, y += cols) LAT_INDEPENDENT for (size_t j = 0; j < cols; j++)
    {
      real x = y[j] < least[j] ? least[j] : y[j]; /* NaN stays */
      y[j] = x > most[j] ? most[j] : x;
    }
}

/* sums[i] := |a_i - b_i|^2 */
static CLONES void K(distances)(size_t rows, size_t cols, const void *a_, const void *b_,
                                double *sums)
{
  const real *a = a_, *b = b_;
  for (size_t i = 0; i < rows; i++, a += cols, b += cols) {
    double sum = 0;
    for (size_t j = 0; j < cols; j++) sum += (double)(a[j] - b[j]) * (double)(a[j] - b[j]);
    sums[i] = sum;
  }
}
