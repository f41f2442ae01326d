/* Fuzz target: the headers of npy and idx, and the conversion of what they announce. The first
 * byte chooses the parser, the rest is the file, copied to be exactly as long as it claims. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "files/idx.h"
#include "files/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0) return 0;
  lat_workspace work;
  lat_array array;
  uint8_t *file = malloc(size - 1);
  if (!file) return 0;
  memcpy(file, data + 1, size - 1);
  lat_workspace_init(&work);
  lat_status status = data[0] == 'i' ? lat_idx_parse(&work, file, size - 1, &array)
                                     : lat_npy_parse(&work, file, size - 1, &array);
  if (status == LAT_OK) {
    if (array.rows * array.cols > size) abort(); /* more elements than bytes */
    lat_matrix view, A = {.rows = array.rows,
                          .cols = array.cols,
                          .row_stride = (ptrdiff_t)array.cols,
                          .col_stride = 1,
                          .dtype = lat_array_dtype(&array)};
    A.data = lat_allocate(&work, A.rows * A.cols, lat_dtype_size(A.dtype));
    if (A.data) lat_array_convert(&array, file, 0, &A);
    /* the view, where there is one, is the same numbers, bit by bit */
    if (A.data && lat_array_view(&array, file, &view))
      for (size_t i = 0; i < A.rows; i++)
        for (size_t j = 0; j < A.cols; j++) {
          double a = lat_get(&A, i, j), b = lat_get(&view, i, j);
          if (memcmp(&a, &b, sizeof a) != 0) abort();
        }
  } else if (status != LAT_FORMAT || !work.message[0]) {
    abort();
  }
  lat_workspace_done(&work);
  free(file);
  return 0;
}
