/* gan/model.c: the description of a GAN: methods, and the functions behind them. */
#include "deep/common/net_model.h"
#include "deep/gan/internal.h"

LAT_DEFINE_NET(gan)

/* ---- the nets -------------------------------------------------------------------------------- */

static size_t input_dim(const void *o)
{
  return ((const lat_gan_options *)o)->input_dim;
}

static size_t latent_dim(const void *o)
{
  return lat_gan_complete(*(const lat_gan_options *)o).latent_dim;
}

static double numbers(const void *options)
{
  const lat_gan_options o = lat_gan_complete(*(const lat_gan_options *)options);
  double sum = (double)lat_units_numbers(o.input_dim) + 2; /* and the spread */
  for (size_t k = 0; o.spectral && k <= o.critic_depth; k++)
    sum += k < o.critic_depth ? (double)o.critic_hidden[k] : 1;
  return sum + lat_net_numbers(o.hidden, o.depth, o.latent_dim + o.classes, o.input_dim) +
         lat_net_numbers(o.critic_hidden, o.critic_depth, o.input_dim + o.classes, 1);
}

static lat_status check_data(lat_workspace *work, void *model, const lat_request *r, double scale)
{
  LAT_SCOPE(work);
  const lat_gan *gan = model;
  const size_t *labels;
  (void)scale;
  return lat_gan_check_data(work, gan, "X", &r->X, gan->own.input_dim, r->classes, &labels);
}

static lat_status begin(lat_workspace *work, void *model, const lat_request *r)
{
  lat_gan *gan = model;
  LAT_TRY(lat_gan_begin(work, gan, &r->X));
  return lat_units_check(work, &gan->units, gan->deep.store.dtype, "X", &r->X);
}

static const char *note(const void *model)
{
  return lat_gan_note(model);
}

static const lat_net_kind nets = {LAT_NET_KIND(gan), .latent_dim = latent_dim, .begin = begin,
                                  .note = note};

/* A step, and its losses and spread; or what these are of the model as it is. */
static lat_status train(lat_workspace *work, lat_gan *gan, const lat_request *r,
                        const lat_outputs *to)
{
  lat_gan_losses taken, next;
  if (to->step_loss) LAT_TRY(lat_gan_step(work, gan, r, &taken));
  if (to->loss || !to->step_loss) LAT_TRY(lat_gan_gradient(work, gan, r, &next));
  const lat_gan_losses *parts = to->step_loss ? &taken : &next;
  if (to->step_loss) *to->step_loss = taken.critic;
  if (to->loss) *to->loss = next.critic;
  if (to->generator_loss) *to->generator_loss = parts->generator;
  if (to->spread) *to->spread = parts->spread;
  return LAT_OK;
}

lat_status lat_gan_apply(lat_workspace *work, lat_gan *gan, const lat_request *r,
                         const lat_outputs *to)
{
  if (to->step_loss || to->loss || to->generator_loss || to->spread)
    LAT_TRY(train(work, gan, r, to));
  if (to->decoded) LAT_TRY(lat_gan_decode(work, gan, &r->X, r->classes, to->decoded));
  if (to->critic) LAT_TRY(lat_gan_score(work, gan, &r->X, r->classes, to->critic));
  return LAT_OK;
}

static lat_status draw(lat_workspace *work, const lat_fitted *f, const lat_request *request,
                       lat_random *random, const lat_matrix *X, const lat_outputs *of)
{
  return lat_gan_sample(work, f->aside, request->classes, random, of->latent, X);
}

static const lat_option sample_options[] = {
    LAT_OPTION_DRAW_SEED, LAT_OPTION_CLASSES, {.name = NULL}};

#define DECODED LAT_OUTPUT_ROWS(decoded, LAT_D)

static const lat_method methods[] = {
    LAT_FIT_METHODS(lat_class_fit_options, lat_class_steps_options),
    LAT_METHOD_ROWS("step", lat_class_step_options, LAT_OUTPUT(LAT_GIVES_NUMBER, step_loss),
                    LAT_OUTPUT(LAT_GIVES_NUMBER, generator_loss),
                    LAT_OUTPUT(LAT_GIVES_NUMBER, spread)),
    LAT_METHOD_ROWS("loss", lat_class_options, LAT_OUTPUT(LAT_GIVES_NUMBER, loss),
                    LAT_OUTPUT(LAT_GIVES_NUMBER, generator_loss)),
    LAT_METHOD_ROWS("critic", lat_class_options, LAT_OUTPUT(LAT_GIVES_NUMBERS, critic)),
    LAT_METHOD_LATENT("decode", lat_class_options, DECODED),
    LAT_METHOD_LATENT("inverse_transform", lat_class_options, DECODED),
    LAT_METHOD_SAMPLE(LAT_M, sample_options),
    LAT_NET_METHODS,
    {.name = NULL}};

const lat_model lat_gan_model = {LAT_NET_MODEL(gan, lat_gan_table, lat_gan_check_options)};
