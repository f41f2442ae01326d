/* net_file.h: models with nets as files.
 *
 *   LAT_TRY(lat_vae_save(work, &vae, "vae.safetensors"));
 *   lat_vae again;                                   a struct that must not move
 *   LAT_TRY(lat_vae_load(work, "vae.safetensors", &again));
 *   lat_vae_done(&again);
 *
 * Such a file is a checkpoint of nets (nn/checkpoint.h): parameters, their averages, the moments of
 * the optimizer and the place in the stream of noise, so that training goes on bit for bit. What
 * the model is stands beside it, as in other models' files (modeling/save.h): kind, options, sizes
 * and record. */
#ifndef LAT_DEEP_COMMON_NET_FILE_H
#define LAT_DEEP_COMMON_NET_FILE_H

#include "deep/common/training.h"
#include "modeling/save.h"

/* Writes the model with these options, whose state is `deep`: whole, or not at all. LAT_INVALID for
 * options out of bounds; LAT_FILE. */
lat_status lat_net_save(lat_workspace *work, const char *path, const lat_model *model,
                        const void *options, lat_deep *deep);

/* Makes the nets of a file of this kind of model, in `net`, the model's struct, which must not move
 * until it is done: `options` is memory for the options of the model. LAT_FILE; LAT_FORMAT, naming
 * what is wrong, for a file that isn't one of this kind, for options out of bounds, for nets that
 * are larger than the file, for parameters that are missing, of other shapes or not finite. After a
 * failure nothing is to be freed. */
lat_status lat_net_load(lat_workspace *work, const char *path, const lat_model *model,
                        void *options, void *net);
/* The same of a file's bytes. */
lat_status lat_net_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         const lat_model *model, void *options, void *net);

/* ---- in parts, for bindings ------------------------------------------------------------------ */

/* Writes a checkpoint with what is said of the model beside it. */
lat_status lat_net_write(lat_workspace *work, lat_target target, const lat_checkpoint *checkpoint,
                         const lat_saved *saved);
/* LAT_INVALID for options of nets with more parameters than a file of so many bytes can hold, which
 * a stranger's may ask for; 0 bytes: no file, but some limit. */
lat_status lat_net_check_size(lat_workspace *work, const lat_model *model, const void *options,
                              size_t bytes);

#endif
