/* ops_flow_template.h: the kernels of ops_flow.c (see kernels.h). Items are rows, of which LANES at
 * a time are computed side by side: few columns are transformed, and a row has its sums to itself.
 */

/* to := LANES numbers `stride` apart; beyond n, where there are no rows, the first again. */
LAT_INLINE void K(take_lanes)(const real *from, size_t stride, size_t n, real *to)
{
  for (size_t l = 0; l < LANES; l++) to[l] = from[(l < n ? l : 0) * stride];
}

LAT_INLINE void K(put_lanes)(const real *from, size_t stride, size_t n, bool add, real *to)
{
  if (add)
    for (size_t l = 0; l < n; l++) to[l * stride] += from[l];
  else
    for (size_t l = 0; l < n; l++) to[l * stride] = from[l];
}

/* Rows begin..end-1 of `width` numbers, copied or added. */
static CLONES void K(pass_rows)(const lat_args *args, size_t begin, size_t end)
{
  const bool add = args->add;
  const real *restrict from = args->a;
  real *restrict to = args->x;
  LAT_INDEPENDENT for (size_t i = begin * args->cols; i < end * args->cols; i++)
      PUT(to[i], add, from[i]);
}

/* ---- y = x exp(s) + t ------------------------------------------------------------------------ */

/* A block of LANES rows from `row` on. a = the state, x = the result, b = raw (m numbers from a row
 * to the next, 0 for one row), c = columns, cols = D + 1, n = how many, s = the bound, kind =
 * inverse */
static CLONES void K(affine_block)(const lat_args *args, size_t row, size_t n)
{
  const size_t width = args->cols, *columns = args->c;
  const real bound = (real)args->s, part = bound > 0 ? 1 / bound : 1;
  const real *h = (const real *)args->a + row * width, *raw = (const real *)args->b + row * args->m;
  real *out = (real *)args->x + row * width;
  real x[LANES], t[LANES], o[LANES], sum[LANES];
  K(take_lanes)(h + width - 1, width, n, sum);
  for (size_t k = 0; k < args->n; k++) {
    K(take_lanes)(h + columns[k], width, n, x);
    K(take_lanes)(raw + 2 * k, args->m, n, t);
    K(take_lanes)(raw + 2 * k + 1, args->m, n, o);
    if (bound > 0)
      for (size_t l = 0; l < LANES; l++) o[l] = bound * K(tanh)(o[l] * part);
    if (args->kind)
      for (size_t l = 0; l < LANES; l++) {
        x[l] = (x[l] - t[l]) * K(exp)(-o[l]);
        sum[l] -= o[l];
      }
    else
      for (size_t l = 0; l < LANES; l++) {
        x[l] = x[l] * K(exp)(o[l]) + t[l];
        sum[l] += o[l];
      }
    K(put_lanes)(x, width, n, false, out + columns[k]);
  }
  K(put_lanes)(sum, width, n, false, out + width - 1);
}

static void K(affine_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols;
  memcpy((real *)args->x + begin * width, (const real *)args->a + begin * width,
         (end - begin) * width * sizeof(real));
  for (size_t i = begin; i < end; i += LANES)
    K(affine_block)(args, i, end - i < LANES ? end - i : LANES);
}

/* The gradients: of raw into y (m' = 2 n numbers a row), of the transformed columns into x, which
 * has those of the others. d = g. */
static CLONES void K(affine_block_back)(const lat_args *args, size_t row, size_t n)
{
  const size_t width = args->cols, *columns = args->c;
  const bool add_y = args->add_y;
  const real bound = (real)args->s, part = bound > 0 ? 1 / bound : 1;
  const real *h = (const real *)args->a + row * width, *raw = (const real *)args->b + row * args->m;
  const real *g = (const real *)args->d + row * width;
  real *dx = args->x ? (real *)args->x + row * width : NULL;
  real *draw = args->y ? (real *)args->y + row * 2 * args->n : NULL;
  real x[LANES], o[LANES], gy[LANES], gl[LANES], slope[LANES], change[LANES];
  K(take_lanes)(g + width - 1, width, n, gl);
  for (size_t k = 0; k < args->n; k++) {
    K(take_lanes)(h + columns[k], width, n, x);
    K(take_lanes)(g + columns[k], width, n, gy);
    K(take_lanes)(raw + 2 * k + 1, args->m, n, o);
    for (size_t l = 0; l < LANES; l++) slope[l] = 1;
    if (bound > 0)
      for (size_t l = 0; l < LANES; l++) {
        real share = K(tanh)(o[l] * part);
        slope[l] = 1 - share * share;
        o[l] = bound * share;
      }
    for (size_t l = 0; l < LANES; l++) {
      change[l] = gy[l] * K(exp)(o[l]);
      slope[l] *= change[l] * x[l] + gl[l];
      change[l] -= gy[l]; /* dx has g already */
    }
    if (draw) K(put_lanes)(gy, 2 * args->n, n, add_y, draw + 2 * k);
    if (draw) K(put_lanes)(slope, 2 * args->n, n, add_y, draw + 2 * k + 1);
    if (dx) K(put_lanes)(change, width, n, true, dx + columns[k]);
  }
}

