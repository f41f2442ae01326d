/* lds/options.c: the description of linear dynamical systems: options, what they say together, and
 * methods.
 *
 * Which parameters are given, which are estimated, and what the initial state is depends on several
 * options; lat_lds_resolve decides it once. */
#include "em/lds/em.h"
#include "em/lds/tracker/tracker.h"

const char *const lat_lds_initials[] = {"automatic", "known", "stationary", "diffuse", NULL};
static const char *const forms[] = {"covariance", "square_root", NULL};
static const char *const methods_of_tracker[] = {"extended", "unscented", NULL};

#define MATRIX "latent.Matrix|number|table|function"
/* An option that code reads, and what readers are told of its default. */
#define GIVEN(name_, also_, shown_)                                                                \
  {                                                                                                \
    .name = name_, LAT_GIVEN, 0, 0, 0, 0, NULL, also_, shown_                                      \
  }

static const lat_option options[] = {
    LAT_OPTION_SIZE(lat_lds_options, latent_dim, 1, 1, 65536),
    LAT_OPTION_GIVEN("A", MATRIX),
    LAT_OPTION_GIVEN("B", MATRIX),
    LAT_OPTION_GIVEN("C", MATRIX),
    LAT_OPTION_GIVEN("D", MATRIX),
    LAT_OPTION_GIVEN("Q", MATRIX),
    LAT_OPTION_GIVEN("R", MATRIX),
    GIVEN("initial_mean", "latent.Matrix|number", "0"),
    LAT_OPTION_GIVEN("initial_covariance", "latent.Matrix|number"),
    {.name = "initial",
     LAT_CHOICE,
     offsetof(lat_lds_options, initial),
     LAT_LDS_AUTOMATIC,
     0,
     0,
     lat_lds_initials,
     "table",
     NULL},
    LAT_OPTION_CHOICE(lat_lds_options, form, LAT_LDS_COVARIANCE_FORM, forms),
    GIVEN("estimate", "table?", "see below"),
    GIVEN("structure", "table", "{}"),
    GIVEN("fixed", "table", "{}"),
    LAT_FIT_OPTIONS(lat_lds_options, 500, 1e-14, 1),
    {.name = NULL}};

static const char *const structures[] = {"full", "diagonal", "scalar", NULL};
const lat_option lat_lds_structure_options[] = {{.name = "Q",
                                                 LAT_CHOICE,
                                                 offsetof(lat_lds_options, Q_structure),
                                                 LAT_LDS_FULL,
                                                 0,
                                                 0,
                                                 structures,
                                                 NULL,
                                                 NULL},
                                                {.name = "R",
                                                 LAT_CHOICE,
                                                 offsetof(lat_lds_options, R_structure),
                                                 LAT_LDS_FULL,
                                                 0,
                                                 0,
                                                 structures,
                                                 NULL,
                                                 NULL},
                                                {.name = NULL}};

lat_lds_options lat_lds_defaults(void)
{
  lat_lds_options o;
  lat_model_defaults(&lat_lds_model, &o);
  o.outputs = 1;
  return o;
}

lat_status lat_lds_check(lat_workspace *work, const lat_lds_options *o)
{
  return lat_model_check(work, &lat_lds_model, o);
}

static const char *name_of(int i)
{
  return lat_lds_parameters[i].name;
}

bool lat_lds_is_complete(const lat_lds_options *o)
{
  return o->A.data && o->C.data && o->Q.data && o->R.data && o->outputs > 0;
}

/* ---- the initial state ----------------------------------------------------------------------- */

/* Whether the options say nothing of the initial state, and it isn't estimated. */
static bool is_automatic(const lat_lds_options *o)
{
  if (o->initial_unsaid) return true;
  if (o->initial != LAT_LDS_AUTOMATIC || o->initials) return false;
  if (o->initial_mean.data || o->initial_covariance.data) return false;
  return lat_lds_is_complete(o) ||
         (o->estimate && !o->estimate[LAT_LDS_MEAN] && !o->estimate[LAT_LDS_COVARIANCE]);
}

