/* model.h: what a model is, described once.
 *
 * A model has options (a struct, and its table: base/options.h), parameters (one flat vector of
 * doubles, and its table: base/parameters.h) and methods. What a fit has made is a lat_fitted,
 * whichever model it is of. From the description (lat_model) come saving and loading, a binding's
 * constructors and methods, its help, and the checks of what users and files give:
 *
 *   const lat_model lat_gmm_model = {"gmm", lat_gmm_option_table, sizeof(lat_gmm_options), ...};
 *
 * Hosts that know which model they want needn't read this: every model's own header has its
 * options, its fit, its view of the parameters by name (lat_gmm) and what it computes of rows. */
#ifndef LAT_MODELING_MODEL_H
#define LAT_MODELING_MODEL_H

#ifndef __cplusplus
#include <math.h>
#endif

#include "base/options.h"
#include "base/parameters.h"
#include "base/random.h"
#include "matrix/matrix.h"

typedef struct lat_model lat_model;

/* What calls about rows derive from the parameters, derived once, by lat_NAME_prepare: numbers that
 * the caller holds, for requests with these `missing` and `scores` and these parameters, which may
 * not change meanwhile. Zeros, or another request: a call derives its own. */
typedef struct lat_prepared {
  const double *numbers;
  bool missing;
  int scores;
} lat_prepared;

/* What a fit has made, or a user has given. */
typedef struct lat_fitted {
  const lat_model *model;
  const void *options; /* the model's */
  size_t sizes[LAT_SIZES];
  double *flat; /* the parameters, as the table says; NULL: none yet */
  /* What an online fit goes on from: statistics, scaled to weight 1, of rows of the total weight
   * `seen`; NULL, 0 and 0 where there are none. And the updates since the last fit. */
  double *statistics, seen;
  size_t count, updates;
  /* What else belongs to the parameters, as the model has it (gmm: singularities and coordinates).
   */
  void *aside;
  size_t aside_bytes;
  lat_prepared prepared;
  const void *owner; /* the caller's own */
} lat_fitted;

/* ---- methods --------------------------------------------------------------------------------- */

/* What a method is asked. A method reads what its row of the table names. */
typedef struct lat_request {
  lat_matrix X;        /* N x D rows, or N x M latent variables */
  bool missing;        /* NaN marks a missing entry; what is said is said given the others */
  const lat_matrix *q; /* N x K: elbo's distribution of the components; rows add up to 1. NULL: the
                            * posterior */
  /* The same of latent variables, q(z) = N(means, covariances): N x M, and N x M x M, or M x M for
   * all rows (q_shared). NULL: the posterior. */
  const lat_matrix *q_means;
  const double *q_covariances;
  bool q_shared;
  const lat_matrix *labels; /* N: the component of each row of latent variables, from 1 */
  const double *densities;  /* K x N: log p(x | k), of families of the caller's functions */
  size_t component;         /* from 1; 0: each row's most probable */
  int scores;               /* lat_scores */
  bool variance;            /* the variances of imputed entries, too */
  double level;             /* of the intervals of forecasts, too; NaN: none */
  /* of models with nets: each row's class; another q(z | x), N x M means and variances; draws of z
   * a row, and their seed; how a likelihood is estimated; weights and step of training; and of
   * draws of x, their means */
  const lat_matrix *classes, *means, *variances;
  const lat_matrix *context; /* of conditional flows: N x C */
  size_t samples;
  uint64_t seed;
  int method;
  double beta, learning_rate;
  bool mean;
  /* of diffusions: steps of the reverse process (0: all) and its times; terms of the bound drawn a
   * row (0: all); noise of DDIM; guidance by class; the weights as they are, not their averages */
  size_t steps, from, to, terms;
  double eta, guidance;
  /* of flow matching: rows of the source, of any number; a time; lat_ode's solver (-1: the model's)
   * and tolerance (0: the model's), as steps; how a density's divergence is computed
   * (lat_trace_kind), and by how many random vectors */
  const lat_matrix *source;
  double time, tolerance;
  int solver, trace;
  size_t probes;
  bool raw;
  /* of fits */
  double rate, max_seconds, budget;
} lat_request;

