/* tracker_diffuse.c: a tracker's steps while states are diffuse.
 *
 * They are those of the filter over a sequence (diffuse.c), of which the last step and the one
 * before are kept: a run over two steps, whose second is done again and again. */
#include <math.h>
#include <string.h>

#include "em/lds/internal.h"
#include "em/lds/tracker_internal.h"

struct lat_lds_stretch {
  lat_lds lds; /* of the step */
  lat_lds_sequence sequence;
  lat_lds_pass pass;
  size_t now; /* 0 in the first step, then 1 */
  double *memory;
  size_t count;
};

static size_t doubles_of(size_t bytes)
{
  return (bytes + sizeof(double) - 1) / sizeof(double);
}

size_t lat_lds_stretch_count(const lat_lds *lds)
{
  bool any = false;
  for (size_t i = 0; lds->diffuse && i < lds->states; i++) any |= lds->diffuse[i];
  return any ? doubles_of(sizeof(struct lat_lds_stretch)) + lat_lds_pass_count(lds, 2, false) : 0;
}

struct lat_lds_stretch *lat_lds_stretch_init(const lat_lds *lds, double *memory)
{
  struct lat_lds_stretch *s = (void *)memory;
  s->lds = *lds;
  s->sequence = (lat_lds_sequence){.steps = 2};
  s->memory = memory + doubles_of(sizeof *s);
  s->count = lat_lds_pass_count(lds, 2, false);
  memset(s->memory, 0, s->count * sizeof *s->memory);
  lat_lds_pass_init(&s->pass, &s->lds, &s->sequence, false, s->memory);
  return s;
}

static void tell(lat_lds_tracker *t, const double *means, const double *covariances)
{
  size_t M = t->lds.states, now = t->stretch->now;
  memcpy(t->belief.mean, means + now * M, M * sizeof *means);
  memcpy(t->belief.covariance, covariances + now * M * M, M * M * sizeof *means);
}

void lat_lds_stretch_begin(lat_lds_tracker *t)
{
  struct lat_lds_stretch *s = t->stretch;
  lat_lds_belief *b = &s->pass.belief;
  size_t M = t->lds.states;
  s->lds = t->lds;
  s->now = 0;
  memcpy(b->mean, t->lds.initial_mean, M * sizeof *b->mean);
  memcpy(b->covariance, t->lds.initial_covariance, M * M * sizeof *b->covariance);
  lat_lds_diffuse_begin(&s->pass);
  lat_lds_begin_scale(M, b);
  if (b->root) lat_lds_root(M, b->covariance, b->root);
  lat_lds_diffuse_predict(&s->pass, 0);
  tell(t, s->pass.predicted_means, s->pass.predicted_covariances);
}

bool lat_lds_stretch_lasts(const lat_lds_tracker *t)
{
  return t->stretch && t->stretch->pass.diffuse.on;
}

void lat_lds_stretch_end(lat_lds_tracker *t)
{
  if (t->stretch) t->stretch->pass.diffuse.on = false;
}

void lat_lds_stretch_predict(lat_lds_tracker *t, const double *A, const double *Q,
                             const double *Q_root, const double *B, bool updated)
{
  struct lat_lds_stretch *s = t->stretch;
  lat_lds_diffuse *d = &s->pass.diffuse;
  size_t M = t->lds.states;
  if (!updated) /* nothing came in: the answer to delta after the step is that before it */
    memcpy(d->E + s->now * M * d->q, d->ahead_E + s->now * M * d->q, M * d->q * sizeof *d->E);
  if (s->now == 1) memcpy(d->E, d->E + M * d->q, M * d->q * sizeof *d->E);
  s->now = 1;
  s->lds.A = (lat_lds_matrix){A, 0};
  lat_lds_predict(&s->pass.frame, A, Q, Q_root, &s->pass.belief);
  if (t->has_input) lat_lds_drive(M, B, t->lds.inputs, t->u, s->pass.belief.mean);
  lat_lds_diffuse_predict(&s->pass, 1);
  tell(t, s->pass.predicted_means, s->pass.predicted_covariances);
}

lat_status lat_lds_stretch_update(lat_lds_tracker *t, const double *C, const double *R,
                                  const double *y, const double *offset)
{
  struct lat_lds_stretch *s = t->stretch;
  lat_lds_frame *f = &s->pass.frame;
  lat_lds_belief *b = &s->pass.belief;
  size_t M = t->lds.states;
  /* the innovation is about what is known, not about delta = 0 */
  lat_lds_select(f, C, R, y, offset, t->belief.mean);
  for (size_t i = 0; i < t->lds.outputs; i++) t->innovation[i] = NAN;
  for (size_t i = 0; i < f->count; i++) t->innovation[f->index[i]] = f->residual[i];
  double log_density = lat_lds_update(f, C, R, y, offset, b);
  lat_lds_diffuse_update(&s->pass, s->now, &log_density);
  if (isnan(log_density)) return LAT_SINGULAR;
  tell(t, s->pass.means, s->pass.covariances);
  if (!s->pass.diffuse.on && b->root) memcpy(t->belief.root, b->root, M * M * sizeof *b->root);
  if (!s->pass.diffuse.on) lat_lds_begin_scale(M, &t->belief);
  LAT_TRY(lat_lds_record(t, f, f->index, log_density));
  t->distance = 0; /* of a variance without bound */
  for (size_t i = 0; i < t->count * t->count; i++) t->factor[i] = NAN;
  return LAT_OK;
}

/* ---- to be kept -------------------------------------------------------------------------------- */

enum { ON, NOW, RANK, STEPS, LIMIT, NUMBERS };

size_t lat_lds_stretch_kept(const lat_lds_tracker *t)
{
  return t->stretch ? NUMBERS + t->stretch->count : 0;
}

void lat_lds_stretch_save(const lat_lds_tracker *t, double *kept)
{
  const struct lat_lds_stretch *s = t->stretch;
  const lat_lds_diffuse *d = &s->pass.diffuse;
  kept[ON] = d->on;
  kept[NOW] = (double)s->now;
  kept[RANK] = (double)d->rank;
  kept[STEPS] = (double)d->steps;
  kept[LIMIT] = d->limit;
  memcpy(kept + NUMBERS, s->memory, s->count * sizeof *kept);
}

bool lat_lds_stretch_is_kept(const lat_lds_tracker *t, const double *kept)
{
  return (kept[ON] == 0 || kept[ON] == 1) && (kept[NOW] == 0 || kept[NOW] == 1) &&
         kept[RANK] >= 0 && kept[RANK] <= (double)t->stretch->pass.diffuse.q && kept[STEPS] >= 0 &&
         kept[STEPS] <= 2;
}

bool lat_lds_stretch_restore(lat_lds_tracker *t, const double *kept)
{
  struct lat_lds_stretch *s = t->stretch;
  lat_lds_diffuse *d = &s->pass.diffuse;
  d->on = kept[ON] == 1;
  s->now = (size_t)kept[NOW];
  d->rank = (size_t)kept[RANK];
  d->steps = (size_t)kept[STEPS];
  d->limit = kept[LIMIT];
  memcpy(s->memory, kept + NUMBERS, s->count * sizeof *kept);
  return d->on;
}
