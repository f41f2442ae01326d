/* diffusion/model.c: the description of a diffusion: methods, and the functions behind them. */
#include <math.h>

#include "deep/common/net_file.h"
#include "deep/diffusion/internal.h"

/* ---- the net --------------------------------------------------------------------------------- */

static lat_status init(lat_workspace *work, void *model, const void *o)
{
  return lat_diffusion_init(work, model, o);
}

static void done(void *model)
{
  lat_diffusion_done(model);
}

static size_t input_dim(const void *o)
{
  return ((const lat_diffusion_options *)o)->input_dim;
}

static lat_status begin(lat_workspace *work, void *model, const lat_request *r)
{
  LAT_SCOPE(work);
  const lat_diffusion *m = model;
  const size_t *labels;
  LAT_TRY(lat_diffusion_check_data(work, m, r, &labels));
  return lat_units_known(&m->units) ? LAT_OK : lat_diffusion_begin(work, model, &r->X);
}

static double numbers(const void *options)
{
  const lat_diffusion_options *o = options;
  return lat_time_net_numbers(&o->net, o->input_dim, o->input_dim) +
         (double)(lat_units_numbers(o->input_dim) + 2 * o->input_dim + 2 * o->timesteps);
}

static const lat_net_kind nets = {.bytes = sizeof(lat_diffusion),
                                  .init = init,
                                  .done = done,
                                  .numbers = numbers,
                                  .latent_dim = input_dim,
                                  .input_dim = input_dim,
                                  .begin = begin,
                                  .held_terms = LAT_DIFFUSION_HELD_TERMS};

/* Parameters are the net's, by name. */
static const lat_parameter *parameters(const void *o)
{
  static const lat_parameter none[] = {{NULL, {LAT_END}}};
  (void)o;
  return none;
}

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

LAT_DEFINE_NET(diffusion)

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

static lat_status apply(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                        const lat_outputs *outputs)
{
  return lat_diffusion_apply(work, f->aside, request, outputs);
}

static lat_status draw(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                       lat_random *random, const lat_matrix *X, const lat_outputs *of)
{
  return lat_diffusion_sample(work, f->aside, request, random, of->latent, X);
}

static size_t free_parameters(const lat_fitted *f)
{
  const lat_store *store = &((const lat_deep *)f->aside)->store;
  return store->numbers - store->fixed;
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
#define LABELS LAT_OPTION_GIVEN("labels", "latent.Matrix|number[]?")

static const lat_option step_options[] = {LAT_OPTION_CLASSES, LAT_OPTION_STEP_RATE, {.name = NULL}};
static const lat_option class_options[] = {LAT_OPTION_CLASSES, {.name = NULL}};
static const lat_option fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), LABELS, LAT_EPOCH_OPTIONS, {.name = NULL}};
static const lat_option steps_options[] = {LAT_TRAIN_OPTIONS("no end"), LABELS, {.name = NULL}};
static const lat_option sample_options[] = {
    LAT_OPTION_GIVEN("seed", "integer|latent.Random"), REVERSE, {.name = NULL}};
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

#define OF_ROWS(name_, options_, ...)                                                              \
  {                                                                                                \
    .name = name_, .argument = LAT_TAKES_ROWS, .outputs = {__VA_ARGS__}, .options = options_       \
  }

static const lat_method methods[] = {
    {.name = "fit", .options = fit_options},
    {.name = "steps", .options = steps_options},
    OF_ROWS("step", step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss)),
    OF_ROWS("loss", class_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss)),
    OF_ROWS("elbo", elbo_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, bound),
            LAT_OUTPUT(LAT_GIVES_NUMBERS, reconstruction_loss), LAT_OUTPUT(LAT_GIVES_NUMBERS, kl)),
    OF_ROWS("diffuse", diffuse_options, LAT_OUTPUT_ROWS(latent, LAT_D)),
    OF_ROWS("reverse", reverse_options, LAT_OUTPUT_ROWS(decoded, LAT_D)),
    {.name = "denoise", .options = denoise_options},
    {.name = "sample",
     .argument = LAT_TAKES_COUNT,
     .outputs = {LAT_OUTPUT_ROWS(latent, LAT_D)},
     .options = sample_options},
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_diffusion_model = {.name = "diffusion",
                                       .options = lat_diffusion_table,
                                       .options_size = sizeof(lat_diffusion_options),
                                       .methods = methods,
                                       .parameters = parameters,
                                       .check = lat_diffusion_check_options,
                                       .apply = apply,
                                       .free_parameters = free_parameters,
                                       .nets = &nets,
                                       .draw = draw};