/* The numbers, if they are for such a request; or NULL. */
static inline const double *lat_prepared_for(const lat_prepared *prepared,
                                             const lat_request *request)
{
  bool fits = prepared->missing == request->missing && prepared->scores == request->scores;
  return fits ? prepared->numbers : NULL;
}

typedef enum lat_scores { LAT_SCORES_REGRESSION, LAT_SCORES_BARTLETT } lat_scores;

/* What a method gives, all that isn't NULL: one number a row (packed vectors of N), or a row of
 * them. A step of training is taken first: the others are then of the model after it. */
typedef struct lat_outputs {
  double *log_likelihood; /* N, nats */
  double *labels;         /* N: the most probable component, from 1; ties go to the lowest */
  double *bound,
      *kl;        /* N each: the evidence lower bound, KL(q || p(z | x)); their sum is log p(x) */
  double *scores; /* N: of models without a density, what their `score` is the mean of */
  double *effective; /* N: effective numbers of draws, of estimates by importance sampling */
  const lat_matrix *responsibilities; /* N x K */
  const lat_matrix *latent;           /* N x M: posterior means, or projections */
  double *covariances;                /* N x M x M: of the posteriors of latent variables */
  double *covariance;                 /* M x M: of that of every row without missing entries */
  const lat_matrix *reconstruction;   /* N x D */
  const lat_matrix *imputed;          /* N x D: missing entries at their conditional means */
  const lat_matrix *variances; /* N x D: the conditional variances of those; 0 of the others */
  const lat_matrix *distances; /* N x K: from the centres */
  const lat_matrix *standardized, *restored; /* N x D: columns in units of their own, and back */
  double *distortion;                        /* 1: the mean of |x - reconstruction|^2 */
  /* of models with nets: the variances of `latent` (N x M); means of x and its variances at the
   * latent variables request->X (N x D); -E_q[log p(x | z)] of each row (N); and of the rows as a
   * batch, the loss of a step of training, or of the next one without it, and its parts (1 each) */
  const lat_matrix *latent_variances, *decoded, *decoded_variances;
  double *reconstruction_loss;
  double *log_det;            /* N: log |det dz/dx| of an invertible map */
  const lat_matrix *velocity; /* N x D: dx/dt */
  double *step_loss, *loss, *mean_reconstruction, *mean_kl;
  double *generator_loss, *spread; /* 1 each, likewise, of GANs */
  double *critic;                  /* N: a GAN's scores of rows */
} lat_outputs;

/* What a method takes besides its options. */
typedef enum lat_argument {
  LAT_TAKES_OTHER,      /* what its own code says: the generic one of a binding doesn't serve it */
  LAT_TAKES_ROWS,       /* X, N x D */
  LAT_TAKES_ROWS_AND_Q, /* and q, N x K, which may be left out */
  LAT_TAKES_LATENT,     /* Z, N x M */
  LAT_TAKES_LATENT_AND_LABELS, /* and the component of each row, or one of all rows */
  LAT_TAKES_COUNT,             /* n, of rows to draw */
  LAT_TAKES_COMPONENT,         /* its number, from 1; of models without components nothing */
  LAT_TAKES_MODEL,             /* another of the kind, whose order of components is taken */
  LAT_TAKES_DATA,              /* X to be fitted to: rows, a file, a function of chunks */
  LAT_TAKES_DATA_AND_SECONDS,  /* and for how long */
  LAT_TAKES_NOTHING
} lat_argument;

/* The shape of one output. */
typedef enum lat_output_shape {
  LAT_GIVES_NUMBERS = 1, /* one a row: a double * of lat_outputs */
  LAT_GIVES_LABELS,      /* the same, integers */
  LAT_GIVES_ROWS,        /* `size` numbers a row: a const lat_matrix * of lat_outputs */
  LAT_GIVES_ALIKE,       /* the same, with the shape and type of X, whose memory it may be */
  LAT_GIVES_NUMBER,      /* one of all rows: a double * of lat_outputs */
  LAT_GIVES_MEAN,        /* one number, the mean of LAT_GIVES_NUMBERS over all rows */
  LAT_GIVES_AIC,         /* -2 (sum of them) + 2 p, with p free parameters */
  LAT_GIVES_BIC,         /* -2 (sum of them) + p log N */
  LAT_GIVES_COVARIANCE   /* of x, D x D */
} lat_output_shape;

