/* The EM loop, with the kind of poisson.h:
 *
 *   em london ACCELERATE TOLERANCE    the deaths of women over 80 in the London Times (Hasselblad 1969)
 *   em threads                        the same bits for 1, 2 and 5 threads, and for two pieces
 *   em weights, stop, bad, wrong, stepwise: see the spec */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poisson.h"

/* From the third iteration on the other way: the model hides a flag that says so. */
static lat_status wrong_m_step(lat_em *em, const double *s, double *p)
{
  m_step(em, s, p);
  if (em->iterations == 2) p[em->sizes[LAT_K]] *= 3;
  return LAT_OK;
}

static lat_status failing_m_step(lat_em *em, const double *s, double *p)
{
  p[0] = 77;
  if (em->iterations == 2) return lat_fail(em->work, LAT_SINGULAR, "no");
  return m_step(em, s, p);
}

static const size_t sizes[LAT_SIZES] = {[LAT_D] = 1, [LAT_K] = 2};

/* One whole fit; the X in two pieces with `cut` rows in the first. */
static lat_status fit(lat_em *em, const lat_matrix *X, const double *weights, size_t cut)
{
  do {
    LAT_TRY(lat_em_begin(em));
    lat_matrix head = lat_block_of(*X, 0, 0, cut, 1),
               tail = lat_block_of(*X, cut, 0, X->rows - cut, 1);
    LAT_TRY(lat_em_add(em, &head, weights));
    LAT_TRY(lat_em_add(em, &tail, weights ? weights + cut : NULL));
    LAT_TRY(lat_em_end(em));
  } while (!em->done);
  return LAT_OK;
}

/* ---- the London Times ---- */

static double deaths[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double days[10] = {162, 267, 271, 185, 111, 61, 27, 8, 3, 1};

static void london(lat_workspace *work, bool accelerate, double tolerance)
{
  lat_matrix X = lat_vector_of(deaths, 10);
  double p[4] = {0.5, 0.5, 1, 4}, last = -INFINITY;
  bool monotone = true;
  lat_em em;
  lat_em_options options = {
      .max_iterations = 20000, .tolerance = tolerance, .accelerate = accelerate};
  lat_em_init(&em, work, &kind, NULL, sizes, p, &options);
  do {
    if (lat_em_begin(&em) || lat_em_add(&em, &X, days) || lat_em_end(&em)) break;
    monotone &= em.objective >= last - 1e-12;
    last = em.objective;
  } while (!em.done);
  printf("log-likelihood %.6f\n", em.objective * 1096);
  printf("parameters %.4f %.4f %.4f\n", p[0], p[2], p[3]);
  printf("converged %d monotone %d drops %zu\n", em.converged, monotone, em.decreases);
  printf("iterations %zu refused %zu\n", em.iterations, em.rejected);
}

/* ---- made data ---- */

static lat_matrix made(lat_workspace *work, size_t n)
{
  lat_matrix X = lat_matrix_new(work, n, 1);
  lat_random random = {.seed = 1};
  for (size_t i = 0; i < n; i++) lat_set(&X, i, 0, floor(lat_random_gamma(&random, i % 3 ? 2 : 9)));
  return X;
}

static void threads(lat_workspace *work)
{
  lat_matrix X = made(work, 50000);
  double first[4];
  for (int n = 0; n < 3; n++) {
    lat_threads_set((size_t[]){1, 2, 5}[n]);
    double p[4] = {0.5, 0.5, 1, 6};
    lat_em em;
    lat_em_init(&em, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 20});
    fit(&em, &X, NULL, 0);
    if (n == 0) memcpy(first, p, sizeof p);
    printf("%zu threads %d\n", lat_threads(), memcmp(first, p, sizeof p) == 0);
  }
  double p[4] = {0.5, 0.5, 1, 6}, worst = 0;
  lat_em em;
  lat_em_init(&em, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 20});
  fit(&em, &X, NULL, 12345);
  for (int i = 0; i < 4; i++) worst = fmax(worst, fabs(p[i] - first[i]));
  printf("iterations %zu done %d converged %d\n", em.iterations, em.done, em.converged);
  printf("pieces %d\n", worst < 1e-12);
}

