/* scratch.c: a host in C with an allocator of its own. Each function leaves the workspace as it found it, when it
 * succeeds, when it fails and when it is refused memory; a thousand calls take no more than the first, and all comes
 * from the allocator and goes back to it.
 *
 *   scratch     prints "ok", or what is wrong */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "em/kmeans/kmeans.h"
#include "latent.h"
#include "matrix/linear/factor.h"

enum { N = 40, D = 2, K = 2, CALLS = 1000 };

static struct {
  size_t held, most;
  bool refusing;
} heap;

static int wrong = 0;

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  (void)state;
  if (size > 0 && heap.refusing) return NULL;
  heap.held += size - was;
  if (heap.held > heap.most) heap.most = heap.held;
  if (size > 0) return malloc(size);
  free(old);
  return NULL;
}

typedef struct scene {
  lat_workspace work;
  double x[N * D], r[N * K], numbers[N];
  lat_matrix X, R, wide;
  lat_random random;
} scene;

typedef lat_status call(scene *s);

/* Twice, then a thousand times in no more memory; and once without memory. */
static void check(scene *s, const char *name, call *f, lat_status expected)
{
  lat_mark mark = lat_workspace_mark(&s->work);
  for (int i = 0; i < 2; i++) {
    lat_status status = f(s);
    if (status != expected && ++wrong)
      printf("%s: %s, %s\n", name, lat_status_name(status), s->work.message);
  }
  size_t before = heap.held;
  heap.most = heap.held;
  for (int i = 0; i < CALLS; i++) {
    f(s);
    if (!lat_workspace_at(&s->work, mark) && ++wrong) {
      printf("%s keeps something\n", name);
      lat_workspace_release(&s->work, mark);
      return;
    }
  }
  if (heap.held != before && ++wrong) printf("%s: %zu bytes became %zu\n", name, before, heap.held);
  lat_workspace_done(&s->work);
  heap.refusing = true;
  lat_status status = f(s);
  heap.refusing = false;
  if (status != LAT_MEMORY && status != expected && ++wrong)
    printf("%s without memory: %s\n", name, lat_status_name(status));
  if (!lat_workspace_at(&s->work, mark) && ++wrong)
    printf("%s keeps something of a failure\n", name);
}

static const double mixture[] = {0.5, 0.5, 0, 0, 1, 1, 1, 0.2, 0.2, 1, 1, 0, 0, 1};
static const double singular[] = {0.5, 0.5, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1};

static lat_gmm gmm_of(const double *parameters)
{
  return (lat_gmm){.D = D,
                   .K = K,
                   .weights = parameters,
                   .means = parameters + K,
                   .covariances = parameters + K + K * D};
}

static lat_status apply_to(scene *s, const double *parameters, const lat_matrix *X)
{
  lat_gmm gmm = gmm_of(parameters);
  return lat_gmm_apply(&s->work, &gmm, &(lat_request){.X = *X},
                       &(lat_outputs){.responsibilities = &s->R, .log_likelihood = s->numbers});
}

static lat_status apply(scene *s)
{
  return apply_to(s, mixture, &s->X);
}
static lat_status apply_wide(scene *s)
{
  return apply_to(s, mixture, &s->wide);
}
static lat_status apply_singular(scene *s)
{
  return apply_to(s, singular, &s->X);
}

static lat_status sample_of(scene *s, const double *parameters)
{
  lat_gmm gmm = gmm_of(parameters);
  return lat_gmm_sample(&s->work, &gmm, &s->random, &s->X, s->numbers);
}

static lat_status sample(scene *s)
{
  return sample_of(s, mixture);
}
static lat_status sample_singular(scene *s)
{
  return sample_of(s, singular);
}

static lat_status distances(scene *s)
{
  lat_gmm a = gmm_of(mixture);
  return lat_gmm_distances(&s->work, &a, &a, s->r);
}

