/* ops_probability_template.h: the kernels of ops_probability.c (see kernels.h). Items are rows; v
 * is always a log-variance. Rows are summed in 16 accumulators, as in ops_reduce_template.h. */

/* The sum over j < n of `value`, which may use j. Terms are added to 16 accumulators. */
#define SUM_OF(total, value)                                                                       \
  do {                                                                                             \
    size_t j0 = 0;                                                                                 \
    double sum_ = 0;                                                                               \
    for (; j0 < n; j0 += LAT_NN_TERMS) {                                                           \
      size_t stop = n - j0 < LAT_NN_TERMS ? n : j0 + LAT_NN_TERMS, i0 = j0;                        \
      real part[LAT_NN_PARTS] = {0};                                                               \
      for (; i0 + LAT_NN_PARTS <= stop; i0 += LAT_NN_PARTS)                                        \
        LAT_INDEPENDENT for (size_t part_ = 0; part_ < LAT_NN_PARTS; part_++)                      \
        {                                                                                          \
          const size_t j = i0 + part_;                                                             \
          part[part_] += (value);                                                                  \
        }                                                                                          \
      for (size_t part_ = 0; i0 < stop; i0++, part_++) {                                           \
        const size_t j = i0;                                                                       \
        part[part_] += (value);                                                                    \
      }                                                                                            \
      for (size_t part_ = 0; part_ < LAT_NN_PARTS; part_++) sum_ += (double)part[part_];           \
    }                                                                                              \
    total = sum_;                                                                                  \
  } while (0)

/* ---- reparameterization ---------------------------------------------------------------------- */

/* Elements: x = a + exp(b/2) c. a = mean, b = v, c = the noise */
static CLONES void K(reparameterize_forward)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict m = args->a, *restrict v = args->b, *restrict e = args->c;
  real *restrict z = args->x;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    z[i] = m[i] + K(exp)((real)0.5 * v[i]) * e[i];
  }
}

/* Elements: the mean (x) gets g, v (y) gets g (z - mean)/2. a = mean, b = z, c = g */
static CLONES void K(reparameterize_backward)(const lat_args *args, size_t begin, size_t end)
{
  const bool add_y = args->add_y;
  const bool add = args->add;
  const real *restrict m = args->a, *restrict z = args->b, *restrict g = args->c;
  real *restrict x = args->x, *restrict y = args->y;
  if (x) LAT_INDEPENDENT for (size_t i = begin; i < end; i++) PUT(x[i], add, g[i]);
  if (y)
    LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
        PUT(y[i], add_y, (real)0.5 * g[i] * (z[i] - m[i]));
}

/* ---- divergences ----------------------------------------------------------------------------- */

/* Elements: the unit's KL. a = mean, b = v */
static CLONES void K(kl_standard_forward)(const lat_args *args, size_t begin, size_t end)
{
  const real *restrict m = args->a, *restrict v = args->b;
  real *restrict out = args->x;
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
  {
    out[i] = (real)0.5 * (K(exp)(v[i]) - 1 - v[i] + m[i] * m[i]);
  }
}

/* Elements: x gets g m, y gets g (exp(v) - 1)/2; either may be NULL. */
static CLONES void K(kl_standard_backward)(const lat_args *args, size_t begin, size_t end)
{
  const bool add_y = args->add_y;
  const bool add = args->add;
  const real *restrict m = args->a, *restrict v = args->b, *restrict g = args->c;
  real *restrict x = args->x, *restrict y = args->y;
  if (x) LAT_INDEPENDENT for (size_t i = begin; i < end; i++) PUT(x[i], add, g[i] * m[i]);
  if (y)
    LAT_INDEPENDENT for (size_t i = begin; i < end; i++)
        PUT(y[i], add_y, (real)0.5 * g[i] * (K(exp)(v[i]) - 1));
}

/* Rows: KL of two Gaussians. a, b = mean, v; c, d = those of the second */
static CLONES void K(kl_normal_forward)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    const real *m = (const real *)args->a + i * n, *v = (const real *)args->b + i * n;
    const real *m2 = (const real *)args->c + i * n, *v2 = (const real *)args->d + i * n;
    double sum;
    SUM_OF(sum, v2[j] - v[j] - 1 + K(exp)(v[j] - v2[j]) +
                    (m[j] - m2[j]) * (m[j] - m2[j]) * K(exp)(-v2[j]));
    out[i] = (real)(0.5 * sum);
  }
}

