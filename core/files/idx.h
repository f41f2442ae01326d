/* idx.h: the format of the MNIST data sets.
 *
 * Two zero bytes, the element type, the number of axes, each size in four bytes, and
 * the elements, all big-endian. Described at the end of LeCun, Cortes and Burges'
 * page about the MNIST database. */
#ifndef LAT_FILES_IDX_H
#define LAT_FILES_IDX_H

#include "files/array.h"

/* Reads the header of an idx file of n bytes. LAT_FORMAT for anything else, also
 * when the file is shorter than its header announces. */
lat_status lat_idx_parse(lat_workspace *work, const unsigned char *bytes, size_t n,
                         lat_array *array);

#endif
