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

enum {
  MOST_DIM = 1 << 20,
  OWN_WIDTH = 64,
  OWN_DEPTH = 2,
  OWN_BINS = 8,
  OWN_BOX = 5,
  OWN_BOUND = 2
};

/* A number in the place of layers. */
static const lat_option transforms[] = {LAT_DEEP_ROW("layers", LAT_SIZE, lat_flow_options,
                                                     transforms, 0, 1, LAT_FLOW_LAYERS / 2, NULL,
                                                     NULL),
                                        {.name = NULL}};

/* What isn't there is as the options have it. */
static const lat_option layer_table[] = {
    LAT_DEEP_ROW("kind", LAT_CHOICE, lat_flow_layer, kind, -1, 0, 0, lat_flow_layer_names,
                 "required"),
    LAT_OPTION_WIDTHS("hidden", lat_flow_layer, hidden, depth, NAN, 1, "nil"),
    LAT_OPTION_SIZE(lat_flow_layer, bins, 0, 2, LAT_SPLINE_BINS),
    LAT_OPTION_NUMBER(lat_flow_layer, box, 0, 1e-3, 1e6),
    LAT_OPTION_NUMBER(lat_flow_layer, bound, 0, 1e-3, (double)INFINITY),
    {.name = NULL}};

const lat_option lat_flow_table[] = {
    LAT_DEEP_ROW("input_dim", LAT_SIZE, lat_flow_options, input_dim, 0, 1, MOST_DIM, NULL,
                 "required"),
    LAT_OPTION_SIZE(lat_flow_options, context_dim, 0, 0, MOST_DIM),
    LAT_OPTION_CHOICE(lat_flow_options, kind, LAT_FLOW_NSF, lat_flow_kind_names),
    LAT_OPTION_RECORD_LIST("layers", lat_flow_options, layers, count, layer_table, transforms,
                           "layer", "the kind's"),
    LAT_OPTION_WIDTHS("hidden", lat_flow_options, hidden, depth, NAN, 1, "{64, 64}"),
    LAT_DEEP_ROW("bins", LAT_SIZE, lat_flow_options, bins, 0, 2, LAT_SPLINE_BINS, NULL, "8"),
    LAT_DEEP_ROW("box", LAT_NUMBER, lat_flow_options, box, 0, 1e-3, 1e6, NULL, "5"),
    LAT_DEEP_ROW("bound", LAT_NUMBER, lat_flow_options, bound, 0, 1e-3, (double)INFINITY, NULL,
                 "2"),
    LAT_OPTION_CHOICE(lat_flow_options, base, LAT_BASE_NORMAL, lat_flow_base_names),
    LAT_OPTION_BOOLEAN(lat_flow_options, standardize, true),
    LAT_DEEP_OPTIONS(lat_flow_options),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(flow)

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
    if (layer->bins == 0) layer->bins = o->bins ? o->bins : OWN_BINS;
    if (layer->box <= 0) layer->box = o->box > 0 ? o->box : OWN_BOX;
    if (layer->bound <= 0) layer->bound = o->bound > 0 ? o->bound : OWN_BOUND;
  }
  return count;
}

static bool is_affine(const lat_flow_layer *layer)
{
  return layer->kind == LAT_FLOW_AFFINE || layer->kind == LAT_FLOW_MASKED_AFFINE;
}

/* Options that mean nothing to any of the layers. */
static lat_status check_used(lat_workspace *work, const lat_flow_options *o,
                             const lat_flow_layer *layers, size_t count)
{
  bool spline = false, affine = false;
  for (size_t k = 0; k < count; k++) {
    spline = spline || lat_flow_is_spline(&layers[k]);
    affine = affine || is_affine(&layers[k]);
  }
  const struct {
    const char *name, *of;
    bool unused;
  } given[] = {{"hidden", "couplings and masked layers", o->depth > 0 && !spline && !affine},
               {"bins", "splines", o->bins > 0 && !spline},
               {"box", "splines", o->box > 0 && !spline},
               {"bound", "affine layers", o->bound > 0 && !affine}};
  for (size_t k = 0; k < sizeof given / sizeof *given; k++)
    if (given[k].unused && o->count)
      return lat_fail(work, LAT_INVALID, "%s is for %s, and none of the layers is one",
                      given[k].name, given[k].of);
    else if (given[k].unused)
      return lat_fail(work, LAT_INVALID, "%s is for %s, of which kind = \"%s\" has none",
                      given[k].name, given[k].of, lat_flow_kind_names[o->kind]);
  return LAT_OK;
}

/* Fields that mean nothing to the layer. */
static lat_status check_given(lat_workspace *work, const lat_flow_layer *layer)
{
  bool spline = lat_flow_is_spline(layer), affine = is_affine(layer);
  if (layer->kind < 0) return lat_fail(work, LAT_INVALID, "its kind is missing");
  if (layer->depth > 0 && !spline && !affine)
    return lat_fail(work, LAT_INVALID, "hidden is for couplings and masked layers");
  if ((layer->bins > 0 || layer->box > 0) && !spline)
    return lat_fail(work, LAT_INVALID, "%s is for splines", layer->bins > 0 ? "bins" : "box");
  if (layer->bound > 0 && !affine) return lat_fail(work, LAT_INVALID, "bound is for affine layers");
  return LAT_OK;
}

/* A masked net has units of every degree. */
static lat_status check_widths(lat_workspace *work, const lat_flow_options *o,
                               const lat_flow_layer *layer, size_t number)
{
  size_t degrees = o->input_dim - (o->context_dim ? 0 : 1);
  if (!lat_flow_is_masked(layer)) return LAT_OK;
  for (size_t l = 0; l < layer->depth; l++)
    if (layer->hidden[l] < degrees)
      return lat_fail(work, LAT_INVALID,
                      "layer %zu (%s): a hidden width of %zu is too narrow to tell %zu columns "
                      "apart: it must be at least %zu",
                      number, lat_flow_layer_names[layer->kind], layer->hidden[l], o->input_dim,
                      degrees);
  return LAT_OK;
}

lat_status lat_flow_check_options(lat_workspace *work, const void *options)
{
  const lat_flow_options *o = options;
  LAT_SCOPE(work);
  if (o->input_dim == 0) return lat_fail(work, LAT_INVALID, "the option input_dim is missing");
  LAT_TRY(lat_deep_check_training(work, &o->deep));
  if (o->transforms) LAT_TRY(lat_options_check(work, transforms, o));
  for (size_t k = 0; k < o->count; k++)
    LAT_TRY(lat_option_fault(work, lat_option_find(lat_flow_table, "layers"), o, k,
                             check_given(work, &o->layers[k])));
  if (o->count && o->transforms)
    return lat_fail(work, LAT_INVALID,
                    "transforms are of a ready-made kind, not of layers of one's own");
  lat_flow_layer *layers = lat_allocate(work, LAT_FLOW_LAYERS, sizeof *layers);
  if (!layers) return LAT_MEMORY;
  size_t count = lat_flow_list(o, layers), learn = 0;
  for (size_t k = 0; k < count; k++) {
    LAT_TRY(check_widths(work, o, &layers[k], k + 1));
    learn += layers[k].kind < LAT_FLOW_PERMUTE;
  }
  if (learn == 0)
    return lat_fail(work, LAT_INVALID, "none of the layers has parameters to be learned");
  LAT_TRY(check_used(work, o, layers, count));
  return LAT_OK;
}
