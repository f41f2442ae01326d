/* pnm.h: the images of Netpbm: PGM (grey) and PPM (red, green and blue), in bytes.
 *
 * "P5" or "P6", width, height and the largest sample in text, between blanks and comments from # to
 * the line's end; one blank; the samples, of two bytes where the largest is beyond 255, the most
 * significant first (https://netpbm.sourceforge.net/doc/pgm.html). */
#ifndef LAT_FILES_PNM_H
#define LAT_FILES_PNM_H

#include "files/image.h"

/* Reads the header of n bytes. LAT_FORMAT for anything else, and for the other kinds of PNM. */
lat_status lat_pnm_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         lat_image *image);

/* Writes A: PGM for one channel, PPM for three. LAT_INVALID for others, or by lat_image_check. */
lat_status lat_pnm_write(lat_workspace *work, const char *path, const lat_matrix *A,
                         const lat_image_format *format);

#endif
