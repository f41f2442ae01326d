/* optimizers_template.h: the loops of optimizers.c (see kernels.h). Items are elements of the flat
 * vectors: x = values, a = gradients, y and z = moments; the numbers of the step are in `n`. */

static CLONES void K(sgd)(const lat_args *args, size_t begin, size_t end)
{
  const numbers *s = args->c;
  const real rate = (real)s->rate, momentum = (real)s->beta1, decay = (real)s->decay;
  const real *restrict g = args->a;
  real *restrict w = args->x, *restrict v = args->y;
  if (!v) {
    LAT_INDEPENDENT for (size_t i = begin; i < end; i++) w[i] -= rate * (g[i] + decay * w[i]);
    return;
  }
  const real ahead = s->nesterov ? momentum : 0, along = s->nesterov ? 0 : (real)1;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    real d = g[i] + decay * w[i], u = momentum * v[i] + d;
    v[i] = u;
    w[i] -= rate * (s->nesterov ? d + ahead * u : along * u);
  }
}

static CLONES void K(adam)(const lat_args *args, size_t begin, size_t end)
{
  const numbers *s = args->c;
  const real beta1 = (real)s->beta1, beta2 = (real)s->beta2, epsilon = (real)s->epsilon;
  const real rest1 = (real)(1 - s->beta1), rest2 = (real)(1 - s->beta2);
  const real rate = (real)(s->rate / s->correction1), root = (real)(1 / sqrt(s->correction2));
  const real coupled = (real)(s->decoupled ? 0 : s->decay);
  const real kept = (real)(s->decoupled ? 1 - s->rate * s->decay : 1);
  const real *restrict g = args->a;
  real *restrict w = args->x, *restrict m = args->y, *restrict v = args->z;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    real d = g[i] + coupled * w[i];
    real first = beta1 * m[i] + rest1 * d, second = beta2 * v[i] + rest2 * d * d;
    m[i] = first;
    v[i] = second;
    w[i] = kept * w[i] - rate * first / (K(root)(second) * root + epsilon);
  }
}

static CLONES void K(adamax)(const lat_args *args, size_t begin, size_t end)
{
  const numbers *s = args->c;
  const real beta1 = (real)s->beta1, beta2 = (real)s->beta2, epsilon = (real)s->epsilon;
  const real rest1 = (real)(1 - s->beta1), decay = (real)s->decay;
  const real rate = (real)(s->rate / s->correction1);
  const real *restrict g = args->a;
  real *restrict w = args->x, *restrict m = args->y, *restrict u = args->z;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    real d = g[i] + decay * w[i], first = beta1 * m[i] + rest1 * d;
    real size = K(magnitude)(d) + epsilon, most = beta2 * u[i];
    most = most < size ? size : most;
    m[i] = first;
    u[i] = most;
    w[i] -= rate * first / most;
  }
}

static CLONES void K(rmsprop)(const lat_args *args, size_t begin, size_t end)
{
  const numbers *s = args->c;
  const real beta2 = (real)s->beta2, rest2 = (real)(1 - s->beta2), epsilon = (real)s->epsilon;
  const real rate = (real)s->rate, decay = (real)s->decay;
  const real *restrict g = args->a;
  real *restrict w = args->x, *restrict v = args->z;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    real d = g[i] + decay * w[i], second = beta2 * v[i] + rest2 * d * d;
    v[i] = second;
    w[i] -= rate * d / (K(root)(second) + epsilon);
  }
}

/* x := s x + t a */
static CLONES void K(blend)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict a = args->a;
  real *restrict x = args->x;
  const real s = (real)args->s, t = (real)args->t;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++) x[i] = s * x[i] + t * a[i];
}

static CLONES void K(scale_by)(const lat_args *args, size_t begin, size_t end)
{
  real *restrict x = args->x;
  const real s = (real)args->s;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++) x[i] *= s;
}

static CLONES void K(exchange)(const lat_args *args, size_t begin, size_t end)
{
  real *restrict x = args->x, *restrict y = args->y;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    real t = x[i];
    x[i] = y[i];
    y[i] = t;
  }
}

/* Pieces of LAT_STORE_PIECE elements of n: y[piece] = the sum of their squares */
static CLONES void K(squares)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict a = args->a;
  double *parts = args->y;
  for (size_t p = begin; p < end; p++) {
    size_t at = p * LAT_STORE_PIECE,
           n = args->n - at < LAT_STORE_PIECE ? args->n - at : LAT_STORE_PIECE;
    double part[LAT_NN_PARTS] = {0}, sum = 0;
    for (size_t i = 0; i < n; i += LAT_NN_PARTS) /* padded to whole 16s */
      for (size_t k = 0; k < LAT_NN_PARTS; k++)
        part[k] += (double)a[at + i + k] * (double)a[at + i + k];
    for (size_t k = 0; k < LAT_NN_PARTS; k++) sum += part[k];
    parts[p] = sum;
  }
}

/* Pieces: y[piece] = how many of their elements are NaN or infinite */
static CLONES void K(count_bad)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict a = args->a;
  double *parts = args->y;
  for (size_t p = begin; p < end; p++) {
    size_t at = p * LAT_STORE_PIECE,
           n = args->n - at < LAT_STORE_PIECE ? args->n - at : LAT_STORE_PIECE;
    int bad = 0;
    for (size_t i = 0; i < n; i++) bad += !(K(magnitude)(a[at + i]) < (real)INFINITY);
    parts[p] = bad;
  }
}
