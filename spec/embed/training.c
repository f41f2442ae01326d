/* training.c: fits by epochs in C (core/deep/common/training.h), printed so that Lua's can be compared to them.
 *
 *   training MODEL    vae, conditional, nonlinear, flow, context, gan, diffusion, patience, time,
 *                     errors, empty */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

enum { N = 150, D = 3, HELD = 40 };

static double x[N * D], held[HELD * D], labels[N], context[N];
static lat_matrix X, V, Y, C;
static lat_workspace work;
static lat_training_report report;

static void fill(void)
{
  lat_random random = {.seed = 7};
  for (size_t i = 0; i < N * D; i++) x[i] = lat_random_normal(&random);
  random = (lat_random){.seed = 8};
  for (size_t i = 0; i < HELD * D; i++) held[i] = lat_random_normal(&random);
  for (size_t i = 0; i < N; i++) labels[i] = (double)(i % 2), context[i] = x[i * D];
  X = lat_matrix_of(x, N, D);
  V = lat_matrix_of(held, HELD, D);
  Y = lat_matrix_of(labels, N, 1);
  C = lat_matrix_of(context, N, 1);
}

static void check(lat_status status)
{
  if (status == LAT_OK) return;
  printf("%s\n", work.message);
  exit(0);
}

static void print(const lat_deep *deep)
{
  printf("epochs %zu loss %.17g converged %d\n", report.epochs, report.loss, report.converged);
  for (size_t i = 0; i < deep->store.count; i++) {
    lat_matrix A = lat_store_view(&deep->store, deep->store.values, i);
    printf("%s %.17g %.17g\n", deep->store.items[i].name, lat_get(&A, 0, 0),
           lat_get(&A, A.rows - 1, A.cols - 1));
  }
}

static bool stop_after_two(void *observer, const lat_training_report *so_far)
{
  ++*(int *)observer;
  return so_far->epochs < 2;
}

static lat_vae_options vae_options(void)
{
  lat_vae_options o = lat_vae_defaults();
  o.likelihood.D = D, o.likelihood.kind = LAT_P_GAUSSIAN, o.latent_dim = 2;
  o.encoder_layers = o.decoder_layers = 1;
  o.encoder_hidden[0] = o.decoder_hidden[0] = 8;
  o.deep.seed = 3;
  return o;
}

static void fit_vae(const char *how)
{
  lat_vae_options o = vae_options();
  lat_training t = lat_training_defaults();
  lat_vae vae;
  int seen = 0;
  t.epochs = 3, t.batch = 64;
  if (strcmp(how, "conditional") == 0) {
    o.classes = 2, o.lowest = 0;
    t.labels = &Y, t.in_order = true;
  }
  if (strcmp(how, "patience") == 0) {
    t.epochs = 200, t.batch = 16, t.validation = &V, t.patience = 2;
    o.deep.learning_rate = 0.05;
  }
  if (strcmp(how, "time") == 0) t.epochs = 1000000, t.max_seconds = 0.05;
  if (strcmp(how, "observer") == 0) t.observe = stop_after_two, t.observer = &seen;
  check(lat_vae_init(&work, &vae, &o));
  check(lat_vae_fit(&work, &vae, &X, &t, &report));
  if (strcmp(how, "time") == 0)
    printf("ended %d\n", report.epochs < t.epochs && report.epochs > 0);
  else
    print(&vae.deep);
  if (seen) printf("seen %d\n", seen);
  lat_vae_done(&vae);
}

static void fit_nonlinear(void)
{
  lat_nonlinear_options o = lat_nonlinear_defaults();
  lat_training t = lat_training_defaults();
  lat_nonlinear m;
  o.likelihood.D = D, o.latent_dim = 2, o.samples = 20, o.hidden[0] = 8, o.deep.seed = 3;
  t.epochs = 2, t.batch = 50, t.scale = 0.5;
  check(lat_nonlinear_init(&work, &m, &o));
  check(lat_nonlinear_fit(&work, &m, &X, &t, NULL));
  check(lat_nonlinear_fit(&work, &m, &X,
                          &(lat_training){.epochs = 1, .batch = 50, .scale = 0.5, .earlier = 2},
                          &report));
  print(&m.deep);
  lat_nonlinear_done(&m);
}

static void fit_flow(bool conditional)
{
  lat_flow_options o = lat_flow_defaults();
  lat_training t = lat_training_defaults();
  lat_flow flow;
  o.input_dim = D, o.kind = LAT_FLOW_REALNVP, o.transforms = 2, o.hidden[0] = 8, o.depth = 1,
  o.deep.seed = 3;
  o.context_dim = conditional;
  t.epochs = 2, t.batch = 64, t.context = conditional ? &C : NULL;
  check(lat_flow_init(&work, &flow, &o));
  check(lat_flow_fit(&work, &flow, &X, &t, &report));
  print(&flow.deep);
  lat_flow_done(&flow);
}

/* Without a likelihood patience waits for a lower energy distance of draws from the rows. */
static void fit_gan(void)
{
  lat_gan_options o = lat_gan_defaults();
  lat_training t = lat_training_defaults();
  lat_gan gan;
  o.input_dim = D, o.hidden[0] = 8, o.depth = 1, o.classes = 2, o.deep.seed = 3;
  o.deep.learning_rate = 0.02;
  t.epochs = 200, t.batch = 50, t.labels = &Y, t.patience = 3;
  t.validation = &V, t.validation_labels = &(lat_matrix){labels, HELD, 1, 1, 1, LAT_FLOAT64};
  check(lat_gan_init(&work, &gan, &o));
  check(lat_gan_fit(&work, &gan, &X, &t, &report));
  print(&gan.deep);
  printf("best %.17g\n", report.best);
  lat_gan_done(&gan);
}

