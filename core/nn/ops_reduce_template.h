/* ops_reduce_template.h: the kernels of ops_reduce.c (see kernels.h). */

/* The sum of n numbers: 16 accumulators, which are added to a double every 512 numbers. */
static CLONES double K(sum_of)(size_t n, const real *restrict x)
{
  double total = 0;
  for (size_t begin = 0; begin < n; begin += LAT_NN_SHORT) {
    size_t end = n - begin < LAT_NN_SHORT ? n : begin + LAT_NN_SHORT, i = begin;
    real part[LAT_NN_PARTS] = {0};
    for (; i + LAT_NN_PARTS <= end; i += LAT_NN_PARTS)
      for (size_t k = 0; k < LAT_NN_PARTS; k++) part[k] += x[i + k];
    for (size_t k = 0; i < end; i++, k++) part[k] += x[i];
    for (size_t k = 0; k < LAT_NN_PARTS; k++) total += (double)part[k];
  }
  return total;
}

/* Rows: x = scale * their sums. a = A */
static void K(sum_across)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const real *A = args->a;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    double sum = args->s * K(sum_of)(args->cols, A + i * args->cols);
    PUT(out[i], add, (real)sum);
  }
}

static CLONES void K(add_down)(size_t n, const real *restrict x, double *restrict sums)
{
  LAT_INDEPENDENT for (size_t j = 0; j < n; j++) sums[j] += (double)x[j];
}

/* Strips of LAT_NN_STRIP columns: the sums of the columns. */
static void K(sum_down)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const real *A = args->a;
  real *out = args->x;
  for (size_t s = begin; s < end; s++) {
    size_t c = s * LAT_NN_STRIP, n = args->cols - c < LAT_NN_STRIP ? args->cols - c : LAT_NN_STRIP;
    double sums[LAT_NN_STRIP] = {0};
    for (size_t i = 0; i < args->rows; i++) K(add_down)(n, A + i * args->cols + c, sums);
    for (size_t j = 0; j < n; j++) PUT(out[c + j], add, (real)(args->s * sums[j]));
  }
}

/* Pieces of LAT_NN_PIECE elements of all n: y[piece] = their sum, in double */
static void K(sum_pieces)(const lat_args *args, size_t begin, size_t end)
{
  const real *A = args->a;
  double *parts = args->y;
  for (size_t p = begin; p < end; p++) {
    size_t at = p * LAT_NN_PIECE, n = args->n - at < LAT_NN_PIECE ? args->n - at : LAT_NN_PIECE;
    parts[p] = K(sum_of)(n, A + at);
  }
}

static CLONES void K(spread_row)(size_t n, const real *restrict g, size_t step, real s,
                                 real *restrict out, bool add)
{
  if (step)
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) PUT(out[j], add, s * g[j]);
  else
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) PUT(out[j], add, s * *g);
}

/* Rows: x (+)= s times the gradient of their sum. c = g, kind = the axis */
static void K(spread)(const lat_args *args, size_t begin, size_t end)
{
  const real *g = args->c;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) K(spread_row)
  (args->cols, args->kind == LAT_NN_ACROSS ? g + i : g, args->kind == LAT_NN_DOWN, (real)args->s,
   out + i * args->cols, args->add);
}

static CLONES real K(most_of)(size_t n, const real *restrict x)
{
  real most = x[0];
  for (size_t j = 1; j < n; j++) most = x[j] > most ? x[j] : most;
  for (size_t j = 0; j < n; j++) most = x[j] != x[j] ? x[j] : most; /* NaN */
  return most;
}

static CLONES double K(sum_exp)(size_t n, const real *restrict x, real most)
{
  double total = 0;
  size_t begin = 0;
  for (; n - begin >= LAT_NN_PARTS; begin += LAT_NN_PARTS) {
    real part[LAT_NN_PARTS];
    for (size_t k = 0; k < LAT_NN_PARTS; k++) part[k] = K(exp)(x[begin + k] - most);
    for (size_t k = 0; k < LAT_NN_PARTS; k++) total += (double)part[k];
  }
  for (; begin < n; begin++) total += (double)K(exp)(x[begin] - most);
  return total;
}

/* Rows: x = log sum exp - t */
static void K(log_sum_exp_forward)(const lat_args *args, size_t begin, size_t end)
{
  const real *A = args->a;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    const real *row = A + i * args->cols;
    real most = K(most_of)(args->cols, row);
    bool finite = K(magnitude)(most) < (real)INFINITY; /* else it is the result */
    double sum = finite ? K(sum_exp)(args->cols, row, most) : 1;
    out[i] = (real)((double)most + log64(sum) - args->t);
  }
}

/* Rows: x (+)= g exp(a - (y + t)), which is 0 where all of the row is -infinity. */
static CLONES void K(log_sum_exp_backward)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  for (size_t i = begin; i < end; i++) {
    const real *restrict row = (const real *)args->a + i * args->cols;
    real *restrict out = (real *)args->x + i * args->cols;
    real y = ((const real *)args->b)[i] + (real)args->t, g = ((const real *)args->c)[i];
    y = y == (real)-INFINITY ? 0 : y;
    LAT_INDEPENDENT for (size_t j = 0; j < args->cols; j++)
        PUT(out[j], add, g * K(exp)(row[j] - y));
  }
}
