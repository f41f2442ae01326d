/* diffusion/schedule.c: noise levels, and the coefficients of reverse steps (diffusion.h). */
#include <math.h>

#include "deep/diffusion/internal.h"

#define MOST_BETA     0.999 /* Nichol and Dhariwal: no step takes everything away */
#define COSINE_OFFSET 0.008

static double cosine(double u)
{
  double c = cos((u + COSINE_OFFSET) / (1 + COSINE_OFFSET) * 3.14159265358979323846 / 2);
  return c * c;
}

/* beta_start and beta_end where they aren't given: those of the process in continuous time with
 * rates from 0.1 to 20, which has A_T = 4e-5 for any T (1e-4 and 0.02 at T = 1000). */
static void ends_of(const lat_diffusion_options *o, double *start, double *end)
{
  double T = (double)o->timesteps;
  *start = isnan(o->beta_start) ? fmin(0.1 / T, MOST_BETA) : o->beta_start;
  *end = isnan(o->beta_end) ? fmin(20 / T, MOST_BETA) : o->beta_end;
}

static double beta_of(const lat_diffusion_options *o, size_t t)
{
  double start, end, T = (double)o->timesteps;
  double along = o->timesteps > 1 ? (double)(t - 1) / (T - 1) : 1; /* one step: beta_end */
  ends_of(o, &start, &end);
  switch (o->noise_schedule) {
  case LAT_NOISE_COSINE:
    return fmin(1 - cosine((double)t / T) / cosine((double)(t - 1) / T), MOST_BETA);
  case LAT_NOISE_QUADRATIC: {
    double root = sqrt(start) + (sqrt(end) - sqrt(start)) * along;
    return root * root;
  }
  default:
    return start + (end - start) * along;
  }
}

void lat_diffusion_schedule(const lat_diffusion_options *o, double *betas, double *kept)
{
  kept[0] = 1;
  for (size_t t = 1; t <= o->timesteps; t++) {
    double beta = beta_of(o, t);
    if (betas) betas[t - 1] = beta;
    kept[t] = kept[t - 1] * (1 - beta);
  }
}

double lat_diffusion_last(const lat_diffusion_options *o)
{
  double kept = 1;
  for (size_t t = 1; t <= o->timesteps; t++) kept *= 1 - beta_of(o, t);
  return kept;
}

lat_noise_level lat_diffusion_level(const lat_diffusion *model, size_t t)
{
  double A = model->kept[t], signal = sqrt(A), noise = sqrt(1 - A);
  switch (model->options.prediction) {
  case LAT_PREDICT_X0:
    return (lat_noise_level){signal, noise, 0, 1};
  case LAT_PREDICT_V:
    return (lat_noise_level){signal, noise, signal, -noise};
  default:
    return (lat_noise_level){signal, noise, 1 / signal, -noise / signal};
  }
}

/* r_t, or NAN while no row has been seen at this time. */
static double residual(const lat_diffusion *model, size_t t)
{
  const lat_store *store = &model->deep.store;
  lat_matrix r = lat_store_view(store, store->values, model->residuals);
  return lat_get(&r, 1, t - 1) > 0 ? lat_get(&r, 0, t - 1) : (double)NAN;
}

lat_reverse lat_diffusion_reverse_step(const lat_diffusion *model, size_t t, size_t s, bool bounded)
{
  double At = model->kept[t], As = model->kept[s], a = At / As, r = residual(model, t);
  lat_reverse step = {.b = (1 - As) / (1 - At) * (1 - a),
                      .c = sqrt(As) * (1 - a) / (1 - At),
                      .d = sqrt(a) * (1 - As) / (1 - At)};
  int variance = model->options.variance;
  if (variance == LAT_REVERSE_OPTIMAL && isnan(r)) variance = LAT_REVERSE_BETA;
  if (variance == LAT_REVERSE_POSTERIOR && s == 0 && bounded) variance = LAT_REVERSE_BETA;
  step.v = variance == LAT_REVERSE_BETA        ? 1 - a
           : variance == LAT_REVERSE_POSTERIOR ? step.b
                                               : step.b + step.c * step.c * r;
  if (bounded) step.v = fmax(step.v, LAT_DIFFUSION_LEAST);
  return step;
}
