/* png.h: Portable Network Graphics (W3C Recommendation, second edition, 2003; ISO/IEC 15948).
 *
 * A signature, and chunks: length, type, data, CRC-32. IHDR has the size and the kind of samples,
 * PLTE a palette, the IDATs together a zlib stream of rows, each of which is predicted from its
 * neighbours by one of five filters.
 *
 * Read are all kinds: grey and colours, with and without opacity, of 1 to 16 bits, palettes,
 * interlaced or not. Samples of fewer than 8 bits become bytes (white is 255), palettes red, green
 * and blue, with opacity where they have it. Opacity by one colour (tRNS of grey and RGB), gamma
 * and profiles aren't regarded. */
#ifndef LAT_FILES_PNG_H
#define LAT_FILES_PNG_H

#include "files/image.h"

/* Reads a file of n bytes; `image` holds the pixels. LAT_FORMAT when it isn't sound, LAT_MEMORY,
 * LAT_CANCELLED. */
lat_status lat_png_read(lat_workspace *work, const unsigned char *bytes, size_t n,
                        lat_image *image);

/* Writes A, compressed. LAT_INVALID by lat_image_check. */
lat_status lat_png_write(lat_workspace *work, const char *path, const lat_matrix *A,
                         const lat_image_format *format);

#define LAT_PNG_SIGNATURE "\x89PNG\r\n\x1A\n"

/* The filter of a sample's byte x with its neighbours a (left), b (above) and c (above left) that
 * is nearest to a + b - c: Paeth's. */
static inline int lat_png_paeth(int a, int b, int c)
{
  int p = b - c, q = a - c, r = p + q;
  p = p < 0 ? -p : p, q = q < 0 ? -q : q, r = r < 0 ? -r : r;
  return p <= q && p <= r ? a : q <= r ? b : c;
}

#endif
