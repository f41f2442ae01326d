/* ranks.c: collectives, shares of sums and fits by several ranks (comm/), with threads as ranks. Each
 * line printed is a fact that spec/ranks_spec.lua expects. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

enum { MOST = 8, ROWS = 3000, D = 3 };

/* What a rank does, and what came of it. */
typedef struct rank rank;
struct rank {
  lat_comm comm;
  lat_shared *shared;
  lat_workspace work;
  lat_status (*run)(rank *self);
  size_t n; /* of the run */
  double seconds;
  lat_status status;
  double numbers[512];
  size_t count;
};

static void *run(void *argument)
{
  rank *self = argument;
  lat_workspace_init(&self->work);
  self->status = self->run(self);
  lat_shared_leave(self->shared, self->comm.rank, "its function has returned");
  return NULL;
}

static rank ranks[MOST];

/* All of p ranks; rank `injured` is lost at its gathering number `at`, unless 0. */
static void all(size_t p, lat_status (*f)(rank *), size_t n, size_t injured, unsigned at)
{
  pthread_t threads[MOST];
  lat_workspace work;
  lat_shared *shared;
  lat_workspace_init(&work);
  if (lat_shared_new(&work, p, &shared) != LAT_OK) exit(1);
  if (at) lat_shared_injure(shared, injured, at);
  for (size_t r = 0; r < p; r++) {
    ranks[r] = (rank){.shared = shared, .run = f, .n = n};
    lat_shared_join(shared, r, &ranks[r].comm);
    pthread_create(threads + r, NULL, run, ranks + r);
  }
  for (size_t r = 0; r < p; r++) pthread_join(threads[r], NULL);
  lat_shared_free(shared);
  lat_workspace_done(&work);
}

static void done(size_t p)
{
  for (size_t r = 0; r < p; r++) lat_workspace_done(&ranks[r].work);
}

/* ---- collectives ----------------------------------------------------------------------------- */

static lat_status collectives(rank *self)
{
  lat_workspace *work = &self->work;
  LAT_SCOPE(work);
  size_t n = self->n, sizes[MOST];
  double *x = lat_doubles(work, n), *y = lat_doubles(work, n);
  void *gathered;
  if (!x || !y) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++) x[i] = y[i] = (double)(i + self->comm.rank);
  LAT_TRY(lat_comm_sum(&self->comm, work, x, n));
  LAT_TRY(lat_comm_broadcast(&self->comm, work, y, n * sizeof *y, self->comm.size - 1));
  size_t own = (self->comm.rank + 1) * n;
  char *mine = lat_allocate(work, own, 1);
  if (!mine) return LAT_MEMORY;
  memset(mine, 'a' + (int)self->comm.rank, own);
  LAT_TRY(lat_comm_gather(&self->comm, work, mine, own, sizes, &gathered));
  bool good = true, any = self->comm.rank == 1;
  double p = (double)self->comm.size;
  for (size_t i = 0; i < n; i++) {
    good &= x[i] == p * (double)i + p * (p - 1) / 2;
    good &= y[i] == (double)i + p - 1;
  }
  const char *at = gathered;
  for (size_t r = 0; r < self->comm.size; r++)
    for (size_t i = 0; i < (r + 1) * n; i++) good &= *at++ == 'a' + (int)r;
  LAT_TRY(lat_comm_any(&self->comm, work, &any));
  self->numbers[0] = good && any == (self->comm.size > 1);
  return lat_comm_conclude(&self->comm, work, LAT_OK);
}

static lat_status differ(rank *self)
{
  double x[3] = {0};
  bool any = false;
  return self->comm.rank == 1 ? lat_comm_any(&self->comm, &self->work, &any)
                              : lat_comm_sum(&self->comm, &self->work, x, 3);
}

static lat_status lengths(rank *self)
{
  double x[3] = {0};
  return lat_comm_sum(&self->comm, &self->work, x, self->comm.rank == 1 ? 2 : 3);
}

static lat_status one_fails(rank *self)
{
  double x[3] = {0};
  if (self->comm.rank == 2)
    return lat_comm_settle(&self->comm, &self->work,
                           lat_fail(&self->work, LAT_SHAPE, "it has %d legs", 3));
  lat_status status = lat_comm_sum(&self->comm, &self->work, x, 3);
  return lat_comm_settle(&self->comm, &self->work, status);
}

static lat_status one_leaves(rank *self)
{
  double x[3] = {0};
  if (self->comm.rank == 1) return LAT_OK;
  return lat_comm_sum(&self->comm, &self->work, x, 3);
}