static lat_status distances_singular(scene *s)
{
  lat_gmm a = gmm_of(mixture), b = gmm_of(singular);
  return lat_gmm_distances(&s->work, &a, &b, s->r);
}

static const double bernoulli[] = {0.5, 0.5, 0.1, 0.9, 0.9, 0.1};

static lat_mixture counts(void)
{
  return (lat_mixture){.options = lat_mixture_defaults(),
                       .D = D,
                       .K = K,
                       .M = D,
                       .weights = bernoulli,
                       .means = bernoulli + K};
}

static lat_status mixture_sample(scene *s)
{
  lat_mixture m = counts();
  return lat_mixture_sample(&s->work, &m, &s->random, &s->X, s->numbers);
}

static lat_status mixture_apply(scene *s)
{
  lat_mixture m = counts();
  lat_outputs outputs = {.responsibilities = &s->R, .log_likelihood = s->numbers};
  return lat_mixture_apply(&s->work, &m, &(lat_request){.X = s->X}, &outputs);
}

static lat_status kmeans(scene *s)
{
  LAT_SCOPE(&s->work); /* the fit keeps what it finds */
  lat_kmeans_options options = lat_kmeans_defaults();
  lat_source rows = lat_source_of(&s->X);
  lat_kmeans found;
  options.clusters = K;
  options.fit.restarts = 2;
  return lat_kmeans_fit(&s->work, &rows, NULL, &options, &found, NULL);
}

static lat_status condition(scene *s)
{
  LAT_SCOPE(&s->work);
  double a[] = {2, 1, 1, 2}, rcond;
  lat_matrix A = lat_matrix_of(a, D, D);
  lat_factors F;
  LAT_TRY(lat_factor(&s->work, LAT_GENERAL, &A, &F));
  lat_mark mark = lat_workspace_mark(&s->work);
  LAT_TRY(lat_reciprocal_condition(&s->work, &F, &rcond));
  if (!lat_workspace_at(&s->work, mark) && ++wrong)
    puts("lat_reciprocal_condition keeps something");
  return LAT_OK;
}

static lat_status decompose(scene *s)
{
  LAT_SCOPE(&s->work);
  lat_matrix v = lat_matrix_new(&s->work, D, 1);
  return v.data ? lat_svd(&s->work, &s->X, NULL, v, NULL) : LAT_MEMORY;
}

int main(void)
{
  static scene s;
  lat_workspace_init(&s.work);
  s.work.allocator = (lat_allocator){allocate, NULL};
  s.X = lat_matrix_of(s.x, N, D);
  s.R = lat_matrix_of(s.r, N, K);
  s.wide = lat_matrix_of(s.x, N / 2, 2 * D);
  s.random = (lat_random){.seed = 1};
  check(&s, "lat_gmm_sample", sample, LAT_OK); /* which gives the rows for what comes */
  check(&s, "lat_gmm_sample, singular", sample_singular, LAT_SINGULAR);
  check(&s, "lat_gmm_apply", apply, LAT_OK);
  check(&s, "lat_gmm_apply, columns", apply_wide, LAT_SHAPE);
  check(&s, "lat_gmm_apply, singular", apply_singular, LAT_SINGULAR);
  check(&s, "lat_gmm_distances", distances, LAT_OK);
  check(&s, "lat_gmm_distances, singular", distances_singular, LAT_SINGULAR);
  check(&s, "lat_kmeans_fit", kmeans, LAT_OK);
  check(&s, "lat_factor", condition, LAT_OK);
  check(&s, "lat_svd", decompose, LAT_OK);
  check(&s, "lat_mixture_apply", mixture_apply, LAT_INVALID); /* rows of Gaussians */
  check(&s, "lat_mixture_sample", mixture_sample, LAT_OK);
  check(&s, "lat_mixture_apply", mixture_apply, LAT_OK);
  lat_workspace_done(&s.work);
  if (heap.held != 0 && ++wrong) printf("%zu bytes are left\n", heap.held);
  if (!wrong) puts("ok");
  return wrong != 0;
}