typedef struct lat_output {
  lat_output_shape shape; /* 0 ends the list */
  size_t field;           /* offset in lat_outputs */
  lat_size size;          /* of LAT_GIVES_ROWS */
  size_t only_if; /* offset of a bool in lat_request without which it isn't given, plus 1; or 0 */
} lat_output;

enum { LAT_MOST_OUTPUTS = 3 };

typedef struct lat_method {
  const char *name; /* NULL ends a table */
  lat_argument argument;
  lat_output outputs[LAT_MOST_OUTPUTS + 1];
  const lat_option *options; /* fields of lat_request; or NULL */
  bool missing;              /* it is about missing entries: as if the option were true */
} lat_method;

/* Whether bindings give it the option `out`, memory of the caller's for what it gives of each row:
 * a matrix for the first result, or a list for several. */
bool lat_method_has_out(const lat_method *method);

/* Rows for the tables of methods. */
extern const lat_option lat_no_options[], lat_missing_options[], lat_seed_options[],
    lat_variance_options[];
#define LAT_OPTION_MISSING  LAT_OPTION_BOOLEAN(lat_request, missing, false)
#define LAT_OPTION_VARIANCE LAT_OPTION_BOOLEAN(lat_request, variance, false)
/* A matrix of the request's: rows of `size` numbers for those of X; LAT_END: a number for each row,
 * or one for all. */
#define LAT_OPTION_ROWS(name_, field, size, also_)                                                 \
  {                                                                                                \
    .name = name_, .type = LAT_GIVEN, .offset = offsetof(lat_request, field), .least = size,       \
    .also = also_, .shown = "nil"                                                                  \
  }
/* The same with any number of rows. */
#define LAT_OPTION_SAMPLE(name_, field, size, also_)                                               \
  {                                                                                                \
    .name = name_, .type = LAT_GIVEN, .offset = offsetof(lat_request, field), .least = size,       \
    .most = 1, .also = also_, .shown = "nil"                                                       \
  }
/* 1..K, or 0 for each row's most probable. */
#define LAT_OPTION_COMPONENT                                                                       \
  {                                                                                                \
    .name = "component", LAT_SIZE, offsetof(lat_request, component), 0, 1, LAT_MOST_PARTS, NULL,   \
    NULL, "nil"                                                                                    \
  }
/* What fit, fit_for, steps and partial_fit take. */
#define LAT_OPTION_WEIGHTS      LAT_OPTION_GIVEN("weights", "latent.Matrix?")
#define LAT_OPTION_COMM         LAT_OPTION_GIVEN("comm", "latent.Comm?")
#define LAT_OPTION_LABELS       LAT_OPTION_GIVEN("labels", "latent.Matrix?")
#define LAT_OPTION_ON_ITERATION LAT_OPTION_GIVEN("on_iteration", "function?")
#define LAT_OPTION_PROGRESS     LAT_OPTION_GIVEN("progress", "boolean|function?")
#define LAT_OPTION_MAX_SECONDS  LAT_OPTION_NUMBER(lat_request, max_seconds, 0, 0, (double)INFINITY)
#define LAT_OPTION_BUDGET       LAT_OPTION_NUMBER(lat_request, budget, 0, 0, (double)INFINITY)
#define LAT_OPTION_RATE         LAT_OPTION_NUMBER(lat_request, rate, 0, 0, 1)

/* What fit does, in slices of time. */
#define LAT_METHOD_FIT_FOR(options_)                                                               \
  {                                                                                                \
    .name = "fit_for", .argument = LAT_TAKES_DATA_AND_SECONDS, .options = options_                 \
  }

#define LAT_OUTPUT(shape, field)                                                                   \
  {                                                                                                \
    shape, offsetof(lat_outputs, field), LAT_END, 0                                                \
  }
#define LAT_OUTPUT_ROWS(field, size)                                                               \
  {                                                                                                \
    LAT_GIVES_ROWS, offsetof(lat_outputs, field), size, 0                                          \
  }