static lat_lds_initial initial_of(const lat_lds_options *o, size_t state)
{
  lat_lds_initial initial = o->initials ? o->initials[state] : (lat_lds_initial)o->initial;
  return initial == LAT_LDS_AUTOMATIC ? LAT_LDS_KNOWN : initial;
}

bool lat_lds_is_stationary(const lat_lds_options *o)
{
  for (size_t i = 0; i < o->latent_dim; i++)
    if (initial_of(o, i) == LAT_LDS_STATIONARY) return true;
  return false;
}

/* Whether A has a stationary state; it must be given and constant. */
static lat_status find_stable(lat_workspace *work, const lat_lds_options *o, bool *stable)
{
  LAT_SCOPE(work);
  size_t M = o->latent_dim;
  double *memory = lat_doubles(work, M + 2 * M * M);
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, M * M * sizeof *memory);
  *stable = o->A.data && !o->A.stride && !o->Q.stride;
  if (!*stable) return LAT_OK;
  lat_lds lds = {.states = M, .A = o->A, .Q = {o->Q.data ? o->Q.data : memory, 0}};
  lat_status status = lat_lds_stationary(work, &lds, memory + M * M, memory + M * M + M);
  if (status == LAT_MEMORY || status == LAT_CANCELLED) return status;
  *stable = status == LAT_OK;
  work->message[0] = '\0';
  return LAT_OK;
}

static lat_status check_initial(lat_workspace *work, const lat_lds_options *o)
{
  bool known = false, said = o->initials || o->initial != LAT_LDS_AUTOMATIC;
  if (is_automatic(o)) return LAT_OK;
  for (size_t i = 0; i < o->latent_dim; i++) known |= initial_of(o, i) == LAT_LDS_KNOWN;
  if (known && lat_lds_is_stationary(o))
    return lat_fail(work, LAT_INVALID,
                    "initial: states are all stationary or none of them, but for diffuse ones");
  if (said && known && !o->initial_covariance.data && lat_lds_is_complete(o))
    return lat_fail(work, LAT_INVALID, "initial = \"known\" needs initial_covariance");
  return LAT_OK;
}

lat_status lat_lds_resolve(lat_workspace *work, lat_lds_options *o, lat_lds_initial *initials)
{
  bool stable = false, automatic = is_automatic(o);
  LAT_TRY(lat_lds_check(work, o));
  if (automatic) LAT_TRY(find_stable(work, o, &stable));
  for (size_t i = 0; i < o->latent_dim; i++) {
    initials[i] = initial_of(o, i);
    if (automatic) initials[i] = stable ? LAT_LDS_STATIONARY : LAT_LDS_DIFFUSE;
  }
  o->initials = initials;
  o->initial_unsaid = automatic;
  return LAT_OK;
}

/* ---- what is estimated ----------------------------------------------------------------------- */

void lat_lds_set_estimates(const lat_lds_options *o, size_t inputs,
                           bool estimate[LAT_LDS_PARAMETERS])
{
  bool complete = lat_lds_is_complete(o);
  if (o->estimate) {
    memcpy(estimate, o->estimate, LAT_LDS_PARAMETERS * sizeof *estimate);
    return;
  }
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++)
    estimate[i] = complete ? !o->given[i].stride : !o->given[i].data;
  if (inputs == 0) estimate[LAT_LDS_B] = estimate[LAT_LDS_D] = false;
  if (o->initial_unsaid || lat_lds_is_stationary(o))
    estimate[LAT_LDS_MEAN] = estimate[LAT_LDS_COVARIANCE] = false;
}

static lat_status check(lat_workspace *work, const void *options_)
{
  const lat_lds_options *o = options_;
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    if (i >= LAT_LDS_MEAN && o->given[i].stride)
      return lat_fail(work, LAT_INVALID, "%s is of the first step, so there is one of it",
                      name_of(i));
    if (o->estimate && o->estimate[i] && o->given[i].stride)
      return lat_fail(work, LAT_INVALID, "%s varies with t, and so can't be estimated", name_of(i));
    if (o->fixed[i] && (!o->given[i].data || o->given[i].stride || i == LAT_LDS_COVARIANCE))
      return lat_fail(work, LAT_INVALID, "fixed holds entries of %s, which isn't given",
                      name_of(i));
  }
  return check_initial(work, o);
}

