/* Fuzz target: CSV. The first three bytes choose delimiter, header, decimal point and lines to skip,
 * the rest is the file, copied to be exactly as long as it claims. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "files/csv_columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(lat_workspace *work, const lat_csv *csv, size_t size)
{
  size_t count = 0, *column_of = lat_allocate(work, csv->cols, sizeof *column_of);
  lat_csv_field **text_of = lat_allocate(work, csv->cols, sizeof *text_of);
  char *out = lat_allocate(work, size + 1, 1);
  if (!column_of || !text_of || !out) return;
  for (size_t j = 0; j < csv->cols; j++) {
    column_of[j] = csv->text[j] ? SIZE_MAX : count++;
    text_of[j] = csv->text[j] ? lat_allocate(work, csv->rows, sizeof **text_of) : NULL;
    if (csv->text[j] && !text_of[j]) return;
  }
  lat_matrix X = lat_matrix_new(work, csv->rows, count ? count : 1);
  if (!X.data || lat_csv_read(work, csv, &X, column_of, text_of) != LAT_OK) return;
  for (size_t j = 0; j < csv->cols; j++)
    for (size_t i = 0; text_of[j] && i < csv->rows; i++)
      if (lat_csv_unquote(text_of[j][i], out) > text_of[j][i].length) abort();
  const lat_csv_field *classes;
  double *codes = lat_doubles(work, csv->rows);
  for (size_t j = 0; codes && j < csv->cols; j++)
    if (text_of[j] &&
        lat_csv_classes(work, csv, text_of[j], csv->rows, codes, &classes, &count) == LAT_OK)
      for (size_t i = 0; i < csv->rows; i++)
        if (codes[i] < 1 || codes[i] > (double)count) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char delimiters[] = {'\0', ',', ';', '\t', ' ', ':', '\n'};
  if (size < 3) return 0;
  lat_workspace work;
  lat_csv csv;
  lat_csv_options options = {.delimiter = delimiters[data[0] % sizeof delimiters],
                             .header = (lat_csv_header)(data[1] % 3),
                             .decimal = data[1] / 3 % 2 ? ',' : '.',
                             .skip = data[2] % 4};
  size -= 3;
  uint8_t *file = malloc(size + 1);
  if (!file) return 0;
  uint8_t *start = file + 1; /* so that the end is the memory's end, also for no bytes */
  memcpy(start, data + 3, size);
  lat_workspace_init(&work);
  lat_status status = lat_csv_scan(&work, start, size, &options, &csv);
  if (status == LAT_OK)
    read_all(&work, &csv, size);
  else if ((status != LAT_FORMAT && status != LAT_INVALID) || !work.message[0])
    abort();
  lat_workspace_done(&work);
  free(file);
  return 0;
}