/* Elements: `kind` is the input whose gradient is computed; a loop for each, so that they are
 * vector code. y = g at full size */
#define EACH(value)                                                                                \
  LAT_INDEPENDENT for (size_t i = begin; i < end; i++) PUT(out[i], add, g[i] * (value))
#define FAR   ((m[i] - m2[i]) * K(exp)(-v2[i]))
#define RATIO K(exp)(v[i] - v2[i])
static CLONES void K(kl_normal_backward)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const real *restrict m = args->a, *restrict v = args->b, *restrict m2 = args->c;
  const real *restrict v2 = args->d, *restrict g = args->y;
  real *restrict out = args->x;
  if (args->kind == 0)
    EACH(FAR);
  else if (args->kind == 1)
    EACH((real)0.5 * (RATIO - 1));
  else if (args->kind == 2)
    EACH(-FAR);
  else
    EACH((real)0.5 * (1 - RATIO - FAR * (m[i] - m2[i])));
}
#undef EACH
#undef FAR
#undef RATIO

/* ---- Bernoulli ------------------------------------------------------------------------------- */

/* Rows: x = sum softplus(l) - x l; y = sigmoid(l) - x, the derivative. a = l, b = x */
static CLONES void K(bernoulli_forward)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    const real *restrict l = (const real *)args->a + i * n, *restrict x =
                                                                (const real *)args->b + i * n;
    real *restrict slope = (real *)args->y + i * n;
    double total = 0;
    for (size_t j0 = 0; j0 < n; j0 += LAT_NN_TERMS) {
      size_t stop = n - j0 < LAT_NN_TERMS ? n - j0 : LAT_NN_TERMS;
      real terms[LAT_NN_TERMS], part[LAT_NN_PARTS] = {0};
      LAT_INDEPENDENT for (size_t k = 0; k < stop; k++)
      {
        real at = l[j0 + k], target = x[j0 + k], e = K(exp)(-K(magnitude)(at)), r = 1 / (1 + e);
        slope[j0 + k] = (at < 0 ? e * r : r) - target;
        terms[k] = (at < 0 ? 0 : at) - target * at + K(log1p_unit)(e);
      }
      for (size_t k = stop; k < LAT_NN_TERMS; k++) terms[k] = 0;
      for (size_t k = 0; k < LAT_NN_TERMS; k += LAT_NN_PARTS)
        for (size_t c = 0; c < LAT_NN_PARTS; c++) part[c] += terms[k + c];
      for (size_t c = 0; c < LAT_NN_PARTS; c++) total += (double)part[c];
    }
    out[i] = (real)total;
  }
}

/* Rows: x gets g times row a (with the sign of s), a = the derivative, c = g */
static CLONES void K(scale_rows)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const size_t n = args->cols;
  for (size_t i = begin; i < end; i++) {
    const real *restrict from = (const real *)args->a + i * n;
    real *restrict out = (real *)args->x + i * n;
    const real g = ((const real *)args->c)[i] * (real)args->s;
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) PUT(out[j], add, g * from[j]);
  }
}

/* log((exp(l) - 1)/l) and its derivative, the mean: near 0 by their series, whose next terms are
 * below 1e-16, elsewhere by a = |l|; the density is l exp(l x)/(exp(l) - 1). */
LAT_INLINE real K(continuous_normalizer)(real l)
{
  real a = K(magnitude)(l), z = l * l;
  real near =
      z * (1 / (real)24 -
           z * (1 / (real)2880 -
                z * (1 / (real)181440 - z * (1 / (real)9676800 - z * (1 / (real)479001600)))));
  real far = K(log)((1 - K(exp)(-a)) / a) + (real)0.5 * a;
  return (real)0.5 * l + (a < (real)0.3 ? near : far);
}