/* A method of rows, or of latent variables, and its outputs. */
#define LAT_METHOD_OF(takes_, name_, options_, ...)                                                \
  {                                                                                                \
    .name = name_, .argument = takes_, .outputs = {__VA_ARGS__}, .options = options_               \
  }
#define LAT_METHOD_ROWS(name_, options_, ...)                                                      \
  LAT_METHOD_OF(LAT_TAKES_ROWS, name_, options_, __VA_ARGS__)
#define LAT_METHOD_LATENT(name_, options_, ...)                                                    \
  LAT_METHOD_OF(LAT_TAKES_LATENT, name_, options_, __VA_ARGS__)

/* Those of models with a density: log_likelihood, score, aic, bic; and free_parameters. */
#define LAT_LIKELIHOOD_METHODS(options_)                                                           \
  LAT_METHOD_ROWS("log_likelihood", options_, LAT_OUTPUT(LAT_GIVES_NUMBERS, log_likelihood)),      \
      LAT_METHOD_ROWS("score", options_, LAT_OUTPUT(LAT_GIVES_MEAN, log_likelihood)),              \
      LAT_METHOD_ROWS("aic", options_, LAT_OUTPUT(LAT_GIVES_AIC, log_likelihood)),                 \
      LAT_METHOD_ROWS("bic", options_, LAT_OUTPUT(LAT_GIVES_BIC, log_likelihood))
#define LAT_DENSITY_METHODS(options_)                                                              \
  LAT_LIKELIHOOD_METHODS(options_),                                                                \
  {                                                                                                \
    .name = "free_parameters", .argument = LAT_TAKES_NOTHING                                       \
  }
/* Those of projections: transform, inverse_transform, reconstruct. */
#define LAT_PROJECTION_METHODS                                                                     \
  {.name = "transform", .argument = LAT_TAKES_ROWS, .outputs = {LAT_OUTPUT_ROWS(latent, LAT_M)}},  \
      {.name = "inverse_transform", .argument = LAT_TAKES_LATENT},                                 \
  {                                                                                                \
    .name = "reconstruct", .argument = LAT_TAKES_ROWS, .outputs = {                                \
      LAT_OUTPUT_ROWS(reconstruction, LAT_D)                                                       \
    }                                                                                              \
  }
#define LAT_METHOD_COVARIANCE                                                                      \
  {                                                                                                \
    .name = "covariance", .argument = LAT_TAKES_COMPONENT, .outputs = {                            \
      {LAT_GIVES_COVARIANCE, 0, LAT_D, 0}                                                          \
    }                                                                                              \
  }
#define LAT_METHOD_IMPUTE_WITH_VARIANCE                                                            \
  {                                                                                                \
    .name = "impute", .argument = LAT_TAKES_ROWS,                                                  \
    .outputs = {LAT_OUTPUT_ROWS(imputed, LAT_D),                                                   \
                {LAT_GIVES_ROWS, offsetof(lat_outputs, variances), LAT_D,                          \
                 offsetof(lat_request, variance) + 1}},                                            \
    .options = lat_variance_options, .missing = true                                               \
  }
/* Those of mixtures: and responsibilities, predict, elbo. */
#define LAT_MIXTURE_METHODS                                                                        \
  {.name = "responsibilities",                                                                     \
   .argument = LAT_TAKES_ROWS,                                                                     \
   .outputs = {LAT_OUTPUT_ROWS(responsibilities, LAT_K)},                                          \
   .options = lat_missing_options},                                                                \
      {.name = "predict",                                                                          \
       .argument = LAT_TAKES_ROWS,                                                                 \
       .outputs = {LAT_OUTPUT(LAT_GIVES_LABELS, labels)},                                          \
       .options = lat_missing_options},                                                            \
      {.name = "elbo",                                                                             \
       .argument = LAT_TAKES_ROWS_AND_Q,                                                           \
       .outputs = {LAT_OUTPUT(LAT_GIVES_NUMBERS, bound), LAT_OUTPUT(LAT_GIVES_NUMBERS, kl)},       \
       .options = lat_missing_options},                                                            \
      LAT_DENSITY_METHODS(lat_missing_options)

