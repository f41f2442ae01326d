/* describe.h: a model's description (modeling/model.h) as text, for whoever shows it: a binding, a
 * form of a host's, documentation. */
#ifndef LAT_MODELING_DESCRIBE_H
#define LAT_MODELING_DESCRIBE_H

#include "modeling/model.h"

/* `text` (ended by NUL) := a JSON object
 *
 *   {"name": .., "missing": it knows missing entries, "options": [..], "parameters": [..],
 *    "methods": [..]}
 *   an option: {"name": .., "type": .., "default": ..} in words for readers, and "least" and
 *              "most", or "choices": [..]
 *   a parameter of a model with the default options: {"name": .., "shape": ["K", "D"]}
 *   a method:  {"name": .., "takes": .., "missing": .., "gives": [{"shape": .., "size": ..} ..],
 *              "options": [..]}
 *
 * Keeps the text. LAT_MEMORY. */
lat_status lat_model_describe(lat_workspace *work, const lat_model *model, const char **text);

#endif
