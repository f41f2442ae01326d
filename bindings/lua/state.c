/* state.c: the workspace, allocator and collections of a Lua state, and the hooks that calls
 * into the core watch. */
#include "lua/state.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "lua/modules.h"

/* ---- what each Lua state has ---------------------------------------------- */

/* A workspace and whom it watches. Each has its own, for a function that is called while it is held
 * may run others in a coroutine, and that one may be garbage soon. */
typedef struct scratch {
  lat_workspace work; /* first, so that a pointer to it is one to all */
  lua_State *running, *main;
  lua_Hook hook, main_hook; /* as the call into the core found them */
  lat_progress *counts;     /* what is told */
  double began, every;      /* seconds: when the call began, and between what it tells */
  bool failed;              /* the function that is told has */
  bool gone;                /* given back by its finalizer */
} scratch;

/* Kept in the registry under the address of `state_key`. Its user value is the thread that the
 * scratch watches: a call may run finalizers while it makes Lua values, and these may call the
 * core in coroutines that are garbage at once, while the call goes on with what they have left. */
typedef struct state {
  scratch scratch;
  lua_State *main;
  latL_Remedy *remedy;
  size_t outside; /* bytes that the core has from the state's allocator, which Lua doesn't count */
  size_t allocated; /* bytes of matrices and of the core since the last look at what is in use */
  size_t live;      /* bytes in use, those outside included, after the last collection */
  size_t growth;    /* how many more there may be before the next one */
  bool withheld;    /* files and processes are */
  bool told;        /* somebody is, of calls that take so long, so often: seconds */
  double after, every;
  bool telling; /* and is called at the moment */
  bool idle;    /* no call has wanted the workspace since the collector's last cycle */
} state;

#define LATL_WORKSPACE "latent.workspace"
#define LATL_SENTINEL  "latent.sentinel"

static const char state_key = 0, empty_key = 0, told_key = 0, failure_key = 0;

enum { LEAST_GROWTH = 256 << 20, LARGE = 1 << 20 }; /* bytes */

static state *state_of(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  state *s = lua_touserdata(L, -1);
  lua_pop(L, 1); /* the registry keeps it */
  return s;
}

/* ---- memory of the state's allocator ----------------------------------------- */

/* A request that no allocator grants. Lua answers with a collection that calls no finalizer. */
static int request_too_much(lua_State *L)
{
  lua_newuserdatauv(L, PTRDIFF_MAX / 2, 0);
  return 0;
}

/* Lets Lua free what it would free for a request of its own: the core is at work, so no
 * finalizer may run, and nothing may be raised. The main thread is there in any case. */
static void collect_without_finalizers(lua_State *L)
{
  if (lua_gethookmask(L) & (LUA_MASKCALL | LUA_MASKRET)) return; /* Ctrl-C would be heard here */
  if (!lua_checkstack(L, 2)) return;
  bool running = lua_gc(L, LUA_GCISRUNNING, 0) == 1;
  lua_gc(L, LUA_GCSTOP, 0); /* but for such collections */
  lua_pushcfunction(L, request_too_much);
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
    collect_without_finalizers(s->main);
    memory = function(host, old, was, size);
    if (!memory) return NULL;
  }
  s->outside += size - was;
  if (size > was) s->allocated += size - was;
  return memory;
}

static size_t bytes_in_use(lua_State *L, const state *s)
{
  return ((size_t)lua_gc(L, LUA_GCCOUNT, 0) << 10) + s->outside;
}

/* Lua paces its collector by all it has, so that small matrices could fill as much again as
 * large ones that stay, and it doesn't feel what the core has. Therefore, where much more is in
 * use than after the last time, everything is collected. Not where the user has stopped the
 * collector. */
static void pace(lua_State *L, state *s)
{
  s->allocated = 0;
  size_t now = bytes_in_use(L, s);
  if (now < s->live) s->live = now;
  if (now - s->live < s->growth || lua_gc(L, LUA_GCISRUNNING, 0) != 1) return;
  lua_gc(L, LUA_GCCOLLECT, 0);
  s->live = bytes_in_use(L, s);
  s->growth = s->live / 4 > LEAST_GROWTH ? s->live / 4 : LEAST_GROWTH;
}

lat_allocator latL_allocator(lua_State *L)
{
  return (lat_allocator){allocate, state_of(L)};
}

void latL_countoutside(lua_State *L, size_t more, size_t fewer)
{
  state *s = state_of(L);
  s->outside += more - fewer;
  s->allocated += more;
  if (more > 0 && s->allocated > s->growth) pace(L, s);
}

