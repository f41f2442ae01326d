/* ops_spline_template.h: the kernels of ops_spline.c (see kernels.h). LANES rows of one column are
 * computed side by side, without branches: every lane goes through all bins and keeps its own. */

typedef real K(lanes)[LANES];

/* Shares of a softmax over the bins, from numbers `stride` apart: p_k >= 0, with the sum 1. */
LAT_INLINE void K(spline_shares)(const real *raw, size_t stride, size_t n, size_t bins,
                                 K(lanes) *restrict p)
{
  K(lanes) most, sum;
  for (size_t k = 0; k < bins; k++)
    for (size_t l = 0; l < LANES; l++) p[k][l] = raw[(l < n ? l : 0) * stride + k];
  for (size_t l = 0; l < LANES; l++) {
    most[l] = raw[(l < n ? l : 0) * stride];
    sum[l] = 0;
  }
  for (size_t k = 1; k < bins; k++)
    for (size_t l = 0; l < LANES; l++) most[l] = p[k][l] < most[l] ? most[l] : p[k][l];
  for (size_t k = 0; k < bins; k++)
    for (size_t l = 0; l < LANES; l++) {
      p[k][l] = K(exp)(p[k][l] - most[l]);
      sum[l] += p[k][l];
    }
  for (size_t l = 0; l < LANES; l++) sum[l] = 1 / sum[l];
  for (size_t k = 0; k < bins; k++)
    for (size_t l = 0; l < LANES; l++) p[k][l] *= sum[l];
}

/* The bin of each lane: where it begins on both axes, its width and height, the slopes at its knots
 * (before the softplus; 0 gives the slope 1), and its number. */
typedef struct K(bin) {
  K(lanes) x, w, y, h, d0, d1, number;
} K(bin);

/* The bins in which `at` lies, measured along x, or along y when `inverse`. */
LAT_INLINE void K(find_bins)(const real *raw, size_t stride, size_t n, size_t bins, real box,
                             const K(lanes) *restrict p, const K(lanes) *restrict q,
                             const real *restrict at, bool inverse, K(bin) * b)
{
  const real least = 2 * box * (real)LAT_SPLINE_LEAST_SHARE / (real)bins;
  const real rest = 2 * box * (1 - (real)LAT_SPLINE_LEAST_SHARE);
  K(lanes) x, y, d0;
  for (size_t l = 0; l < LANES; l++) {
    x[l] = y[l] = -box;
    d0[l] = 0;
  }
  for (size_t k = 0; k < bins; k++) {
    K(lanes) d1;
    for (size_t l = 0; l < LANES; l++)
      d1[l] = k + 1 < bins ? raw[(l < n ? l : 0) * stride + 2 * bins + k] : 0;
    for (size_t l = 0; l < LANES; l++) {
      real w = least + rest * p[k][l], h = least + rest * q[k][l];
      bool here = k == 0 || at[l] >= (inverse ? y[l] : x[l]);
      b->x[l] = here ? x[l] : b->x[l];
      b->w[l] = here ? w : b->w[l];
      b->y[l] = here ? y[l] : b->y[l];
      b->h[l] = here ? h : b->h[l];
      b->d0[l] = here ? d0[l] : b->d0[l];
      b->d1[l] = here ? d1[l] : b->d1[l];
      b->number[l] = here ? (real)k : b->number[l];
      x[l] += w;
      y[l] += h;
      d0[l] = d1[l];
    }
  }
}

LAT_INLINE real K(spline_slope)(real raw)
{
  return (real)LAT_SPLINE_LEAST_SLOPE + K(softplus)(raw + (real)SLOPE_SHIFT);
}

/* With xi = (x - x_k)/w, s = h/w, v = xi (1 - xi):
 *   y = y_k + h N/E,  N = s xi^2 + d0 v,  E = s + (d0 + d1 - 2 s) v,
 *   dy/dx = s^2 M/E^2,  M = d1 xi^2 + 2 s v + d0 (1 - xi)^2 */

/* The inverse: xi solves a quadratic equation (the paper's (6) to (8)) whose discriminant isn't
 * negative but for rounding; one step of Newton's method takes out what that left. */
LAT_INLINE real K(solve_bin)(real up, real h, real s, real d0, real d1)
{
  real bend = d0 + d1 - 2 * s, a = h * (s - d0) + up * bend, b = h * d0 - up * bend, c = -s * up;
  real square = b * b - 4 * a * c, root = K(root)(square > 0 ? square : 0);
  real xi = b + root > 0 ? 2 * -c / (b + root) : 0;
  xi = xi < 0 ? 0 : xi > 1 ? 1 : xi;
  real v = xi * (1 - xi), E = s + bend * v, N = s * xi * xi + d0 * v;
  real M = d1 * xi * xi + 2 * s * v + d0 * (1 - xi) * (1 - xi);
  xi -= (h * N - up * E) * E / (h * s * M);
  return xi < 0 ? 0 : xi > 1 ? 1 : xi;
}

