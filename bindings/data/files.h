/* files.h: formats of files that have a file of their own here. Not installed. */
#ifndef LATL_DATA_FILES_H
#define LATL_DATA_FILES_H

#include "data/file.h"

/* Read a table of text: options at 2, pushes X and info. The delimiter is the ending's, or 0. */
int latL_readcsv(lua_State *L, latL_Source *source, const char *path, char delimiter);
/* Write one: options at 3. */
lat_status latL_writecsv(lua_State *L, const char *path, const latL_Matrix *A, char delimiter);

/* safetensors: pushes tables of matrices and of metadata; writes the table of matrices at 2. */
int latL_readtensors(lua_State *L, latL_Source *source, const char *path);
lat_status latL_writetensors(lua_State *L, const char *path);

#endif
