/* source.c: the rows of a fit, piece by piece: a matrix or a mapped file by the core's lat_source,
 * or a function. */
#include "model/source.h"

#include <string.h>

#include "base/slice.h"
#include "model/query.h"
#include "ranks/comm.h"

/* ---- matrices and mapped files --------------------------------------------------------------- */

/* The option `weights`: N numbers, and memory for them. A file's are copied at once, for it may be
 * closed. */
static void read_weights(lua_State *L, latL_Rows *r, int options, size_t N)
{
  if (latL_getoption(L, options, "weights") == LUA_TNIL) {
    lua_pushnil(L);
    return;
  }
  int at = lua_gettop(L);
  r->given = latL_checkeach(L, at, r->who, "weights", N);
  const latL_Matrix *A = latL_tomatrix(L, at);
  const lat_matrix packed = latL_newvector(L, N, LAT_FLOAT64)->view;
  r->source.weights = packed.data;
  if (!A->gone) return;
  latL_copy(L, r->who, &r->given, &packed);
  r->given = packed;
}

lat_status latL_takeweights(lat_workspace *work, latL_Rows *r)
{
  const lat_matrix from = r->given, to = lat_vector_of((double *)r->source.weights, from.rows);
  if (!from.data) return LAT_OK;
  r->given = (lat_matrix){0};
  if (from.data != to.data) LAT_TRY(lat_copy_bands(work, &from, &to));
  return lat_check_weights(work, &to, NULL);
}

/* ---- functions ------------------------------------------------------------------------------- */

/* What Lua says of a yield below a function in C. */
static bool is_yield(lua_State *L, int error)
{
  return lua_type(L, error) == LUA_TSTRING && strstr(lua_tostring(L, error), "attempt to yield");
}

void latL_callback(lua_State *L, const char *who, int arguments, int results)
{
  if (!lua_isyieldable(L)) { /* an error's traceback is whole */
    lua_call(L, arguments, results);
  } else if (lua_pcall(L, arguments, results, 0) != LUA_OK) {
    if (is_yield(L, -1))
      latL_error(L, who,
                 "this function can't yield; one that gives data to fit or steps can, and the body "
                 "of a loop over steps");
    lua_error(L);
  }
  latL_rewatch(L); /* what the function called has had the hooks watched from elsewhere */
}

/* The weights at `at` of a chunk of n rows, side by side, or NULL. */
static const double *check_weights(lua_State *L, int at, const latL_Rows *r, size_t n)
{
  if (lua_isnil(L, at)) return NULL;
  lat_matrix w = latL_checkvector(L, at, r->who, "the function's second result");
  if (w.rows != n)
    latL_error(L, r->who, "chunk %I has %I weights for %I rows", (lua_Integer)r->source.pieces + 1,
               (lua_Integer)w.rows, (lua_Integer)n);
  if (w.row_stride == 1) return w.data;
  latL_Matrix *packed = latL_newvector(L, n, LAT_FLOAT64);
  lat_copy(&w, &packed->view);
  return packed->view.data;
}

void latL_takepiece(lua_State *L, latL_Rows *r)
{
  r->wanted = false;
  r->piece = (lat_matrix){0};
  r->piece_weights = NULL;
  if (!lua_isnil(L, r->top + 1)) {
    r->piece = latL_checkquery(L, r->top + 1, r->who, "the function's result", r->source.columns).X;
    r->piece_weights = check_weights(L, r->top + 2, r, r->piece.rows);
  } else if (r->source.pieces == 0 && !r->source.comm) {
    latL_error(L, r->who, "the function gave no data");
  }
}

/* The source's `next`. */
static lat_status next_chunk(lat_source *source, lat_workspace *work, lat_matrix *X,
                             const double **weights)
{
  latL_Rows *r = source->context;
  if (lat_in_slice(work)) {
    r->wanted = true;
    LAT_TRY(lat_pause(work));
  } else {
    lua_settop(r->L, r->top);
    lua_pushvalue(r->L, r->data);
    latL_callback(r->L, r->who, 0, 2);
    latL_takepiece(r->L, r);
  }
  *X = r->piece;
  *weights = r->piece_weights;
  return LAT_OK;
}

/* ---- what a fit is given --------------------------------------------------------------------- */

/* A function of latent.datasets, in place of what it gives, would give chunks without end. */
static void check_called(lua_State *L, int data, const char *who)
{
  int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "latent.datasets") == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      if (lua_rawequal(L, -1, data) && lua_type(L, -2) == LUA_TSTRING)
        latL_error(L, who,
                   "X is the function latent.datasets.%s itself; call it: latent.datasets.%s()",
                   lua_tostring(L, -2), lua_tostring(L, -2));
  lua_settop(L, top);
}

void latL_checkrows(lua_State *L, latL_Rows *r, int data, int options, const char *who, size_t D)
{
  *r = (latL_Rows){.source.columns = D, .who = who, .data = data};
  r->source.comm = latL_optcomm(L, options, who);
  if (lua_type(L, data) == LUA_TFUNCTION) {
    int weights = latL_getoption(L, options, "weights");
    bool none = r->source.comm && weights == LUA_TFUNCTION; /* the part of a rank without rows */
    if (weights != LUA_TNIL && !none)
      latL_error(L, who, "a function gives weights with its chunks: return X, weights");
    check_called(L, data, who);
    lua_pushnil(L);
    r->source.next = next_chunk;
    return;
  }
  lat_matrix X = latL_checkquery(L, data, who, "X", D).X;
  lat_comm *comm = r->source.comm;
  r->source = lat_source_of(&X);
  r->source.comm = comm;
  const latL_Matrix *A = latL_tomatrix(L, data);
  r->source.mapped = A->readonly && A->gone; /* a file's, which can go: no copy of one */
  read_weights(L, r, options, X.rows);
}

void latL_checkcolumns(lua_State *L, latL_Rows *r, const char *who, size_t before)
{
  size_t columns = r->source.columns;
  if (before && columns && columns != before)
    latL_error(L, who, "X has %I columns, the data before had %I", (lua_Integer)columns,
               (lua_Integer)before);
  if (before) r->source.columns = before; /* which a function's first chunk must have */
}

size_t latL_rowsof(const latL_Rows *r)
{
  if (r->source.comm) return (size_t)r->source.share.all;
  return r->source.next ? 0 : r->source.X.rows;
}

lat_status latL_takerows(lat_workspace *work, latL_Rows *r)
{
  return lat_comm_settle(r->source.comm, work, latL_takeweights(work, r));
}

void latL_tellranks(lat_comm *comm, lat_workspace *work, bool *told)
{
  if (!comm || *told) return;
  *told = true;
  lat_comm_agree(comm, work, lat_fail(work, LAT_INVALID, "its call has failed"));
}

lat_source *latL_readrows(lua_State *L, latL_Rows *r)
{
  r->L = L;
  r->top = lua_gettop(L);
  r->source.context = r;
  return &r->source;
}
