/* npz.h: NumPy's files of several arrays, which are npy files (npy.h) in a zip archive.
 *
 *   lat_npz file;
 *   LAT_TRY(lat_npz_parse(work, bytes, n, &file));
 *   for (i = 0; i < file.count; i++) {
 *     LAT_TRY(lat_npz_entry(work, &file.entries[i], &elements, &array));
 *     LAT_TRY(lat_array_read(work, &array, elements, &A));
 *   }
 *
 * Entries may be stored (numpy.savez) or deflated (numpy.savez_compressed), with sizes of 32 or 64
 * bits; written ones are stored. The format is PKWARE's APPNOTE.TXT 6.3.10. */
#ifndef LAT_FILES_NPZ_H
#define LAT_FILES_NPZ_H

#include "files/npy.h"
#include "files/safetensors.h"

typedef struct lat_npz_file {
  lat_text name; /* without ".npy" */
  bool deflated;
  uint32_t crc;
  size_t size;                /* of the npy file */
  const unsigned char *bytes; /* as they are in the archive */
  size_t packed;              /* so many */
} lat_npz_file;

typedef struct lat_npz {
  size_t count;
  lat_npz_file *entries; /* sorted by name */
} lat_npz;

/* Reads the directory of an archive of n bytes. Entries that aren't npy files are passed over.
 * LAT_FORMAT: not such an archive, one in several parts, encrypted or of another compression, sizes
 * that don't fit the file, entries that share bytes, two of one name, none. Keeps the entries. */
lat_status lat_npz_parse(lat_workspace *work, const unsigned char *bytes, size_t n, lat_npz *file);

const lat_npz_file *lat_npz_find(const lat_npz *file, lat_text name); /* or NULL */

/* The npy file of an entry: `bytes` become its own, expanded where it is deflated, and `array` what
 * lat_npy_parse_any finds. LAT_FORMAT when it isn't sound or its checksum is wrong. Keeps the
 * bytes. */
lat_status lat_npz_entry(lat_workspace *work, const lat_npz_file *entry,
                         const unsigned char **bytes, lat_array *array);

/* Writes an archive of these matrices and texts, which are sorted by name: the same ones make the
 * same bytes. LAT_INVALID as lat_tensor_sources_sort, a name of more than 65531 bytes, texts that
 * aren't UTF-8. */
lat_status lat_npz_write(lat_workspace *work, const char *path, lat_tensor_source *sources,
                         size_t count);

#endif
