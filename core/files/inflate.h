/* inflate.h: decompression of deflate (RFC 1951), in which gzip, npz and PNG files hold bytes.
 *
 *   lat_inflater s;
 *   LAT_TRY(lat_inflater_begin(work, "PNG", bytes, n, &s));
 *   s.out = memory, s.capacity = size;
 *   LAT_TRY(lat_inflate(&s));          s.used bytes are in s.out, and s.at is behind the stream */
#ifndef LAT_FILES_INFLATE_H
#define LAT_FILES_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/workspace.h"

typedef struct lat_inflater {
  lat_workspace *work;
  const char *format;            /* of the file, for messages */
  const unsigned char *at, *end; /* the bytes that aren't read yet */
  unsigned char *out;            /* the expanded bytes, in memory of `capacity` bytes */
  size_t used, capacity, member; /* where this stream begins */
  bool grows;                  /* `out` is the allocator's, which its owner frees, and is widened */
  uint64_t hold;               /* bits that were read, the next one lowest */
  unsigned count, until_check; /* bits; symbols until lat_check */
  const struct lat_steps *steps; /* bytes that were read, of all; or NULL */
  const unsigned char *from;     /* the first of them */
  struct lat_inflater_codes *literals, *distances, *fixed; /* a block's own; the fixed, or NULL */
} lat_inflater;

/* Ready for n bytes, with no memory for what they expand to. Keeps tables. */
lat_status lat_inflater_begin(lat_workspace *work, const char *format, const unsigned char *bytes,
                              size_t n, lat_inflater *s);

/* Expands one stream behind the s->used bytes that are there. LAT_FORMAT when it isn't sound, or is
 * longer than memory that doesn't grow; LAT_MEMORY, LAT_CANCELLED. Keeps tables. */
lat_status lat_inflate(lat_inflater *s);

/* Makes room for more bytes, where `out` grows. */
lat_status lat_inflater_reserve(lat_inflater *s, size_t more);

/* LAT_FORMAT: "not a sound PNG file: " and what is wrong. */
lat_status lat_inflater_wrong(lat_inflater *s, const char *what);

#endif
