/* mppca_rows.c: rows under the components, each as a PPCA. */
#include <math.h>

#include "em/mppca_kernel.h"
#include "matrix/moments.h"

/* ---- derived ------------------------------------------------------------------------------------ */

/* log weights (K), then of each component the frame and, with diagonal noise, these. */
typedef struct layout {
  size_t zeros, deviation, log_deviation, W, one, each;
} layout;

static layout layout_of(const lat_mppca *m, bool missing)
{
  size_t D = m->gmm.D;
  layout l = {.zeros = lat_ppca_frame_count(D, m->M, missing)};
  l.each = l.zeros;
  if (!m->diagonal) return l;
  l.deviation = l.zeros + D;
  l.log_deviation = l.deviation + D;
  l.W = l.log_deviation + D;
  l.one = l.W + D * m->M;
  l.each = l.one + 1;
  return l;
}

size_t mppca_derived_count(const lat_mppca *m, bool missing)
{
  return m->gmm.K * (1 + layout_of(m, missing).each);
}

static lat_ppca ppca_of(const lat_mppca *m, const layout *l, const lat_mppca_view *p, size_t k,
                        double *at)
{
  size_t D = m->gmm.D, M = m->M;
  if (m->diagonal) return (lat_ppca){D, M, at + l->zeros, at + l->W, at + l->one};
  return (lat_ppca){D, M, p->means + k * D, p->W + k * D * M, p->noise + k};
}

void mppca_derive(const lat_mppca *m, const double *parameters, bool missing, double *derived)
{
  size_t D = m->gmm.D, M = m->M;
  layout l = layout_of(m, missing);
  lat_mppca_view p = lat_mppca_of(m, (double *)parameters);
  for (size_t k = 0; k < m->gmm.K; k++) {
    double *at = derived + m->gmm.K + k * l.each;
    derived[k] = log(p.weights[k]);
    for (size_t j = 0; m->diagonal && j < D; j++) {
      double deviation = sqrt(p.noise[k * D + j]);
      at[l.zeros + j] = 0;
      at[l.deviation + j] = deviation;
      at[l.log_deviation + j] = log(deviation);
      for (size_t i = 0; i < M; i++) at[l.W + j * M + i] = p.W[(k * D + j) * M + i] / deviation;
    }
    if (m->diagonal) at[l.one] = 1;
    lat_ppca ppca = ppca_of(m, &l, &p, k, at);
    lat_ppca_frame_fill(&ppca, missing, at);
  }
}

mppca_component mppca_component_of(const lat_mppca *m, const double *parameters, bool missing,
                                   const double *derived, size_t k)
{
  size_t D = m->gmm.D;
  layout l = layout_of(m, missing);
  lat_mppca_view p = lat_mppca_of(m, (double *)parameters);
  double *at = (double *)derived + m->gmm.K + k * l.each;
  lat_ppca ppca = ppca_of(m, &l, &p, k, at);
  mppca_component c = {.mean = p.means + k * D,
                       .W = p.W + k * D * m->M,
                       .noise = p.noise + k * (m->diagonal ? D : 1),
                       .log_weight = derived[k],
                       .frame = lat_ppca_frame_of(&ppca, missing, at)};
  if (!m->diagonal) return c;
  c.deviation = at + l.deviation;
  c.log_deviation = at + l.log_deviation;
  for (size_t j = 0; j < D; j++) c.volume += c.log_deviation[j];
  return c;
}

/* ---- the walk ------------------------------------------------------------------------------------- */

size_t mppca_walk_count(const lat_mppca *m, bool missing, size_t rows)
{
  return (m->diagonal ? rows * m->gmm.D : 0) + lat_ppca_rows_count(m->gmm.D, m->M, missing, rows);
}

void mppca_walk_begin(mppca_walk *w, const mppca_component *c, const lat_matrix *X, double *scratch)
{
  lat_matrix rows = *X;
  w->c = c;
  if (c->deviation) {
    lat_centre(X, NULL, c->mean, c->deviation, scratch);
    rows = lat_matrix_of(scratch, X->rows, X->cols);
    scratch += X->rows * X->cols;
  }
  lat_ppca_rows_begin(&w->r, &c->frame, &rows, scratch);
}

/* What dividing the observed columns by deviations has added to the log-density of a group. */
static double volume(const mppca_walk *w, size_t g)
{
  const lat_ppca_frame *f = w->r.frame;
  double sum = 0;
  if (!w->c->deviation) return 0;
  if (!f->missing) return w->c->volume;
  for (size_t j = 0; j < f->D; j++) sum += w->r.mask[g * f->D + j] * w->c->log_deviation[j];
  return sum;
}

void mppca_densities(const lat_mppca *m, const double *parameters, bool missing,
                     const double *derived, const lat_matrix *X, double *joint, double *scratch)
{
  size_t n = X->rows;
  for (size_t k = 0; k < m->gmm.K; k++) {
    mppca_component c = mppca_component_of(m, parameters, missing, derived, k);
    mppca_walk w;
    mppca_walk_begin(&w, &c, X, scratch);
    while (mppca_walk_next(&w))
      for (size_t g = 0; g < w.r.groups; g++) {
        double constant = c.log_weight - volume(&w, g);
        for (size_t i = w.r.first[g]; i < w.r.first[g + 1]; i++)
          joint[k * n + lat_ppca_place(&w.r, i)] = constant + lat_ppca_density(&w.r, g, i);
      }
  }
}
