/* gzip.h: files that were compressed with gzip (RFC 1952, 1951).
 *
 * Only reading. Many data sets come so, and the format is small; every check that it has (lengths,
 * CRC-32) is made, so what comes out is what went in. */
#ifndef LAT_FILES_GZIP_H
#define LAT_FILES_GZIP_H

#include "files/file.h"

/* More than this is taken for an attack: a file of 4 MB could ask for it. */
#define LAT_GZIP_MOST ((size_t)4 << 30)

/* Expands n bytes of gzip, one or more members, into memory that lat_file_unmap gives back.
 * LAT_FORMAT for anything else, LAT_MEMORY when there is no room. */
lat_status lat_gzip_expand(lat_workspace *work, const unsigned char *bytes, size_t n, lat_map *map);

#endif
