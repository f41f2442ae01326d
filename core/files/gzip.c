/* gzip.c: decompression of gzip (RFC 1952) and its deflate format (RFC 1951).
 *
 * Bits are read into a 64-bit word, lowest first. A symbol is decoded by a table of its first
 * FAST_BITS bits, or bit by bit when its code is longer. Copies refer to bytes that are already
 * expanded. */
#include "files/gzip.h"

#include <stdint.h>
#include <string.h>

enum { MOST_BITS = 15, FAST_BITS = 10, LITERALS = 288, DISTANCES = 32, END = 256 };

/* A Huffman code. Of codes up to FAST_BITS long, `fast` has the symbol << 4 | length by the next
 * bits; longer ones are 0 there, and found among `sorted`, the symbols in the order of their codes,
 * of which `count` have each length. Filling a table of all 15 bits would take longer than
 * decoding a small block: files of empty blocks would take minutes a megabyte. */
typedef struct codes {
  uint16_t fast[1 << FAST_BITS], count[MOST_BITS + 1], sorted[LITERALS];
} codes;

typedef struct stream {
  lat_workspace *work;
  const unsigned char *at, *end;
  uint64_t hold; /* bits that were read, the next one lowest */
  unsigned count;
  unsigned char *out;                  /* the expanded bytes, in memory of `capacity` bytes */
  size_t used, capacity, member;       /* where this member begins */
  unsigned until_check;                /* symbols until lat_check */
  codes *literals, *distances, *fixed; /* a block's own; the two fixed ones, or NULL */
} stream;

static lat_status wrong(stream *s, const char *what)
{
  return lat_fail(s->work, LAT_FORMAT, "not a sound gzip file: %s", what);
}

/* ---- bits ------------------------------------------------------------------------- */

static inline void refill(stream *s)
{
  while (s->count <= 56 && s->at < s->end) {
    s->hold |= (uint64_t)*s->at++ << s->count;
    s->count += 8;
  }
}

static inline unsigned consume(stream *s, unsigned n)
{
  unsigned value = (unsigned)(s->hold & ((1u << n) - 1));
  s->hold >>= n;
  s->count -= n;
  return value;
}

/* n <= 16 bits */
static lat_status read_bits(stream *s, unsigned n, unsigned *value)
{
  *value = 0;
  refill(s);
  if (s->count < n) return wrong(s, "it ends too early");
  *value = consume(s, n);
  return LAT_OK;
}

/* ---- memory ------------------------------------------------------------------------- */

static lat_status reserve(stream *s, size_t more)
{
  if (more <= s->capacity - s->used) return LAT_OK;
  if (more > LAT_GZIP_MOST - s->used)
    return lat_fail(s->work, LAT_FORMAT, "it expands to more than %zu GB", LAT_GZIP_MOST >> 30);
  LAT_TRY(lat_check(s->work));
  size_t capacity = s->capacity + s->capacity / 2;
  if (capacity < s->used + more) capacity = s->used + more;
  void *wider = lat_memory_allocate(&s->work->allocator, capacity, 1);
  if (!wider)
    return lat_fail(s->work, LAT_MEMORY, "no memory for %zu bytes that a file expands to",
                    capacity);
  if (s->used) memcpy(wider, s->out, s->used);
  lat_memory_free(&s->work->allocator, s->out);
  s->out = wider;
  s->capacity = capacity;
  return LAT_OK;
}

/* ---- Huffman codes ------------------------------------------------------------------ */

/* The canonical code of these lengths (RFC 1951, 3.2.2). The bits come with the code's highest
 * first, so the index of `fast` is the code with its bits reversed. */
