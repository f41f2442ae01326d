/* host.h: what latent_lua.h gives to hosts, in the module. */
#ifndef LATL_HOST_HOST_H
#define LATL_HOST_HOST_H

#include "latent_lua.h"
#include "lua/api.h"

/* ---- host/matrices.c ---- */

void latL_pushhostmatrix(lua_State *L, const lat_matrix *view, unsigned flags,
                         lat_lua_release *release, void *context);
lat_matrix latL_newhostmatrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype,
                              unsigned flags);
bool latL_takeback(lua_State *L, int index);
unsigned latL_tohostmatrix(lua_State *L, int index, lat_matrix *view);
lat_matrix latL_checkhostmatrix(lua_State *L, int arg, const char *who, const char *name,
                                unsigned flags);
/* Makes the class of what gives memory back. */
void latL_openhostmatrices(lua_State *L);

/* ---- host/models.c ---- */

void latL_pushhostmodel(lua_State *L, const lat_fitted *fitted, const lat_fit_report *report);
bool latL_tohostmodel(lua_State *L, int index, const char *kind, lat_fitted *to);
lat_fitted latL_checkhostmodel(lua_State *L, int arg, const char *who, const char *name,
                               const char *kind);

#endif
