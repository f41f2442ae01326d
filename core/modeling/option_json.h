/* option_json.h: options by their table as JSON, for files of models and for bindings.
 *
 * An object has options by name; those that aren't there have their defaults. A choice is its word,
 * a list of counts a list of numbers or, if there is one, a number, a range [least, most], and a
 * list of records a list of objects, in the place of which a word says the first field alone:
 *
 *   {"hidden":[64,64],"layers":["permute",{"bins":4,"kind":"spline"}],"seed":1} */
#ifndef LAT_MODELING_OPTION_JSON_H
#define LAT_MODELING_OPTION_JSON_H

#include "base/options.h"
#include "files/json.h"

/* The options that aren't their defaults, and counts that Lua has no default of, sorted by name, so
 * that equal models make equal files. Keeps the text. */
lat_status lat_options_write(lat_workspace *work, const lat_option *table, const void *options,
                             lat_text *text);

/* Reads such an object into the fields. LAT_INVALID, naming the option, for unknown ones, and for
 * values of other types or out of bounds; LAT_FORMAT for one that is there twice. Values that the
 * table doesn't read (LAT_GIVEN, and other types where `also` says that code reads them) are
 * passed over. */
lat_status lat_options_read(lat_workspace *work, lat_json *json, const lat_option *table,
                            void *options);
/* The same of the text of one option's value. */
lat_status lat_option_read(lat_workspace *work, lat_text text, const lat_option *option,
                           void *options);

#endif
