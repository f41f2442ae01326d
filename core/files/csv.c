/* csv.c: a reader and a writer of comma-separated values (csv.h).
 *
 * A cursor walks over the bytes of the file, which stay where they are: fields are pointers into
 * it. The first pass finds the delimiter, the header, the type of columns and the number of rows;
 * the second converts numbers. */
#include "files/csv.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"
#include "base/progress.h"
#include "files/file.h"

const char *const lat_csv_missing[LAT_CSV_MISSING] = {"", "NA", "NaN", "nan", "null", "?"};

/* The position of the reader: the next byte, and its line. At byte `check_at` lat_check is called:
 * so many bytes after the last time, however few lines and fields they are. */
typedef struct cursor {
  const char *at;
  size_t line;
  const char *check_at;
  const lat_steps *steps; /* bytes of the data; or NULL */
} cursor;

static lat_status check_cancelled(lat_workspace *work, const lat_csv *csv, cursor *c)
{
  c->check_at = csv->end - c->at > LAT_TEXT_CHECK ? c->at + LAT_TEXT_CHECK : csv->end;
  if (c->steps) lat_step(c->steps, (double)(c->at - csv->data), 0);
  return lat_check(work);
}

/* Moves the cursor over characters for which `pass` is true, a function of csv and the
 * character. */
#define SKIP_WHILE(work, csv, c, pass)                                                             \
  do {                                                                                             \
    if ((c)->at >= (c)->check_at) LAT_TRY(check_cancelled(work, csv, c));                          \
    const char *p_ = (c)->at, *stop_ = (c)->check_at;                                              \
    while (p_ < stop_ && pass((csv), *p_)) p_++;                                                   \
    (c)->at = p_;                                                                                  \
  } while ((c)->at == (c)->check_at && (c)->at < (csv)->end)

static bool is_blank(char c)
{
  return c == ' ' || c == '\t';
}

static bool is_line_end(char c)
{
  return c == '\n' || c == '\r';
}

/* Does c end a field? Of blanks, any run is one delimiter. */
static bool is_delimiter(const lat_csv *csv, char c)
{
  return c == csv->options.delimiter || (c == '\t' && csv->options.delimiter == ' ');
}

/* What SKIP_WHILE passes: blanks before a field, and the characters of a line, and of a field. */
static inline bool is_before_field(const lat_csv *csv, char c)
{
  return is_blank(c) && (c != csv->options.delimiter || c == ' ');
}

static inline bool is_of_line(const lat_csv *csv, char c)
{
  (void)csv;
  return !is_line_end(c);
}

static inline bool is_of_field(const lat_csv *csv, char c)
{
  return !is_delimiter(csv, c) && !is_line_end(c);
}

/* Skips a line end, if there is one: LF, CR LF or CR. */
static void skip_line_end(const lat_csv *csv, cursor *c)
{
  if (c->at == csv->end || !is_line_end(*c->at)) return;
  if (*c->at == '\r' && csv->end - c->at > 1 && c->at[1] == '\n') c->at++;
  c->at++;
  c->line++;
}

static lat_status fail_at(lat_workspace *work, size_t line, size_t column, const char *problem)
{
  return lat_fail(work, LAT_FORMAT, "%zu:%zu: %s", line, column, problem);
}

static lat_status not_a_number(lat_workspace *work, size_t line, size_t column, lat_csv_field field)
{
  int n = field.length < 40 ? (int)field.length : 40;
  return lat_fail(work, LAT_FORMAT, "%zu:%zu: '%.*s%s' is not a number", line, column, n,
                  field.text, field.length > 40 ? "..." : "");
}

static lat_status check_delimiter(lat_workspace *work, char c, char decimal)
{
  if (decimal != '.' && decimal != ',')
    return lat_fail(work, LAT_INVALID, "decimal must be '.' or ','");
  if (c == ',' && decimal == ',')
    return lat_fail(work, LAT_INVALID, "delimiter and decimal are both ','");
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  if (letter || c == '\0' || is_line_end(c) || strchr("\"+-.", c))
    return lat_fail(work, LAT_INVALID,
                    "delimiter must not be a letter, a digit, a quote, a line end or one of + - .");
  return LAT_OK;
}

/* ---- fields and records -------------------------------------------------- */

