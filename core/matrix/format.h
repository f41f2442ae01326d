/* format.h: a matrix as text, for people.
 *
 *   5.1000  3.5000  1.4000  0.2000          1e+06 *
 *   4.9000  3.0000  1.4000  0.2000          1.2500  0.7500       0
 *   ...                                     0.0310     nan  2.0000
 *   5.9000  3.0000  5.1000  1.8000          [2x3 float64 matrix]
 *   [150x4 float64 matrix]
 *
 * All cells have one width and one notation, chosen from the elements that are
 * shown; the others are never read, so that the time doesn't depend on the size of the
 * matrix. The notation is the first of these that fits:
 *
 *   whole       no decimals: every finite element is an integer that its dtype
 *               holds exactly (up to 2^53, or 2^24 of float32)
 *   fixed       `digits` decimals: the largest magnitude is from 0.01 to below 1e5
 *   scaled      the same of x / 10^e, under a line "1e+06 *", so that the largest
 *               is from 1 to below 10
 *   fixed       again, with a largest magnitude below 1e8
 *   scientific  1.2346e-07
 *
 * Fixed and scaled don't fit where a row or a column (of a vector, one element in 20)
 * would be lost: its largest is rounded to 0 or, scaled, keeps less than two digits.
 * So a matrix of probabilities stays readable, and a column of small numbers is seen.
 * What is 1e-12 of the largest element or less (1e-5 in float32) is rounding error,
 * and may be rounded to 0 in the fixed notation: eigenvalues 4.2 and 1e-16 are 4.2000 and 0.0000.
 *
 * A bare 0 is an exact zero, 0.0000 one that was rounded; neither has a sign. NaN is
 * nan, an infinity inf or -inf. The point is a point in every locale. */
#ifndef LAT_MATRIX_FORMAT_H
#define LAT_MATRIX_FORMAT_H

#include "matrix/matrix.h"

#define LAT_DIGITS_MOST 17 /* a double is known by 17 digits */

typedef struct lat_format {
  int digits;   /* decimals, 0 to LAT_DIGITS_MOST */
  size_t width; /* of the screen, in characters; other columns are cut to the left and right edge */
  size_t rows;  /* lines of elements, 1 or more; others are cut to the upper and lower edge */
  bool vector;  /* A is n x 1: its elements fill lines, from left to right */
} lat_format;

#define LAT_FORMAT_USUAL ((lat_format){.digits = 4, .width = 80, .rows = 20})

/* Writes A as lines of text, the last of which is "[150x4 float64 matrix]" or
 * "[150 float64 vector]", without a newline at the end. Like snprintf: at most `size`
 * characters, the closing '\0' included, are written, and the length of the whole text
 * is returned. Where elements are left out stands "..."; at least one row and one
 * column are shown, however small the limits. Lines of a vector that needs several hold
 * 10, 20, ... elements when 10 fit, so that places can be counted. */
size_t lat_format_matrix(const lat_matrix *A, lat_format how, char *text, size_t size);

#endif
