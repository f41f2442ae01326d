/* nn_flow.c: invertible maps on a tape: methods tape:flow_affine and its like. */
#include "nn/nn.h"

/* The numbers of columns at `arg`, from 1, as numbers from 0 in memory that is pushed. */
static size_t *read_columns(lua_State *L, int arg, const char *who, size_t most, size_t *count)
{
  lat_matrix list = latL_checkvector(L, arg, who, "columns");
  size_t *columns = lua_newuserdatauv(L, (list.rows + 1) * sizeof *columns, 0);
  for (size_t k = 0; k < list.rows; k++) {
    double column = lat_get(&list, k, 0);
    if (!(column >= 1 && column <= (double)most) || column != (double)(size_t)column)
      latL_error(L, who, "column %f is none of 1..%I", column, (lua_Integer)most);
    columns[k] = (size_t)column - 1;
  }
  *count = list.rows;
  return columns;
}

/* value:gather_columns(list) */
static int gather_columns(lua_State *L, const latL_Function *f)
{
  latL_Value *x = latL_checkvalue(L, 1, f->who, "self");
  lua_getiuservalue(L, 1, 1);
  int tape = lua_gettop(L);
  latL_begin(L, x->tape);
  const lat_node *node = lat_tape_node(x->tape, x->handle);
  latL_checkstep(L, x->tape, f->who);
  size_t count, *columns = read_columns(L, 2, f->who, node->cols, &count);
  return latL_pushvalue(L, tape, f->who, lat_nn_gather_columns(x->tape, x->handle, columns, count));
}

/* tape:flow_state(x) -> x with a column of 0 for log |det J| */
static int flow_state(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  latL_begin(L, tape);
  lat_value x = latL_tovalue(L, 2, tape, f->who, "x");
  const lat_node *node = lat_tape_node(tape, x);
  latL_checkstep(L, tape, f->who);
  return latL_pushvalue(L, 1, f->who, lat_nn_concat(tape, x, lat_nn_fill(tape, node->rows, 1, 0)));
}

enum { AFFINE, SPLINE, LINEAR, PLANAR, RADIAL };

/* tape:flow_NAME(state, raw [, options]): the map's own options are those of its kind. */
static int map(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  latL_begin(L, tape);
  lat_value state = latL_tovalue(L, 2, tape, f->who, "state");
  lat_value raw = latL_tovalue(L, 3, tape, f->who, "raw");
  const lat_node *node = lat_tape_node(tape, state);
  latL_checkstep(L, tape, f->who);
  bool inverse = latL_optboolean(L, 4, f->who, "inverse", false);
  if (f->kind > SPLINE) {
    lat_value (*const of[])(lat_tape *, lat_value, lat_value,
                            bool) = {[LINEAR] = lat_nn_flow_linear,
                                     [PLANAR] = lat_nn_flow_planar,
                                     [RADIAL] = lat_nn_flow_radial};
    return latL_pushvalue(L, 1, f->who, of[f->kind](tape, state, raw, inverse));
  }
  lat_flow_columns on = {.inverse = inverse};
  if (node->cols > 1 && latL_getoption(L, 4, "columns") != LUA_TNIL)
    on.columns = read_columns(L, lua_gettop(L), f->who, node->cols - 1, &on.count);
  if (f->kind == AFFINE) {
    double bound = latL_optnumber(L, 4, f->who, "bound", 0, 0, 1e9);
    return latL_pushvalue(L, 1, f->who, lat_nn_flow_affine(tape, state, raw, &on, bound));
  }
  size_t bins = (size_t)latL_optinteger(L, 4, f->who, "bins", 8, 2, LAT_SPLINE_BINS);
  double box = latL_optnumber(L, 4, f->who, "box", 5, 1e-6, 1e9);
  return latL_pushvalue(L, 1, f->who, lat_nn_flow_spline(tape, state, raw, &on, bins, box));
}

/* tape:flow_nll(state [, {base=}]) */
static int flow_nll(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  latL_begin(L, tape);
  lat_value state = latL_tovalue(L, 2, tape, f->who, "state");
  int base = latL_optword(L, 3, f->who, "base", lat_flow_base_names, LAT_BASE_NORMAL);
  return latL_pushvalue(L, 1, f->who, lat_nn_flow_nll(tape, state, (lat_flow_base)base));
}

static const latL_Function of_tapes[] = {
    {"tape:flow_state", flow_state, .arguments = 2},
    {"tape:flow_affine", map, 3, 0, LATL_OPTIONS("columns", "bound", "inverse"), .kind = AFFINE},
    {"tape:flow_spline", map, 3, 0, LATL_OPTIONS("columns", "bins", "box", "inverse"),
     .kind = SPLINE},
    {"tape:flow_linear", map, 3, 0, LATL_OPTIONS("inverse"), .kind = LINEAR},
    {"tape:flow_planar", map, 3, 0, LATL_OPTIONS("inverse"), .kind = PLANAR},
    {"tape:flow_radial", map, 3, 0, LATL_OPTIONS("inverse"), .kind = RADIAL},
    {"tape:flow_nll", flow_nll, 2, 0, LATL_OPTIONS("base")},
    LATL_END};
static const latL_Function of_values[] = {{"value:gather_columns", gather_columns, .arguments = 2},
                                          LATL_END};

void latL_open_nn_flow(lua_State *L)
{
  latL_addtoclass(L, LATL_TAPE, of_tapes);
  latL_addtoclass(L, LATL_VALUE, of_values);
}
