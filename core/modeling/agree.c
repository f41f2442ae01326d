/* agree.c: what ranks compare is text, a line each for the model's name, whether entries may be
 * missing, the parameters to begin with and every option, in the order of the table. */
#include "modeling/agree.h"

#include <stdio.h>
#include <string.h>

#include "files/checksum.h"
#include "modeling/option_json.h"

enum { LINE = 160 }; /* bytes of a line; what is longer is there by its checksum */

static lat_status checksum(lat_workspace *work, char *line, const char *name, const void *bytes,
                           size_t n)
{
  uint32_t sum;
  LAT_TRY(lat_crc_of(work, bytes, n, &sum));
  snprintf(line, LINE, "%.60s has the checksum %08x", name, (unsigned)sum);
  return LAT_OK;
}

/* The option as an object of its own, {"clusters":3}; {} is its default. */
static lat_status write_option(lat_workspace *work, char *line, const lat_option *option,
                               const void *options)
{
  const lat_option table[2] = {*option, {.name = NULL}};
  lat_text text;
  LAT_SCOPE(work);
  LAT_TRY(lat_options_write(work, table, options, &text));
  if (text.n >= LINE) return checksum(work, line, option->name, text.at, text.n);
  memcpy(line, text.at, text.n);
  return LAT_OK;
}

static lat_status write_given(lat_workspace *work, char *line, const lat_fitted *given)
{
  if (!given || !given->flat) return LAT_OK;
  size_t count = lat_parameters_count(
      given->model ? given->model->parameters(given->options) : NULL, given->sizes);
  return checksum(work, line, "init", given->flat, count * sizeof(double));
}

static lat_status write_lines(lat_workspace *work, char *lines, const lat_model *model,
                              const void *options, const lat_fitted *given, bool missing)
{
  snprintf(lines, LINE, "a model of the kind %s", model->name);
  snprintf(lines + LINE, LINE, "{\"missing\":%s}", missing ? "true" : "false");
  if (given && given->model) LAT_TRY(write_given(work, lines + 2 * LINE, given));
  char *line = lines + 3 * LINE;
  for (const lat_option *o = model->options; o->name; o++, line += LINE)
    LAT_TRY(write_option(work, line, o, options));
  return LAT_OK;
}

/* What a line says of the option that is to be named. */
static const char *said(const char *line, const char *other)
{
  bool absent = line[0] == '\0' || strcmp(line, "{}") == 0;
  if (!absent) return line;
  return other[0] == '{' ? "the default" : "none";
}

lat_status lat_model_agree(lat_workspace *work, lat_comm *comm, const lat_model *model,
                           const void *options, const lat_fitted *given, bool missing)
{
  size_t count = 3;
  void *gathered;
  LAT_SCOPE(work);
  for (const lat_option *o = model->options; o->name; o++) count++;
  char *lines = lat_allocate(work, count, LINE);
  size_t *sizes = lat_allocate(work, comm->size, sizeof *sizes);
  if (!lines || !sizes) return LAT_MEMORY;
  memset(lines, 0, count * LINE);
  LAT_TRY(write_lines(work, lines, model, options, given, missing));
  LAT_TRY(lat_comm_gather(comm, work, lines, count * LINE, sizes, &gathered));
  const char *theirs = gathered, *first = gathered;
  for (size_t r = 0; r < comm->size; theirs += sizes[r++]) {
    size_t both = (sizes[r] < sizes[0] ? sizes[r] : sizes[0]) / LINE;
    for (size_t i = 0; i < both; i++) {
      const char *a = first + i * LINE, *b = theirs + i * LINE;
      if (strcmp(a, b) == 0) continue;
      comm->agreed = true; /* every rank sees it */
      return lat_fail(work, LAT_INVALID, "options differ: rank %zu has %.80s, rank 0 has %.80s", r,
                      said(b, a), said(a, b));
    }
  }
  return LAT_OK;
}
