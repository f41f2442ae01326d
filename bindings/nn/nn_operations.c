/* nn_operations.c: the operations of a tape, by the core's table of them (nn/operations.h), as
 * methods of values and of tapes. */
#include "nn/operations.h"

#include <math.h>

#include "nn/nn.h"

/* The node of the call's first value. */
static const lat_node *first_node(lua_State *L, lat_tape *tape, const lat_nn_call *c,
                                  const char *who)
{
  const lat_node *node = lat_tape_node(tape, c->values[0]);
  latL_checkstep(L, tape, who);
  return node;
}

/* Labels 1..K at `arg`, as a value of codes from 0. */
static lat_value codes_at(lua_State *L, int arg, lat_tape *tape, const char *who, size_t K)
{
  const latL_Matrix *labels = latL_checkmatrix(L, arg, who, "labels");
  for (size_t i = 0; i < labels->view.rows; i++) {
    for (size_t j = 0; j < labels->view.cols; j++) {
      double label = lat_get(&labels->view, i, j);
      if (label >= 1 && label <= (double)K && label == floor(label)) continue;
      latL_error(L, who, "label %f in row %I is none of 1..%I", label, (lua_Integer)i + 1,
                 (lua_Integer)K);
    }
  }
  return lat_nn_affine(tape, lat_nn_input(tape, &labels->view, false), 1, -1);
}

/* dim 1 is over the rows, 2 over the columns, as for matrices. */
static lat_axis axis_at(lua_State *L, int arg, const char *who)
{
  if (lua_isnil(L, arg)) return LAT_NN_ALL;
  lua_Integer dim = latL_checkinteger(L, arg, who, "dim");
  if (dim != 1 && dim != 2) latL_error(L, who, "dim must be 1 or 2, got %I", dim);
  return dim == 1 ? LAT_NN_DOWN : LAT_NN_ACROSS;
}

static void read_argument(lua_State *L, int arg, const char *who, lat_tape *tape,
                          const lat_nn_argument *a, lat_nn_call *c)
{
  void *field = (char *)c + a->offset;
  switch (a->type) {
  case LAT_NN_VALUE:
    *(lat_value *)field = latL_tovalue(L, arg, tape, who, a->name);
    return;
  case LAT_NN_CODES:
    if (c->categories == 0) c->categories = first_node(L, tape, c, who)->cols;
    *(lat_value *)field = codes_at(L, arg, tape, who, c->categories);
    return;
  case LAT_NN_NUMBER:
    *(double *)field = lua_isnil(L, arg) && !isnan(a->otherwise)
                           ? a->otherwise
                           : latL_checknumber(L, arg, who, a->name);
    return;
  case LAT_NN_SIZE:
    *(size_t *)field = latL_checksize(L, arg, who, a->name);
    return;
  case LAT_NN_LAST:
    if (lua_isnil(L, arg)) arg--; /* the first */
    /* fallthrough */
  case LAT_NN_FIRST:
    *(size_t *)field = latL_checkindex(L, arg, who, a->name, first_node(L, tape, c, who)->cols);
    return;
  case LAT_NN_FUNCTION:
    *(lat_activation *)field = latL_checkactivation(L, arg, who, a->name);
    return;
  case LAT_NN_AXIS:
    *(lat_axis *)field = axis_at(L, arg, who);
    return;
  case LAT_NN_ROWS:
    c->places = latL_checkplaces(L, arg, who, "row", first_node(L, tape, c, who)->rows, false,
                                 &c->place_count);
    return;
  case LAT_NN_COLUMNS:
    c->places = latL_checkplaces(L, arg, who, "column", first_node(L, tape, c, who)->cols, false,
                                 &c->place_count);
    return;
  default:
    return;
  }
}

/* The option `columns` of an invertible map: some of the state's, whose last is log |det J|. */
static void read_columns(lua_State *L, int options, const char *who, lat_tape *tape, lat_nn_call *c)
{
  const size_t cols = first_node(L, tape, c, who)->cols;
  if (cols > 1 && latL_getoption(L, options, "columns") != LUA_TNIL)
    c->places = latL_checkplaces(L, lua_gettop(L), who, "column", cols - 1, false, &c->place_count);
}

/* A method of a value, or of a tape; by a row of the table. */
static int operate(lua_State *L, const latL_Function *f)
{
  const lat_nn_operation *o = f->of;
  const lat_nn_argument *takes = o->takes;
  lat_nn_call c;
  lat_nn_call_default(o, &c);
  if (f->table) latL_readtable(L, f->arguments + 1, f->who, f->table, NULL, &c);
  lat_tape *tape;
  int home = 1; /* where the tape is on the stack */
  if (o->name[0] == 'v') {
    const latL_Value *self = latL_checkvalue(L, 1, f->who, "self");
    tape = self->tape;
    c.values[0] = self->handle;
    takes++;
    lua_getiuservalue(L, 1, 1);
    home = lua_gettop(L);
  } else {
    tape = latL_checktape(L, 1, f->who);
  }
  latL_begin(L, tape);
  for (int arg = 2; takes->name; takes++) read_argument(L, arg++, f->who, tape, takes, &c);
  if (f->table && f->table->type == LAT_GIVEN) read_columns(L, f->arguments + 1, f->who, tape, &c);
  return latL_pushvalue(L, home, f->who, lat_nn_apply(tape, o, &c));
}

void latL_open_nn_operations(lua_State *L)
{
  for (const lat_nn_operation *o = lat_nn_operations; o->name; o++) {
    const bool of_value = o->name[0] == 'v';
    int arguments = of_value ? 0 : 1;
    for (const lat_nn_argument *a = o->takes; a->name; a++) arguments++;
    latL_addrow(L, of_value ? LATL_VALUE : LATL_TAPE,
                &(latL_Function){o->name, operate, arguments, .table = o->options, .of = o});
  }
}
