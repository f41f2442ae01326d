/* lds/missing.c: missing entries of observations.
 *
 * Given the state, y = C z + D u + v, v ~ N(0, R), and with the entries of a row split into
 * observed (o) and missing (m) ones the missing ones' noise given the observed ones' is
 *
 *   v_m | v_o ~ N(R_mo inv(R_oo) v_o, R_mm - R_mo inv(R_oo) R_om),
 *
 * by which the E-step fills a row's moments, and lat_lds_impute its values. */
#include "em/lds/internal.h"

size_t lat_lds_missing_count(size_t D)
{
  return D + 4 * D * D + D;
}

void lat_lds_missing_init(lat_lds_missing *missing, size_t D, double *memory)
{
  *missing = (lat_lds_missing){.index = (size_t *)memory};
  missing->gain = memory + D;
  missing->rest = missing->gain + D * D;
  missing->work = missing->rest + D * D;
}

/* The entries that aren't among the observed ones; how many. */
static size_t list_missing(const lat_lds_workspace *w, size_t *index)
{
  size_t m = 0;
  for (size_t i = 0, k = 0; i < w->D; i++) {
    if (k < w->count && w->index[k] == i)
      k++;
    else
      index[m++] = i;
  }
  return m;
}

void lat_lds_missing_given_observed(lat_lds_missing *missing, const lat_lds_workspace *w,
                                    const double *R)
{
  size_t D = w->D, p = w->count, m = missing->missing = list_missing(w, missing->index);
  const size_t *index = missing->index;
  /* R_oo = L L', W := inv(L) R_om; gain' = inv(L') W, rest = R_mm - W'W */
  double *U = missing->work, *W = U + p * p, *inverse = W + p * m;
  memcpy(U, w->R, p * p * sizeof *U);
  for (size_t k = 0; k < p; k++)
    for (size_t j = 0; j < m; j++) W[k * m + j] = R[w->index[k] * D + index[j]];
  lat_lds_cholesky(p, U, inverse, LDS_PIVOT);
  lat_lds_solve_lower(p, m, U, inverse, W);
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++) missing->rest[i * m + j] = R[index[i] * D + index[j]];
  lat_lds_multiply_symmetric(m, p, W, 1, m, W, LDS_SUBTRACT, missing->rest);
  lat_lds_solve_upper(p, m, U, inverse, W);
  lat_lds_transpose(p, m, W, missing->gain);
}

/* ---- imputation ------------------------------------------------------------------------------ */

typedef struct imputation {
  lat_lds_pass *pass;
  lat_lds_missing missing;
  double *C; /* M: C_i - gain_i C_o of one missing entry */
  double *PC;
} imputation;

/* y_m = C_m z + D_m u + gain (y_o - C_o z - D_o u) + noise of covariance rest */
static void fill_row(imputation *f, size_t t, double *y, double *variances)
{
  lat_lds_pass *pass = f->pass;
  lat_lds_workspace *w = &pass->step;
  const lat_lds_missing *missing = &f->missing;
  size_t M = pass->M, D = pass->D;
  const double *C = lat_lds_at(pass->lds->C, t), *R = lat_lds_at(pass->lds->R, t);
  const double *offset = lat_lds_offset(pass, t), *mean = pass->smoothed_means + t * M;
  lat_lds_select_observed(w, C, R, y, offset, mean);
  size_t p = w->count;
  if (variances) memset(variances, 0, D * sizeof *variances);
  if (p == D) return;
  lat_lds_missing_given_observed(&f->missing, w, R);
  for (size_t k = 0; k < missing->missing; k++) {
    size_t i = missing->index[k];
    double *row = f->C, value = offset ? offset[i] : 0;
    for (size_t m = 0; m < M; m++) value += C[i * M + m] * mean[m];
    for (size_t l = 0; l < p; l++) value += missing->gain[k * p + l] * w->residual[l];
    y[i] = value;
    if (!variances) continue;
    memcpy(row, C + i * M, M * sizeof *row);
    for (size_t l = 0; l < p; l++)
      for (size_t m = 0; m < M; m++) row[m] -= missing->gain[k * p + l] * w->C[l * M + m];
    lat_lds_product(M, M, pass->smoothed_covariances + t * M * M, row, LDS_SET, f->PC);
    variances[i] = missing->rest[k * missing->missing + k];
    for (size_t m = 0; m < M; m++)
      if (row[m] != 0) variances[i] += row[m] * f->PC[m]; /* not of an infinite variance */
  }
}

lat_status lat_lds_impute(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *s,
                          double *Y, double *variances)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, s));
  LAT_SCOPE(work);
  size_t M = lds->states, D = lds->outputs, T = s->steps;
  double *memory = lat_doubles(work, lat_lds_smoother_count(lds, T));
  double *own = lat_doubles(work, lat_lds_missing_count(D) + 2 * M);
  if (!memory || !own) return LAT_MEMORY;
  lat_lds_pass pass;
  lat_halt halt = {work, 0, LAT_OK};
  lat_lds_smoother_init(&pass, lds, s, memory);
  pass.halt = &halt;
  LAT_TRY(lat_lds_smoother_run(work, &pass));
  imputation f = {.pass = &pass, .C = own + lat_lds_missing_count(D)};
  f.PC = f.C + M;
  lat_lds_missing_init(&f.missing, D, own);
  memcpy(Y, s->Y, T * D * sizeof *Y);
  for (size_t t = 0; t < T; t++) {
    if (lat_lds_stopped(&pass, t)) return halt.status;
    fill_row(&f, t, Y + t * D, variances ? variances + t * D : NULL);
  }
  return LAT_OK;
}
