/* Fuzz target: gzip files. */
#include <stdlib.h>
#include <string.h>

#include "files/gzip.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  unsigned char *file = malloc(size + !size); /* exactly as long as it claims */
  if (!file) return 0;
  memcpy(file, data, size);
  lat_workspace work;
  lat_workspace_init(&work);
  lat_map map;
  lat_status status = lat_gzip_expand(&work, file, size, &map);
  if (status == LAT_OK && (!map.bytes || map.size == 0)) abort();
  if (status != LAT_OK && (map.bytes || status != LAT_FORMAT || !work.message[0])) abort();
  lat_file_unmap(&map);
  lat_workspace_done(&work);
  free(file);
  return 0;
}
