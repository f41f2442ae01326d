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
  LAT_INTEGER, /* int64_t */
  /* size_t[]: a list of counts, whose length is a field of its own. A number is a list of one. */
  LAT_SIZE_LIST,
  LAT_RECORD_LIST, /* structs, each described by a table of its own */
  LAT_RANGE,       /* double[2]: the least and the most of something; 0, 0: not given */
  LAT_GIVEN        /* matrices, functions: the field is set by code, and has no text */
} lat_option_type;

/* The length of a list that isn't given, if an empty list can be given; else that is 0. */
#define LAT_NO_LIST SIZE_MAX

struct lat_option;

/* What a list is besides. */
typedef struct lat_option_list {
  size_t length; /* offset of the field with its length, a size_t */
  size_t shortest, longest;
  const char *element; /* what one is called: "width" */
  /* of LAT_RECORD_LIST: bytes of a record and the table of its fields, of which the first is a
   * choice that each record has, and which a word alone gives; and the LAT_SIZE that a number in
   * the place of the list sets, or NULL */
  size_t bytes;
  const struct lat_option *fields, *number;
} lat_option_list;

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
  const lat_option_list *list; /* of LAT_SIZE_LIST and LAT_RECORD_LIST */
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
#define LAT_OPTION_INTEGER(type, field, otherwise, least, most)                                    \
  {                                                                                                \
    .name = #field, LAT_INTEGER, offsetof(type, field), otherwise, least, most, NULL, NULL, NULL   \
  }
/* Counts from least to most in the array `field`, at least `shortest` of them and as many as it
 * has; `length` is the field with how many there are. By default there is one, `otherwise`; NAN: no
 * list. `element` is what a count is called in messages. */
#define LAT_OPTION_SIZE_LIST(name_, owner, field, length, otherwise, least, most, shortest,        \
                             element, shown_)                                                      \
  {                                                                                                \
    .name = name_, .type = LAT_SIZE_LIST, .offset = offsetof(owner, field), otherwise, least,      \
    most, .shown = shown_, .list = &(const lat_option_list)                                        \
    {                                                                                              \
      offsetof(owner, length), shortest, sizeof(((owner *)0)->field) / sizeof(size_t), element,    \
          sizeof(size_t), NULL, NULL                                                               \
    }                                                                                              \
  }
/* At least one record in the array `field`, by the table of their fields; or the number, a
 * LAT_SIZE, unless NULL. */
#define LAT_OPTION_RECORD_LIST(name_, owner, field, length, fields, number, element, shown_)       \
  {                                                                                                \
    .name = name_, .type = LAT_RECORD_LIST, .offset = offsetof(owner, field), .shown = shown_,     \
    .list = &(const lat_option_list)                                                               \
    {                                                                                              \
      offsetof(owner, length), 1, sizeof(((owner *)0)->field) / sizeof(((owner *)0)->field[0]),    \
          element, sizeof(((owner *)0)->field[0]), fields, number                                  \
    }                                                                                              \
  }
/* Two numbers from least to most, of which the first is less. */
#define LAT_OPTION_RANGE(name_, type, field, least, most, shown_)                                  \
  {                                                                                                \
    .name = name_, LAT_RANGE, offsetof(type, field), 0, least, most, NULL, NULL, shown_            \
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

/* Sets the option by name to what the text says: "true", "12", "1e-3", "diag", and lists with
 * commas: "64, 32". LAT_INVALID, with a sentence that names the option, the text and what was
 * expected. */
lat_status lat_option_set(lat_workspace *work, const lat_option *table, void *options,
                          const char *name, const char *text);
/* The field's value as a number (of a choice its place; of lists NaN), and the other way round.
 * LAT_INVALID for a number out of bounds, or a fraction where a whole number is expected. */
double lat_option_get(const lat_option *option, const void *options);
lat_status lat_option_put(lat_workspace *work, const lat_option *option, void *options,
                          double value);
/* The same of an integer, of which sizes and seeds keep every bit (a seed has 64 of them: -1 is the
 * largest). */
lat_status lat_option_put_integer(lat_workspace *work, const lat_option *option, void *options,
                                  int64_t value);

/* Whether the field is what it is by default. */
bool lat_option_is_default(const lat_option *option, const void *options);

/* The length of a list, LAT_NO_LIST when it isn't given (of a range 2 or this); and the option that
 * its element i is, from 0: a LAT_SIZE or, of a range, LAT_NUMBER. LAT_RECORD_LIST has records in
 * the place of these, which its table of fields describes. */
size_t lat_option_length(const lat_option *option, const void *options);
lat_option lat_option_element(const lat_option *option, size_t i);
void *lat_option_record(const lat_option *option, const void *options, size_t i);
/* Makes room for element `i` of a list that is being read, from 0: LAT_INVALID for one too many.
 * Records begin with the defaults of their fields. And says that there are `length`, all of which
 * have been set: LAT_INVALID for too few, and for a range without order. */
lat_status lat_option_grow(lat_workspace *work, const lat_option *option, void *options, size_t i);
lat_status lat_option_finish(lat_workspace *work, const lat_option *option, void *options,
                             size_t length);

/* The list is this number: one count, or what a number in the place of records stands for. */
lat_status lat_option_put_one(lat_workspace *work, const lat_option *option, void *options,
                              int64_t value);
/* After a failure that record i has caused: LAT_INVALID, with the record before the message: "layer
 * 2 (spline): ". */
lat_status lat_option_fault(lat_workspace *work, const lat_option *option, const void *options,
                            size_t i, lat_status status);

/* LAT_INVALID, with a sentence, unless all fields are within their bounds or the default, which may
 * lie outside and stand for "not given". */
lat_status lat_options_check(lat_workspace *work, const lat_option *table, const void *options);

#endif
