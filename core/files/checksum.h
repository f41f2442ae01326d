/* checksum.h: the checksums of compressed files: CRC-32 (RFC 1952, section 8; ISO 3309) and
 * Adler-32 (RFC 1950), and integers byte by byte. */
#ifndef LAT_FILES_CHECKSUM_H
#define LAT_FILES_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/workspace.h"

/* A CRC-32 that is being computed, with its tables. */
typedef struct lat_crc {
  uint32_t state, table[8][256];
} lat_crc;

void lat_crc_begin(lat_crc *crc); /* of no bytes */
void lat_crc_again(lat_crc *crc); /* the same, where it has begun before */
void lat_crc_add(lat_crc *crc, const void *bytes, size_t n);
uint32_t lat_crc_sum(const lat_crc *crc);

/* The CRC-32 of n bytes, in pieces between which the call can be cancelled. */
lat_status lat_crc_of(lat_workspace *work, const void *bytes, size_t n, uint32_t *sum);

/* The Adler-32 of n more bytes; it begins as 1. */
uint32_t lat_adler(uint32_t sum, const void *bytes, size_t n);

/* n <= 8 bytes as an integer, the least significant first, or the most. */
uint64_t lat_little(const unsigned char *at, size_t n);
uint64_t lat_big(const unsigned char *at, size_t n);
/* And back; returns what follows. */
unsigned char *lat_put_little(unsigned char *at, size_t n, uint64_t value);
unsigned char *lat_put_big(unsigned char *at, size_t n, uint64_t value);

#endif
