/* inflate.c: decompression of deflate (RFC 1951; inflate.h).
 *
 * Bits are read into a 64-bit word, lowest first. A symbol is decoded by a table of its first
 * FAST_BITS bits, or bit by bit when its code is longer. Copies refer to bytes that are already
 * expanded. */
#include "files/inflate.h"

#include <string.h>

#include "base/progress.h"
#include "files/file.h"
#include "files/limits.h"

enum { MOST_BITS = 15, FAST_BITS = 10, LITERALS = 288, DISTANCES = 32, END = 256 };

/* A Huffman code. Of codes up to FAST_BITS long, `fast` has the symbol << 4 | length by the next
 * bits; longer ones are 0 there, and found among `sorted`, the symbols in the order of their codes,
 * of which `count` have each length. Filling a table of all 15 bits would take longer than
 * decoding a small block: files of empty blocks would take minutes a megabyte. */
typedef struct lat_inflater_codes {
  uint16_t fast[1 << FAST_BITS], count[MOST_BITS + 1], sorted[LITERALS];
} codes;

typedef lat_inflater stream;

lat_status lat_inflater_wrong(lat_inflater *s, const char *what)
{
  return lat_fail(s->work, LAT_FORMAT, "not a sound %s file: %s", s->format, what);
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
  if (s->count < n) return lat_inflater_wrong(s, "it ends too early");
  *value = consume(s, n);
  return LAT_OK;
}

/* ---- memory ------------------------------------------------------------------------- */

lat_status lat_inflater_reserve(lat_inflater *s, size_t more)
{
  if (more <= s->capacity - s->used) return LAT_OK;
  if (!s->grows) return lat_inflater_wrong(s, "more is in it than it announces");
  if (more > LAT_GZIP_MOST - s->used)
    return lat_fail(s->work, LAT_FORMAT, "it expands to more than %zu GB", LAT_GZIP_MOST >> 30);
  return lat_file_widen(s->work, &s->out, s->used, &s->capacity, more);
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
    if (next[bits] + c->count[bits] > 1u << bits)
      return lat_inflater_wrong(s, "its codes are not codes");
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
  return lat_inflater_wrong(s, "a code is cut off or unknown");
}

static inline lat_status symbol(stream *s, const codes *c, unsigned *value)
{
  *value = 0;
  refill(s);
  unsigned entry = c->fast[s->hold & ((1u << FAST_BITS) - 1)], bits = entry & 15;
  if (bits == 0) return long_symbol(s, c, value);
  if (bits > s->count) return lat_inflater_wrong(s, "a code is cut off or unknown");
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
  if (literals > 286) return lat_inflater_wrong(s, "too many codes");
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
    if (value == 16 && k == 0) return lat_inflater_wrong(s, "it repeats what isn't there");
    if (value == 16) length = lengths[k - 1];
    LAT_TRY(read_bits(s, value == 16 ? 2 : value == 17 ? 3 : 7, &repeat));
    repeat += value == 18 ? 11 : 3;
    for (; repeat > 0; repeat--) lengths[k++] = length;
    if (k > literals + distances) return lat_inflater_wrong(s, "too many codes");
  }
  if (lengths[END] == 0) return lat_inflater_wrong(s, "a block has no end");
  LAT_TRY(make_codes(s, lengths + literals, distances, s->distances));
  return make_codes(s, lengths, literals, s->literals);
}

/* ---- blocks --------------------------------------------------------------------------- */

static lat_status copy_back(stream *s, size_t distance, size_t length)
{
  if (distance > s->used - s->member) return lat_inflater_wrong(s, "it refers to what isn't there");
  LAT_TRY(lat_inflater_reserve(s, length));
  unsigned char *to = s->out + s->used;
  for (size_t k = 0; k < length; k++) to[k] = to[(ptrdiff_t)k - (ptrdiff_t)distance];
  s->used += length;
  return LAT_OK;
}

static lat_status check_cancelled(stream *s)
{
  s->until_check = LAT_GZIP_CHECK;
  if (s->steps) lat_step(s->steps, (double)(s->at - s->from), 0);
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
      LAT_TRY(lat_inflater_reserve(s, 1));
      s->out[s->used++] = (unsigned char)value;
      continue;
    }
    if (value == END) return LAT_OK;
    value -= END + 1;
    if (value > 28) return lat_inflater_wrong(s, "a length is unknown");
    LAT_TRY(read_bits(s, value < 4 || value == 28 ? 0 : (value - 4) / 4, &extra));
    LAT_TRY(symbol(s, distances, &distance));
    if (distance > 29) return lat_inflater_wrong(s, "a distance is unknown");
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
  if ((n ^ not_n) != 0xFFFF) return lat_inflater_wrong(s, "a length is wrong");
  LAT_TRY(lat_inflater_reserve(s, n));
  for (; n > 0 && s->count > 0; n--) s->out[s->used++] = (unsigned char)consume(s, 8);
  if (n > (size_t)(s->end - s->at)) return lat_inflater_wrong(s, "it ends too early");
  if (n > 0) { /* memcpy's pointers may not be NULL */
    memcpy(s->out + s->used, s->at, n);
    s->hold = 0;
  }
  s->used += n;
  s->at += n;
  return LAT_OK;
}

lat_status lat_inflate(lat_inflater *s)
{
  unsigned last = 0, kind;
  s->member = s->used;
  while (!last) {
    LAT_TRY(read_bits(s, 1, &last));
    LAT_TRY(read_bits(s, 2, &kind));
    s->until_check = s->until_check > LAT_GZIP_CHECK / 64 ? s->until_check - LAT_GZIP_CHECK / 64
                                                          : 0; /* a block's work */
    if (kind == 3) return lat_inflater_wrong(s, "a block is of no kind");
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

lat_status lat_inflater_begin(lat_workspace *work, const char *format, const unsigned char *bytes,
                              size_t n, lat_inflater *s)
{
  *s = (lat_inflater){.work = work,
                      .format = format,
                      .at = bytes,
                      .from = bytes,
                      .end = n ? bytes + n : bytes,
                      .until_check = LAT_GZIP_CHECK};
  s->literals = lat_allocate(work, 1, sizeof *s->literals);
  s->distances = lat_allocate(work, 1, sizeof *s->distances);
  return s->literals && s->distances ? LAT_OK : LAT_MEMORY;
}
