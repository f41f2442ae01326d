/* pnm.c: PGM and PPM images (pnm.h): a short header, and samples as they are. */
#include "files/pnm.h"

#include <stdio.h>

static bool is_blank(unsigned char c)
{
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static const unsigned char *skip_blanks(const unsigned char *at, const unsigned char *end)
{
  for (bool comment = false; at < end && (comment || is_blank(*at) || *at == '#'); at++)
    comment = *at == '#' || (comment && *at != '\n' && *at != '\r');
  return at;
}

/* The number behind blanks at *at, of at most nine digits; 0 where there is none. */
static size_t read_number(const unsigned char **at, const unsigned char *end)
{
  enum { DIGITS = 9 };
  size_t value = 0;
  const unsigned char *p = skip_blanks(*at, end), *start = p;
  for (; p < end && *p >= '0' && *p <= '9'; p++) {
    if (p - start == DIGITS) return 0;
    value = 10 * value + (size_t)(*p - '0');
  }
  *at = p;
  return value;
}

lat_status lat_pnm_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         lat_image *image)
{
  *image = (lat_image){0};
  if (n < 3 || bytes[0] != 'P' || bytes[1] < '1' || bytes[1] > '7')
    return lat_fail(work, LAT_FORMAT, "not a PGM or PPM image (it doesn't begin with P5 or P6)");
  if (bytes[1] != '5' && bytes[1] != '6')
    return lat_fail(work, LAT_FORMAT, "a P%c image can't be read, only P5 and P6", bytes[1]);
  const unsigned char *at = bytes + 2, *end = bytes + n;
  image->width = read_number(&at, end);
  image->height = read_number(&at, end);
  image->white = (unsigned)read_number(&at, end);
  image->channels = bytes[1] == '5' ? 1 : 3;
  if (image->width == 0 || image->height == 0 || image->white == 0 || image->white > UINT16_MAX ||
      at == end || !is_blank(*at))
    return lat_fail(work, LAT_FORMAT, "bad header: expected width, height and the largest sample");
  image->array = (lat_array){.kind = 'u',
                             .size = image->white > UINT8_MAX ? 2 : 1,
                             .big = true,
                             .axes = image->channels == 1 ? 2 : 3,
                             .shape = {image->height, image->width, image->channels},
                             .offset = (size_t)(at + 1 - bytes)};
  return lat_array_check(work, &image->array, n);
}

static lat_status put_image(lat_writer *writer, const lat_matrix *A, const lat_image_format *f)
{
  char header[64];
  size_t size = A->cols * f->bits / 8;
  unsigned char *row = lat_allocate(writer->work, size, 1);
  if (!row) return LAT_MEMORY;
  int n = snprintf(header, sizeof header, "P%d\n%zu %zu\n%d\n", f->channels == 1 ? 5 : 6,
                   A->cols / f->channels, A->rows, f->bits == 8 ? UINT8_MAX : UINT16_MAX);
  LAT_TRY(lat_writer_put(writer, header, (size_t)n));
  for (size_t i = 0; i < A->rows; i++) {
    lat_image_row(A, i, f, row);
    LAT_TRY(lat_writer_put(writer, row, size));
  }
  return LAT_OK;
}

lat_status lat_pnm_write(lat_workspace *work, const char *path, const lat_matrix *A,
                         const lat_image_format *format)
{
  lat_writer writer;
  lat_image_format f = *format;
  LAT_SCOPE(work);
  LAT_TRY(lat_image_check(work, A, &f));
  if (f.channels != 1 && f.channels != 3)
    return lat_fail(work, LAT_INVALID, "PGM and PPM have 1 or 3 channels, got %zu", f.channels);
  LAT_TRY(lat_writer_begin(work, &writer, path));
  lat_status status = lat_writer_end(&writer, put_image(&writer, A, &f));
  return status;
}