static lat_status make_codes(stream *s, const unsigned char *lengths, unsigned symbols, codes *c)
{
  unsigned next[MOST_BITS + 2] = {0}, place[MOST_BITS + 2] = {0};
  memset(c, 0, sizeof *c);
  for (unsigned k = 0; k < symbols; k++) c->count[lengths[k]]++;
  c->count[0] = 0;
  for (unsigned bits = 1; bits <= MOST_BITS; bits++) {
    next[bits + 1] = (next[bits] + c->count[bits]) << 1;
    place[bits + 1] = place[bits] + c->count[bits];
    if (next[bits] + c->count[bits] > 1u << bits) return wrong(s, "its codes are not codes");
  }
  for (unsigned k = 0; k < symbols; k++) {
    unsigned bits = lengths[k], code, reversed = 0;
    if (bits == 0) continue;
    code = next[bits]++;
    c->sorted[place[bits]++] = (uint16_t)k;
    if (bits > FAST_BITS) continue;
    for (unsigned b = 0; b < bits; b++) reversed |= (code >> b & 1) << (bits - 1 - b);
    for (unsigned at = reversed; at < 1u << FAST_BITS; at += 1u << bits)
      c->fast[at] = (uint16_t)(k << 4 | bits);
  }
  return LAT_OK;
}

/* A code longer than FAST_BITS, bit by bit: codes of one length are consecutive numbers, and the
 * first of each length follows from those that are shorter. */
static lat_status long_symbol(stream *s, const codes *c, unsigned *value)
{
  unsigned code = 0, first = 0, place = 0;
  for (unsigned bits = 1; bits <= MOST_BITS && bits <= s->count; bits++) {
    unsigned n = c->count[bits];
    code = code << 1 | (unsigned)(s->hold >> (bits - 1) & 1);
    if (code - first < n) {
      consume(s, bits);
      *value = c->sorted[place + code - first];
      return LAT_OK;
    }
    place += n;
    first = (first + n) << 1;
  }
  return wrong(s, "a code is cut off or unknown");
}

static inline lat_status symbol(stream *s, const codes *c, unsigned *value)
{
  *value = 0;
  refill(s);
  unsigned entry = c->fast[s->hold & ((1u << FAST_BITS) - 1)], bits = entry & 15;
  if (bits == 0) return long_symbol(s, c, value);
  if (bits > s->count) return wrong(s, "a code is cut off or unknown");
  consume(s, bits);
  *value = entry >> 4;
  return LAT_OK;
}

/* The codes of blocks without a code of their own, computed at the first need. */
static lat_status fixed_codes(stream *s)
{
  unsigned char lengths[LITERALS];
  if (s->fixed) return LAT_OK;
  codes *made = lat_allocate(s->work, 2, sizeof *made);
  if (!made) return LAT_MEMORY;
  for (unsigned k = 0; k < LITERALS; k++) lengths[k] = k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8;
  LAT_TRY(make_codes(s, lengths, LITERALS, &made[0]));
  memset(lengths, 5, DISTANCES);
  LAT_TRY(make_codes(s, lengths, DISTANCES, &made[1]));
  s->fixed = made;
  return LAT_OK;
}

static lat_status dynamic_codes(stream *s)
{
  static const unsigned char order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                        11, 4,  12, 3, 13, 2, 14, 1, 15};
  unsigned char lengths[LITERALS + DISTANCES + 138] = {0};
  unsigned literals, distances, count, value, repeat;
  LAT_TRY(read_bits(s, 5, &literals));
  LAT_TRY(read_bits(s, 5, &distances));
  LAT_TRY(read_bits(s, 4, &count));
  literals += 257;
  distances += 1;
  if (literals > 286) return wrong(s, "too many codes");
  for (unsigned k = 0; k < count + 4; k++) {
    LAT_TRY(read_bits(s, 3, &value));
    lengths[order[k]] = (unsigned char)value;
  }
  LAT_TRY(make_codes(s, lengths, 19, s->literals));
  memset(lengths, 0, sizeof lengths);
  for (unsigned k = 0; k < literals + distances;) {
    unsigned char length = 0;
    LAT_TRY(symbol(s, s->literals, &value));
    if (value < 16) {
      lengths[k++] = (unsigned char)value;
      continue;
    }
    if (value == 16 && k == 0) return wrong(s, "it repeats what isn't there");
    if (value == 16) length = lengths[k - 1];
    LAT_TRY(read_bits(s, value == 16 ? 2 : value == 17 ? 3 : 7, &repeat));
    repeat += value == 18 ? 11 : 3;
    for (; repeat > 0; repeat--) lengths[k++] = length;
    if (k > literals + distances) return wrong(s, "too many codes");
  }
  if (lengths[END] == 0) return wrong(s, "a block has no end");
  LAT_TRY(make_codes(s, lengths + literals, distances, s->distances));
  return make_codes(s, lengths, literals, s->literals);
}

