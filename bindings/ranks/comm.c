/* comm.c: the class latent.Comm: what ranks tell each other. A value travels as a head, which says
 * what it is, and its bytes: numbers, strings, booleans, nil and matrices. */
#include "ranks/comm.h"

#include <string.h>
#include <unistd.h>

#include "comm/share.h"

typedef struct owned {
  lat_comm comm; /* the first member */
  pid_t process;
} owned;

lat_comm *latL_newcomm(lua_State *L, int keeps)
{
  if (keeps) keeps = lua_absindex(L, keeps);
  owned *c = lua_newuserdatauv(L, sizeof *c, 1);
  *c = (owned){{.size = 1}, getpid()};
  luaL_setmetatable(L, LATL_COMM);
  if (!keeps) return &c->comm;
  lua_pushvalue(L, keeps);
  lua_setiuservalue(L, -2, 1);
  return &c->comm;
}

void latL_owncomm(lat_comm *comm)
{
  ((owned *)comm)->process = getpid();
}

int latL_trace(lua_State *L)
{
  const char *message = lua_tostring(L, 1);
  if (!message) message = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, message, 1);
  return 1;
}

lat_comm *latL_checkcomm(lua_State *L, int arg, const char *who, const char *name)
{
  lat_comm *comm = luaL_testudata(L, arg, LATL_COMM);
  if (!comm) latL_error(L, who, "%s must be a latent.Comm, got %s", name, latL_typegot(L, arg));
  if (comm->ended) latL_error(L, who, "the job of this comm has ended");
  if (((const owned *)comm)->process != getpid())
    latL_error(L, who,
               "the comm is that of the process that has forked this one, whose own comm "
               "is the argument of its function");
  return comm;
}

lat_comm *latL_optcomm(lua_State *L, int options, const char *who)
{
  lat_comm *comm = NULL;
  if (latL_getoption(L, options, "comm") != LUA_TNIL) comm = latL_checkcomm(L, -1, who, "comm");
  lua_pop(L, 1); /* the table keeps it */
  return comm;
}

static void *self(lua_State *L, const char *who)
{
  lat_comm *comm = luaL_testudata(L, 1, LATL_COMM);
  if (!comm) latL_failself(L, who, "latent.Comm");
  return comm;
}

/* ---- values as bytes ------------------------------------------------------------------------- */

typedef struct head {
  int32_t type; /* of Lua's; LUA_TUSERDATA is a matrix */
  uint8_t vector, boolean, integer;
  uint64_t rows, cols; /* cols are the bytes of a string */
  lua_Integer number;  /* or the bits of a float */
  int32_t dtype;
} head;

static head head_of(lua_State *L, int arg, const char *who)
{
  head h;
  memset(&h, 0, sizeof h);
  h.type = lua_type(L, arg);
  const latL_Matrix *A = latL_tomatrix(L, arg);
  lua_Number number;
  if (A) {
    h.type = LUA_TUSERDATA;
    h.rows = A->view.rows;
    h.cols = A->view.cols;
    h.vector = A->vector;
    h.dtype = (int32_t)A->view.dtype;
    return h;
  }
  switch (h.type) {
  case LUA_TNONE:
  case LUA_TNIL:
    h.type = LUA_TNIL;
    break;
  case LUA_TBOOLEAN:
    h.boolean = (uint8_t)lua_toboolean(L, arg);
    break;
  case LUA_TNUMBER:
    h.integer = (uint8_t)lua_isinteger(L, arg);
    h.number = lua_tointeger(L, arg);
    number = lua_tonumber(L, arg);
    if (!h.integer) memcpy(&h.number, &number, sizeof number);
    break;
  case LUA_TSTRING:
    h.cols = lua_rawlen(L, arg);
    break;
  default:
    latL_error(L, who, "a number, a string, a boolean or a matrix can be sent, not a %s",
               latL_typename(L, arg));
  }
  return h;
}

static size_t bytes_of(const head *h)
{
  if (h->type == LUA_TSTRING) return (size_t)h->cols;
  if (h->type != LUA_TUSERDATA) return 0;
  return (size_t)(h->rows * h->cols) * lat_dtype_size((lat_dtype)h->dtype);
}

static lat_matrix packed_at(void *bytes, const head *h)
{
  return (lat_matrix){bytes, (size_t)h->rows,    (size_t)h->cols, (ptrdiff_t)h->cols,
                      1,     (lat_dtype)h->dtype};
}