/* ---- free parameters ------------------------------------------------------------------------- */

static bool is_covariance(int i)
{
  return i == LAT_LDS_Q || i == LAT_LDS_R || i == LAT_LDS_COVARIANCE;
}

/* Entries of parameter i that a fit chooses. */
static size_t count_free(const lat_lds_options *o, const size_t sizes[LAT_SIZES], int i)
{
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes), free = 0;
  size_t cols = count / lat_lds_max(sizes[lat_lds_parameters[i].shape[0]], 1);
  int structure = i == LAT_LDS_Q ? o->Q_structure : i == LAT_LDS_R ? o->R_structure : LAT_LDS_FULL;
  if (structure == LAT_LDS_SCALAR) return 1;
  for (size_t k = 0; k < count; k++) {
    size_t row = k / cols, col = k % cols;
    if (is_covariance(i) && col > row) continue;
    if (structure == LAT_LDS_DIAGONAL && col != row) continue;
    if (i >= LAT_LDS_MEAN &&
        (lat_lds_option_diffuse(o, row) || (is_covariance(i) && lat_lds_option_diffuse(o, col))))
      continue;
    free += !(o->fixed[i] && o->fixed[i][k]);
  }
  return free;
}

/* Whether states may be in any basis: all that a change of it moves is free. */
static bool any_basis(const lat_lds_options *o, const size_t sizes[LAT_SIZES],
                      const bool estimate[])
{
  static const int moved[] = {LAT_LDS_A, LAT_LDS_C, LAT_LDS_Q, LAT_LDS_B};
  bool any = o->Q_structure == LAT_LDS_FULL, all_diffuse = true, any_diffuse = false;
  for (size_t k = 0; k < (sizes[LAT_U] > 0 ? 4 : 3); k++)
    any &= estimate[moved[k]] && !o->fixed[moved[k]];
  if (lat_lds_is_stationary(o)) return any;
  for (size_t i = 0; i < sizes[LAT_M]; i++) {
    all_diffuse &= lat_lds_option_diffuse(o, i);
    any_diffuse |= lat_lds_option_diffuse(o, i);
  }
  if (any_diffuse) return any && all_diffuse;
  return any && estimate[LAT_LDS_MEAN] && estimate[LAT_LDS_COVARIANCE] && !o->fixed[LAT_LDS_MEAN];
}

size_t lat_lds_free_parameters(const lat_lds_options *o, const size_t sizes[LAT_SIZES])
{
  bool estimate[LAT_LDS_PARAMETERS];
  size_t sum = 0, M = sizes[LAT_M];
  lat_lds_set_estimates(o, sizes[LAT_U], estimate);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++)
    if (estimate[i]) sum += count_free(o, sizes, i);
  return any_basis(o, sizes, estimate) ? sum - M * M : sum;
}

/* ---- methods --------------------------------------------------------------------------------- */

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return lat_lds_parameters;
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  const lat_lds_options *o = f->options;
  const size_t *sizes = f->sizes;
  if (o->latent_dim != sizes[LAT_M] || (o->outputs && o->outputs != sizes[LAT_D]) ||
      (o->inputs && o->inputs != sizes[LAT_U]))
    return lat_fail(work, LAT_INVALID, "the parameters' sizes are not those that the options say");
  lat_lds lds = lat_lds_of(o, f->flat, sizes);
  return lat_lds_check_parameters(work, &lds, 1);
}

static size_t free_parameters(const lat_fitted *f)
{
  return lat_lds_free_parameters(f->options, f->sizes);
}

