#include "lua/binding.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* ---- what each Lua state has ---------------------------------------------- */

/* A workspace and whom it watches. Each has its own, for a function that is called while it is held
 * may run others in a coroutine, and that one may be garbage soon. */
typedef struct scratch {
  lat_workspace work; /* first, so that a pointer to it is one to all */
  lua_State *running, *main;
  lua_Hook hook, main_hook; /* as the call into the core found them */
  bool gone;                /* given back by its finalizer */
} scratch;

/* Kept in the registry under the address of `state_key`. */
typedef struct state {
  scratch scratch;
  lua_State *main;
  size_t
      outside; /* bytes that the core has from the state's allocator, which the collector doesn't count */
  size_t made;    /* bytes of matrices and of the core since the collector's work was looked at */
  size_t settled; /* bytes in use, those outside included, when it had nothing to find */
  size_t room;    /* how many more there may be before it is asked to work */
  bool idle;      /* no call has wanted the workspace since the collector's last turn */
} state;

#define LATL_WORKSPACE "latent.workspace"
#define LATL_SENTINEL  "latent.sentinel"

static const char state_key = 0, empty_key = 0, matrix_key = 0;

enum { ROOM = 256 << 20, LARGE = 1 << 20 }; /* bytes */

static state *state_of(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  state *s = lua_touserdata(L, -1);
  lua_pop(L, 1); /* the registry keeps it */
  return s;
}

/* ---- memory of the state's allocator ----------------------------------------- */

/* A request that no allocator grants. Lua answers with a collection that calls no finalizer. */
static int ask_too_much(lua_State *L)
{
  lua_newuserdatauv(L, PTRDIFF_MAX / 2, 0);
  return 0;
}

/* Lets Lua free what it would free for a request of its own: the core is at work, so no finalizer may
 * run, and nothing may be raised. The main thread is there in any case. */
static void make_room(lua_State *L)
{
  if (lua_gethookmask(L) & (LUA_MASKCALL | LUA_MASKRET)) return; /* Ctrl-C would be heard here */
  if (!lua_checkstack(L, 2)) return;
  bool running = lua_gc(L, LUA_GCISRUNNING, 0) == 1;
  lua_gc(L, LUA_GCSTOP, 0); /* but for such collections */
  lua_pushcfunction(L, ask_too_much);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
  if (running) lua_gc(L, LUA_GCRESTART, 0);
}

/* A lat_allocator's function, on the state's own. */
static void *allocate(void *of, void *old, size_t was, size_t size)
{
  state *s = of;
  void *host;
  lua_Alloc function = lua_getallocf(s->main, &host);
  void *memory = function(host, old, was, size);
  if (!memory && size > 0) {
    make_room(s->main);
    memory = function(host, old, was, size);
    if (!memory) return NULL;
  }
  s->outside += size - was;
  if (size > was) s->made += size - was;
  return memory;
}

static size_t bytes_in_use(lua_State *L, const state *s)
{
  return ((size_t)lua_gc(L, LUA_GCCOUNT, 0) << 10) + s->outside;
}

/* Lua paces its collector by all it has, so that small matrices could fill as much again as large ones
 * that stay, and it doesn't feel what the core has. Therefore, where much more is in use than after the
 * last time, everything is collected. Not where the user has stopped the collector. */
static void pace(lua_State *L, state *s)
{
  s->made = 0;
  size_t now = bytes_in_use(L, s);
  if (now < s->settled) s->settled = now;
  if (now - s->settled < s->room || lua_gc(L, LUA_GCISRUNNING, 0) != 1) return;
  lua_gc(L, LUA_GCCOLLECT, 0);
  s->settled = bytes_in_use(L, s);
  s->room = s->settled / 4 > ROOM ? s->settled / 4 : ROOM;
}

lat_allocator latL_allocator(lua_State *L)
{
  return (lat_allocator){allocate, state_of(L)};
}

/* The same when memory was refused, whoever has stopped what. */
static void relieve(lua_State *L, state *s)
{
  lat_workspace_trim(&s->scratch.work);
  lua_gc(L, LUA_GCCOLLECT, 0);
}

/* ---- calls into the core --------------------------------------------------- */

