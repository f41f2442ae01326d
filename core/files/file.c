/* file.c: mapping of files, and atomic replacement by a temporary file and rename (file.h). */
#include "files/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/limits.h"

static lat_status system_failure(lat_workspace *work, int error)
{
  return lat_fail(work, LAT_FILE, "%s", strerror(error));
}

/* Of a path that isn't there: what shells and browsers know, and nobody here. */
static lat_status path_failure(lat_workspace *work, const char *path, int error)
{
  if (error == ENOENT && strncmp(path, "~/", 2) == 0)
    return lat_fail(work, LAT_FILE, "%s (~ is the shell's: write the folder)", strerror(error));
  if (error == ENOENT && strstr(path, "://"))
    return lat_fail(work, LAT_FILE, "%s (files only, nothing is fetched)", strerror(error));
  return system_failure(work, error);
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
  *map = (lat_map){.bytes = bytes, .size = (size_t)about.st_size};
  return LAT_OK;
}

lat_status lat_file_map(lat_workspace *work, const char *path, lat_map *map)
{
  *map = (lat_map){0};
  /* not blocking: opening a pipe would wait for its writer */
  int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return path_failure(work, path, errno);
  lat_status status = map_descriptor(work, descriptor, map);
  close(descriptor); /* the mapping stays */
  return status;
}

void lat_file_unmap(lat_map *map)
{
  void *bytes = (void *)(uintptr_t)
                    map->bytes; /* the file is mapped or allocated, and const is for its readers */
  if (map->allocated)
    lat_memory_free(&map->allocator, bytes);
  else if (bytes)
    munmap(bytes, map->size);
  *map = (lat_map){0};
}

/* ---- streams -------------------------------------------------------------- */

lat_status lat_file_widen(lat_workspace *work, unsigned char **bytes, size_t used, size_t *capacity,
                          size_t more)
{
  if (more <= *capacity - used) return LAT_OK;
  LAT_TRY(lat_check(work));
  size_t wider = *capacity + *capacity / 2;
  if (wider < used + more) wider = used + more;
  void *copy = lat_memory_allocate(&work->allocator, wider, 1);
  if (!copy) return lat_fail(work, LAT_MEMORY, "no memory for %zu bytes of a file", wider);
  if (used) memcpy(copy, *bytes, used);
  lat_memory_free(&work->allocator, *bytes);
  *bytes = copy;
  *capacity = wider;
  return LAT_OK;
}

bool lat_file_is_stream(const char *path)
{
  return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0 ||
         strncmp(path, "/dev/fd/", 8) == 0;
}

/* Until the end of the stream. */
static lat_status take_descriptor(lat_workspace *work, int descriptor, lat_map *map)
{
  unsigned char *bytes = NULL;
  size_t used = 0, capacity = 0;
  lat_status status;
  for (ssize_t n = 1; (status = lat_check(work)) == LAT_OK && n != 0;) {
    struct pollfd ready = {.fd = descriptor, .events = POLLIN};
    status = lat_file_widen(work, &bytes, used, &capacity, LAT_FILE_BUFFER);
    if (status != LAT_OK) break;
    if (poll(&ready, 1, LAT_FILE_WAIT) == 0) continue;
    n = read(descriptor, bytes + used, capacity - used);
    if (n > 0) used += (size_t)n;
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      status = system_failure(work, errno);
      break;
    }
  }
  *map = (lat_map){.bytes = bytes, .size = used, .allocated = true, .allocator = work->allocator};
  if (status != LAT_OK) lat_file_unmap(map);
  return status;
}

lat_status lat_file_take(lat_workspace *work, const char *path, lat_map *map)
{
  *map = (lat_map){0};
  if (strcmp(path, "-") == 0) return take_descriptor(work, STDIN_FILENO, map);
  int descriptor = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return path_failure(work, path, errno);
  lat_status status = take_descriptor(work, descriptor, map);
  close(descriptor);
  return status;
}

/* ---- the file to replace -------------------------------------------------------- */

