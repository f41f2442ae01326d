/* png_write.c: the writer of PNG images (png.h). Rows are filtered by what leaves the smallest
 * numbers, gathered in blocks, and each block is deflated into a chunk of its own. */
#include <string.h>

#include "files/deflate.h"
#include "files/png.h"

enum { FILTERS = 5 };

typedef struct png {
  lat_writer *writer;
  lat_crc crc;
  lat_deflater deflater;
  uint32_t adler;
  unsigned char *row, *above, *tried, *best; /* a row as it is, the one before, and filtered */
  unsigned char *block, *packed;             /* bytes that wait, and a chunk's data */
  size_t used;
} png;

static lat_status put_chunk(png *p, const char *type, const unsigned char *data, size_t n)
{
  unsigned char number[4];
  lat_put_big(number, 4, n);
  LAT_TRY(lat_writer_put(p->writer, number, 4));
  lat_crc_again(&p->crc);
  p->writer->crc = &p->crc;
  LAT_TRY(lat_writer_put(p->writer, type, 4));
  LAT_TRY(lat_writer_put(p->writer, data, n));
  p->writer->crc = NULL;
  lat_put_big(number, 4, lat_crc_sum(&p->crc));
  return lat_writer_put(p->writer, number, 4);
}

/* The bytes that wait as a block of the zlib stream, which the last one ends. */
static lat_status put_block(png *p, bool last)
{
  unsigned char *at = p->packed;
  p->adler = lat_adler(p->adler, p->block, p->used);
  at += lat_deflate(&p->deflater, p->block, p->used, last, at);
  if (last) at = lat_put_big(at, 4, p->adler);
  p->used = 0;
  return put_chunk(p, "IDAT", p->packed, (size_t)(at - p->packed));
}

static lat_status put_bytes(png *p, const unsigned char *bytes, size_t n)
{
  while (n > 0) {
    size_t room = LAT_DEFLATE_BLOCK - p->used, part = n < room ? n : room;
    memcpy(p->block + p->used, bytes, part);
    p->used += part, bytes += part, n -= part;
    if (p->used == LAT_DEFLATE_BLOCK) LAT_TRY(put_block(p, false));
  }
  return LAT_OK;
}

/* p->tried := the row less what a filter guesses of it. The sum of the differences' sizes. */
static size_t filter_row(png *p, unsigned char filter, size_t n, size_t back)
{
  size_t sum = 0;
  p->tried[0] = filter;
  for (size_t k = 0; k < n; k++) {
    int a = k < back ? 0 : p->row[k - back], b = p->above[k], c = k < back ? 0 : p->above[k - back];
    const int guesses[FILTERS] = {0, a, b, (a + b) / 2, lat_png_paeth(a, b, c)};
    unsigned char difference = (unsigned char)(p->row[k] - guesses[filter]);
    p->tried[k + 1] = difference;
    sum += difference < 128 ? difference : 256u - difference;
  }
  return sum;
}

static void swap(unsigned char **a, unsigned char **b)
{
  unsigned char *kept = *a;
  *a = *b;
  *b = kept;
}

static lat_status put_rows(png *p, const lat_matrix *A, const lat_image_format *f, size_t n)
{
  for (size_t i = 0; i < A->rows; i++) {
    size_t least = SIZE_MAX;
    lat_image_row(A, i, f, p->row);
    for (unsigned char filter = 0; filter < FILTERS; filter++) {
      size_t sum = filter_row(p, filter, n, f->channels * f->bits / 8);
      if (sum >= least) continue;
      least = sum;
      swap(&p->tried, &p->best);
    }
    LAT_TRY(put_bytes(p, p->best, n + 1));
    swap(&p->row, &p->above);
  }
  return put_block(p, true);
}

static lat_status put_image(png *p, const lat_matrix *A, const lat_image_format *f)
{
  static const unsigned char colours[] = {0, 0, 4, 2, 6}; /* by channels */
  size_t n = A->cols * f->bits / 8;
  unsigned char header[13], *at = lat_put_big(header, 4, A->cols / f->channels);
  at = lat_put_big(at, 4, A->rows);
  memcpy(at, (unsigned char[]){(unsigned char)f->bits, colours[f->channels], 0, 0, 0}, 5);
  LAT_TRY(lat_writer_put(p->writer, LAT_PNG_SIGNATURE, 8));
  LAT_TRY(put_chunk(p, "IHDR", header, sizeof header));
  memset(p->above, 0, n);
  LAT_TRY(put_chunk(p, "IDAT", (const unsigned char *)"\x78\x01", 2)); /* zlib's header */
  LAT_TRY(put_rows(p, A, f, n));
  return put_chunk(p, "IEND", header, 0);
}

lat_status lat_png_write(lat_workspace *work, const char *path, const lat_matrix *A,
                         const lat_image_format *format)
{
  lat_writer writer;
  lat_image_format f = *format;
  LAT_SCOPE(work);
  LAT_TRY(lat_image_check(work, A, &f));
  if (A->rows > INT32_MAX || A->cols / f.channels > INT32_MAX)
    return lat_fail(work, LAT_INVALID, "a PNG image has at most 2^31 - 1 rows and columns");
  size_t n = A->cols * f.bits / 8;
  png *p = lat_allocate(work, 1, sizeof *p);
  unsigned char *rows = lat_allocate(work, 4, n + 1);
  unsigned char *blocks =
      lat_allocate(work, 1, LAT_DEFLATE_BLOCK + LAT_DEFLATE_ROOM(LAT_DEFLATE_BLOCK) + 4);
  if (!p || !rows || !blocks) return LAT_MEMORY;
  *p = (png){.writer = &writer, .adler = 1, .block = blocks, .packed = blocks + LAT_DEFLATE_BLOCK};
  p->row = rows, p->above = rows + n + 1;
  p->tried = p->above + n + 1, p->best = p->tried + n + 1;
  lat_crc_begin(&p->crc);
  lat_deflate_begin(&p->deflater);
  LAT_TRY(lat_writer_begin(work, &writer, path));
  lat_status status = lat_writer_end(&writer, put_image(p, A, &f));
  return status;
}
