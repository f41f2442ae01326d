/* lds/lds.c: views of a linear dynamical system's parameters, their checks, and its stationary
 * state.
 *
 * The stationary covariance solves P = A P A' + Q (the discrete Lyapunov equation), here by
 * doubling: P_{k+1} = P_k + A_k P_k A_k', A_{k+1} = A_k^2 from P_0 = Q, A_0 = A sums 2^k terms of
 * sum A^i Q A'^i (Anderson, Moore, Optimal Filtering, 1979, 6.7). */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eigen/eigen.h"
#include "em/lds/em.h"
#include "matrix/linear/lapack.h"

const lat_parameter lat_lds_parameters[] = {
    {"A", {LAT_M, LAT_M}},     {"B", {LAT_M, LAT_U}},
    {"C", {LAT_D, LAT_M}},     {"D", {LAT_D, LAT_U}},
    {"Q", {LAT_M, LAT_M}},     {"R", {LAT_D, LAT_D}},
    {"initial_mean", {LAT_M}}, {"initial_covariance", {LAT_M, LAT_M}},
    {NULL, {LAT_END}}};

lat_lds_values lat_lds_values_of(double *flat, const size_t sizes[LAT_SIZES])
{
  lat_lds_values v;
  double **values[LAT_LDS_PARAMETERS] = {&v.A, &v.B, &v.C,    &v.D,
                                         &v.Q, &v.R, &v.mean, &v.covariance};
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    *values[i] = flat;
    flat += lat_parameter_count(lat_lds_parameters + i, sizes);
  }
  return v;
}

lat_lds lat_lds_of(const lat_lds_options *o, const double *parameters,
                   const size_t sizes[LAT_SIZES])
{
  lat_lds lds = {.states = sizes[LAT_M],
                 .outputs = sizes[LAT_D],
                 .inputs = sizes[LAT_U],
                 .initial = o->initials,
                 .square_root = o->form == LAT_LDS_SQUARE_ROOT};
  lat_lds_values v = lat_lds_values_of((double *)parameters, sizes);
  const double *constants[] = {v.A, v.B, v.C, v.D, v.Q, v.R};
  for (int i = 0; i < LAT_LDS_MEAN; i++)
    lds.matrix[i] = o->given[i].stride ? o->given[i] : (lat_lds_matrix){constants[i], 0};
  lds.initial_mean = v.mean;
  lds.initial_covariance = v.covariance;
  return lds;
}

/* ---- given values ---------------------------------------------------------------------------- */

static bool is_covariance(int i)
{
  return i == LAT_LDS_Q || i == LAT_LDS_R || i == LAT_LDS_COVARIANCE;
}

void lat_lds_shape(int i, const size_t sizes[LAT_SIZES], size_t *rows, size_t *cols)
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  *rows = sizes[shape[0]];
  *cols = shape[1] == LAT_END ? 1 : sizes[shape[1]];
}

/* "number", "vector of 3", "2x3 matrix" */
static const char *describe(const lat_lds_value *v, char text[64])
{
  if (v->kind == LAT_LDS_NUMBER)
    snprintf(text, 64, "number");
  else if (v->kind == LAT_LDS_VECTOR && (v->X.rows == 1 || v->X.cols == 1))
    snprintf(text, 64, "vector of %zu", v->X.rows * v->X.cols);
  else
    snprintf(text, 64, "%zux%zu matrix", v->X.rows, v->X.cols);
  return text;
}

/* Size number k of parameter i is n. */
static lat_status set_size(lat_workspace *work, int i, const lat_lds_value *v, int k, size_t n,
                           size_t sizes[LAT_SIZES])
{
  static const char *const words[LAT_SIZES] = {
      [LAT_D] = "outputs", [LAT_M] = "states", [LAT_U] = "inputs"};
  char text[64];
  lat_size s = lat_lds_parameters[i].shape[k];
  if (s == LAT_END) return LAT_OK;
  if (sizes[s] == 0) sizes[s] = n;
  if (sizes[s] == n) return LAT_OK;
  return lat_fail(work, LAT_SHAPE, "%s is a %s, but the model has %zu %s", v->name,
                  describe(v, text), sizes[s], words[s]);
}

