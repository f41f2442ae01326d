/* 09_own_model.c: a model of one's own, fitted by EM: two coins (Do, Batzoglou: What is the
 * expectation maximization algorithm? Nature Biotechnology 26, 2008).
 *
 *   cc -std=c11 -Icore scripts/c/09_own_model.c build/liblatent.a -lopenblas -llapacke -lm
 *
 * Five times one of two coins is taken, and tossed ten times: x heads are seen, but not the coin. */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { TOSSES = 10 };

/* ---- what EM needs to know: lat_em_kind -------------------------------------------------------- */

static const lat_parameter parameters[] = {{"heads", {LAT_K}}, {.name = NULL}}; /* probabilities */

/* The sums of an E-step: the log-likelihood and the rows' weights, as for every model; then the
 * expected heads of each coin and its expected tosses. */
static size_t statistics(const lat_em *em)
{
  return 2 + 2 * em->sizes[LAT_K];
}

static size_t none(const lat_em *em)
{
  (void)em;
  return 0;
}

static size_t scratch(const lat_em *em, size_t rows)
{
  (void)rows;
  return em->sizes[LAT_K];
}

/* Adds rows to the sums s. Called from several threads, each with sums and scratch of its own. */
static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *s, double *p)
{
  size_t K = em->sizes[LAT_K];
  for (size_t i = 0; i < chunk->X.rows; i++) {
    double x = lat_get(&chunk->X, i, 0), w = chunk->weights ? chunk->weights[i] : 1, total = 0;
    for (size_t k = 0; k < K; k++) {
      double heads = em->parameters[k];
      total += p[k] = pow(heads, x) * pow(1 - heads, TOSSES - x) / (double)K;
    }
    s[0] += w * log(total); /* but for the binomial coefficient, which is the same for all coins */
    s[1] += w;
    for (size_t k = 0; k < K; k++) {
      s[2 + k] += w * p[k] / total * x;
      s[2 + K + k] += w * p[k] / total * TOSSES;
    }
  }
}

static lat_status m_step(lat_em *em, const double *s, double *heads)
{
  size_t K = em->sizes[LAT_K];
  for (size_t k = 0; k < K; k++) heads[k] = s[2 + k] / s[2 + K + k];
  return LAT_OK;
}

static const lat_em_kind coins = {.name = "coins",
                                  .parameters = parameters,
                                  .statistics = statistics,
                                  .derived = none,
                                  .scratch = scratch,
                                  .e_step = e_step,
                                  .m_step = m_step};

/* ---- what a whole fit needs besides: where a start begins; and the options' table -------------- */

typedef struct coins_options {
  lat_fit_options fit;
  size_t coins;
} coins_options;

static const lat_option options_table[] = {LAT_OPTION_SIZE(coins_options, coins, 2, 1, 100),
                                           LAT_FIT_OPTIONS(coins_options, 1000, 1e-12, 5),
                                           {.name = NULL}};

static lat_status plan(lat_fit *fit)
{
  fit->core = &coins;
  fit->sizes[LAT_K] = ((const coins_options *)fit->options)->coins;
  return LAT_OK;
}

static lat_status start(lat_fit *fit)
{
  lat_random random = {.seed = fit->seed}; /* each start has its own */
  for (size_t k = 0; k < fit->em.count; k++) fit->parameters[k] = lat_random_uniform(&random);
  return LAT_OK;
}

static const lat_parameter *parameters_of(const void *options)
{
  (void)options;
  return parameters;
}

static const lat_fit_kind fit_kind = {.plan = plan, .start = start};
static const lat_model model = {.name = "coins",
                                .options = options_table,
                                .options_size = sizeof(coins_options),
                                .parameters = parameters_of,
                                .fit = &fit_kind};

/* ---- in use ------------------------------------------------------------------------------------ */

static lat_status run(lat_workspace *work)
{
  LAT_SCOPE(work);
  double seen[] = {5, 9, 8, 4, 7}, heads[] = {0.6, 0.5}; /* the paper's start */
  const size_t sizes[LAT_SIZES] = {[LAT_D] = 1, [LAT_K] = 2};
  lat_matrix X = lat_vector_of(seen, 5);

  /* EM step by step */
  lat_em em;
  LAT_TRY(
      lat_em_init(&em, work, &coins, NULL, sizes, heads, &(lat_em_options){.max_iterations = 10}));
  while (!em.done) {
    LAT_TRY(lat_em_begin(&em));
    LAT_TRY(lat_em_add(&em, &X, NULL)); /* the E-step: as often as there are pieces of data */
    LAT_TRY(lat_em_end(&em));           /* the M-step */
    if (em.iterations == 1 || em.done)
      printf("iteration %zu: %.2f %.2f\n", em.iterations, heads[0], heads[1]);
  }

  /* The whole fit: starts from random parameters, and the best of them; then a file. */
  coins_options options;
  lat_fitted fitted;
  lat_fit_report report;
  lat_source rows = lat_source_of(&X);
  lat_model_defaults(&model, &options);
  LAT_TRY(lat_fit_model(work, &model, &rows, NULL, &options, &fitted, &report));
  const double *p = fitted.flat;
  printf("maximum: %.4f %.4f, log-likelihood %.4f\n", fmax(p[0], p[1]), fmin(p[0], p[1]),
         report.objective * 5);
  lat_fitted loaded;
  LAT_TRY(lat_model_save(work, "coins.safetensors", &fitted));
  LAT_TRY(lat_model_load(work, "coins.safetensors", &model, &options, &loaded));
  remove("coins.safetensors");
  printf("from a file: %d\n", loaded.flat[0] == p[0] && loaded.flat[1] == p[1]);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = run(&work);
  if (status != LAT_OK) fprintf(stderr, "%s: %s\n", lat_status_name(status), work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
