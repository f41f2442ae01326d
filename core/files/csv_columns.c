/* csv_columns.c: which columns of a table of text are wanted, and where each goes. */
#include "files/csv_columns.h"

#include <string.h>

#include "base/options.h"

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
  if (!c->column_of || !c->text_of || !c->order) return LAT_MEMORY;
  for (size_t j = 0; j < cols; j++) c->column_of[j] = SIZE_MAX, c->text_of[j] = NULL;
  return csv->header ? read_names(work, csv, c) : LAT_OK;
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
  return lat_fail(work, LAT_FORMAT, "no column '%.60s'%s%.60s%s", name,
                  near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
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
    if (c->label == SIZE_MAX) c->label = j;
    return c->text_of[j] ? LAT_OK : LAT_MEMORY;
  }
  c->order[c->count] = j;
  c->column_of[j] = c->count++;
  return LAT_OK;
}

lat_status lat_csv_add_labels(lat_workspace *work, const lat_csv *csv, lat_csv_columns *c, size_t j)
{
  csv->text[j] = true; /* classes are often numbered */
  return lat_csv_add_column(work, csv, c, j);
}
