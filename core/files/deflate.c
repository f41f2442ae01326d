/* deflate.c: compression by deflate (deflate.h): a greedy search and the fixed codes of RFC 1951,
 * 3.2.6. Codes are written with their highest bit first, everything else with its lowest. */
#include "files/deflate.h"

#include <string.h>

enum { SHORTEST = 3, LONGEST = 258, END = 256, STORED = 0, FIXED = 1 };

typedef struct output {
  lat_deflater *d;
  unsigned char *at;
} output;

void lat_deflate_begin(lat_deflater *d)
{
  d->hold = d->count = 0;
}

static inline void put_bits(output *o, unsigned value, unsigned n)
{
  o->d->hold |= (uint64_t)value << o->d->count;
  for (o->d->count += n; o->d->count >= 8; o->d->count -= 8) {
    *o->at++ = (unsigned char)o->d->hold;
    o->d->hold >>= 8;
  }
}

static void put_code(output *o, unsigned code, unsigned n)
{
  unsigned reversed = 0;
  for (unsigned b = 0; b < n; b++) reversed |= (code >> b & 1) << (n - 1 - b);
  put_bits(o, reversed, n);
}

/* A literal, a length's symbol or the end. */
static void put_symbol(output *o, unsigned symbol)
{
  if (symbol < 144)
    put_code(o, 0x30 + symbol, 8);
  else if (symbol < 256)
    put_code(o, 0x190 + symbol - 144, 9);
  else if (symbol < 280)
    put_code(o, symbol - 256, 7);
  else
    put_code(o, 0xC0 + symbol - 280, 8);
}

/* value >= 0 in a scale in which 2^bits values share a symbol, and bits grow by one every `step`
 * symbols: the symbol, with its extra bits and their value. */
static unsigned scale(unsigned value, unsigned step, unsigned *bits, unsigned *extra)
{
  unsigned symbol = 0;
  for (*bits = 0; value >= (symbol == 0 ? 2 * step : step) << *bits; ++*bits) {
    unsigned many = symbol == 0 ? 2 * step : step;
    value -= many << *bits;
    symbol += many;
  }
  *extra = value & ((1u << *bits) - 1);
  return symbol + (value >> *bits);
}

static void put_match(output *o, unsigned length, unsigned distance)
{
  unsigned bits, extra, symbol = scale(length - SHORTEST, 4, &bits, &extra);
  if (length == LONGEST) symbol = 28, bits = extra = 0;
  put_symbol(o, END + 1 + symbol);
  put_bits(o, extra, bits);
  symbol = scale(distance - 1, 2, &bits, &extra);
  put_code(o, symbol, 5);
  put_bits(o, extra, bits);
}

static unsigned hash(const unsigned char *at)
{
  uint32_t three = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
  return three * 2654435761u >> 19;
}

/* The length of the repetition at `at` of what stands at `before`. */
static size_t match(const unsigned char *before, const unsigned char *at, const unsigned char *end)
{
  size_t most = (size_t)(end - at) < LONGEST ? (size_t)(end - at) : LONGEST, n = 0;
  while (n < most && before[n] == at[n]) n++;
  return n;
}

static void put_compressed(output *o, const unsigned char *bytes, size_t n)
{
  const unsigned char *end = bytes + n;
  memset(o->d->places, 0, sizeof o->d->places);
  for (const unsigned char *at = bytes; at < end;) {
    size_t length = 0;
    const unsigned char *before = at;
    if (end - at >= SHORTEST) {
      uint16_t *place = &o->d->places[hash(at)];
      if (*place) {
        before = bytes + *place - 1;
        length = match(before, at, end);
      }
      *place = (uint16_t)(at - bytes + 1);
    }
    if (length >= SHORTEST) {
      put_match(o, (unsigned)length, (unsigned)(at - before));
      at += length;
    } else {
      put_symbol(o, *at++);
    }
  }
  put_symbol(o, END);
}

static void put_stored(output *o, const unsigned char *bytes, size_t n)
{
  put_bits(o, 0, (8 - o->d->count) & 7);
  put_bits(o, (unsigned)n, 16);
  put_bits(o, (unsigned)n ^ 0xFFFF, 16);
  if (n) memcpy(o->at, bytes, n);
  o->at += n;
}

size_t lat_deflate(lat_deflater *d, const unsigned char *bytes, size_t n, bool last,
                   unsigned char *out)
{
  const uint64_t hold = d->hold;
  const unsigned count = d->count;
  output o = {d, out};
  put_bits(&o, last | FIXED << 1, 3);
  put_compressed(&o, bytes, n);
  if ((size_t)(o.at - out) > n + 5) {
    d->hold = hold, d->count = count;
    o.at = out;
    put_bits(&o, last | STORED << 1, 3);
    put_stored(&o, bytes, n);
  }
  if (last) put_bits(&o, 0, (8 - d->count) & 7);
  return (size_t)(o.at - out);
}
