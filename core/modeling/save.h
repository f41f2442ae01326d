/* save.h: models as files, which C programs, Lua and others read.
 *
 *   LAT_TRY(lat_gmm_save(work, &gmm, "mixture.safetensors"));
 *   LAT_TRY(lat_gmm_load(work, "mixture.safetensors", &gmm));
 *
 * A saved model is a safetensors file (files/safetensors.h): its parameters, each an array of its
 * name, and metadata
 *
 *   format   "latent"
 *   version  "1"
 *   kind     the model's name, "gmm"
 *   options  an object (JSON): options by name, choices by their words; those that aren't there
 *            have their defaults
 *   sizes    {"D":4,"K":3}, those that shapes of parameters use
 *   record   an object: what else is told of the fit (iterations, history), which C doesn't read
 *
 * A file may hold several models, of which each has a prefix ("1.", "2.", ...) before the names of
 * its arrays and of the last four; and a kind and options without a prefix, which say what they are
 * together.
 *
 * A file is a stranger's. What it says is compared with the tables of the model before memory is
 * taken for it, and nothing in it is run. */
#ifndef LAT_MODELING_SAVE_H
#define LAT_MODELING_SAVE_H

#include "files/safetensors.h"
#include "modeling/model.h"

/* Writes the model: whole, or not at all (files/file.h). LAT_INVALID for options out of bounds;
 * LAT_FILE. Explicit parameters for a fit to begin with (fit.given) aren't saved. */
lat_status lat_model_save(lat_workspace *work, const char *path, const lat_fitted *fitted);

/* Reads a model of this kind: `options` is the model's struct, and `fitted` has parameters in the
 * workspace and no statistics. LAT_FILE; LAT_FORMAT, naming what is wrong, for a file that isn't
 * one of this kind, for options out of bounds, for parameters that are missing, of other shapes or
 * not finite, or that don't go with each other. Values that no table describes (an explicit `init`
 * from Lua) are passed over. Messages don't have the path. Keeps the parameters. */
lat_status lat_model_load(lat_workspace *work, const char *path, const lat_model *model,
                          void *options, lat_fitted *fitted);
/* The same of a file's bytes. Keeps the parameters. */
lat_status lat_model_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                           const lat_model *model, void *options, lat_fitted *fitted);

/* ---- a model's own functions ----------------------------------------------------------------- */

/* Defines lat_NAME_fitted, lat_NAME_save and lat_NAME_load, which a model's header declares.
 * Parameters begin at the model's field FIRST; what follows are its sizes, as fields of `model`:
 *
 *   LAT_DEFINE_FILES(ppca, mean, [LAT_D] = model->D, [LAT_M] = model->M) */
#define LAT_DEFINE_FILES(NAME, FIRST, ...)                                                         \
  LAT_DEFINE_FITTED(NAME, FIRST, __VA_ARGS__)                                                      \
  lat_status lat_##NAME##_save(lat_workspace *work, const lat_##NAME *model, const char *path)     \
  {                                                                                                \
    const lat_fitted f = lat_##NAME##_fitted(model);                                               \
    return lat_model_save(work, path, &f);                                                         \
  }                                                                                                \
  LAT_DEFINE_LOAD(NAME)
#define LAT_DEFINE_FITTED(NAME, FIRST, ...)                                                        \
  lat_fitted lat_##NAME##_fitted(const lat_##NAME *model)                                          \
  {                                                                                                \
    return (lat_fitted){.model = &lat_##NAME##_model,                                              \
                        .options = &model->options,                                                \
                        .sizes = {__VA_ARGS__},                                                    \
                        .flat = (double *)model->FIRST};                                           \
  }
#define LAT_DEFINE_LOAD(NAME)                                                                      \
  lat_status lat_##NAME##_load(lat_workspace *work, const char *path, lat_##NAME *model)           \
  {                                                                                                \
    lat_##NAME##_options o;                                                                        \
    lat_fitted f;                                                                                  \
    LAT_TRY(lat_model_load(work, path, &lat_##NAME##_model, &o, &f));                              \
    *model = lat_##NAME##_of(&f);                                                                  \
    return LAT_OK;                                                                                 \
  }

/* ---- in parts, for bindings ------------------------------------------------------------------ */

#define LAT_SAVED_FORMAT  "latent"
#define LAT_SAVED_VERSION "1"

/* One model of a file, or what its models are together: then set.sizes is NULL, and there is
 * neither record nor array. */
typedef struct lat_saved {
  lat_parameter_set set;
  const char *kind;
  lat_text options, record;
} lat_saved;

enum { LAT_SAVED_PAIRS = 4 };
/* The metadata of a model: kind, options, sizes and record. Keeps them. */
lat_status lat_saved_pairs(lat_workspace *work, const lat_saved *model,
                           lat_pair pairs[LAT_SAVED_PAIRS]);
/* Format and version. */
void lat_saved_format(lat_pair pairs[2]);
lat_status lat_saved_write(lat_workspace *work, lat_target target, const lat_saved *models,
                           size_t count);

/* LAT_FORMAT unless it is a file of models, of this version. */
lat_status lat_saved_check(lat_workspace *work, const lat_safetensors *file);
/* The metadata of `prefix` and `key`, or NULL. */
const lat_text *lat_saved_find(const lat_safetensors *file, const char *prefix, const char *key);
/* Keeps the prefix of model `number` of a file, from 1; NULL: no memory. And how many of them the
 * file has. */
const char *lat_saved_prefix(lat_workspace *work, size_t number);
size_t lat_saved_count(const lat_safetensors *file);
/* A reader of the metadata of `prefix` and `key`, which must be an object. */
lat_status lat_saved_object(lat_workspace *work, const lat_safetensors *file, const char *prefix,
                            const char *key, lat_json *json);
lat_status lat_saved_sizes(lat_workspace *work, const lat_safetensors *file, const char *prefix,
                           const lat_parameter *table, size_t sizes[LAT_SIZES]);

/* The options of the file's model, which is of this kind, checked; and the record is JSON. */
lat_status lat_saved_options(lat_workspace *work, const lat_safetensors *file,
                             const lat_model *model, void *options);

/* After a failure that is the file's fault: LAT_FORMAT, with `what` before the message. */
lat_status lat_saved_fault(lat_workspace *work, const char *what, lat_status status);

#endif
