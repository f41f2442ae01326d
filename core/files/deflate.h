/* deflate.h: compression by deflate (RFC 1951), of one block at a time.
 *
 * Repetitions within a block are found by a table of the last place of each three bytes, and coded
 * with the fixed codes: a third of the size of images with flat areas, in one quick pass. What
 * doesn't become shorter is stored. */
#ifndef LAT_FILES_DEFLATE_H
#define LAT_FILES_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAT_DEFLATE_BLOCK ((size_t)1 << 15) /* the most bytes of a block: all distances are codes */
/* The most bytes that a block of n becomes, with the bits that wait before it. */
#define LAT_DEFLATE_ROOM(n) ((n) + (n) / 8 + 32)

typedef struct lat_deflater {
  uint64_t hold; /* bits that wait for a whole byte */
  unsigned count;
  uint16_t places[1 << 13]; /* by the hash of three bytes: where they begin, from 1; 0: nowhere */
} lat_deflater;

void lat_deflate_begin(lat_deflater *d);

/* Appends a block of n <= LAT_DEFLATE_BLOCK bytes to a stream, into `out` of LAT_DEFLATE_ROOM(n)
 * bytes; returns how many are whole. The last block's are all. */
size_t lat_deflate(lat_deflater *d, const unsigned char *bytes, size_t n, bool last,
                   unsigned char *out);

#endif