/* Weights 0, 1, 2 against rows that are absent, there, there twice. */
static void weights(lat_workspace *work)
{
  lat_matrix X = made(work, 3000), Y = lat_matrix_new(work, 3000, 1);
  double *w = lat_doubles(work, 3000), p[4] = {0.5, 0.5, 1, 6}, q[4] = {0.5, 0.5, 1, 6}, worst = 0;
  size_t n = 0;
  for (size_t i = 0; i < 3000; i++) {
    w[i] = (double)((i / 7) % 3);
    for (int k = 0; k < w[i] && n < 3000; k++) lat_set(&Y, n++, 0, lat_get(&X, i, 0));
  }
  X.rows = 2950; /* whose weights add up to less than 3000 */
  n = 0;
  for (size_t i = 0; i < X.rows; i++) n += (size_t)w[i];
  Y.rows = n;
  lat_em em;
  lat_em_init(&em, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 10});
  fit(&em, &X, w, 100);
  double objective = em.objective;
  lat_em_init(&em, work, &kind, NULL, sizes, q, &(lat_em_options){.max_iterations = 10});
  fit(&em, &Y, NULL, 100);
  for (int i = 0; i < 4; i++) worst = fmax(worst, fabs(p[i] - q[i]));
  printf("weights %d objective %d\n", worst < 1e-12, fabs(objective - em.objective) < 1e-12);
}

/* ---- what goes wrong ---- */

static lat_status one(lat_em *em, lat_matrix X, const double *w)
{
  lat_status status = lat_em_begin(em);
  if (status == LAT_OK) status = lat_em_add(em, &X, w);
  if (status == LAT_OK) status = lat_em_end(em);
  if (status) printf("%s: %s\n", lat_status_name(status), em->work->message);
  return status;
}

static void bad(lat_workspace *work)
{
  lat_matrix X = made(work, 3000);
  double p[4] = {0.5, 0.5, 1, 6}, w[10] = {0};
  lat_em em;
  lat_em_init(&em, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 10});
  lat_set(&X, 2001, 0, NAN);
  one(&em, X, NULL);
  lat_set(&X, 2001, 0, INFINITY);
  one(&em, X, NULL);
  X.rows = 10;
  one(&em, X, w);
  w[3] = -1;
  one(&em, X, w);
  w[3] = NAN;
  one(&em, X, w);
  X.rows = 0;
  one(&em, X, NULL);
  one(&em, lat_matrix_of(deaths, 5, 2), NULL);
  p[2] = -1;
  one(&em, lat_vector_of(deaths, 10), NULL);
  p[2] = 1;
  one(&em, lat_vector_of(deaths, 10), NULL);
  printf("then iterations %zu\n", em.iterations);
  kind.m_step = failing_m_step;
  one(&em, lat_vector_of(deaths, 10), NULL);
  double before = p[0];
  one(&em, lat_vector_of(deaths, 10), NULL);
  printf("kept %d\n", p[0] == before);
}

static void wrong(lat_workspace *work)
{
  lat_matrix X = made(work, 3000);
  double p[4] = {0.5, 0.5, 1, 6};
  lat_em em;
  kind.m_step = wrong_m_step;
  lat_em_init(&em, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 10});
  fit(&em, &X, NULL, 0);
  printf("drops %zu large %d\n", em.decreases, em.largest_decrease > 0.01);
}

/* A flag that stops the third iteration: the parameters are those of the second. */
static void stop(lat_workspace *work)
{
  lat_matrix X = made(work, 3000);
  double p[4] = {0.5, 0.5, 1, 6}, kept[4];
  atomic_int flag = 0;
  lat_em em;
  lat_em_init(&em, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 10});
  for (int i = 0; i < 2; i++) one(&em, X, NULL);
  memcpy(kept, p, sizeof p);
  work->cancel = &flag;
  flag = 1;
  one(&em, X, NULL);
  printf("kept %d iterations %zu\n", memcmp(kept, p, sizeof p) == 0, em.iterations);
  flag = 0;
  printf("goes on %d\n", one(&em, X, NULL));
}