static void K(affine_rows_back)(const lat_args *args, size_t begin, size_t end)
{
  for (size_t i = begin; i < end; i += LANES)
    K(affine_block_back)(args, i, end - i < LANES ? end - i : LANES);
}

/* ---- y = x L U ------------------------------------------------------------------------------- */

/* W := L U, and the sum of the logarithms of U's diagonal. */
static double K(multiply_factors)(const real *A, size_t D, real *W)
{
  double sum = 0;
  for (size_t i = 0; i < D; i++) {
    sum += (double)A[i * D + i];
    for (size_t j = 0; j < D; j++) W[i * D + j] = 0;
    for (size_t k = 0; k <= i; k++) { /* row i of W += L(i, k) times row k of U */
      const real left = k < i ? A[i * D + k] : 1;
      W[i * D + k] += left * K(exp)(A[k * D + k]);
      for (size_t j = k + 1; j < D; j++) W[i * D + j] += left * A[k * D + j];
    }
  }
  return sum;
}

/* dA (+)= the gradient of A by dW, that of W, and the sum g of the gradients of log |det|: dL = dW
 * U', dU = L' dW. */
static void K(factors_back)(const real *A, const real *dW, size_t D, double g, bool add, real *dA)
{
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++) {
      double sum = 0;
      if (j < i) { /* row j of U begins at its diagonal */
        sum = (double)(dW[i * D + j] * K(exp)(A[j * D + j]));
        for (size_t k = j + 1; k < D; k++) sum += (double)(dW[i * D + k] * A[j * D + k]);
      } else { /* column i of L begins at its diagonal, which is 1 */
        sum = (double)dW[i * D + j];
        for (size_t k = i + 1; k < D; k++) sum += (double)(A[k * D + i] * dW[k * D + j]);
        if (i == j) sum = sum * (double)K(exp)(A[i * D + i]) + g;
      }
      PUT(dA[i * D + j], add, (real)sum);
    }
}

/* Rows: x = y inverse(U) inverse(L), in place in x. b = A, cols = D + 1, s = what log |det| falls
 * by */
static void K(linear_solve_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols, D = width - 1;
  const real *A = args->b;
  for (size_t i = begin; i < end; i++) {
    real *x = (real *)args->x + i * width;
    for (size_t j = 0; j < D; j++) { /* v U = y: column j of U has rows 0..j */
      real sum = x[j];
      for (size_t k = 0; k < j; k++) sum -= x[k] * A[k * D + j];
      x[j] = sum * K(exp)(-A[j * D + j]);
    }
    for (size_t j = D; j-- > 0;) /* x L = v */
      for (size_t k = j + 1; k < D; k++) x[j] -= x[k] * A[k * D + j];
    x[D] -= (real)args->s;
  }
}

/* ---- planar ---------------------------------------------------------------------------------- */

static planar K(planar_of)(const real *raw, size_t D)
{
  planar p = {.q = 1, .b = (double)raw[2 * D]};
  for (size_t j = 0; j < D; j++) {
    p.along += (double)raw[j] * (double)raw[D + j];
    p.norm2 += (double)raw[D + j] * (double)raw[D + j];
  }
  if (p.norm2 < LEAST_NORM2) return p; /* a translation */
  p.q = softplus64(p.along) + LAT_FLOW_LEAST_SLOPE;
  p.shift = (p.q - 1 - p.along) / p.norm2;
  return p;
}

/* a = the state, x = the result, b = raw, cols = D + 1, kind = inverse; t = tanh of each row in y
 */
