/* net_file.c: models with nets as files: a checkpoint and the metadata of a model in one
 * (net_file.h). */
#include "deep/common/net_file.h"

#include "deep/common/limits.h"
#include "deep/common/net_model.h"
#include "files/file.h"
#include "modeling/option_json.h"

/* ---- writing --------------------------------------------------------------------------------- */

lat_status lat_net_write(lat_workspace *work, lat_target target, const lat_checkpoint *checkpoint,
                         const lat_saved *saved)
{
  LAT_SCOPE(work);
  lat_pair metadata[LAT_SAVED_PAIRS];
  LAT_TRY(lat_saved_pairs(work, saved, metadata));
  LAT_TRY(lat_checkpoint_write(work, target, checkpoint, metadata, LAT_SAVED_PAIRS));
  return LAT_OK;
}

lat_status lat_net_save(lat_workspace *work, const char *path, const lat_model *model,
                        const void *options, lat_deep *deep)
{
  LAT_SCOPE(work);
  static const size_t no_sizes[LAT_SIZES] = {0};
  const lat_checkpoint checkpoint = lat_deep_checkpoint(deep);
  lat_saved saved = {
      {"", model->parameters(options), no_sizes, NULL}, model->name, {"", 0}, {"{}", 2}};
  LAT_TRY(lat_model_check(work, model, options));
  LAT_TRY(lat_options_write(work, model->options, options, &saved.options));
  LAT_TRY(lat_net_write(work, (lat_target){.path = path}, &checkpoint, &saved));
  return LAT_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A parameter has at least four bytes. */
lat_status lat_net_check_size(lat_workspace *work, const lat_model *model, const void *options,
                              size_t bytes)
{
  double most = bytes ? (double)bytes / 4 : LAT_NET_MOST_NUMBERS;
  double numbers = model->nets->numbers(options);
  if (numbers <= most) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the nets would have %.0f parameters, which is too many",
                  numbers);
}

static lat_status read_net(lat_workspace *work, const lat_safetensors *file,
                           const unsigned char *bytes, size_t n, const lat_model *model,
                           void *options, void *net)
{
  const lat_text *format = lat_safetensors_metadata(file, "format");
  if (!format || !lat_text_is(*format, LAT_CHECKPOINT_FORMAT))
    return lat_fail(work, LAT_FORMAT, "no saved model with nets");
  LAT_TRY(lat_saved_options(work, file, model, options));
  lat_status status = lat_net_check_size(work, model, options, n);
  if (status == LAT_OK) status = model->nets->init(work, net, options);
  LAT_TRY(lat_saved_fault(work, "the options are wrong", status));
  lat_checkpoint checkpoint = lat_deep_checkpoint(net);
  status = lat_checkpoint_read(work, file, bytes, &checkpoint);
  if (status != LAT_OK) model->nets->done(net);
  return status;
}

lat_status lat_net_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         const lat_model *model, void *options, void *net)
{
  LAT_SCOPE(work);
  lat_safetensors file;
  LAT_TRY(lat_safetensors_parse(work, bytes, n, &file));
  LAT_TRY(read_net(work, &file, bytes, n, model, options, net));
  return LAT_OK;
}

lat_status lat_net_load(lat_workspace *work, const char *path, const lat_model *model,
                        void *options, void *net)
{
  lat_map map;
  LAT_TRY(lat_file_map(work, path, &map));
  lat_status status = lat_net_parse(work, map.bytes, map.size, model, options, net);
  lat_file_unmap(&map);
  return status;
}
