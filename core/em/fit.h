/* fit.h: a fit by EM as a whole: starts, their seeds, iterations, the best start, its canonical
 * form.
 *
 * A model of the EM kind is a table (lat_fit_kind) of what differs: what its E- and M-step are,
 * where it begins, and in which form it ends. Everything else is here. A fit is a sequence of
 * passes over the data:
 *
 *   lat_fit fit;
 *   LAT_TRY(lat_fit_init(&fit, work, &lat_gmm_model, &options, missing));
 *   for (;;) {
 *     LAT_TRY(lat_fit_begin(&fit));            what comes next is fit.pass
 *     if (fit.pass == LAT_PASS_NONE) break;
 *     LAT_TRY(lat_fit_add(&fit, &X, weights)); as often as there are pieces of data
 *     LAT_TRY(lat_fit_end(&fit));              fit.iterated: it was an iteration of EM
 *   }
 *   fit.best is the result, fit.report tells of it
 *
 * The first pass takes a sample of the rows, from which the starts are made; whoever has all rows
 * in memory gives them instead by lat_fit_rows, and that pass is saved. lat_fit_run is that loop
 * over a lat_source, and each lat_NAME_fit calls it; hosts with a loop of their own write it out.
 * Those with a time budget call lat_fit_slice.
 *
 * Start number r has a seed of its own, which depends on `seed` and r only, so that the first start
 * is the same whatever `restarts` is. Of several starts the best is kept (lat_em_better), after one
 * more pass each for the objective of the parameters that it leaves.
 *
 * All memory is the workspace's, from lat_fit_init on; the result stays there until the caller
 * releases it. A pass that fails leaves the fit as it was: the caller may give up (fit.best is the
 * last whole start's, and lat_fit_stop has the present one's last whole iteration count too), or
 * begin the pass again. */
#ifndef LAT_EM_FIT_H
#define LAT_EM_FIT_H

#include <math.h>

#include "em/em.h"
#include "matrix/moments.h"
#include "modeling/model.h"
#include "modeling/source.h"

typedef struct lat_fit lat_fit;

/* Called after each iteration; false stops the fit. */
typedef bool lat_on_iteration(void *observer, const lat_fit *fit);

/* The first member of every such model's options. */
typedef struct lat_fit_options {
  size_t max_iterations; /* of a start; 0 leaves it as it began */
  double tolerance;      /* of the objective's relative change; 0 makes all iterations */
  size_t restarts;       /* how many starts, of which the best is kept */
  uint64_t seed;
  bool accelerate; /* SQUAREM */
  /* Parameters to begin with: sizes (D is 0 where only the data tells) and flat, of which NaN is
   * left to the start; or NULL. */
  const lat_fitted *given;
  lat_on_iteration *on_iteration; /* or NULL */
  void *observer;
} lat_fit_options;

/* Their rows in a table of options, `type` being the struct that begins with a lat_fit_options
 * `fit`. */
#define LAT_FIT_OPTION(type, name_, kind, field, otherwise, least, most)                           \
  {                                                                                                \
    .name = name_, kind, offsetof(type, fit.field), otherwise, least, most, NULL, NULL, NULL       \
  }
#define LAT_FIT_OPTIONS(type, iterations, tolerance_, restarts_)                                   \
  LAT_FIT_OPTION(type, "restarts", LAT_SIZE, restarts, restarts_, 1, LAT_ANY_COUNT),               \
      LAT_FIT_OPTION(type, "max_iterations", LAT_SIZE, max_iterations, iterations, 0,              \
                     LAT_ANY_COUNT),                                                               \
      LAT_FIT_OPTION(type, "tolerance", LAT_NUMBER, tolerance, tolerance_, 0, (double)INFINITY),   \
      LAT_FIT_OPTION(type, "accelerate", LAT_BOOLEAN, accelerate, false, 0, 1),                    \
      LAT_FIT_OPTION(type, "seed", LAT_SEED, seed, 0, 0, 0)

extern const lat_option lat_update_options[]; /* of partial_fit: missing, weights, rate */
/* Of fit, fit_for and steps of mixtures: missing, weights, labels, ... */
extern const lat_option lat_labelled_fit_options[], lat_labelled_slice_options[],
    lat_labelled_steps_options[];
#define LAT_LABELLED_FIT_METHODS                                                                   \
  {.name = "fit", .argument = LAT_TAKES_DATA, .options = lat_labelled_fit_options},                \
      LAT_METHOD_FIT_FOR(lat_labelled_slice_options),                                              \
      {.name = "steps", .argument = LAT_TAKES_DATA, .options = lat_labelled_steps_options},        \
  {                                                                                                \
    .name = "partial_fit", .argument = LAT_TAKES_DATA, .options = lat_update_options               \
  }

