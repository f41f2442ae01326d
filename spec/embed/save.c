/* Models as files, from C:
 *
 *   save score KIND FILE X.npy    log p of the rows, as hexadecimal
 *   save alone KIND FILE X.npy    each output asked for by itself and with the others: how many there are
 *                                 of rows, of rows with missing entries and of latent variables
 *   save again KIND FILE TO       loaded, and saved again
 *   save typed KIND FILE TO       the same by the model's own functions
 *   save made TO X.npy            a mixture fitted here with options of every type: saved; its scores
 *   save wrong KIND FILE...       what is said of files that are refused, a line each
 *   save mutants KIND FILE COUNT  the file with bytes changed: loaded, or refused in words
 *   save memory KIND FILE         every request for memory refused in turn
 *   save set NAME TEXT            an option of lat_gmm by its name: what it is then
 *   save options KIND [NAME TEXT]...   options by name: checked, and as a file has them */
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"
#include "modeling/option_json.h"

static const lat_model *model_of(const char *name)
{
  const lat_model *const models[] = {
      &lat_gmm_model,       &lat_mppca_model,   &lat_kmeans_model,    &lat_pca_model,
      &lat_scaler_model,    &lat_ica_model,     &lat_lds_model,       &lat_ppca_model,
      &lat_bpca_model,      &lat_fa_model,      &lat_vae_model,       &lat_flow_model,
      &lat_nonlinear_model, &lat_mixture_model, &lat_diffusion_model, &lat_flow_matching_model,
      &lat_gan_model};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    if (strcmp(models[i]->name, name) == 0) return models[i];
  exit(3);
}

/* Ends the program with what is wrong. */
static void must(const lat_workspace *work, lat_status status)
{
  if (status == LAT_OK) return;
  printf("%s: %s\n", lat_status_name(status), work->message);
  exit(1);
}

static lat_matrix read_rows(lat_workspace *work, const char *path)
{
  lat_map map;
  lat_array array;
  must(work, lat_file_map(work, path, &map));
  must(work, lat_npy_parse(work, map.bytes, map.size, &array));
  lat_matrix X = lat_matrix_new(work, array.rows, array.cols);
  if (!X.data) exit(2);
  lat_array_convert(&array, map.bytes, 0, &X);
  lat_file_unmap(&map);
  return X;
}

/* A model of a file: of one with nets the struct lies aside. */
static lat_status parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                        const lat_model *model, void *options, lat_fitted *f)
{
  const lat_net_kind *nets = model->nets;
  if (!nets) return lat_model_parse(work, bytes, n, model, options, f);
  void *net = malloc(nets->bytes);
  if (!net) exit(2);
  *f = (lat_fitted){.model = model, .options = options, .aside = net};
  lat_status status = lat_net_parse(work, bytes, n, model, options, net);
  if (status != LAT_OK) {
    free(net);
    f->aside = NULL;
  }
  return status;
}

static lat_status load(lat_workspace *work, const char *path, const lat_model *model, void *options,
                       lat_fitted *f)
{
  lat_map map;
  LAT_TRY(lat_file_map(work, path, &map));
  lat_status status = parse(work, map.bytes, map.size, model, options, f);
  lat_file_unmap(&map);
  return status;
}

static void done(lat_fitted *f)
{
  if (!f->model->nets) return;
  f->model->nets->done(f->aside);
  free(f->aside);
}

static lat_status save(lat_workspace *work, const char *path, const lat_fitted *f)
{
  return f->model->nets ? lat_net_save(work, path, f->model, f->options, f->aside)
                        : lat_model_save(work, path, f);
}

