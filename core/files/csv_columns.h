/* csv_columns.h: which columns of a table of text are wanted, and where each goes.
 *
 *   lat_csv_columns c;
 *   LAT_TRY(lat_csv_scan(work, bytes, size, &options, &csv));
 *   LAT_TRY(lat_csv_columns_begin(work, &csv, &c));
 *   LAT_TRY(lat_csv_find_column(work, &csv, &c, "species", &j));
 *   LAT_TRY(lat_csv_add_labels(work, &csv, &c, j));
 *   for (j = 0; j < csv.cols; j++) LAT_TRY(lat_csv_add_column(work, &csv, &c, j));
 *   LAT_TRY(lat_csv_read(work, &csv, &X, c.column_of, c.text_of));   X: csv.rows x c.count */
#ifndef LAT_FILES_CSV_COLUMNS_H
#define LAT_FILES_CSV_COLUMNS_H

#include "files/csv.h"

typedef struct lat_csv_columns {
  const char **names;      /* the header's, ended by NULL; NULL without a header */
  size_t *column_of;       /* the file's column -> X's, or SIZE_MAX */
  lat_csv_field **text_of; /* the file's column -> its fields, or NULL */
  size_t *order, count;    /* X's column -> the file's */
  size_t label;            /* the column of the labels, at first the first of text; or SIZE_MAX */
  size_t *code_of;         /* the file's column -> X's, of the codes of its classes, or SIZE_MAX */
  bool *categorical;       /* the file's column is to be codes */
} lat_csv_columns;

/* No column is wanted yet. Keeps the arrays. */
lat_status lat_csv_columns_begin(lat_workspace *work, const lat_csv *csv, lat_csv_columns *columns);

/* The column of this name, or (NULL) of this number, from 1. LAT_FORMAT when there is none; the
 * message names the nearest. */
lat_status lat_csv_find_column(lat_workspace *work, const lat_csv *csv,
                               const lat_csv_columns *columns, const char *name, int64_t number,
                               size_t *column);

/* Column j is wanted, where it isn't already: numbers become a column of X, text a list of fields.
 * Keeps the list. */
lat_status lat_csv_add_column(lat_workspace *work, const lat_csv *csv, lat_csv_columns *columns,
                              size_t j);
/* The same of the labels, which are text even where they are numbers. Keeps the list. */
lat_status lat_csv_add_labels(lat_workspace *work, const lat_csv *csv, lat_csv_columns *columns,
                              size_t j);
bool lat_csv_is_wanted(const lat_csv_columns *columns, size_t j);

/* Column j, when it is added, becomes a column of X: the codes of its texts (lat_csv_classes, with
 * NaN for a missing entry). It is no column of labels, unless that is asked for. */
void lat_csv_set_categorical(const lat_csv *csv, lat_csv_columns *columns, size_t j);
/* Fills the column of codes of column j, after lat_csv_read. Keeps `classes`. */
lat_status lat_csv_encode(lat_workspace *work, const lat_csv *csv, const lat_csv_columns *columns,
                          size_t j, const lat_matrix *X, const lat_csv_field **classes,
                          size_t *count);

/* Labels as classes, which are numbered from 1 in the order in which they come first. codes[i]
 * becomes the number of label i; classes[k] is the first label of class k + 1, `count` of them.
 * Two labels are the same when their texts without doubled quotes are. A hash table with linear
 * probing: O(rows). Where `csv` isn't NULL, its missing entries have no class, and the code NaN.
 * Keeps `classes`. */
lat_status lat_csv_classes(lat_workspace *work, const lat_csv *csv, const lat_csv_field *labels,
                           size_t rows, double *codes, const lat_csv_field **classes,
                           size_t *count);

/* Of several columns of text that are read the labels are the first in which a text comes twice:
 * names and keys, which differ in each row, are labels of nothing. When there is none, the first
 * of text stays. */
lat_status lat_csv_choose_labels(lat_workspace *work, const lat_csv *csv, lat_csv_columns *columns);

#endif