static void write_value(lua_State *L, int arg, const head *h, unsigned char *to)
{
  memcpy(to, h, sizeof *h);
  to += sizeof *h;
  if (h->type == LUA_TSTRING) memcpy(to, lua_tostring(L, arg), (size_t)h->cols);
  if (h->type != LUA_TUSERDATA) return;
  lat_matrix packed = packed_at(to, h);
  lat_copy(&latL_tomatrix(L, arg)->view, &packed);
}

/* Pushes it. */
static void read_value(lua_State *L, const unsigned char *from)
{
  head h;
  double number;
  memcpy(&h, from, sizeof h);
  from += sizeof h;
  switch (h.type) {
  case LUA_TBOOLEAN:
    lua_pushboolean(L, h.boolean);
    return;
  case LUA_TNUMBER:
    memcpy(&number, &h.number, sizeof number);
    if (h.integer)
      lua_pushinteger(L, h.number);
    else
      lua_pushnumber(L, number);
    return;
  case LUA_TSTRING:
    lua_pushlstring(L, (const char *)from, (size_t)h.cols);
    return;
  case LUA_TUSERDATA: {
    lat_matrix packed = packed_at((void *)(size_t)from, &h);
    latL_Matrix *A = latL_newmatrix(L, packed.rows, packed.cols, packed.dtype);
    A->vector = h.vector;
    lat_copy(&packed, &A->view);
    return;
  }
  default:
    lua_pushnil(L);
  }
}

/* ---- collectives ----------------------------------------------------------------------------- */

/* A collective of Lua's own ends for all as it does for one. */
static void end(lua_State *L, const char *who, lat_comm *comm, lat_workspace *work,
                lat_status status)
{
  status = lat_comm_settle(comm, work, status);
  if (status != LAT_OK) latL_error(L, who, "%s", work->message);
}

/* comm:sum(A) and comm:mean(A), f->kind */
static int sum(lua_State *L, const latL_Function *f)
{
  lat_comm *comm = latL_checkcomm(L, 1, f->who, "self");
  double number = 0, *x = &number;
  size_t n = 1;
  lat_workspace *work = latL_callworkspace(L);
  const latL_Matrix *A = latL_tomatrix(L, 2);
  if (A) {
    n = A->view.rows * A->view.cols;
    x = lat_doubles(work, n);
    if (!x) latL_error(L, f->who, "%s", work->message);
    lat_matrix packed = lat_matrix_of(x, A->view.rows, A->view.cols);
    lat_copy(&A->view, &packed);
  } else {
    number = latL_checknumber(L, 2, f->who, "A");
  }
  end(L, f->who, comm, work, lat_comm_sum(comm, work, x, n));
  for (size_t i = 0; f->kind && i < n; i++) x[i] /= (double)comm->size;
  if (!A) return latL_returnnumber(L, number);
  lat_matrix packed = lat_matrix_of(x, A->view.rows, A->view.cols);
  lat_copy(&packed, &latL_newlike(L, A, A->view.dtype)->view);
  return 1;
}

/* Packs the value at `arg`, in the workspace: whole words, so that the numbers of the next rank's
 * are at addresses for such. */
static unsigned char *pack(lua_State *L, const char *who, int arg, lat_workspace *work,
                           size_t *bytes)
{
  head h = head_of(L, arg, who);
  size_t used = sizeof h + bytes_of(&h);
  *bytes = (used + sizeof(double) - 1) / sizeof(double) * sizeof(double);
  unsigned char *packed = lat_allocate(work, *bytes, 1);
  if (!packed) latL_error(L, who, "%s", work->message);
  memset(packed + used, 0, *bytes - used);
  write_value(L, arg, &h, packed);
  return packed;
}

/* comm:gather(A) -> a list of what every rank gave */
static int gather(lua_State *L, const latL_Function *f)
{
  lat_comm *comm = latL_checkcomm(L, 1, f->who, "self");
  lat_workspace *work = latL_callworkspace(L);
  size_t bytes, *sizes = lat_allocate(work, comm->size, sizeof *sizes);
  void *all;
  if (!sizes) latL_error(L, f->who, "%s", work->message);
  unsigned char *own = pack(L, f->who, 2, work, &bytes);
  end(L, f->who, comm, work, lat_comm_gather(comm, work, own, bytes, sizes, &all));
  const unsigned char *from = all;
  lua_createtable(L, (int)comm->size, 0);
  for (size_t r = 0; r < comm->size; from += sizes[r++]) {
    read_value(L, from);
    lua_rawseti(L, -2, (lua_Integer)r + 1);
  }
  return 1;
}