/* The record of a fit, of its best start. */
typedef struct lat_fit_report {
  const char *method; /* of models that know several: "em", "closed_form", ...; or NULL */
  bool converged;
  bool singular;            /* the likelihood is unbounded near these parameters (gmm.h) */
  size_t iterations, start; /* the start's number, from 0 */
  double objective;         /* of the last iteration's beginning; of the parameters, if reviewed */
  size_t decreases;         /* iterations that made the objective worse by more than rounding */
  double largest_decrease;  /* relative */
  size_t rejected_steps;    /* of the acceleration */
} lat_fit_report;

/* What a fit without iterations over the data is made of. */
typedef enum lat_form {
  LAT_FORM_EM, /* it isn't one */
  LAT_FORM_ROWS,
  LAT_FORM_MOMENTS
} lat_form;

/* What differs between models. */
typedef struct lat_fit_kind {
  /* Gives fit->core, fit->context and fit->sizes, of which [LAT_D] is there, for the start that
   * comes: context and whatever it needs lie in fit->work, and, online, go on from fit->before. */
  lat_status (*plan)(lat_fit *fit);
  /* The first parameters, in fit->parameters, of fit->sample with fit->sample_weights (or NULL). */
  lat_status (*start)(lat_fit *fit);
  /* What belongs to the parameters besides: its bytes, once there is a plan; and it. NULL: nothing.
   */
  size_t (*aside_bytes)(const lat_fit *fit);
  void (*write_aside)(const lat_fit *fit, void *aside);
  /* The canonical form of what a fit or an online fit has made: components in order, axes turned.
   * `fitted` changes in place; fit->context is that of the last start. NULL: it is in it. (When the
   * last start's plan has failed, the best one before stays as it is, and there is no last pass.)
   */
  lat_status (*finish)(lat_fit *fit, lat_fitted *fitted);
  /* After lat_fit_rows and the first plan: may replace fit->rows and fit->row_weights, from which
   * passes are made then, by rows that say the same (repetitions counted by weights). NULL: they
   * stay. */
  lat_status (*condense)(lat_fit *fit);
  /* Whether the fit must have all rows at once (lat_fit_rows). NULL: no. */
  bool (*needs_rows)(const lat_fit *fit);
  /* One iteration of such a fit that is no pass over the data but draws from fit->rows what it
   * needs, and says in fit->em whether it was the last. NULL: iterations are passes. */
  lat_status (*iterate)(lat_fit *fit);
  /* Adds the share of rows, or of the units (X is NULL), to fit->em.statistics, on the calling
   * thread: of models whose steps are functions of the caller's. NULL: lat_em_add and
   * lat_em_add_units. */
  lat_status (*e_step)(lat_fit *fit, const lat_matrix *X, const double *weights);
  bool collects; /* with several ranks, it gives fit->em.statistics those of all of them */
  /* Of models that EM isn't needed for: whether these options do without. Then `solve` makes
   * fit->best, of memory in the workspace, fit->report and fit->history, of the moments of all rows
   * or, where these are in memory and LAT_FORM_ROWS says so, of fit->rows (moments is NULL). Data
   * with missing entries are EM's, whatever the options say. The
   * workspace's deadline is for iterations: these fits come to their end. */
  lat_form (*form)(const lat_fit *fit);
  lat_status (*solve)(lat_fit *fit, const lat_moments *moments);
  /* After `start`, when parameters were given: brings them into a form that EM can begin with.
   * NULL: they are. */
  lat_status (*adopt)(lat_fit *fit);
  /* A last pass over all rows with the final parameters, fit->best, before which the first is
   * called and to which the second adds; `first` is the number of the first row. What it has found
   * (in memory of fit->work, and fit->last until then) becomes part of fit->best by the third, once
   * the pass is complete. NULL: there is none. */
  lat_status (*begin_last)(lat_fit *fit);
  lat_status (*add_last)(lat_fit *fit, const lat_matrix *X, const double *weights, size_t first);
  lat_status (*end_last)(lat_fit *fit);
} lat_fit_kind;

typedef enum lat_pass {
  LAT_PASS_NONE,    /* the fit is over */
  LAT_PASS_MOMENTS, /* mean and scatter are added up, for a fit without iterations */
  LAT_PASS_SAMPLE,  /* rows for the starts are picked */
  LAT_PASS_ITERATE, /* an iteration, or the verification of a maximum (em.h) */
  LAT_PASS_REVIEW,  /* the objective of the parameters that a start leaves */
  LAT_PASS_LAST     /* the kind's own, with the final parameters */
} lat_pass;