/* ---- the description ------------------------------------------------------------------------- */

struct lat_fit_kind;
struct lat_statistics_kind;
struct lat_net_kind;

struct lat_model {
  const char *name; /* "gmm" */
  const lat_option *options;
  size_t options_size;
  const lat_method *methods;
  bool missing; /* it knows missing entries */
  /* Parameters of a model with these options. */
  const lat_parameter *(*parameters)(const void *options);
  /* LAT_INVALID, with a sentence, for options that don't go with each other; bounds have been
   * checked. NULL: all do. */
  lat_status (*check)(lat_workspace *work, const void *options);
  /* The same for parameters, of a file or given, whose shapes go with `sizes` and which are finite:
   * do they go with each other and with the options? */
  lat_status (*check_fitted)(lat_workspace *work, const lat_fitted *fitted);
  /* What the table of methods says. LAT_SHAPE for other columns; LAT_INVALID, naming row and
   * column, for NaN and infinities in X. */
  lat_status (*apply)(lat_workspace *work, const lat_fitted *fitted, const lat_request *request,
                      const lat_outputs *outputs);
  /* The numbers that `apply` derives from parameters for such a request: how many, and they
   * themselves. NULL: none to speak of. */
  size_t (*prepared_count)(const lat_fitted *fitted, const lat_request *request);
  lat_status (*prepare)(lat_workspace *work, const lat_fitted *fitted, const lat_request *request,
                        double *numbers);
  /* X (N x D) := what the latent variables request->X stand for. */
  lat_status (*inverse)(lat_workspace *work, const lat_fitted *fitted, const lat_request *request,
                        const lat_matrix *X);
  /* n rows drawn (X, n x D); of a mixture their components (labels), of latent variables Z (n x M).
   */
  lat_status (*sample)(lat_workspace *work, const lat_fitted *fitted, lat_random *random,
                       const lat_matrix *X, const lat_outputs *of);
  /* C (D x D) := the covariance of x; in a mixture of component k, from 0. */
  lat_status (*covariance)(lat_workspace *work, const lat_fitted *fitted, size_t k,
                           const lat_matrix *C);
  size_t (*free_parameters)(const lat_fitted *fitted);
  /* Of mixtures: distances of the components of two (K x K, row i for component i of the first),
   * LAT_SHAPE if they can't be compared; and new component i := old component order[i], from 0, in
   * all that `fitted` has. */
  lat_status (*distances)(lat_workspace *work, const lat_fitted *first, const lat_fitted *second,
                          double *distances);
  lat_status (*reorder)(lat_workspace *work, lat_fitted *fitted, const size_t *order);
  const struct lat_fit_kind *fit; /* of models fitted by EM: em/fit.h */
  /* of those whose parameters are a function of sums over the rows: statistics.h */
  const struct lat_statistics_kind *statistics;
  const struct lat_net_kind *nets; /* of those with nets: deep/common/net_model.h */
  /* The type of results; NULL: float64. */
  lat_dtype (*dtype)(const lat_fitted *fitted);
  /* As `sample`, where the method has more options than the seed: by request. */
  lat_status (*draw)(lat_workspace *work, const lat_fitted *fitted, const lat_request *request,
                     lat_random *random, const lat_matrix *X, const lat_outputs *of);
};

