/* gzip.c: gzip files (RFC 1952): members, each a header, a deflate stream (inflate.h), a checksum
 * and a length. */
#include "files/gzip.h"

#include <string.h>

#include "base/progress.h"
#include "files/checksum.h"
#include "files/inflate.h"

static lat_status skip_header(lat_inflater *s)
{
  enum { CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xE0 };
  const unsigned char *at = s->at, *end = s->end;
  if (end - at < 10 || at[0] != 0x1F || at[1] != 0x8B)
    return lat_inflater_wrong(s, "it doesn't begin as one");
  unsigned flags = at[3];
  if (at[2] != 8 || flags & RESERVED) return lat_inflater_wrong(s, "it is of an unknown kind");
  at += 10;
  if (flags & EXTRA) {
    if (end - at < 2 || end - at - 2 < (at[0] | at[1] << 8))
      return lat_inflater_wrong(s, "it ends too early");
    at += 2 + (at[0] | at[1] << 8);
  }
  for (unsigned text = NAME; text <= COMMENT; text *= 2) {
    if (!(flags & text)) continue;
    at = memchr(at, 0, (size_t)(end - at));
    if (!at) return lat_inflater_wrong(s, "it ends too early");
    at++;
  }
  if (flags & CRC) {
    if (end - at < 2) return lat_inflater_wrong(s, "it ends too early");
    at += 2;
  }
  s->at = at;
  return LAT_OK;
}

static lat_status expand_member(lat_inflater *s)
{
  LAT_TRY(skip_header(s));
  LAT_TRY(lat_inflate(s));
  if (s->end - s->at < 8) return lat_inflater_wrong(s, "it ends too early");
  size_t n = s->used - s->member;
  uint32_t sum;
  LAT_TRY(lat_crc_of(s->work, s->out + s->member, n, &sum));
  if (lat_little(s->at + 4, 4) != (uint32_t)n || lat_little(s->at, 4) != sum)
    return lat_inflater_wrong(s, "its checksum is wrong");
  s->at += 8;
  return LAT_OK;
}

static lat_status expand(lat_inflater *s, size_t n)
{
  if (n < 18) return lat_inflater_wrong(s, "it is too short");
  /* the length in the last member's trailer is a good guess, unless it is impossible */
  size_t guess = (size_t)lat_little(s->end - 4, 4);
  LAT_TRY(lat_inflater_reserve(s, guess / 1100 < n ? guess + 1 : n));
  do LAT_TRY(expand_member(s));
  while (s->at < s->end);
  return LAT_OK;
}

lat_status lat_gzip_expand(lat_workspace *work, const unsigned char *bytes, size_t n, lat_map *map)
{
  LAT_SCOPE(work);
  lat_inflater s;
  *map = (lat_map){0};
  LAT_STEPS(work, steps, n, "bytes");
  LAT_TRY(lat_inflater_begin(work, "gzip", bytes, n, &s));
  s.steps = &steps;
  s.grows = true;
  lat_status status = expand(&s, n);
  if (status == LAT_OK && s.used == 0) status = lat_inflater_wrong(&s, "nothing is in it");
  *map = (lat_map){.bytes = s.out, .size = s.used, .allocated = true, .allocator = work->allocator};
  if (status != LAT_OK) lat_file_unmap(map);
  return status;
}
