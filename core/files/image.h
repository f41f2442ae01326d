/* image.h: matrices as images, for the formats that have samples of 8 or 16 bits (png.h, pnm.h).
 *
 * An image of H rows and W columns is a matrix of H rows and W times `channels` columns: one of
 * grey, two with opacity (alpha), three of red, green and blue side by side in each pixel, four
 * with opacity. What is read is a lat_array of H x W x channels of samples from 0 to `white`. */
#ifndef LAT_FILES_IMAGE_H
#define LAT_FILES_IMAGE_H

#include "files/array.h"

/* An image that has been read. */
typedef struct lat_image {
  size_t width, height, channels;
  unsigned white; /* the largest sample: 255 or 65535; of PNM files what they say */
  lat_array array;
  lat_map pixels; /* where the array is when it isn't the file's: lat_file_unmap frees them */
} lat_image;

/* Y := the luminance of an image's matrix A, without its opacity: 0.299 R + 0.587 G + 0.114 B
 * (ITU-R BT.601). Y has a column for each `channels` of A. */
void lat_image_grey(const lat_matrix *A, size_t channels, const lat_matrix *Y);

/* How a matrix is written. */
typedef struct lat_image_format {
  size_t channels;  /* 1 to 4; 0: 1 */
  unsigned bits;    /* 8 or 16; 0: 8 */
  double low, high; /* the numbers that are black and white, beyond which all are; both 0: 0 and 1
                       where all numbers are in between, else 0 and 255 (or 65535) */
} lat_image_format;

/* Fills in what is 0. LAT_INVALID when the columns aren't whole pixels, a number is NaN, or lies
 * outside of 0 to 255 without a range given; LAT_CANCELLED. */
lat_status lat_image_check(lat_workspace *work, const lat_matrix *A, lat_image_format *format);

/* Row i of A as samples of bits/8 bytes, the most significant first: A's cols of them. */
void lat_image_row(const lat_matrix *A, size_t i, const lat_image_format *format,
                   unsigned char *out);

#endif
