/* prepared.c: what calls about few rows derive from a model's parameters, kept with them. */
#include "model/model.h"
#include "model/run.h"

#include <string.h>

enum {
  PREPARED_ROWS = 256,       /* more take longer than what is derived for them */
  PREPARED_BYTES = 32 << 20, /* more aren't kept a model */
};

/* What is kept: a copy of the parameters, and what has been derived from them for such requests.
 * Parameters are matrices that users may write to, and comparing them costs less than any use of
 * them. */
typedef struct kept {
  size_t count; /* of parameters */
  lat_prepared prepared;
  double numbers[];
} kept;

static bool is_valid(const kept *k, const latL_Fitted *f, const lat_request *request, size_t count)
{
  return k && k->count == count && lat_prepared_for(&k->prepared, request) &&
         memcmp(k->numbers, f->flat, count * sizeof *f->flat) == 0;
}

/* Derives the numbers anew, and keeps them. */
static lat_prepared keep(lua_State *L, int fitted, const char *who, const lat_request *request,
                         size_t count, size_t derived)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  kept *k = lua_newuserdatauv(L, sizeof *k + (count + derived) * sizeof *k->numbers, 0);
  *k = (kept){.count = count};
  memcpy(k->numbers, f->flat, count * sizeof *f->flat);
  latL_run(L, who, f->model->prepare, f, request, k->numbers + count);
  k->prepared = (lat_prepared){k->numbers + count, request->missing, request->scores};
  lua_setiuservalue(L, fitted, LATL_PREPARED);
  return k->prepared;
}

lat_prepared latL_prepare(lua_State *L, int fitted, const char *who, const lat_request *request)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  size_t count = lat_parameters_count(f->model->parameters(f->options), f->sizes);
  lua_getiuservalue(L, fitted, LATL_PREPARED);
  const kept *k = lua_touserdata(L, -1);
  lua_pop(L, 1); /* the block has it */
  if (is_valid(k, f, request, count)) return k->prepared;
  size_t derived = f->model->prepared_count(f, request);
  bool worth = request->X.rows <= PREPARED_ROWS && derived > 0 &&
               count + derived <= PREPARED_BYTES / sizeof(double);
  return worth ? keep(L, fitted, who, request, count, derived) : (lat_prepared){0};
}
