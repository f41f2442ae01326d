/* lds/tracker/diffuse.c: a tracker's steps while states are diffuse.
 *
 * They are the filter's over a sequence (diffuse.c), which keeps all steps, for a sequence of two:
 * the present step and the previous one. */
#include <math.h>
#include <string.h>

#include "em/lds/tracker/internal.h"

size_t lat_lds_diffuse_phase_count(const lat_lds *lds)
{
  if (lat_lds_count_diffuse(lds) == 0) return 0;
  return lat_lds_doubles_of(1, sizeof(struct lat_lds_diffuse_phase)) + lat_lds_pass_count(lds, 2);
}

struct lat_lds_diffuse_phase *lat_lds_diffuse_phase_init(const lat_lds *lds, double *memory)
{
  struct lat_lds_diffuse_phase *s = (void *)memory;
  s->lds = *lds;
  s->sequence = (lat_lds_sequence){.steps = 2};
  s->memory = memory + lat_lds_doubles_of(1, sizeof *s);
  s->count = lat_lds_pass_count(lds, 2);
  memset(s->memory, 0, s->count * sizeof *s->memory);
  lat_lds_pass_init(&s->pass, &s->lds, &s->sequence, s->memory);
  return s;
}

/* The tracker's belief := the present step of these. */
static void set_belief(lat_lds_tracker *t, const double *means, const double *covariances)
{
  size_t M = t->lds.states, now = t->diffuse_phase->now;
  memcpy(t->belief.mean, means + now * M, M * sizeof *means);
  memcpy(t->belief.covariance, covariances + now * M * M, M * M * sizeof *means);
}

void lat_lds_diffuse_phase_begin(lat_lds_tracker *t)
{
  struct lat_lds_diffuse_phase *s = t->diffuse_phase;
  lat_lds_belief *b = &s->pass.belief;
  size_t M = t->lds.states;
  s->lds = t->lds;
  s->now = 0;
  memcpy(b->mean, t->lds.initial_mean, M * sizeof *b->mean);
  memcpy(b->covariance, t->lds.initial_covariance, M * M * sizeof *b->covariance);
  lat_lds_diffuse_begin(&s->pass);
  lat_lds_scale_init(M, b);
  if (b->root) lat_lds_root(M, b->covariance, b->root);
  lat_lds_diffuse_predict(&s->pass, 0);
  set_belief(t, s->pass.predicted_means, s->pass.predicted_covariances);
}

bool lat_lds_diffuse_phase_active(const lat_lds_tracker *t)
{
  return t->diffuse_phase && t->diffuse_phase->pass.diffuse.on;
}

void lat_lds_diffuse_phase_end(lat_lds_tracker *t)
{
  if (t->diffuse_phase) t->diffuse_phase->pass.diffuse.on = false;
}

void lat_lds_diffuse_phase_predict(lat_lds_tracker *t, const double *A, const double *Q,
                                   const double *Q_root, const double *B, bool updated)
{
  struct lat_lds_diffuse_phase *s = t->diffuse_phase;
  lat_lds_diffuse *d = &s->pass.diffuse;
  size_t M = t->lds.states;
  if (!updated) /* no y: the coefficients of delta are those before the update */
    memcpy(d->E + s->now * M * d->q, d->ahead_E + s->now * M * d->q, M * d->q * sizeof *d->E);
  if (s->now == 1) memcpy(d->E, d->E + M * d->q, M * d->q * sizeof *d->E);
  s->now = 1;
  s->lds.A = (lat_lds_matrix){A, 0};
  lat_lds_predict(&s->pass.step, A, Q, Q_root, &s->pass.belief);
  if (t->has_input) lat_lds_add_input(M, B, t->lds.inputs, t->u, s->pass.belief.mean);
  lat_lds_diffuse_predict(&s->pass, 1);
  set_belief(t, s->pass.predicted_means, s->pass.predicted_covariances);
}

double lat_lds_diffuse_phase_update(lat_lds_tracker *t, const double *C, const double *R,
                                    const double *y, const double *offset)
{
  struct lat_lds_diffuse_phase *s = t->diffuse_phase;
  lat_lds_workspace *w = &s->pass.step;
  lat_lds_belief *b = &s->pass.belief;
  size_t M = t->lds.states;
  /* the innovation is that of the known mean, not that given delta = 0 */
  lat_lds_select_observed(w, C, R, y, offset, t->belief.mean);
  for (size_t i = 0; i < t->lds.outputs; i++) t->innovation[i] = NAN;
  for (size_t i = 0; i < w->count; i++) t->innovation[w->index[i]] = w->residual[i];
  double log_density = lat_lds_update(w, C, R, y, offset, b);
  lat_lds_diffuse_update(&s->pass, s->now, &log_density);
  if (isnan(log_density)) return log_density;
  set_belief(t, s->pass.means, s->pass.covariances);
  if (!s->pass.diffuse.on && b->root) memcpy(t->belief.root, b->root, M * M * sizeof *b->root);
  if (!s->pass.diffuse.on) lat_lds_scale_init(M, &t->belief);
  return log_density;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

enum { ON, NOW, RANK, STEPS, LIMIT, NUMBERS };

size_t lat_lds_diffuse_phase_snapshot_count(const lat_lds_tracker *t)
{
  return t->diffuse_phase ? NUMBERS + t->diffuse_phase->count : 0;
}

void lat_lds_diffuse_phase_save(const lat_lds_tracker *t, double *snapshot)
{
  const struct lat_lds_diffuse_phase *s = t->diffuse_phase;
  const lat_lds_diffuse *d = &s->pass.diffuse;
  snapshot[ON] = d->on;
  snapshot[NOW] = (double)s->now;
  snapshot[RANK] = (double)d->rank;
  snapshot[STEPS] = (double)d->steps;
  snapshot[LIMIT] = d->limit;
  memcpy(snapshot + NUMBERS, s->memory, s->count * sizeof *snapshot);
}

bool lat_lds_diffuse_phase_is_snapshot(const lat_lds_tracker *t, const double *snapshot)
{
  return (snapshot[ON] == 0 || snapshot[ON] == 1) && (snapshot[NOW] == 0 || snapshot[NOW] == 1) &&
         snapshot[RANK] >= 0 && snapshot[RANK] <= (double)t->diffuse_phase->pass.diffuse.q &&
         snapshot[STEPS] >= 0 && snapshot[STEPS] <= 2;
}

bool lat_lds_diffuse_phase_restore(lat_lds_tracker *t, const double *snapshot)
{
  struct lat_lds_diffuse_phase *s = t->diffuse_phase;
  lat_lds_diffuse *d = &s->pass.diffuse;
  d->on = snapshot[ON] == 1;
  s->now = (size_t)snapshot[NOW];
  d->rank = (size_t)snapshot[RANK];
  d->steps = (size_t)snapshot[STEPS];
  d->limit = snapshot[LIMIT];
  memcpy(s->memory, snapshot + NUMBERS, s->count * sizeof *snapshot);
  return d->on;
}
