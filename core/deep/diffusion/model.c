/* diffusion/model.c: the description of a diffusion: methods, and the functions behind them. */
#include <math.h>

#include "deep/common/net_model.h"
#include "deep/diffusion/internal.h"

LAT_DEFINE_NET(diffusion)
LAT_DEFINE_NET_DRAW(diffusion)

/* ---- the net --------------------------------------------------------------------------------- */

static size_t input_dim(const void *o)
{
  return ((const lat_diffusion_options *)o)->input_dim;
}

static lat_status check_data(lat_workspace *work, void *model, const lat_request *r, double scale)
{
  LAT_SCOPE(work);
  const size_t *labels;
  (void)scale;
  return lat_diffusion_check_data(work, model, r, &labels);
}

static lat_status begin(lat_workspace *work, void *m, const lat_request *r)
{
  lat_diffusion *model = m;
  if (!lat_units_known(&model->units)) LAT_TRY(lat_diffusion_begin(work, model, &r->X));
  return lat_units_check(work, &model->units, model->deep.store.dtype, "X", &r->X);
}

static double numbers(const void *options)
{
  const lat_diffusion_options *o = options;
  return lat_time_net_numbers(&o->net, o->input_dim, o->input_dim) +
         (double)(lat_units_numbers(o->input_dim) + 2 * o->input_dim + 2 * o->timesteps);
}

static const lat_net_kind nets = {LAT_NET_KIND(diffusion), .latent_dim = input_dim, .begin = begin,
                                  .held_terms = LAT_DIFFUSION_HELD_TERMS};

/* ---- methods --------------------------------------------------------------------------------- */

static lat_status apply_bound(lat_workspace *work, const lat_diffusion *model, const lat_request *r,
                              const lat_outputs *to)
{
  LAT_SCOPE(work);
  size_t N = r->X.rows;
  double *first = to->reconstruction_loss ? to->reconstruction_loss : lat_doubles(work, N);
  double *kl = to->kl ? to->kl : lat_doubles(work, N);
  if (!first || !kl) return LAT_MEMORY;
  LAT_TRY(lat_diffusion_bound(work, model, r, first, kl));
  for (size_t i = 0; to->bound && i < N; i++) to->bound[i] = -first[i] - kl[i];
  return LAT_OK;
}

lat_status lat_diffusion_apply(lat_workspace *work, lat_diffusion *model, const lat_request *r,
                               const lat_outputs *to)
{
  if (to->step_loss) LAT_TRY(lat_diffusion_step(work, model, r, to->step_loss));
  if (to->loss) LAT_TRY(lat_diffusion_gradient(work, model, r, to->loss));
  if (to->latent) LAT_TRY(lat_diffusion_diffuse(work, model, r, to->latent));
  if (to->decoded) LAT_TRY(lat_diffusion_reverse(work, model, r, to->decoded));
  if (to->bound || to->kl || to->reconstruction_loss) LAT_TRY(apply_bound(work, model, r, to));
  return LAT_OK;
}

static const char *const samplers[] = {
    [LAT_DIFFUSION_ANCESTRAL] = "ancestral", [LAT_DIFFUSION_DDIM] = "ddim", NULL};

#define RAW LAT_OPTION_BOOLEAN(lat_request, raw, false)
#define REVERSE                                                                                    \
  LAT_OPTION_CHOICE(lat_request, method, LAT_DIFFUSION_ANCESTRAL, samplers),                       \
      LAT_DEEP_ROW("steps", LAT_SIZE, lat_request, steps, 0, 1, LAT_DIFFUSION_STEPS, NULL,         \
                   "timesteps"),                                                                   \
      LAT_OPTION_NUMBER(lat_request, eta, 0, 0, 1), LAT_OPTION_CLASSES, LAT_OPTION_GUIDANCE, RAW,  \
      LAT_OPTION_SIZE(lat_request, to, 0, 0, LAT_DIFFUSION_STEPS)

static const lat_option sample_options[] = {LAT_OPTION_DRAW_SEED, REVERSE, {.name = NULL}};
static const lat_option reverse_options[] = {
    LAT_DEEP_ROW("from", LAT_SIZE, lat_request, from, 0, 1, LAT_DIFFUSION_STEPS, NULL, "timesteps"),
    LAT_OPTION_SEED(lat_request, seed),
    REVERSE,
    {.name = NULL}};
static const lat_option denoise_options[] = {LAT_OPTION_READ("at", "integer[]", "ten times"),
                                             LAT_OPTION_READ("from", "integer", "timesteps"),
                                             LAT_OPTION_READ("seed", "integer", "0"),
                                             REVERSE,
                                             {.name = NULL}};
static const lat_option diffuse_options[] = {
    LAT_DEEP_ROW("t", LAT_SIZE, lat_request, from, 0, 0, LAT_DIFFUSION_STEPS, NULL, "0"),
    LAT_OPTION_SEED(lat_request, seed),
    {.name = NULL}};
static const lat_option elbo_options[] = {
    LAT_OPTION_SAMPLES(1, 1 << 30, NULL),
    LAT_DEEP_ROW("terms", LAT_SIZE, lat_request, terms, 0, 1, LAT_DIFFUSION_STEPS, NULL, "all"),
    LAT_OPTION_SEED(lat_request, seed),
    LAT_OPTION_CLASSES,
    LAT_OPTION_GUIDANCE,
    RAW,
    {.name = NULL}};

static const lat_method methods[] = {
    LAT_FIT_METHODS(lat_class_fit_options, lat_class_steps_options),
    LAT_METHOD_ROWS("step", lat_class_step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)),
    LAT_METHOD_ROWS("loss", lat_class_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss)),
    LAT_METHOD_ROWS("elbo", elbo_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, bound),
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, reconstruction_loss),
                    LAT_OUTPUT(LAT_GIVES_NUMBERS, kl)),
    LAT_METHOD_ROWS("diffuse", diffuse_options, LAT_OUTPUT_ROWS(latent, LAT_D)),
    LAT_METHOD_ROWS("reverse", reverse_options, LAT_OUTPUT_ROWS(decoded, LAT_D)),
    {.name = "denoise", .options = denoise_options},
    LAT_METHOD_SAMPLE(LAT_D, sample_options),
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_diffusion_model = {
    LAT_NET_MODEL(diffusion, lat_diffusion_table, lat_diffusion_check_options)};
