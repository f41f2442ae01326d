/* gan/gan.c: making a GAN: two nets in one store, and an optimizer for each (gan.h). */
#include "deep/gan/gan.h"

#include <string.h>

#include "deep/gan/internal.h"

static lat_status add_net(lat_workspace *work, lat_gan *gan, const char *name, size_t inputs,
                          const size_t *hidden, size_t depth, size_t outputs, bool spectral,
                          lat_layer *layers, lat_net *net)
{
  size_t sizes[LAT_GAN_HIDDEN + 2];
  sizes[0] = inputs;
  memcpy(sizes + 1, hidden, depth * sizeof *hidden);
  sizes[depth + 1] = outputs;
  lat_layer_options options = {.activation = (lat_activation)gan->own.deep.activation,
                               .init = (lat_init)gan->own.deep.init,
                               .spectral = spectral};
  return lat_net_mlp(work, &gan->deep.store, name, sizes, depth + 1, &options, layers, net);
}

static lat_status make_optimizers(lat_workspace *work, lat_gan *gan)
{
  const lat_deep_options *o = &gan->own.deep;
  LAT_TRY(lat_deep_seal_part(work, &gan->deep, o, "generator."));
  LAT_TRY(lat_deep_optimizer(work, &gan->deep, o, "critic.", &gan->critic_optimizer));
  gan->deep.other = &gan->critic_optimizer;
  return LAT_OK;
}

static lat_status make(lat_workspace *work, lat_gan *gan)
{
  const lat_gan_options *o = &gan->own;
  lat_store *store = &gan->deep.store;
  LAT_TRY(lat_units_add(work, store, o->input_dim, &gan->units));
  gan->units.constant = true;
  LAT_TRY(lat_store_add(work, store, "spread", 1, 2, LAT_INIT_ZERO, 1, 0, &gan->spread));
  lat_store_fix(store, gan->spread);
  LAT_TRY(add_net(work, gan, "generator", o->latent_dim + o->classes, o->hidden, o->depth,
                  o->input_dim, false, gan->generator_layers, &gan->generator));
  LAT_TRY(add_net(work, gan, "critic", o->input_dim + o->classes, o->critic_hidden, o->critic_depth,
                  1, o->spectral, gan->critic_layers, &gan->critic));
  for (int k = 0; o->spectral && k < LAT_GAN_ITERATIONS; k++)
    LAT_TRY(lat_net_power_iteration(work, &gan->critic, NULL));
  return make_optimizers(work, gan);
}

lat_status lat_gan_init(lat_workspace *work, lat_gan *gan, const lat_gan_options *options)
{
  *gan = (lat_gan){.options = *options, .own = lat_gan_complete(*options)};
  LAT_TRY(lat_gan_check(work, options));
  lat_deep_begin(&gan->deep, &gan->own.deep);
  lat_status status = make(work, gan);
  if (status != LAT_OK) lat_gan_done(gan);
  return status;
}

void lat_gan_done(lat_gan *gan)
{
  lat_optimizer_done(&gan->critic_optimizer);
  lat_deep_done(&gan->deep);
}