static void K(planar_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols, D = width - 1;
  const real *raw = args->b;
  const planar p = K(planar_of)(raw, D);
  for (size_t i = begin; i < end; i++) {
    const real *h = (const real *)args->a + i * width;
    real *out = (real *)args->x + i * width;
    double a = 0;
    for (size_t j = 0; j < D; j++) a += (double)raw[D + j] * (double)h[j];
    if (args->kind) a = planar_solve(p.q, p.b, a);
    double t = tanh(a + p.b), slope = t * t + p.q * (1 - t * t);
    double sign = args->kind ? -1 : 1;
    for (size_t j = 0; j < D; j++)
      out[j] = (real)((double)h[j] + sign * t * ((double)raw[j] + p.shift * (double)raw[D + j]));
    out[D] = (real)((double)h[D] + sign * log(slope));
    if (args->y) ((real *)args->y)[i] = (real)t;
  }
}

/* The gradient of x into x, which is to be stored or added to, and of raw, a row, into `totals`, D
 * of u', D of w, 1 of b, 1 of q, in double. d = g, y = tanh */
static void K(planar_back)(const lat_args *args, double *totals)
{
  const size_t width = args->cols, D = width - 1;
  const bool add = args->add;
  const real *raw = args->b;
  const planar p = K(planar_of)(raw, D);
  for (size_t i = 0; i < args->rows; i++) {
    const real *h = (const real *)args->a + i * width, *g = (const real *)args->d + i * width;
    real *dx = args->x ? (real *)args->x + i * width : NULL;
    double t = (double)((const real *)args->y)[i], fall = 1 - t * t;
    double slope = t * t + p.q * fall, gl = (double)g[D] / slope, gt = 0;
    for (size_t j = 0; j < D; j++)
      gt += (double)g[j] * ((double)raw[j] + p.shift * (double)raw[D + j]);
    gt += gl * 2 * t * (1 - p.q);
    double ga = gt * fall; /* of a = w x + b */
    for (size_t j = 0; j < D; j++) {
      totals[j] += (double)g[j] * t;
      totals[D + j] += ga * (double)h[j];
      if (dx) PUT(dx[j], add, (real)((double)g[j] + ga * (double)raw[D + j]));
    }
    totals[2 * D] += ga;
    totals[2 * D + 1] += gl * fall;
    if (dx) PUT(dx[D], add, g[D]);
  }
}

/* raw's gradient from the totals: u' = u + shift w, shift = (q - 1 - w u)/|w|^2, q = softplus(w u)
 */
static void K(planar_raw_back)(const real *raw, size_t D, const double *totals, bool add, real *out)
{
  const planar p = K(planar_of)(raw, D);
  double gshift = 0, norm2 = p.norm2 < LEAST_NORM2 ? (double)INFINITY : p.norm2;
  for (size_t j = 0; j < D; j++) gshift += totals[j] * (double)raw[D + j];
  double gq = totals[2 * D + 1] + gshift / norm2;
  double galong = gq * sigmoid64(p.along) - gshift / norm2;
  double gnorm2 = -gshift * p.shift / norm2;
  for (size_t j = 0; j < D; j++) {
    double u = (double)raw[j], w = (double)raw[D + j];
    PUT(out[j], add, (real)(totals[j] + galong * w));
    PUT(out[D + j], add, (real)(totals[D + j] + p.shift * totals[j] + galong * u + 2 * gnorm2 * w));
  }
  PUT(out[2 * D], add, (real)totals[2 * D]);
}

/* ---- radial ---------------------------------------------------------------------------------- */

/* With R = |x - x0|, a and q as in ops.h, c = q - a: 1 + c/(a + R) = (R + q)/(a + R) = f scales x -
 * x0, and along it the slope is e = 1 + c a/(a + R)^2 = (R^2 + 2 a R + q a)/(a + R)^2: log |det J|
 * = (D - 1) log f + log e. */
