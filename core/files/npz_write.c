/* npz_write.c: the writer of npz files (npz.h). Each entry is a local header, which has the
 * checksum of what follows, so that its bytes are made twice; the directory follows them all. */
#include <stdint.h>
#include <string.h>

#include "files/npz.h"

/* What the directory needs to know of an entry. */
typedef struct placed {
  uint64_t place, size;
  size_t longest; /* of texts, in characters */
  uint32_t crc;
} placed;

enum { VERSION = 45, STORED = 0, UTF8 = 1 << 11, DATE = 1 << 5 | 1 }; /* 1980-01-01, as NumPy has */

/* From the version that is needed to the checksum: what headers and directory share. */
static unsigned char *put_common(unsigned char *at, uint32_t crc)
{
  at = lat_put_little(at, 2, VERSION);
  at = lat_put_little(at, 2, UTF8);
  at = lat_put_little(at, 2, STORED);
  at = lat_put_little(at, 2, 0);
  at = lat_put_little(at, 2, DATE);
  return lat_put_little(at, 4, crc);
}

static lat_status put_name(lat_writer *writer, lat_text name)
{
  LAT_TRY(lat_writer_put(writer, name.at, name.n));
  return lat_writer_put(writer, ".npy", 4);
}

static lat_status put_npy(lat_writer *writer, const lat_tensor_source *source, const placed *entry)
{
  if (source->texts)
    return lat_npy_put_texts(writer, source->texts, source->data.rows, entry->longest);
  return lat_npy_put(writer, &source->data, source->axes == 1);
}

/* Sizes are in 64 bits, in the extra field of kind 1, as NumPy writes them. */
static lat_status put_entry(lat_writer *writer, const lat_tensor_source *source, placed *entry)
{
  unsigned char header[30], extra[20], *at;
  lat_crc crc;
  lat_crc_begin(&crc);
  lat_writer sum = lat_writer_of_crc(writer->work, &crc);
  LAT_TRY(put_npy(&sum, source, entry));
  entry->crc = lat_crc_sum(&crc);
  at = lat_put_little(header, 4, 0x04034B50);
  at = put_common(at, entry->crc);
  at = lat_put_little(at, 8, UINT64_MAX);
  at = lat_put_little(at, 2, source->name.n + 4);
  lat_put_little(at, 2, sizeof extra);
  LAT_TRY(lat_writer_put(writer, header, sizeof header));
  LAT_TRY(put_name(writer, source->name));
  at = lat_put_little(extra, 2, 1);
  at = lat_put_little(at, 2, 16);
  at = lat_put_little(at, 8, entry->size);
  lat_put_little(at, 8, entry->size);
  LAT_TRY(lat_writer_put(writer, extra, sizeof extra));
  return put_npy(writer, source, entry);
}

/* A value in 32 bits, or, where it is too large for them, all ones, and the value in `extra`. */
static unsigned char *put_value(unsigned char *at, uint64_t value, unsigned char **extra)
{
  if (value >= LAT_ZIP_LARGE) *extra = lat_put_little(*extra, 8, value);
  return lat_put_little(at, 4, value >= LAT_ZIP_LARGE ? UINT32_MAX : value);
}

static lat_status put_directory_entry(lat_writer *writer, lat_text name, const placed *entry,
                                      uint64_t *size)
{
  unsigned char header[46], values[24], extra[4], *end = values, *at;
  at = lat_put_little(header, 4, 0x02014B50);
  at = lat_put_little(at, 2, VERSION);
  at = put_common(at, entry->crc);
  at = put_value(at, entry->size, &end);
  /* in the extra field they stand in another order, but these two are the same */
  at = put_value(at, entry->size, &end);
  at = lat_put_little(at, 2, name.n + 4);
  unsigned char *length = at;
  memset(at, 0, 12); /* the extra field, a comment, the part, attributes */
  put_value(at + 12, entry->place, &end);
  size_t n = (size_t)(end - values);
  if (n) lat_put_little(length, 2, n + sizeof extra);
  LAT_TRY(lat_writer_put(writer, header, sizeof header));
  LAT_TRY(put_name(writer, name));
  lat_put_little(lat_put_little(extra, 2, 1), 2, n);
  if (n) LAT_TRY(lat_writer_put(writer, extra, sizeof extra));
  *size += sizeof header + name.n + 4 + (n ? n + sizeof extra : 0);
  return lat_writer_put(writer, values, n);
}

