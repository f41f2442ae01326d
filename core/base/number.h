/* number.h: numbers as text, the same in every locale.
 *
 * The host's locale may write 3,14; files and options don't. Both directions are exact: the double
 * nearest to the text, and a text that is read back as the same bits. */
#ifndef LAT_BASE_NUMBER_H
#define LAT_BASE_NUMBER_H

#ifndef __cplusplus
#include <stdbool.h>
#endif
#include <stddef.h>

/* True when the n characters are a decimal number, and its nearest double: digits
 * with an optional sign, point and exponent, or inf, infinity and nan in any case.
 * No blanks, no hexadecimal. Beyond the largest double is infinity. */
bool lat_number_parse(const char *text, size_t n, double *value);
/* The same with another character as point. */
bool lat_number_parse_with(const char *text, size_t n, char point, double *value);

/* Prints x so that it reads back as the same number, of `single` precision or double, usually the
 * shortest such text: the first of 15, 16 or 17 digits that does (6 to 9 of single precision).
 * Returns the length. NaN is printed as nan. */
#define LAT_NUMBER_MOST 32
size_t lat_number_print(double x, bool single, char text[LAT_NUMBER_MOST]);

#endif
