/* base.c: exercises status, workspace and thread pool as a C host would. Each line printed is a
 * fact that spec/base_spec.lua expects; `base NAME` runs one part. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "latent.h"

enum { CHUNKS = 1000 };

typedef struct sums {
  double of[CHUNKS];
  int runs[CHUNKS];
  atomic_int inside[LAT_THREADS_MAX]; /* calls that run with a worker's number */
  atomic_int clashes;
  int nested;
} sums;

static void add(void *context, size_t chunk, size_t worker)
{
  sums *s = context;
  if (atomic_fetch_add(&s->inside[worker], 1) != 0) atomic_fetch_add(&s->clashes, 1);
  double sum = 0;
  for (int i = 1; i < 2000; i++) sum += 1.0 / (double)(chunk + (size_t)i);
  s->of[chunk] = sum;
  s->runs[chunk]++;
  if (s->nested) { /* a task that has chunks of its own runs them inline */
    static _Thread_local sums inner;
    memset(&inner, 0, sizeof inner);
    lat_parallel(NULL, 10, add, &inner);
    if (inner.of[9] == 0) atomic_fetch_add(&s->clashes, 1);
  }
  atomic_fetch_sub(&s->inside[worker], 1);
}

/* 1 when every chunk ran exactly once, no two at once with one worker, with the expected sums */
static int right(size_t threads, int nested)
{
  static sums s, reference;
  lat_threads_set(threads);
  memset(&s, 0, sizeof s);
  memset(&reference, 0, sizeof reference);
  s.nested = nested;
  for (size_t c = 0; c < CHUNKS; c++) add(&reference, c, 0);
  int ok = lat_parallel(NULL, CHUNKS, add, &s) == LAT_OK && s.clashes == 0;
  for (size_t c = 0; c < CHUNKS; c++) ok = ok && s.runs[c] == 1 && s.of[c] == reference.of[c];
  return ok;
}

static void pool(void)
{
  printf("1 thread %d\n", right(1, 0));
  printf("2 threads %d\n", right(2, 0));
  printf("7 threads %d\n", right(7, 0));
  printf("nested %d\n", right(3, 1));
  int ok = 1;
  for (int i = 0; i < 300; i++) ok = ok && right(1 + (size_t)i % 5, 0);
  printf("changing %d\n", ok);
  printf("no chunks %d\n", lat_parallel(NULL, 0, add, NULL) == LAT_OK);
}

/* CPU seconds of the process while it only sleeps: parked threads use none */
static void idle(void)
{
  right(4, 0);
  clock_t before = clock();
  usleep(300000);
  printf("idle %d\n", (double)(clock() - before) / CLOCKS_PER_SEC < 0.05);
}

static void *many(void *argument)
{
  (void)argument;
  static _Thread_local sums s;
  int ok = 1;
  for (int i = 0; i < 50; i++) {
    memset(&s, 0, sizeof s);
    ok = ok && lat_parallel(NULL, 100, add, &s) == LAT_OK && s.clashes == 0;
    for (int c = 0; c < 100; c++) ok = ok && s.runs[c] == 1;
  }
  return (void *)(intptr_t)ok;
}

static void callers(void)
{
  pthread_t threads[6];
  int ok = 1;
  lat_threads_set(3);
  for (int i = 0; i < 6; i++) pthread_create(&threads[i], NULL, many, NULL);
  for (int i = 0; i < 6; i++) {
    void *result;
    pthread_join(threads[i], &result);
    ok = ok && result;
  }
  printf("callers %d\n", ok);
}

