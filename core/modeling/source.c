/* source.c: passes over rows, piece by piece, and samples of them. */
#include "modeling/source.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/parallel.h"
#include "matrix/spread.h"

enum { SLICE = 32 << 20 }; /* bytes of a mapped file that are looked at together */

lat_source lat_source_of(const lat_matrix *X)
{
  return (lat_source){.X = *X, .columns = X->cols};
}

static bool is_sliced(const lat_source *s)
{
  return s->mapped && s->X.rows > SLICE / s->X.cols / lat_dtype_size(s->X.dtype);
}

bool lat_source_in_pieces(const lat_source *s)
{
  return s->next || s->comm || is_sliced(s);
}

/* ---- a mapped file --------------------------------------------------------------------------- */

/* Has the system forget the pages that the rows first..first+n-1 lie on. They are the file's: who
 * touches them again finds them again. */
static void drop_pages(const lat_source *s, size_t first, size_t n)
{
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), low = UINTPTR_MAX, high = 0;
  size_t size = lat_dtype_size(s->X.dtype);
  for (int corner = 0; corner < 4; corner++) {
    size_t i = corner & 1 ? first + n - 1 : first, j = corner & 2 ? s->X.cols - 1 : 0;
    ptrdiff_t at = (ptrdiff_t)i * s->X.row_stride + (ptrdiff_t)j * s->X.col_stride;
    uintptr_t address = (uintptr_t)s->X.data + (uintptr_t)(at * (ptrdiff_t)size);
    if (address < low) low = address;
    if (address + size > high) high = address + size;
  }
  low -= low % page; /* a mapping begins on a page */
  madvise((void *)low, high - low, MADV_DONTNEED);
}

/* Rows of a slice: whole groups of the ordered sum's chunks. */
static size_t slice_rows(const lat_source *s)
{
  size_t width = s->X.cols * lat_dtype_size(s->X.dtype), chunk = lat_chunk_rows(s->X.cols);
  size_t rows = SLICE / width / chunk * chunk;
  return rows ? rows : chunk;
}

static void next_slice(lat_source *s, lat_matrix *piece, const double **weights)
{
  size_t step = s->X.rows, left = s->X.rows - s->rows;
  if (is_sliced(s)) {
    step = slice_rows(s);
    size_t before = s->pieces ? (s->pieces - 1) * step : 0;
    if (s->pieces > 0) drop_pages(s, before, s->rows - before);
  }
  *piece = (lat_matrix){0};
  if (left > 0) *piece = lat_block_of(s->X, s->rows, 0, left < step ? left : step, s->X.cols);
  *weights = s->weights ? s->weights + s->rows : NULL;
}

/* ---- passes ---------------------------------------------------------------------------------- */

void lat_source_rewind(lat_source *s)
{
  s->pieces = s->rows = 0;
}

lat_status lat_source_next(lat_source *s, lat_workspace *work, lat_matrix *piece,
                           const double **weights)
{
  *weights = NULL;
  if (s->next)
    LAT_TRY(s->next(s, work, piece, weights));
  else
    next_slice(s, piece, weights);
  if (piece->rows == 0)
    return s->pieces || s->comm ? LAT_OK : lat_fail(work, LAT_INVALID, "the source gave no rows");
  s->pieces++;
  s->rows += piece->rows;
  if (s->columns && piece->cols != s->columns)
    return lat_fail(work, LAT_SHAPE, "chunk %zu has %zu columns, those before it %zu", s->pieces,
                    piece->cols, s->columns);
  s->columns = piece->cols;
  return LAT_OK;
}

/* A pass that counts rows. */
static lat_status count_rows(lat_source *s, lat_workspace *work, uint64_t *rows)
{
  lat_matrix piece;
  const double *weights;
  lat_source_rewind(s);
  do {
    LAT_TRY(lat_check(work));
    LAT_TRY(lat_source_next(s, work, &piece, &weights));
  } while (piece.rows > 0);
  *rows = s->rows;
  return LAT_OK;
}

lat_status lat_source_share(lat_source *s, lat_workspace *work, const lat_share **share)
{
  uint64_t rows = s->X.rows;
  *share = NULL;
  if (!s->comm) return LAT_OK;
  *share = &s->share;
  if (s->share.comm) return LAT_OK;
  if (s->next) LAT_TRY(count_rows(s, work, &rows));
  LAT_TRY(lat_share_begin(&s->share, work, s->comm, rows, s->columns));
  s->columns = s->share.columns;
  if (s->share.all > 0) return LAT_OK;
  s->comm->agreed = true; /* every rank knows */
  return lat_fail(work, LAT_INVALID, "no rank has any rows");
}

lat_status lat_source_failure(const lat_source *s, lat_workspace *work, lat_status status,
                              bool missing)
{
  if (status != LAT_INVALID) return status;
  if (s->next) {
    char message[sizeof work->message];
    memcpy(message, work->message, sizeof message);
    return lat_fail(work, status, "chunk %zu: %.200s", s->pieces, message);
  }
  /* a slice's message counts from its own first row */
  if (s->pieces > 1) LAT_TRY(lat_check_finite(work, "X", &s->X, missing));
  return status;
}
