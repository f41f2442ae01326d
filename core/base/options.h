/* options.h: what a model's options are, described once.
 *
 * Options are the fields of a struct. A table names them, with type, default and bounds, so that
 * defaults, checks, setting by name, a binding's option tables, the metadata of files and the
 * documentation need no line of code a model:
 *
 *   typedef struct lat_pca_options { size_t latent_dim; bool standardize; ... } lat_pca_options;
 *
 *   const lat_option lat_pca_option_table[] = {
 *     LAT_OPTION_SIZE(lat_pca_options, latent_dim, 0, 0, LAT_MOST_DIMENSIONS),
 *     LAT_OPTION_BOOLEAN(lat_pca_options, standardize, false), ..., {.name = NULL}};
 *
 *   lat_pca_options options;
 *   lat_options_default(lat_pca_option_table, &options, sizeof options);
 *   LAT_TRY(lat_option_set(work, lat_pca_option_table, &options, "standardize", "true"));
 */
#ifndef LAT_BASE_OPTIONS_H
#define LAT_BASE_OPTIONS_H

#include <math.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif
#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include "base/workspace.h"

typedef enum lat_option_type {
  LAT_BOOLEAN, /* bool */
  LAT_SIZE,    /* size_t */
  LAT_SEED,    /* uint64_t, of which any integer makes one */
  LAT_NUMBER,  /* double */
  LAT_CHOICE,  /* int (an enum): a place in the list of choices */
  LAT_GIVEN    /* matrices, functions: the field is set by code, and has no text */
} lat_option_type;

typedef struct lat_option {
  const char *name; /* NULL ends a table */
  lat_option_type type;
  size_t offset; /* of the field */
  double otherwise, least, most;
  /* Ended by NULL. Of LAT_CHOICE the words; of LAT_SIZE those that may stand in the place of a
   * count (LAT_WORD), or NULL. */
  const char *const *choices;
  /* For readers, where the field alone doesn't tell: what may stand there besides, or in the place
   * of, such a value ("table"); and the default ("nil"). NULL without. */
  const char *also, *shown;
} lat_option;

/* Rows of a table; `field` is a member of the struct `type`, and the option has its name. */
#define LAT_OPTION_BOOLEAN(type, field, otherwise)                                                 \
  {                                                                                                \
    .name = #field, LAT_BOOLEAN, offsetof(type, field), otherwise, 0, 1, NULL, NULL, NULL          \
  }
#define LAT_OPTION_SIZE(type, field, otherwise, least, most)                                       \
  {                                                                                                \
    .name = #field, LAT_SIZE, offsetof(type, field), otherwise, least, most, NULL, NULL, NULL      \
  }
#define LAT_OPTION_SEED(type, field)                                                               \
  {                                                                                                \
    .name = #field, LAT_SEED, offsetof(type, field), 0, 0, 0, NULL, NULL, NULL                     \
  }
#define LAT_OPTION_NUMBER(type, field, otherwise, least, most)                                     \
  {                                                                                                \
    .name = #field, LAT_NUMBER, offsetof(type, field), otherwise, least, most, NULL, NULL, NULL    \
  }
#define LAT_OPTION_CHOICE(type, field, otherwise, choices)                                         \
  {                                                                                                \
    .name = #field, LAT_CHOICE, offsetof(type, field), otherwise, 0, 0, choices, NULL, NULL        \
  }
/* A count, or one of these words. */
#define LAT_OPTION_SIZE_OR_WORD(type, field, otherwise, least, most, words)                        \
  {                                                                                                \
    .name = #field, LAT_SIZE, offsetof(type, field), otherwise, least, most, words, "string", NULL \
  }
/* What the field has for word number i. As a double (lat_option_get, lat_option_put, a default) it
 * is -1 - i. */
#define LAT_WORD(i) (SIZE_MAX - (size_t)(i))

/* A number that may be left out, which NAN says. */
#define LAT_OPTION_NUMBER_OR_NONE(type, field, least, most)                                        \
  {                                                                                                \
    .name = #field, LAT_NUMBER, offsetof(type, field), (double)NAN, least, most, NULL, NULL, "nil" \
  }
/* An option that code reads, not this table: matrices, functions. */
#define LAT_OPTION_GIVEN(name_, also_)                                                             \
  {                                                                                                \
    .name = name_, LAT_GIVEN, 0, 0, 0, 0, NULL, also_, "nil"                                       \
  }

/* The bounds of finite numbers > 0. */
#define LAT_ABOVE_ZERO  DBL_TRUE_MIN
#define LAT_MOST_NUMBER DBL_MAX
/* The most of a count that has no most. */
#define LAT_ANY_COUNT 9007199254740992.0
/* The most components, and the most dimensions: more are a mistake. */
#define LAT_MOST_PARTS 1048576.0

/* The type and the default for readers: "integer", "string|table"; "0", "\"full\"", "nil". `text`
 * has room for `size` bytes, and is returned. */
const char *lat_option_type_text(const lat_option *option, char *text, size_t size);
const char *lat_option_default_text(const lat_option *option, char *text, size_t size);

/* Sets all fields that the table names; the others (of `size` bytes) to 0. */
void lat_options_default(const lat_option *table, void *options, size_t size);

/* The option of this name, or NULL. */
const lat_option *lat_option_find(const lat_option *table, const char *name);
/* The name nearest to it by edit distance (Damerau), or NULL when none is near. */
const char *lat_option_nearest(const lat_option *table, const char *name);
/* The edit distance of words of fewer than 64 letters (of others 64): insertions, deletions,
 * replacements, and exchanges of neighbours (Damerau, Communications of the ACM 7, 1964), each
 * letter edited once. */
size_t lat_word_distance(const char *a, const char *b);
/* The word of the list (ended by NULL) nearest to it, or NULL. */
const char *lat_nearest_word(const char *word, const char *const *words);

/* Sets the option by name to what the text says: "true", "12", "1e-3", "diag". LAT_INVALID, with a
 * sentence that names the option, the text and what was expected. */
lat_status lat_option_set(lat_workspace *work, const lat_option *table, void *options,
                          const char *name, const char *text);
/* The field's value as a number (of a choice its place), and the other way round. LAT_INVALID for
 * a number out of bounds, or a fraction where a whole number is expected. */
double lat_option_get(const lat_option *option, const void *options);
lat_status lat_option_put(lat_workspace *work, const lat_option *option, void *options,
                          double value);
/* The same of an integer, of which sizes and seeds keep every bit (a seed has 64 of them: -1 is the
 * largest). */
lat_status lat_option_put_integer(lat_workspace *work, const lat_option *option, void *options,
                                  int64_t value);

/* LAT_INVALID, with a sentence, unless all fields are within their bounds or the default, which may
 * lie outside and stand for "not given". */
lat_status lat_options_check(lat_workspace *work, const lat_option *table, const void *options);

#endif