/* Ctrl-C in lua.c, and a host's watchdog, set a debug hook: on the main thread of the Lua state
 * even when a coroutine runs. Nothing else can be seen from inside a C function. */
static bool hook_changed(void *argument)
{
  const scratch *s = argument;
  return lua_gethook(s->running) != s->hook || lua_gethook(s->main) != s->main_hook;
}

/* Has the workspace watch the hooks from now on. */
static lat_workspace *watch(lua_State *L, scratch *s)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  s->main = lua_tothread(L, -1);
  lua_pop(L, 1);
  s->running = L;
  s->hook = lua_gethook(L);
  s->main_hook = lua_gethook(s->main);
  s->work.poll = hook_changed;
  s->work.poll_state = s;
  s->work.message[0] = '\0';
  return &s->work;
}

/* A finalizer of the user's may come after all of ours when the state is closed. */
lat_workspace *latL_workspace(lua_State *L)
{
  scratch *s = &state_of(L)->scratch;
  if (s->gone) luaL_error(L, "latent: the Lua state is being closed");
  ((state *)s)->idle = false;
  return watch(L, s);
}

void latL_watch(lua_State *L, lat_workspace *work)
{
  watch(L, (scratch *)work);
}

static int workspace_gc(lua_State *L)
{
  scratch *s = latL_garbage(L, LATL_WORKSPACE);
  if (!s) return 0;
  lat_workspace_done(&s->work);
  s->gone = true;
  return 0;
}

lat_workspace *latL_newworkspace(lua_State *L)
{
  state *of = state_of(L);
  if (of->made > of->room) pace(L, of);
  scratch *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (scratch){0};
  lat_workspace_init(&s->work);
  s->work.allocator = latL_allocator(L);
  luaL_setmetatable(L, LATL_WORKSPACE);
  return watch(L, s);
}

lat_workspace *latL_callworkspace(lua_State *L)
{
  lat_workspace *work = latL_newworkspace(L);
  lua_toclose(L, -1);
  return work;
}

/* __close(workspace) */
static int workspace_close(lua_State *L)
{
  scratch *s = luaL_testudata(L, 1, LATL_WORKSPACE);
  if (s) lat_workspace_done(&s->work);
  return 0;
}

/* What nobody refers to, and what becomes garbage again once its finalizer has run, tells of the
 * collector's turns. What the workspace keeps for the next call goes when none has come in one. */
static int sentinel_gc(lua_State *L)
{
  state *s = state_of(L);
  if (!latL_garbage(L, LATL_SENTINEL) || s->scratch.gone) return 0;
  if (s->idle) lat_workspace_trim(&s->scratch.work);
  s->idle = true;
  luaL_setmetatable(L, LATL_SENTINEL);
  return 0;
}

bool latL_workspacegone(lua_State *L, int arg)
{
  const scratch *s = luaL_testudata(L, arg, LATL_WORKSPACE);
  return !s || s->gone;
}

void latL_check(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                lat_status status)
{
  if (status == LAT_OK) {
    lat_workspace_release(work, mark);
    return;
  }
  char message[sizeof work->message];
  memcpy(message, work->message, sizeof message);
  lat_workspace_release(work, mark);
  if (work != &state_of(L)->scratch.work)
    lat_workspace_done(work);                        /* rather now than at a collection */
  if (status == LAT_MEMORY) relieve(L, state_of(L)); /* the next call shall have more */
  if (status == LAT_CANCELLED) {
    /* A Lua function, even an empty one, lets the hook say what it has to say; it raises. */
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &empty_key) != LUA_TFUNCTION) {
      lua_pop(L, 1);
      luaL_loadstring(L, "");
      lua_pushvalue(L, -1);
      lua_rawsetp(L, LUA_REGISTRYINDEX, &empty_key);
    }
    lua_call(L, 0, 0);
  }
  /* the core's two sentences about a NaN in the data of a model */
  bool gap = status == LAT_INVALID &&
             (strstr(message, "X has NaN at row") || strstr(message, ") is nan; data"));
  const char *remedy = gap ? latL_remedy(L) : NULL;
  if (remedy) latL_error(L, who, "%s: %s", message, remedy);
  latL_error(L, who, "%s", message[0] ? message : lat_status_name(status));
}

