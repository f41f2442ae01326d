/* lds/sample.c: draws from a linear dynamical system.
 *
 * lat_lds_sample draws z_1..z_T and y_1..y_T by the model's equations. lat_lds_simulate draws
 * z_1..z_T given Y: with a draw z+, y+ of the model, z+ + E[z | y - y+] has the conditional
 * distribution, since z - E[z | y] doesn't depend on y (Durbin, Koopman, Biometrika 89, 2002). */
#include "em/lds/internal.h"

#include "base/progress.h"

typedef struct sampler {
  double *Q, *R, *first; /* roots */
  double *noise;         /* M + D */
} sampler;

static lat_status no_root(lat_workspace *work, const char *name)
{
  return lat_fail(work, LAT_SINGULAR, "%s is not positive semidefinite", name);
}

/* to (n) += root e */
static void add_noise(size_t n, const double *root, lat_random *random, double *noise, double *to)
{
  for (size_t i = 0; i < n; i++) noise[i] = lat_random_normal(random);
  lat_lds_product(n, n, root, noise, LDS_ADD, to);
}

/* z_t and y_t; `centred`: those of the model with an initial mean and inputs of 0. */
static lat_status draw(lat_workspace *work, const lat_lds *lds, lat_random *random, size_t T,
                       const double *U, bool centred, double *Y, double *Z)
{
  size_t M = lds->states, D = lds->outputs, u = centred ? 0 : lds->inputs;
  double *roots = lat_doubles(work, 2 * M * M + D * D + M + D);
  if (!roots) return LAT_MEMORY;
  sampler s = {roots, roots + M * M, roots + M * M + D * D, roots + 2 * M * M + D * D};
  if (!lat_lds_root(M, lds->initial_covariance, s.first))
    return no_root(work, "initial_covariance");
  LAT_STEPS(work, steps, T, "steps");
  for (size_t t = 0; t < T; t++) {
    if (t % 256 == 0) LAT_TRY(lat_at_step(&steps, (double)t, 0));
    double *z = Z + t * M, *y = Y + t * D;
    if (t == 0) {
      memset(z, 0, M * sizeof *z);
      if (!centred) memcpy(z, lds->initial_mean, M * sizeof *z);
      for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < M; j++)
          if (lat_lds_is_diffuse(lds, i) || lat_lds_is_diffuse(lds, j)) s.first[i * M + j] = 0;
      add_noise(M, s.first, random, s.noise, z);
    } else {
      if ((t == 1 || lds->Q.stride) && !lat_lds_root(M, lat_lds_at(lds->Q, t), s.Q))
        return no_root(work, "Q");
      lat_lds_product(M, M, lat_lds_at(lds->A, t), z - M, LDS_SET, z);
      if (u) lat_lds_product(M, u, lat_lds_at(lds->B, t), U + t * u, LDS_ADD, z);
      add_noise(M, s.Q, random, s.noise, z);
    }
    if ((t == 0 || lds->R.stride) && !lat_lds_root(D, lat_lds_at(lds->R, t), s.R))
      return no_root(work, "R");
    lat_lds_product(D, M, lat_lds_at(lds->C, t), z, LDS_SET, y);
    if (u) lat_lds_product(D, u, lat_lds_at(lds->D, t), U + t * u, LDS_ADD, y);
    add_noise(D, s.R, random, s.noise, y);
  }
  return LAT_OK;
}

lat_status lat_lds_sample(lat_workspace *work, const lat_lds *lds, lat_random *random, size_t T,
                          const double *U, double *Y, double *Z)
{
  LAT_SCOPE(work);
  LAT_TRY(draw(work, lds, random, T, U, false, Y, Z));
  return LAT_OK;
}

/* z+ and y+ of the centred model, and then z+ + E[z | y - y+] */
lat_status lat_lds_simulate(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *s,
                            lat_random *random, size_t draws, double *Z)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, s));
  LAT_SCOPE(work);
  size_t M = lds->states, D = lds->outputs, T = s->steps;
  double *Y = lat_doubles(work, T * D);
  double *memory = lat_doubles(work, lat_lds_smoother_count(lds, T));
  if (!Y || !memory) return LAT_MEMORY;
  lat_lds_sequence rest = {.steps = T, .Y = Y, .U = s->U};
  LAT_STEPS(work, steps, draws, "draws");
  for (size_t k = 0; k < draws; k++, Z += T * M) {
    LAT_TRY(lat_at_step(&steps, (double)k, 1));
    LAT_SCOPE(work);
    LAT_TRY(draw(work, lds, random, T, NULL, true, Y, Z));
    for (size_t i = 0; i < T * D; i++) Y[i] = s->Y[i] - Y[i];
    lat_lds_pass pass;
    lat_halt halt = {work, 0, LAT_OK};
    lat_lds_smoother_init(&pass, lds, &rest, memory);
    pass.halt = &halt;
    lat_lds_pass_filter(&pass);
    LAT_TRY(lat_lds_pass_check(work, &pass));
    if (pass.diffuse.rank < pass.diffuse.q)
      return lat_fail(work, LAT_INVALID,
                      "the %zu rows don't determine the diffuse initial state, so there is no "
                      "distribution to draw from",
                      T);
    lat_lds_pass_smooth(&pass);
    LAT_TRY(lat_lds_pass_check(work, &pass));
    for (size_t i = 0; i < T * M; i++) Z[i] += pass.smoothed_means[i];
  }
  return LAT_OK;
}
