/* npy.h: NumPy's file format for one array.
 *
 * Six bytes of magic, two of version, the header's length, and the header: a Python
 * dictionary {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)} in text,
 * padded with blanks; then the elements. Versions 1.0, 2.0 (a longer header) and
 * 3.0 (in UTF-8) are read; 1.0 is written. The format is described in NumPy
 * Enhancement Proposal 1 and in numpy.lib.format. */
#ifndef LAT_FILES_NPY_H
#define LAT_FILES_NPY_H

#include "files/array.h"
#include "files/json.h"

/* Reads the header of an npy file of n bytes. Element types f2 f4 f8, i1 to i8, u1
 * to u8 and b1, in both byte orders. LAT_FORMAT for everything that isn't exactly
 * such a file, also when it is shorter than its shape announces; bytes after the
 * elements are ignored, as NumPy does. */
lat_status lat_npy_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         lat_array *array);

/* The same of arrays of text, too, of at most one axis: kind 'U' (characters of four bytes) or 'S'
 * (bytes), and `size` bytes for each text. */
lat_status lat_npy_parse_any(lat_workspace *work, const unsigned char *bytes, size_t n,
                             lat_array *array);
bool lat_npy_is_text(const lat_array *array);
/* Text i, from 0, of such a file, into `out` of array->size bytes: as UTF-8, with U+FFFD for what
 * is no character, or as its bytes are. Returns the length, without NULs at the end. */
size_t lat_npy_text(const lat_array *array, const unsigned char *bytes, size_t i, char *out);

/* Writes A in C order, as f8 or f4 by its dtype, with one axis when `vector`. */
lat_status lat_npy_write(lat_workspace *work, const char *path, const lat_matrix *A, bool vector);

/* The same to a writer: LAT_NPY_START bytes, then the elements. */
#define LAT_NPY_START 128
lat_status lat_npy_put(lat_writer *writer, const lat_matrix *A, bool vector);
/* Texts in UTF-8, of at most `longest` >= 1 characters, as an array of kind 'U': LAT_NPY_START
 * bytes, then 4 longest for each. */
lat_status lat_npy_put_texts(lat_writer *writer, const lat_text *texts, size_t count,
                             size_t longest);

#endif
