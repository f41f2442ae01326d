/* progress.c: shares of nested steps (progress.h). A workspace has the share that is done, and what
 * the present step is worth, which the next function that counts divides among its own. */
#include "base/progress.h"

lat_steps lat_steps_begin(lat_workspace *work, double total, const char *unit)
{
  if (!work) return (lat_steps){.total = total};
  lat_progress *p = &work->progress;
  if (p->depth++ == 0) {
    p->share = 0;
    p->span = 1;
    p->total = unit ? total : 0;
    p->unit = unit;
  }
  lat_steps steps = {work, p->share, p->span, total};
  if (total > 0)
    lat_step(&steps, 0, 1);
  else if (p->depth == 1)
    lat_step_unknown(&steps);
  return steps;
}

void lat_step(const lat_steps *steps, double done, double next)
{
  if (!steps->work || !(steps->total > 0)) return;
  lat_progress *p = &steps->work->progress;
  if (p->share < 0) return;
  p->share = steps->from + steps->span * done / steps->total;
  p->span = steps->span * next / steps->total;
}

void lat_step_unknown(const lat_steps *steps)
{
  if (!steps->work) return;
  lat_progress *p = &steps->work->progress;
  p->share = -1;
  p->span = 0;
}

lat_status lat_at_step(const lat_steps *steps, double done, double next)
{
  lat_step(steps, done, next);
  return lat_check(steps->work);
}

void lat_steps_end(lat_steps *steps)
{
  if (!steps->work) return;
  lat_progress *p = &steps->work->progress;
  if (p->depth > 0) p->depth--; /* unless the workspace has ended before */
  if (!(steps->total > 0) || p->share < 0) return;
  p->share = steps->from + steps->span;
  p->span = 0;
}
