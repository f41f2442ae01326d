/* source.c: the rows of a fit, piece by piece. */
#include "model/source.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/files.h"
#include "model/model.h"
#include "model/query.h"

enum { SLICE = 32 << 20 }; /* bytes of a mapped file that are looked at together */

/* ---- matrices and mapped files ------------------------------------------------------- */

/* The file behind a matrix; a copy in memory that is merely read-only has none. */
static void find_file(lua_State *L, latL_Rows *r, int data)
{
  if (lua_getiuservalue(L, data, 1) != LUA_TNIL) {
    const latL_Source *s = luaL_testudata(L, -1, "latent.File");
    uintptr_t at = (uintptr_t)r->X.data, first = s ? (uintptr_t)s->map.bytes : 0;
    if (s && at >= first && at < first + s->map.size) {
      r->file = s->map.bytes;
      r->file_size = s->map.size;
    }
  }
  lua_pop(L, 1);
}

void latL_checkrows(lua_State *L, latL_Rows *r, int data, int options, const char *who, size_t D)
{
  *r = (latL_Rows){.function = lua_type(L, data) == LUA_TFUNCTION, .columns = D};
  if (r->function) {
    if (latL_getoption(L, options, "weights") != LUA_TNIL)
      latL_error(L, who, "a function gives weights with its chunks: return X, weights");
    return;
  }
  r->X = latL_checkquery(L, data, who, "X", D).X;
  r->columns = r->X.cols;
  find_file(L, r, data);
  r->weights = latL_optweights(L, options, who, r->X.rows);
}

void latL_checkcolumns(lua_State *L, latL_Rows *r, const char *who, size_t before)
{
  if (before && r->columns && r->columns != before)
    latL_error(L, who, "X has %I columns, the data before had %I", (lua_Integer)r->columns,
               (lua_Integer)before);
  if (before) r->columns = before; /* which a function's first chunk must have */
}

double latL_weight(const double *weights, size_t rows)
{
  double sum = 0;
  if (!weights) return (double)rows;
  for (size_t i = 0; i < rows; i++) sum += weights[i];
  return sum;
}

bool latL_inpieces(const latL_Rows *r)
{
  return r->function || (r->file && r->file_size > SLICE);
}

void latL_rewind(latL_Rows *r)
{
  r->pieces = r->rows = 0;
}

/* Has the system forget the pages that the rows first..first+n-1 lie on. They are the file's: who
 * touches them again finds them again. */
static void drop_pages(const latL_Rows *r, size_t first, size_t n)
{
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), low = UINTPTR_MAX, high = 0;
  size_t size = lat_dtype_size(r->X.dtype);
  for (int corner = 0; corner < 4; corner++) {
    size_t i = corner & 1 ? first + n - 1 : first, j = corner & 2 ? r->X.cols - 1 : 0;
    ptrdiff_t at = (ptrdiff_t)i * r->X.row_stride + (ptrdiff_t)j * r->X.col_stride;
    uintptr_t address = (uintptr_t)r->X.data + (uintptr_t)(at * (ptrdiff_t)size);
    if (address < low) low = address;
    if (address + size > high) high = address + size;
  }
  low -= low % page; /* a mapping begins on a page */
  madvise((void *)low, high - low, MADV_DONTNEED);
}

static bool next_slice(latL_Rows *r, lat_matrix *X, const double **weights)
{
  size_t width = r->X.cols * lat_dtype_size(r->X.dtype), step = r->X.rows;
  if (latL_inpieces(r)) {
    /* whole chunks of the core's */
    size_t chunk = lat_chunk_rows(r->X.cols);
    step = SLICE / width / chunk * chunk;
    if (step == 0) step = chunk;
    size_t before = r->pieces ? (r->pieces - 1) * step : 0;
    if (r->pieces > 0) drop_pages(r, before, r->rows - before);
  }
  if (r->rows >= r->X.rows) return false;
  size_t left = r->X.rows - r->rows, n = left < step ? left : step;
  *X = lat_block_of(r->X, r->rows, 0, n, r->X.cols);
  *weights = r->weights ? r->weights + r->rows : NULL;
  r->rows += n;
  r->pieces++;
  return true;
}

