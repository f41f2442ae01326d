/* limits.c: what one and two threads of this machine can do, which the floors of the benchmarks are
 * computed from: fused multiply-adds in registers, for double and float, and reading memory that no
 * cache holds. `limits FILE.lua` writes a Lua table: GFLOP/s and GB/s, best of several runs. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#ifndef __x86_64__
#undef CLONES
#define CLONES
#endif

enum { WIDTH = 64, CHAINS = 24, STEPS = 1 << 15, BYTES = 1 << 30, RUNS = 5 };

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* CHAINS vectors of 64 bytes, so many that the latency of a sum is hidden and so few that they stay
 * in registers. */
#define MULTIPLY_ADD(name, real)                                                                   \
  typedef real name##_vector __attribute__((vector_size(WIDTH)));                                  \
  CLONES static double name(void)                                                                  \
  {                                                                                                \
    name##_vector sum[CHAINS], a, b;                                                               \
    for (size_t l = 0; l < WIDTH / sizeof(real); l++) a[l] = (real)0.999, b[l] = (real)1e-3;       \
    for (int c = 0; c < CHAINS; c++) sum[c] = b * (real)c;                                         \
    for (int i = 0; i < STEPS; i++) {                                                              \
      _Pragma("GCC unroll 24") for (int c = 0; c < CHAINS; c++) sum[c] = sum[c] * a + b;           \
    }                                                                                              \
    double all = 0;                                                                                \
    for (int c = 0; c < CHAINS; c++) all += (double)sum[c][0];                                     \
    return all;                                                                                    \
  }
MULTIPLY_ADD(multiply_add_64, double)
MULTIPLY_ADD(multiply_add_32, float)

static double *memory;

/* The thread's half, or all of it, is added up. */
CLONES static double add_up(const double *x, size_t n)
{
  double sum[32] = {0}, all = 0;
  for (size_t i = 0; i < n; i += 32)
    for (int l = 0; l < 32; l++) sum[l] += x[i + (size_t)l];
  for (int l = 0; l < 32; l++) all += sum[l];
  return all;
}

typedef struct task {
  int kind, part, parts;
  double result;
} task;

static void *work(void *argument)
{
  task *t = argument;
  size_t n = BYTES / sizeof(double) / (size_t)t->parts;
  switch (t->kind) {
  case 0:
    t->result = multiply_add_64();
    break;
  case 1:
    t->result = multiply_add_32();
    break;
  default:
    t->result = add_up(memory + (size_t)t->part * n, n);
  }
  return NULL;
}

/* The best time of all threads together. */
static double best(int kind, int threads)
{
  double least = 1e30;
  for (int run = 0; run < RUNS; run++) {
    pthread_t other;
    task mine = {kind, 0, threads, 0}, its = {kind, 1, threads, 0};
    double start = seconds();
    if (threads > 1) pthread_create(&other, NULL, work, &its);
    work(&mine);
    if (threads > 1) pthread_join(other, NULL);
    double taken = seconds() - start;
    if (taken < least) least = taken;
  }
  return least;
}

int main(int argc, char **argv)
{
  FILE *file = argc == 2 ? fopen(argv[1], "w") : NULL;
  memory = malloc(BYTES);
  if (!file || !memory) return 1;
  memset(memory, 0, BYTES);
  fprintf(file, "return {\n");
  for (int threads = 1; threads <= 2; threads++) {
    double flops = 2.0 * STEPS * CHAINS * WIDTH * threads;
    fprintf(file, "  { flops64 = %.4g, flops32 = %.4g, bytes = %.4g },\n",
            flops / sizeof(double) / best(0, threads), flops / sizeof(float) / best(1, threads),
            BYTES / best(2, threads));
  }
  fprintf(file, "}\n");
  free(memory);
  return fclose(file) != 0;
}
