/* ops_linear_template.h: the kernels of ops_linear.c (see kernels.h). */

/* f of a row, in place, after the bias b (or NULL) is added. */
static CLONES void K(activate_row)(int f, size_t n, const real *restrict b, real *restrict y)
{
  if (b) LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] += b[j];
  switch (f) {
  case LAT_NN_RELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = y[j] < 0 ? 0 : y[j];
    break;
  case LAT_NN_LEAKY_RELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = y[j] < 0 ? (real)LAT_LEAK * y[j] : y[j];
    break;
  case LAT_NN_ELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = y[j] < 0 ? K(exp)(y[j]) - 1 : y[j];
    break;
  case LAT_NN_TANH:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = K(tanh)(y[j]);
    break;
  case LAT_NN_SIGMOID:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = K(sigmoid)(y[j]);
    break;
  case LAT_NN_SOFTPLUS:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = K(softplus)(y[j]);
    break;
  case LAT_NN_SILU: /* this and the next one where no derivative is needed, only */
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] = K(silu)(y[j]);
    break;
  case LAT_NN_GELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) y[j] *= K(normal_cdf)(y[j]);
    break;
  default:
    break;
  }
}

/* The same of `rows` rows of n numbers that lie side by side: narrow ones go several at a time, as
 * vectors are wider. */
static void K(activate_rows)(int f, size_t rows, size_t n, const real *b, real *y)
{
  real biases[LAT_NN_NARROW];
  size_t many = LAT_NN_NARROW / n;
  if (many > rows) many = rows;
  for (size_t i = 0; b && i < many; i++) memcpy(biases + i * n, b, n * sizeof *b);
  for (size_t i = 0; i < rows; i += many, y += many * n) {
    if (many > rows - i) many = rows - i;
    K(activate_row)(f, many * n, b ? biases : NULL, y);
  }
}

/* d := g f'(x), by y = f(x), for a piece of a row. */
static CLONES void K(slope_row)(int f, size_t n, const real *restrict y, const real *restrict g,
                                real *restrict d)
{
  switch (f) {
  case LAT_NN_RELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) d[j] = y[j] > 0 ? g[j] : 0;
    break;
  case LAT_NN_LEAKY_RELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) d[j] = y[j] > 0 ? g[j] : (real)LAT_LEAK * g[j];
    break;
  case LAT_NN_ELU:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) d[j] = y[j] < 0 ? g[j] * (y[j] + 1) : g[j];
    break;
  case LAT_NN_TANH:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) d[j] = g[j] * (1 - y[j] * y[j]);
    break;
  case LAT_NN_SIGMOID:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) d[j] = g[j] * (y[j] * (1 - y[j]));
    break;
  case LAT_NN_SOFTPLUS:
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) d[j] = g[j] * (1 - K(exp)(-y[j]));
    break;
  default:
    break;
  }
}

static CLONES void K(add_row)(size_t n, const real *restrict d, real *restrict sums)
{
  LAT_INDEPENDENT for (size_t j = 0; j < n; j++) sums[j] += d[j];
}

static CLONES void K(flush)(size_t n, real *restrict sums, double *restrict totals)
{
  LAT_INDEPENDENT for (size_t j = 0; j < n; j++)
  {
    totals[j] += (double)sums[j];
    sums[j] = 0;
  }
}

/* The same as the next one for rows so narrow that several fit into LAT_NN_NARROW, which are taken
 * together. */
static void K(before_narrow)(const lat_args *args)
{
  size_t n = args->cols, many = LAT_NN_NARROW / n, flush = LAT_NN_FLUSH * many;
  const real *y = args->a, *g = args->b;
  real *d = args->x, *bias = args->y, sums[LAT_NN_NARROW] = {0};
  double totals[LAT_NN_NARROW] = {0};
  for (size_t i = 0; i < args->rows; i += many) {
    size_t rows = args->rows - i < many ? args->rows - i : many, at = i * n;
    if (d) K(slope_row)(args->kind, rows * n, y + at, g + at, d + at);
    if (bias) K(add_row)(rows * n, d ? d + at : g + at, sums);
    if ((i + many) % flush == 0) K(flush)(many * n, sums, totals);
  }
  K(flush)(many * n, sums, totals);
  for (size_t i = 1; i < many; i++)
    for (size_t j = 0; j < n; j++) totals[j] += totals[i * n + j];
  for (size_t j = 0; bias && j < n; j++) PUT(bias[j], args->add_y, (real)totals[j]);
}

/* Items are strips of LAT_NN_STRIP columns: d := g f'(x) for all rows, and the bias's gradient, the
 * sums of d's columns. a = y, b = g; x = d (NULL: d is g), y = the bias's gradient (or NULL), kind
 * = f. */
static void K(before_activation)(const lat_args *args, size_t begin, size_t end)
{
  const bool add_y = args->add_y;
  const real *y = args->a, *g = args->b;
  real *d = args->x, *bias = args->y, sums[LAT_NN_STRIP];
  double totals[LAT_NN_STRIP];
  if (begin < end && 2 * args->cols <= LAT_NN_NARROW) {
    K(before_narrow)(args);
    return;
  }
  for (size_t s = begin; s < end; s++) {
    size_t c = s * LAT_NN_STRIP, n = args->cols - c < LAT_NN_STRIP ? args->cols - c : LAT_NN_STRIP;
    memset(sums, 0, sizeof sums);
    memset(totals, 0, sizeof totals);
    for (size_t i = 0; i < args->rows; i++) {
      size_t at = i * args->cols + c;
      if (d) K(slope_row)(args->kind, n, y + at, g + at, d + at);
      if (bias) K(add_row)(n, d ? d + at : g + at, sums);
      if (i % LAT_NN_FLUSH == LAT_NN_FLUSH - 1)
        K(flush)(n, sums, totals); /* short sums in float32 have small errors */
    }
    K(flush)(n, sums, totals);
    if (bias)
      for (size_t j = 0; j < n; j++) PUT(bias[c + j], add_y, (real)totals[j]);
  }
}
