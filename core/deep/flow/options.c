/* flow/options.c: a flow's options, their checks, and the layers that a kind has (flow.h). What it
 * does is described in model.c. */
#include <math.h>
#include <string.h>

#include "deep/flow/internal.h"

const char *const lat_flow_kind_names[LAT_FLOW_KINDS + 1] = {
    [LAT_FLOW_NSF] = "nsf", [LAT_FLOW_MAF] = "maf", [LAT_FLOW_REALNVP] = "realnvp"};
const char *const lat_flow_layer_names[LAT_FLOW_LAYER_KINDS + 1] = {
    [LAT_FLOW_AFFINE] = "affine",
    [LAT_FLOW_SPLINE] = "spline",
    [LAT_FLOW_MASKED_AFFINE] = "masked_affine",
    [LAT_FLOW_MASKED_SPLINE] = "masked_spline",
    [LAT_FLOW_PLANAR] = "planar",
    [LAT_FLOW_RADIAL] = "radial",
    [LAT_FLOW_ACTNORM] = "actnorm",
    [LAT_FLOW_LINEAR] = "linear",
    [LAT_FLOW_PERMUTE] = "permute",
    [LAT_FLOW_REVERSE] = "reverse"};

enum { MOST_WIDTH = 1 << 20, MOST_DIM = 1 << 20, OWN_WIDTH = 64, OWN_DEPTH = 2 };

const lat_option lat_flow_table[] = {
    LAT_DEEP_ROW("input_dim", LAT_SIZE, lat_flow_options, input_dim, 0, 1, MOST_DIM, NULL,
                 "required"),
    LAT_OPTION_SIZE(lat_flow_options, context_dim, 0, 0, MOST_DIM),
    LAT_OPTION_CHOICE(lat_flow_options, kind, LAT_FLOW_NSF, lat_flow_kind_names),
    LAT_OPTION_READ("layers", "integer|table", "the kind's"),
    LAT_OPTION_WIDTHS("hidden", "{64, 64}"),
    LAT_OPTION_SIZE(lat_flow_options, bins, 8, 2, LAT_SPLINE_BINS),
    LAT_OPTION_NUMBER(lat_flow_options, box, 5, 1e-3, 1e6),
    LAT_OPTION_NUMBER(lat_flow_options, bound, 2, 1e-3, (double)INFINITY),
    LAT_OPTION_CHOICE(lat_flow_options, base, LAT_BASE_NORMAL, lat_flow_base_names),
    LAT_OPTION_BOOLEAN(lat_flow_options, standardize, true),
    LAT_DEEP_OPTIONS(lat_flow_options),
    {.name = NULL}};

