/* file.h: whole files, in and out.
 *
 * Reading maps a file: its bytes appear in memory without a copy, and parsers work on (bytes,
 * size), as fuzzers call them too. Writing goes to a temporary file in the same folder that is
 * renamed when it is complete, so that a file is never incomplete and an error leaves the old one.
 *
 * Messages say what is wrong, without the path, which the caller adds. */
#ifndef LAT_FILES_FILE_H
#define LAT_FILES_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/workspace.h"
#include "files/checksum.h"

typedef struct lat_map {
  const unsigned char *bytes; /* NULL when the file is empty */
  size_t size;
  bool allocated; /* not mapped, but from this allocator */
  lat_allocator allocator;
} lat_map;

/* Maps a whole file to read. LAT_FILE when it can't be opened or is a folder, a pipe or a device
 * (which could block for ever), LAT_MEMORY when there are no addresses left. A file that another
 * process truncates while it is mapped kills its readers with SIGBUS: replace files, as the writer
 * below does, rather than truncating them. */
lat_status lat_file_map(lat_workspace *work, const char *path, lat_map *map);
void lat_file_unmap(lat_map *map); /* may be called twice */

/* Reads what comes from a pipe, a terminal or a device, up to its end, into memory that
 * lat_file_unmap frees: of the path "-", which is standard input, or of one that names an open
 * descriptor (/dev/stdin, /dev/fd/3). It waits, between two looks at whether the call is cancelled.
 * LAT_FILE, LAT_MEMORY, LAT_CANCELLED. */
bool lat_file_is_stream(const char *path);
lat_status lat_file_take(lat_workspace *work, const char *path, lat_map *map);

/* Memory of the allocator for `more` bytes behind the `used` ones: the same, or a wider copy. */
lat_status lat_file_widen(lat_workspace *work, unsigned char **bytes, size_t used, size_t *capacity,
                          size_t more);

/* Where the bytes of a file go: to the path; or, when that is NULL, into memory, which
 * lat_file_unmap frees. */
typedef struct lat_target {
  const char *path;
  lat_map *memory;
} lat_target;

/* A file being written. */
typedef struct lat_writer {
  lat_workspace *work;
  char *target, *temporary; /* in the workspace */
  unsigned char *buffer;
  size_t used;
  int descriptor;
  lat_map *memory; /* instead of a file, */
  size_t capacity; /* and how much there is room for */
  lat_crc *crc;    /* of what is put, where one is wanted: the caller sets it */
} lat_writer;

/* Begin, put any number of times, and end; all from the same function, since the
 * writer's memory is the workspace's. After a begin that succeeded, `end` must be
 * called with the status of the puts: it renames the file to its name when that is
 * LAT_OK, else removes it and returns that status. An existing file keeps its
 * permissions. A symbolic link stays one: the file it points at is replaced, or
 * made when it isn't there. LAT_FILE: no such folder, no permission, a full disk.
 *
 * The temporary file of NAME is .NAME.latent-K.tmp, with the first K from 0 that no
 * other process writes now: a writer locks its file (flock), so that one without a
 * lock was left by a process that is gone, and the next writer of NAME removes it.
 * Keeps the writer's memory. */
lat_status lat_writer_begin(lat_workspace *work, lat_writer *writer, const char *path);
/* The same of a target, which may be memory. Keeps the writer's memory. */
lat_status lat_writer_begin_at(lat_workspace *work, lat_writer *writer, lat_target target);
lat_status lat_writer_put(lat_writer *writer, const void *bytes, size_t size);
lat_status lat_writer_end(lat_writer *writer, lat_status status);

/* A writer without a file: what is put is only summed, for formats whose headers have the checksum
 * of what follows. There is no end. */
lat_writer lat_writer_of_crc(lat_workspace *work, lat_crc *crc);

/* The three in one: a file of these bytes. */
lat_status lat_file_write(lat_workspace *work, const char *path, const void *bytes, size_t size);

#endif
