/* lds_parts.h: what the files of linear dynamical systems share. Private to the module. */
#ifndef LAT_EM_LDS_PARTS_H
#define LAT_EM_LDS_PARTS_H

#include "em/lds.h"
#include "em/lds_kernel.h"

/* The covariance's part of the steps, for a number of states (lds_step.c). `work` is 5 M^2 + M doubles,
 * for update M p. */
struct lat_lds_kernels {
  /* P := A P A' + Q */
  void (*predict)(size_t M, const double *A, const double *Q, double *P, double *work);
  /* S, which comes in as R, becomes its factor L' (upper); W := inv(L) C P, p x M. P := P - W'W,
   * unless that would cancel: then P is left and `exact` set. False when S isn't positive definite. */
  bool (*update)(size_t M, size_t p, const double *C, double *S, double *inverse, double *W,
                 double *P, bool *exact, double *work);
  /* The smoother's step back: J' := inv(predicted) A P; to := (I - J A) P (I - J A)' + J (Q + next) J';
   * lag := next J'. */
  void (*back)(size_t M, const double *A, const double *Q, const double *P, const double *predicted,
               const double *next, double *Jt, double *to, double *lag, double *work);
};

const struct lat_lds_kernels *lat_lds_kernels_for(size_t M);

/* The mean's part of an update whose factor and gain are in the frame; log p(y | past). */
double lat_lds_settle(lat_lds_frame *frame, double *mean);

/* Of an update, only which entries of y are observed, and their C, R and residual. */
void lat_lds_select(lat_lds_frame *frame, const double *C, const double *R, const double *y,
                    const double *offset, const double *mean);

/* L (n x n, lower, diagonal >= 0) with L L' = X X' of the packed X (n x m, m >= n), which is
 * destroyed. `work` is 2 m doubles. */
void lat_lds_triangle(size_t n, size_t m, double *X, double *L, double *work);

#endif
