/* files.h: what files.c and files_csv.c share. Not installed. */
#ifndef LATENT_FILES_H
#define LATENT_FILES_H

#include "binding.h"
#include "files/file.h"

/* A file that is being read: its bytes and the memory that reading takes, in one userdata, so
 * that the collector gives both back whatever Lua raises in between. A matrix that is a view of
 * the file keeps it alive. */
typedef struct latL_Source {
  lat_map map;
  lat_workspace work;
} latL_Source;

/* nil, "path: message" for a file that can't be read or parsed; the source is closed. Misuse, no
 * memory and Ctrl-C raise instead. */
int latL_sourcefailure(lua_State *L, const char *who, latL_Source *source, const char *path,
                       lat_status status);

/* Read a table of text: options at 2, pushes X and info. The delimiter is the ending's, or 0. */
int latL_readcsv(lua_State *L, latL_Source *source, const char *path, char delimiter);
/* Write one: options at 3. */
lat_status latL_writecsv(lua_State *L, const char *path, const latL_Matrix *A, char delimiter);

#endif
