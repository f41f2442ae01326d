/* lds/em.h: what the E-step of linear dynamical systems leaves to the M-step. Private to the module. */
#ifndef LAT_EM_LDS_EM_H
#define LAT_EM_LDS_EM_H

#include "em/lds/internal.h"

/* Sums for a regression of d (n) on x (X): of E[x x'], E[d x'] and E[d d']. */
typedef struct lat_lds_regression {
  size_t n, X;
  double *xx, *dx, *dd;
} lat_lds_regression;

/* The first numbers of the statistics: objective, rows, and how many there are of each kind. */
enum { LDS_FIRSTS = 2, LDS_MOVES, LDS_OUTPUTS, LDS_SKIPPED, LDS_HEAD };

typedef struct lat_lds_sums {
  double *head;
  double *first, *first_square; /* of z_1 - initial_mean */
  /* d = z_t - A z_{t-1} - B u_t on (z_{t-1}, u_t); d = y_t - C z_t - D u_t on (z_t, u_t) */
  lat_lds_regression moves, outputs;
} lat_lds_sums;

size_t lat_lds_statistics_count(size_t M, size_t D, size_t U);
lat_lds_sums lat_lds_sums_of(const size_t sizes[LAT_SIZES], const double *statistics);

/* LAT_SINGULAR: the likelihood has no bound. */
lat_status lat_lds_unbounded(const lat_em *em);

lat_status lat_lds_m_step(lat_em *em, const double *statistics, double *parameters);
bool lat_lds_feasible(const lat_em *em, double *parameters);

#endif
