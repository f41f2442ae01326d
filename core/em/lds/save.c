/* lds/save.c: linear dynamical systems as files (modeling/save.h).
 *
 * The initial states are an option of their own, which no table describes: "initial" is one word,
 * or a list of one for each state; without it they are known. What Lua writes besides (values that
 * were given, what was estimated) is about fits, and isn't read here; but for matrices that vary,
 * whose parameters are those of the first step only. */
#include "modeling/save.h"
#include "em/lds/em.h"
#include "files/file.h"

/* ---- writing --------------------------------------------------------------------------------- */

static void put_word(lat_json_text *t, const char *word)
{
  lat_json_put_string(t, (lat_text){word, strlen(word)});
}

static lat_lds_initial initial_of(const lat_lds *lds, size_t state)
{
  return lds->initial ? lds->initial[state] : LAT_LDS_KNOWN;
}

lat_status lat_lds_write_options(lat_workspace *work, const lat_lds *lds, lat_text *to)
{
  lat_json_text t = {.work = work};
  size_t M = lds->states;
  bool alike = true;
  for (size_t i = 1; i < M; i++) alike &= initial_of(lds, i) == initial_of(lds, 0);
  lat_json_put(&t, lds->square_root ? "{\"form\":\"square_root\"," : "{");
  lat_json_put(&t, alike ? "\"initial\":" : "\"initial\":[");
  for (size_t i = 0; i < (alike ? 1 : M); i++) {
    if (i > 0) lat_json_put(&t, ",");
    put_word(&t, lat_lds_initials[initial_of(lds, i)]);
  }
  lat_json_put(&t, alike ? ",\"latent_dim\":" : "],\"latent_dim\":");
  lat_json_put_integer(&t, (int64_t)M);
  lat_json_put(&t, "}");
  *to = (lat_text){t.at, t.n};
  return t.status;
}

lat_status lat_lds_fitted(lat_workspace *work, const lat_lds *lds, lat_lds_options *options,
                          lat_fitted *fitted)
{
  LAT_TRY(lat_lds_check_parameters(work, lds, 1));
  for (int i = 0; i < LAT_LDS_MEAN; i++)
    if (lds->matrix[i].stride)
      return lat_fail(work, LAT_INVALID, "%s varies with t, and can't be saved",
                      lat_lds_parameters[i].name);
  lat_model_defaults(&lat_lds_model, options);
  options->latent_dim = lds->states;
  options->inputs = lds->inputs;
  options->form = lds->square_root ? LAT_LDS_SQUARE_ROOT : LAT_LDS_COVARIANCE_FORM;
  options->initials = lds->initial;
  *fitted =
      (lat_fitted){.model = &lat_lds_model,
                   .options = options,
                   .sizes = {[LAT_M] = lds->states, [LAT_D] = lds->outputs, [LAT_U] = lds->inputs}};
  fitted->flat = lat_doubles(work, lat_lds_copy_count(lds, 1));
  if (!fitted->flat) return LAT_MEMORY;
  lat_lds_copy(lds, 1, fitted->flat); /* in the order of the parameters */
  return LAT_OK;
}

