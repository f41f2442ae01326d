/* npz.c: the reader of npz files (npz.h). An archive is read by the directory at its end: its last
 * record says where the directory is, which says where each entry is. */
#include "files/npz.h"

#include <stdlib.h>
#include <string.h>

#include "files/inflate.h"

enum { END = 22, LOCATOR = 20, END_64 = 56, ENTRY = 46, LOCAL = 30 }; /* bytes of records */

typedef struct archive {
  lat_workspace *work;
  const unsigned char *bytes, *end; /* of the file */
  const unsigned char *directory, *directory_end;
  size_t count;
} archive;

static lat_status wrong(lat_workspace *work, const char *what)
{
  return lat_fail(work, LAT_FORMAT, "not a sound npz file: %s", what);
}

static bool begins(const unsigned char *at, const char *signature)
{
  return memcmp(at, "PK", 2) == 0 && memcmp(at + 2, signature, 2) == 0;
}

/* ---- the directory -------------------------------------------------------------------------- */

/* The last record, which may be followed by a comment of the length that it says. */
static const unsigned char *find_end(const archive *a)
{
  size_t n = (size_t)(a->end - a->bytes);
  for (size_t back = END; back <= n && back <= END + UINT16_MAX; back++) {
    const unsigned char *at = a->end - back;
    if (begins(at, "\5\6") && lat_little(at + 20, 2) == back - END) return at;
  }
  return NULL;
}

/* Count, size and place of the directory, from the record of 64 bits where one is too small. */
static lat_status find_directory(archive *a)
{
  const unsigned char *end = find_end(a), *from = end;
  if (!end) return wrong(a->work, "it doesn't end as a zip archive does");
  uint64_t parts = lat_little(end + 4, 2) | lat_little(end + 6, 2), count = lat_little(end + 10, 2);
  uint64_t size = lat_little(end + 12, 4), place = lat_little(end + 16, 4);
  if (count == UINT16_MAX || size == UINT32_MAX || place == UINT32_MAX) {
    const unsigned char *locator = end - LOCATOR;
    if (end - a->bytes >= LOCATOR && begins(locator, "\6\7")) {
      uint64_t at = lat_little(locator + 8, 8);
      if (locator - a->bytes < END_64 || at > (uint64_t)(locator - a->bytes - END_64) ||
          !begins(from = a->bytes + at, "\6\6"))
        return wrong(a->work, "its record of 64 bits isn't there");
      parts = lat_little(from + 16, 4) | lat_little(from + 20, 4);
      count = lat_little(from + 32, 8);
      size = lat_little(from + 40, 8), place = lat_little(from + 48, 8);
    }
  }
  uint64_t before = (uint64_t)(from - a->bytes);
  if (parts) return wrong(a->work, "it is one of several parts");
  if (place > before || size > before - place || count > size / ENTRY)
    return wrong(a->work, "its directory isn't where it should be");
  if (count > LAT_NPZ_MOST)
    return lat_fail(a->work, LAT_FORMAT, "%llu entries, more than %zu", (unsigned long long)count,
                    LAT_NPZ_MOST);
  a->directory = a->bytes + place, a->directory_end = a->directory + size;
  a->count = (size_t)count;
  return LAT_OK;
}

/* ---- entries -------------------------------------------------------------------------------- */

/* The sizes and the place that don't fit into 32 bits stand, in this order, in the extra field of
 * kind 1. */
static lat_status read_extra(lat_workspace *work, const unsigned char *at, size_t n,
                             uint64_t *const values[3])
{
  for (size_t length; n >= 4; at += length + 4, n -= length + 4) {
    length = (size_t)lat_little(at + 2, 2);
    if (length > n - 4) break;
    if (lat_little(at, 2) != 1) continue;
    const unsigned char *value = at + 4, *end = value + length;
    for (int k = 0; k < 3; k++) {
      if (*values[k] != UINT32_MAX) continue;
      if (end - value < 8) return wrong(work, "a size of 64 bits isn't there");
      *values[k] = lat_little(value, 8);
      value += 8;
    }
    break;
  }
  return LAT_OK;
}

/* Where the bytes of an entry are: behind its local header, whose name and extra field may have
 * other lengths than in the directory. */
static lat_status find_bytes(const archive *a, uint64_t place, uint64_t packed, lat_npz_file *entry)
{
  uint64_t all = (uint64_t)(a->directory - a->bytes);
  if (place > all || all - place < LOCAL || !begins(a->bytes + place, "\3\4"))
    return wrong(a->work, "an entry isn't where it should be");
  const unsigned char *local = a->bytes + place;
  uint64_t skipped = LOCAL + lat_little(local + 26, 2) + lat_little(local + 28, 2);
  if (skipped > all - place || packed > all - place - skipped)
    return wrong(a->work, "an entry is longer than the file");
  entry->bytes = local + skipped;
  entry->packed = (size_t)packed;
  return LAT_OK;
}

