/* png.c: the reader of PNG images (png.h): chunks, then the zlib stream (RFC 1950), then rows. */
#include "files/png.h"

#include <string.h>

#include "files/checksum.h"
#include "files/inflate.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 };

typedef struct png {
  lat_workspace *work;
  lat_crc crc;
  const unsigned char *at, *end; /* chunks that aren't read yet */
  size_t width, height;
  unsigned depth, colour, samples; /* bits of a sample; samples of a pixel in the file */
  bool interlaced;
  unsigned char palette[256][4];
  size_t colours, opacities; /* of the palette */
  size_t packed;             /* bytes of all IDATs, */
  unsigned char *data;       /* which are joined here */
  size_t channels, bytes;    /* of a pixel, and of a sample of it, in the result */
} png;

typedef struct chunk {
  const unsigned char *type, *data;
  size_t n;
} chunk;

static lat_status wrong(png *p, const char *what)
{
  return lat_fail(p->work, LAT_FORMAT, "not a sound PNG file: %s", what);
}

/* ---- chunks --------------------------------------------------------------------------------- */

static lat_status next_chunk(png *p, chunk *c)
{
  if (p->end - p->at < 12) return wrong(p, "it ends too early");
  *c = (chunk){p->at + 4, p->at + 8, (size_t)lat_big(p->at, 4)};
  if (c->n > (size_t)(p->end - p->at) - 12) return wrong(p, "it ends too early");
  lat_crc_again(&p->crc);
  for (size_t k = 0; k < c->n + 4; k += LAT_CRC_CHECK) {
    size_t left = c->n + 4 - k;
    lat_crc_add(&p->crc, c->type + k, left < LAT_CRC_CHECK ? left : LAT_CRC_CHECK);
    LAT_TRY(lat_check(p->work));
  }
  if (lat_crc_sum(&p->crc) != lat_big(c->data + c->n, 4)) return wrong(p, "a checksum is wrong");
  p->at = c->data + c->n + 4;
  return LAT_OK;
}

static bool is(const chunk *c, const char *type)
{
  return memcmp(c->type, type, 4) == 0;
}

static lat_status read_header(png *p)
{
  static const unsigned char samples[] = {1, 0, 3, 1, 2, 0, 4};
  /* depths by bit, for each colour type */
  static const unsigned depths[] = {
      1 | 2 | 4 | 8 | 16, 0, 8 | 16, 1 | 2 | 4 | 8, 8 | 16, 0, 8 | 16};
  chunk c;
  LAT_TRY(next_chunk(p, &c));
  if (!is(&c, "IHDR") || c.n != 13) return wrong(p, "it has no header");
  p->width = (size_t)lat_big(c.data, 4);
  p->height = (size_t)lat_big(c.data + 4, 4);
  p->depth = c.data[8];
  p->colour = c.data[9];
  p->interlaced = c.data[12] == 1;
  if (p->width == 0 || p->height == 0 || p->width > INT32_MAX || p->height > INT32_MAX)
    return wrong(p, "its size is none");
  if (p->colour > RGB_ALPHA || p->depth > 16 || (p->depth & (p->depth - 1)) ||
      !(depths[p->colour] & p->depth))
    return wrong(p, "its samples are of no kind");
  if (c.data[10] || c.data[11] || c.data[12] > 1) return wrong(p, "it is of an unknown kind");
  p->samples = samples[p->colour];
  return LAT_OK;
}

static lat_status read_palette(png *p, const chunk *c)
{
  if (p->colours || c->n == 0 || c->n % 3 || c->n > 3 * 256) return wrong(p, "its palette is none");
  for (; p->colours < c->n / 3; p->colours++) {
    memcpy(p->palette[p->colours], c->data + 3 * p->colours, 3);
    p->palette[p->colours][3] = UINT8_MAX;
  }
  return LAT_OK;
}

static lat_status read_opacities(png *p, const chunk *c)
{
  if (p->colour != PALETTE) return LAT_OK;
  if (c->n > p->colours) return wrong(p, "its palette is none");
  for (; p->opacities < c->n; p->opacities++) p->palette[p->opacities][3] = c->data[p->opacities];
  return LAT_OK;
}