/* A vector of n is a diagonal, a row or a column. */
static lat_status set_sizes_by_vector(lat_workspace *work, int i, const lat_lds_value *v,
                                      size_t sizes[LAT_SIZES])
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  size_t n = v->X.rows * v->X.cols;
  if (is_covariance(i) || shape[1] == LAT_END) return set_size(work, i, v, 0, n, sizes);
  if (i == LAT_LDS_A && n > 1)
    return lat_fail(work, LAT_SHAPE,
                    "A is a vector of %zu, it should be a number, a matrix or a list of matrices, "
                    "one for each step",
                    n);
  /* C of one output; B and D of one state or output */
  bool row = i == LAT_LDS_C ? sizes[LAT_M] != 1 : sizes[shape[0]] == 1 && n > 1;
  LAT_TRY(set_size(work, i, v, 0, row ? 1 : n, sizes));
  return set_size(work, i, v, 1, row ? n : 1, sizes);
}

lat_status lat_lds_set_sizes(lat_workspace *work, int i, const lat_lds_value *v,
                             size_t sizes[LAT_SIZES])
{
  const lat_size *shape = lat_lds_parameters[i].shape;
  if (v->kind == LAT_LDS_VECTOR) return set_sizes_by_vector(work, i, v, sizes);
  if (v->kind == LAT_LDS_MATRIX) {
    LAT_TRY(set_size(work, i, v, 0, v->X.rows, sizes));
    return set_size(work, i, v, 1, v->X.cols, sizes);
  }
  for (int k = 0; !is_covariance(i) && k < 2; k++)
    if (shape[k] != LAT_END && sizes[shape[k]] == 0) sizes[shape[k]] = 1;
  return LAT_OK;
}

lat_status lat_lds_set_value(lat_workspace *work, int i, const lat_lds_value *v,
                             const size_t sizes[LAT_SIZES], double *to)
{
  char text[64];
  size_t rows, cols, n = v->X.rows * v->X.cols;
  lat_lds_shape(i, sizes, &rows, &cols);
  memset(to, 0, rows * cols * sizeof *to);
  bool number = v->kind == LAT_LDS_NUMBER && (is_covariance(i) || rows * cols == 1);
  bool diagonal = v->kind == LAT_LDS_VECTOR && is_covariance(i) && n == rows && rows > 1;
  if (number || diagonal) {
    for (size_t k = 0; k < rows; k++)
      to[k * cols + k] =
          number ? v->number : lat_get(&v->X, v->X.cols == 1 ? k : 0, v->X.cols == 1 ? 0 : k);
    return LAT_OK;
  }
  lat_matrix from = v->X, target = lat_matrix_of(to, rows, cols);
  if (v->kind == LAT_LDS_VECTOR && (rows == 1 || cols == 1) && n == rows * cols &&
      from.rows != rows)
    from = lat_transpose(from);
  if (v->kind == LAT_LDS_NUMBER || from.rows != rows || from.cols != cols)
    return lat_fail(work, LAT_SHAPE, "%s is a %s, it should be %zux%zu", v->name, describe(v, text),
                    rows, cols);
  lat_copy(&from, &target);
  return LAT_OK;
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* Doubles of parameter number i in all its steps. */
static size_t count_numbers(const lat_lds *lds, int i, size_t steps)
{
  const size_t sizes[LAT_SIZES] = {
      [LAT_M] = lds->states, [LAT_D] = lds->outputs, [LAT_U] = lds->inputs};
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
  return i < LAT_LDS_MEAN && lds->matrix[i].stride ? count * steps : count;
}

size_t lat_lds_copy_count(const lat_lds *lds, size_t steps)
{
  size_t count = lds->states; /* `initial` */
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) count += count_numbers(lds, i, steps);
  return count;
}

