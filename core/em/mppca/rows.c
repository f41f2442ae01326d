/* mppca/rows.c: rows under the components. */
#include <math.h>

#include "em/mppca/internal.h"

/* log weights (K), then of each component its frame */
static lat_factor_view model_of(const lat_mppca_context *m, const double *parameters, size_t k)
{
  size_t D = m->gmm.D, M = m->M;
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  return (lat_factor_view){.D = D,
                           .M = M,
                           .mean = p.means + k * D,
                           .W = p.W + k * D * M,
                           .noise_variances = p.noise + k * (m->diagonal ? D : 1),
                           .shared = !m->diagonal};
}

static size_t frame_count(const lat_mppca_context *m, bool missing)
{
  lat_factor_view model = {.D = m->gmm.D, .M = m->M, .shared = !m->diagonal};
  return lat_factor_precomputed_count(&model, missing);
}

size_t lat_mppca_derived_count(const lat_mppca_context *m, bool missing)
{
  return m->gmm.K * (1 + frame_count(m, missing));
}

void lat_mppca_derive(const lat_mppca_context *m, const double *parameters, bool missing,
                      double *memory)
{
  for (size_t k = 0; k < m->gmm.K; k++) {
    lat_factor_view model = model_of(m, parameters, k);
    memory[k] = log(parameters[k]); /* the weights come first */
    lat_factor_precompute(&model, missing, true, memory + m->gmm.K + k * frame_count(m, missing));
  }
}

mppca_component lat_mppca_component_of(const lat_mppca_context *m, const double *parameters,
                                       bool missing, const double *memory, size_t k)
{
  lat_factor_view model = model_of(m, parameters, k);
  const double *at = memory + m->gmm.K + k * frame_count(m, missing);
  return (mppca_component){.noise = model.noise_variances,
                           .log_weight = memory[k],
                           .frame = lat_factor_precomputed_of(&model, missing, true, at)};
}

void lat_mppca_densities(const lat_mppca_context *m, const double *parameters, bool missing,
                         const double *memory, const lat_matrix *X, double *joint, double *scratch)
{
  size_t n = X->rows;
  for (size_t k = 0; k < m->gmm.K; k++) {
    mppca_component c = lat_mppca_component_of(m, parameters, missing, memory, k);
    lat_factor_rows r;
    lat_factor_rows_begin(&r, &c.frame, X, scratch);
    while (lat_factor_rows_next(&r))
      for (size_t g = 0; g < r.groups; g++)
        for (size_t i = r.first[g]; i < r.first[g + 1]; i++)
          joint[k * n + lat_factor_place(&r, i)] = c.log_weight + lat_factor_density(&r, g, i);
  }
}