static lat_status one_waits(rank *self)
{
  double x[3] = {0};
  self->comm.deadline = 0.05;
  if (self->comm.rank == 1) {
    struct timespec time = {0, 400000000};
    nanosleep(&time, NULL);
    return LAT_OK;
  }
  return lat_comm_sum(&self->comm, &self->work, x, 3);
}

static void say(const char *what, size_t p)
{
  printf("%s:", what);
  for (size_t r = 0; r < p; r++) printf(" [%s]", ranks[r].status ? ranks[r].work.message : "ok");
  printf("\n");
  done(p);
}

static void talk(void)
{
  static const size_t sizes[] = {1, 2, 3, 5, 8};
  for (size_t i = 0; i < 5; i++) {
    size_t p = sizes[i];
    bool good = true;
    for (size_t n = 0; n < 400000; n = 3 * n + 1) {
      all(p, collectives, n, 0, 0);
      for (size_t r = 0; r < p; r++) good &= ranks[r].status == LAT_OK && ranks[r].numbers[0] == 1;
      done(p);
    }
    printf("%zu ranks %d\n", p, good);
  }
  all(3, differ, 0, 0, 0);
  say("differ", 3);
  all(3, lengths, 0, 0, 0);
  say("lengths", 3);
  all(3, one_fails, 0, 0, 0);
  say("fails", 3);
  all(3, one_leaves, 0, 0, 0);
  say("leaves", 3);
  all(3, one_waits, 0, 0, 0);
  say("waits", 3);
}

/* ---- sums ------------------------------------------------------------------------------------ */

static double number(uint64_t row, size_t i)
{
  lat_random random = {1, row, i};
  double sign = lat_random_uniform(&random) < 0.5 ? -1 : 1;
  return sign * exp2(40 * lat_random_uniform(&random) - 20);
}

static uint64_t borders[MOST + 1]; /* of the ranks' rows */

static void add_rows(void *context, size_t first, size_t rows, size_t offset, double *sum,
                     size_t worker)
{
  const rank *self = context;
  (void)offset, (void)worker;
  for (size_t r = first; r < first + rows; r++)
    for (size_t i = 0; i < D; i++) sum[i] += number(borders[self->comm.rank] + r, i);
}

static lat_status add_up(rank *self)
{
  lat_workspace *work = &self->work;
  LAT_SCOPE(work);
  lat_share share;
  lat_ordered_sum sum;
  size_t rows = (size_t)(borders[self->comm.rank + 1] - borders[self->comm.rank]);
  LAT_TRY(lat_share_begin(&share, work, &self->comm, rows, D));
  LAT_TRY(lat_sum_init(&sum, work, D, D, 0, NULL));
  sum.group = self->n;
  LAT_TRY(lat_share_place(&share, work, &sum));
  LAT_TRY(lat_sum_add(&sum, work, rows, add_rows, self));
  LAT_TRY(lat_share_total(&share, work, &sum, self->numbers));
  lat_sum_clear(&sum); /* and once more */
  LAT_TRY(lat_sum_add(&sum, work, rows, add_rows, self));
  return lat_share_total(&share, work, &sum, self->numbers + D);
}

/* Every way to cut `rows` rows into p parts at random borders of groups, or at any rows. */
static void sums(bool aligned)
{
  const size_t group = 4;
  double largest = 0;
  bool same = true, alike = true;
  lat_random random = {.seed = 3};
  for (size_t trial = 0; trial < 400; trial++) {
    size_t rows = 1 + (size_t)lat_random_below(&random, trial < 200 ? 40 : 4000);
    double reference[D];
    memset(borders, 0, sizeof borders);
    borders[1] = rows;
    all(1, add_up, group, 0, 0);
    memcpy(reference, ranks[0].numbers, sizeof reference);
    done(1);
    size_t p = 2 + (size_t)lat_random_below(&random, MOST - 1);
    for (size_t r = 1; r < p; r++) borders[r] = lat_random_below(&random, rows + 1);
    for (size_t r = 1; r < p; r++)
      for (size_t k = r + 1; k < p; k++)
        if (borders[k] < borders[r]) {
          uint64_t b = borders[k];
          borders[k] = borders[r], borders[r] = b;
        }
    for (size_t r = 1; r < p && aligned; r++) borders[r] = borders[r] / group * group;
    borders[p] = rows;
    all(p, add_up, group, 0, 0);
    for (size_t r = 0; r < p; r++) {
      alike &= ranks[r].status == LAT_OK &&
               memcmp(ranks[r].numbers, ranks[0].numbers, 2 * sizeof reference) == 0;
      same &= memcmp(ranks[r].numbers, reference, sizeof reference) == 0 &&
              memcmp(ranks[r].numbers + D, reference, sizeof reference) == 0;
    }
    for (size_t i = 0; i < D; i++)
      largest = fmax(largest, fabs(ranks[0].numbers[i] - reference[i]));
    done(p);
  }
  /* the numbers are below 2^20, and there are up to 4000 of them */
  printf("alike %d same %d near %d\n", alike, same, largest < 4000 * 4000 * exp2(20 - 52));
}