lat_lds lat_lds_copy(const lat_lds *lds, size_t steps, double *memory)
{
  lat_lds copy = *lds;
  const double **data[] = {
      &copy.A.data, &copy.B.data, &copy.C.data,       &copy.D.data,
      &copy.Q.data, &copy.R.data, &copy.initial_mean, &copy.initial_covariance};
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t count = count_numbers(lds, i, steps);
    double *to = lat_lds_take(&memory, count);
    if (count) memcpy(to, *data[i], count * sizeof *to);
    *data[i] = to;
  }
  if (!lds->initial) return copy;
  memcpy(memory, lds->initial, lds->states * sizeof *lds->initial); /* no larger than doubles */
  copy.initial = (const lat_lds_initial *)(void *)memory;
  return copy;
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* "Q", or "Q of step 3" */
static const char *label(char text[40], const char *name, lat_lds_matrix m, size_t t)
{
  if (m.stride)
    snprintf(text, 40, "%s of step %zu", name, t + 1);
  else
    snprintf(text, 40, "%s", name);
  return text;
}

static lat_status check_finite(lat_workspace *work, const char *name, lat_lds_matrix m,
                               size_t steps, size_t rows, size_t cols)
{
  char text[40];
  for (size_t t = 0; t < (m.stride ? steps : 1); t++) {
    lat_matrix view = lat_matrix_of((double *)lat_lds_at(m, t), rows, cols);
    LAT_TRY(lat_check_finite(work, label(text, name, m, t), &view, false));
  }
  return LAT_OK;
}

static lat_status check_covariance(lat_workspace *work, const char *name, lat_lds_matrix m,
                                   size_t steps, size_t n)
{
  char text[40];
  LAT_SCOPE(work);
  double *root = lat_doubles(work, n * n);
  if (!root) return LAT_MEMORY;
  LAT_TRY(check_finite(work, name, m, steps, n, n));
  for (size_t t = 0; t < (m.stride ? steps : 1); t++) {
    lat_matrix view = lat_matrix_of((double *)lat_lds_at(m, t), n, n);
    LAT_TRY(lat_check_symmetric(work, label(text, name, m, t), &view));
    if (!lat_lds_root(n, lat_lds_at(m, t), root))
      return lat_fail(work, LAT_INVALID, "%s is not positive semidefinite",
                      label(text, name, m, t));
  }
  return LAT_OK;
}

lat_status lat_lds_check_matrix(lat_workspace *work, int i, lat_lds_matrix matrix, size_t steps,
                                size_t rows, size_t cols)
{
  const char *name = lat_lds_parameters[i].name;
  if (is_covariance(i)) return check_covariance(work, name, matrix, steps, rows);
  return check_finite(work, name, matrix, steps, rows, cols);
}

lat_status lat_lds_check_parameters(lat_workspace *work, const lat_lds *lds, size_t steps)
{
  const lat_lds_matrix first[] = {{lds->initial_mean, 0}, {lds->initial_covariance, 0}};
  const size_t sizes[LAT_SIZES] = {
      [LAT_M] = lds->states, [LAT_D] = lds->outputs, [LAT_U] = lds->inputs};
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t rows, cols;
    lat_lds_shape(i, sizes, &rows, &cols);
    if (rows * cols > 0)
      LAT_TRY(lat_lds_check_matrix(
          work, i, i < LAT_LDS_MEAN ? lds->matrix[i] : first[i - LAT_LDS_MEAN], steps, rows, cols));
  }
  return LAT_OK;
}

