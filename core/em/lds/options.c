/* lds/options.c: what the options of a linear dynamical system say together.
 *
 * Which parameters are given, which are estimated, and what the initial state is depends on several
 * options; here it becomes a lat_lds_model, which the filter and EM work with. */
#include "em/lds/em.h"

lat_lds_options lat_lds_defaults(void)
{
  return (lat_lds_options){.max_iterations = 500, .tolerance = 1e-14, .restarts = 1};
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
  if (o->initial != LAT_LDS_AUTOMATIC || o->initials) return false;
  if (o->initial_mean.data || o->initial_covariance.data) return false;
  return lat_lds_is_complete(o) ||
         (o->estimate && !o->estimate[LAT_LDS_MEAN] && !o->estimate[LAT_LDS_COVARIANCE]);
}

/* Whether A has a stationary state; it must be given and constant. */
static lat_status is_stable(lat_workspace *work, const lat_lds_options *o, bool *stable)
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

static lat_lds_initial initial_of(const lat_lds_options *o, size_t state)
{
  lat_lds_initial initial = o->initials ? o->initials[state] : o->initial;
  return initial == LAT_LDS_AUTOMATIC ? LAT_LDS_KNOWN : initial;
}

static lat_status set_initial(lat_workspace *work, const lat_lds_options *o, bool *diffuse,
                              lat_lds_model *model)
{
  bool known = false, stationary = false, any_diffuse = false, stable = false;
  bool automatic = is_automatic(o), said = o->initials || o->initial != LAT_LDS_AUTOMATIC;
  if (automatic) LAT_TRY(is_stable(work, o, &stable));
  for (size_t i = 0; i < o->latent_dim; i++) {
    lat_lds_initial initial = initial_of(o, i);
    if (automatic) initial = stable ? LAT_LDS_STATIONARY : LAT_LDS_DIFFUSE;
    diffuse[i] = initial == LAT_LDS_DIFFUSE;
    any_diffuse |= diffuse[i];
    known |= initial == LAT_LDS_KNOWN;
    stationary |= initial == LAT_LDS_STATIONARY;
  }
  if (stationary && known)
    return lat_fail(work, LAT_INVALID,
                    "initial: states are all stationary or none of them, but for diffuse ones");
  if (said && known && !o->initial_covariance.data && lat_lds_is_complete(o))
    return lat_fail(work, LAT_INVALID, "initial = \"known\" needs initial_covariance");
  model->diffuse = any_diffuse ? diffuse : NULL;
  model->stationary = stationary;
  return LAT_OK;
}

/* ---- what is estimated ----------------------------------------------------------------------- */

static lat_status check_flags(lat_workspace *work, const lat_lds_options *o)
{
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
  return LAT_OK;
}

lat_status lat_lds_resolve(lat_workspace *work, const lat_lds_options *o, bool *diffuse,
                           lat_lds_model *model)
{
  *model = (lat_lds_model){.Q_structure = o->Q_structure,
                           .R_structure = o->R_structure,
                           .square_root = o->form == LAT_LDS_SQUARE_ROOT};
  LAT_TRY(check_flags(work, o));
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    model->given[i] = o->given[i].data;
    model->fixed[i] = o->fixed[i];
  }
  LAT_TRY(set_initial(work, o, diffuse, model));
  lat_lds_set_estimates(o, o->inputs, model);
  return LAT_OK;
}

void lat_lds_set_estimates(const lat_lds_options *o, size_t inputs, lat_lds_model *model)
{
  bool complete = lat_lds_is_complete(o), *estimate = model->estimate;
  if (o->estimate) {
    memcpy(estimate, o->estimate, sizeof model->estimate);
    return;
  }
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++)
    estimate[i] = complete ? !o->given[i].stride : !o->given[i].data;
  if (inputs == 0) estimate[LAT_LDS_B] = estimate[LAT_LDS_D] = false;
  if (model->stationary || is_automatic(o))
    estimate[LAT_LDS_MEAN] = estimate[LAT_LDS_COVARIANCE] = false;
}

lat_status lat_lds_check_estimates(lat_workspace *work, const lat_lds_options *o,
                                   const lat_lds_model *model)
{
  static const int needed[] = {LAT_LDS_A, LAT_LDS_C, LAT_LDS_Q, LAT_LDS_R};
  for (size_t k = 0; k < 4; k++)
    if (!o->given[needed[k]].data && !model->estimate[needed[k]])
      return lat_fail(work, LAT_INVALID, "%s is neither given nor estimated", name_of(needed[k]));
  for (int i = 0; i < LAT_LDS_Q; i++) {
    int noise = i == LAT_LDS_A || i == LAT_LDS_B ? LAT_LDS_Q : LAT_LDS_R;
    if (model->estimate[i] && o->given[noise].stride)
      return lat_fail(work, LAT_INVALID, "%s can't be estimated when %s varies with t", name_of(i),
                      name_of(noise));
  }
  if (model->stationary && (model->estimate[LAT_LDS_MEAN] || model->estimate[LAT_LDS_COVARIANCE]))
    return lat_fail(work, LAT_INVALID,
                    "initial = \"stationary\" leaves no initial state to estimate");
  return LAT_OK;
}

/* ---- free parameters ------------------------------------------------------------------------- */

static bool is_covariance(int i)
{
  return i == LAT_LDS_Q || i == LAT_LDS_R || i == LAT_LDS_COVARIANCE;
}

/* Entries of parameter i that a fit chooses. */
static size_t count_free(const lat_lds_model *m, const size_t sizes[LAT_SIZES], int i)
{
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes), free = 0;
  size_t cols = count / lat_lds_max(sizes[lat_lds_parameters[i].shape[0]], 1);
  lat_lds_structure structure = i == LAT_LDS_Q   ? m->Q_structure
                                : i == LAT_LDS_R ? m->R_structure
                                                 : LAT_LDS_FULL;
  if (!m->estimate[i]) return 0;
  if (structure == LAT_LDS_SCALAR) return 1;
  for (size_t k = 0; k < count; k++) {
    size_t row = k / cols, col = k % cols;
    if (is_covariance(i) && col > row) continue;
    if (structure == LAT_LDS_DIAGONAL && col != row) continue;
    if (i >= LAT_LDS_MEAN && m->diffuse &&
        (m->diffuse[row] || (is_covariance(i) && m->diffuse[col])))
      continue;
    free += !(m->fixed[i] && m->fixed[i][k]);
  }
  return free;
}

/* Whether states may be in any basis: all that a change of it moves is free. */
static bool any_basis(const lat_lds_model *m, const size_t sizes[LAT_SIZES])
{
  static const int moved[] = {LAT_LDS_A, LAT_LDS_C, LAT_LDS_Q, LAT_LDS_B};
  bool any = m->Q_structure == LAT_LDS_FULL;
  for (size_t k = 0; k < (sizes[LAT_U] > 0 ? 4 : 3); k++)
    any &= m->estimate[moved[k]] && !m->fixed[moved[k]];
  if (m->stationary) return any;
  for (size_t i = 0; m->diffuse && i < sizes[LAT_M]; i++) any &= m->diffuse[i];
  if (m->diffuse) return any;
  return any && m->estimate[LAT_LDS_MEAN] && m->estimate[LAT_LDS_COVARIANCE] &&
         !m->fixed[LAT_LDS_MEAN];
}

size_t lat_lds_free_parameters(const lat_lds_model *m, const size_t sizes[LAT_SIZES])
{
  size_t sum = 0, M = sizes[LAT_M];
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) sum += count_free(m, sizes, i);
  return any_basis(m, sizes) ? sum - M * M : sum;
}
