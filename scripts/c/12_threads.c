/* 12_threads.c: who decides about threads, time and memory: the program that calls.
 *
 *   cc -std=c11 -Icore scripts/c/12_threads.c build/liblatent.a -lopenblas -llapacke -lm -pthread */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"

enum { N = 20000, D = 2, K = 3, COUNT = K + K * D + K * D * D };

static double x[N * D]; /* three clouds; nobody writes to them, so all may read */

/* What one thread has: a workspace is one thread's at a time, everything else can be shared. */
typedef struct job {
  lat_gmm_options options;
  atomic_int cancel, begun;
  double seconds;
  lat_allocator allocator;
  lat_status status;
  char message[256];
  double parameters[COUNT];
  size_t iterations;
} job;

/* Called after every iteration, on the thread that fits; false would end the fit as a success. */
static bool on_iteration(void *observer, const lat_fit *fit)
{
  (void)fit;
  atomic_store(&((job *)observer)->begun, 1);
  return true;
}

static void *fit(void *of)
{
  job *j = of;
  lat_workspace work;
  lat_workspace_init(&work);
  work.allocator = j->allocator; /* before anything is allocated */
  work.cancel = &j->cancel;      /* any thread may set it */
  if (j->seconds > 0) work.deadline = lat_clock() + j->seconds;
  j->options.fit.on_iteration = on_iteration;
  j->options.fit.observer = j;
  lat_matrix X = lat_matrix_of(x, N, D);
  lat_source rows = lat_source_of(&X);
  lat_gmm gmm;
  lat_fit_report report;
  j->status = lat_gmm_fit(&work, &rows, NULL, &j->options, &gmm, &report);
  snprintf(j->message, sizeof j->message, "%s", work.message);
  if (j->status == LAT_OK) {
    for (size_t i = 0; i < COUNT; i++) j->parameters[i] = gmm.weights[i]; /* before they go */
    j->iterations = report.iterations;
  }
  lat_workspace_done(&work);
  return NULL;
}

/* An allocator that counts, and refuses beyond a limit. */
typedef struct heap {
  size_t held, limit;
} heap;

static void *allocate(void *state, void *old, size_t was, size_t size)
{
  heap *h = state;
  if (size > 0 && h->held + size > h->limit) return NULL;
  void *memory = size > 0 ? malloc(size) : NULL;
  if (old) free(old), h->held -= was;
  if (memory) h->held += size;
  return memory;
}

int main(void)
{
  lat_random random = {.seed = 5};
  for (size_t i = 0; i < N; i++) {
    x[2 * i] = lat_random_normal(&random) + (i % 3 == 1 ? 3 : 0);
    x[2 * i + 1] = lat_random_normal(&random) + (i % 3 == 2 ? 3 : 0);
  }
  job plain = {.options = lat_gmm_defaults()};
  plain.options.components = K;
  plain.options.fit.max_iterations = 20;
  plain.options.fit.tolerance = 0; /* all of them */
  job endless = plain;
  endless.options.fit.max_iterations = SIZE_MAX;

  /* Two fits at once, while the library's pool has 3 threads for whoever comes first; then one with
   * 1 thread. All are the same bits. */
  job jobs[3] = {plain, plain, plain};
  pthread_t threads[2];
  lat_threads_set(3);
  for (int i = 0; i < 2; i++)
    if (pthread_create(&threads[i], NULL, fit, &jobs[i]) != 0) return 1;
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  lat_threads_set(1);
  fit(&jobs[2]);
  size_t same = 0;
  for (size_t i = 0; i < COUNT; i++)
    same += jobs[0].parameters[i] == jobs[1].parameters[i] &&
            jobs[1].parameters[i] == jobs[2].parameters[i];
  printf("three fits: %s, %zu of %d numbers are the same\n", lat_status_name(jobs[0].status), same,
         (int)COUNT);

  /* Cancelled by another thread, once it is under way. */
  job cancelled = endless;
  if (pthread_create(&threads[0], NULL, fit, &cancelled) != 0) return 1;
  while (!atomic_load(&cancelled.begun)) sched_yield();
  atomic_store(&cancelled.cancel, 1);
  pthread_join(threads[0], NULL);
  printf("%s: %s\n", lat_status_name(cancelled.status), cancelled.message);

  /* A deadline ends a fit as max_iterations does: what it has come to counts. */
  job late = endless;
  late.seconds = 0.5;
  fit(&late);
  printf("out of time: %s, some iterations: %d\n", lat_status_name(late.status),
         late.iterations > 0);

  /* Memory refused is a status like another, and nothing is lost. */
  heap small = {.limit = 1 << 18};
  job starved = plain;
  starved.allocator = (lat_allocator){allocate, &small};
  fit(&starved);
  printf("%s; held afterwards: %zu bytes\n", lat_status_name(starved.status), small.held);
  return 0;
}