/* By the functions of their own, which hosts call. */
static void typed(lat_workspace *work, const char *kind, const char *path, const char *to)
{
#define TYPED(NAME)                                                                                \
  if (strcmp(kind, #NAME) == 0) {                                                                  \
    static lat_##NAME model;                                                                       \
    must(work, lat_##NAME##_load(work, path, &model));                                             \
    must(work, lat_##NAME##_save(work, &model, to));                                               \
    DONE(NAME)                                                                                     \
  }
#define DONE(NAME) lat_##NAME##_done(&model);
  TYPED(vae)
  TYPED(flow)
  TYPED(nonlinear)
  TYPED(diffusion)
  TYPED(flow_matching)
  TYPED(gan)
#undef DONE
#define DONE(NAME)
  TYPED(mixture)
}

static void score(lat_workspace *work, const lat_fitted *f, const lat_matrix *X)
{
  double *log_p = lat_doubles(work, X->rows);
  lat_request request = {.X = *X, .solver = -1};
  lat_outputs outputs = {0}; /* log p, or where there is none the bound, or a critic's scores */
  bool exact = lat_method_find(f->model->methods, "log_likelihood") != NULL;
  bool critic = lat_method_find(f->model->methods, "critic") != NULL;
  *(exact ? &outputs.log_likelihood : critic ? &outputs.critic : &outputs.bound) = log_p;
  must(work, f->model->apply(work, f, &request, &outputs));
  for (size_t i = 0; i < X->rows; i++) printf("%a\n", log_p[i]);
}

/* An output, by its field in lat_outputs: a number for each row, a row of `cols` for each (a
 * matrix), or one number. */
typedef struct asked {
  size_t field, rows, cols;
  bool matrix;
} asked;

static size_t size_of(const lat_fitted *f, lat_size which)
{
  const lat_net_kind *nets = f->model->nets;
  if (!nets) return f->sizes[which];
  return which == LAT_M ? nets->latent_dim(f->options) : nets->input_dim(f->options);
}

static size_t ask(asked *list, size_t count, asked one)
{
  for (size_t i = 0; i < count; i++)
    if (list[i].field == one.field) return count;
  list[count] = one;
  return count + 1;
}

static bool has_option(const lat_method *m, const char *name)
{
  for (const lat_option *o = m->options; o && o->name; o++)
    if (strcmp(o->name, name) == 0) return true;
  return false;
}

/* All that methods say of N rows of data, or of latent variables; `missing`: those that know missing
 * entries. A step of training isn't among them. Factor models' bounds and posteriors are methods
 * that bindings write themselves. */
static size_t all_asked(const lat_fitted *f, size_t N, bool latent, bool missing, asked list[32])
{
  size_t count = 0;
  for (const lat_method *m = f->model->methods; m->name; m++) {
    bool fits = latent ? m->argument == LAT_TAKES_LATENT
                       : m->argument == LAT_TAKES_ROWS || m->argument == LAT_TAKES_ROWS_AND_Q;
    bool knows = m->missing || has_option(m, "missing");
    if (strcmp(m->name, "step") == 0 || !fits || (missing ? !knows : m->missing)) continue;
    for (const lat_output *o = m->outputs; o->shape; o++) {
      bool matrix = o->shape == LAT_GIVES_ROWS || o->shape == LAT_GIVES_ALIKE;
      size_t cols = o->shape == LAT_GIVES_ROWS    ? size_of(f, o->size)
                    : o->shape == LAT_GIVES_ALIKE ? size_of(f, LAT_D)
                                                  : 1;
      count =
          ask(list, count, (asked){o->field, o->shape == LAT_GIVES_NUMBER ? 1 : N, cols, matrix});
    }
  }
  const lat_method *posterior = lat_method_find(f->model->methods, "posterior");
  if (latent || !posterior || f->sizes[LAT_K]) return count;
  size_t M = f->sizes[LAT_M];
  count = ask(list, count, (asked){offsetof(lat_outputs, bound), N, 1, false});
  count = ask(list, count, (asked){offsetof(lat_outputs, kl), N, 1, false});
  if (!missing) count = ask(list, count, (asked){offsetof(lat_outputs, covariance), M, M, false});
  return ask(list, count, (asked){offsetof(lat_outputs, covariances), N, M * M, false});
}

/* Memory for it, of bytes that are no result, and the outputs' pointer to that. */
static void want(lat_workspace *work, const asked *a, int byte, lat_outputs *to, lat_matrix *into)
{
  char *field = (char *)to + a->field;
  *into = lat_matrix_new(work, a->rows, a->cols);
  if (!into->data) exit(2);
  memset(into->data, byte, a->rows * a->cols * sizeof(double));
  if (a->matrix)
    *(const lat_matrix **)(void *)field = into;
  else
    *(double **)(void *)field = into->data;
}

/* Each alone, and all together: the same bits. Gives how many there are. */
static size_t compare(lat_workspace *work, const lat_fitted *f, const lat_request *r, bool latent)
{
  LAT_SCOPE(work);
  asked list[32];
  lat_matrix together[32], alone;
  lat_outputs all = {0};
  size_t count = all_asked(f, r->X.rows, latent, r->missing, list);
  for (size_t k = 0; k < count; k++) want(work, &list[k], 0xa5, &all, &together[k]);
  must(work, f->model->apply(work, f, r, &all));
  for (size_t k = 0; k < count; k++) {
    lat_outputs one = {0};
    want(work, &list[k], 0x5a, &one, &alone);
    must(work, f->model->apply(work, f, r, &one));
    size_t bytes = list[k].rows * list[k].cols * sizeof(double);
    if (memcmp(alone.data, together[k].data, bytes) != 0)
      printf("the output at %zu differs\n", list[k].field);
  }
  must(work, f->model->apply(work, f, r, &(lat_outputs){0}));
  return count;
}

/* A step with all of the others: those are of the model after it. */
static void step_with_all(lat_workspace *work, const lat_fitted *f, const lat_request *r)
{
  asked list[32];
  lat_matrix with[32], after[32];
  lat_outputs step = {0}, then = {0};
  double loss = (double)NAN;
  size_t count = all_asked(f, r->X.rows, false, false, list), rows = 0;
  for (size_t k = 0; k < count; k++)
    if (list[k].rows == r->X.rows) list[rows++] = list[k]; /* parts of the loss are the step's */
  for (size_t k = 0; k < rows; k++) want(work, &list[k], 0xa5, &step, &with[k]);
  for (size_t k = 0; k < rows; k++) want(work, &list[k], 0x5a, &then, &after[k]);
  step.step_loss = &loss;
  must(work, f->model->apply(work, f, r, &step));
  must(work, f->model->apply(work, f, r, &then));
  for (size_t k = 0; k < rows; k++)
    if (memcmp(with[k].data, after[k].data, list[k].rows * list[k].cols * sizeof(double)) != 0)
      printf("with a step the output at %zu differs\n", list[k].field);
  if (!isfinite(loss)) printf("no loss\n");
}

static void ask_alone(lat_workspace *work, const lat_fitted *f, const lat_matrix *X)
{
  const lat_model *model = f->model;
  lat_request request = {.X = *X, .solver = -1, .samples = 2, .terms = 2, .beta = -1};
  request.variance = true, request.time = 0.5;
  size_t of_rows = compare(work, f, &request, false), of_missing = 0, of_latent = 0;
  if (model->nets) step_with_all(work, f, &request);
  if (model->missing) {
    lat_matrix gaps = lat_matrix_new(work, X->rows, X->cols);
    if (!gaps.data) exit(2);
    lat_copy(X, &gaps);
    for (size_t i = 0; i < X->rows; i += 2) lat_set(&gaps, i, i % X->cols, (double)NAN);
    request.X = gaps, request.missing = true;
    of_missing = compare(work, f, &request, false);
  }
  if (model->nets) {
    request.X = lat_block_of(*X, 0, 0, X->rows, size_of(f, LAT_M)), request.missing = false;
    of_latent = compare(work, f, &request, true);
  }
  printf("%zu %zu %zu\n", of_rows, of_missing, of_latent);
}

static void make(lat_workspace *work, const char *to, const lat_matrix *X)
{
  lat_gmm_options o = lat_gmm_defaults();
  o.components = 2;
  o.covariance = LAT_COVARIANCE_TIED_DIAG;
  o.init = LAT_GMM_RANDOM;
  o.regularization = 1.0 / 3;
  o.fit.seed = 0xfedcba9876543211;
  o.fit.max_iterations = SIZE_MAX;
  o.fit.tolerance = (double)INFINITY;
  o.fit.restarts = ((size_t)1 << 53) + 1;
  o.fit.accelerate = true;
  must(work, lat_gmm_check(work, &o));
  o.fit.restarts = 3;
  lat_gmm gmm;
  lat_source source = lat_source_of(X);
  must(work, lat_gmm_fit(work, &source, NULL, &o, &gmm, NULL));
  must(work, lat_gmm_save(work, &gmm, to));
  lat_gmm again;
  must(work, lat_gmm_load(work, to, &again));
  const lat_gmm_options *l = &again.options;
  printf("%d %d %d %d %d %d\n", l->regularization == o.regularization, l->fit.seed == o.fit.seed,
         l->fit.max_iterations == INT64_MAX, l->fit.tolerance == o.fit.tolerance,
         l->fit.restarts == 3, l->fit.accelerate);
  lat_fitted f = {.model = &lat_gmm_model,
                  .options = l,
                  .sizes = {[LAT_D] = again.D, [LAT_K] = again.K},
                  .flat = (double *)again.weights};
  score(work, &f, X);
}

static void refuse(lat_workspace *work, const lat_model *model, void *options, const char *path)
{
  lat_fitted f;
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = load(work, path, model, options, &f);
  if (!lat_workspace_at(work, mark)) printf("memory is kept; ");
  printf("%s: %s\n", lat_status_name(status), work->message);
}

/* One to three bytes of the file become others; every fourth time it is truncated. */
static void mutate(lat_workspace *work, const lat_model *model, void *options, const char *path,
                   size_t count)
{
  lat_map map;
  size_t loaded = 0;
  lat_random random = {.seed = 1};
  must(work, lat_file_map(work, path, &map));
  for (size_t i = 0; i < count; i++) {
    LAT_SCOPE(work);
    size_t n = i % 4 ? map.size : (size_t)(lat_random_uniform(&random) * (double)map.size);
    unsigned char *bytes = malloc(n ? n : 1); /* as long as it is, for the sanitizers */
    if (!bytes) exit(2);
    memcpy(bytes, map.bytes, n);
    for (size_t k = 0; n && k <= i % 3; k++)
      bytes[(size_t)(lat_random_uniform(&random) * (double)n)] ^=
          (unsigned char)(1 << i / 3 % 8 | 1 << i / 24 % 8);
    lat_fitted f;
    lat_status status = parse(work, bytes, n, model, options, &f);
    free(bytes);
    if (status == LAT_OK) done(&f);
    if (status != LAT_OK && (status != LAT_FORMAT || !work->message[0])) exit(4);
    loaded += status == LAT_OK;
  }
  printf("%s\n", loaded > 0 && loaded < count ? "some loaded" : "all or none loaded");
  lat_file_unmap(&map);
}

typedef struct budget {
  size_t left, held;
} budget;

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  budget *b = state;
  if (size == 0) {
    b->held -= was;
    free(old);
    return NULL;
  }
  if (b->left == 0) return NULL;
  b->left--;
  b->held += size;
  return malloc(size);
}

static void starve(const lat_model *model, void *options, const char *path)
{
  lat_status status = LAT_MEMORY;
  size_t calls = 0;
  for (; status == LAT_MEMORY && calls < 100; calls++) {
    budget b = {.left = calls};
    lat_workspace work;
    lat_fitted f;
    lat_workspace_init(&work);
    work.allocator = (lat_allocator){allocate, &b};
    status = load(&work, path, model, options, &f);
    if (status == LAT_OK) done(&f);
    lat_workspace_done(&work);
    if (b.held) exit(5);
  }
  printf("%s, %s\n", lat_status_name(status), calls > 1 ? "after refusals" : "at once");
}

static void set(lat_workspace *work, const char *name, const char *text)
{
  lat_gmm_options o = lat_gmm_defaults();
  must(work, lat_option_set(work, lat_gmm_model.options, &o, name, text));
  printf("%zu %d %.17g %zu %" PRIu64 "\n", o.components, o.covariance, o.regularization,
         o.fit.max_iterations, o.fit.seed);
}

static void name_options(lat_workspace *work, const lat_model *model, char **words, int count)
{
  lat_text text;
  void *options = malloc(model->options_size);
  if (!options) exit(2);
  lat_model_defaults(model, options);
  for (int i = 0; i + 1 < count; i += 2)
    must(work, lat_option_set(work, model->options, options, words[i], words[i + 1]));
  must(work, lat_model_check(work, model, options));
  must(work, lat_options_write(work, model->options, options, &text));
  printf("%.*s\n", (int)text.n, text.at);
  free(options);
}

int main(int count, char **arguments)
{
  lat_workspace work;
  lat_workspace_init(&work);
  setlocale(LC_ALL, "");
  if (count < 4) return 3;
  const char *what = arguments[1];
  if (strcmp(what, "made") == 0) {
    lat_matrix X = read_rows(&work, arguments[3]);
    make(&work, arguments[2], &X);
    lat_workspace_done(&work);
    return 0;
  }
  if (strcmp(what, "set") == 0) {
    set(&work, arguments[2], arguments[3]);
    return 0;
  }
  const lat_model *model = model_of(arguments[2]);
  if (strcmp(what, "options") == 0) {
    name_options(&work, model, arguments + 3, count - 3);
    lat_workspace_done(&work);
    return 0;
  }
  if (strcmp(what, "typed") == 0) {
    typed(&work, arguments[2], arguments[3], arguments[4]);
    lat_workspace_done(&work);
    return 0;
  }
  void *options = malloc(model->options_size);
  lat_fitted f;
  if (!options) return 2;
  if (strcmp(what, "wrong") == 0) {
    for (int i = 3; i < count; i++) refuse(&work, model, options, arguments[i]);
  } else if (strcmp(what, "mutants") == 0) {
    mutate(&work, model, options, arguments[3], (size_t)atol(arguments[4]));
  } else if (strcmp(what, "memory") == 0) {
    starve(model, options, arguments[3]);
  } else {
    must(&work, load(&work, arguments[3], model, options, &f));
    if (strcmp(what, "again") == 0) {
      must(&work, save(&work, arguments[4], &f));
    } else {
      lat_matrix X = read_rows(&work, arguments[4]);
      (strcmp(what, "alone") == 0 ? ask_alone : score)(&work, &f, &X);
    }
    done(&f);
  }
  free(options);
  lat_workspace_done(&work);
  return 0;
}