LAT_INLINE real K(continuous_mean)(real l)
{
  real a = K(magnitude)(l), z = l * l;
  real near = (real)0.5 +
              l * (1 / (real)12 -
                   z * (1 / (real)720 - z * (1 / (real)30240 -
                                             z * (1 / (real)1209600 - z * (1 / (real)47900160)))));
  real far = 1 / (1 - K(exp)(-a)) - 1 / a;
  return a < (real)0.3 ? near : l < 0 ? 1 - far : far;
}

/* The same for the continuous Bernoulli distribution. */
static CLONES void K(continuous_forward)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    const real *restrict l = (const real *)args->a + i * n, *restrict x =
                                                                (const real *)args->b + i * n;
    real *restrict slope = (real *)args->y + i * n;
    double sum;
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) slope[j] = K(continuous_mean)(l[j]) - x[j];
    SUM_OF(sum, K(continuous_normalizer)(l[j]) - x[j] * l[j]);
    out[i] = (real)sum;
  }
}

/* ---- categorical ----------------------------------------------------------------------------- */

/* Rows of groups: a = logits, b = labels; x = the sum over the groups; y = softmax - indicator.
 * cols = groups, n = categories */
static CLONES void K(categorical_forward)(const lat_args *args, size_t begin, size_t end)
{
  const size_t G = args->cols, C = args->n;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    double total = 0;
    for (size_t g = 0; g < G; g++) {
      const real *restrict l = (const real *)args->a + (i * G + g) * C;
      real *restrict p = (real *)args->y + (i * G + g) * C, most = l[0];
      size_t label = (size_t)((const real *)args->b)[i * G + g];
      double sum = 0;
      for (size_t c = 1; c < C; c++) most = l[c] > most ? l[c] : most;
      LAT_INDEPENDENT for (size_t c = 0; c < C; c++) p[c] = K(exp)(l[c] - most);
      for (size_t c = 0; c < C; c++) sum += (double)p[c];
      const real scale = (real)(1 / sum);
      LAT_INDEPENDENT for (size_t c = 0; c < C; c++) p[c] *= scale;
      p[label] -= 1;
      total += log64(sum) + (double)most - (double)l[label];
    }
    out[i] = (real)total;
  }
}

/* ---- Gaussian -------------------------------------------------------------------------------- */

/* Rows: a = mean, b = v, c = x */
static CLONES void K(gaussian_forward)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    const real *m = (const real *)args->a + i * n, *v = (const real *)args->b + i * n;
    const real *x = (const real *)args->c + i * n;
    double sum;
    SUM_OF(sum, v[j] + (x[j] - m[j]) * (x[j] - m[j]) * K(exp)(-v[j]));
    out[i] = (real)(0.5 * (sum + (double)n * LAT_LOG_2PI));
  }
}

/* Rows: `kind` is the input whose gradient x is: 0 mean, 1 v, 2 the data. d = g, one a row */
static CLONES void K(gaussian_backward)(const lat_args *args, size_t begin, size_t end)
{
  const int kind = args->kind;
  const bool add = args->add;
  const size_t n = args->cols;
  for (size_t i = begin; i < end; i++) {
    const real *restrict m = (const real *)args->a + i * n, *restrict v =
                                                                (const real *)args->b + i * n;
    const real *restrict x = (const real *)args->c + i * n;
    real *restrict out = (real *)args->x + i * n;
    const real g = ((const real *)args->d)[i];
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++)
    {
      real far = (x[j] - m[j]) * K(exp)(-v[j]);
      real value = kind == 0 ? -far : kind == 1 ? (real)0.5 * (1 - far * (x[j] - m[j])) : far;
      PUT(out[j], add, g * value);
    }
  }
}

/* ---- mixtures -------------------------------------------------------------------------------- */

/* Rows: -log sum_k pi_k N_k, and y = the responsibilities, N x K. a = x, b = means, c = v, d = log
 * pi; cols = D, n = K */
