/* csv_columns.c: which columns of a table of text are wanted, and where each goes. */
#include "files/csv_columns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/words.h"

/* The header's names without quotes. */
static lat_status read_names(lat_workspace *work, const lat_csv *csv, lat_csv_columns *c)
{
  c->names = lat_allocate(work, csv->cols + 1, sizeof *c->names);
  if (!c->names) return LAT_MEMORY;
  c->names[csv->cols] = NULL;
  for (size_t j = 0; j < csv->cols; j++) {
    char *name = lat_allocate(work, csv->names[j].length + 1, 1);
    if (!name) return LAT_MEMORY;
    name[lat_csv_unquote(csv->names[j], name)] = '\0';
    c->names[j] = name;
  }
  return LAT_OK;
}

lat_status lat_csv_columns_begin(lat_workspace *work, const lat_csv *csv, lat_csv_columns *c)
{
  const size_t cols = csv->cols;
  *c = (lat_csv_columns){.label = SIZE_MAX};
  c->column_of = lat_allocate(work, cols, sizeof *c->column_of);
  c->text_of = lat_allocate(work, cols, sizeof *c->text_of);
  c->order = lat_allocate(work, cols, sizeof *c->order);
  c->code_of = lat_allocate(work, cols, sizeof *c->code_of);
  c->categorical = lat_allocate(work, cols, sizeof *c->categorical);
  if (!c->column_of || !c->text_of || !c->order || !c->code_of || !c->categorical)
    return LAT_MEMORY;
  for (size_t j = 0; j < cols; j++) {
    c->column_of[j] = c->code_of[j] = SIZE_MAX;
    c->text_of[j] = NULL;
    c->categorical[j] = false;
  }
  return csv->header ? read_names(work, csv, c) : LAT_OK;
}

enum { LISTED = 160 };

/* The names that there are, as many as fit: "a, b, c" or "a, b, ...". */
static void list_names(const lat_csv_columns *c, size_t cols, char list[LISTED])
{
  size_t used = 0;
  list[0] = '\0';
  for (size_t j = 0; j < cols; j++) {
    size_t left = LISTED - used;
    int wanted = snprintf(list + used, left, "%s%s", j ? ", " : "", c->names[j]);
    if (wanted < 0 || (size_t)wanted + 6 > left) { /* with ", ..." behind it */
      snprintf(list + used, left, "%s", used ? ", ..." : "...");
      return;
    }
    used += (size_t)wanted;
  }
}

lat_status lat_csv_find_column(lat_workspace *work, const lat_csv *csv, const lat_csv_columns *c,
                               const char *name, int64_t number, size_t *column)
{
  if (!name) {
    if (number < 1 || (uint64_t)number > csv->cols)
      return lat_fail(work, LAT_FORMAT, "no column %lld, there are %zu", (long long)number,
                      csv->cols);
    *column = (size_t)number - 1;
    return LAT_OK;
  }
  if (!c->names)
    return lat_fail(work, LAT_FORMAT, "no header that could name a column '%.60s'", name);
  for (*column = 0; *column < csv->cols; ++*column)
    if (strcmp(c->names[*column], name) == 0) return LAT_OK;
  const char *near = lat_nearest_word(name, c->names);
  if (near)
    return lat_fail(work, LAT_FORMAT, "no column '%.60s', did you mean '%.60s'?", name, near);
  char list[LISTED];
  list_names(c, csv->cols, list);
  return lat_fail(work, LAT_FORMAT, "no column '%.60s' (known: %s)", name, list);
}

bool lat_csv_is_wanted(const lat_csv_columns *c, size_t j)
{
  return c->text_of[j] || c->column_of[j] != SIZE_MAX;
}

lat_status lat_csv_add_column(lat_workspace *work, const lat_csv *csv, lat_csv_columns *c, size_t j)
{
  if (lat_csv_is_wanted(c, j)) return LAT_OK;
  if (csv->text[j]) {
    c->text_of[j] = lat_allocate(work, csv->rows, sizeof **c->text_of);
    if (!c->text_of[j]) return LAT_MEMORY;
  }
  if (csv->text[j] && !c->categorical[j]) {
    if (c->label == SIZE_MAX) c->label = j;
    return LAT_OK;
  }
  c->order[c->count] = j;
  *(csv->text[j] ? &c->code_of[j] : &c->column_of[j]) = c->count++;
  return LAT_OK;
}

