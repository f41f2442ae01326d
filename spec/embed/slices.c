/* slices.c: prints facts about work in slices of time (base/slice.h), for spec/slices_spec.lua. */
#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "latent.h"

enum { CHUNKS = 40, ROUNDS = 5, N = 3000 };

/* Sums of 1/n in chunks on the pool, round after round, with scratch that is released at the end. */
typedef struct sums {
  lat_workspace *work;
  double *parts;
  double total;
  size_t rounds; /* complete ones */
  lat_status status;
} sums;

static void add_chunk(void *context, size_t chunk, size_t worker)
{
  const sums *s = context;
  (void)worker;
  double sum = 0;
  for (size_t i = 1; i <= 2000; i++) sum += 1 / (double)(chunk * 2000 + i);
  s->parts[chunk] = sum;
}

static lat_status add_up(void *context)
{
  sums *s = context;
  LAT_SCOPE(s->work);
  s->parts = lat_doubles(s->work, CHUNKS);
  if (!s->parts) return LAT_MEMORY;
  s->total = 0;
  for (s->rounds = 0; s->rounds < ROUNDS; s->rounds++) {
    s->status = lat_parallel(s->work, CHUNKS, add_chunk, s);
    if (s->status != LAT_OK) return s->status;
    for (size_t i = 0; i < CHUNKS; i++) s->total += s->parts[i];
  }
  return LAT_OK;
}

static void *one_slice(void *context)
{
  sums *s = context;
  bool done;
  s->status = lat_slice(s->work, 0, add_up, s, &done);
  return done ? s : NULL;
}

static lat_status slice_within(void *context)
{
  bool done;
  return lat_slice(context, 0, add_up, NULL, &done);
}

static void refusals(lat_workspace *work)
{
  bool done = false;
  sums s = {.work = work};
  lat_status status = lat_slice(work, (double)NAN, add_up, &s, &done);
  printf("NaN %s %d: %s\n", lat_status_name(status), done, work->message);
  status = lat_slice(work, -1, add_up, &s, &done);
  printf("-1 %s %d: %s\n", lat_status_name(status), done, work->message);
  status = lat_slice(work, 1, slice_within, work, &done);
  printf("within %s %d: %s\n", lat_status_name(status), done, work->message);
  printf("outside %s: %s\n", lat_status_name(lat_pause(work)), work->message);
}

static void bits(lat_workspace *work, size_t threads)
{
  lat_threads_set(threads);
  sums whole = {.work = work}, s = {.work = work};
  add_up(&whole);
  bool done = false;
  size_t slices = 0, hosts = 0;
  int before = openblas_get_num_threads();
  lat_mark mark = lat_workspace_mark(work);
  while (!done && lat_slice(work, 0, add_up, &s, &done) == LAT_OK) {
    slices++;
    hosts += openblas_get_num_threads() == before;
  }
  printf("%zu threads: many slices %d, the same bits %d, BLAS's threads are the host's %d, "
         "released %d\n",
         threads, slices > 1, s.total == whole.total, hosts == slices,
         lat_workspace_at(work, mark));
  pthread_t thread;
  void *over = NULL;
  for (slices = 0; !over; slices++) {
    pthread_create(&thread, NULL, one_slice, &s);
    pthread_join(thread, &over);
  }
  printf("each in another thread: %d %d\n", slices > 1, s.total == whole.total);
}

static void left(lat_workspace *work)
{
  bool done;
  sums s = {.work = work};
  lat_mark mark = lat_workspace_mark(work);
  for (int i = 0; i < 3; i++) lat_slice(work, 0, add_up, &s, &done);
  int open = lat_slice_open(work);
  lat_slice_leave(work);
  printf("left: open %d then %d, %s, released %d\n", open, lat_slice_open(work),
         lat_status_name(s.status), lat_workspace_at(work, mark));
  lat_slice_leave(work); /* nothing */
  lat_status status = lat_slice(work, INFINITY, add_up, &s, &done);
  printf("and again: %s %d, rounds %zu\n", lat_status_name(status), done, s.rounds);
}

static void forked(lat_workspace *work)
{
  bool done;
  sums whole = {.work = work}, s = {.work = work};
  add_up(&whole);
  lat_slice(work, 0, add_up, &s, &done);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    while (!done && lat_slice(work, 0, add_up, &s, &done) == LAT_OK) {}
    _exit(s.total == whole.total ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  while (!done && lat_slice(work, 0, add_up, &s, &done) == LAT_OK) {}
  printf("forked: the child %d, the parent %d\n", status, s.total == whole.total);
}

static size_t mappings(void)
{
  size_t lines = 0;
  FILE *file = fopen("/proc/self/maps", "r");
  for (int c; file && (c = fgetc(file)) != EOF;) lines += c == '\n';
  if (file) fclose(file);
  return lines;
}

static void abandoned(void)
{
  size_t before = 0;
  for (int i = 0; i < 1000; i++) {
    lat_workspace work;
    lat_workspace_init(&work);
    sums s = {.work = &work};
    bool done;
    lat_slice(&work, 0, add_up, &s, &done);
    lat_workspace_done(&work);
    if (i == 10) before = mappings();
  }
  printf("abandoned: mappings stay %d\n", mappings() <= before + 2);
}

/* Rows that have to be waited for: every second call there is nothing yet. */
static lat_status wait_for(lat_source *source, lat_workspace *work, lat_matrix *piece,
                           const double **weights)
{
  const lat_matrix *X = source->context;
  LAT_TRY(lat_pause(work));
  size_t left = X->rows - source->rows;
  *piece = (lat_matrix){0};
  if (left > 0) *piece = lat_block_of(*X, source->rows, 0, left < 1024 ? left : 1024, 2);
  *weights = NULL;
  return LAT_OK;
}

static lat_status waiting(lat_workspace *work)
{
  LAT_SCOPE(work);
  lat_matrix X = lat_matrix_new(work, N, 2);
  if (!X.data) return LAT_MEMORY;
  lat_random random = {.seed = 1};
  LAT_TRY(lat_random_fill_normal(work, &random, 2 * N, X.data));
  lat_gmm_options options = lat_gmm_defaults();
  options.components = 2;
  options.fit.max_iterations = 4;
  lat_source source = {.next = wait_for, .context = &X};
  lat_fit fit;
  LAT_TRY(lat_fit_init(&fit, work, &lat_gmm_model, &options, false));
  size_t slices = 0;
  for (bool done = false; !done; slices++) LAT_TRY(lat_fit_slice(&fit, &source, 1e6, &done));
  printf("waiting: %zu iterations, slices for each piece of each pass %d\n", fit.report.iterations,
         slices == 1 + 4 * 5);
  lat_fit left;
  bool done;
  LAT_TRY(lat_fit_init(&left, work, &lat_gmm_model, &options, false));
  for (int i = 0; i < 11; i++) LAT_TRY(lat_fit_slice(&left, &source, 1e6, &done));
  lat_fit_leave(&left);
  printf("left: %zu iterations, open %d\n", left.em.iterations, lat_slice_open(work));
  lat_fit_stop(&left);
  LAT_TRY(lat_fit_begin(&left));
  printf("what whole iterations came to: %d\n",
         left.best.flat != NULL && left.report.iterations == 1);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  openblas_set_num_threads(2);
  refusals(&work);
  bits(&work, 1);
  bits(&work, 3);
  left(&work);
  forked(&work);
  abandoned();
  lat_status status = waiting(&work);
  printf("%s\n", lat_status_name(status));
  lat_workspace_done(&work);
  return 0;
}
