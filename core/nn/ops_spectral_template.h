/* ops_spectral_template.h: the kernels of ops_spectral.c (see kernels.h). W is rows x cols. */

LAT_INLINE double K(inner)(size_t n, const real *restrict a, const real *restrict b)
{
  real part[LAT_NN_PARTS] = {0};
  double sum = 0;
  size_t i = 0;
  for (; i + LAT_NN_PARTS <= n; i += LAT_NN_PARTS)
    for (size_t k = 0; k < LAT_NN_PARTS; k++) part[k] += a[i + k] * b[i + k];
  for (; i < n; i++) sum += (double)a[i] * (double)b[i];
  for (size_t k = 0; k < LAT_NN_PARTS; k++) sum += (double)part[k];
  return sum;
}

/* Items are rows: y[i] (double) = the inner product of row i of a with that of b, which has one row
 * for all when m is 0. */
static CLONES void K(row_products)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols;
  const real *a = args->a, *b = args->b;
  double *y = args->y;
  for (size_t i = begin; i < end; i++) y[i] = K(inner)(n, a + i * n, args->m ? b + i * n : b);
}

/* Items are columns: y[j] (double) = sum_i v_i W_ij; a = W, b = v (double). */
static CLONES void K(column_products)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict W = args->a;
  const double *v = args->b;
  double *restrict y = args->y;
  for (size_t j = begin; j < end; j++) y[j] = 0;
  for (size_t i = 0; i < args->rows; i++) {
    const real *row = W + i * args->cols;
    LAT_INDEPENDENT for (size_t j = begin; j < end; j++) y[j] += v[i] * (double)row[j];
  }
}

/* Items are rows: x (+)= s c_ij - t b_i d_j; b (double) and d are vectors. */
static CLONES void K(spectral_backward)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const size_t n = args->cols;
  const double *v = args->b;
  const real *restrict u = args->d;
  const real s = (real)args->s;
  for (size_t i = begin; i < end; i++) {
    const real *restrict g = (const real *)args->c + i * n;
    real *restrict x = (real *)args->x + i * n;
    const real t = (real)(args->t * v[i]);
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) PUT(x[j], add, s * g[j] - t * u[j]);
  }
}

/* Elements: x = s a */
static CLONES void K(spectral_scale)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict a = args->a;
  real *restrict x = args->x;
  const real s = (real)args->s;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++) x[i] = s * a[i];
}
