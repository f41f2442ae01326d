/* tracker.c: a host that tracks a moving body by a tracker of the core, as a game or a robot would,
 * and asks whether it says what the filter over all observations says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

enum { M = 4, D = 2, U = 1, T = 60, POINTS = 2 * M + 1 };

/* A body in the plane (x, y, and its velocity), whose position is measured every tenth of a second. */
static const double A[M * M] = {1, 0, 0.1, 0, 0, 1, 0, 0.1, 0, 0, 0.98, 0, 0, 0, 0, 0.98};
static const double B[M * U] = {0, 0.05, 0, 0.1};
static const double C[D * M] = {1, 0, 0, 0, 0.2, 1, 0, 0};
static const double Q[M * M] = {0.001, 0, 0.005, 0, 0, 0.001, 0, 0.005,
                                0.005, 0, 0.1,   0, 0, 0.005, 0, 0.1};
static const double R[D * D] = {0.3, 0.1, 0.1, 0.2};
static const double direct[D * U] = {0, 0.3};
static const double initial_mean[M] = {1, 2, 0, 0.5};
static const double initial_covariance[M * M] = {2, 0,   0, 0, 0, 2, 0.5, 0,
                                                 0, 0.5, 1, 0, 0, 0, 0,   1};

static double Y[T * D], inputs[T * U], varying_A[T * M * M], varying_R[T * D * D];
static const lat_lds_initial all_diffuse[M] = {LAT_LDS_DIFFUSE, LAT_LDS_DIFFUSE, LAT_LDS_DIFFUSE,
                                               LAT_LDS_DIFFUSE},
                             two_diffuse[M] = {LAT_LDS_KNOWN, LAT_LDS_KNOWN, LAT_LDS_DIFFUSE,
                                               LAT_LDS_DIFFUSE};

static lat_workspace work;

static void *must(void *memory)
{
  if (!memory) exit(1);
  return memory;
}

static double *numbers(size_t n)
{
  return must(malloc(n * sizeof(double)));
}

static lat_lds_tracker begin(const lat_lds *lds, size_t steps, bool steady, double **memory)
{
  lat_lds_tracker tracker;
  *memory = numbers(lat_lds_tracker_count(lds, steady));
  if (lat_lds_tracker_init(&work, &tracker, lds, steps, steady, *memory) != LAT_OK) {
    printf("%s\n", work.message);
    exit(1);
  }
  return tracker;
}

static void make_data(void)
{
  lat_random random = {.seed = 5};
  for (int t = 0; t < T; t++) {
    inputs[t] = sin(0.3 * t);
    for (int i = 0; i < D; i++)
      Y[t * D + i] = (i ? cos(0.1 * t) : 0.05 * t) + 0.5 * lat_random_normal(&random);
    for (int i = 0; i < M * M; i++) varying_A[t * M * M + i] = A[i] * (1 + 0.01 * (t % 3));
    for (int i = 0; i < D * D; i++) varying_R[t * D * D + i] = R[i] * (1 + t % 4);
  }
  Y[1 * D] = NAN;                /* one entry, early */
  Y[7 * D] = Y[7 * D + 1] = NAN; /* a row, and a gap of five */
  for (int t = 20; t < 25; t++) Y[t * D] = Y[t * D + 1] = NAN;
  Y[30 * D + 1] = NAN;
}

/* The largest difference, relative to the largest number; places that are both NaN or both the same
 * infinity are alike. */
static double difference(const double *a, const double *b, size_t n)
{
  double most = 0, size = 1e-300;
  for (size_t i = 0; i < n; i++) {
    if ((isnan(a[i]) && isnan(b[i])) || a[i] == b[i]) continue;
    double d = fabs(a[i] - b[i]);
    if (!(d <= most)) most = d;
    if (fabs(b[i]) > size) size = fabs(b[i]);
  }
  return most / size;
}

static lat_lds model(void)
{
  return (lat_lds){.states = M,
                   .outputs = D,
                   .A = {A, 0},
                   .C = {C, 0},
                   .Q = {Q, 0},
                   .R = {R, 0},
                   .initial_mean = initial_mean,
                   .initial_covariance = initial_covariance};
}

