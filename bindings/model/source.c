/* source.c: the rows of a fit, piece by piece: a matrix or a mapped file by the core's lat_source,
 * or a function. */
#include "model/source.h"

#include <string.h>

#include "data/file.h"
#include "model/model.h"
#include "model/query.h"

/* ---- matrices and mapped files --------------------------------------------------------------- */

/* Whether a matrix lies in a mapped file; a copy in memory that is merely read-only doesn't. */
static bool is_mapped(lua_State *L, const lat_matrix *X, int data)
{
  bool mapped = false;
  if (lua_getiuservalue(L, data, 1) != LUA_TNIL) {
    const latL_Source *s = luaL_testudata(L, -1, "latent.File");
    uintptr_t at = (uintptr_t)X->data, first = s ? (uintptr_t)s->map.bytes : 0;
    mapped = s && at >= first && at < first + s->map.size;
  }
  lua_pop(L, 1);
  return mapped;
}

/* The option `weights`: N numbers >= 0, in a packed vector that is pushed (nil and NULL without). */
static const double *read_weights(lua_State *L, int options, const char *who, size_t N)
{
  if (latL_getoption(L, options, "weights") == LUA_TNIL) return NULL;
  lat_matrix w = latL_checkeach(L, lua_gettop(L), who, "weights", N);
  latL_Matrix *packed = latL_newvector(L, N, LAT_FLOAT64);
  lat_copy(&w, &packed->view);
  lua_remove(L, -2);
  latL_run(L, who, lat_check_weights, &packed->view);
  return packed->view.data;
}

void latL_checkrows(lua_State *L, latL_Rows *r, int data, int options, const char *who, size_t D)
{
  *r = (latL_Rows){.function = lua_type(L, data) == LUA_TFUNCTION, .columns = D};
  if (r->function) {
    if (latL_getoption(L, options, "weights") != LUA_TNIL)
      latL_error(L, who, "a function gives weights with its chunks: return X, weights");
    return;
  }
  lat_matrix X = latL_checkquery(L, data, who, "X", D).X;
  r->source = lat_source_of(&X);
  r->columns = X.cols;
  r->source.mapped = is_mapped(L, &X, data);
  r->source.weights = read_weights(L, options, who, X.rows);
}

void latL_checkcolumns(lua_State *L, latL_Rows *r, const char *who, size_t before)
{
  if (before && r->columns && r->columns != before)
    latL_error(L, who, "X has %I columns, the data before had %I", (lua_Integer)r->columns,
               (lua_Integer)before);
  if (before) r->columns = before; /* which a function's first chunk must have */
}

bool latL_inpieces(const latL_Rows *r)
{
  return r->function || lat_source_in_pieces(&r->source);
}

void latL_rewind(latL_Rows *r)
{
  r->pieces = r->rows = 0;
  lat_source_rewind(&r->source);
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
                 "callbacks and functions that give data can't yield; the body of a loop "
                 "over steps can");
    lua_error(L);
  }
  latL_workspace(L); /* what the function called has had the hooks watched from elsewhere */
}

static bool next_chunk(lua_State *L, latL_Rows *r, int data, const char *who, lat_matrix *X,
                       const double **weights)
{
  lua_pushvalue(L, data);
  latL_callback(L, who, 0, 2);
  if (lua_isnil(L, -2)) {
    if (r->pieces == 0) latL_error(L, who, "the function gave no data");
    lua_pop(L, 2);
    return false;
  }
  r->pieces++;
  lua_Integer number = (lua_Integer)r->pieces;
  int at = lua_gettop(L) - 1;
  *X = latL_checkquery(L, at, who, "the function's result", r->columns).X;
  if (r->columns && X->cols != r->columns)
    latL_error(L, who, "chunk %I has %I columns, those before it %I", number, (lua_Integer)X->cols,
               (lua_Integer)r->columns);
  r->columns = X->cols;
  *weights = NULL;
  if (!lua_isnil(L, at + 1)) {
    lat_matrix w = latL_checkvector(L, at + 1, who, "the function's second result");
    if (w.rows != X->rows)
      latL_error(L, who, "chunk %I has %I weights for %I rows", number, (lua_Integer)w.rows,
                 (lua_Integer)X->rows);
    if (w.row_stride != 1) { /* the core takes them side by side */
      latL_Matrix *packed = latL_newvector(L, w.rows, LAT_FLOAT64);
      lat_copy(&w, &packed->view);
      w = packed->view;
    }
    *weights = w.data;
  }
  r->rows += X->rows;
  return true;
}

bool latL_nextrows(lua_State *L, latL_Rows *r, int data, const char *who, lat_matrix *X,
                   const double **weights)
{
  if (r->function) return next_chunk(L, r, data, who, X, weights);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_source_next(&r->source, work, X, weights));
  r->pieces = r->source.pieces;
  r->rows = r->source.rows;
  return X->rows > 0;
}

/* ---- failures -------------------------------------------------------------------------------- */

void latL_failrows(lua_State *L, const latL_Rows *r, const char *who, lat_workspace *work,
                   lat_mark mark, lat_status status, bool missing)
{
  if (r->function && status == LAT_INVALID) {
    char message[sizeof work->message];
    memcpy(message, work->message, sizeof message);
    lat_fail(work, status, "chunk %zu: %.200s", r->pieces, message);
  } else {
    status = lat_source_failure(&r->source, work, status, missing);
  }
  latL_check(L, who, work, mark, status);
}

/* ---- one pass -------------------------------------------------------------------------------- */

void latL_eachpiece(lua_State *L, latL_Rows *r, int data, const char *who, bool missing,
                    void *model, latL_Take *take)
{
  int top = lua_gettop(L);
  lat_matrix X;
  const double *weights;
  latL_rewind(r);
  while (latL_nextrows(L, r, data, who, &X, &weights)) {
    lat_workspace *work = latL_workspace(L);
    lat_mark mark = lat_workspace_mark(work);
    lat_status status = take(L, model, work, &X, weights);
    if (status != LAT_OK) latL_failrows(L, r, who, work, mark, status, missing);
    lat_workspace_release(work, mark);
    lua_settop(L, top);
  }
}
