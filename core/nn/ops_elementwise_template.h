/* ops_elementwise_template.h: the kernels of ops_elementwise.c (see kernels.h). */

LAT_INLINE real K(one_less_square)(real t)
{
  return 1 - t * t;
}

/* Both sides are computed, which a vector does anyway. */
LAT_INLINE real K(choose_left)(real x, real left, real right)
{
  return x < 0 ? left : right;
}

/* y (1 - y), the derivative of the sigmoid */
LAT_INLINE real K(bell)(real y)
{
  return y * (1 - y);
}

LAT_INLINE real K(silu_slope)(real x)
{
  real y = K(sigmoid)(x);
  return y * (1 + x * (1 - y));
}

/* The same of y = silu(x), whose quotient is the sigmoid: a division is cheaper than another
 * exponential. */
LAT_INLINE real K(silu_slope_of)(real x, real y)
{
  real sigmoid = K(choose_left)(-K(magnitude)(x), y / x, (real)0.5);
  return sigmoid * (1 - y) + y;
}

LAT_INLINE real K(silu_bend)(real x)
{
  real y = K(sigmoid)(x);
  return K(bell)(y) * (2 + x * (1 - 2 * y));
}

LAT_INLINE real K(root)(real x)
{
  return (real)sqrt((double)x); /* which is rounded right for both types */
}

LAT_INLINE real K(normal_density)(real x)
{
  return (real)0x1.9884533d43651p-2 * K(exp)((real)-0.5 * x * x);
}

/* Phi(x) + x phi(x), the derivative of gelu, where one exponential serves both */
LAT_INLINE real K(gelu_slope)(real x)
{
  real bell, tail = K(normal_tail)(K(magnitude)(x), &bell);
  return (x < 0 ? tail : 1 - tail) + x * ((real)0x1.9884533d43651p-2 * bell);
}

/* f and its derivative, element by element: `value` of x, and `slope` of x and y = f(x); s and t
 * are numbers of the operation.
 *   forward    a = x; x = y
 *   backward   a = x, b = y, c = the gradient of y; x = that of x */
#define FUNCTION(name, value, slope)                                                               \
  static CLONES void K(name##_forward)(const lat_args *args, size_t begin, size_t end)             \
  {                                                                                                \
    const real *restrict in = args->a;                                                             \
    real *restrict out = args->x;                                                                  \
    const real s = (real)args->s, t = (real)args->t;                                               \
    (void)s, (void)t;                                                                              \
    LAT_INDEPENDENT for (size_t i = begin; i < end; i++)                                           \
    {                                                                                              \
      const real x = in[i];                                                                        \
      out[i] = value;                                                                              \
    }                                                                                              \
  }                                                                                                \
  static CLONES void K(name##_backward)(const lat_args *args, size_t begin, size_t end)            \
  {                                                                                                \
    const bool add = args->add;                                                                    \
    const real *restrict in = args->a, *restrict of = args->b, *restrict g = args->c;              \
    real *restrict out = args->x;                                                                  \
    const real s = (real)args->s, t = (real)args->t;                                               \
    (void)s, (void)t;                                                                              \
    LAT_INDEPENDENT for (size_t i = begin; i < end; i++)                                           \
    {                                                                                              \
      const real x = in[i], y = of[i];                                                             \
      (void)x, (void)y;                                                                            \
      PUT(out[i], add, g[i] * (slope));                                                            \
    }                                                                                              \
  }

/* clang-format off */
FUNCTION(affine,     s * x + t,                         s)
FUNCTION(exp,        K(exp)(x),                         y)
FUNCTION(log,        K(log)(x),                         1 / x)
FUNCTION(tanh,       K(tanh)(x),                        1 - y * y)
FUNCTION(sigmoid,    K(sigmoid)(x),                     y * (1 - y))
FUNCTION(relu,       x < 0 ? 0 : x,                     (real)(x > 0))
FUNCTION(leaky_relu, x < 0 ? s * x : x,                 x > 0 ? 1 : s)
FUNCTION(elu,        K(choose_left)(x, K(exp)(x) - 1, x), x < 0 ? y + 1 : 1)
FUNCTION(softplus,   K(softplus)(x),                    K(sigmoid)(x))
FUNCTION(gelu,       x * K(normal_cdf)(x),              K(gelu_slope)(x))
FUNCTION(silu,       K(silu)(x),                        K(silu_slope_of)(x, y))
FUNCTION(square,     x * x,                             2 * x)
FUNCTION(sqrt,       K(root)(x),                        y > 0 ? (real)0.5 / y : 0)
FUNCTION(abs,        K(magnitude)(x),                   (real)(x > 0) - (real)(x < 0))
FUNCTION(clamp,      x < s ? s : x > t ? t : x,         (real)(x >= s && x <= t))
/* derivatives, and theirs */
FUNCTION(relu_slope,     (real)(x > 0),                       0 * y)
FUNCTION(leaky_slope,    x > 0 ? 1 : s,                       0 * y)
FUNCTION(elu_slope,      K(choose_left)(x, K(exp)(x), 1),     x < 0 ? y : 0)
FUNCTION(tanh_slope,     K(one_less_square)(K(tanh)(x)),      -2 * K(tanh)(x) * y)
FUNCTION(sigmoid_slope,  K(bell)(K(sigmoid)(x)),              y * (1 - 2 * K(sigmoid)(x)))
FUNCTION(softplus_slope, K(sigmoid)(x),                       y * (1 - y))
FUNCTION(silu_slope,     K(silu_slope)(x),                    K(silu_bend)(x))
FUNCTION(gelu_slope,     K(gelu_slope)(x), K(normal_density)(x) * (2 - x * x))
/* the same of x = f(a), where they are a function of that */
FUNCTION(elu_slope_of,      x < 0 ? x + 1 : 1,        (real)(x < 0))
FUNCTION(tanh_slope_of,     1 - x * x,                -2 * x)
FUNCTION(sigmoid_slope_of,  K(bell)(x),               1 - 2 * x)
FUNCTION(softplus_slope_of, 1 - K(exp)(-x),           1 - y)
/* clang-format on */
#undef FUNCTION