static void K(radial_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols, D = width - 1;
  const real *raw = args->b;
  const double a = softplus64((double)raw[D]) + LAT_FLOW_LEAST_SLOPE;
  const double q = softplus64((double)raw[D + 1]) + LAT_FLOW_LEAST_SLOPE;
  for (size_t i = begin; i < end; i++) {
    const real *h = (const real *)args->a + i * width;
    real *out = (real *)args->x + i * width;
    double R = 0;
    for (size_t j = 0; j < D; j++)
      R += ((double)h[j] - (double)raw[j]) * ((double)h[j] - (double)raw[j]);
    R = sqrt(R);
    if (args->kind) { /* R' = R (R + q)/(a + R): R^2 + (q - R') R = a R' */
      double half = 0.5 * (R - q), root = sqrt(half * half + a * R);
      R = half > 0 ? half + root : root - half > 0 ? a * R / (root - half) : 0;
    }
    double f = (R + q) / (a + R), e = (R * (R + 2 * a) + q * a) / ((a + R) * (a + R));
    double rise = (double)(D - 1) * log(f) + log(e);
    if (args->kind) f = 1 / f;
    for (size_t j = 0; j < D; j++)
      out[j] = (real)((double)raw[j] + f * ((double)h[j] - (double)raw[j]));
    out[D] = (real)((double)h[D] + (args->kind ? -rise : rise));
  }
}

/* As planar_back; totals: D of x0, 1 of a, 1 of q. */
static void K(radial_back)(const lat_args *args, double *totals)
{
  const size_t width = args->cols, D = width - 1;
  const bool add = args->add;
  const real *raw = args->b;
  const double a = softplus64((double)raw[D]) + LAT_FLOW_LEAST_SLOPE;
  const double q = softplus64((double)raw[D + 1]) + LAT_FLOW_LEAST_SLOPE;
  for (size_t i = 0; i < args->rows; i++) {
    const real *h = (const real *)args->a + i * width, *g = (const real *)args->d + i * width;
    real *dx = args->x ? (real *)args->x + i * width : NULL;
    double R = 0, gf = 0, gl = (double)g[D];
    for (size_t j = 0; j < D; j++) {
      double far = (double)h[j] - (double)raw[j];
      R += far * far;
      gf += (double)g[j] * far;
    }
    R = sqrt(R);
    double below = a + R, f = (R + q) / below;
    double top = R * (R + 2 * a) + q * a; /* e = top/below^2 */
    gf += gl * (double)(D - 1) / f;
    double gR = gf * (a - q) / (below * below) + gl * (2 * below / top - 2 / below);
    totals[D] += -gf * f / below + gl * ((2 * R + q) / top - 2 / below);
    totals[D + 1] += gf / below + gl * a / top;
    double along = R > 0 ? gR / R : 0;
    for (size_t j = 0; j < D; j++) {
      double far = (double)h[j] - (double)raw[j], own = (double)g[j] * f + along * far;
      totals[j] += (double)g[j] - own;
      if (dx) PUT(dx[j], add, (real)own);
    }
    if (dx) PUT(dx[D], add, g[D]);
  }
}

/* ---- the base -------------------------------------------------------------------------------- */

/* Rows: -log base(z) - log |det|. a = the state, kind = the base */
static CLONES void K(flow_nll_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols, D = width - 1;
  for (size_t i = begin; i < end; i++) {
    const real *z = (const real *)args->a + i * width;
    double sum = 0;
    if (args->kind == LAT_BASE_NORMAL) {
      for (size_t j = 0; j < D; j++) sum += (double)z[j] * (double)z[j];
      sum = 0.5 * (sum + (double)D * LAT_LOG_2PI);
    } else {
      for (size_t j = 0; j < D; j++) sum += (double)(z[j] + 2 * K(softplus)(-z[j]));
    }
    ((real *)args->x)[i] = (real)(sum - (double)z[D]);
  }
}

/* Rows: x gets g times its derivative: z, or 1 - 2 sigmoid(-z) = tanh(z/2). d = g, one a row */
static CLONES void K(flow_nll_rows_back)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols, D = width - 1;
  const bool add = args->add, normal = args->kind == LAT_BASE_NORMAL;
  for (size_t i = begin; i < end; i++) {
    const real *restrict z = (const real *)args->a + i * width, g = ((const real *)args->d)[i];
    real *restrict dx = (real *)args->x + i * width;
    if (normal)
      for (size_t j = 0; j < D; j++) PUT(dx[j], add, g * z[j]);
    else
      for (size_t j = 0; j < D; j++) PUT(dx[j], add, g * K(tanh)((real)0.5 * z[j]));
    PUT(dx[D], add, -g);
  }
}
