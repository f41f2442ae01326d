/* idx.c: the header of idx files (idx.h): 0, 0, type, axes, and each size as 4 bytes,
 * big-endian. */
#include "files/idx.h"

lat_status lat_idx_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         lat_array *array)
{
  static const struct {
    unsigned char code;
    char kind, size;
  } types[] = {{0x08, 'u', 1}, {0x09, 'i', 1}, {0x0B, 'i', 2},
               {0x0C, 'i', 4}, {0x0D, 'f', 4}, {0x0E, 'f', 8}};
  const size_t count = sizeof types / sizeof *types;
  size_t k = 0;
  *array = (lat_array){.big = true};
  if (n < 4 || bytes[0] != 0 || bytes[1] != 0)
    return lat_fail(work, LAT_FORMAT, "not an idx file (it doesn't begin with two zero bytes)");
  while (k < count && types[k].code != bytes[2]) k++;
  if (k == count) return lat_fail(work, LAT_FORMAT, "idx element type %d is unknown", bytes[2]);
  array->kind = types[k].kind;
  array->size = (size_t)types[k].size;
  array->axes = bytes[3];
  if (array->axes > LAT_ARRAY_AXES)
    return lat_fail(work, LAT_FORMAT, "the shape has more than %d axes", LAT_ARRAY_AXES);
  array->offset = 4 + 4 * array->axes;
  if (n < array->offset) return lat_fail(work, LAT_FORMAT, "truncated within the idx header");
  for (size_t axis = 0; axis < array->axes; axis++)
    for (size_t b = 0; b < 4; b++)
      array->shape[axis] = array->shape[axis] << 8 | bytes[4 + 4 * axis + b];
  return lat_array_check(work, array, n);
}
