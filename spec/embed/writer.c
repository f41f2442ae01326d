/* writer.c: writes a file through lat_writer, and tells what the system was asked for.
 *   writer PATH         writes "whole" and prints the calls of fsync and rename, in order
 *   writer PATH wait    writes "half", says "ready" and waits to be killed */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/file.h"

int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int __wrap_fsync(int descriptor)
{
  struct stat about;
  fstat(descriptor, &about);
  puts(S_ISDIR(about.st_mode) ? "fsync folder" : "fsync file");
  return __real_fsync(descriptor);
}

int __wrap_rename(const char *from, const char *to)
{
  puts("rename");
  return __real_rename(from, to);
}

int main(int count, char **arguments)
{
  lat_workspace work;
  lat_writer writer;
  lat_workspace_init(&work);
  if (count == 3) {
    if (lat_writer_begin(&work, &writer, arguments[1]) != LAT_OK) return 1;
    lat_writer_put(&writer, "half", 4);
    puts("ready");
    fflush(stdout);
    pause();
  }
  if (lat_file_write(&work, arguments[1], "whole", 5) != LAT_OK) return puts(work.message), 1;
  lat_workspace_done(&work);
  return 0;
}
