/* mixture/internal.h: what the files of mixture.h share. Private to the module. */
#ifndef LAT_EM_MIXTURE_INTERNAL_H
#define LAT_EM_MIXTURE_INTERNAL_H

#include "em/mixture/mixture.h"

/* The logarithm of probability 0: finite, so that differences of such logarithms aren't NaN, and
 * so far down that nothing else comes near. */
#define MIXTURE_NEVER (-1e300)

enum { MIXTURE_ROWS = 256, MIXTURE_FACTORIALS = 256 };

/* Where the first mean, rate or probability stands in the flat parameters. */
size_t lat_mixture_offset(const lat_mixture *m);

/* What the parameters mean for densities. The rows k and K + k belong to component k: the terms
 * of the logarithm, and counts of contradictions (see mixture.h), which are needed only when some
 * probability is a limit. */
typedef struct mixture_ready {
  double *limits;     /* 1: 1 when some are */
  double *prior;      /* 1: the logarithm of the prior */
  double *weights;    /* K: log w */
  double *slopes;     /* 2K x M */
  double *bases;      /* 2K x D; not for categorical columns */
  double *constants;  /* 2K: sums of bases */
  double *factorials; /* log x! of small x; for Poisson columns */
} mixture_ready;

size_t lat_mixture_ready_count(const lat_mixture *m);
mixture_ready lat_mixture_ready_of(const lat_mixture *m, double *memory);
/* LAT_INVALID for parameters out of their domain. */
lat_status lat_mixture_prepare(lat_workspace *work, const lat_mixture *m, const double *parameters,
                               double *memory);

/* Up to MIXTURE_ROWS rows. */
typedef struct mixture_block {
  size_t n;
  double *features; /* n x M, 0 where missing */
  double *observed; /* n x D, 1 or 0, when partial; not for categorical columns */
  bool partial;     /* an entry is missing */
  bool valid;       /* the rows are all of this family */
  double *common;   /* n: c(x) */
  double *joint;    /* 2K x n, of which the first half is log p(x, k) - c(x) */
  double *log_sum;  /* n */
  double *spare;    /* 2n */
} mixture_block;

size_t lat_mixture_block_count(const lat_mixture *m);
mixture_block lat_mixture_block_of(const lat_mixture *m, double *memory);

/* The rows of X, at most MIXTURE_ROWS. */
void lat_mixture_features(const lat_mixture *m, const mixture_ready *ready, const lat_matrix *X,
                          bool missing, mixture_block *block);
/* joint */
void lat_mixture_joint(const lat_mixture *m, const mixture_ready *ready, mixture_block *block);
/* joint becomes responsibilities, and log_sum is log p(x), with c(x); -infinity for 0. */
void lat_mixture_settle(const lat_mixture *m, mixture_block *block);

/* log x! for x = 0, 1, 2, ... */
double lat_mixture_log_factorial(double x);

/* The statistics: the objective's sum, the weight, then */
typedef struct mixture_statistics {
  double *components; /* K: sum of r */
  double *sums;       /* K x M: of r f */
  double *observed;   /* K x D: of r where the entry is there; not for categorical columns */
} mixture_statistics;

size_t lat_mixture_statistics_count(const lat_mixture *m);
mixture_statistics lat_mixture_statistics_of(const lat_mixture *m, double *memory);

#endif