static int child_ok(pid_t child)
{
  int status;
  for (int i = 0; i < 400; i++, usleep(50000))
    if (waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  kill(child, SIGKILL);
  return 0;
}

static void forks(void)
{
  right(2, 0);
  pid_t child = fork();
  if (child == 0) _exit(right(2, 0) && right(3, 0) ? 0 : 1);
  printf("fork %d\n", child_ok(child));
  printf("parent %d\n", right(2, 0));
  child = fork(); /* a process that may have no threads at all */
  if (child == 0) {
    struct rlimit none = {0, 0};
    if (setuid(65534) != 0 || setrlimit(RLIMIT_NPROC, &none) != 0) _exit(0);
    _exit(right(4, 0) ? 0 : 1);
  }
  printf("no threads %d\n", child_ok(child));
}

/* Signals go to the host's threads, never to the pool's. */
static volatile sig_atomic_t caught;
static pthread_t main_thread;
static void on_signal(int number)
{
  (void)number;
  caught += pthread_equal(pthread_self(), main_thread) ? 1 : 1000;
}

static void signals(void)
{
  main_thread = pthread_self();
  right(4, 0);
  signal(SIGUSR1, on_signal);
  for (int i = 0; i < 50; i++) {
    kill(getpid(), SIGUSR1);
    right(4, 0);
  }
  printf("signals %d\n", caught > 0 && caught < 1000);
}

/* ---- where threads run ---- */

typedef struct place {
  int bound_to; /* the caller's processor */
  cpu_set_t of; /* where worker 1 may run */
  int seen;
} place;

static void look(void *context, size_t chunk, size_t worker)
{
  place *p = context;
  (void)chunk;
  usleep(500);
  if (worker != 1) return;
  sched_getaffinity(0, sizeof p->of, &p->of);
  p->seen = 1;
}

/* Worker 1's processors, of a job whose caller is bound to one. */
static void *bind_and_look(void *argument)
{
  place *p = argument;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((size_t)p->bound_to, &one);
  sched_setaffinity(0, sizeof one, &one);
  p->seen = 0;
  for (int i = 0; i < 100 && !p->seen; i++) lat_parallel(NULL, 20, look, p);
  return NULL;
}

/* Helpers keep off the caller's processor and within the process'; where there is no other, they
 * are left alone. */
static void places(void)
{
  cpu_set_t all;
  int away = 1;
  place p = {0};
  lat_threads_set(2);
  sched_getaffinity(0, sizeof all, &all);
  for (int c = 0; c < CPU_SETSIZE; c++) {
    if (!CPU_ISSET((size_t)c, &all) || CPU_COUNT(&all) < 2) continue;
    cpu_set_t others = all;
    pthread_t thread;
    CPU_CLR((size_t)c, &others);
    p.bound_to = c;
    pthread_create(&thread, NULL, bind_and_look, &p);
    pthread_join(thread, NULL);
    away = away && p.seen && CPU_EQUAL(&p.of, &others);
  }
  printf("away %d\n", away);
  cpu_set_t before = p.of;
  if (CPU_COUNT(&all) < 2) before = all;
  bind_and_look(&p);
  printf("alone %d\n", p.seen && CPU_EQUAL(&p.of, &before));
}

static atomic_int flag;
static atomic_int began;
static void cancel_at_ten(void *context, size_t chunk, size_t worker)
{
  (void)context, (void)chunk, (void)worker;
  if (atomic_fetch_add(&began, 1) == 10) atomic_store(&flag, 1);
  usleep(1000);
}

static void cancelling(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  work.cancel = &flag;
  lat_threads_set(2);
  printf("cancelled %d\n", lat_parallel(&work, CHUNKS, cancel_at_ten, NULL) == LAT_CANCELLED);
  printf("early %d\n", began < 100);
  printf("message %s\n", work.message);
  flag = 0;
  work.deadline = lat_clock() + 0.02;
  began = 100;
  printf("late %d\n", lat_parallel(&work, CHUNKS, cancel_at_ten, NULL) == LAT_CANCELLED);
  printf("message %s\n", work.message);
  lat_workspace_done(&work);
}

/* A host's poll that looks on. */
typedef struct looks {
  const lat_workspace *work;
  size_t count;
  double shares[64], total;
} looks;

static bool look_on(void *context)
{
  looks *l = context;
  if (l->count < 64) l->shares[l->count++] = l->work->progress.share;
  l->total = l->work->progress.total;
  return false;
}

static void nothing(void *context, size_t chunk, size_t worker)
{
  (void)context, (void)chunk, (void)worker;
}

/* Two steps of which the second is worth three, each with four chunks and then four more, which
 * have no share left. */
static lat_status two_steps(lat_workspace *work)
{
  LAT_STEPS(work, steps, 4, "rows");
  lat_step(&steps, 0, 1);
  LAT_TRY(lat_parallel(work, 4, nothing, NULL));
  LAT_TRY(lat_parallel(work, 4, nothing, NULL));
  lat_step(&steps, 1, 3);
  return lat_parallel(work, 4, nothing, NULL);
}

static lat_status unknown_steps(lat_workspace *work)
{
  LAT_STEPS(work, steps, 0, NULL);
  LAT_TRY(lat_parallel(work, 4, nothing, NULL));
  return lat_at_step(&steps, 1, 1);
}

static void print_looks(looks *l)
{
  for (size_t i = 0; i < l->count; i++) printf("%g ", l->shares[i]);
  printf("of %g\n", l->total);
  l->count = 0;
}

/* Who looks on when nobody else works. */
static atomic_int at_work;
static int seen_at_work;

static void work_a_little(void *context, size_t chunk, size_t worker)
{
  (void)chunk, (void)worker;
  atomic_fetch_add(&at_work, 1);
  nanosleep(&(struct timespec){0, 200000}, NULL);
  atomic_fetch_add(&at_work, -1);
  atomic_fetch_add((atomic_int *)context, 1);
}

static bool look_alone(void *context)
{
  looks *l = context;
  lat_progress *p = &((lat_workspace *)l->work)->progress;
  if (p->threads > 0 || lat_clock() < p->due) return false;
  seen_at_work += atomic_load(&at_work);
  l->count++;
  p->due = lat_clock() + 0.002;
  return false;
}

static void looking_alone(void)
{
  lat_workspace work;
  looks l = {.work = &work};
  atomic_int done = 0;
  lat_workspace_init(&work);
  work.poll = look_alone;
  work.poll_state = &l;
  work.progress.due = lat_clock();
  lat_threads_set(3);
  printf("status %d\n", lat_parallel(&work, 300, work_a_little, &done));
  printf("chunks %d at work %d looks %d\n", done, seen_at_work, l.count > 3);
  lat_workspace_done(&work);
}

static void counting(void)
{
  lat_workspace work;
  looks l = {.work = &work};
  lat_workspace_init(&work);
  work.poll = look_on;
  work.poll_state = &l;
  lat_threads_set(1);
  two_steps(&work);
  print_looks(&l);
  printf("end %g depth %u\n", work.progress.share, work.progress.depth);
  unknown_steps(&work);
  print_looks(&l);
  two_steps(&work);
  print_looks(&l);
  lat_workspace_done(&work);
}

static void workspace(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_mark outer = lat_workspace_mark(&work);
  double *a = lat_doubles(&work, 100);
  lat_mark inner = lat_workspace_mark(&work);
  double *b = lat_doubles(&work, 5);
  double *c = lat_doubles(&work, 1000000); /* a block of its own */
  printf("aligned %d\n",
         (uintptr_t)a % 64 == 0 && (uintptr_t)b % 64 == 0 && (uintptr_t)c % 64 == 0);
  memset(c, 0, 8000000);
  lat_workspace_release(&work, inner);
  printf("stack %d\n", lat_doubles(&work, 5) == b);
  lat_workspace_release(&work, inner);
  printf("kept %d\n", lat_doubles(&work, 1000000) == c);
  lat_workspace_release(&work, outer);
  printf("overflow %d\n", lat_allocate(&work, SIZE_MAX / 2, 8) == NULL);
  printf("message %s\n", work.message);
  printf("huge %d\n", lat_allocate(&work, (size_t)1 << 58, 1) == NULL);
  printf("nothing %d\n", lat_allocate(&work, 0, 8) != NULL);
  printf("fails %d\n", lat_fail(&work, LAT_SHAPE, "%d against %s", 3, "4") == LAT_SHAPE);
  printf("message %s\n", work.message);
  for (int i = 0; i < 100; i++) lat_fail(&work, LAT_SHAPE, "%0300d", i);
  printf("cut %zu\n", strlen(work.message));
  lat_workspace_done(&work);
  lat_workspace_done(&work);
  for (lat_status status = LAT_OK; status <= LAT_FORMAT; status++)
    printf("status %s\n", lat_status_name(status));
}

int main(int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*run)(void);
  } parts[] = {{"pool", pool},           {"idle", idle},       {"callers", callers},
               {"forks", forks},         {"signals", signals}, {"cancelling", cancelling},
               {"workspace", workspace}, {"places", places},   {"counting", counting},
               {"alone", looking_alone}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (argc == 2 && strcmp(argv[1], parts[i].name) == 0) {
      parts[i].run();
      return 0;
    }
  return 2;
}