/* Defines lat_NAME_defaults and lat_NAME_check, which a model's header declares. */
#define LAT_DEFINE_OPTIONS(NAME)                                                                   \
  lat_##NAME##_options lat_##NAME##_defaults(void)                                                 \
  {                                                                                                \
    lat_##NAME##_options o;                                                                        \
    lat_model_defaults(&lat_##NAME##_model, &o);                                                   \
    return o;                                                                                      \
  }                                                                                                \
  lat_status lat_##NAME##_check(lat_workspace *work, const lat_##NAME##_options *o)                \
  {                                                                                                \
    return lat_model_check(work, &lat_##NAME##_model, o);                                          \
  }
/* Define the description's functions by the model's own: lat_NAME_of is its view of what is fitted,
 * lat_NAME_apply and lat_NAME_free_parameters take that. */
#define LAT_DEFINE_APPLY(NAME)                                                                     \
  static lat_status apply(lat_workspace *work, const lat_fitted *f, const lat_request *request,    \
                          const lat_outputs *outputs)                                              \
  {                                                                                                \
    lat_##NAME model = lat_##NAME##_of(f);                                                         \
    return lat_##NAME##_apply(work, &model, request, outputs);                                     \
  }
/* Defines lat_NAME_prepare, and numbers_of for lat_NAME_apply: the prepared numbers, or the call's
 * own. `derive` fills the lat_NAME_prepared_count numbers. */
#define LAT_DEFINE_PREPARE(NAME)                                                                   \
  lat_status lat_##NAME##_prepare(lat_workspace *work, lat_##NAME *model,                          \
                                  const lat_request *request, double *numbers)                     \
  {                                                                                                \
    model->prepared = (lat_prepared){0};                                                           \
    LAT_TRY(derive(work, model, request, numbers));                                                \
    model->prepared = (lat_prepared){numbers, request->missing, request->scores};                  \
    return LAT_OK;                                                                                 \
  }                                                                                                \
  static lat_status numbers_of(lat_workspace *work, const lat_##NAME *model,                       \
                               const lat_request *request, const double **numbers)                 \
  {                                                                                                \
    *numbers = lat_prepared_for(&model->prepared, request);                                        \
    if (*numbers) return LAT_OK;                                                                   \
    double *own = lat_doubles(work, lat_##NAME##_prepared_count(model, request));                  \
    if (!own) return LAT_MEMORY;                                                                   \
    *numbers = own;                                                                                \
    return derive(work, model, request, own);                                                      \
  }
/* The description's prepared_count and prepare, by the model's own. */
#define LAT_DEFINE_PREPARED(NAME)                                                                  \
  static size_t prepared_count(const lat_fitted *f, const lat_request *request)                    \
  {                                                                                                \
    lat_##NAME model = lat_##NAME##_of(f);                                                         \
    return lat_##NAME##_prepared_count(&model, request);                                           \
  }                                                                                                \
  static lat_status prepare(lat_workspace *work, const lat_fitted *f, const lat_request *request,  \
                            double *numbers)                                                       \
  {                                                                                                \
    lat_##NAME model = lat_##NAME##_of(f);                                                         \
    return lat_##NAME##_prepare(work, &model, request, numbers);                                   \
  }
#define LAT_DEFINE_FREE_PARAMETERS(NAME)                                                           \
  static size_t free_parameters(const lat_fitted *f)                                               \
  {                                                                                                \
    lat_##NAME model = lat_##NAME##_of(f);                                                         \
    return lat_##NAME##_free_parameters(&model);                                                   \
  }

/* The model's defaults; and LAT_INVALID, with a sentence, for options out of bounds or that don't
 * go with each other. */
void lat_model_defaults(const lat_model *model, void *options);
lat_status lat_model_check(lat_workspace *work, const lat_model *model, const void *options);

/* Of mixtures: component i of `fitted` is now what was number permutation[i] (from 1), the one that
 * belongs to component i of the other, by the assignment with the least sum of distances, of which
 * distances[i] is theirs (K each). LAT_SHAPE if they can't be compared. */
lat_status lat_model_align(lat_workspace *work, const lat_fitted *other, lat_fitted *fitted,
                           double *permutation, double *distances);

/* What a method of the shape LAT_GIVES_MEAN, _AIC or _BIC says of its numbers, one for each row. */
double lat_method_summary(const lat_fitted *fitted, int shape, const lat_matrix *numbers);

/* The row of this name, or NULL. */
const lat_method *lat_method_find(const lat_method *table, const char *name);

/* Weights of K components, or the probabilities of a column: numbers >= 0 that add up to 1, but for
 * rounding (1e-6), add up to it as numbers here do afterwards. LAT_INVALID, naming `name`, for
 * others. */
lat_status lat_take_distribution(lat_workspace *work, const char *name, size_t n, double *p);
/* LAT_INVALID unless they do already (within 1e-6), for parameters of a file. */
lat_status lat_check_distribution(lat_workspace *work, const char *name, size_t n, const double *p);

#endif
