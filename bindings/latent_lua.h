/* latent_lua.h: matrices and models between a host in C or C++ and scripts in Lua.
 *
 * A host that embeds Lua includes this header and links nothing for it: its functions are inline and
 * call the module that the state has loaded, whichever file that is in. They find it by a table in
 * the registry, and raise where there is none or where it is of another version than this header.
 *
 *   luaL_requiref(L, "latent", luaopen_latent, 0);      or require "latent" in a script
 *
 *   double *frame = malloc(480 * 640 * sizeof *frame);
 *   lat_matrix view = lat_lua_matrix(frame, 480, 640);  packed rows; any strides will do
 *   lat_lua_push_matrix(L, &view, 0, free, frame);      a matrix in Lua, without a copy
 *   lua_setglobal(L, "frame");
 *
 *   luaL_dostring(L, "gmm = latent.gmm{ components = 3 }:fit(frame)");
 *   lua_getglobal(L, "gmm");
 *   lat_fitted fitted = lat_lua_check_model(L, -1, "score", "gmm", "gmm");   pushes its parameters
 *   lat_gmm gmm = lat_gmm_of(&fitted);                  of a host that links the C library
 *   lat_status status = lat_gmm_apply(&work, &gmm, &request, &outputs);
 *
 * A host without the C library calls the module's: fitted.model->apply(lat_lua_workspace(L),
 * &fitted, &request, &outputs), and fitted.model->prepare.
 *
 * Errors. Functions raise Lua errors, "who: sentence", as any function of Lua's interface that may
 * be out of memory: call them from functions that Lua calls, or by lua_pcall. Lua that is compiled
 * as C leaves by longjmp, which passes over destructors of C++. Those named "to" raise for the
 * version and for memory only.
 *
 * Who owns what. What is pushed is Lua's, and the collector frees it. What is viewed stays where it
 * is: each function says as long as what. A view is numbers in memory that Lua code may write to.
 *
 * Threads. A state and all functions here are one thread's at a time, as Lua has it. Numbers that
 * are viewed may be read by any thread meanwhile, as long as nobody writes to them; models with nets
 * change with every call about rows, so theirs are for the thread of the state alone. */
#ifndef LATENT_LUA_H
#define LATENT_LUA_H

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
#include <lauxlib.h>
#include <lua.h>
#ifdef __cplusplus
}
#endif

#include "latent.h"

/* Called once with the context, when the memory is Lua's no more: by the collector, by lua_close, by
 * lat_lua_take_back, or by the push itself if that fails. It may do what a finalizer may: call Lua,
 * also raise, which is a warning where the collector or lua_close has called it and else the
 * caller's error. It may not leave by a longjmp of its own or a C++ exception. */
typedef void lat_lua_release(void *context);

enum {
  LAT_LUA_MATRIX = 1,   /* of results: it is a matrix */
  LAT_LUA_VECTOR = 2,   /* one-dimensional: n x 1, v[i] in Lua is a number */
  LAT_LUA_READONLY = 4, /* Lua raises where it would be written to */
  LAT_LUA_WRITE = 8     /* of arguments: it must be writable, and no table */
};

/* ---- the table ------------------------------------------------------------------------------- */

/* What the module keeps in the registry under LAT_LUA_KEY, a light userdata. The first fields are
 * the same in all versions; later functions and sizes of the same LAT_ABI are added at the end. */
typedef struct lat_lua_table {
  int abi;             /* LAT_ABI of the module */
  const char *version; /* its LAT_VERSION */
  size_t bytes;        /* of this struct there */
  const size_t *sizes; /* its LAT_LUA_SIZES, and how many they are */
  size_t size_count;
  void (*push_matrix)(lua_State *, const lat_matrix *, unsigned, lat_lua_release *, void *);
  lat_matrix (*new_matrix)(lua_State *, size_t, size_t, lat_dtype, unsigned);
  bool (*take_back)(lua_State *, int);
  unsigned (*to_matrix)(lua_State *, int, lat_matrix *);
  lat_matrix (*check_matrix)(lua_State *, int, const char *, const char *, unsigned);
  void (*push_model)(lua_State *, const lat_fitted *, const lat_fit_report *);
  bool (*to_model)(lua_State *, int, const char *, lat_fitted *);
  lat_fitted (*check_model)(lua_State *, int, const char *, const char *, const char *);
  lat_workspace *(*workspace)(lua_State *);
  void (*raise)(lua_State *, const char *, lat_workspace *, lat_status);
} lat_lua_table;