lat_flow_options lat_flow_defaults(void)
{
  lat_flow_options o;
  lat_model_defaults(&lat_flow_model, &o);
  return o;
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* The layers of a ready-made kind. */
static size_t list_kind(const lat_flow_options *o, lat_flow_layer *layers)
{
  static const size_t own[] = {[LAT_FLOW_NSF] = 3, [LAT_FLOW_MAF] = 5, [LAT_FLOW_REALNVP] = 8};
  static const int kinds[] = {[LAT_FLOW_NSF] = LAT_FLOW_MASKED_SPLINE,
                              [LAT_FLOW_MAF] = LAT_FLOW_MASKED_AFFINE,
                              [LAT_FLOW_REALNVP] = LAT_FLOW_AFFINE};
  size_t wanted = o->transforms ? o->transforms : own[o->kind], count = 0;
  bool masked = o->kind != LAT_FLOW_REALNVP;
  for (size_t k = 0; k < wanted; k++) {
    if (k > 0 && masked)
      layers[count++] = (lat_flow_layer){.kind = LAT_FLOW_REVERSE};
    else if (k > 0 && k % 2 == 0 && o->input_dim > 2)
      layers[count++] = (lat_flow_layer){.kind = LAT_FLOW_PERMUTE};
    layers[count++] = (lat_flow_layer){.kind = kinds[o->kind]};
  }
  return count;
}

size_t lat_flow_list(const lat_flow_options *o, lat_flow_layer layers[LAT_FLOW_LAYERS])
{
  size_t count = o->count ? o->count : list_kind(o, layers);
  if (o->count) memcpy(layers, o->layers, count * sizeof *layers);
  for (size_t k = 0; k < count; k++) {
    lat_flow_layer *layer = &layers[k];
    if (layer->depth == 0) {
      layer->depth = o->depth;
      memcpy(layer->hidden, o->hidden, sizeof layer->hidden);
    }
    if (layer->depth == 0) { /* wide enough for masks */
      layer->depth = OWN_DEPTH;
      for (size_t l = 0; l < OWN_DEPTH; l++)
        layer->hidden[l] = o->input_dim > OWN_WIDTH ? o->input_dim : OWN_WIDTH;
    }
    if (layer->bins == 0) layer->bins = o->bins;
    if (layer->box <= 0) layer->box = o->box;
    if (layer->bound <= 0) layer->bound = o->bound;
  }
  return count;
}

static lat_status check_layer(lat_workspace *work, const lat_flow_options *o,
                              const lat_flow_layer *layer, size_t number)
{
  size_t degrees = o->input_dim - (o->context_dim ? 0 : 1);
  if (layer->kind < 0 || layer->kind >= LAT_FLOW_LAYER_KINDS)
    return lat_fail(work, LAT_INVALID, "layer %zu: there is no kind %d", number, layer->kind);
  const char *name = lat_flow_layer_names[layer->kind];
  if (layer->kind > LAT_FLOW_MASKED_SPLINE) return LAT_OK;
  if (layer->depth > LAT_FLOW_HIDDEN)
    return lat_fail(work, LAT_INVALID,
                    "layer %zu (%s): hidden has %zu widths, at most %d are possible", number, name,
                    layer->depth, LAT_FLOW_HIDDEN);
  bool masked = layer->kind == LAT_FLOW_MASKED_AFFINE || layer->kind == LAT_FLOW_MASKED_SPLINE;
  for (size_t l = 0; l < layer->depth; l++) {
    size_t width = layer->hidden[l];
    if (width < 1 || width > MOST_WIDTH)
      return lat_fail(work, LAT_INVALID, "layer %zu (%s): hidden widths are 1 to %d, got %zu",
                      number, name, MOST_WIDTH, width);
    if (masked && width < degrees)
      return lat_fail(
          work, LAT_INVALID,
          "layer %zu (%s): a hidden width of %zu is too narrow to tell %zu columns apart: "
          "it must be at least %zu",
          number, name, width, o->input_dim, degrees);
  }
  if (layer->bins < 2 || layer->bins > LAT_SPLINE_BINS)
    return lat_fail(work, LAT_INVALID, "layer %zu (%s): bins are 2 to %d, got %zu", number, name,
                    LAT_SPLINE_BINS, layer->bins);
  if (!(layer->box > 0 && layer->box < (double)INFINITY) || !(layer->bound > 0))
    return lat_fail(work, LAT_INVALID, "layer %zu (%s): box and bound must be > 0, got %g and %g",
                    number, name, layer->box, layer->bound);
  return LAT_OK;
}

lat_status lat_flow_check_options(lat_workspace *work, const void *options)
{
  const lat_flow_options *o = options;
  LAT_SCOPE(work);
  if (o->input_dim == 0) return lat_fail(work, LAT_INVALID, "the option input_dim is missing");
  LAT_TRY(lat_deep_check_training(work, &o->deep));
  if (o->transforms > LAT_FLOW_LAYERS / 2)
    return lat_fail(work, LAT_INVALID, "a kind has at most %d layers that transform, got %zu",
                    LAT_FLOW_LAYERS / 2, o->transforms);
  if (o->count > LAT_FLOW_LAYERS)
    return lat_fail(work, LAT_INVALID, "a flow has at most %d layers, got %zu", LAT_FLOW_LAYERS,
                    o->count);
  if (o->count && o->transforms)
    return lat_fail(work, LAT_INVALID,
                    "transforms are of a ready-made kind, not of layers of one's own");
  lat_flow_layer *layers = lat_allocate(work, LAT_FLOW_LAYERS, sizeof *layers);
  if (!layers) return LAT_MEMORY;
  size_t count = lat_flow_list(o, layers), learn = 0;
  for (size_t k = 0; k < count; k++) {
    LAT_TRY(check_layer(work, o, &layers[k], k + 1));
    learn += layers[k].kind < LAT_FLOW_PERMUTE;
  }
  if (learn == 0)
    return lat_fail(work, LAT_INVALID, "none of the layers has parameters to be learned");
  return LAT_OK;
}

lat_status lat_flow_check(lat_workspace *work, const lat_flow_options *o)
{
  return lat_model_check(work, &lat_flow_model, o);
}
