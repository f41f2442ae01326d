/* npz64.c: writes an npz file of two arrays as if sizes from 300 bytes on, and the places of what
 * follows, didn't fit into 32 bits: npz64 PATH. */
#define LAT_ZIP_LARGE 300
#include "files/npz_write.c"

int main(int count, char **arguments)
{
  double numbers[60];
  lat_workspace work;
  lat_workspace_init(&work);
  for (int i = 0; i < 60; i++) numbers[i] = i;
  lat_tensor_source sources[] = {
      {.name = {"large", 5}, .axes = 2, .shape = {20, 3}, .data = lat_matrix_of(numbers, 20, 3)},
      {.name = {"small", 5}, .axes = 1, .shape = {4}, .data = lat_vector_of(numbers, 4)}};
  lat_status status = lat_npz_write(&work, count > 1 ? arguments[1] : "", sources, 2);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