/* The quoted field at c, which then stands behind its closing quote. */
static lat_status quoted_field(lat_workspace *work, const lat_csv *csv, cursor *c, size_t column,
                               lat_csv_field *field)
{
  size_t line = c->line;
  const char *start = ++c->at;
  for (;; c->at++) {
    if (c->at == csv->end) return fail_at(work, line, column, "this quote is never closed");
    if (c->at >= c->check_at) LAT_TRY(check_cancelled(work, csv, c));
    if (*c->at == '"') {
      if (csv->end - c->at < 2 || c->at[1] != '"') break;
      c->at++;
    } else if (*c->at == '\n' || (*c->at == '\r' && (csv->end - c->at < 2 || c->at[1] != '\n'))) {
      c->line++;
    }
  }
  *field = (lat_csv_field){start, (size_t)(c->at - start), true};
  for (c->at++; c->at < csv->end && is_blank(*c->at) && !is_delimiter(csv, *c->at);) c->at++;
  if (c->at < csv->end && !is_delimiter(csv, *c->at) && !is_line_end(*c->at))
    return fail_at(work, c->line, column, "text after a closing quote");
  return LAT_OK;
}

/* next_field for a field, or blanks before it, that may be longer than what is read between two
 * calls of lat_check. */
static lat_status long_field(lat_workspace *work, const lat_csv *csv, cursor *c, size_t column,
                             lat_csv_field *field)
{
  SKIP_WHILE(work, csv, c, is_before_field);
  if (c->at < csv->end && *c->at == '"') return quoted_field(work, csv, c, column, field);
  const char *start = c->at;
  SKIP_WHILE(work, csv, c, is_of_field);
  *field = (lat_csv_field){start, (size_t)(c->at - start), false};
  while (field->length > 0 && is_blank(field->text[field->length - 1])) field->length--;
  return LAT_OK;
}

/* The field at c, which then stands on the delimiter, the line end or the end. */
static lat_status next_field(lat_workspace *work, const lat_csv *csv, cursor *c, size_t column,
                             lat_csv_field *field)
{
  const char *p = c->at, *end = c->check_at;
  while (p < end && is_before_field(csv, *p)) p++;
  if (p >= end || *p == '"') return long_field(work, csv, c, column, field);
  const char *start = p;
  while (p < end && is_of_field(csv, *p)) p++;
  if (p >= end) return long_field(work, csv, c, column, field);
  *field = (lat_csv_field){start, (size_t)(p - start), false};
  while (field->length > 0 && is_blank(field->text[field->length - 1])) field->length--;
  c->at = p;
  return LAT_OK;
}

/* The next record that isn't blank, into fields[0..most-1]: *count fields, 0 at the
 * end of the file, and its line. Fields beyond `most` are counted only. */
static lat_status next_record(lat_workspace *work, const lat_csv *csv, cursor *c,
                              lat_csv_field *fields, size_t most, size_t *count, size_t *line)
{
  const bool blanks = csv->options.delimiter == ' ';
  lat_csv_field field;
  for (*count = 0; c->at < csv->end; skip_line_end(csv, c)) {
    *line = c->line;
    for (size_t n = 0;; c->at += !blanks) {
      LAT_TRY(next_field(work, csv, c, n + 1, &field));
      if (n < most) fields[n] = field;
      *count = ++n;
      if (blanks) SKIP_WHILE(work, csv, c, is_before_field);
      if (c->at == csv->end || is_line_end(*c->at)) break;
    }
    if (*count > 1 || field.length > 0 || field.quoted) break;
    *count = 0; /* a blank line */
  }
  skip_line_end(csv, c);
  return LAT_OK;
}

bool lat_csv_is_missing(const lat_csv *csv, lat_csv_field field)
{
  for (size_t k = 0; k < csv->options.missing_count; k++) {
    const char *marker = csv->options.missing[k];
    /* the first character differs for most fields; "" has a NUL there */
    if (marker[0] == (field.length > 0 ? field.text[0] : '\0') && strlen(marker) == field.length &&
        memcmp(marker, field.text, field.length) == 0)
      return true;
  }
  return false;
}

static inline bool is_number(const lat_csv *csv, const char *text, size_t n, double *value)
{
  return lat_number_parse_with(text, n, csv->options.decimal, value);
}

