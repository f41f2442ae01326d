/* image.c: numbers of a matrix as samples of an image, and colours as grey (image.h). */
#include "files/image.h"

#include <math.h>

static const double luminance[] = {0.299, 0.587, 0.114};

void lat_image_grey(const lat_matrix *A, size_t channels, const lat_matrix *Y)
{
  for (size_t i = 0; i < Y->rows; i++)
    for (size_t j = 0; j < Y->cols; j++) {
      double y = 0;
      for (size_t c = 0; channels > 2 && c < 3; c++)
        y += luminance[c] * lat_get(A, i, j * channels + c);
      lat_set(Y, i, j, channels > 2 ? y : lat_get(A, i, j * channels));
    }
}

static double white_of(const lat_image_format *f)
{
  return f->bits == 16 ? 65535 : 255;
}

/* The range that the numbers say. */
static lat_status find_range(lat_workspace *work, const lat_matrix *A, lat_image_format *f)
{
  double low = lat_get(A, 0, 0), high = low;
  for (size_t i = 0; i < A->rows; i++) {
    for (size_t j = 0; j < A->cols; j++) {
      double x = lat_get(A, i, j);
      if (x < low) low = x;
      if (x > high) high = x;
    }
    if (i % 256 == 0) LAT_TRY(lat_check(work));
  }
  if (low < 0 || high > white_of(f))
    return lat_fail(work, LAT_INVALID,
                    "X has numbers from %g to %g: range says which is black and which is white, as "
                    "{%g, %g}",
                    low, high, low, high);
  f->high = high <= 1 ? 1 : white_of(f);
  return LAT_OK;
}

lat_status lat_image_check(lat_workspace *work, const lat_matrix *A, lat_image_format *f)
{
  bool ranged = f->low != 0 || f->high != 0;
  if (f->channels == 0) f->channels = 1;
  if (f->bits == 0) f->bits = 8;
  if (f->channels > 4)
    return lat_fail(work, LAT_INVALID, "channels must be 1, 2, 3 or 4, got %zu", f->channels);
  if (f->bits != 8 && f->bits != 16)
    return lat_fail(work, LAT_INVALID, "bits must be 8 or 16, got %u", f->bits);
  if (A->rows == 0 || A->cols == 0) return lat_fail(work, LAT_INVALID, "X is empty");
  if (A->cols % f->channels)
    return lat_fail(work, LAT_INVALID, "X has %zu columns, which aren't pixels of %zu channels",
                    A->cols, f->channels);
  if (!(isfinite(f->low) && isfinite(f->high)) || (ranged && f->low == f->high))
    return lat_fail(work, LAT_INVALID, "range must be two different finite numbers");
  for (size_t i = 0; i < A->rows; i++) {
    for (size_t j = 0; j < A->cols; j++)
      if (isnan(lat_get(A, i, j)))
        return lat_fail(work, LAT_INVALID, "X has NaN in row %zu, column %zu, which is no grey",
                        i + 1, j + 1);
    if (i % 256 == 0) LAT_TRY(lat_check(work));
  }
  return ranged ? LAT_OK : find_range(work, A, f);
}

void lat_image_row(const lat_matrix *A, size_t i, const lat_image_format *f, unsigned char *out)
{
  const double white = white_of(f), scale = white / (f->high - f->low);
  for (size_t j = 0; j < A->cols; j++) {
    double sample = (lat_get(A, i, j) - f->low) * scale + 0.5;
    unsigned value = sample >= white ? (unsigned)white : sample > 0 ? (unsigned)sample : 0;
    if (f->bits == 16) *out++ = (unsigned char)(value >> 8);
    *out++ = (unsigned char)value;
  }
}
