/* safetensors.h: named arrays in one file, which many programs read.
 *
 * A file is the length N of its header (8 bytes, little-endian), N bytes of JSON, and the elements:
 *
 *   {"__metadata__": {"format": "latent", ...},
 *    "mean": {"dtype": "F64", "shape": [4], "data_offsets": [0, 32]}, ...}
 *
 * row-major and little-endian, at offsets that are counted from the end of the header
 * (https://github.com/huggingface/safetensors, "Format"). It holds no code and no pointers, so a
 * stranger's file is checked once, before anything is allocated by its sizes: the arrays have to
 * cover the elements exactly, without gaps and overlaps, and each has to be as long as its shape.
 *
 * The second half is models' parameters (base/parameters.h) as such a file: one F64 array for
 * each, a list of matrices with three axes. */
#ifndef LAT_FILES_SAFETENSORS_H
#define LAT_FILES_SAFETENSORS_H

#include "base/parameters.h"
#include "files/array.h"
#include "files/json.h"
#include "files/limits.h"

typedef struct lat_tensor {
  lat_text name;
  size_t begin, end; /* bytes of the elements */
  lat_array array;   /* rows and cols are 0 when it is empty */
} lat_tensor;

typedef struct lat_pair {
  lat_text key, value;
} lat_pair;

typedef struct lat_safetensors {
  size_t count, pairs;
  lat_tensor *tensors; /* sorted by name */
  lat_pair *metadata;  /* sorted by key */
} lat_safetensors;

/* Reads the header of a file of n bytes into the workspace; names point into both. F64 F32 F16, I64
 * I32 I16 I8, U64 U32 U16 U8 and BOOL are known; elements become a matrix by lat_array_convert.
 * LAT_FORMAT, with what is wrong. Keeps the arrays of `file`. */
lat_status lat_safetensors_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                                 lat_safetensors *file);

const lat_tensor *lat_safetensors_find(const lat_safetensors *file, const char *name); /* or NULL */
const lat_text *lat_safetensors_metadata(const lat_safetensors *file, const char *key);

/* An array to be written: F64 or F32 as the matrix is. Its shape's product is rows times cols. Of
 * npz files it may be data.rows texts in UTF-8 instead. */
typedef struct lat_tensor_source {
  lat_text name;
  size_t axes, shape[3];
  lat_matrix data;
  const lat_text *texts;
} lat_tensor_source;

/* By name. LAT_INVALID when there are too many, a name isn't UTF-8, or is twice there. */
lat_status lat_tensor_sources_sort(lat_workspace *work, lat_tensor_source *sources, size_t count);

/* Writes a file. The sources are sorted: F64 first, so that every element is aligned, then by name;
 * hence the same arrays make the same file. LAT_INVALID when a name or a pair isn't UTF-8, a name
 * is twice there or is "__metadata__"; LAT_FILE as in file.h. */
lat_status lat_safetensors_write(lat_workspace *work, lat_target target, lat_tensor_source *sources,
                                 size_t count, const lat_pair *metadata, size_t pairs);

/* ---- models ------------------------------------------------------------------------- */

/* The parameters of one model, of which a file may hold several, each with a prefix for its arrays'
 * names ("" for a model alone). */
typedef struct lat_parameter_set {
  const char *prefix;
  const lat_parameter *table;
  const size_t *sizes; /* LAT_SIZES of them */
  double *flat;
} lat_parameter_set;

lat_status lat_parameters_write(lat_workspace *work, lat_target target,
                                const lat_parameter_set *sets, size_t count,
                                const lat_pair *metadata, size_t pairs);

/* LAT_OK when the file has exactly these sets' parameters in these sizes, and then no set's count
 * overflows; LAT_FORMAT names one that is missing, unknown, or of another type or shape. `flat`
 * isn't used. */
lat_status lat_parameters_match(lat_workspace *work, const lat_safetensors *file,
                                const lat_parameter_set *sets, size_t count);

/* Fills each `flat` from a file that matches; LAT_FORMAT when a parameter isn't finite. */
lat_status lat_parameters_read(lat_workspace *work, const lat_safetensors *file,
                               const unsigned char *bytes, const lat_parameter_set *sets,
                               size_t count);

#endif