/* A field as a number, a missing entry as NaN. */
static bool number_of(const lat_csv *csv, lat_csv_field field, double *value)
{
  *value = NAN; /* a marker may be a number: -999 */
  return lat_csv_is_missing(csv, field) || is_number(csv, field.text, field.length, value);
}

/* ---- the first pass ------------------------------------------------------ */

/* The most frequent delimiter of the cursor's line, outside quotes. Without any it is a comma,
 * or blanks where they separate nothing but numbers: words may hold blanks. */
static lat_status find_delimiter(lat_workspace *work, const lat_csv *csv, cursor c, char *delimiter)
{
  static const char candidates[] = {',', ';', '\t', '|'};
  size_t counts[sizeof candidates] = {0}, best = 0;
  double value;
  bool quoted = false, numbers = true, any = false;
  const char *p = c.at;
  for (const char *word = p; p < csv->end && (quoted || !is_line_end(*p)); c.at = ++p) {
    if (p >= c.check_at) LAT_TRY(check_cancelled(work, csv, &c));
    if (*p == '"') quoted = !quoted;
    for (size_t k = 0; k < sizeof candidates && !quoted; k++) counts[k] += *p == candidates[k];
    if (is_blank(*p)) {
      word = p + 1;
    } else if (numbers && (csv->end - p == 1 || is_blank(p[1]) || is_line_end(p[1]))) {
      numbers = any = is_number(csv, word, (size_t)(p + 1 - word), &value);
    }
  }
  if (csv->options.decimal == ',') counts[0] = 0, best = 1;
  for (size_t k = 1; k < sizeof candidates; k++)
    if (counts[k] > counts[best]) best = k;
  *delimiter = counts[best] == 0 && numbers && any ? ' ' : candidates[best];
  return LAT_OK;
}

/* Whether `first` is a header, by it and the record below it (of `below` fields, or 0). */
static bool is_header(const lat_csv *csv, const lat_csv_field *first, size_t n,
                      const lat_csv_field *second, size_t below)
{
  double value;
  bool words = false, numbers = false, number_below = false;
  for (size_t j = 0; j < n; j++) {
    bool missing = lat_csv_is_missing(csv, first[j]);
    bool number = !missing && is_number(csv, first[j].text, first[j].length, &value);
    numbers |= number;
    if (missing || number) continue;
    words = true;
    if (j < below && is_number(csv, second[j].text, second[j].length, &value)) number_below = true;
  }
  return words && (!numbers || number_below);
}

/* Counts the rows, and finds which columns hold text. */
static lat_status scan_rows(lat_workspace *work, lat_csv *csv)
{
  double value;
  size_t count, line = csv->data_line, unknown = csv->cols;
  bool *known = lat_allocate(work, csv->cols, sizeof *known);
  if (!known) return LAT_MEMORY;
  for (size_t j = 0; j < csv->cols; j++) known[j] = csv->text[j] = false;
  LAT_STEPS(work, steps, csv->end - csv->data, "bytes");
  for (cursor c = {csv->data, csv->data_line, csv->data, &steps};; csv->rows++) {
    LAT_TRY(next_record(work, csv, &c, csv->record, csv->cols, &count, &line));
    if (count == 0) break;
    if (count != csv->cols)
      return lat_fail(work, LAT_FORMAT, "%zu:%zu: %zu fields where the first line has %zu", line,
                      count < csv->cols ? count : csv->cols + 1, count, csv->cols);
    for (size_t j = 0; j < csv->cols && unknown > 0; j++) {
      if (known[j] || lat_csv_is_missing(csv, csv->record[j])) continue;
      csv->text[j] = !is_number(csv, csv->record[j].text, csv->record[j].length, &value);
      known[j] = true;
      unknown--;
    }
  }
  if (csv->rows == 0)
    return lat_fail(work, LAT_FORMAT, csv->header ? "only a header, no data" : "no data");
  return LAT_OK;
}