/* Characters of the path up to its last slash, this one included. */
static size_t folder_length(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

static lat_status copy_path(lat_workspace *work, const char *path, char *to)
{
  size_t length = strlen(path);
  if (length == 0) return system_failure(work, ENOENT);
  if (length >= PATH_MAX) return system_failure(work, ENAMETOOLONG);
  memcpy(to, path, length + 1);
  return LAT_OK;
}

/* `target`, which may be a link to a file that doesn't exist, becomes the file it points at. */
static lat_status follow_links(lat_workspace *work, char *target)
{
  char *link = lat_allocate(work, PATH_MAX, 1);
  if (!link) return LAT_MEMORY;
  for (int k = 0; k < LAT_FILE_LINKS; k++) {
    ssize_t n = readlink(target, link, PATH_MAX);
    if (n < 0) return LAT_OK; /* no link, or no file */
    size_t folder = link[0] == '/' ? 0 : folder_length(target);
    if (folder + (size_t)n >= PATH_MAX) return system_failure(work, ENAMETOOLONG);
    memcpy(target + folder, link, (size_t)n);
    target[folder + (size_t)n] = '\0';
  }
  return system_failure(work, ELOOP);
}

/* The file to replace: links are followed, so that rename replaces the file and not the link, and
 * it must be a writable regular file if it exists. */
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
  LAT_TRY(copy_path(work, path, writer->target));
  return follow_links(work, writer->target);
}

/* ---- temporary files -------------------------------------------------------- */

/* True when no other process has this file, now and as long as we hold the lock. A descriptor
 * whose file has lost its name was removed as a leftover before it was locked. */
