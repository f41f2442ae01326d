/* diffusion/options.c: a diffusion's table of options, and their check (diffusion.h). What it does
 * is described in model.c. */
#include <math.h>

#include "deep/diffusion/internal.h"

static const char *const schedules[LAT_NOISE_SCHEDULES + 1] = {[LAT_NOISE_LINEAR] = "linear",
                                                               [LAT_NOISE_COSINE] = "cosine",
                                                               [LAT_NOISE_QUADRATIC] = "quadratic"};
static const char *const predictions[LAT_PREDICTIONS + 1] = {
    [LAT_PREDICT_EPSILON] = "epsilon", [LAT_PREDICT_X0] = "x0", [LAT_PREDICT_V] = "v"};
static const char *const variances[LAT_REVERSE_VARIANCES + 1] = {[LAT_REVERSE_OPTIMAL] = "optimal",
                                                                 [LAT_REVERSE_POSTERIOR] =
                                                                     "posterior",
                                                                 [LAT_REVERSE_BETA] = "beta"};

/* Within (0, 1), unless it is NAN: not given. */
#define BETA(field, shown)                                                                         \
  LAT_DEEP_ROW(#field, LAT_NUMBER, lat_diffusion_options, field, (double)NAN, 1e-12, 1 - 1e-6,     \
               NULL, shown)

const lat_option lat_diffusion_table[] = {
    LAT_DEEP_ROW("input_dim", LAT_SIZE, lat_diffusion_options, input_dim, 0, 1, 1 << 20, NULL,
                 "required"),
    LAT_OPTION_SIZE(lat_diffusion_options, timesteps, 100, 1, LAT_DIFFUSION_STEPS),
    LAT_OPTION_CHOICE(lat_diffusion_options, noise_schedule, LAT_NOISE_COSINE, schedules),
    BETA(beta_start, "0.1/timesteps"),
    BETA(beta_end, "20/timesteps"),
    LAT_OPTION_CHOICE(lat_diffusion_options, prediction, LAT_PREDICT_V, predictions),
    LAT_OPTION_CHOICE(lat_diffusion_options, variance, LAT_REVERSE_OPTIMAL, variances),
    LAT_OPTION_BOOLEAN(lat_diffusion_options, standardize, true),
    LAT_OPTION_BOOLEAN(lat_diffusion_options, clamp, true),
    LAT_OPTION_NUMBER(lat_diffusion_options, ema, 0.999, 0, 1 - 1e-9),
    LAT_TIME_NET_OPTIONS(lat_diffusion_options),
    LAT_DEEP_OPTIONS(lat_diffusion_options),
    {.name = NULL}};

lat_diffusion_options lat_diffusion_defaults(void)
{
  lat_diffusion_options o;
  lat_model_defaults(&lat_diffusion_model, &o);
  return o;
}

lat_status lat_diffusion_check_options(lat_workspace *work, const void *options)
{
  const lat_diffusion_options *o = options;
  bool cosine = o->noise_schedule == LAT_NOISE_COSINE;
  if (o->input_dim == 0) return lat_fail(work, LAT_INVALID, "the option input_dim is missing");
  LAT_TRY(lat_deep_check_training(work, &o->deep));
  if (cosine && !(isnan(o->beta_start) && isnan(o->beta_end)))
    return lat_fail(
        work, LAT_INVALID,
        "beta_start and beta_end are for noise_schedule = \"linear\" and \"quadratic\"");
  if (o->timesteps > LAT_DIFFUSION_TABLE / o->net.time_features)
    return lat_fail(work, LAT_INVALID, "%zu time features of %zu steps are too many",
                    o->net.time_features, o->timesteps);
  if (lat_diffusion_last(o) < LAT_DIFFUSION_SIGNAL)
    return lat_fail(work, LAT_INVALID,
                    "the signal is lost before the last of %zu timesteps: beta_start and beta_end "
                    "must be smaller, so that the product of all 1 - beta_t is at least %g",
                    o->timesteps, LAT_DIFFUSION_SIGNAL);
  return lat_time_net_check(work, &o->net);
}

lat_status lat_diffusion_check(lat_workspace *work, const lat_diffusion_options *o)
{
  return lat_model_check(work, &lat_diffusion_model, o);
}
