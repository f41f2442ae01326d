/* csv.h: tables of numbers as text.
 *
 * Comma-separated values as in RFC 4180, and its relatives: quoted fields may hold
 * delimiters, line ends and doubled quotes; lines end in LF, CR LF or CR; a byte
 * order mark and blank lines are skipped; blanks around a field don't count.
 * Numbers are read the same in every locale (base/number.h).
 *
 * A column is numeric or text, by its first entry that isn't missing; in a numeric
 * column anything but numbers and missing entries (NaN in the matrix) is an error.
 *
 * Reading makes two passes over the file's bytes: `scan` finds the shape and the
 * columns, the caller allocates, `read` fills. Messages begin with the place,
 * "17:3: 'abc' is not a number": line 17 of the file, column (field) 3. */
#ifndef LAT_FILES_CSV_H
#define LAT_FILES_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files/limits.h"
#include "matrix/matrix.h"

/* A piece of the file, without the blanks or quotes around it. */
typedef struct lat_csv_field {
  const char *text;
  size_t length;
  bool quoted; /* "" inside is one " */
} lat_csv_field;

typedef enum lat_csv_header { LAT_CSV_AUTO = 0, LAT_CSV_NO, LAT_CSV_YES } lat_csv_header;

typedef struct lat_csv_options {
  char delimiter; /* ' ' is any run of blanks; 0: the most frequent of , ; tab | in the first
                     line, or blanks when that line has only numbers between blanks */
  char decimal;   /* the point of numbers, '.' or ','; 0: '.'. A comma delimits nothing then. */
  lat_csv_header header;
  size_t skip;                /* lines to skip at the start */
  const char *const *missing; /* texts of a missing entry; NULL: lat_csv_missing */
  size_t missing_count;
} lat_csv_options;

/* "", NA, NaN, nan, null and ?. */
extern const char *const lat_csv_missing[];
#define LAT_CSV_MISSING 6

typedef struct lat_csv {
  lat_csv_options options; /* with the delimiter that was found */
  const char *bytes, *end; /* the file, which must stay */
  const char *data;        /* the first record after the header, on line data_line */
  size_t data_line;
  size_t rows, cols;
  bool header;
  lat_csv_field *names;  /* one a column, when there is a header */
  bool *text;            /* one a column: it holds text. The caller may set more. */
  lat_csv_field *record; /* scratch */
} lat_csv;

/* Finds rows and columns. With LAT_CSV_AUTO the first record is a header when it
 * has a field that isn't a number, and either no number at all or one right below
 * such a field. LAT_FORMAT, with the place: records of different lengths, a quote
 * that isn't closed, NUL bytes, no data. The arrays are in the workspace. Keeps the arrays. */
lat_status lat_csv_scan(lat_workspace *work, const unsigned char *bytes, size_t size,
                        const lat_csv_options *options, lat_csv *csv);

/* Fills X (rows x the numeric columns asked for): the file's column j goes to column
 * column_of[j] of X unless that is SIZE_MAX; and where text_of[j] isn't NULL, the
 * fields of column j go there, one a row. */
lat_status lat_csv_read(lat_workspace *work, const lat_csv *csv, const lat_matrix *X,
                        const size_t *column_of, lat_csv_field *const *text_of);

/* Is the field a missing entry? */
bool lat_csv_is_missing(const lat_csv *csv, lat_csv_field field);

/* The text of a field without doubled quotes, into `out` of at least field.length bytes: returns
 * its length. */
size_t lat_csv_unquote(lat_csv_field field, char *out);

/* How a table is written. */
typedef struct lat_csv_format {
  char delimiter, decimal;   /* 0: ',', or ';' beside a decimal comma; '.' */
  const char *missing;       /* for NaN; NULL: NA */
  const char *const *names;  /* of A's columns, for a header; NULL: none */
  const char *const *labels; /* one a row, in a column behind the numbers; NULL: none */
  const char *label;         /* its name in the header; NULL: label */
} lat_csv_format;

/* Writes A with lat_number_print. LAT_INVALID when the delimiter can't be one. */
lat_status lat_csv_write(lat_workspace *work, const char *path, const lat_matrix *A,
                         const lat_csv_format *format);

#endif
