/* limits.h: what the readers of files accept at most, and sizes of buffers, with the reason for
 * each.
 *
 * A file is a stranger's: everything that its header announces is compared with these, or with the
 * size of the file, before memory is allocated for it. */
#ifndef LAT_FILES_LIMITS_H
#define LAT_FILES_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* ---- what is accepted ------------------------------------------------------------------------ */

#define LAT_ARRAY_AXES         64                /* NumPy's own limit */
#define LAT_CSV_COLUMNS        ((size_t)1 << 20) /* more is a wrong delimiter */
#define LAT_GZIP_MOST          ((size_t)4 << 30) /* bytes of a file, which 4 MB could expand to */
#define LAT_JSON_DEPTH         16 /* brackets within brackets: no stack is exhausted */
#define LAT_NPY_HEADER         ((size_t)1 << 20) /* bytes: a dictionary of three entries */
#define LAT_NPZ_MOST           ((size_t)1 << 20) /* entries of a file */
#define LAT_DEFLATE_MOST       1032 /* times that deflate may expand a byte: 258 bytes in 2 bits */
#define LAT_SAFETENSORS_HEADER ((size_t)100000000) /* bytes, as in the reference implementation */
#define LAT_SAFETENSORS_MOST   ((size_t)65536)     /* arrays */
#define LAT_SAFETENSORS_AXES   8

/* ---- calls of lat_check: about every millisecond --------------------------------------------- */

#define LAT_TEXT_CHECK (1 << 18)         /* bytes of CSV or JSON */
#define LAT_TEXT_SCAN  (1 << 24)         /* bytes of a search by memchr */
#define LAT_GZIP_CHECK (1 << 16)         /* symbols of gzip */
#define LAT_CRC_CHECK  ((size_t)1 << 22) /* bytes of a checksum */
#define LAT_FILE_WAIT  50 /* milliseconds that a stream is waited for: a key is answered at once */

/* ---- writing --------------------------------------------------------------------------------- */

#define LAT_FILE_BUFFER ((size_t)1 << 16) /* bytes written in one call of the system */
/* from here on a size stands in 64 bits of a zip file; a spec has a smaller one */
#ifndef LAT_ZIP_LARGE
#define LAT_ZIP_LARGE UINT32_MAX
#endif
#define LAT_FILE_BAND      ((size_t)1 << 16) /* elements of a view that are packed at a time */
#define LAT_FILE_ROWS      64                /* rows converted at a time from column-major order */
#define LAT_FILE_LINKS     40   /* symbolic links followed: as many as the kernel does */
#define LAT_FILE_ATTEMPTS  1000 /* temporary names tried: processes that write one file at once */
#define LAT_FILE_LEFTOVERS 16   /* temporary names searched for files of processes that are gone */

#endif