/* The same when memory was refused, whoever has stopped what. */
static void relieve(lua_State *L, state *s)
{
  lat_workspace_trim(&s->scratch.work);
  lua_gc(L, LUA_GCCOLLECT, 0);
}

/* ---- who is told ------------------------------------------------------------- */

void latL_settold(lua_State *L, double after, double every)
{
  state *s = state_of(L);
  s->told = !lua_isnil(L, -1);
  s->after = after;
  s->every = every;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &told_key);
  lua_pushboolean(L, 0);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
}

bool latL_istold(lua_State *L)
{
  return state_of(L)->told;
}

/* Pushes how the function was called that runs below this one; its first argument is at `self`. */
static void push_name(lua_State *L, int self)
{
  lua_Debug call;
  if (!lua_getstack(L, 1, &call) || !lua_getinfo(L, "n", &call)) {
    lua_pushnil(L);
    return;
  }
  bool method = strcmp(call.namewhat, "method") == 0;
  if (method && luaL_getmetafield(L, self, "__name") == LUA_TSTRING)
    lua_pushfstring(L, "%s:%s", lua_tostring(L, -1), call.name);
  else
    lua_pushstring(L, call.name);
}

static void push_number(lua_State *L, bool known, double x)
{
  if (known)
    lua_pushnumber(L, x);
  else
    lua_pushnil(L);
}

/* Calls the function that is told: of the scratch, which runs a function whose first argument is
 * this. All that may raise is in here. */
static int tell_of(lua_State *L)
{
  const scratch *s = lua_touserdata(L, 1);
  const lat_progress *p = s->counts;
  bool counted = p->depth > 0 && p->share >= 0;
  push_name(L, 2);
  lua_replace(L, 2);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &told_key);
  lua_pushvalue(L, 2);
  push_number(L, counted, fmin(p->share, 1));
  push_number(L, counted && p->total > 0, p->total);
  lua_pushstring(L, counted ? p->unit : NULL);
  lua_pushnumber(L, lat_clock() - s->began);
  lua_call(L, 5, 1);
  return 1;
}

/* Calls a function with so many arguments, all on the top, of which its result or its error takes
 * the place. Finalizers don't run, for they may do anything. */
static bool call_told(lua_State *L, state *of, int arguments)
{
  bool running = lua_gc(L, LUA_GCISRUNNING, 0) == 1;
  if (running) lua_gc(L, LUA_GCSTOP, 0);
  of->telling = true;
  bool good = lua_pcall(L, arguments, 1, 0) == LUA_OK;
  of->telling = false;
  if (running) lua_gc(L, LUA_GCRESTART, 0);
  return good;
}

/* False when the function that is told has failed; what it raised is kept. The core is at work, so
 * nothing may be raised here. */
static bool tell(scratch *s)
{
  lua_State *L = s->running;
  state *of = state_of(L);
  if (of->telling || !of->told || !lua_checkstack(L, LUA_MINSTACK)) return true;
  bool any = lua_gettop(L) > 0;
  lua_pushcfunction(L, tell_of);
  lua_pushlightuserdata(L, s);
  if (any)
    lua_pushvalue(L, 1);
  else
    lua_pushnil(L);
  if (!call_told(L, of, 2)) {
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key); /* its place is there */
    return false;
  }
  s->counts->told = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return true;
}

latL_Hook latL_silence(lua_State *L)
{
  latL_Hook hook = {lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L)};
  lua_sethook(L, NULL, 0, 0);
  return hook;
}

void latL_unsilence(lua_State *L, latL_Hook hook)
{
  if (!lua_gethook(L)) lua_sethook(L, hook.f, hook.mask, hook.count);
}

/* The call is over, and can't be ended any more: what the function raises now is lost. */
void latL_endtold(lua_State *L, lat_workspace *work)
{
  bool told = work->progress.told && latL_istold(L); /* or who was told wants no more */
  work->progress.told = false;
  if (!told) return;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  latL_Hook hook = latL_silence(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &told_key);
  call_told(L, state_of(L), 0);
  lua_pop(L, 1);
  latL_unsilence(L, hook);
}

void latL_lendpoll(lua_State *L, lat_workspace *to)
{
  state *of = state_of(L);
  to->poll = of->scratch.work.poll;
  to->poll_state = of->scratch.work.poll_state;
  if (!of->told) return;
  to->progress.due = of->scratch.work.progress.due;
  of->scratch.counts = &to->progress;
}