static CLONES void K(mixture_forward)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols, count = args->n;
  const real *log_pi = args->d;
  real *out = args->x;
  for (size_t i = begin; i < end; i++) {
    const real *x = (const real *)args->a + i * n;
    real *r = (real *)args->y + i * count, most = (real)-INFINITY;
    double total = 0;
    for (size_t k = 0; k < count; k++) {
      const real *m = (const real *)args->b + k * n, *v = (const real *)args->c + k * n;
      double sum;
      SUM_OF(sum, v[j] + (x[j] - m[j]) * (x[j] - m[j]) * K(exp)(-v[j]));
      r[k] = log_pi[k] - (real)(0.5 * (sum + (double)n * LAT_LOG_2PI));
      most = r[k] < most ? most : r[k];
    }
    for (size_t k = 0; k < count; k++) total += (double)(r[k] = K(exp)(r[k] - most));
    for (size_t k = 0; k < count; k++) r[k] = (real)((double)r[k] / total);
    out[i] = (real) - (log64(total) + (double)most);
  }
}

/* Rows: the data's gradient. z = the responsibilities, y = g, the rest as above */
static CLONES void K(mixture_backward_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t n = args->cols, count = args->n;
  for (size_t i = begin; i < end; i++) {
    const real *restrict x = (const real *)args->a + i * n, *r = (const real *)args->z + i * count;
    const real g = ((const real *)args->y)[i];
    real *restrict out = (real *)args->x + i * n;
    if (!args->add) memset(out, 0, n * sizeof *out);
    for (size_t k = 0; k < count; k++) {
      const real *restrict m = (const real *)args->b + k * n;
      const real *restrict v = (const real *)args->c + k * n;
      const real weight = g * r[k];
      LAT_INDEPENDENT for (size_t j = 0; j < n; j++) out[j] +=
          weight * (x[j] - m[j]) * K(exp)(-v[j]);
    }
  }
}

/* Components: the gradient of a mean (kind 0) or of a log-variance (kind 1), K x D. */
static CLONES void K(mixture_backward_parts)(const lat_args *args, size_t begin, size_t end)
{
  const int kind = args->kind;
  const size_t n = args->cols, count = args->n;
  for (size_t k = begin; k < end; k++) {
    const real *restrict m = (const real *)args->b + k * n, *restrict v =
                                                                (const real *)args->c + k * n;
    real *restrict out = (real *)args->x + k * n;
    if (!args->add) memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < args->rows; i++) {
      const real *restrict x = (const real *)args->a + i * n;
      const real weight = ((const real *)args->y)[i] * ((const real *)args->z)[i * count + k];
      LAT_INDEPENDENT for (size_t j = 0; j < n; j++)
      {
        real far = (x[j] - m[j]) * K(exp)(-v[j]);
        out[j] += weight * (kind == 0 ? -far : (real)0.5 * (1 - far * (x[j] - m[j])));
      }
    }
  }
}

/* Components: the gradient of the logits, sum_i g_i (pi_k - r_ik). d = log pi */
static void K(mixture_backward_logits)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const real *log_pi = args->d, *g = args->y, *r = args->z;
  real *out = args->x;
  for (size_t k = begin; k < end; k++) {
    double sum = 0, pi = exp64((double)log_pi[k]);
    for (size_t i = 0; i < args->rows; i++) sum += (double)g[i] * (pi - (double)r[i * args->n + k]);
    PUT(out[k], add, (real)sum);
  }
}

/* x = log softmax(a), for n logits */
static void K(log_softmax)(const lat_args *args, size_t begin, size_t end)
{
  const real *l = args->a;
  real *out = args->x;
  double most = (double)l[0], sum = 0;
  (void)begin, (void)end;
  for (size_t k = 1; k < args->n; k++) most = (double)l[k] > most ? (double)l[k] : most;
  for (size_t k = 0; k < args->n; k++) sum += exp64((double)l[k] - most);
  for (size_t k = 0; k < args->n; k++) out[k] = (real)((double)l[k] - most - log64(sum));
}

/* The first element of n outside [0, most], or that is no whole number when `whole`; n when there
 * is none. */
static CLONES size_t K(first_outside)(size_t n, const real *restrict x, real most, bool whole)
{
  size_t bad = 0;
  for (size_t i = 0; i < n; i++) bad += !(x[i] >= 0 && x[i] <= most);
  if (whole)
    for (size_t i = 0; i < n && !bad; i++) bad += x[i] != (real)(int64_t)x[i];
  if (!bad) return n;
  for (size_t i = 0; i < n; i++)
    if (!(x[i] >= 0 && x[i] <= most) || (whole && x[i] != (real)(int64_t)x[i])) return i;
  return n;
}
