/* incremental.h: PCA of rows in chunks, when the D x D covariance would be too large.
 *
 * Of the rows seen so far their mean m, their number n and the leading singular triplets of the
 * centred data are kept: S V'. With b more rows of mean m', the triplets become those of
 *
 *   [ S V' ;  X - m' ;  sqrt(n b/(n+b)) (m' - m) ]
 *
 * (Ross, Lim, Lin, Yang: Incremental learning for robust visual tracking, IJCV 2008). The part of a
 * chunk outside the M kept directions is lost, so the result is exact only when the
 * data have rank <= M, and close when the discarded eigenvalues are small. */
#ifndef LAT_PROJECTION_INCREMENTAL_H
#define LAT_PROJECTION_INCREMENTAL_H

#include "matrix/matrix.h"
#include "matrix/moments.h"
#include "projection/pca.h"

typedef struct lat_incremental {
  size_t D, M;                /* at most M directions are kept */
  lat_column_moments columns; /* exact */
  double *rank;               /* 1: the count of directions so far */
  double *singular;           /* M */
  double *directions;         /* M x D row-major, orthonormal rows */
} lat_incremental;

size_t lat_incremental_count(size_t D, size_t M);
/* Over caller's memory of that many doubles; zeros are the state of no rows. */
lat_incremental lat_incremental_of(double *memory, size_t D, size_t M);

lat_status lat_incremental_add(lat_workspace *work, lat_incremental *state, const lat_matrix *X);

/* The parameters (see lat_pca_fit) of the rows so far, whose rank may be below M.
 * Keeps the parameters. */
lat_status lat_pca_from_incremental(lat_workspace *work, const lat_incremental *state,
                                    double **flat, size_t *M);

#endif
