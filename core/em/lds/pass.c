/* lds/pass.c: a run over one sequence: its memory, and what its recursions share.
 *
 * A pass keeps predicted and filtered means (T x M) and covariances (T x M x M) of all steps, and
 * of the current one the belief and the workspace. Where A, C, Q and R are constant, the
 * covariances converge to a fixed point of the Riccati recursion, usually within some tens of
 * steps; from there on all steps share a slot, and only means are computed (Anderson, Moore,
 * Optimal Filtering, 1979, 4.4). */
#include <float.h>

#include "em/lds/internal.h"

size_t lat_lds_pass_count(const lat_lds *lds, size_t T)
{
  size_t M = lds->states, D = lds->outputs;
  return lat_lds_workspace_count(M, D) + 2 * T * (M + M * M) + 2 * T + 2 * M + 3 * M * M + D +
         lat_lds_diffuse_count(lds, T);
}

void lat_lds_pass_init(lat_lds_pass *pass, const lat_lds *lds, const lat_lds_sequence *sequence,
                       double *memory)
{
  size_t M = lds->states, D = lds->outputs, T = sequence->steps;
  *pass =
      (lat_lds_pass){.lds = lds, .sequence = sequence, .M = M, .D = D, .U = lds->inputs, .T = T};
  pass->ask = 1 + LDS_OPERATIONS / (M * M * M + D * D * D + 100);
  lat_lds_workspace_init(&pass->step, M, D, lat_lds_take(&memory, lat_lds_workspace_count(M, D)));
  pass->predicted_means = lat_lds_take(&memory, T * M);
  pass->predicted_covariances = lat_lds_take(&memory, T * M * M);
  pass->means = lat_lds_take(&memory, T * M);
  pass->covariances = lat_lds_take(&memory, T * M * M);
  pass->log_densities = lat_lds_take(&memory, T);
  pass->slot = (size_t *)lat_lds_take(&memory, T); /* a size_t is no larger than a double */
  pass->belief.mean = lat_lds_take(&memory, M);
  pass->belief.covariance = lat_lds_take(&memory, M * M);
  pass->belief.root = lat_lds_take(&memory, M * M);
  if (!lds->square_root) pass->belief.root = NULL;
  pass->belief.scale = lat_lds_take(&memory, M);
  if (!lat_lds_may_be_noiseless(lds, pass->step.factor)) pass->belief.scale = NULL;
  pass->Q_root = lat_lds_take(&memory, M * M);
  pass->offset = lat_lds_take(&memory, D);
  lat_lds_diffuse_init(pass, memory);
}

const double *lat_lds_offset(lat_lds_pass *pass, size_t t)
{
  if (!pass->U) return NULL;
  memset(pass->offset, 0, pass->D * sizeof *pass->offset);
  lat_lds_add_input(pass->D, lat_lds_at(pass->lds->D, t), pass->U, pass->sequence->U + t * pass->U,
                    pass->offset);
  return pass->offset;
}

/* ---- convergence of covariances -------------------------------------------------------------- */

/* The largest difference of P and Q relative to the deviations of P, squared. */
LAT_CLONES static double difference(size_t M, const double *P, const double *Q)
{
  double most = 0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double d = P[i * M + j] - Q[i * M + j], part = (d / P[i * M + i]) * (d / P[j * M + j]);
      most = d != 0 && !(part <= most) ? part : most; /* also a NaN */
    }
  return most;
}

bool lat_lds_has_converged(lat_lds_pass *pass, bool like, const double *all, size_t slot,
                           const double *now, const double *before)
{
  const double rounding = LDS_CONVERGED_STEPS * (0.5 * DBL_EPSILON);
  const size_t M = pass->M;
  double change = like ? difference(M, now, before) : INFINITY;
  if (change == 0) return true;
  double moved = like ? difference(M, now, all + pass->anchor * M * M) : INFINITY;
  double near = fmin(fmax(LDS_CONVERGED_CHANGES * sqrt(change), rounding), LDS_CONVERGED);
  if (!(sqrt(moved) <= near)) pass->anchor = slot;
  return (slot > pass->anchor ? slot - pass->anchor : pass->anchor - slot) >= LDS_CONVERGED_STEPS;
}

/* ---- failures -------------------------------------------------------------------------------- */

lat_status lat_lds_pass_check(lat_workspace *work, const lat_lds_pass *pass)
{
  if (pass->halt) LAT_TRY(pass->halt->status);
  if (pass->overflow)
    return lat_fail(work, LAT_DIVERGED, "step %zu: numbers overflow", pass->overflow);
  if (pass->failed)
    return lat_fail(work, LAT_SINGULAR,
                    "step %zu: the covariance C P C' + R of the observation is not positive "
                    "semidefinite%s",
                    pass->failed,
                    pass->lds->square_root ? "" : " (form = \"square_root\" has twice the digits)");
  return LAT_OK;
}
