/* file.h: a file that is being read, or has been written. Not installed. */
#ifndef LATL_DATA_FILE_H
#define LATL_DATA_FILE_H

#include "files/array.h"
#include "files/file.h"
#include "lua/matrix.h"

/* A file that is being read: its bytes and the memory that reading takes, in one userdata, so
 * that the collector gives both back whatever Lua raises in between. A matrix that is a view of
 * the file keeps it alive. */
typedef struct latL_Source {
  lat_map map;
  lat_workspace work;
  bool gone; /* closed: what was a view of it is no more */
} latL_Source;

/* The path at `arg`. Raises in a sandbox (lua/state.h), so that all that has to do with files does. */
const char *latL_checkpath(lua_State *L, int arg, const char *who);

/* Pushes one without bytes; Ctrl-C reaches its workspace, too. */
latL_Source *latL_newsource(lua_State *L);
/* Pushes one that has a copy of these. */
latL_Source *latL_copysource(lua_State *L, const char *who, const char *bytes, size_t size);
/* Pushes a file, mapped; Ctrl-C reaches its workspace, too. NULL when that can't be: then nil and
 * "path: message" are pushed. */
latL_Source *latL_opensource(lua_State *L, const char *who, const char *path);
/* The same of what comes from a stream (lat_file_is_stream), whose end is waited for. */
latL_Source *latL_openstream(lua_State *L, const char *who, const char *path);
/* Gives back at once what reading took. */
void latL_closesource(latL_Source *source);

/* nil, "path: message" for a file that can't be read or parsed; the source is closed. Misuse, no
 * memory and Ctrl-C raise instead. */
int latL_sourcefailure(lua_State *L, const char *who, latL_Source *source, const char *path,
                       lat_status status);

/* What a function returns that has written a file: true, or nil and "path: message" from work's;
 * the workspace is released to `mark`. */
int latL_filewritten(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                     const char *path, lat_status status);

/* Pushes the array, of a file of these bytes, as a matrix of its own, of that dtype (lat_array_dtype's loses nothing); raises
 * at Ctrl-C. */
latL_Matrix *latL_newarray(lua_State *L, const char *who, latL_Source *source,
                           const unsigned char *bytes, const lat_array *array, lat_dtype dtype);

/* ---- formats that have a file of their own -------------------------------------------------- */

/* By the file's ending. `read` pushes its results; `write` writes what is at 2, or is NULL; options
 * are behind these. */
typedef struct latL_Format latL_Format;
struct latL_Format {
  const char *ending;
  int (*read)(lua_State *L, const latL_Format *f, latL_Source *source, const char *path);
  lat_status (*write)(lua_State *L, const latL_Format *f, const char *path);
  lat_status (*parse)(lat_workspace *, const unsigned char *, size_t, lat_array *); /* of arrays */
  bool png;                             /* of images: PNG, not PGM or PPM */
  char read_delimiter, write_delimiter; /* of text; '\0': found in the file, or the usual one */
};

/* The option `name` of one character. */
char latL_optcharacter(lua_State *L, const char *who, int arg, const char *name, char otherwise);

/* Tables of text: pushes X and info; writes the matrix. */
int latL_readcsv(lua_State *L, const latL_Format *f, latL_Source *source, const char *path);
lat_status latL_writecsv(lua_State *L, const latL_Format *f, const char *path);
/* Images: pushes X and info; writes the matrix. */
int latL_readimage(lua_State *L, const latL_Format *f, latL_Source *source, const char *path);
lat_status latL_writeimage(lua_State *L, const latL_Format *f, const char *path);
/* safetensors: pushes tables of matrices and of metadata; writes the table of matrices. */
int latL_readtensors(lua_State *L, const latL_Format *f, latL_Source *source, const char *path);
lat_status latL_writetensors(lua_State *L, const latL_Format *f, const char *path);
/* npz: pushes a table of matrices; writes the same. */
int latL_readnpz(lua_State *L, const latL_Format *f, latL_Source *source, const char *path);
lat_status latL_writenpz(lua_State *L, const latL_Format *f, const char *path);

#endif