/* ---- calls into the core --------------------------------------------------- */

/* Ctrl-C in lua.c, and a host's watchdog, set a debug hook: on the main thread of the Lua state
 * even when a coroutine runs. Nothing else can be seen from inside a C function. */
static bool hook_changed(const scratch *s)
{
  return lua_gethook(s->running) != s->hook || lua_gethook(s->main) != s->main_hook;
}

/* What the workspaces ask between chunks. Somebody is told while no thread works for the call, so
 * that he may do what he likes to what it reads. */
static bool poll(void *argument)
{
  scratch *s = argument;
  if (s->failed || hook_changed(s)) return true;
  lat_progress *p = s->counts;
  if (!p || p->due == 0 || p->threads > 0 || lat_clock() < p->due) return false;
  s->failed = !tell(s);
  p->due = lat_clock() + s->every;
  return s->failed;
}

/* Raises what the function that is told has raised, if it has. */
static void raise_failure(lua_State *L, const lat_workspace *work)
{
  const scratch *s = work->poll == poll ? work->poll_state : NULL;
  if (!s || !s->failed) return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key);
  lua_pushboolean(L, 0);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
  lua_error(L);
}

/* A Lua function, even an empty one, lets the hook say what it has to say; one that interrupts
 * raises. */
static void let_hook_speak(lua_State *L)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &empty_key) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    luaL_loadstring(L, "");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &empty_key);
  }
  lua_call(L, 0, 0);
}

/* A hook that is there when a call begins to watch may have been set by a signal since the function
 * was called: what it has to say would be taken for what was there before. Gives the one that has
 * had its say and stays, or NULL. */
static lua_Hook hear(lua_State *L)
{
  lua_Hook hook;
  while ((hook = lua_gethook(L)) != NULL) {
    luaL_checkstack(L, LUA_MINSTACK, NULL); /* asks for memory, which may have come to its end */
    let_hook_speak(L);
    if (lua_gethook(L) == hook) return hook;
  }
  return NULL;
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
  s->work.poll = poll;
  s->work.poll_state = s;
  s->work.message[0] = '\0';
  s->work.progress.due = 0;
  s->counts = NULL;
  s->failed = false;
  return &s->work;
}

/* The call that begins tells how far it is, if somebody wants to know. */
static void follow(const state *of, scratch *s)
{
  if (!of->told) return;
  s->counts = &s->work.progress;
  s->began = lat_clock();
  s->counts->due = s->began + of->after;
  s->every = of->every;
}

static void refuse_telling(lua_State *L, const state *of)
{
  if (of->telling)
    luaL_error(
        L, "latent: the function that is told of progress can't call what computes, for the call "
           "that tells it isn't over");
}

/* A finalizer of the user's may come after all of ours when the state is closed. */
int latL_hear(lua_State *L)
{
  hear(L);
  return 0;
}

lat_workspace *latL_workspace(lua_State *L)
{
  for (;;) {
    lua_Hook heard = hear(L);
    lat_workspace *work = latL_rewatch(L);
    if (((const scratch *)work)->hook == heard) return work;
  }
}

lat_workspace *latL_rewatch(lua_State *L)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  state *s = lua_touserdata(L, -1);
  if (s->scratch.running != L) {
    lua_pushthread(L);
    lua_setiuservalue(L, -2, 1);
  }
  lua_pop(L, 1);
  if (s->scratch.gone) luaL_error(L, "latent: the Lua state is being closed");
  refuse_telling(L, s);
  latL_endtold(L, &s->scratch.work);
  s->idle = false;
  watch(L, &s->scratch);
  follow(s, &s->scratch);
  return &s->scratch.work;
}

/* The thread that the state's scratch watches need not be kept any more. */
static void forget_thread(lua_State *L, scratch *s)
{
  s->running = s->main;
  s->hook = s->main_hook;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, 1);
  lua_pop(L, 1);
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
  hear(L);
  refuse_telling(L, of);
  if (of->allocated > of->growth) pace(L, of);
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
  follow(state_of(L), (scratch *)work);
  lua_toclose(L, -1);
  return work;
}

/* __close(workspace) */
static int workspace_close(lua_State *L)
{
  scratch *s = luaL_testudata(L, 1, LATL_WORKSPACE);
  if (!s) return 0;
  latL_endtold(L, &s->work);
  lat_workspace_done(&s->work);
  return 0;
}