#define LAT_LUA_KEY "latent_lua.h"

/* The structs that host and module both look into. */
#define LAT_LUA_SIZES                                                                              \
  {                                                                                                \
    sizeof(lat_matrix), sizeof(lat_workspace), sizeof(lat_model), sizeof(lat_fitted),              \
        sizeof(lat_request), sizeof(lat_outputs), sizeof(lat_fit_report),                          \
        sizeof(lat_kmeans_options), sizeof(lat_gmm_options), sizeof(lat_mixture_options),          \
        sizeof(lat_mppca_options), sizeof(lat_pca_options), sizeof(lat_scaler_options),            \
        sizeof(lat_ppca_options), sizeof(lat_bpca_options), sizeof(lat_fa_options),                \
        sizeof(lat_ica_options), sizeof(lat_lds_options), sizeof(lat_nonlinear), sizeof(lat_vae),  \
        sizeof(lat_flow), sizeof(lat_diffusion), sizeof(lat_flow_matching), sizeof(lat_gan)        \
  }

/* The table of the state's module, whichever version that is; NULL without one. */
static inline const lat_lua_table *lat_lua_find(lua_State *L)
{
  const lat_lua_table *t;
  luaL_checkstack(L, 4, "latent_lua.h");
  lua_getfield(L, LUA_REGISTRYINDEX, LAT_LUA_KEY);
  t = (const lat_lua_table *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  return t;
}

/* Whether this program and the module agree on what they hand to each other. */
static inline bool lat_lua_agrees(const lat_lua_table *t)
{
  static const size_t sizes[] = LAT_LUA_SIZES;
  return t->abi == LAT_ABI && t->bytes >= sizeof *t &&
         t->size_count >= sizeof sizes / sizeof *sizes &&
         memcmp(t->sizes, sizes, sizeof sizes) == 0;
}

/* The table of the state's module. Raises when the state has none, or another version. */
static inline const lat_lua_table *lat_lua_get(lua_State *L)
{
  const lat_lua_table *t = lat_lua_find(L);
  if (!t)
    luaL_error(L, "latent_lua.h: latent isn't loaded in this Lua state: require \"latent\" first");
  else if (!lat_lua_agrees(t))
    luaL_error(L,
               "latent_lua.h: this program was compiled for latent %s (interface %d), the module "
               "is latent %s (interface %d): compile it with the module's headers",
               LAT_VERSION, LAT_ABI, t->version, t->abi);
  return t;
}

/* ---- matrices -------------------------------------------------------------------------------- */

/* A view of the caller's packed doubles, for hosts that don't link lat_matrix_of. */
static inline lat_matrix lat_lua_matrix(double *data, size_t rows, size_t cols)
{
  lat_matrix A;
  A.data = data;
  A.rows = rows;
  A.cols = cols;
  A.row_stride = (ptrdiff_t)cols;
  A.col_stride = 1;
  A.dtype = LAT_FLOAT64;
  return A;
}

/* Pushes the caller's memory as a matrix, without a copy: at least one row and column, of either
 * dtype, aligned to its elements, of any strides by which no element is there twice and rows don't
 * interleave. The flags are LAT_LUA_VECTOR (for one column) and LAT_LUA_READONLY. The memory stays
 * the caller's, and must be there until `release` is called with `context`: once, in any case, also
 * when this function raises. NULL: it outlives the state. Views that Lua makes of the matrix (rows,
 * columns, transposes) keep it as the matrix itself does. With a `release` the collector's pace
 * counts the bytes as Lua's own. */
static inline void lat_lua_push_matrix(lua_State *L, const lat_matrix *view, unsigned flags,
                                       lat_lua_release *release, void *context)
{
  const lat_lua_table *t = lat_lua_find(L);
  if (release && !(t && lat_lua_agrees(t))) release(context);
  lat_lua_get(L)->push_matrix(L, view, flags, release, context);
}

/* Pushes a fresh matrix of Lua's own memory, elements not set, and views it, to be filled: as
 * long as it is reachable from Lua (on the stack, say). Raises for sizes of 0 and without memory. */
static inline lat_matrix lat_lua_new_matrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype,
                                            unsigned flags)
{
  return lat_lua_get(L)->new_matrix(L, rows, cols, dtype, flags);
}