/* ---- blocks --------------------------------------------------------------------------- */

static lat_status copy_back(stream *s, size_t distance, size_t length)
{
  if (distance > s->used - s->member) return wrong(s, "it refers to what isn't there");
  LAT_TRY(reserve(s, length));
  unsigned char *to = s->out + s->used;
  for (size_t k = 0; k < length; k++) to[k] = to[(ptrdiff_t)k - (ptrdiff_t)distance];
  s->used += length;
  return LAT_OK;
}

static lat_status check_cancelled(stream *s)
{
  s->until_check = LAT_GZIP_CHECK;
  return lat_check(s->work);
}

static lat_status coded_block(stream *s, const codes *literals, const codes *distances)
{
  static const unsigned short length_base[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                               15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                               67, 83, 99, 115, 131, 163, 195, 227, 258};
  static const unsigned short distance_base[] = {
      1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
      193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
  for (;;) {
    unsigned value, extra, distance;
    if (s->until_check-- == 0) LAT_TRY(check_cancelled(s));
    LAT_TRY(symbol(s, literals, &value));
    if (value < END) {
      LAT_TRY(reserve(s, 1));
      s->out[s->used++] = (unsigned char)value;
      continue;
    }
    if (value == END) return LAT_OK;
    value -= END + 1;
    if (value > 28) return wrong(s, "a length is unknown");
    LAT_TRY(read_bits(s, value < 4 || value == 28 ? 0 : (value - 4) / 4, &extra));
    LAT_TRY(symbol(s, distances, &distance));
    if (distance > 29) return wrong(s, "a distance is unknown");
    size_t length = length_base[value] + extra;
    LAT_TRY(read_bits(s, distance < 2 ? 0 : (distance - 2) / 2, &extra));
    LAT_TRY(copy_back(s, distance_base[distance] + (size_t)extra, length));
  }
}

static lat_status stored_block(stream *s)
{
  unsigned n, not_n;
  consume(s, s->count % 8);
  LAT_TRY(read_bits(s, 16, &n));
  LAT_TRY(read_bits(s, 16, &not_n));
  if ((n ^ not_n) != 0xFFFF) return wrong(s, "a length is wrong");
  LAT_TRY(reserve(s, n));
  for (; n > 0 && s->count > 0; n--) s->out[s->used++] = (unsigned char)consume(s, 8);
  if (n > (size_t)(s->end - s->at)) return wrong(s, "it ends too early");
  if (n > 0) { /* memcpy's pointers may not be NULL */
    memcpy(s->out + s->used, s->at, n);
    s->hold = 0;
  }
  s->used += n;
  s->at += n;
  return LAT_OK;
}

static lat_status inflate(stream *s)
{
  unsigned last = 0, kind;
  while (!last) {
    LAT_TRY(read_bits(s, 1, &last));
    LAT_TRY(read_bits(s, 2, &kind));
    s->until_check = s->until_check > LAT_GZIP_CHECK / 64 ? s->until_check - LAT_GZIP_CHECK / 64
                                                          : 0; /* a block's work */
    if (kind == 3) return wrong(s, "a block is of no kind");
    if (s->until_check == 0) LAT_TRY(check_cancelled(s));
    LAT_TRY(kind == 0 ? stored_block(s) : kind == 1 ? fixed_codes(s) : dynamic_codes(s));
    if (kind == 1) LAT_TRY(coded_block(s, &s->fixed[0], &s->fixed[1]));
    if (kind == 2) LAT_TRY(coded_block(s, s->literals, s->distances));
  }
  consume(s, s->count % 8);
  s->at -= s->count / 8; /* whole bytes that were read ahead */
  s->hold = s->count = 0;
  return LAT_OK;
}

/* ---- members ---------------------------------------------------------------------------- */

/* The checksum of RFC 1952, section 8. */
static lat_status crc32(stream *s, const unsigned char *bytes, size_t n, uint32_t *sum)
{
  uint32_t table[256], crc = 0xFFFFFFFF;
  for (uint32_t k = 0; k < 256; k++) {
    table[k] = k;
    for (int b = 0; b < 8; b++) table[k] = table[k] >> 1 ^ (table[k] & 1 ? 0xEDB88320 : 0);
  }
  for (size_t k = 0, end; k < n; k = end) {
    end = n - k < LAT_CRC_CHECK ? n : k + LAT_CRC_CHECK;
    for (size_t i = k; i < end; i++) crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
    LAT_TRY(lat_check(s->work));
  }
  *sum = ~crc;
  return LAT_OK;
}

static uint32_t word(const unsigned char *at)
{
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static lat_status skip_header(stream *s)
{
  enum { CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xE0 };
  const unsigned char *at = s->at, *end = s->end;
  if (end - at < 10 || at[0] != 0x1F || at[1] != 0x8B) return wrong(s, "it doesn't begin as one");
  unsigned flags = at[3];
  if (at[2] != 8 || flags & RESERVED) return wrong(s, "it is of an unknown kind");
  at += 10;
  if (flags & EXTRA) {
    if (end - at < 2 || end - at - 2 < (at[0] | at[1] << 8)) return wrong(s, "it ends too early");
    at += 2 + (at[0] | at[1] << 8);
  }
  for (unsigned text = NAME; text <= COMMENT; text *= 2) {
    if (!(flags & text)) continue;
    at = memchr(at, 0, (size_t)(end - at));
    if (!at) return wrong(s, "it ends too early");
    at++;
  }
  if (flags & CRC) {
    if (end - at < 2) return wrong(s, "it ends too early");
    at += 2;
  }
  s->at = at;
  return LAT_OK;
}

static lat_status expand_member(stream *s)
{
  s->member = s->used;
  LAT_TRY(skip_header(s));
  LAT_TRY(inflate(s));
  if (s->end - s->at < 8) return wrong(s, "it ends too early");
  size_t n = s->used - s->member;
  uint32_t sum;
  LAT_TRY(crc32(s, s->out + s->member, n, &sum));
  if (word(s->at + 4) != (uint32_t)n || word(s->at) != sum)
    return wrong(s, "its checksum is wrong");
  s->at += 8;
  return LAT_OK;
}

static lat_status expand(stream *s, size_t n)
{
  s->literals = lat_allocate(s->work, 1, sizeof *s->literals);
  s->distances = lat_allocate(s->work, 1, sizeof *s->distances);
  if (!s->literals || !s->distances) return LAT_MEMORY;
  if (n < 18) return wrong(s, "it is too short");
  /* the length in the last member's trailer is a good guess, unless it is impossible */
  size_t guess = word(s->end - 4);
  LAT_TRY(reserve(s, guess / 1100 < n ? guess + 1 : n));
  do LAT_TRY(expand_member(s));
  while (s->at < s->end);
  return LAT_OK;
}

lat_status lat_gzip_expand(lat_workspace *work, const unsigned char *bytes, size_t n, lat_map *map)
{
  LAT_SCOPE(work);
  stream s = {
      .work = work, .at = bytes, .end = n ? bytes + n : bytes, .until_check = LAT_GZIP_CHECK};
  *map = (lat_map){0};
  lat_status status = expand(&s, n);
  if (status == LAT_OK && s.used == 0) status = wrong(&s, "nothing is in it");
  *map = (lat_map){.bytes = s.out, .size = s.used, .allocated = true, .allocator = work->allocator};
  if (status != LAT_OK) lat_file_unmap(map);
  return status;
}