void latL_newclosed(lua_State *L, const char *metatable, lua_CFunction close)
{
  latL_newmetatable(L, metatable);
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

/* What nobody refers to, and what becomes garbage again once its finalizer has run, tells of the
 * collector's cycles. What the workspace keeps for the next call is freed when none came in one. */
static int sentinel_gc(lua_State *L)
{
  state *s = state_of(L);
  if (!latL_garbage(L, LATL_SENTINEL) || s->scratch.gone) return 0;
  if (s->idle) {
    lat_workspace_trim(&s->scratch.work);
    forget_thread(L, &s->scratch);
  }
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
  if (status == LAT_OK) lat_workspace_release(work, mark);
  if (work->progress.told) latL_endtold(L, work);
  if (status == LAT_OK) return;
  char message[sizeof work->message];
  memcpy(message, work->message, sizeof message);
  lat_workspace_release(work, mark);
  if (work != &state_of(L)->scratch.work)
    lat_workspace_trim(work);                        /* rather now than at a collection */
  if (status == LAT_MEMORY) relieve(L, state_of(L)); /* the next call shall have more */
  if (status == LAT_CANCELLED) {
    raise_failure(L, work);
    let_hook_speak(L);
  }
  /* the core's two sentences about a NaN in the data of a model */
  bool gap = status == LAT_INVALID &&
             (strstr(message, "X has NaN at row") || strstr(message, ") is nan; data"));
  const char *remedy = gap ? latL_remedy(L) : NULL;
  if (remedy && *remedy) latL_error(L, who, "%s: %s", message, remedy);
  latL_error(L, who, "%s", message[0] ? message : lat_status_name(status));
}

void latL_ask(lua_State *L, const char *who, lat_workspace *work)
{
  latL_call(L, who, work, lat_check(work));
}

/* Loops that are shorter make no use of a workspace. */
static bool is_small(const lat_matrix *A)
{
  return A->rows * A->cols < LATL_ASK;
}

void latL_copy(lua_State *L, const char *who, const lat_matrix *A, const lat_matrix *B)
{
  if (is_small(A))
    lat_copy(A, B);
  else
    latL_run(L, who, lat_copy_bands, A, B);
}

void latL_fill(lua_State *L, const char *who, const lat_matrix *A, double value)
{
  if (is_small(A))
    lat_fill(A, value);
  else
    latL_run(L, who, lat_fill_bands, A, value);
}

/* ---- missing entries ------------------------------------------------------- */

void latL_setremedy(lua_State *L, latL_Remedy *remedy)
{
  state_of(L)->remedy = remedy;
}

const char *latL_remedy(lua_State *L)
{
  latL_Remedy *remedy = state_of(L)->remedy;
  return remedy ? remedy(L) : NULL;
}

/* ---- sandbox --------------------------------------------------------------- */

void latL_withhold(lua_State *L)
{
  state_of(L)->withheld = true;
}

bool latL_iswithheld(lua_State *L)
{
  return state_of(L)->withheld;
}

void latL_allow(lua_State *L, const char *who)
{
  if (latL_iswithheld(L)) latL_error(L, who, "withheld by the sandbox");
}

/* ---- memory of matrices ------------------------------------------------------ */

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

void *latL_newelements(lua_State *L, size_t size)
{
  /* looking up the state would take a tenth of a small matrix's time, so it is told now and then */
  static _Thread_local size_t untold;
  untold += size;
  if (untold < LARGE) return lua_newuserdatauv(L, size, 1);
  state *s = state_of(L);
  s->allocated += untold;
  untold = 0;
  if (s->allocated > s->growth) pace(L, s);
  return size < LARGE ? lua_newuserdatauv(L, size, 1) : new_large(L, s, size);
}

/* ---- metatables and finalizers -------------------------------------------- */

int latL_newmetatable(lua_State *L, const char *name)
{
  int fresh = luaL_newmetatable(L, name);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  return fresh;
}

void latL_newfinalized(lua_State *L, const char *metatable, lua_CFunction finalizer)
{
  latL_newmetatable(L, metatable);
  lua_pushcfunction(L, finalizer);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
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

/* ---- the module --------------------------------------------------------------- */

void latL_open_state(lua_State *L)
{
  latL_newfinalized(L, LATL_WORKSPACE, workspace_gc);
  luaL_getmetatable(L, LATL_WORKSPACE);
  lua_pushcfunction(L, workspace_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) == LUA_TNIL) {
    state *s = lua_newuserdatauv(L, sizeof *s, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    *s = (state){.main = lua_tothread(L, -1), .growth = LEAST_GROWTH};
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