#define INPUTS LAT_OPTION_GIVEN("inputs", "latent.Matrix?")
#define SEED   LAT_OPTION_GIVEN("seed", "integer|latent.Random")
/* NaN is always a missing entry. */
#define MISSING                                                                                    \
  {                                                                                                \
    .name = "missing", LAT_BOOLEAN, offsetof(lat_request, missing), 1, 0, 1, NULL, NULL, NULL      \
  }
static const lat_option fit_options[] = {INPUTS,
                                         MISSING,
                                         LAT_OPTION_ON_ITERATION,
                                         LAT_OPTION_PROGRESS,
                                         LAT_OPTION_MAX_SECONDS,
                                         LAT_OPTION_COMM,
                                         {.name = NULL}},
                        slice_options[] = {INPUTS,
                                           MISSING,
                                           LAT_OPTION_ON_ITERATION,
                                           {.name = NULL}},
                        steps_options[] = {INPUTS, MISSING, LAT_OPTION_BUDGET, {.name = NULL}},
                        inputs_option[] = {INPUTS, {.name = NULL}},
                        impute_options[] = {INPUTS, LAT_OPTION_VARIANCE, {.name = NULL}},
                        forecast_options[] = {INPUTS,
                                              LAT_OPTION_GIVEN("future_inputs", "latent.Matrix?"),
                                              LAT_OPTION_NUMBER_OR_NONE(lat_request, level, 0, 1),
                                              {.name = NULL}},
                        sample_options[] = {SEED, INPUTS, {.name = NULL}},
                        simulate_options[] = {
                            SEED, LAT_OPTION_GIVEN("draws", "integer?"), INPUTS, {.name = NULL}};

#define TRACKER(name_, kind, field, otherwise, least, most)                                        \
  {                                                                                                \
    .name = name_, kind, offsetof(lat_lds_tracker_options, field), otherwise, least, most, NULL,   \
    NULL, NULL                                                                                     \
  }
const lat_option lat_lds_tracker_option_table[] = {
    LAT_OPTION_BOOLEAN(lat_lds_tracker_options, steady_state, false),
    LAT_OPTION_GIVEN("f", "function?"),
    LAT_OPTION_GIVEN("h", "function?"),
    LAT_OPTION_CHOICE(lat_lds_tracker_options, method, LAT_LDS_EXTENDED, methods_of_tracker),
    LAT_OPTION_GIVEN("f_jacobian", "function?"),
    LAT_OPTION_GIVEN("h_jacobian", "function?"),
    TRACKER("alpha", LAT_NUMBER, unscented.alpha, 1, 1e-8, 1e8),
    TRACKER("beta", LAT_NUMBER, unscented.beta, 2, -1e8, 1e8),
    TRACKER("kappa", LAT_NUMBER, unscented.kappa, 0, -1e8, 1e8),
    {.name = NULL}};

static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_METHOD_FIT_FOR(slice_options),
    {.name = "steps", .argument = LAT_TAKES_DATA, .options = steps_options},
    {.name = "filter", .options = inputs_option},
    {.name = "smooth", .options = inputs_option},
    {.name = "transform", .options = inputs_option},
    {.name = "log_likelihood", .options = inputs_option},
    {.name = "innovations", .options = inputs_option},
    {.name = "impute", .options = impute_options},
    {.name = "forecast", .options = forecast_options},
    {.name = "sample", .options = sample_options},
    {.name = "simulate", .options = simulate_options},
    {.name = "score", .options = inputs_option},
    {.name = "aic", .options = inputs_option},
    {.name = "bic", .options = inputs_option},
    {.name = "free_parameters", .argument = LAT_TAKES_NOTHING},
    {.name = "tracker", .options = lat_lds_tracker_option_table},
    {.name = NULL}};

const lat_model lat_lds_model = {.name = "lds",
                                 .options = options,
                                 .options_size = sizeof(lat_lds_options),
                                 .methods = methods,
                                 .missing = true,
                                 .parameters = parameters,
                                 .check = check,
                                 .check_fitted = check_fitted,
                                 .free_parameters = free_parameters,
                                 .fit = &lat_lds_fit_kind};