void lat_csv_set_categorical(const lat_csv *csv, lat_csv_columns *c, size_t j)
{
  csv->text[j] = true; /* categories are often numbered */
  c->categorical[j] = true;
}

lat_status lat_csv_add_labels(lat_workspace *work, const lat_csv *csv, lat_csv_columns *c, size_t j)
{
  csv->text[j] = true; /* classes are often numbered */
  c->label = j;
  /* codes stand in X where their turn is */
  return c->categorical[j] ? LAT_OK : lat_csv_add_column(work, csv, c, j);
}

/* ---- classes --------------------------------------------------------------------------------- */

/* The bytes of the text, into `out`, and their FNV-1a hash. */
static uint64_t read_text(lat_csv_field field, char *out, size_t *length)
{
  uint64_t hash = 14695981039346656037u;
  *length = lat_csv_unquote(field, out);
  for (size_t i = 0; i < *length; i++) hash = (hash ^ (unsigned char)out[i]) * 1099511628211u;
  return hash ^ hash >> 32;
}

lat_status lat_csv_classes(lat_workspace *work, const lat_csv *csv, const lat_csv_field *labels,
                           size_t rows, double *codes, const lat_csv_field **classes, size_t *count)
{
  size_t longest = 1, size = 16, n = 0;
  for (size_t i = 0; i < rows; i++)
    if (labels[i].length > longest) longest = labels[i].length;
  while (size < 2 * rows) size *= 2;
  lat_csv_field *found = lat_allocate(work, rows, sizeof *found);
  if (!found) return LAT_MEMORY;
  lat_mark mark = lat_workspace_mark(work);
  size_t *places = lat_allocate(work, size, sizeof *places); /* the class, from 1; 0: free */
  char *text = lat_allocate(work, 2, longest), *other = text + longest;
  if (!places || !text) return LAT_MEMORY;
  memset(places, 0, size * sizeof *places);
  for (size_t i = 0; i < rows; i++) {
    if (csv && lat_csv_is_missing(csv, labels[i])) {
      codes[i] = NAN;
      continue;
    }
    size_t length, at = (size_t)read_text(labels[i], text, &length) & (size - 1);
    for (; places[at]; at = (at + 1) & (size - 1))
      if (lat_csv_unquote(found[places[at] - 1], other) == length &&
          memcmp(text, other, length) == 0)
        break;
    if (!places[at]) {
      found[n++] = labels[i];
      places[at] = n;
    }
    codes[i] = (double)places[at];
    if (i % 65536 == 0) LAT_TRY(lat_check(work));
  }
  lat_workspace_release(work, mark);
  *classes = found;
  *count = n;
  return LAT_OK;
}

lat_status lat_csv_choose_labels(lat_workspace *work, const lat_csv *csv, lat_csv_columns *c)
{
  LAT_SCOPE(work);
  double *codes = lat_doubles(work, csv->rows);
  if (!codes) return LAT_MEMORY;
  for (size_t j = 0; j < csv->cols; j++) {
    const lat_csv_field *classes;
    size_t count;
    if (!c->text_of[j] || c->categorical[j]) continue;
    LAT_TRY(lat_csv_classes(work, NULL, c->text_of[j], csv->rows, codes, &classes, &count));
    if (count < csv->rows) {
      c->label = j;
      return LAT_OK;
    }
  }
  return LAT_OK;
}

lat_status lat_csv_encode(lat_workspace *work, const lat_csv *csv, const lat_csv_columns *c,
                          size_t j, const lat_matrix *X, const lat_csv_field **classes,
                          size_t *count)
{
  double *codes = lat_doubles(work, csv->rows);
  if (!codes) return LAT_MEMORY;
  LAT_TRY(lat_csv_classes(work, csv, c->text_of[j], csv->rows, codes, classes, count));
  for (size_t i = 0; i < csv->rows; i++) lat_set(X, i, c->code_of[j], codes[i]);
  return LAT_OK;
}
