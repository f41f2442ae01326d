/* diffusion/internal.h: noise levels, predictions and random streams. Private. */
#ifndef LAT_DEEP_DIFFUSION_INTERNAL_H
#define LAT_DEEP_DIFFUSION_INTERNAL_H

#include "deep/common/rows.h"
#include "deep/diffusion/diffusion.h"

#define LAT_DIFFUSION_STEPS (1 << 20)         /* T, at most */
#define LAT_DIFFUSION_TABLE ((size_t)1 << 26) /* numbers of its table of features, at most */
/* Rows of a shard of a batch, at least: some 15 million multiplications a thread. */
#define LAT_DIFFUSION_SHARD_ROWS 64
/* Rows of a chunk of evaluation, at most; and, as all its steps run between two calls of lat_check,
 * about how many multiplications a chunk has that is more than the least one: 50 ms. */
#define LAT_DIFFUSION_CHUNK 512
#define LAT_DIFFUSION_WORK  2e9
/* Rows that the mean of |x_0 - X|^2/D of a time remembers: it follows the net as it learns. */
#define LAT_DIFFUSION_MEMORY 500.0
/* Terms of the bound that validation draws a row: all would take longer than the epoch. */
#define LAT_DIFFUSION_HELD_TERMS 16
#define LAT_DIFFUSION_LEAST      1e-12 /* of variances, in squared deviations */
/* Of A_T: 1/sqrt(A_T) is within float32, and quotients of A_t are numbers. */
#define LAT_DIFFUSION_SIGNAL 1e-30

/* Streams of a step's random numbers, of the tape's seed: of step s they are s 2^24 + one of these,
 * where the tapes of shards have none. */
#define LAT_DIFFUSION_NOISE ((UINT64_C(1) << 24) - 1)
#define LAT_DIFFUSION_TIMES ((UINT64_C(1) << 24) - 2)
#define LAT_DIFFUSION_DROPS ((UINT64_C(1) << 24) - 3)

extern const lat_option lat_diffusion_table[];
lat_status lat_diffusion_check_options(lat_workspace *work, const void *options);

/* beta_1, ..., beta_T and A_0, ..., A_T (schedule.c); betas may be NULL. */
double lat_diffusion_last(const lat_diffusion_options *options); /* A_T */
void lat_diffusion_schedule(const lat_diffusion_options *options, double *betas, double *kept);

/* sqrt(A_t), sqrt(1 - A_t), and X = x px + output po, at time t. */
typedef struct lat_noise_level {
  double signal, noise, px, po;
} lat_noise_level;
lat_noise_level lat_diffusion_level(const lat_diffusion *model, size_t t);

/* a, b, c, d and v of diffusion.h, from t to s. `bounded`: v as the bound has it, never 0. */
typedef struct lat_reverse {
  double b, c, d, v;
} lat_reverse;
lat_reverse lat_diffusion_reverse_step(const lat_diffusion *model, size_t t, size_t s,
                                       bool bounded);

/* ---- evaluation (predict.c) ------------------------------------------------------------------ */

/* What chunks of rows are evaluated with. */
typedef struct lat_diffusion_use {
  const lat_diffusion *model;
  lat_store store;      /* a view of the model's, with the weights that are used */
  const size_t *labels; /* of all rows, or NULL */
  double guidance;
  void *least, *most;    /* of x_0, a number a column, of the model's type; NULL: any */
  size_t chunk, numbers; /* rows of a chunk, and numbers of a row on its tape */
} lat_diffusion_use;

/* Checks labels (of `rows` rows, for each of which the net is used `times` times) and finds the
 * weights. Keeps its memory. */
lat_status lat_diffusion_begin_use(lat_workspace *work, const lat_diffusion *model,
                                   const lat_request *request, size_t rows, size_t times,
                                   lat_diffusion_use *use);
/* The part of it that x_0 is kept within. Keeps its memory. */
lat_status lat_diffusion_bounds(lat_workspace *work, const lat_diffusion *model,
                                lat_diffusion_use *use);

/* In all that follows matrices are packed and of the model's type, and rows are either at time t,
 * from 1, or with `at` at times of their own, at[i] + 1. */

/* X0 := X(x, t) for rows that are first.. of the call. False after a failure, which is the
 * tape's. */
bool lat_diffusion_x0(const lat_diffusion_use *use, lat_tape *tape, const lat_matrix *x, size_t t,
                      const size_t *at, size_t first, const lat_matrix *X0);
/* The same from the net's output. */
void lat_diffusion_from_output(const lat_diffusion_use *use, const lat_matrix *x,
                               const lat_matrix *out, size_t t, const size_t *at,
                               const lat_matrix *X0);
/* y := sqrt(A_t) x + sqrt(1 - A_t) e */
void lat_diffusion_mix(const lat_diffusion *model, const lat_matrix *x, const lat_matrix *e,
                       size_t t, const size_t *at, const lat_matrix *y);
/* y := p a + q b + r c; c may be NULL, and y one of the others. */
void lat_diffusion_combine(const lat_matrix *y, double p, const lat_matrix *a, double q,
                           const lat_matrix *b, double r, const lat_matrix *c);
/* sums[i] := the squared distance of the rows i */
void lat_diffusion_distances(const lat_matrix *a, const lat_matrix *b, double *sums);
/* Normal numbers: those of rows first.. of a matrix that the stream fills. */
void lat_diffusion_normal(lat_random random, size_t first, const lat_matrix *e);
/* Rows on the tape, not set; without data when there is no memory. */
lat_matrix lat_diffusion_rows(lat_tape *tape, size_t rows, size_t cols);

/* ---- data (diffusion.c) ---------------------------------------------------------------------- */

lat_status lat_diffusion_check_rows(lat_workspace *work, const lat_diffusion *model,
                                    const lat_matrix *X);
/* The same, and labels from 0 of a batch or of all rows. Keeps the labels. */
lat_status lat_diffusion_check_data(lat_workspace *work, const lat_diffusion *model,
                                    const lat_request *request, const size_t **labels);
/* The range of the data extended to these rows. */
lat_status lat_diffusion_extend(lat_workspace *work, lat_diffusion *model, const lat_matrix *X);

#endif