lat_status lat_lds_save(lat_workspace *work, const lat_lds *lds, const char *path)
{
  lat_lds_options options;
  lat_fitted fitted;
  LAT_SCOPE(work);
  LAT_TRY(lat_lds_fitted(work, lds, &options, &fitted));
  lat_saved saved = {.set = {"", lat_lds_parameters, fitted.sizes, fitted.flat},
                     .kind = "lds",
                     .record = {"{}", 2}};
  LAT_TRY(lat_lds_write_options(work, lds, &saved.options));
  LAT_TRY(lat_saved_write(work, (lat_target){.path = path}, &saved, 1));
  return LAT_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static lat_status read_word(lat_workspace *work, lat_json *j, lat_lds_initial *initial)
{
  lat_text text;
  LAT_TRY(lat_json_string(j, &text));
  for (int k = LAT_LDS_AUTOMATIC; lat_lds_initials[k]; k++)
    if (lat_text_is(text, lat_lds_initials[k])) {
      *initial = k == LAT_LDS_AUTOMATIC ? LAT_LDS_KNOWN : (lat_lds_initial)k;
      return LAT_OK;
    }
  return lat_fail(work, LAT_FORMAT, "unknown initial '%.*s'", (int)(text.n < 40 ? text.n : 40),
                  text.at);
}

/* One word for all states, or one for each. */
static lat_status read_initial(lat_workspace *work, lat_json *j, size_t M,
                               lat_lds_initial *initials)
{
  size_t count = 0;
  bool more;
  if (lat_json_peek(j) == '"') {
    LAT_TRY(read_word(work, j, &initials[0]));
    for (size_t i = 1; i < M; i++) initials[i] = initials[0];
    return LAT_OK;
  }
  LAT_TRY(lat_json_open(j, '['));
  for (;; count++) {
    LAT_TRY(lat_json_more(j, &more));
    if (!more) break;
    if (count == M) break;
    LAT_TRY(read_word(work, j, &initials[count]));
  }
  if (count == M && !more) return LAT_OK;
  return lat_fail(work, LAT_FORMAT, "initial is a list of other than %zu, the number of states", M);
}

/* Whether the value is a list of matrices: its first element is a matrix, which is an object, or a
 * list of lists. */
static lat_status find_varying(lat_json j, bool *varying)
{
  bool more;
  *varying = false;
  if (lat_json_peek(&j) != '[') return LAT_OK;
  LAT_TRY(lat_json_open(&j, '['));
  LAT_TRY(lat_json_more(&j, &more));
  *varying = more && lat_json_peek(&j) == '{';
  if (!more || lat_json_peek(&j) != '[') return LAT_OK;
  LAT_TRY(lat_json_open(&j, '['));
  LAT_TRY(lat_json_more(&j, &more));
  *varying = more && lat_json_peek(&j) == '[';
  return LAT_OK;
}

static lat_status read_option(lat_workspace *work, lat_json *j, lat_text key, size_t M,
                              lat_lds_initial *initials)
{
  bool varying;
  if (lat_text_is(key, "initial")) return read_initial(work, j, M, initials);
  for (int i = 0; i < LAT_LDS_MEAN; i++) {
    if (!lat_text_is(key, lat_lds_parameters[i].name)) continue;
    LAT_TRY(find_varying(*j, &varying));
    if (varying)
      return lat_fail(work, LAT_FORMAT, "%s varies with t, and can't be read here",
                      lat_lds_parameters[i].name);
  }
  return lat_json_skip(j);
}

/* What the options say of each state at first; other options have been read. */
static lat_status read_initials(lat_workspace *work, const lat_map *map, size_t M,
                                lat_lds_initial *initials)
{
  lat_safetensors file;
  lat_json j;
  lat_text key;
  LAT_SCOPE(work);
  for (size_t i = 0; i < M; i++) initials[i] = LAT_LDS_KNOWN;
  LAT_TRY(lat_safetensors_parse(work, map->bytes, map->size, &file));
  LAT_TRY(lat_saved_object(work, &file, "", "options", &j));
  LAT_TRY(lat_json_open(&j, '{'));
  for (bool more;;) {
    LAT_TRY(lat_json_more(&j, &more));
    if (!more) return LAT_OK;
    LAT_TRY(lat_json_key(&j, &key));
    LAT_TRY(read_option(work, &j, key, M, initials));
  }
}

static lat_status load(lat_workspace *work, const lat_map *map, lat_lds *lds)
{
  lat_lds_options o;
  lat_fitted f;
  LAT_TRY(lat_model_parse(work, map->bytes, map->size, &lat_lds_model, &o, &f));
  lat_lds_initial *initials = lat_allocate(work, o.latent_dim, sizeof *initials);
  if (!initials) return LAT_MEMORY;
  LAT_TRY(read_initials(work, map, o.latent_dim, initials));
  o.initials = initials;
  *lds = lat_lds_of(&o, f.flat, f.sizes);
  return LAT_OK;
}

lat_status lat_lds_load(lat_workspace *work, const char *path, lat_lds *lds)
{
  lat_map map;
  lat_mark mark = lat_workspace_mark(work);
  LAT_TRY(lat_file_map(work, path, &map));
  lat_status status = load(work, &map, lds);
  lat_file_unmap(&map);
  if (status != LAT_OK) lat_workspace_release(work, mark);
  return status;
}