/* A column of a block of rows. a = the state, x = the result, b = raw (m numbers from a row to the
 * next, 0 for one row), c = columns, cols = D + 1, n = bins, s = the box, kind = inverse; sum = the
 * lanes' log |det|. */
static CLONES void K(spline_column)(const lat_args *args, size_t row, size_t n, size_t k, real *sum)
{
  const size_t width = args->cols, bins = args->n, column = ((const size_t *)args->c)[k];
  const real box = (real)args->s;
  const bool inverse = args->kind;
  const real *raw = (const real *)args->b + row * args->m + k * (3 * bins - 1);
  const real *h = (const real *)args->a + row * width + column;
  real *out = (real *)args->x + row * width + column;
  K(lanes) x, at, y, p[LAT_SPLINE_BINS], q[LAT_SPLINE_BINS];
  K(bin) b;
  for (size_t l = 0; l < LANES; l++) {
    x[l] = h[(l < n ? l : 0) * width];
    at[l] = x[l] < -box ? -box : x[l] > box ? box : x[l];
  }
  K(spline_shares)(raw, args->m, n, bins, p);
  K(spline_shares)(raw + bins, args->m, n, bins, q);
  K(find_bins)
  (raw, args->m, n, bins, box, (const K(lanes) *)p, (const K(lanes) *)q, at, inverse, &b);
  for (size_t l = 0; l < LANES; l++) {
    real s = b.h[l] / b.w[l], d0 = K(spline_slope)(b.d0[l]), d1 = K(spline_slope)(b.d1[l]);
    real xi = (at[l] - b.x[l]) / b.w[l];
    xi = xi < 0 ? 0 : xi > 1 ? 1 : xi;
    if (inverse) xi = K(solve_bin)(at[l] - b.y[l], b.h[l], s, d0, d1);
    real v = xi * (1 - xi), E = s + (d0 + d1 - 2 * s) * v, N = s * xi * xi + d0 * v;
    real M = d1 * xi * xi + 2 * s * v + d0 * (1 - xi) * (1 - xi), r = s / E;
    real rise = K(log)(r * r * M);
    bool inside = x[l] > -box && x[l] < box;
    real to = inverse ? b.x[l] + xi * b.w[l] : b.y[l] + b.h[l] * N / E;
    y[l] = inside ? to : x[l];
    sum[l] += inside ? inverse ? -rise : rise : 0;
  }
  for (size_t l = 0; l < n; l++) out[l * width] = y[l];
}

static void K(spline_rows)(const lat_args *args, size_t begin, size_t end)
{
  const size_t width = args->cols;
  const real *h = args->a;
  real *out = args->x;
  memcpy(out + begin * width, h + begin * width, (end - begin) * width * sizeof(real));
  for (size_t i = begin; i < end; i += LANES) {
    size_t n = end - i < LANES ? end - i : LANES;
    K(lanes) sum = {0};
    for (size_t k = 0; k < args->rows; k++) K(spline_column)(args, i, n, k, sum);
    for (size_t l = 0; l < n; l++) out[(i + l) * width + width - 1] += sum[l];
  }
}

/* What each lane's result and log-slope give to the places that they depend on: of x_k, w, y_k, h,
 * d0, d1 before the softplus, and x. */
typedef struct K(parts) {
  K(lanes) x, w, y, h, d0, d1, in;
} K(parts);

LAT_INLINE void K(bin_back)(const K(bin) * b, const real *at, const real *x, const real *gy,
                            const real *gl, real box, K(parts) * out)
{
  for (size_t l = 0; l < LANES; l++) {
    bool inside = x[l] > -box && x[l] < box;
    real g = inside ? gy[l] : 0, e = inside ? gl[l] : 0, w = b->w[l], h = b->h[l], s = h / w;
    real d0 = K(spline_slope)(b->d0[l]), d1 = K(spline_slope)(b->d1[l]), xi = (at[l] - b->x[l]) / w;
    xi = xi < 0 ? 0 : xi > 1 ? 1 : xi;
    real z = 1 - xi, v = xi * z, bend = d0 + d1 - 2 * s, E = s + bend * v, r = 1 / E;
    real N = s * xi * xi + d0 * v, M = d1 * xi * xi + 2 * s * v + d0 * z * z, m = 1 / M;
    real f = N * r, own = g * h * r, turn = z - xi;
    real by_xi = own * (2 * s * xi + d0 * turn - f * bend * turn) +
                 e * (2 * m * (d1 * xi + s * turn - d0 * z) - 2 * r * bend * turn);
    real by_s = own * (xi * xi - f * (1 - 2 * v)) + e * (2 / s + 2 * m * v - 2 * r * (1 - 2 * v));
    real by_d0 = own * v * (1 - f) + e * (m * z * z - 2 * r * v);
    real by_d1 = -own * v * f + e * (m * xi * xi - 2 * r * v);
    out->y[l] = g;
    out->h[l] = g * f + by_s / w;
    out->w[l] = -(by_s * s + by_xi * xi) / w;
    out->x[l] = -by_xi / w;
    out->in[l] = inside ? by_xi / w : gy[l];
    out->d0[l] = by_d0 * K(sigmoid)(b->d0[l] + (real)SLOPE_SHIFT);
    out->d1[l] = by_d1 * K(sigmoid)(b->d1[l] + (real)SLOPE_SHIFT);
  }
}