/* ---- fits ------------------------------------------------------------------------------------ */

static double *rows_of_all(size_t N)
{
  double *x = malloc(N * D * sizeof *x);
  lat_random random = {.seed = 5};
  if (!x) exit(1);
  lat_random_fill_normal(NULL, &random, N * D, x);
  for (size_t i = 0; i < N; i++) x[i * D + i % D] += 4 * (double)(i % 3);
  return x;
}

static double *data;
static size_t data_rows;

static lat_status fit(rank *self)
{
  lat_workspace *work = &self->work;
  LAT_SCOPE(work);
  uint64_t first, rows;
  lat_share_rows(&self->comm, data_rows, D, &first, &rows);
  lat_matrix X = lat_matrix_of(data + first * D, (size_t)rows, D);
  lat_source source = lat_source_of(&X);
  source.comm = &self->comm;
  lat_gmm_options options = lat_gmm_defaults();
  options.components = 3;
  options.fit.max_iterations = 4;
  options.fit.restarts = 2;
  options.fit.tolerance = 0;
  if (self->n == 1 && self->comm.rank == 1) options.components = 4;
  if (self->n == 2) work->deadline = self->comm.rank == 1 ? lat_clock() + 0.5 : 0;
  if (self->n == 2) options.fit.max_iterations = 100000000;
  lat_gmm gmm;
  lat_fit_report report;
  LAT_TRY(lat_gmm_fit(work, &source, NULL, &options, &gmm, &report));
  self->count = 3 * (1 + D + D * D) + 2;
  memcpy(self->numbers, gmm.weights, (self->count - 2) * sizeof *self->numbers);
  self->numbers[self->count - 2] = report.objective;
  self->numbers[self->count - 1] = (double)report.iterations;
  return LAT_OK;
}

static void fits(void)
{
  static const size_t sizes[] = {1, 2, 3, 5, 8};
  double reference[512];
  data_rows = 6 * 16384 + 77;
  data = rows_of_all(data_rows);
  for (size_t threads = 1; threads <= 2; threads++)
    for (size_t i = 0; i < 5; i++) {
      bool same = true;
      lat_threads_set(threads);
      all(sizes[i], fit, 0, 0, 0);
      if (i == 0 && threads == 1) memcpy(reference, ranks[0].numbers, sizeof reference);
      for (size_t r = 0; r < sizes[i]; r++)
        same &=
            ranks[r].status == LAT_OK && memcmp(ranks[r].numbers, reference, sizeof reference) == 0;
      done(sizes[i]);
      printf("%zu ranks %d\n", sizes[i], same);
    }
  all(3, fit, 1, 0, 0);
  say("options", 3);
  all(3, fit, 2, 0, 0);
  bool alike = true;
  for (size_t r = 0; r < 3; r++)
    alike &= ranks[r].status == LAT_OK &&
             memcmp(ranks[r].numbers, ranks[0].numbers, sizeof reference) == 0;
  printf("late %d some iterations %d\n", alike, ranks[0].numbers[ranks[0].count - 1] > 0);
  done(3);
  size_t at = (data_rows - 5) * D + 1;
  double was = data[at];
  data[at] = NAN;
  all(3, fit, 0, 0, 0);
  say("NaN", 3);
  data[at] = was;
}

/* A rank is lost at each of its collectives in turn: nobody hangs, and all others know. */
static void lose(void)
{
  unsigned at = 1, lost = 0;
  bool good = true, whole = false;
  data_rows = 3 * 16384;
  data = rows_of_all(data_rows);
  for (; !whole && at < 1000; at++) {
    all(3, fit, 0, 1, at);
    whole = true;
    for (size_t r = 0; r < 3; r++) whole &= ranks[r].status == LAT_OK;
    for (size_t r = 0; r < 3 && !whole; r++)
      good &=
          ranks[r].status == LAT_LOST && strstr(ranks[r].work.message, "rank 1 is gone") != NULL;
    lost += !whole;
    done(3);
  }
  printf("good %d at many %d then whole %d\n", good, lost > 20, whole);
}

int main(int count, char **arguments)
{
  const char *part = count > 1 ? arguments[1] : "";
  if (strcmp(part, "talk") == 0) talk();
  if (strcmp(part, "aligned") == 0) sums(true);
  if (strcmp(part, "any") == 0) sums(false);
  if (strcmp(part, "fits") == 0) fits();
  if (strcmp(part, "lose") == 0) lose();
  free(data);
  return 0;
}
