/* Fuzz target: models as files. The file, copied to be exactly as long as it claims, is read as each
 * of these models; what loads scores a row. */
#include <stdlib.h>
#include <string.h>

#include "latent.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const lat_model *const models[] = {&lat_gmm_model, &lat_mppca_model,  &lat_kmeans_model,
                                          &lat_pca_model, &lat_scaler_model, &lat_ica_model,
                                          &lat_lds_model, &lat_ppca_model,   &lat_bpca_model,
                                          &lat_fa_model,  &lat_mixture_model};
static const lat_model *const with_nets[] = {&lat_vae_model,           &lat_flow_model,
                                             &lat_nonlinear_model,     &lat_diffusion_model,
                                             &lat_flow_matching_model, &lat_gan_model};

/* Numbers that a file may hold can be too large to compute with, which is said. */
static void use(lat_workspace *work, const lat_fitted *f)
{
  if (f->sizes[LAT_D] > 64 || !f->model->apply) return; /* sequences have methods of their own */
  double row[64] = {0}, log_p, bound, critic;
  lat_request request = {.X = lat_matrix_of(row, 1, f->sizes[LAT_D]), .samples = 2, .terms = 2};
  lat_outputs outputs = {.log_likelihood = &log_p, .bound = &bound, .critic = &critic};
  f->model->apply(work, f, &request, &outputs);
}

static void read_as(lat_workspace *work, const lat_model *model, const unsigned char *bytes,
                    size_t size)
{
  LAT_SCOPE(work);
  lat_fitted f;
  lat_mark mark = lat_workspace_mark(work);
  void *options = lat_allocate(work, 1, model->options_size);
  if (!options) abort();
  lat_status status = lat_model_parse(work, bytes, size, model, options, &f);
  if (status == LAT_OK && lat_model_check(work, model, options) != LAT_OK) abort();
  if (status == LAT_OK) use(work, &f);
  if (status != LAT_OK && (status != LAT_FORMAT || !work->message[0])) abort();
  lat_workspace_release(work, mark);
}

static void read_net(lat_workspace *work, const lat_model *model, const unsigned char *bytes,
                     size_t size)
{
  LAT_SCOPE(work);
  void *options = lat_allocate(work, 1, model->options_size);
  void *net = lat_allocate(work, 1, model->nets->bytes);
  if (!options || !net) abort();
  lat_status status = lat_net_parse(work, bytes, size, model, options, net);
  if (status == LAT_OK) {
    lat_fitted f = {.model = model, .options = options, .aside = net};
    f.sizes[LAT_D] = model->nets->input_dim(options);
    if (lat_model_check(work, model, options) != LAT_OK) abort();
    use(work, &f);
    model->nets->done(net);
  } else if (status != LAT_FORMAT || !work->message[0]) {
    abort();
  }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  unsigned char *bytes = malloc(size + !size);
  if (!bytes) return 0;
  memcpy(bytes, data, size);
  lat_workspace work;
  lat_workspace_init(&work);
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    read_as(&work, models[i], bytes, size);
  for (size_t i = 0; i < sizeof with_nets / sizeof *with_nets; i++)
    read_net(&work, with_nets[i], bytes, size);
  lat_workspace_done(&work);
  free(bytes);
  return 0;
}