/* All chunks to IEND: counts the bytes of the IDATs, or copies them to p->data. */
static lat_status read_chunks(png *p, bool copy)
{
  chunk c;
  size_t packed = 0;
  for (;;) {
    LAT_TRY(next_chunk(p, &c));
    if (is(&c, "IEND")) break;
    if (is(&c, "IDAT")) {
      if (copy && c.n) memcpy(p->data + packed, c.data, c.n);
      packed += c.n;
    } else if (copy) {
      continue;
    } else if (is(&c, "PLTE")) {
      LAT_TRY(read_palette(p, &c));
    } else if (is(&c, "tRNS")) {
      LAT_TRY(read_opacities(p, &c));
    } else if (!(c.type[0] & 32)) {
      return wrong(p, "a chunk that matters is unknown");
    }
  }
  p->packed = packed;
  return LAT_OK;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* An image, or one of the seven that an interlaced one is sent as: its pixels' places. */
typedef struct pass {
  size_t x, y, right, down, width, height;
} pass;

static pass pass_of(const png *p, int k)
{
  static const unsigned char places[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                             {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  if (!p->interlaced) return (pass){0, 0, 1, 1, p->width, p->height};
  pass a = {places[k][0], places[k][1], places[k][2], places[k][3], 0, 0};
  if (p->width > a.x) a.width = (p->width - a.x + a.right - 1) / a.right;
  if (p->height > a.y) a.height = (p->height - a.y + a.down - 1) / a.down;
  if (a.width == 0) a.height = 0;
  return a;
}

/* Bytes of a row without its filter. */
static size_t row_size(const png *p, size_t width)
{
  return (width * p->samples * p->depth + 7) / 8;
}

/* Adds what the row's filter predicted, in place; `above` is NULL for the first one. */
static lat_status unfilter(png *p, unsigned filter, unsigned char *row, const unsigned char *above,
                           size_t n)
{
  size_t back = p->samples * p->depth < 8 ? 1 : p->samples * p->depth / 8;
  if (filter > 4) return wrong(p, "a filter is unknown");
  for (size_t k = 0; k < n && filter; k++) {
    int a = k < back ? 0 : row[k - back], b = above ? above[k] : 0;
    int c = k < back || !above ? 0 : above[k - back];
    int guess = filter == 1   ? a
                : filter == 2 ? b
                : filter == 3 ? (a + b) / 2
                              : lat_png_paeth(a, b, c);
    row[k] = (unsigned char)(row[k] + guess);
  }
  return LAT_OK;
}

/* One pixel of fewer than 8 bits, or of a palette. */
static lat_status put_pixel(png *p, const unsigned char *row, size_t x, unsigned char *to)
{
  size_t bit = x * p->depth;
  unsigned mask = (1u << p->depth) - 1;
  unsigned value = row[bit / 8] >> (8 - p->depth - bit % 8) & mask;
  if (p->colour != PALETTE) {
    *to = (unsigned char)(value * (UINT8_MAX / mask));
    return LAT_OK;
  }
  if (value >= p->colours) return wrong(p, "a colour isn't in its palette");
  memcpy(to, p->palette[value], p->channels);
  return LAT_OK;
}

static lat_status put_row(png *p, const pass *a, size_t i, const unsigned char *row,
                          unsigned char *out)
{
  size_t pixel = p->channels * p->bytes;
  unsigned char *to = out + ((a->y + i * a->down) * p->width + a->x) * pixel;
  bool whole = p->depth >= 8 && p->colour != PALETTE;
  if (whole && a->right == 1) {
    memcpy(to, row, a->width * pixel);
    return LAT_OK;
  }
  for (size_t x = 0; x < a->width; x++, to += a->right * pixel) {
    if (whole)
      memcpy(to, row + x * pixel, pixel);
    else
      LAT_TRY(put_pixel(p, row, x, to));
  }
  return LAT_OK;
}

static lat_status put_passes(png *p, unsigned char *raw, unsigned char *out)
{
  size_t work = 0;
  for (int k = 0; k < (p->interlaced ? 7 : 1); k++) {
    pass a = pass_of(p, k);
    size_t n = row_size(p, a.width);
    const unsigned char *above = NULL;
    for (size_t i = 0; i < a.height; i++, above = raw + 1, raw += n + 1) {
      LAT_TRY(unfilter(p, raw[0], raw + 1, above, n));
      LAT_TRY(put_row(p, &a, i, raw + 1, out));
      work += n + 1;
      if (work > LAT_GZIP_CHECK) {
        LAT_TRY(lat_check(p->work));
        work = 0;
      }
    }
  }
  return LAT_OK;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* The bytes of all rows with their filters; more than the data can expand to are refused before
 * memory is asked for. */
static lat_status raw_size(png *p, size_t *size)
{
  const size_t most = p->packed * LAT_DEFLATE_MOST;
  *size = 0;
  for (int k = 0; k < (p->interlaced ? 7 : 1); k++) {
    pass a = pass_of(p, k);
    size_t row = row_size(p, a.width) + 1;
    if (a.height > (most - *size) / row) return wrong(p, "it is shorter than its size");
    *size += a.height * row;
  }
  return LAT_OK;
}

static lat_status inflate_rows(png *p, unsigned char *raw, size_t size)
{
  LAT_SCOPE(p->work);
  lat_inflater s;
  const unsigned char *head = p->data;
  if (p->packed < 6) return wrong(p, "it has no data");
  if ((head[0] & 15) != 8 || (head[0] << 8 | head[1]) % 31 || head[1] & 32)
    return wrong(p, "its data are of an unknown kind");
  LAT_TRY(lat_inflater_begin(p->work, "PNG", head + 2, p->packed - 2, &s));
  s.out = raw, s.capacity = size;
  LAT_TRY(lat_inflate(&s));
  if (s.used != size) return wrong(p, "it is shorter than its size");
  if (s.end - s.at < 4 || lat_big(s.at, 4) != lat_adler(1, raw, size))
    return wrong(p, "its data's checksum is wrong");
  return LAT_OK;
}

static lat_status read_pixels(png *p, lat_image *image)
{
  size_t size, pixels = p->width * p->height;
  LAT_TRY(raw_size(p, &size));
  p->data = lat_allocate(p->work, p->packed, 1);
  unsigned char *raw = lat_allocate(p->work, size, 1);
  if (!p->data || !raw) return LAT_MEMORY;
  LAT_TRY(read_chunks(p, true));
  LAT_TRY(inflate_rows(p, raw, size));
  size_t all = pixels * p->channels * p->bytes, capacity = 0;
  unsigned char *out = NULL;
  LAT_TRY(lat_file_widen(p->work, &out, 0, &capacity, all));
  image->pixels =
      (lat_map){.bytes = out, .size = all, .allocated = true, .allocator = p->work->allocator};
  LAT_TRY(put_passes(p, raw, out));
  image->array = (lat_array){.kind = 'u',
                             .size = p->bytes,
                             .big = true,
                             .axes = p->channels == 1 ? 2 : 3,
                             .shape = {p->height, p->width, p->channels}};
  return lat_array_check(p->work, &image->array, all);
}

static lat_status read_image(png *p, lat_image *image)
{
  LAT_TRY(read_header(p));
  const unsigned char *chunks = p->at;
  LAT_TRY(read_chunks(p, false));
  if (p->colour == PALETTE && !p->colours) return wrong(p, "its palette is none");
  p->at = chunks;
  p->channels = p->colour != PALETTE ? p->samples : p->opacities ? 4 : 3;
  p->bytes = p->depth == 16 ? 2 : 1;
  *image = (lat_image){.width = p->width,
                       .height = p->height,
                       .channels = p->channels,
                       .white = p->bytes == 2 ? UINT16_MAX : UINT8_MAX};
  return read_pixels(p, image);
}

lat_status lat_png_read(lat_workspace *work, const unsigned char *bytes, size_t n, lat_image *image)
{
  LAT_SCOPE(work);
  *image = (lat_image){0};
  if (n < 8 || memcmp(bytes, LAT_PNG_SIGNATURE, 8) != 0)
    return lat_fail(work, LAT_FORMAT, "not a PNG file (it doesn't begin with \\x89PNG)");
  png *p = lat_allocate(work, 1, sizeof *p);
  if (!p) return LAT_MEMORY;
  *p = (png){.work = work, .at = bytes + 8, .end = bytes + n};
  lat_crc_begin(&p->crc);
  lat_status status = read_image(p, image);
  if (status != LAT_OK) lat_file_unmap(&image->pixels);
  return status;
}
