/* gan/options.c: the table of a GAN's options, their defaults by loss, and their checks (gan.h). */
#include <math.h>

#include "deep/gan/internal.h"

enum { MOST_WIDTH = 1 << 20, MOST_DIM = 1 << 20, OWN_WIDTH = 128, OWN_DEPTH = 2 };
enum { LEAST_LATENT = 8, MOST_LATENT = 64 };

const char *const lat_gan_loss_names[LAT_GAN_LOSSES + 1] = {
    [LAT_GAN_NON_SATURATING] = "non_saturating", [LAT_GAN_WASSERSTEIN] = "wasserstein"};

const lat_option lat_gan_table[] = {
    LAT_DEEP_ROW("input_dim", LAT_SIZE, lat_gan_options, input_dim, 0, 1, MOST_DIM, NULL,
                 "required"),
    LAT_DEEP_ROW("latent_dim", LAT_SIZE, lat_gan_options, latent_dim, 0, 1, MOST_DIM, NULL,
                 "input_dim, within 8 to 64"),
    LAT_OPTION_WIDTHS("hidden", lat_gan_options, hidden, depth, NAN, 1, "{128, 128}"),
    LAT_OPTION_WIDTHS("critic_hidden", lat_gan_options, critic_hidden, critic_depth, NAN, 1,
                      "hidden reversed"),
    LAT_OPTION_CHOICE(lat_gan_options, loss, LAT_GAN_NON_SATURATING, lat_gan_loss_names),
    LAT_DEEP_ROW("gamma", LAT_NUMBER, lat_gan_options, gamma, -1, 0, 1e6, NULL,
                 "0.1, or 0 with spectral"),
    LAT_DEEP_ROW("penalty", LAT_NUMBER, lat_gan_options, penalty, -1, 0, 1e6, NULL,
                 "1, or 0 with spectral"),
    LAT_DEEP_ROW("critic_steps", LAT_SIZE, lat_gan_options, critic_steps, 0, 1, 1000, NULL,
                 "1; of wasserstein 3, with spectral 5"),
    LAT_OPTION_BOOLEAN(lat_gan_options, spectral, false),
    LAT_OPTION_NUMBER(lat_gan_options, ema, 0.999, 0, 1 - 1e-9),
    LAT_DEEP_ROW("critic_learning_rate", LAT_NUMBER, lat_gan_options, critic_learning_rate, -1,
                 LAT_ABOVE_ZERO, LAT_MOST_NUMBER, NULL, "learning_rate"),
    LAT_OPTION_BOOLEAN(lat_gan_options, standardize, true),
    LAT_OPTION_SIZE(lat_gan_options, classes, 0, 0, 1 << 20),
    LAT_OPTION_INTEGER(lat_gan_options, lowest, 0, -(1 << 30), 1 << 30),
    LAT_DEEP_OPTIONS_FROM(lat_gan_options, LAT_NN_LEAKY_RELU, 1e-3, "0.5", "0.99"),
    {.name = NULL}};

lat_gan_options lat_gan_defaults(void)
{
  lat_gan_options o;
  lat_model_defaults(&lat_gan_model, &o);
  return o;
}

lat_gan_options lat_gan_complete(lat_gan_options o)
{
  const bool wasserstein = o.loss == LAT_GAN_WASSERSTEIN;
  if (o.latent_dim == 0)
    o.latent_dim = o.input_dim < LEAST_LATENT  ? LEAST_LATENT
                   : o.input_dim > MOST_LATENT ? MOST_LATENT
                                               : o.input_dim;
  if (o.depth == 0) {
    o.depth = OWN_DEPTH;
    for (size_t k = 0; k < OWN_DEPTH; k++) o.hidden[k] = OWN_WIDTH;
  }
  if (o.critic_depth == 0) {
    o.critic_depth = o.depth;
    for (size_t k = 0; k < o.depth; k++) o.critic_hidden[k] = o.hidden[o.depth - 1 - k];
  }
  /* a normalized critic has bounded slopes without a penalty, and learns more slowly */
  if (o.gamma < 0) o.gamma = wasserstein || o.spectral ? 0 : 0.1;
  if (o.penalty < 0) o.penalty = !wasserstein || o.spectral ? 0 : 1;
  if (o.critic_steps == 0) o.critic_steps = o.spectral ? 5 : wasserstein ? 3 : 1;
  if (!(o.critic_learning_rate > 0)) o.critic_learning_rate = o.deep.learning_rate;
  if (o.deep.beta1 < 0 && o.deep.optimizer != LAT_SGD) o.deep.beta1 = 0.5; /* no momentum of SGD */
  if (o.deep.beta2 < 0) o.deep.beta2 = 0.99;
  return o;
}

static lat_status check_widths(lat_workspace *work, const char *name, const size_t *widths,
                               size_t count)
{
  if (count > LAT_GAN_HIDDEN)
    return lat_fail(work, LAT_INVALID, "%s has %zu widths, at most %d are possible", name, count,
                    LAT_GAN_HIDDEN);
  for (size_t k = 0; k < count; k++)
    if (widths[k] < 1 || widths[k] > MOST_WIDTH)
      return lat_fail(work, LAT_INVALID, "%s: layer %zu: widths are 1 to %d, got %zu", name, k + 1,
                      MOST_WIDTH, widths[k]);
  return LAT_OK;
}

lat_status lat_gan_check_options(lat_workspace *work, const void *options)
{
  const lat_gan_options *o = options;
  const bool wasserstein = o->loss == LAT_GAN_WASSERSTEIN;
  if (o->input_dim == 0) return lat_fail(work, LAT_INVALID, "the option input_dim is missing");
  LAT_TRY(check_widths(work, "hidden", o->hidden, o->depth));
  LAT_TRY(check_widths(work, "critic_hidden", o->critic_hidden, o->critic_depth));
  if (wasserstein && o->gamma >= 0)
    return lat_fail(work, LAT_INVALID,
                    "gamma is for loss = \"non_saturating\"; of \"wasserstein\" it is penalty");
  if (!wasserstein && o->penalty >= 0)
    return lat_fail(work, LAT_INVALID,
                    "penalty is for loss = \"wasserstein\"; of \"non_saturating\" it is gamma");
  if (wasserstein && o->penalty == 0 && !o->spectral)
    return lat_fail(work, LAT_INVALID,
                    "loss = \"wasserstein\" has no bound without a penalty or spectral = true");
  return lat_deep_check_training(work, &o->deep);
}

lat_status lat_gan_check(lat_workspace *work, const lat_gan_options *o)
{
  return lat_model_check(work, &lat_gan_model, o);
}