struct lat_fit {
  const lat_model *model;
  const lat_fit_kind *kind;
  const void *options; /* the model's, beginning with a lat_fit_options */
  lat_workspace *work;
  bool missing;
  const uint32_t *labels; /* of complete data: a row's component, from 1, or 0; NULL. Of all rows
                           * that are here; a rank without rows has some, too */
  const uint32_t *sample_labels; /* of the sample's rows, where there are labels */
  const lat_fitted *before;      /* what an online fit goes on from; NULL */
  bool online;
  bool by_em; /* EM, even where the options ask for a fit without iterations: set after init */
  size_t sizes_before[LAT_SIZES]; /* of the parameters that the model had, for options that leave a
                                   * size to an earlier fit; set after init, or 0 */
  void *user;                     /* the caller's own */
  lat_comm *comm; /* the ranks that fit together, each with its own rows or units: of the source,
                   * or, of units, set after init; or NULL */
  const lat_share *share; /* what they have; NULL without a comm */

  const lat_em_kind *core; /* these three by plan */
  const void *context;
  size_t sizes[LAT_SIZES];

  uint64_t seed;      /* of this start */
  size_t start;       /* its number, from 0 */
  size_t starts;      /* how many: the option; whoever wants another number sets it after init */
  double *parameters; /* its present ones */
  lat_em em;
  lat_pass pass;
  bool iterated; /* the last pass was an iteration */
  bool over;     /* no more iterations of this start */
  bool complete; /* the statistics are those of a whole iteration */
  bool stopped;  /* no more starts */
  size_t row;    /* of this pass, so far */

  lat_fitted best; /* flat is NULL while there is none */
  lat_fit_report report;
  const double *history; /* of a fit without iterations over the data: its report's iterations'
                          * objectives; else NULL */
  lat_em best_em;

  lat_matrix
      rows; /* all of them, when they are in memory; then `row_weights` are theirs, or NULL */
  const double *row_weights;
  bool condensed;
  const void *units; /* data that aren't rows: so many sequences, say (lat_fit_units); or NULL */
  size_t unit_count;
  size_t columns;    /* of the data */
  size_t all_rows;   /* of the data, where each pass gives the same rows; 0: not known */
  lat_matrix sample; /* the rows, or some of them */
  const double *sample_weights;
  double average_weight; /* of the rows that were sampled */

  void *last; /* the kind's own, of the last pass */
  struct lat_fit_state *state;

  /* of updates (lat_fit_update): statistics of weight 1, and the weight of the rows behind them */
  double *running, seen;
};

/* `options` and, unless NULL, what they give must stay. LAT_INVALID for options out of bounds;
 * LAT_MEMORY. Keeps the fit's memory, as do the passes and what they make. */
lat_status lat_fit_init(lat_fit *fit, lat_workspace *work, const lat_model *model,
                        const void *options, bool missing);

/* What the options ask for; LAT_FORM_EM for an online fit and with fit->by_em. */
lat_form lat_fit_form(const lat_fit *fit);
/* Whether lat_fit_rows is to be given the rows of the source: those in memory, and those of a large
 * mapped file when iterations draw from all of them, or when they are too wide for a fit without
 * iterations to add up their moments. */
bool lat_fit_takes_rows(const lat_fit *fit, const lat_source *source);
/* All rows, which stay in memory, with weights or NULL, instead of the first pass. LAT_INVALID,
 * naming row and column, for infinities and, unless missing, NaN (of a fit without iterations
 * lat_fit_begin says so). */
lat_status lat_fit_rows(lat_fit *fit, const lat_matrix *X, const double *weights);

/* Data that are not independent rows, but `count` units of the kind's own, which stay in memory:
 * sequences of rows with so many columns, say. There is no first pass, the kind's start has
 * fit->units, and lat_fit_add_units is a whole pass. LAT_INVALID when there are none. With several
 * ranks, a collective, and ranks may have none. Keeps their share. */
lat_status lat_fit_units(lat_fit *fit, const void *units, size_t count, size_t columns);

/* Keeps starts. Does what has to be done until the next pass over the data: starts (which may take
 * as long as many iterations), the comparison of starts, the end. */
lat_status lat_fit_begin(lat_fit *fit);
/* Keeps what the sample, or the moments, need. */
lat_status lat_fit_add(lat_fit *fit, const lat_matrix *X, const double *weights);
lat_status lat_fit_add_units(lat_fit *fit);
/* Keeps what the sample, or the moments, of several ranks need. */
lat_status lat_fit_end(lat_fit *fit);

/* No more iterations and starts: what whole iterations have come to counts, and lat_fit_begin comes
 * to the end. For who stops after an iteration, or anywhere within one. */
void lat_fit_stop(lat_fit *fit);
/* Whether the failure only says that the workspace's deadline is over, which ends a fit as
 * max_iterations does: then it is stopped (and the deadline is taken from the workspace), if there
 * is something to keep; else the failure's message says that there isn't. */