/* The entry at *at, which is moved behind it; *is is false for what isn't an npy file. */
static lat_status read_entry(const archive *a, const unsigned char **at, lat_npz_file *entry,
                             bool *is)
{
  const unsigned char *e = *at;
  size_t left = (size_t)(a->directory_end - e);
  if (left < ENTRY || !begins(e, "\1\2")) return wrong(a->work, "its directory is cut off");
  size_t name = (size_t)lat_little(e + 28, 2), extra = (size_t)lat_little(e + 30, 2);
  size_t whole = ENTRY + name + extra + (size_t)lat_little(e + 32, 2);
  if (whole > left) return wrong(a->work, "its directory is cut off");
  *at = e + whole;
  *is = name >= 4 && memcmp(e + ENTRY + name - 4, ".npy", 4) == 0;
  if (!*is) return LAT_OK;
  uint64_t method = lat_little(e + 10, 2), packed = lat_little(e + 20, 4);
  uint64_t size = lat_little(e + 24, 4), place = lat_little(e + 42, 4);
  if (lat_little(e + 8, 2) & 1) return wrong(a->work, "an entry is encrypted");
  if (method != 0 && method != 8)
    return lat_fail(a->work, LAT_FORMAT, "compression %d of zip files can't be read, only deflate",
                    (int)method);
  uint64_t *const values[] = {&size, &packed, &place};
  LAT_TRY(read_extra(a->work, e + ENTRY + name, extra, values));
  *entry = (lat_npz_file){.name = {(const char *)e + ENTRY, name - 4},
                          .deflated = method == 8,
                          .crc = (uint32_t)lat_little(e + 16, 4)};
  LAT_TRY(find_bytes(a, place, packed, entry));
  if (entry->deflated ? size / LAT_DEFLATE_MOST > packed : size != packed)
    return wrong(a->work, "an entry can't have the size that it announces");
  entry->size = (size_t)size;
  return LAT_OK;
}

static int by_name(const void *a, const void *b)
{
  return lat_text_compare(((const lat_npz_file *)a)->name, ((const lat_npz_file *)b)->name);
}

lat_status lat_npz_parse(lat_workspace *work, const unsigned char *bytes, size_t n, lat_npz *file)
{
  archive a = {.work = work, .bytes = bytes, .end = n ? bytes + n : bytes};
  size_t packed = 0;
  *file = (lat_npz){0};
  LAT_TRY(find_directory(&a));
  file->entries = lat_allocate(work, a.count, sizeof *file->entries);
  if (!file->entries) return LAT_MEMORY;
  const unsigned char *at = a.directory;
  for (size_t k = 0; k < a.count; k++) {
    bool is = false;
    LAT_TRY(read_entry(&a, &at, &file->entries[file->count], &is));
    if (is) packed += file->entries[file->count++].packed;
    /* else a small file would expand without end */
    if (packed > n) return wrong(work, "its entries share bytes");
    if (k % 4096 == 0) LAT_TRY(lat_check(work));
  }
  if (file->count == 0) return lat_fail(work, LAT_FORMAT, "no arrays in it");
  qsort(file->entries, file->count, sizeof *file->entries, by_name);
  for (size_t k = 1; k < file->count; k++)
    if (by_name(&file->entries[k - 1], &file->entries[k]) == 0)
      return lat_fail(work, LAT_FORMAT, "'%.*s' is there twice", LAT_SHOWN(file->entries[k].name));
  return LAT_OK;
}

const lat_npz_file *lat_npz_find(const lat_npz *file, lat_text name)
{
  lat_npz_file wanted = {.name = name};
  return bsearch(&wanted, file->entries, file->count, sizeof wanted, by_name);
}

/* ---- elements ------------------------------------------------------------------------------- */

static lat_status expand(lat_workspace *work, const lat_npz_file *entry, unsigned char *out)
{
  LAT_SCOPE(work);
  lat_inflater s;
  LAT_TRY(lat_inflater_begin(work, "npz", entry->bytes, entry->packed, &s));
  s.out = out, s.capacity = entry->size;
  LAT_TRY(lat_inflate(&s));
  if (s.used != entry->size) return wrong(work, "an entry is shorter than it announces");
  return LAT_OK;
}

/* The message of what failed gets the entry's name. */
static lat_status in_entry(lat_workspace *work, const lat_npz_file *entry, lat_status status)
{
  char message[sizeof work->message];
  if (status != LAT_FORMAT) return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, status, "'%.*s': %s", LAT_SHOWN(entry->name), message);
}

lat_status lat_npz_entry(lat_workspace *work, const lat_npz_file *entry,
                         const unsigned char **bytes, lat_array *array)
{
  uint32_t crc;
  *bytes = entry->bytes;
  if (entry->deflated) {
    unsigned char *out = lat_allocate(work, entry->size, 1);
    if (!out) return LAT_MEMORY;
    *bytes = out;
    LAT_TRY(in_entry(work, entry, expand(work, entry, out)));
  }
  LAT_TRY(lat_crc_of(work, *bytes, entry->size, &crc));
  if (crc != entry->crc)
    return in_entry(work, entry, lat_fail(work, LAT_FORMAT, "its checksum is wrong"));
  return in_entry(work, entry, lat_npy_parse_any(work, *bytes, entry->size, array));
}
