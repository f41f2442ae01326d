/* bpca_internal.h: what bpca.c and bpca_em.c share. Private to the module. */
#ifndef LAT_EM_FACTOR_BPCA_INTERNAL_H
#define LAT_EM_FACTOR_BPCA_INTERNAL_H

#include "em/factor/bpca.h"

/* Of the total variance: less noise than this is rounding. */
#define LAT_BPCA_NO_NOISE 1e-14

/* Column i off; weight: of all rows. */
void lat_bpca_switch_off(const lat_bpca *bpca, size_t i, double weight);
/* Column i at its best for an eigenvalue, with b's s2: its alpha, and its line of Sigma, which is
 * diagonal; gives its length. */
double lat_bpca_switch_on(const lat_bpca *bpca, size_t i, double lambda, double weight);

/* The s2 from `floor` on that has the greatest bound, for M eigenvalues, descending, the sum of all
 * (`total`), and rows of that weight; the bound, a row; and how many columns are on. */
typedef struct lat_bpca_optimum {
  double noise, bound;
  size_t on;
} lat_bpca_optimum;

lat_bpca_optimum lat_bpca_best(const double *lambda, size_t M, double total, size_t D,
                               double weight, double floor);
/* The lambda of which y = E|w|^2 / s2 is the best. */
double lat_bpca_eigenvalue(double y, double noise, size_t D, double weight);

lat_status lat_bpca_no_noise(lat_workspace *work, size_t M);

#endif