void latL_ask(lua_State *L, const char *who, lat_workspace *work)
{
  latL_call(L, who, work, lat_check(work));
}

void latL_copy(lua_State *L, const char *who, const lat_matrix *A, const lat_matrix *B)
{
  if (A->rows * A->cols < LATL_ASK) {
    lat_copy(A, B);
    return;
  }
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_copy_bands(work, A, B));
}

void latL_fill(lua_State *L, const char *who, const lat_matrix *A, double value)
{
  if (A->rows * A->cols < LATL_ASK) {
    lat_fill(A, value);
    return;
  }
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_fill_bands(work, A, value));
}

int latL_error(lua_State *L, const char *who, const char *format, ...)
{
  va_list arguments;
  luaL_where(L, 1);
  lua_pushfstring(L, "%s: ", who);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 3);
  return lua_error(L);
}

/* ---- matrices --------------------------------------------------------------- */

static int push_userdata(lua_State *L)
{
  lua_newuserdatauv(L, (size_t)lua_tointeger(L, 1), 1);
  return 1;
}

/* Large userdata. When Lua has no memory for it, finalizers get a chance to free some. */
static void *new_large(lua_State *L, state *s, size_t size)
{
  for (int attempt = 1;; attempt++) {
    lua_pushcfunction(L, push_userdata);
    lua_pushinteger(L, (lua_Integer)size);
    int status = lua_pcall(L, 1, 1, 0);
    if (status == LUA_OK) return lua_touserdata(L, -1);
    if (status != LUA_ERRMEM) lua_error(L); /* a hook's */
    lua_pop(L, 1);
    if (attempt == 2)
      luaL_error(L, "latent: not enough memory for a matrix of %f MB", (double)size / 1048576);
    relieve(L, s);
  }
}

/* The header of a matrix and, behind it, `extra` bytes. */
static latL_Matrix *new_header(lua_State *L, size_t extra)
{
  /* looking up the state would take a tenth of a small matrix's time, so it is told now and then */
  static _Thread_local size_t made;
  size_t size = sizeof(latL_Matrix) + extra;
  latL_Matrix *A;
  made += size;
  if (made < LARGE) {
    A = lua_newuserdatauv(L, size, 1);
  } else {
    state *s = state_of(L);
    s->made += made;
    made = 0;
    if (s->made > s->room) pace(L, s);
    A = size < LARGE ? lua_newuserdatauv(L, size, 1) : new_large(L, s, size);
  }
  *A = (latL_Matrix){0};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &matrix_key);
  lua_setmetatable(L, -2);
  return A;
}

latL_Matrix *latL_newmatrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype)
{
  size_t size = lat_dtype_size(dtype), limit = (size_t)PTRDIFF_MAX / 2;
  if (rows == 0 || cols == 0) luaL_error(L, "latent: a matrix has at least one row and one column");
  if (rows > limit / cols / size)
    luaL_error(L, "latent: a %Ix%I matrix is more than memory can address", (lua_Integer)rows,
               (lua_Integer)cols);
  size_t bytes = rows * cols * size;
  latL_Matrix *A = new_header(L, bytes + LAT_ALIGNMENT - 1);
  uintptr_t first = (uintptr_t)(A + 1) + LAT_ALIGNMENT - 1;
  A->view.data = (void *)(first - first % LAT_ALIGNMENT);
  lat_memory_advise(A->view.data, bytes);
  A->view.rows = rows;
  A->view.cols = cols;
  A->view.row_stride = (ptrdiff_t)cols;
  A->view.col_stride = 1;
  A->view.dtype = dtype;
  return A;
}

latL_Matrix *latL_newvector(lua_State *L, size_t n, lat_dtype dtype)
{
  latL_Matrix *v = latL_newmatrix(L, n, 1, dtype);
  v->vector = true;
  return v;
}

latL_Matrix *latL_newlike(lua_State *L, const latL_Matrix *like, lat_dtype dtype)
{
  bool vector = like->vector;
  latL_Matrix *A = latL_newmatrix(L, like->view.rows, like->view.cols, dtype);
  A->vector = vector;
  return A;
}

