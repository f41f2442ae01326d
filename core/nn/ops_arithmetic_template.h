/* ops_arithmetic_template.h: the kernels of ops_arithmetic.c (see kernels.h). */

/* The value of a (+ - * /) b, and the gradient of a (left) or b from the gradient g of the
 * value. */
LAT_INLINE real K(operate)(int kind, real a, real b)
{
  return kind == ADD ? a + b : kind == SUBTRACT ? a - b : kind == MULTIPLY ? a * b : a / b;
}

LAT_INLINE real K(share)(int kind, bool left, real g, real a, real b)
{
  if (kind == ADD) return g;
  if (kind == SUBTRACT) return left ? g : -g;
  if (kind == MULTIPLY) return left ? g * b : g * a;
  return left ? g / b : -g * (a / b) / b;
}

/* One loop for each way in which a row of a and a row of b advance. */
#define ROW(kind)                                                                                  \
  if (a_step && b_step)                                                                            \
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) out[j] = K(operate)(kind, a[j], b[j]);          \
  else if (a_step)                                                                                 \
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) out[j] = K(operate)(kind, a[j], *b);            \
  else                                                                                             \
    LAT_INDEPENDENT for (size_t j = 0; j < n; j++) out[j] = K(operate)(kind, *a, b[j * b_step]);

static CLONES void K(operate_row)(int kind, size_t n, const real *restrict a, size_t a_step,
                                  const real *restrict b, size_t b_step, real *restrict out)
{
  if (kind == ADD) {
    ROW(ADD)
  } else if (kind == SUBTRACT) {
    ROW(SUBTRACT)
  } else if (kind == MULTIPLY) {
    ROW(MULTIPLY)
  } else {
    ROW(DIVIDE)
  }
}
#undef ROW

#define ROW(kind, left)                                                                            \
  LAT_INDEPENDENT for (size_t j = 0; j < n; j++)                                                   \
  {                                                                                                \
    real value = K(share)(kind, left, g[j], a[j * a_step], b[j * b_step]);                         \
    PUT(out[j], add, value);                                                                       \
  }

static CLONES void K(share_row)(int kind, bool left, size_t n, const real *restrict g,
                                const real *restrict a, size_t a_step, const real *restrict b,
                                size_t b_step, real *restrict out, bool add)
{
  if (kind == ADD) {
    ROW(ADD, true)
  } else if (kind == SUBTRACT) {
    ROW(SUBTRACT, left)
  } else if (kind == MULTIPLY) {
    ROW(MULTIPLY, left)
  } else {
    ROW(DIVIDE, left)
  }
}
#undef ROW

/* Rows: a, b; x the value. args->n has bits where a and b vary: A_DOWN, ... */
static void K(arithmetic_forward)(const lat_args *args, size_t begin, size_t end)
{
  const real *a = args->a, *b = args->b;
  real *out = args->x;
  size_t n = args->cols, a_step = (args->n & A_ACROSS) > 0, b_step = (args->n & B_ACROSS) > 0;
  size_t a_lead = args->n & A_DOWN ? (a_step ? n : 1) : 0;
  size_t b_lead = args->n & B_DOWN ? (b_step ? n : 1) : 0;
  for (size_t i = begin; i < end; i++)
    K(operate_row)(args->kind, n, a + i * a_lead, a_step, b + i * b_lead, b_step, out + i * n);
}

/* Rows: c = the gradient of the value; x that of a (args->m = 1) or b, at full size */
static void K(arithmetic_backward)(const lat_args *args, size_t begin, size_t end)
{
  const real *a = args->a, *b = args->b, *g = args->c;
  real *out = args->x;
  size_t n = args->cols, a_step = (args->n & A_ACROSS) > 0, b_step = (args->n & B_ACROSS) > 0;
  size_t a_lead = args->n & A_DOWN ? (a_step ? n : 1) : 0;
  size_t b_lead = args->n & B_DOWN ? (b_step ? n : 1) : 0;
  for (size_t i = begin; i < end; i++) K(share_row)
  (args->kind, args->m, n, g + i * n, a + i * a_lead, a_step, b + i * b_lead, b_step, out + i * n,
   args->add);
}