lat_status lat_lds_check_sequence(lat_workspace *work, const lat_lds *lds,
                                  const lat_lds_sequence *s)
{
  lat_matrix Y = lat_matrix_of((double *)s->Y, s->steps, lds->outputs);
  if (s->steps == 0) return lat_fail(work, LAT_SHAPE, "Y has no rows");
  LAT_TRY(lat_check_finite(work, "Y", &Y, true));
  if (lds->inputs == 0) return LAT_OK;
  if (!s->U)
    return lat_fail(work, LAT_INVALID, "the model has %zu inputs, and none are given", lds->inputs);
  lat_matrix U = lat_matrix_of((double *)s->U, s->steps, lds->inputs);
  return lat_check_finite(work, "inputs", &U, false);
}

/* ---- the stationary state -------------------------------------------------------------------- */

/* A and Q of the n states that aren't diffuse. */
static lat_status select_states(lat_workspace *work, const lat_lds *lds, const size_t *index,
                                size_t n, double *A, double *Q)
{
  size_t M = lds->states;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0, k = 0; j < M; j++) {
      double a = lds->A.data[index[i] * M + j];
      if (k < n && index[k] == j) {
        A[i * n + k] = a;
        Q[i * n + k++] = lds->Q.data[index[i] * M + j];
      } else if (a != 0) {
        return lat_fail(work, LAT_INVALID,
                        "state %zu depends on the diffuse state %zu and so isn't stationary",
                        index[i] + 1, j + 1);
      }
    }
  return LAT_OK;
}

static lat_status check_stable(lat_workspace *work, const double *A, size_t n)
{
  LAT_SCOPE(work);
  double *values = lat_doubles(work, 2 * n), largest = 0;
  if (!values) return LAT_MEMORY;
  lat_matrix view = lat_matrix_of((double *)A, n, n);
  LAT_TRY(lat_general(work, &view, lat_vector_of(values, n), lat_vector_of(values + n, n), NULL));
  for (size_t i = 0; i < n; i++) largest = fmax(largest, hypot(values[i], values[n + i]));
  if (largest < 1 - LDS_STABLE) return LAT_OK;
  return lat_fail(
      work, LAT_INVALID,
      "A has an eigenvalue of modulus %.6g, so there is no stationary initial state; it "
      "needs all below 1",
      largest);
}

/* P := sum A^i P A'^i. `work` is 3 n^2. */
static void sum_by_doubling(size_t n, double *A, double *P, double *work)
{
  double *At = work, *AP = At + n * n, *more = AP + n * n;
  for (int i = 0; i < LDS_DOUBLINGS; i++) {
    double change = 0, size = 0;
    lat_lds_transpose(n, n, A, At);
    lat_lds_multiply(n, n, n, A, n, 1, P, LDS_SET, AP);
    lat_lds_multiply_symmetric(n, n, AP, n, 1, At, LDS_SET, more);
    for (size_t k = 0; k < n * n; k++) {
      P[k] += more[k];
      change = fmax(change, fabs(more[k]));
      size = fmax(size, fabs(P[k]));
    }
    if (change <= DBL_EPSILON / 16 * size) return;
    lat_lds_multiply(n, n, n, A, n, 1, A, LDS_SET, AP);
    memcpy(A, AP, n * n * sizeof *A);
  }
}

lat_status lat_lds_stationary(lat_workspace *work, const lat_lds *lds, double *mean,
                              double *covariance)
{
  LAT_SCOPE(work);
  size_t M = lds->states, n = 0;
  size_t *index = lat_allocate(work, M, sizeof *index);
  double *A = lat_doubles(work, 5 * M * M);
  if (!index || !A) return LAT_MEMORY;
  for (size_t i = 0; i < M; i++)
    if (!lat_lds_is_diffuse(lds, i)) index[n++] = i;
  double *P = A + M * M;
  memset(mean, 0, M * sizeof *mean);
  memset(covariance, 0, M * M * sizeof *covariance);
  LAT_TRY(select_states(work, lds, index, n, A, P));
  if (n > 0) LAT_TRY(check_stable(work, A, n));
  sum_by_doubling(n, A, P, P + M * M);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) covariance[index[i] * M + index[j]] = P[i * n + j];
  return LAT_OK;
}