/* Beliefs, densities and innovations of the tracker are those of the filter; also when it is saved
 * and another one goes on, and when an observation is looked at first and everything put back. */
static void compare(const char *name, lat_lds lds)
{
  double *means = numbers(T * M), *covariances = numbers(T * M * M), *densities = numbers(T);
  double *innovations = numbers(T * D), *memory, *other;
  lat_lds_sequence sequence = {T, Y, lds.inputs ? inputs : NULL};
  lat_lds_filtered filtered = {.means = means,
                               .covariances = covariances,
                               .log_densities = densities,
                               .innovations = innovations};
  if (lat_lds_filter(&work, &lds, &sequence, &filtered) != LAT_OK) exit(1);
  lat_lds_tracker tracker = begin(&lds, T, false, &memory), next = begin(&lds, T, false, &other);
  double *kept = numbers(lat_lds_tracker_snapshot_count(&tracker)), worst = 0, again = 0;
  for (size_t t = 0; t < T; t++) {
    const double *u = lds.inputs ? inputs + t * U : NULL;
    lat_lds_tracker_save(&tracker, kept);
    if (lat_lds_tracker_restore(&work, &next, kept) != LAT_OK) exit(1);
    if (t % 2) lat_lds_tracker_predict(&tracker, u, NULL); /* in two halves, and at once */
    lat_lds_tracker_update(&tracker, Y + t * D, t % 2 ? NULL : u, NULL);
    lat_lds_tracker_update(&next, Y + t * D, u, NULL);
    double far = difference(tracker.belief.mean, means + t * M, M);
    far =
        fmax(far, difference(lat_lds_tracker_covariance(&tracker), covariances + t * M * M, M * M));
    far = fmax(far, fabs(tracker.log_density - densities[t]));
    if (!(far <= worst)) worst = far;
    again = fmax(again, difference(next.belief.mean, tracker.belief.mean, M));
    again = fmax(again, difference(next.belief.covariance, tracker.belief.covariance, M * M));
    if (tracker.time != t + 1 || tracker.predicted) worst = INFINITY;
  }
  worst = fmax(worst, fabs(tracker.log_likelihood - filtered.log_likelihood));
  again = fmax(again, fabs(tracker.log_likelihood - next.log_likelihood));
  printf("%s %d %d\n", name, worst < 1e-9, again == 0);
  if (!(worst < 1e-9) || again != 0) printf("  off by %g, %g\n", worst, again);
  void *all[] = {means, covariances, densities, innovations, memory, other, kept};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* The gain of the steady state is that of the filter in the long run, also after a gap. */
static void steady(void)
{
  lat_lds lds = model();
  double *memory, *exact_memory, far = 0;
  lat_lds_tracker tracker = begin(&lds, 0, true, &memory),
                  exact = begin(&lds, 0, false, &exact_memory);
  const double gap[D] = {NAN, 0.5};
  for (int t = 0; t < 2000; t++) {
    const double *y = t == 700 ? gap : Y + (10 + t % 10) * D;
    lat_lds_tracker_update(&tracker, y, NULL, NULL);
    lat_lds_tracker_update(&exact, y, NULL, NULL);
    if (t < 500) continue;
    far = fmax(far, difference(tracker.belief.mean, exact.belief.mean, M));
    far =
        fmax(far, difference(lat_lds_tracker_covariance(&tracker), exact.belief.covariance, M * M));
    far = fmax(far, fabs(tracker.log_density - exact.log_density));
    if (t == 700 && tracker.steady) far = INFINITY;
  }
  printf("steady %d %d\n", far < 1e-9, tracker.steady);
  free(memory);
  free(exact_memory);
}

static void multiply(size_t rows, const double *matrix, const double *z, double *to)
{
  for (size_t i = 0; i < rows; i++) {
    to[i] = 0;
    for (size_t j = 0; j < M; j++) to[i] += matrix[i * M + j] * z[j];
  }
}

/* Of a linear model the extended and the unscented filter are Kalman's. */
static void nonlinear(void)
{
  lat_lds lds = model();
  const lat_lds_unscented unscented = {0.1, 2, 0};
  double *memory[3], points[POINTS * M], images[POINTS * M], f[M], h[D], far[2] = {0, 0};
  lat_lds_tracker linear = begin(&lds, 0, false, &memory[0]);
  lat_lds_tracker extended = begin(&lds, 0, false, &memory[1]);
  lat_lds_tracker points_of = begin(&lds, 0, false, &memory[2]);
  for (int t = 0; t < T; t++) {
    const double *y = Y + t * D;
    lat_lds_tracker_update(&linear, y, NULL, NULL);
    multiply(M, A, extended.belief.mean, f);
    lat_lds_tracker_predict_extended(&extended, f, A, NULL);
    multiply(D, C, extended.belief.mean, h);
    lat_lds_tracker_update_extended(&extended, y, h, C, NULL);
    lat_lds_tracker_points(&points_of, &unscented, points);
    for (int i = 0; i < POINTS; i++) multiply(M, A, points + i * M, images + i * M);
    lat_lds_tracker_predict_unscented(&points_of, &unscented, images, NULL);
    lat_lds_tracker_points(&points_of, &unscented, points);
    for (int i = 0; i < POINTS; i++) multiply(D, C, points + i * M, images + i * D);
    lat_lds_tracker_update_unscented(&points_of, y, &unscented, points, images, NULL);
    const lat_lds_tracker *others[] = {&extended, &points_of};
    for (int k = 0; k < 2; k++) {
      far[k] = fmax(far[k], difference(others[k]->belief.mean, linear.belief.mean, M));
      far[k] =
          fmax(far[k], difference(others[k]->belief.covariance, linear.belief.covariance, M * M));
      far[k] = fmax(far[k], fabs(others[k]->log_density - linear.log_density));
    }
  }
  printf("extended %d\nunscented %d\n", far[0] < 1e-12, far[1] < 1e-9);
  for (int i = 0; i < 3; i++) free(memory[i]);
}

/* Bad numbers are said to be bad, and change nothing. */
static void bad(void)
{
  lat_lds lds = model();
  double *memory, y[D] = {1, INFINITY}, before[M], junk[M * M] = {-1};
  lat_lds_tracker tracker = begin(&lds, 0, false, &memory);
  lat_lds_tracker_update(&tracker, Y, NULL, NULL);
  memcpy(before, tracker.belief.mean, sizeof before);
  printf("infinite %d", lat_lds_tracker_update(&tracker, y, NULL, NULL) == LAT_INVALID);
  printf(" %d", memcmp(before, tracker.belief.mean, sizeof before) == 0);
  printf(" indefinite %d", lat_lds_tracker_set(&work, &tracker, 3, NULL, junk) == LAT_INVALID);
  size_t count = lat_lds_tracker_snapshot_count(&tracker);
  double *kept = numbers(count);
  for (size_t i = 0; i < count; i++) kept[i] = -1;
  printf(" kept %d", lat_lds_tracker_restore(&work, &tracker, kept) == LAT_INVALID);
  lds.A = (lat_lds_matrix){varying_A, M * M};
  free(memory);
  tracker = begin(&lds, 3, false, &memory);
  for (int t = 0; t < 3; t++) lat_lds_tracker_update(&tracker, Y, NULL, NULL);
  printf(" past the end %d %zu", lat_lds_tracker_update(&tracker, Y, NULL, NULL) == LAT_SHAPE,
         tracker.time);
  lat_lds_step step = {.A = A};
  printf(" %d\n", lat_lds_tracker_update(&tracker, Y, NULL, &step) == LAT_OK);
  free(memory);
  free(kept);
}

int main(void)
{
  lat_workspace_init(&work);
  make_data();
  lat_lds lds = model();
  compare("known", lds);
  lds.square_root = true;
  compare("square root", lds);
  lds = model();
  lds.inputs = U, lds.B = (lat_lds_matrix){B, 0}, lds.D = (lat_lds_matrix){direct, 0};
  compare("inputs", lds);
  lds.A = (lat_lds_matrix){varying_A, M * M}, lds.R = (lat_lds_matrix){varying_R, D * D};
  compare("varying", lds);
  lds.initial = all_diffuse;
  compare("diffuse", lds);
  lds.initial = two_diffuse;
  compare("partly diffuse", lds);
  lds.square_root = true;
  compare("diffuse square root", lds);
  steady();
  nonlinear();
  bad();
  lat_workspace_done(&work);
  return 0;
}