/* Chunks of 100 rows, the rate falling as (n+2)^-0.6: near the fit of all of them. */
static void stepwise(lat_workspace *work)
{
  lat_matrix X = made(work, 30000);
  double p[4] = {0.5, 0.5, 1, 6}, q[4] = {0.5, 0.5, 1, 6}, running[6] = {0}, worst = 0;
  lat_em em;
  lat_em_init(&em, work, &kind, NULL, sizes, q, &(lat_em_options){.max_iterations = 100});
  fit(&em, &X, NULL, 0);
  lat_em_init(&em, work, &kind, NULL, sizes, p, NULL);
  for (size_t i = 0; i < 300; i++) {
    lat_matrix rows = lat_block_of(X, i * 100, 0, 100, 1);
    lat_em_step(&em, &rows, NULL, i ? pow((double)i + 2, -0.6) : 1, running);
  }
  for (int i = 0; i < 4; i++) worst = fmax(worst, fabs(p[i] - q[i]));
  printf("stepwise %d total %.3f\n", worst < 0.1, running[1]);
}

/* A review says what the next iteration would have said, and changes neither the parameters nor the
 * statistics; also after acceleration, whose next trial it forgets, and after a walk that failed. */
static void review(lat_workspace *work, bool accelerate)
{
  lat_matrix X = made(work, 3000), bad = lat_matrix_new(work, 2, 1);
  double p[4] = {0.5, 0.5, 1, 6}, was[4], statistics[6], negative = -1;
  lat_em em, next;
  lat_em_init(&em, work, &kind, NULL, sizes, p,
              &(lat_em_options){.max_iterations = 4, .accelerate = accelerate});
  fit(&em, &X, NULL, 0);
  memcpy(was, p, sizeof p);
  memcpy(statistics, em.statistics, sizeof statistics);
  printf("before %d\n", em.reached == em.objective);
  lat_set(&bad, 0, 0, 1);
  lat_set(&bad, 1, 0, NAN);
  lat_status status = lat_em_review(&em);
  if (status == LAT_OK) status = lat_em_add(&em, &bad, NULL);
  lat_em_reviewed(&em, status);
  printf("failed %d %d\n", status == LAT_INVALID, em.reached == em.objective);
  status = lat_em_review(&em);
  if (status == LAT_OK) status = lat_em_add(&em, &X, NULL);
  lat_em_reviewed(&em, status);
  lat_em_init(&next, work, &kind, NULL, sizes, p, &(lat_em_options){.max_iterations = 1});
  printf("kept %d %d\n", memcmp(was, p, sizeof p) == 0,
         memcmp(statistics, em.statistics, sizeof statistics) == 0);
  fit(&next, &X, NULL, 0);
  printf("reviewed %d %d\n", em.reached == next.objective, em.reached > em.objective);
  /* parameters without a likelihood, and what better means */
  status = lat_em_review(&em);
  lat_em_reviewed(&em, status == LAT_OK ? LAT_SINGULAR : status);
  printf("worst %d %d\n", em.reached == -INFINITY, lat_em_finish(&em) == LAT_OK && !em.singular);
  lat_em a = em, b = em;
  a.reached = negative, b.reached = 2 * negative;
  printf("better %d %d %d", lat_em_better(&a, &b), lat_em_better(&b, &a), lat_em_better(&a, &a));
  a.singular = true;
  printf(" %d %d\n", lat_em_better(&a, &b), lat_em_better(&b, &a));
}

int main(int count, char **words)
{
  lat_workspace work;
  lat_workspace_init(&work);
  const char *part = count > 1 ? words[1] : "";
  if (strcmp(part, "london") == 0) london(&work, atoi(words[2]), atof(words[3]));
  if (strcmp(part, "threads") == 0) threads(&work);
  if (strcmp(part, "weights") == 0) weights(&work);
  if (strcmp(part, "bad") == 0) bad(&work);
  if (strcmp(part, "wrong") == 0) wrong(&work);
  if (strcmp(part, "stop") == 0) stop(&work);
  if (strcmp(part, "stepwise") == 0) stepwise(&work);
  if (strcmp(part, "review") == 0) review(&work, atoi(words[2]));
  lat_workspace_done(&work);
  return 0;
}