/* ---- functions ------------------------------------------------------------------------ */

static bool next_chunk(lua_State *L, latL_Rows *r, int data, const char *who, lat_matrix *X,
                       const double **weights)
{
  lua_pushvalue(L, data);
  lua_call(L, 0, 2);
  latL_workspace(L); /* what the function called has had the hooks watched from elsewhere */
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
  return r->function ? next_chunk(L, r, data, who, X, weights) : next_slice(r, X, weights);
}

/* ---- failures ------------------------------------------------------------------------------- */

void latL_failrows(lua_State *L, const latL_Rows *r, const char *who, lat_workspace *work,
                   lat_mark mark, lat_status status, bool missing)
{
  if (r->function && status == LAT_INVALID) {
    char message[sizeof work->message];
    memcpy(message, work->message, sizeof message);
    lat_fail(work, status, "chunk %zu: %.200s", r->pieces, message);
  } else if (r->pieces > 1 && status == LAT_INVALID) {
    /* a slice's message counts from its own first row */
    lat_status whole = lat_check_finite(work, "X", &r->X, missing);
    if (whole != LAT_OK) status = whole;
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

/* ---- samples ---------------------------------------------------------------------------------- */

/* Rows first, first + step, ... of those that pass by, in a table with room for `most`. Once full,
 * it drops every other row and doubles the step. */
typedef struct thinning {
  double *X, *weights;
  size_t cols, most, kept, step, seen;
} thinning;

static void halve(thinning *t)
{
  for (size_t i = 1; 2 * i < t->kept; i++) {
    memcpy(t->X + i * t->cols, t->X + 2 * i * t->cols, t->cols * sizeof *t->X);
    t->weights[i] = t->weights[2 * i];
  }
  t->kept = (t->kept + 1) / 2;
  t->step *= 2;
}

static void thin(thinning *t, const lat_matrix *X, const double *weights)
{
  for (size_t i = 0; i < X->rows; i++, t->seen++) {
    if (t->seen % t->step) continue;
    if (t->kept == t->most) {
      halve(t);
      if (t->seen % t->step) continue;
    }
    lat_matrix from = lat_block_of(*X, i, 0, 1, t->cols),
               to = lat_matrix_of(t->X + t->kept * t->cols, 1, t->cols);
    lat_copy(&from, &to);
    t->weights[t->kept++] = weights ? weights[i] : 1;
  }
}

/* Pushes memory for the sample: rows and, as a last column apart, their weights. */
static thinning new_thinning(lua_State *L, size_t cols, size_t rows)
{
  thinning t = {.cols = cols, .most = SLICE / sizeof(double) / (cols + 1), .step = 1};
  if (t.most < 1024) t.most = 1024;
  if (rows && t.most > rows) t.most = rows;
  t.X = latL_newmatrix(L, 1, t.most * (cols + 1), LAT_FLOAT64)->view.data;
  t.weights = t.X + t.most * cols;
  return t;
}

lat_matrix latL_samplerows(lua_State *L, latL_Rows *r, int data, const char *who, bool missing,
                           const double **weights)
{
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  *weights = r->weights;
  if (!latL_inpieces(r)) {
    lua_pushnil(L);
    latL_check(L, who, work, mark, lat_check_finite(work, "X", &r->X, missing));
    return r->X;
  }
  lua_pushnil(L);
  int place = lua_gettop(L);
  thinning t = {0};
  lat_matrix X;
  const double *w;
  bool weighted = false;
  latL_rewind(r);
  while (latL_nextrows(L, r, data, who, &X, &w)) {
    lat_status status = lat_check(work);
    if (status == LAT_OK) status = lat_check_finite(work, "X", &X, missing);
    if (status != LAT_OK) latL_failrows(L, r, who, work, mark, status, missing);
    if (!t.X) {
      t = new_thinning(L, X.cols, r->X.rows);
      lua_replace(L, place);
    }
    weighted |= w != NULL;
    thin(&t, &X, w);
    lua_settop(L, place);
  }
  *weights = weighted ? t.weights : NULL;
  return lat_matrix_of(t.X, t.kept, t.cols);
}
