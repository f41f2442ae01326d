/* bpca_parts.h: what bpca.c and bpca_em.c share. Private to the module. */
#ifndef LAT_EM_BPCA_PARTS_H
#define LAT_EM_BPCA_PARTS_H

#include "em/bpca.h"

/* Of the total variance: less noise than this is rounding. */
#define LAT_BPCA_NO_NOISE 1e-14

/* Column i off; weight: of all rows. */
void lat_bpca_switch_off(const lat_bpca *bpca, size_t i, double weight);

lat_status lat_bpca_no_noise(lat_workspace *work, size_t M);

#endif