/* The memory of the matrix at `index`, which lat_lua_push_matrix has pushed (or of a view of that),
 * is the host's again: it is released now, and whatever Lua still has of it raises when it is used.
 * For buffers that live no longer than a call of a script. False, and nothing happens, for anything
 * else, and the second time. Not while a call into latent works on it: one that runs the host's
 * functions as callbacks has views of its arguments. */
static inline bool lat_lua_take_back(lua_State *L, int index)
{
  return lat_lua_get(L)->take_back(L, index);
}

/* Views the matrix at `index`, as long as it is reachable from Lua; elements neither move nor
 * change type. LAT_LUA_MATRIX, with LAT_LUA_VECTOR (n x 1 then) and LAT_LUA_READONLY where it is
 * that; 0 for any other value, and for a matrix whose memory has been given back. */
static inline unsigned lat_lua_to_matrix(lua_State *L, int index, lat_matrix *view)
{
  return lat_lua_get(L)->to_matrix(L, index, view);
}

/* The same of an argument: a table of numbers or of rows becomes a matrix, in its place on the
 * stack. Raises "who: NAME must be a matrix, got string" for others; with LAT_LUA_WRITE also for a
 * table, and for a matrix that is read-only. */
static inline lat_matrix lat_lua_check_matrix(lua_State *L, int arg, const char *who,
                                              const char *name, unsigned flags)
{
  return lat_lua_get(L)->check_matrix(L, arg, who, name, flags);
}

/* ---- models ---------------------------------------------------------------------------------- */

/* Pushes a model that was fitted in C, lat_gmm_fitted(&gmm), say, or by lat_fit_model, as one that
 * was fitted in Lua: options and parameters are copied, so that the caller's may go. `report`, of
 * the fit, becomes the model's iterations, converged and so on; or NULL. Raises for options out of
 * bounds, parameters that aren't finite or don't go with each other, as latent.load does, and for
 * models of Lua functions. Nets, lat_vae_fitted(&vae), are copied with what training goes on from
 * (Lua counts epochs from 1 again); a linear dynamical system is a lat_fitted by lat_lds_fitted. */
static inline void lat_lua_push_model(lua_State *L, const lat_fitted *fitted,
                                      const lat_fit_report *report)
{
  lat_lua_get(L)->push_model(L, fitted, report);
}

/* Views what the model at `index` is at present, for lat_NAME_of (of models with nets fitted->aside
 * is the lat_NAME itself) and pushes one value, which keeps that: the view is good as long as
 * the value is reachable (luaL_ref it for longer than this call), whatever becomes of the model, also
 * when it is fitted again. `kind` is the name that the model must have ("gmm"), or NULL: any, which
 * fitted->model->name tells. False, and nothing is pushed, for other values, models without
 * parameters yet, and those that parameters alone don't say: of Lua functions, and linear dynamical
 * systems with matrices that vary. */
static inline bool lat_lua_to_model(lua_State *L, int index, const char *kind, lat_fitted *fitted)
{
  return lat_lua_get(L)->to_model(L, index, kind, fitted);
}

/* The same of an argument. Raises "who: NAME must be a gmm, got pca", and says what is wrong. */
static inline lat_fitted lat_lua_check_model(lua_State *L, int arg, const char *who,
                                             const char *name, const char *kind)
{
  return lat_lua_get(L)->check_model(L, arg, who, name, kind);
}

/* ---- calls into the module's core ------------------------------------------------------------ */

/* The state's workspace: its memory is the state's allocator's, and Ctrl-C and the host's hooks end
 * calls. It is the module's, for one call at a time; what functions keep in it is gone with the next. */
static inline lat_workspace *lat_lua_workspace(lua_State *L)
{
  return lat_lua_get(L)->workspace(L);
}

/* Raises "who: message" of the workspace (any) unless the status is LAT_OK. */
static inline void lat_lua_raise(lua_State *L, const char *who, lat_workspace *work,
                                 lat_status status)
{
  lat_lua_get(L)->raise(L, who, work, status);
}

#endif