/* The records at the end: of 64 bits with its locator where they are needed, and the last one. */
static lat_status put_end(lat_writer *writer, uint64_t count, uint64_t size, uint64_t place)
{
  unsigned char record[98], *at = record;
  bool large = count >= UINT16_MAX || size >= LAT_ZIP_LARGE || place >= LAT_ZIP_LARGE;
  if (large) {
    at = lat_put_little(at, 4, 0x06064B50);
    at = lat_put_little(at, 8, 44); /* bytes that follow */
    at = lat_put_little(at, 2, VERSION);
    at = lat_put_little(at, 2, VERSION);
    at = lat_put_little(at, 8, 0); /* parts */
    at = lat_put_little(at, 8, count);
    at = lat_put_little(at, 8, count);
    at = lat_put_little(at, 8, size);
    at = lat_put_little(at, 8, place);
    at = lat_put_little(at, 4, 0x07064B50);
    at = lat_put_little(at, 4, 0);
    at = lat_put_little(at, 8, place + size);
    at = lat_put_little(at, 4, 1);
  }
  at = lat_put_little(at, 4, 0x06054B50);
  at = lat_put_little(at, 4, 0);
  at = lat_put_little(at, 2, large ? UINT16_MAX : count);
  at = lat_put_little(at, 2, large ? UINT16_MAX : count);
  at = lat_put_little(at, 4, large ? UINT32_MAX : size);
  at = lat_put_little(at, 4, large ? UINT32_MAX : place);
  at = lat_put_little(at, 2, 0);
  return lat_writer_put(writer, record, (size_t)(at - record));
}

/* The size of an npy file, and the longest of its texts. */
static void measure(const lat_tensor_source *source, placed *entry)
{
  const lat_matrix *A = &source->data;
  size_t size = A->cols * lat_dtype_size(A->dtype);
  for (size_t i = entry->longest = 0; source->texts && i < A->rows; i++) {
    const char *at = source->texts[i].at, *end = at + source->texts[i].n;
    size_t n = 0;
    for (; at < end; n++) lat_text_next(&at);
    if (n > entry->longest) entry->longest = n;
  }
  if (source->texts && entry->longest == 0) entry->longest = 1;
  if (source->texts) size = entry->longest * sizeof(uint32_t);
  entry->size = LAT_NPY_START + A->rows * size;
}

static lat_status put_archive(lat_writer *writer, const lat_tensor_source *sources, size_t count,
                              placed *entries)
{
  uint64_t place = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    entries[i].place = place;
    measure(&sources[i], &entries[i]);
    LAT_TRY(put_entry(writer, &sources[i], &entries[i]));
    place += 30 + sources[i].name.n + 4 + 20 + entries[i].size;
  }
  for (size_t i = 0; i < count; i++)
    LAT_TRY(put_directory_entry(writer, sources[i].name, &entries[i], &size));
  return put_end(writer, count, size, place);
}

lat_status lat_npz_write(lat_workspace *work, const char *path, lat_tensor_source *sources,
                         size_t count)
{
  enum { LONGEST = UINT16_MAX - 4 };
  lat_writer writer;
  LAT_SCOPE(work);
  LAT_TRY(lat_tensor_sources_sort(work, sources, count));
  for (size_t i = 0; i < count; i++) {
    if (sources[i].name.n > LONGEST)
      return lat_fail(work, LAT_INVALID, "the name of a matrix has %zu bytes, more than %d",
                      sources[i].name.n, LONGEST);
    for (size_t k = 0; sources[i].texts && k < sources[i].data.rows; k++)
      if (!lat_text_is_utf8(sources[i].texts[k]))
        return lat_fail(work, LAT_INVALID, "text %zu of '%.*s' is not UTF-8", k + 1,
                        LAT_SHOWN(sources[i].name));
  }
  placed *entries = lat_allocate(work, count, sizeof *entries);
  if (!entries) return LAT_MEMORY;
  LAT_TRY(lat_writer_begin(work, &writer, path));
  lat_status status = lat_writer_end(&writer, put_archive(&writer, sources, count, entries));
  return status;
}