bool lat_fit_is_late(lat_fit *fit, lat_status status);

/* Fills `fitted` with what the present start has come to: views of the fit's memory, good until the
 * next pass. No canonical form. And its record. */
lat_status lat_fit_present(lat_fit *fit, lat_fitted *fitted, lat_fit_report *report);

/* The same by a source. Before the first pass: what is known of it, its labels, and its rows, where
 * lat_fit_takes_rows says so. LAT_INVALID as lat_fit_rows. With several ranks, a collective; keeps
 * their share. */
lat_status lat_fit_source(lat_fit *fit, lat_source *source);
/* Passes over the source, or NULL after lat_fit_units, up to the end of the next iteration; *more
 * is false when there is none any more and the fit is over. The workspace's deadline ends it as by
 * lat_fit_is_late. Keeps what the passes keep. */
lat_status lat_fit_iterate(lat_fit *fit, lat_source *source, bool *more);
/* After an iteration, when it may be the last by the caller's wish: stops the fit unless `goes_on`.
 * With several ranks it stops when any of them wants to, a collective. */
lat_status lat_fit_go_on(lat_fit *fit, bool goes_on);

/* How many rows the data have, of all ranks; 0 when that isn't known. */
uint64_t lat_fit_known_rows(const lat_fit *fit);

/* All of it, with the rows of the source (and source->labels); NULL after lat_fit_units. A deadline
 * of the workspace ends it as by lat_fit_is_late, and is there again afterwards.
 * Keeps the result. */
lat_status lat_fit_run(lat_fit *fit, lat_source *source);

/* The same, after lat_fit_init, in slices of time (base/slice.h): works for `seconds`, and goes on
 * when it is called again, until *done says that it is over. The result is the same bits. Until
 * then fit->em tells of the present start: iterations done, 0 while it is made, and the last one's
 * objective. The source's `next` may call lat_pause when it has to wait. lat_fit_leave gives up
 * what is under way: the fit is then as after a pass that has failed. */
lat_status lat_fit_slice(lat_fit *fit, lat_source *source, double seconds, bool *done);
void lat_fit_leave(lat_fit *fit);

/* What lat_NAME_fit does: init and run, with the result in `fitted` (and in `report`, unless NULL).
 * Keeps it. LAT_CANCELLED; what lat_fit_init, the source and the model say. */
lat_status lat_fit_model(lat_workspace *work, const lat_model *model, lat_source *source,
                         const double *weights, const void *options, lat_fitted *fitted,
                         lat_fit_report *report);

/* ---- online (stepwise EM: Cappe, Moulines 2009) ---------------------------------------------- */

/* Keeps the statistics. One update by these rows, after lat_fit_init, with fit->before set to what
 * it goes on from (the caller keeps it), or NULL: a start from these rows. Statistics become (1 -
 * rate) old + rate new, then comes the M-step; rate 0 is (n + 2)^-0.6, where n counts in pieces
 * that weigh as this one what the statistics have seen. An update that fails leaves parameters as
 * they were. lat_fit_updated gives what the updates have come to, as lat_fit_present does; it isn't
 * in canonical form until fit->kind->finish. */
lat_status lat_fit_update(lat_fit *fit, const lat_matrix *X, const double *weights, double rate);
lat_status lat_fit_updated(lat_fit *fit, lat_fitted *fitted, lat_fit_report *report);

/* aside_bytes and write_aside of kinds whose parameters are the caller's to keep: the number of the
 * start that they are of, a size_t. */
size_t lat_fit_start_bytes(const lat_fit *fit);
void lat_fit_write_start(const lat_fit *fit, void *aside);

/* ---- what fit.c and online.c share ----------------------------------------------------------- */

/* The kind's plan, with memory for parameters (unset), and lat_em_init (keeps these); and then the
 * first parameters. */
lat_status lat_fit_plan(lat_fit *fit);
lat_status lat_fit_start(lat_fit *fit);

/* Defines lat_NAME_fit, which a model's header declares, by lat_fit_model. */
#define LAT_DEFINE_FIT(NAME)                                                                       \
  lat_status lat_##NAME##_fit(lat_workspace *work, lat_source *source, const double *weights,      \
                              const lat_##NAME##_options *o, lat_##NAME *model,                    \
                              lat_fit_report *report)                                              \
  {                                                                                                \
    lat_fitted fitted;                                                                             \
    LAT_TRY(lat_fit_model(work, &lat_##NAME##_model, source, weights, o, &fitted, report));        \
    *model = lat_##NAME##_of(&fitted);                                                             \
    return LAT_OK;                                                                                 \
  }

#endif
