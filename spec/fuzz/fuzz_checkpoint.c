/* Fuzz target: checkpoints of nets. The file is read into a store of two layers with an Adam; whether that
 * goes well or not, all numbers can be used afterwards. */
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint.h"
#include "nn/layers.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void take_a_step(lat_workspace *work, lat_store *store, const lat_net *net,
                        lat_optimizer *adam)
{
  float numbers[4] = {1, -1, 0.5f, 2};
  lat_matrix X = {numbers, 2, 2, 2, 1, LAT_FLOAT32};
  lat_tape tape;
  lat_tape_init(&tape, store->dtype, 1);
  lat_tape_reset(&tape);
  lat_value h = lat_net_forward(&tape, net, lat_nn_input(&tape, &X, false));
  if (lat_tape_backward(&tape, lat_nn_mean(&tape, h, LAT_NN_ALL), false) == LAT_OK)
    lat_optimizer_step(work, adam, 1e-3);
  lat_tape_done(&tape);
}

static void read_file(lat_workspace *work, const unsigned char *bytes, size_t size)
{
  static const size_t sizes[] = {2, 3, 1};
  lat_store store;
  lat_optimizer adam;
  lat_layer layers[2];
  lat_net net;
  lat_safetensors file;
  lat_layer_options options = {.activation = LAT_NN_TANH, .init = LAT_INIT_TORCH, .gain = 1};
  lat_store_init(&store, LAT_FLOAT32, 1);
  lat_status made = lat_net_mlp(work, &store, "net", sizes, 2, &options, layers, &net);
  if (made == LAT_OK) made = lat_optimizer_init(work, &adam, LAT_ADAM, &store, NULL, 0);
  if (made != LAT_OK) abort();
  lat_status status = lat_safetensors_parse(work, bytes, size, &file);
  lat_checkpoint checkpoint = {.store = &store, .optimizers = {&adam}, .count = 1};
  if (status == LAT_OK) status = lat_checkpoint_read(work, &file, bytes, &checkpoint);
  if (status != LAT_OK && (status != LAT_FORMAT || !work->message[0])) abort();
  take_a_step(work, &store, &net, &adam);
  lat_optimizer_done(&adam);
  lat_store_done(&store);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  unsigned char *bytes = malloc(size + !size); /* exactly as long as it claims */
  if (!bytes) return 0;
  memcpy(bytes, data, size);
  lat_workspace work;
  lat_workspace_init(&work);
  read_file(&work, bytes, size);
  lat_workspace_done(&work);
  free(bytes);
  return 0;
}