/* The user value of a view is the owner of the memory, never another view: so a chain of views
 * keeps one thing alive. */
latL_Matrix *latL_newview(lua_State *L, int owner, lat_matrix view, bool vector)
{
  owner = lua_absindex(L, owner);
  const latL_Matrix *from = latL_tomatrix(L, owner);
  latL_Matrix *A = new_header(L, 0);
  A->view = view;
  A->vector = vector;
  A->readonly = from && from->readonly;
  A->gone = from ? from->gone : NULL;
  if (!from || lua_getiuservalue(L, owner, 1) == LUA_TNIL) {
    if (from) lua_pop(L, 1);
    lua_pushvalue(L, owner);
  }
  lua_setiuservalue(L, -2, 1);
  return A;
}

void latL_newviews(lua_State *L, int owner, double *data, size_t count, size_t rows, size_t cols)
{
  lua_createtable(L, (int)count, 0);
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 0; i < count; i++) {
    if (i % 4096 == 4095) latL_ask(L, "latent", work);
    latL_newview(L, owner, lat_matrix_of(data + i * rows * cols, rows, cols), false);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

latL_Matrix *latL_tomatrix(lua_State *L, int arg)
{
  latL_Matrix *A = luaL_testudata(L, arg, LATL_MATRIX);
  if (A && A->gone) latL_checkmemory(L, A);
  return A;
}

void latL_checkmemory(lua_State *L, const latL_Matrix *A)
{
  if (A->gone && *A->gone) latL_failgone(L, "latent", "memory of this matrix");
}

/* Fills row i of A from the table or vector on the top of the stack, and pops it. */
static void fill_row(lua_State *L, latL_Matrix *A, size_t i, const char *who, const char *name)
{
  size_t cols = A->view.cols;
  const latL_Matrix *v = latL_tomatrix(L, -1);
  if (!(v && v->vector) && lua_type(L, -1) != LUA_TTABLE)
    latL_error(L, who, "row %I of %s is a %s, not a table of numbers", (lua_Integer)i + 1, name,
               luaL_typename(L, -1));
  size_t n = v ? v->view.rows : lua_rawlen(L, -1);
  if (n != cols)
    latL_error(L, who, "row %I of %s has %I numbers, row 1 has %I", (lua_Integer)i + 1, name,
               (lua_Integer)n, (lua_Integer)cols);
  double *to = (double *)A->view.data + (ptrdiff_t)(i * cols);
  for (size_t j = 0; j < cols; j++) {
    if (v) {
      to[j] = lat_get(&v->view, j, 0);
      continue;
    }
    if (lua_rawgeti(L, -1, (lua_Integer)j + 1) != LUA_TNUMBER)
      latL_error(L, who, "row %I, column %I of %s is a %s, not a number", (lua_Integer)i + 1,
                 (lua_Integer)j + 1, name, luaL_typename(L, -1));
    to[j] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Pushes the matrix of the table at `arg`. */
static latL_Matrix *from_table(lua_State *L, int arg, const char *who, const char *name)
{
  size_t n = lua_rawlen(L, arg);
  if (n == 0) latL_error(L, who, "%s is an empty table", name);
  int kind = lua_rawgeti(L, arg, 1);
  if (kind == LUA_TNUMBER) {
    latL_Matrix *v = latL_newvector(L, n, LAT_FLOAT64);
    lua_remove(L, -2);
    double *to = v->view.data;
    for (size_t i = 0; i < n; i++) {
      if (lua_rawgeti(L, arg, (lua_Integer)i + 1) != LUA_TNUMBER)
        latL_error(L, who, "element %I of %s is a %s, not a number", (lua_Integer)i + 1, name,
                   luaL_typename(L, -1));
      to[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
    return v;
  }
  const latL_Matrix *first = latL_tomatrix(L, -1);
  size_t cols = first ? first->view.rows : kind == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
  if (!(first && first->vector) && kind != LUA_TTABLE)
    latL_error(L, who, "%s must be a table of numbers or of rows; its first element is a %s", name,
               luaL_typename(L, -1));
  if (cols == 0) latL_error(L, who, "row 1 of %s is empty", name);
  latL_Matrix *A = latL_newmatrix(L, n, cols, LAT_FLOAT64);
  lua_remove(L, -2);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i + 1);
    fill_row(L, A, i, who, name);
  }
  return A;
}

latL_Matrix *latL_checkmatrix(lua_State *L, int arg, const char *who, const char *name)
{
  arg = lua_absindex(L, arg);
  latL_Matrix *A = latL_tomatrix(L, arg);
  if (A) return A;
  if (lua_type(L, arg) == LUA_TTABLE) {
    A = from_table(L, arg, who, name);
    lua_replace(L, arg);
    return A;
  }
  latL_error(L, who, "%s must be a matrix, got %s", name,
             lua_isnoneornil(L, arg) ? "nothing" : luaL_typename(L, arg));
  return NULL;
}

lat_matrix latL_checkvector(lua_State *L, int arg, const char *who, const char *name)
{
  const latL_Matrix *A = latL_checkmatrix(L, arg, who, name);
  if (A->view.rows != 1 && A->view.cols != 1)
    latL_error(L, who, "%s must be a vector, got a %s", name, latL_shape(L, A));
  lat_matrix v = A->view.cols == 1 ? A->view : lat_transpose(A->view);
  if (v.dtype == LAT_FLOAT64) return v;
  latL_Matrix *wide = latL_newvector(L, v.rows, LAT_FLOAT64);
  lat_copy(&v, &wide->view);
  v = wide->view;
  lua_replace(L, arg);
  return v;
}

void latL_checkwritable(lua_State *L, const latL_Matrix *A, const char *who, const char *name)
{
  if (A->readonly)
    latL_error(L, who, "%s is a mapped file and can't be written: copy() it first", name);
}

const char *latL_shape(lua_State *L, const latL_Matrix *A)
{
  if (A->vector) return lua_pushfstring(L, "vector of %I", (lua_Integer)A->view.rows);
  return lua_pushfstring(L, "%Ix%I matrix", (lua_Integer)A->view.rows, (lua_Integer)A->view.cols);
}

/* ---- classes ------------------------------------------------------------------ */

int latL_newmetatable(lua_State *L, const char *name)
{
  int fresh = luaL_newmetatable(L, name);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  return fresh;
}

/* The collector says of itself that it calls "__gc", a metamethod; inside of a hook Lua knows only
 * "hook" of both, and no hook's arguments are an object of ours. */
void *latL_garbage(lua_State *L, const char *metatable)
{
  lua_Debug call;
  if (!lua_getstack(L, 0, &call) || !lua_getinfo(L, "n", &call)) return NULL;
  bool collector = strcmp(call.namewhat, "metamethod") == 0 && strcmp(call.name, "__gc") == 0;
  if (!collector && strcmp(call.namewhat, "hook") != 0) return NULL;
  return luaL_testudata(L, 1, metatable);
}

int latL_failgone(lua_State *L, const char *who, const char *what)
{
  return latL_error(L, who,
                    "the %s has been given back: it was collected before this finalizer ran", what);
}

void latL_newfinalized(lua_State *L, const char *metatable, lua_CFunction finalizer)
{
  latL_newmetatable(L, metatable);
  lua_pushcfunction(L, finalizer);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

void latL_open_state(lua_State *L)
{
  latL_newfinalized(L, LATL_WORKSPACE, workspace_gc);
  luaL_getmetatable(L, LATL_WORKSPACE);
  lua_pushcfunction(L, workspace_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  latL_newmetatable(L, LATL_MATRIX);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &matrix_key);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) == LUA_TNIL) {
    state *s = lua_newuserdatauv(L, sizeof *s, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    *s = (state){.main = lua_tothread(L, -1), .room = ROOM};
    lua_pop(L, 1);
    lat_workspace_init(&s->scratch.work);
    s->scratch.work.allocator = (lat_allocator){allocate, s};
    luaL_setmetatable(L, LATL_WORKSPACE); /* which is what is to be freed of it */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    latL_newfinalized(L, LATL_SENTINEL, sentinel_gc);
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, LATL_SENTINEL);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void latL_addmethods(lua_State *L, const char *metatable, const luaL_Reg *methods)
{
  luaL_getmetatable(L, metatable);
  lua_getfield(L, -1, "methods");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 2);
}
