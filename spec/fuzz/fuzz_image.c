/* Fuzz target: PNG, and PGM and PPM by their first letter. The checksums of a PNG's chunks are mended
 * first, so that what follows them is reached. The file is copied to be exactly as long as it claims. */
#include <stdlib.h>
#include <string.h>

#include "files/checksum.h"
#include "files/png.h"
#include "files/pnm.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void mend(unsigned char *file, size_t size)
{
  lat_crc crc;
  lat_crc_begin(&crc);
  for (size_t at = 8, n; at + 12 <= size; at += n + 12) {
    n = (size_t)lat_big(file + at, 4);
    if (n > size - at - 12) break;
    lat_crc_again(&crc);
    lat_crc_add(&crc, file + at + 4, n + 4);
    lat_put_big(file + at + 8 + n, 4, lat_crc_sum(&crc));
  }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  unsigned char *file = malloc(size + !size);
  if (!file) return 0;
  memcpy(file, data, size);
  mend(file, size);
  lat_workspace work;
  lat_image image;
  lat_workspace_init(&work);
  bool pnm = size && file[0] == 'P';
  lat_status status = (pnm ? lat_pnm_parse : lat_png_read)(&work, file, size, &image);
  if (status == LAT_OK) {
    lat_matrix A = lat_matrix_new(&work, image.array.rows, image.array.cols);
    const unsigned char *bytes = pnm ? file : image.pixels.bytes;
    if (image.array.cols != image.width * image.channels || image.array.rows != image.height)
      abort();
    if (A.data && lat_array_read(&work, &image.array, bytes, &A) != LAT_OK) abort();
  } else if (status != LAT_FORMAT || !work.message[0] || image.pixels.bytes) {
    abort();
  }
  lat_file_unmap(&image.pixels);
  lat_workspace_done(&work);
  free(file);
  return 0;
}
