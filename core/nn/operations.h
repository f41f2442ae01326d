/* operations.h: the operations of a tape by name, with what each takes, for callers that find them
 * in a table and not in C: bindings to other languages, graphs that are read from text.
 *
 *   for (const lat_nn_operation *o = lat_nn_operations; o->name; o++)
 *     if (strcmp(o->name, "value:clamp") == 0) clamp = o;
 *   lat_nn_call_default(clamp, &call);
 *   call.values[0] = x, call.numbers[0] = -1, call.numbers[1] = 1;
 *   lat_value y = lat_nn_apply(&tape, clamp, &call);
 *
 * A name says whose method the operation is where values are objects: "value:clamp" begins with a
 * value, "tape:fill" makes one. */
#ifndef LAT_NN_OPERATIONS_H
#define LAT_NN_OPERATIONS_H

#include "base/options.h"
#include "nn/ops.h"

enum { LAT_NN_VALUES = 4 }; /* the most values that an operation takes */

/* The arguments of a call: each operation reads those that its row names. */
typedef struct lat_nn_call {
  lat_value values[LAT_NN_VALUES];
  double numbers[2];
  size_t sizes[2]; /* counts; places from 0 */
  lat_activation activation;
  lat_axis axis;
  const size_t *places; /* rows or columns, from 0; NULL: all columns */
  size_t place_count;
  /* options */
  bool left_transposed, right_transposed; /* of a product */
  bool inverse;                           /* of an invertible map */
  size_t categories, bins;                /* categories: 0 is as many as there are logits */
  double bound, box;
  int base; /* a lat_flow_base */
} lat_nn_call;

typedef enum lat_nn_argument_type {
  LAT_NN_NOTHING, /* ends a list */
  LAT_NN_VALUE,
  LAT_NN_CODES, /* a value of whole numbers from 0 to categories - 1 */
  LAT_NN_NUMBER,
  LAT_NN_SIZE,
  LAT_NN_FIRST, /* a column of the first value, and the last one of a range */
  LAT_NN_LAST,
  LAT_NN_FUNCTION, /* an activation */
  LAT_NN_AXIS,
  LAT_NN_ROWS, /* a list of the first value's rows, or columns */
  LAT_NN_COLUMNS
} lat_nn_argument_type;

typedef struct lat_nn_argument {
  const char *name;
  lat_nn_argument_type type;
  size_t offset;    /* of the field of lat_nn_call */
  double otherwise; /* of a number that may be left out; else NaN */
} lat_nn_argument;

typedef struct lat_nn_operation lat_nn_operation;
struct lat_nn_operation {
  const char *name; /* NULL ends the table */
  const lat_nn_argument *takes;
  const lat_option *options; /* fields of lat_nn_call; NULL: there are none */
  /* one of these: a function of one to four values, or of the whole call */
  lat_value (*one)(lat_tape *, lat_value);
  lat_value (*two)(lat_tape *, lat_value, lat_value);
  lat_value (*three)(lat_tape *, lat_value, lat_value, lat_value);
  lat_value (*four)(lat_tape *, lat_value, lat_value, lat_value, lat_value);
  lat_value (*call)(lat_tape *, const lat_nn_call *);
};

extern const lat_nn_operation lat_nn_operations[];

/* Sets the call's options to their defaults, and all else to 0. */
void lat_nn_call_default(const lat_nn_operation *operation, lat_nn_call *call);
/* The operation of the call's arguments; it fails as the functions of ops.h do. */
lat_value lat_nn_apply(lat_tape *tape, const lat_nn_operation *operation, const lat_nn_call *call);

/* Operators: of two values (the product is that of matrices, the others go element by element), and
 * of a value with a number, on its left when `left` is false; LAT_NN_MULTIPLY and a number over a
 * value have no form with a number. */
typedef enum lat_nn_operator {
  LAT_NN_ADD,
  LAT_NN_SUBTRACT,
  LAT_NN_PRODUCT,
  LAT_NN_MULTIPLY,
  LAT_NN_DIVIDE
} lat_nn_operator;
lat_value lat_nn_operate(lat_tape *tape, lat_nn_operator o, lat_value a, lat_value b);
lat_value lat_nn_operate_number(lat_tape *tape, lat_nn_operator o, lat_value x, double c,
                                bool left);

#endif
