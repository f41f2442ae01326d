/* Fuzz target: safetensors. The file, copied to be exactly as long as it claims, is parsed, its
 * arrays are converted, and it is read as a model of D = 2, M = 1, or as two of them. What was parsed
 * must cover the file without gaps. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "files/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const lat_parameter table[] = {
    {"mean", {LAT_D}}, {"components", {LAT_D, LAT_M}}, {"noise", {LAT_END}}, {NULL, {LAT_END}}};

/* The bytes of all arrays, each converted. */
static size_t convert_all(lat_workspace *work, const lat_safetensors *file, const uint8_t *bytes)
{
  size_t total = 0;
  for (size_t i = 0; i < file->count; i++) {
    const lat_array *array = &file->tensors[i].array;
    total += file->tensors[i].end - file->tensors[i].begin;
    if (array->rows == 0) continue;
    lat_matrix A = {NULL, array->rows,           array->cols, (ptrdiff_t)array->cols,
                    1,    lat_array_dtype(array)};
    A.data = lat_allocate(work, A.rows * A.cols, lat_dtype_size(A.dtype));
    if (A.data) lat_array_convert(array, bytes, 0, &A);
  }
  return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const size_t sizes[LAT_SIZES] = {[LAT_D] = 2, [LAT_M] = 1};
  lat_workspace work;
  lat_safetensors file;
  double flat[10];
  const lat_parameter_set one = {"", table, sizes, flat};
  const lat_parameter_set two[] = {{"1.", table, sizes, flat}, {"2.", table, sizes, flat + 5}};
  uint8_t *bytes = malloc(size ? size : 1);
  if (!bytes) return 0;
  memcpy(bytes, data, size);
  lat_workspace_init(&work);
  lat_status status = lat_safetensors_parse(&work, bytes, size, &file);
  if (status == LAT_OK) {
    uint64_t header = 0;
    for (int b = 7; b >= 0; b--) header = header << 8 | bytes[b];
    if (8 + header + convert_all(&work, &file, bytes) != size) abort();
    bool both = file.count > 3;
    const lat_parameter_set *sets = both ? two : &one;
    status = lat_parameters_match(&work, &file, sets, both ? 2 : 1);
    if (status == LAT_OK) status = lat_parameters_read(&work, &file, bytes, sets, both ? 2 : 1);
  }
  if (status != LAT_OK && (status != LAT_FORMAT || !work.message[0])) abort();
  lat_workspace_done(&work);
  free(bytes);
  return 0;
}
