/* em.h: the one EM loop.
 *
 * A model fitted by EM alternates an E-step, which adds up statistics of the data under the
 * model's present parameters, and an M-step, which makes new parameters of them. Statistics are
 * one flat vector of doubles and are added row by row, chunk by chunk, so that one loop serves a
 * matrix, a file larger than memory, threads, weighted rows and online EM; no model has a loop
 * of its own (Dempster, Laird, Rubin 1977; for the additive form Neal, Hinton 1998).
 *
 *   lat_em em;
 *   lat_em_init(&em, work, &kind, model, sizes, parameters, &options)
 *   do {
 *     lat_em_begin(&em)                     statistics are zero
 *     lat_em_add(&em, &X, weights)          the E-step; as often as there are pieces of data
 *     lat_em_end(&em)                       the M-step and the test
 *   } while (!em.done);
 *
 * An iteration's objective is that of the parameters it began with: statistics[0]/statistics[1],
 * the weighted sum of the rows' objectives over the sum of weights. Parameters change in
 * lat_em_end only, as a whole, so whoever stops anywhere has a whole model.
 *
 * The caller owns everything: the parameters, and in `work` whatever init allocates, until it
 * releases. */
#ifndef LAT_EM_EM_H
#define LAT_EM_EM_H

#include "base/parallel.h"
#include "base/parameters.h"
#include "comm/share.h"
#include "matrix/matrix.h"

typedef struct lat_em lat_em;

/* Rows of the data for one call of an E-step. */
typedef struct lat_em_chunk {
  lat_matrix X;
  const double *weights; /* one a row, or NULL */
  size_t first;          /* the number of the first row in this pass over the data, from 0 */
  const void *units;     /* instead of X: data whose unit number `first` it is (lat_em_add_units) */
  lat_halt *halt;        /* for a unit that is long: lat_halted(halt, worker), and then what the */
  size_t worker;         /* E-step adds doesn't matter any more */
} lat_em_chunk;

typedef enum lat_em_verdict {
  LAT_EM_SETTLED, /* nothing better is near */
  LAT_EM_ANOTHER, /* another pass, with the parameters in `trial` */
  LAT_EM_MOVED    /* the parameters in `trial` are better: EM goes on from them */
} lat_em_verdict;

/* Before EM that has converged is done: is it at a maximum? Data that are symmetric may lead EM
 * into a saddle, where its steps are 0. Passes over the data add up statistics for that question.
 */
typedef struct lat_em_verification {
  /* Doubles of the statistics, of which the first stays finite; 0: with these sizes there is no
   * asking. Of a worker's scratch, as below. Of memory for the passes' own use, em->verifier, which
   * is 0 before the first pass. */
  size_t (*statistics)(const lat_em *em);
  size_t (*scratch)(const lat_em *em, size_t rows);
  size_t (*memory)(const lat_em *em);
  void (*step)(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch);
  /* A pass is complete; em->parameters are those of EM. */
  lat_status (*take)(lat_em *em, const double *statistics, double *trial, lat_em_verdict *verdict);
} lat_em_verification;

typedef struct lat_em_kind {
  const char *name;
  const lat_parameter *parameters;
  bool descends; /* the objective is an error (k-means) and not a log-likelihood */

  /* Doubles of the statistics, of which the first two are the objective's sum and the sum of
   * weights; of what prepare derives from the parameters; and of a worker's scratch for chunks of
   * up to `rows` rows. */
  size_t (*statistics)(const lat_em *em);
  size_t (*derived)(const lat_em *em);
  size_t (*scratch)(const lat_em *em, size_t rows);

  /* Before the E-steps of an iteration: what all of them need (Cholesky factors, logarithms). */
  lat_status (*prepare)(lat_em *em, const double *parameters, double *derived);
  /* Adds the chunk's share to the statistics. Called from several threads at once, with a scratch
   * for each. Data with NaN that the kind doesn't take makes the objective NaN. */
  void (*e_step)(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch);
  /* New parameters of the statistics. `parameters` come in as the present ones. */
  lat_status (*m_step)(lat_em *em, const double *statistics, double *parameters);
  /* Asked about parameters that acceleration has made, which lie on a line through proper ones:
   * puts right what is easily put right (weights back onto the simplex) and says whether they can
   * be tried. NULL: finite ones can. */
  bool (*feasible)(const lat_em *em, double *parameters);
  /* Asked about finite data that have made the objective infinite or NaN: LAT_INVALID, naming the
   * entry, for what the kind doesn't take (a count below 0). NULL: it takes all. X is NULL for data
   * in units, which were checked: what can be wrong then are the parameters. */
  lat_status (*check)(const lat_em *em, const lat_matrix *X);
  const lat_em_verification *verification; /* NULL: where EM has converged, it is done */
  /* Are the parameters at a singularity, where the likelihood is large without saying anything
   * about the data, or were they kept from one? NULL: there are none. */
  lat_status (*singular)(lat_em *em, bool *singular);
} lat_em_kind;

typedef struct lat_em_options {
  size_t max_iterations; /* 0: 100 */
  double tolerance;      /* stop when the objective changes by less than this times (|objective| +
                          * 1e-300) in an iteration; 0 never stops early */
  bool missing;          /* NaN marks a missing entry, for kinds that know them */
  bool accelerate;       /* SQUAREM (squarem.h) with a fall-back that keeps the objective
                          * monotone */
} lat_em_options;