/* Labels in a row, and a held set whose bound is estimated from some of its terms. */
static void fit_diffusion(void)
{
  lat_diffusion_options o = lat_diffusion_defaults();
  lat_training t = lat_training_defaults();
  lat_diffusion model;
  lat_matrix across = lat_transpose(Y);
  o.input_dim = D, o.timesteps = 30, o.deep.seed = 3, o.deep.learning_rate = 0.02;
  o.net.hidden[0] = 8, o.net.depth = 1, o.net.classes = 2;
  t.epochs = 200, t.batch = 50, t.labels = &across, t.patience = 3;
  t.validation = &V, t.validation_labels = &(lat_matrix){labels, HELD, 1, 1, 1, LAT_FLOAT64};
  check(lat_diffusion_init(&work, &model, &o));
  check(lat_diffusion_fit(&work, &model, &X, &t, &report));
  print(&model.deep);
  lat_diffusion_done(&model);
}

static void refuse(const lat_matrix *rows, lat_training t)
{
  lat_vae_options o = vae_options();
  lat_vae vae;
  check(lat_vae_init(&work, &vae, &o));
  lat_status status = lat_vae_fit(&work, &vae, rows, &t, &report);
  printf("%d %s\n", status != LAT_OK, work.message);
  lat_vae_done(&vae);
}

/* A step with fewer labels than rows reads none beyond them. */
static void refuse_labels(void)
{
  lat_vae_options o = vae_options();
  lat_vae vae;
  lat_matrix few = lat_block_of(Y, 0, 0, 2, 1);
  o.classes = 2;
  check(lat_vae_init(&work, &vae, &o));
  double loss;
  lat_status status =
      lat_vae_apply(&work, &vae, &(lat_request){.X = X, .classes = &few, .beta = -1},
                    &(lat_outputs){.step_loss = &loss});
  printf("%d %s\n", status != LAT_OK, work.message);
  lat_vae_done(&vae);
}

static void errors(void)
{
  lat_training t = lat_training_defaults();
  lat_matrix none = lat_block_of(X, 0, 0, 0, D), narrow = lat_block_of(X, 0, 0, N, 2);
  refuse(&none, t);
  refuse(&narrow, t);
  t.batch = 0, refuse(&X, t), t.batch = 8;
  t.patience = 2, refuse(&X, t), t.patience = 0;
  t.scale = (double)INFINITY, refuse(&X, t), t.scale = 1;
  t.labels = &V, refuse(&X, t), t.labels = &Y;
  refuse(&X, t), t.labels = NULL;
  refuse_labels();
  t.max_seconds = -1, refuse(&X, t), t.max_seconds = 0;
  t.source = &V, refuse(&X, t), t.source = NULL;
  t.validation = &narrow, refuse(&X, t), t.validation = NULL;
  t.binarize = LAT_DYNAMIC, refuse(&X, t);
}

/* A step of no rows, of a model that has seen some. */
static void refuse_empty(const lat_model *model)
{
  static const char *const given[][2] = {
      {"input_dim", "3"}, {"latent_dim", "2"}, {"hidden", "4"}, {"likelihood", "gaussian"}};
  void *options = malloc(model->options_size), *net = malloc(model->nets->bytes);
  lat_matrix none = lat_block_of(X, 0, 0, 0, D);
  double loss;
  lat_model_defaults(model, options);
  for (size_t k = 0; k < sizeof given / sizeof *given; k++)
    if (lat_option_find(model->options, given[k][0]))
      check(lat_option_set(&work, model->options, options, given[k][0], given[k][1]));
  check(model->nets->init(&work, net, options));
  const lat_fitted f = {.model = model, .options = options, .aside = net};
  const lat_outputs step = {.step_loss = &loss};
  check(model->apply(&work, &f, &(lat_request){.X = X, .beta = -1}, &step));
  lat_status status = model->apply(&work, &f, &(lat_request){.X = none, .beta = -1}, &step);
  printf("%s %d %s\n", model->name, status == LAT_SHAPE, work.message);
  model->nets->done(net);
  free(net);
  free(options);
}

int main(int count, char **words)
{
  const char *how = count > 1 ? words[1] : "vae";
  lat_workspace_init(&work);
  fill();
  if (strcmp(how, "nonlinear") == 0)
    fit_nonlinear();
  else if (strcmp(how, "flow") == 0 || strcmp(how, "context") == 0)
    fit_flow(strcmp(how, "context") == 0);
  else if (strcmp(how, "gan") == 0)
    fit_gan();
  else if (strcmp(how, "diffusion") == 0)
    fit_diffusion();
  else if (strcmp(how, "errors") == 0)
    errors();
  else if (strcmp(how, "empty") == 0) {
    const lat_model *const models[] = {&lat_diffusion_model, &lat_flow_model,
                                       &lat_gan_model,       &lat_flow_matching_model,
                                       &lat_vae_model,       &lat_nonlinear_model};
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) refuse_empty(models[k]);
  } else
    fit_vae(how);
  lat_workspace_done(&work);
  return 0;
}
