/* Fuzz target: npz files: their directory, and each array in them. The file is copied to be exactly
 * as long as it claims. */
#include <stdlib.h>
#include <string.h>

#include "files/npz.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static lat_status read_all(lat_workspace *work, const lat_npz *file)
{
  const unsigned char *bytes;
  lat_array array;
  for (size_t i = 0; i < file->count; i++) {
    LAT_SCOPE(work);
    LAT_TRY(lat_npz_entry(work, &file->entries[i], &bytes, &array));
    if (lat_npy_is_text(&array)) {
      char *out = lat_allocate(work, array.size, 1);
      for (size_t k = 0; out && k < array.rows; k++)
        if (lat_npy_text(&array, bytes, k, out) > array.size) abort();
      continue;
    }
    lat_matrix A = lat_matrix_new(work, array.rows, array.cols);
    if (A.data) LAT_TRY(lat_array_read(work, &array, bytes, &A));
  }
  return LAT_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  unsigned char *file = malloc(size + !size);
  if (!file) return 0;
  memcpy(file, data, size);
  lat_workspace work;
  lat_npz npz;
  lat_workspace_init(&work);
  lat_status status = lat_npz_parse(&work, file, size, &npz);
  if (status == LAT_OK) status = read_all(&work, &npz);
  if (status != LAT_OK && (status != LAT_FORMAT || !work.message[0])) abort();
  lat_workspace_done(&work);
  free(file);
  return 0;
}