struct lat_em {
  const lat_em_kind *kind;
  const void *model; /* the kind's own: structure and hyper-parameters */
  lat_em_options options;
  size_t sizes[LAT_SIZES];
  size_t count;       /* of parameters */
  double *parameters; /* the caller's: the present ones, on trial between begin and end */

  /* the record */
  bool done, converged;
  size_t iterations;
  double objective;        /* of the last complete E-step */
  double reached;          /* of the parameters as they are, after a review; without, `objective` */
  bool singular;           /* what the kind says of them: lat_em_finish */
  double largest_decrease; /* the worst change against the direction, relative; 0 when monotone */
  size_t decreases;        /* iterations whose drop is more than rounding (1e-9 relative) */
  size_t rejected;         /* accelerated steps that were taken back */
  bool verifying; /* the next pass is the verification's, and no iteration: `done` waits for it */
  bool reseeded;  /* an M-step sets it when it has moved a component elsewhere: whatever the
                        * objective says, this iteration is not the last for convergence */

  size_t rows; /* that this pass over the data has taken, or the last one; once it is complete,
                * those of all ranks */
  const lat_share *share; /* of the ranks among which the data are spread; NULL: one has all */
  lat_workspace *work;
  double *derived, *statistics;
  double *verifier;
  struct lat_em_state *state;
};

/* Whether the chunk is the first of all data: E-steps add there what isn't any row's. */
static inline bool lat_em_opens(const lat_em *em, const lat_em_chunk *chunk)
{
  return chunk->first == 0 && (!em->share || em->share->before == 0);
}

/* Takes the memory and starts the record. The parameters may be filled in later, until begin.
 * LAT_MEMORY. Keeps the loop's memory. */
lat_status lat_em_init(lat_em *em, lat_workspace *work, const lat_em_kind *kind, const void *model,
                       const size_t sizes[LAT_SIZES], double *parameters,
                       const lat_em_options *options);

/* After it: the data are spread among ranks, each of which adds its own rows, or units. Every rank
 * does the same M-steps; collecting is a collective. Keeps memory. */
lat_status lat_em_place(lat_em *em, const lat_share *share, bool units);

/* Starts an iteration (or the verification), also over again after one that failed.
 * The first of a verification keeps its memory. */
lat_status lat_em_begin(lat_em *em);

/* The E-step for these rows. On the thread pool, in chunks whose statistics are added in the order
 * of base/ordered_sum.h: the same bits for every number of threads, and however many pieces the
 * rows come in, as long as these begin at chunks' borders. LAT_SHAPE for columns other than
 * sizes[LAT_D]; LAT_INVALID, naming row and column, for NaN (unless missing) and infinities, and
 * for weights that aren't finite and >= 0; LAT_CANCELLED. Parameters are then as they were. */
lat_status lat_em_add(lat_em *em, const lat_matrix *X, const double *weights);

/* The E-step for data that are not independent rows but units of the kind's own, sequences, say,
 * which the caller has checked: each is a chunk of its own. */
lat_status lat_em_add_units(lat_em *em, const void *units, size_t count);

/* The statistics of what has been added in this iteration; lat_em_end begins with it. A collective,
 * where ranks share the data. */
lat_status lat_em_collect(lat_em *em);

/* The M-step, the record and the test. A step of the acceleration that turns out to be worse is
 * taken back here: the iteration counts, and its objective is the one before. LAT_INVALID when
 * no row had a weight; what the kind's M-step says, and parameters are then as they were. */
lat_status lat_em_end(lat_em *em);

/* For who leaves an iteration that isn't complete: the parameters are those of the last complete
 * one again. (Acceleration may have put others in their place, to be tried.) So are the statistics,
 * after a review that wasn't complete. */
void lat_em_settle(lat_em *em);

/* ---- several starts -------------------------------------------------------------------------- */

/* An iteration's objective is that of the parameters it began with. Where fits that haven't
 * converged are compared, each has one more pass for the parameters it leaves, without an M-step:
 *
 *   status = lat_em_review(&em);  lat_em_add(&em, ...);  lat_em_reviewed(&em, status);
 *
 * The second is called also after a failure, with its status. A failure that says that the
 * parameters have no likelihood (LAT_SINGULAR, LAT_DIVERGED) makes the fit worse than any other;
 * after another (no time, no memory), which is for the caller to deal with, `reached` is as it was.
 * The statistics remain those of the last iteration. Keeps the pass's own statistics. The second
 * collects, and fails where that does. */
lat_status lat_em_review(lat_em *em);
lat_status lat_em_reviewed(lat_em *em, lat_status status);

/* A fit is over: sets `singular`. LAT_MEMORY. */
lat_status lat_em_finish(lat_em *em);

/* Of two fits of one kind to the same data from different starts, is `a` better than `b`? The one
 * rule: a fit without a singularity is better than one with; then `reached` decides. */
bool lat_em_better(const lat_em *a, const lat_em *b);

/* One stepwise (online) update instead of begin/add/end (Cappe, Moulines 2009): statistics become
 * (1 - rate) old + rate * those of X, scaled to weight 1, then comes the M-step. `running` is the
 * caller's memory for the statistics, zero at first. The objective is that of X alone, so drops
 * aren't watched and nothing is `done`. */
lat_status lat_em_step(lat_em *em, const lat_matrix *X, const double *weights, double rate,
                       double *running);

#endif