static bool is_ours(int descriptor, const char *path)
{
  struct stat open_file, named;
  return fstat(descriptor, &open_file) == 0 && lstat(path, &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev &&
         S_ISREG(named.st_mode);
}

/* Removes the file when the process that wrote it is gone, and with it its lock. True when the name
 * is free. Where the file system has no locks, nothing is known, and the file stays. */
static bool remove_leftover(const char *path)
{
  int descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT;
  bool gone =
      flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_ours(descriptor, path) && unlink(path) == 0;
  close(descriptor); /* releases the lock */
  return gone;
}

/* Makes and locks the file. EEXIST when another process has the name. */
static int make_temporary(const char *path)
{
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return -1;
  bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  if ((locked || errno != EWOULDBLOCK) && is_ours(descriptor, path)) return descriptor;
  close(descriptor); /* another process removes it as a leftover */
  errno = EEXIST;
  return -1;
}

/* Opens the first name that is free, and removes leftovers under the others. */
static lat_status open_temporary(lat_workspace *work, lat_writer *writer)
{
  enum { SUFFIX = 32 };
  size_t folder = folder_length(writer->target), name = strlen(writer->target) - folder;
  int shown = (int)(name < NAME_MAX - SUFFIX ? name : NAME_MAX - SUFFIX);
  size_t capacity = folder + (size_t)shown + SUFFIX;
  char *path = lat_allocate(work, capacity, 1);
  writer->temporary = lat_allocate(work, capacity, 1);
  if (!path || !writer->temporary) return LAT_MEMORY;
  for (int k = 0; k < LAT_FILE_ATTEMPTS && (writer->descriptor < 0 || k < LAT_FILE_LEFTOVERS);
       k++) {
    snprintf(path, capacity, "%.*s.%.*s.latent-%d.tmp", (int)folder, writer->target, shown,
             writer->target + folder, k);
    bool unused = remove_leftover(path);
    if (writer->descriptor >= 0) continue;
    errno = EEXIST;
    if (unused) writer->descriptor = make_temporary(path);
    if (writer->descriptor >= 0)
      memcpy(writer->temporary, path, strlen(path) + 1);
    else if (errno != EEXIST)
      break;
  }
  return writer->descriptor < 0 ? path_failure(work, writer->target, errno) : LAT_OK;
}

/* ---- writing ---------------------------------------------------------------- */

lat_status lat_writer_begin(lat_workspace *work, lat_writer *writer, const char *path)
{
  mode_t mode;
  *writer = (lat_writer){.work = work, .descriptor = -1};
  LAT_TRY(find_target(work, writer, path, &mode));
  writer->buffer = lat_allocate(work, LAT_FILE_BUFFER, 1);
  if (!writer->buffer) return LAT_MEMORY;
  LAT_TRY(open_temporary(work, writer));
  /* fails on a file system without permissions, which is ignored */
  if (mode && fchmod(writer->descriptor, mode) != 0) errno = 0;
  return LAT_OK;
}

lat_status lat_writer_begin_at(lat_workspace *work, lat_writer *writer, lat_target target)
{
  if (target.path) return lat_writer_begin(work, writer, target.path);
  *target.memory = (lat_map){.allocated = true, .allocator = work->allocator};
  *writer = (lat_writer){.work = work, .descriptor = -1, .memory = target.memory};
  return LAT_OK;
}

static lat_status put_into_memory(lat_writer *writer, const void *bytes, size_t size)
{
  lat_map *map = writer->memory;
  unsigned char *to = (unsigned char *)(uintptr_t)map->bytes; /* const is for its readers */
  LAT_TRY(lat_file_widen(writer->work, &to, map->size, &writer->capacity, size));
  memcpy(to + map->size, bytes, size);
  map->bytes = to;
  map->size += size;
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

lat_writer lat_writer_of_crc(lat_workspace *work, lat_crc *crc)
{
  return (lat_writer){.work = work, .descriptor = -1, .crc = crc};
}

lat_status lat_writer_put(lat_writer *writer, const void *bytes, size_t size)
{
  const unsigned char *from = bytes;
  if (writer->crc) lat_crc_add(writer->crc, bytes, size);
  if (writer->memory) return size ? put_into_memory(writer, bytes, size) : LAT_OK;
  if (writer->descriptor < 0) return lat_check(writer->work);
  while (size > 0) {
    size_t n = LAT_FILE_BUFFER - writer->used < size ? LAT_FILE_BUFFER - writer->used : size;
    memcpy(writer->buffer + writer->used, from, n);
    writer->used += n, from += n, size -= n;
    if (writer->used == LAT_FILE_BUFFER) LAT_TRY(flush(writer));
  }
  return LAT_OK;
}

/* Writes the file to the disk; files that can't be synchronized are left alone. */
static lat_status synchronize(lat_workspace *work, int descriptor)
{
  while (fsync(descriptor) != 0) {
    if (errno == EINVAL || errno == ENOTSUP || errno == EROFS) return LAT_OK;
    if (errno != EINTR) return system_failure(work, errno);
  }
  return LAT_OK;
}

/* The same for the name of the file. A folder that may be written but not read can't be
 * synchronized. */
static lat_status synchronize_folder(lat_workspace *work, char *path)
{
  size_t folder = folder_length(path);
  path[folder] = '\0'; /* the path isn't needed any more */
  int descriptor = open(folder ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return LAT_OK;
  lat_status status = synchronize(work, descriptor);
  close(descriptor);
  return status;
}

lat_status lat_writer_end(lat_writer *writer, lat_status status)
{
  if (writer->memory) {
    if (status != LAT_OK) lat_file_unmap(writer->memory);
    return status;
  }
  if (status == LAT_OK) status = flush(writer);
  if (status == LAT_OK) status = synchronize(writer->work, writer->descriptor);
  if (status == LAT_OK && rename(writer->temporary, writer->target) != 0)
    status = system_failure(writer->work, errno);
  if (status != LAT_OK)
    unlink(writer->temporary); /* before the lock is released: the name is still ours */
  /* close reports what a network could not keep */
  if (close(writer->descriptor) != 0 && status == LAT_OK)
    status = system_failure(writer->work, errno);
  return status == LAT_OK ? synchronize_folder(writer->work, writer->target) : status;
}

lat_status lat_file_write(lat_workspace *work, const char *path, const void *bytes, size_t size)
{
  lat_writer writer;
  LAT_SCOPE(work);
  LAT_TRY(lat_writer_begin(work, &writer, path));
  lat_status status = lat_writer_end(&writer, lat_writer_put(&writer, bytes, size));
  return status;
}
