#include "files/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static lat_status system_failure(lat_workspace *work, int error)
{
  return lat_fail(work, LAT_FILE, "%s", strerror(error));
}

static lat_status check_regular(lat_workspace *work, mode_t mode)
{
  if (S_ISDIR(mode)) return system_failure(work, EISDIR);
  if (!S_ISREG(mode)) return lat_fail(work, LAT_FILE, "Not a regular file");
  return LAT_OK;
}

/* ---- reading ------------------------------------------------------------- */

static lat_status map_descriptor(lat_workspace *work, int descriptor, lat_map *map)
{
  struct stat about;
  if (fstat(descriptor, &about) != 0) return system_failure(work, errno);
  LAT_TRY(check_regular(work, about.st_mode));
  if ((uintmax_t)about.st_size > PTRDIFF_MAX)
    return lat_fail(work, LAT_FILE, "Too large for this machine's memory addresses");
  if (about.st_size == 0) return LAT_OK;
  void *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED && errno == ENOMEM)
    return lat_fail(work, LAT_MEMORY, "no memory to map %zu bytes", (size_t)about.st_size);
  if (bytes == MAP_FAILED) return system_failure(work, errno);
  *map = (lat_map){bytes, (size_t)about.st_size};
  return LAT_OK;
}

lat_status lat_file_map(lat_workspace *work, const char *path, lat_map *map)
{
  *map = (lat_map){NULL, 0};
  /* not blocking: opening a pipe would wait for its writer */
  int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return system_failure(work, errno);
  lat_status status = map_descriptor(work, descriptor, map);
  close(descriptor); /* the mapping stays */
  return status;
}

void lat_file_unmap(lat_map *map)
{
  /* munmap changes no byte that the const promises to keep */
  if (map->bytes) munmap((void *)(uintptr_t)map->bytes, map->size);
  *map = (lat_map){NULL, 0};
}

/* ---- writing ------------------------------------------------------------- */

#define BUFFER ((size_t)1 << 16)

/* Where the bytes shall end up: links followed, so that rename replaces the file
 * and not the link, and nothing but a writable regular file replaced. */
static lat_status find_target(lat_workspace *work, lat_writer *writer, const char *path,
                              mode_t *mode)
{
  struct stat about;
  writer->target = lat_allocate(work, PATH_MAX, 1);
  if (!writer->target) return LAT_MEMORY;
  *mode = 0;
  if (stat(path, &about) == 0) {
    LAT_TRY(check_regular(work, about.st_mode));
    if (access(path, W_OK) != 0 || !realpath(path, writer->target))
      return system_failure(work, errno);
    *mode = about.st_mode & 07777;
    return LAT_OK;
  }
  if (errno != ENOENT) return system_failure(work, errno);
  size_t length = strlen(path);
  if (length == 0) return system_failure(work, ENOENT);
  if (length >= PATH_MAX) return system_failure(work, ENAMETOOLONG);
  memcpy(writer->target, path, length + 1);
  return LAT_OK;
}

lat_status lat_writer_begin(lat_workspace *work, lat_writer *writer, const char *path)
{
  mode_t mode;
  *writer = (lat_writer){.work = work, .descriptor = -1};
  LAT_TRY(find_target(work, writer, path, &mode));
  const char *slash = strrchr(writer->target, '/');
  size_t folder = slash ? (size_t)(slash - writer->target) + 1 : 0, room = folder + 64;
  writer->temporary = lat_allocate(work, room, 1);
  writer->buffer = lat_allocate(work, BUFFER, 1);
  if (!writer->temporary || !writer->buffer) return LAT_MEMORY;
  memcpy(writer->temporary, writer->target, folder);
  for (int attempt = 0; attempt < 1000; attempt++) {
    snprintf(writer->temporary + folder, room - folder, ".latent-%ld-%d.tmp", (long)getpid(),
             attempt);
    writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (writer->descriptor >= 0 || errno != EEXIST) break;
  }
  if (writer->descriptor < 0) return system_failure(work, errno);
  /* a file system without permissions may refuse; the contents matter more */
  if (mode && fchmod(writer->descriptor, mode) != 0) errno = 0;
  return LAT_OK;
}

static lat_status flush(lat_writer *writer)
{
  for (size_t done = 0; done < writer->used;) {
    ssize_t n = write(writer->descriptor, writer->buffer + done, writer->used - done);
    if (n < 0 && errno != EINTR) return system_failure(writer->work, errno);
    if (n > 0) done += (size_t)n;
  }
  writer->used = 0;
  return lat_check(writer->work);
}

lat_status lat_writer_put(lat_writer *writer, const void *bytes, size_t size)
{
  const unsigned char *from = bytes;
  while (size > 0) {
    size_t n = BUFFER - writer->used < size ? BUFFER - writer->used : size;
    memcpy(writer->buffer + writer->used, from, n);
    writer->used += n, from += n, size -= n;
    if (writer->used == BUFFER) LAT_TRY(flush(writer));
  }
  return LAT_OK;
}

lat_status lat_writer_end(lat_writer *writer, lat_status status)
{
  if (status == LAT_OK) status = flush(writer);
  /* close reports what a network or a full disk could not keep */
  if (close(writer->descriptor) != 0 && status == LAT_OK)
    status = system_failure(writer->work, errno);
  if (status == LAT_OK && rename(writer->temporary, writer->target) != 0)
    status = system_failure(writer->work, errno);
  if (status != LAT_OK) unlink(writer->temporary);
  return status;
}