/* Gradients of the numbers before a softmax: a bin's size is its own place's, and moves all after
 * it. g := rest p_k (d_k - sum_j p_j d_j), d_k = [k is the bin] of_size + [k before the bin]
 * of_place */
LAT_INLINE void K(shares_back)(K(lanes) *restrict p, const real *number, const real *of_size,
                               const real *of_place, size_t bins, real rest)
{
  K(lanes) mean = {0};
  for (size_t k = 0; k < bins; k++)
    for (size_t l = 0; l < LANES; l++) {
      real d = (real)k < number[l] ? of_place[l] : (real)k > number[l] ? 0 : of_size[l];
      mean[l] += p[k][l] * d;
    }
  for (size_t k = 0; k < bins; k++)
    for (size_t l = 0; l < LANES; l++) {
      real d = (real)k < number[l] ? of_place[l] : (real)k > number[l] ? 0 : of_size[l];
      p[k][l] *= rest * (d - mean[l]);
    }
}

LAT_INLINE void K(put_share)(const real *from, size_t stride, size_t n, bool add, real *to)
{
  for (size_t l = 0; l < n; l++) to[l * stride] = (add ? to[l * stride] : 0) + from[l];
}

/* As spline_column; d = g; x, y = the gradients of the state (which has g already) and of raw. */
static CLONES void K(spline_column_back)(const lat_args *args, size_t row, size_t n, size_t k)
{
  const size_t width = args->cols, bins = args->n, column = ((const size_t *)args->c)[k];
  const size_t own = 3 * bins - 1, stride = args->rows * own;
  const real box = (real)args->s, rest = 2 * box * (1 - (real)LAT_SPLINE_LEAST_SHARE);
  const real *raw = (const real *)args->b + row * args->m + k * own;
  const real *h = (const real *)args->a + row * width, *g = (const real *)args->d + row * width;
  real *dx = args->x ? (real *)args->x + row * width + column : NULL;
  real *draw = args->y ? (real *)args->y + row * stride + k * own : NULL;
  const bool add = args->add_y;
  K(lanes) x, at, gy, gl, p[LAT_SPLINE_BINS], q[LAT_SPLINE_BINS];
  K(bin) b;
  K(parts) parts;
  for (size_t l = 0; l < LANES; l++) {
    size_t i = (l < n ? l : 0) * width;
    x[l] = h[i + column];
    at[l] = x[l] < -box ? -box : x[l] > box ? box : x[l];
    gy[l] = g[i + column];
    gl[l] = g[i + width - 1];
  }
  K(spline_shares)(raw, args->m, n, bins, p);
  K(spline_shares)(raw + bins, args->m, n, bins, q);
  K(find_bins)(raw, args->m, n, bins, box, (const K(lanes) *)p, (const K(lanes) *)q, at, false, &b);
  K(bin_back)(&b, at, x, gy, gl, box, &parts);
  for (size_t l = 0; dx && l < n; l++) dx[l * width] += parts.in[l] - gy[l];
  if (!draw) return;
  K(shares_back)(p, b.number, parts.w, parts.x, bins, rest);
  K(shares_back)(q, b.number, parts.h, parts.y, bins, rest);
  for (size_t j = 0; j < bins; j++) K(put_share)(p[j], stride, n, add, draw + j);
  for (size_t j = 0; j < bins; j++) K(put_share)(q[j], stride, n, add, draw + bins + j);
  for (size_t j = 0; j + 1 < bins; j++) { /* the knot after bin j */
    K(lanes) d;
    for (size_t l = 0; l < LANES; l++) {
      real left = (real)j - b.number[l];
      d[l] = left == 0 ? parts.d1[l] : left == -1 ? parts.d0[l] : 0;
    }
    K(put_share)(d, stride, n, add, draw + 2 * bins + j);
  }
}

static void K(spline_rows_back)(const lat_args *args, size_t begin, size_t end)
{
  for (size_t i = begin; i < end; i += LANES)
    for (size_t k = 0; k < args->rows; k++)
      K(spline_column_back)(args, i, end - i < LANES ? end - i : LANES, k);
}