/* comm:broadcast(A [, {root}]) -> the root's A */
static int broadcast(lua_State *L, const latL_Function *f)
{
  lat_comm *comm = latL_checkcomm(L, 1, f->who, "self");
  lua_Integer root = latL_optinteger(L, 3, f->who, "root", 0, 0, (lua_Integer)comm->size - 1);
  lat_workspace *work = latL_callworkspace(L);
  bool own = comm->rank == (size_t)root;
  uint64_t bytes = 0;
  size_t size = 0;
  unsigned char *data = own ? pack(L, f->who, 2, work, &size) : NULL;
  bytes = size;
  end(L, f->who, comm, work, lat_comm_broadcast(comm, work, &bytes, sizeof bytes, (size_t)root));
  if (!own) data = lat_allocate(work, (size_t)bytes, 1);
  lat_status status = data ? LAT_OK : LAT_MEMORY;
  if (status == LAT_OK) status = lat_comm_broadcast(comm, work, data, (size_t)bytes, (size_t)root);
  end(L, f->who, comm, work, status);
  read_value(L, data);
  return 1;
}

static int barrier(lua_State *L, const latL_Function *f)
{
  lat_comm *comm = latL_checkcomm(L, 1, f->who, "self");
  lat_workspace *work = latL_callworkspace(L);
  end(L, f->who, comm, work, lat_comm_agree(comm, work, LAT_OK));
  return 0;
}

/* ---- shares ---------------------------------------------------------------------------------- */

static int no_rows(lua_State *L)
{
  (void)L;
  return 0;
}

void latL_pushnorows(lua_State *L)
{
  lua_pushcfunction(L, no_rows);
}

void latL_pushshare(lua_State *L, int matrix, uint64_t first, uint64_t rows)
{
  const latL_Matrix *A = latL_tomatrix(L, matrix);
  if (rows == 0) {
    latL_pushnorows(L);
    return;
  }
  lat_matrix view = lat_block_of(A->view, (size_t)first, 0, (size_t)rows, A->view.cols);
  latL_newview(L, matrix, view, A->vector);
}

/* comm:share(X [, D]) -> this rank's rows; comm:share(N, D) -> its first and its last row */
static int share(lua_State *L, const latL_Function *f)
{
  const lat_comm *comm = latL_checkcomm(L, 1, f->who, "self");
  uint64_t first, rows;
  const latL_Matrix *A = latL_tomatrix(L, 2);
  size_t N = A ? A->view.rows : latL_checksize(L, 2, f->who, "N");
  size_t D = A && lua_isnil(L, 3) ? A->view.cols : latL_checksize(L, 3, f->who, "D");
  lat_share_rows(comm, N, D, &first, &rows);
  if (A) {
    latL_pushshare(L, 2, first, rows);
    return 1;
  }
  lua_pushinteger(L, (lua_Integer)first + 1);
  lua_pushinteger(L, (lua_Integer)(first + rows));
  return 2;
}

/* ---- the class ------------------------------------------------------------------------------- */

static int tostring(lua_State *L, const latL_Function *f)
{
  const lat_comm *comm = self(L, f->who);
  lua_pushfstring(L, "latent.Comm (rank %I of %I%s)", (lua_Integer)comm->rank,
                  (lua_Integer)comm->size,
                  comm->ended  ? ", ended"
                  : comm->lost ? ", lost"
                               : "");
  return 1;
}

static const latL_Function methods[] = {
    {"comm:sum", sum, .arguments = 2, .kind = 0},
    {"comm:mean", sum, .arguments = 2, .kind = 1},
    {"comm:broadcast", broadcast, .arguments = 2, LATL_OPTIONS("root")},
    {"comm:gather", gather, .arguments = 2},
    {"comm:barrier", barrier, .arguments = 1},
    {"comm:share", share, .arguments = 3, .optional = 1},
    {"comm:__tostring", tostring, .arguments = 0},
    LATL_END};

static const latL_Field fields[] = {{"rank", LATL_SIZE, offsetof(lat_comm, rank)},
                                    {"size", LATL_SIZE, offsetof(lat_comm, size)},
                                    {.name = NULL}};

const latL_Class latL_ranks_class = {LATL_COMM, "comm", methods, fields, self, NULL, NULL};
