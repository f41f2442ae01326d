/* checksum.c: CRC-32 by eight tables, eight bytes at a time (Kounavis and Berry, "A systematic
 * approach to building high performance software-based CRC generators", 2005), and Adler-32. */
#include "files/checksum.h"

#include "files/limits.h"

void lat_crc_again(lat_crc *crc)
{
  crc->state = 0xFFFFFFFF;
}

void lat_crc_begin(lat_crc *crc)
{
  lat_crc_again(crc);
  for (uint32_t k = 0; k < 256; k++) {
    uint32_t value = k;
    for (int b = 0; b < 8; b++) value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
    crc->table[0][k] = value;
  }
  for (int t = 1; t < 8; t++)
    for (uint32_t k = 0; k < 256; k++) {
      uint32_t value = crc->table[t - 1][k];
      crc->table[t][k] = value >> 8 ^ crc->table[0][value & 255];
    }
}

void lat_crc_add(lat_crc *crc, const void *bytes, size_t n)
{
  const unsigned char *at = bytes;
  uint32_t state = crc->state;
  for (; n >= 8; n -= 8, at += 8) {
    uint64_t word = lat_little(at, 8) ^ state;
    state = 0;
    for (int t = 0; t < 8; t++) state ^= crc->table[7 - t][word >> 8 * t & 255];
  }
  for (; n > 0; n--) state = state >> 8 ^ crc->table[0][(state ^ *at++) & 255];
  crc->state = state;
}

uint32_t lat_crc_sum(const lat_crc *crc)
{
  return ~crc->state;
}

lat_status lat_crc_of(lat_workspace *work, const void *bytes, size_t n, uint32_t *sum)
{
  const unsigned char *at = bytes;
  lat_crc crc;
  lat_crc_begin(&crc);
  for (size_t part; n > 0; n -= part, at += part) {
    part = n < LAT_CRC_CHECK ? n : LAT_CRC_CHECK;
    lat_crc_add(&crc, at, part);
    LAT_TRY(lat_check(work));
  }
  *sum = lat_crc_sum(&crc);
  return LAT_OK;
}

uint32_t lat_adler(uint32_t sum, const void *bytes, size_t n)
{
  enum { PRIME = 65521, MOST = 5552 }; /* so many bytes don't overflow */
  const unsigned char *at = bytes;
  uint32_t low = sum & 0xFFFF, high = sum >> 16;
  while (n > 0) {
    size_t part = n < MOST ? n : MOST;
    for (n -= part; part > 0; part--) low += *at++, high += low;
    low %= PRIME, high %= PRIME;
  }
  return high << 16 | low;
}

uint64_t lat_little(const unsigned char *at, size_t n)
{
  uint64_t value = 0;
  for (size_t b = 0; b < n; b++) value |= (uint64_t)at[b] << 8 * b;
  return value;
}

uint64_t lat_big(const unsigned char *at, size_t n)
{
  uint64_t value = 0;
  for (size_t b = 0; b < n; b++) value = value << 8 | at[b];
  return value;
}

unsigned char *lat_put_little(unsigned char *at, size_t n, uint64_t value)
{
  for (size_t b = 0; b < n; b++) *at++ = (unsigned char)(value >> 8 * b);
  return at;
}

unsigned char *lat_put_big(unsigned char *at, size_t n, uint64_t value)
{
  for (size_t b = n; b > 0; b--) *at++ = (unsigned char)(value >> 8 * (b - 1));
  return at;
}