/* LAT_FORMAT, naming the line, when there is a NUL in the file. */
static lat_status check_text(lat_workspace *work, const lat_csv *csv)
{
  const char *nul = NULL;
  for (const char *p = csv->bytes; p < csv->end && !nul; p += LAT_TEXT_SCAN) {
    size_t left = (size_t)(csv->end - p);
    LAT_TRY(lat_check(work));
    nul = memchr(p, '\0', left < LAT_TEXT_SCAN ? left : LAT_TEXT_SCAN);
    if (left < LAT_TEXT_SCAN) break;
  }
  if (!nul) return LAT_OK;
  size_t line = 1;
  for (cursor n = {csv->bytes, 1, csv->bytes, NULL}; n.at < nul; line = n.line) {
    if (n.at >= n.check_at) LAT_TRY(check_cancelled(work, csv, &n));
    if (is_line_end(*n.at))
      skip_line_end(csv, &n);
    else
      n.at++;
  }
  return fail_at(work, line, 1, "a NUL byte: not a text file, or one in UTF-16");
}

/* Skips a byte order mark and the lines to skip; finds the delimiter. */
static lat_status begin(lat_workspace *work, lat_csv *csv, cursor *c)
{
  LAT_TRY(check_text(work, csv));
  if (csv->end - c->at >= 3 && memcmp(c->at, "\xEF\xBB\xBF", 3) == 0) c->at += 3;
  for (size_t k = 0; k < csv->options.skip && c->at < csv->end; k++) {
    SKIP_WHILE(work, csv, c, is_of_line);
    skip_line_end(csv, c);
  }
  while (c->at < csv->end && is_line_end(*c->at)) {
    if (c->at >= c->check_at) LAT_TRY(check_cancelled(work, csv, c));
    skip_line_end(csv, c);
  }
  if (!csv->options.delimiter) LAT_TRY(find_delimiter(work, csv, *c, &csv->options.delimiter));
  return check_delimiter(work, csv->options.delimiter, csv->options.decimal);
}

lat_status lat_csv_scan(lat_workspace *work, const unsigned char *bytes, size_t size,
                        const lat_csv_options *options, lat_csv *csv)
{
  *csv = (lat_csv){.options = *options, .bytes = (const char *)bytes};
  if (!options->missing)
    csv->options.missing = lat_csv_missing, csv->options.missing_count = LAT_CSV_MISSING;
  if (!options->decimal) csv->options.decimal = '.';
  if (size == 0)
    return lat_fail(work, LAT_FORMAT, "the file is empty"); /* its address may be NULL */
  csv->end = csv->bytes + size;
  cursor c = {csv->bytes, 1, csv->bytes, NULL};
  LAT_TRY(begin(work, csv, &c));

  cursor start = c, second;
  size_t below, line;
  LAT_TRY(next_record(work, csv, &c, NULL, 0, &csv->cols, &line));
  if (csv->cols == 0) return lat_fail(work, LAT_FORMAT, "no data");
  if (csv->cols > LAT_CSV_COLUMNS)
    return lat_fail(work, LAT_FORMAT, "%zu:1: a line of %zu fields, more than %zu", line, csv->cols,
                    LAT_CSV_COLUMNS);
  csv->names = lat_allocate(work, csv->cols, sizeof *csv->names);
  csv->record = lat_allocate(work, csv->cols, sizeof *csv->record);
  csv->text = lat_allocate(work, csv->cols, sizeof *csv->text);
  if (!csv->names || !csv->record || !csv->text) return LAT_MEMORY;

  c = start;
  LAT_TRY(next_record(work, csv, &c, csv->names, csv->cols, &below, &line));
  second = c;
  csv->header = options->header == LAT_CSV_YES;
  if (options->header == LAT_CSV_AUTO) {
    LAT_TRY(next_record(work, csv, &c, csv->record, csv->cols, &below, &line));
    csv->header =
        is_header(csv, csv->names, csv->cols, csv->record, below < csv->cols ? below : csv->cols);
  }
  if (csv->header) start = second;
  csv->data = start.at, csv->data_line = start.line;
  return scan_rows(work, csv);
}

/* ---- the second pass ----------------------------------------------------- */

lat_status lat_csv_read(lat_workspace *work, const lat_csv *csv, const lat_matrix *X,
                        const size_t *column_of, lat_csv_field *const *text_of)
{
  LAT_STEPS(work, steps, csv->end - csv->data, "bytes");
  cursor c = {csv->data, csv->data_line, csv->data, &steps};
  size_t count, line = csv->data_line;
  for (size_t i = 0; i < csv->rows; i++) {
    LAT_TRY(next_record(work, csv, &c, csv->record, csv->cols, &count, &line));
    for (size_t j = 0; j < csv->cols; j++) {
      if (text_of[j]) text_of[j][i] = csv->record[j];
      if (column_of[j] == SIZE_MAX) continue;
      double value;
      if (!number_of(csv, csv->record[j], &value))
        return not_a_number(work, line, j + 1, csv->record[j]);
      lat_set(X, i, column_of[j], value);
    }
  }
  return LAT_OK;
}

