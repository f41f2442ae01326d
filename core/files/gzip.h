/* gzip.h: files that were compressed with gzip (RFC 1952, 1951).
 *
 * Only reading. Many data sets come so, and the format is small; every check that it has (lengths,
 * CRC-32) is checked. */
#ifndef LAT_FILES_GZIP_H
#define LAT_FILES_GZIP_H

#include "files/file.h"
#include "files/limits.h"

/* Expands n bytes of gzip, one or more members, into memory that lat_file_unmap frees.
 * LAT_FORMAT for anything else, LAT_MEMORY when there is not enough. */
lat_status lat_gzip_expand(lat_workspace *work, const unsigned char *bytes, size_t n, lat_map *map);

#endif