size_t lat_csv_unquote(lat_csv_field field, char *out)
{
  size_t n = 0;
  for (size_t k = 0; k < field.length; k++) {
    out[n++] = field.text[k];
    if (field.quoted && field.text[k] == '"') k++; /* the quote's double */
  }
  return n;
}

/* ---- writing ------------------------------------------------------------- */

/* A text, in quotes where it would be read differently without. */
static lat_status put_text(lat_writer *writer, const char *text, char delimiter)
{
  const char special[] = {delimiter, '"', '\n', '\r', '\0'};
  size_t n = strlen(text);
  if (n > 0 && !strpbrk(text, special) && !is_blank(text[0]) && !is_blank(text[n - 1]))
    return lat_writer_put(writer, text, n);
  LAT_TRY(lat_writer_put(writer, "\"", 1));
  for (const char *p = text; *p; p++) {
    if (*p == '"') LAT_TRY(lat_writer_put(writer, "\"", 1));
    LAT_TRY(lat_writer_put(writer, p, 1));
  }
  return lat_writer_put(writer, "\"", 1);
}

static lat_status put_number(lat_writer *writer, double x, bool single, char decimal)
{
  char text[LAT_NUMBER_MOST];
  size_t n = lat_number_print(x, single, text);
  char *point = decimal == '.' ? NULL : memchr(text, '.', n);
  if (point) *point = decimal;
  return lat_writer_put(writer, text, n);
}

static lat_status put_header(lat_writer *writer, const lat_matrix *A, const lat_csv_format *f)
{
  for (size_t j = 0; j < A->cols; j++) {
    LAT_TRY(put_text(writer, f->names[j], f->delimiter));
    if (j + 1 < A->cols) LAT_TRY(lat_writer_put(writer, &f->delimiter, 1));
  }
  if (f->labels) {
    LAT_TRY(lat_writer_put(writer, &f->delimiter, 1));
    LAT_TRY(put_text(writer, f->label, f->delimiter));
  }
  return lat_writer_put(writer, "\n", 1);
}

static lat_status put_table(lat_writer *writer, const lat_matrix *A, const lat_csv_format *f)
{
  if (f->names) LAT_TRY(put_header(writer, A, f));
  LAT_STEPS(writer->work, steps, A->rows, "rows");
  for (size_t i = 0; i < A->rows; i++) {
    lat_step(&steps, (double)i, 0);
    for (size_t j = 0; j < A->cols; j++) {
      double x = lat_get(A, i, j);
      if (j > 0) LAT_TRY(lat_writer_put(writer, &f->delimiter, 1));
      if (!isnan(x))
        LAT_TRY(put_number(writer, x, A->dtype == LAT_FLOAT32, f->decimal));
      else /* in a single column an empty text would be a blank line */
        LAT_TRY(A->cols == 1 ? put_text(writer, f->missing, f->delimiter)
                             : lat_writer_put(writer, f->missing, strlen(f->missing)));
    }
    if (f->labels) {
      LAT_TRY(lat_writer_put(writer, &f->delimiter, 1));
      LAT_TRY(put_text(writer, f->labels[i], f->delimiter));
    }
    LAT_TRY(lat_writer_put(writer, "\n", 1));
  }
  return LAT_OK;
}

lat_status lat_csv_write(lat_workspace *work, const char *path, const lat_matrix *A,
                         const lat_csv_format *format)
{
  lat_writer writer;
  lat_csv_format f = *format;
  LAT_SCOPE(work);
  if (!f.decimal) f.decimal = '.';
  if (!f.delimiter) f.delimiter = f.decimal == ',' ? ';' : ',';
  if (!f.missing) f.missing = "NA";
  if (!f.label) f.label = "label";
  LAT_TRY(check_delimiter(work, f.delimiter, f.decimal));
  LAT_TRY(lat_writer_begin(work, &writer, path));
  lat_status status = lat_writer_end(&writer, put_table(&writer, A, &f));
  return status;
}
