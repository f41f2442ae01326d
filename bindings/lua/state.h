/* state.h: what each Lua state has: the workspace for calls into the core, its allocator, and
 * whom the core asks whether to go on.
 *
 * A function checks its arguments first, then makes its results (any Lua allocation may jump
 * away), then takes the workspace, and only then calls the core; nothing that a jump could leak
 * is ever held in a C variable. */
#ifndef LATL_LUA_STATE_H
#define LATL_LUA_STATE_H

#include "lua/errors.h"

/* ---- calls into the core ------------------------------------------------------------ */

/* The workspace of this Lua state, for one call into the core:
 *   lat_workspace *work = latL_workspace(L);
 *   latL_call(L, who, work, lat_something(work, ...));
 * latL_call makes the call and raises a failure. The mark is a statement of its own, for C
 * leaves open in which order a function's arguments are evaluated. */
#define latL_call(L, who, work, call)                                                              \
  do {                                                                                             \
    lat_workspace *called_ = (work);                                                               \
    lat_mark mark_ = lat_workspace_mark(called_);                                                  \
    lat_status status_ = (call);                                                                   \
    LAT_ASSERT_RELEASED(called_, mark_);                                                           \
    latL_check(L, who, called_, mark_, status_);                                                   \
  } while (0)
/* The two in one, for functions whose first argument is the workspace: latL_run(L, who,
 * lat_something, ...) */
#define latL_run(L, who, function, ...)                                                            \
  do {                                                                                             \
    lat_workspace *work_ = latL_workspace(L);                                                      \
    latL_call(L, who, work_, function(work_, __VA_ARGS__));                                        \
  } while (0)
lat_workspace *latL_workspace(lua_State *L);
/* The same within a run, which mustn't be left in its midst: a debug hook that is there isn't heard. */
lat_workspace *latL_rewatch(lua_State *L);
/* A lua_CFunction: the thread's debug hook, if there is one, has its say, and raises if it interrupts. */
int latL_hear(lua_State *L);
/* The end of a call for which more than one statement is needed. What lies below the mark stays, also
 * when it raises. */
void latL_check(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                lat_status status);

/* For loops of the bindings' own: raises once Ctrl-C has come, or another hook. `work` is of
 * latL_workspace, which was called when the loop began. */
void latL_ask(lua_State *L, const char *who, lat_workspace *work);
#define LATL_ASK 65536 /* steps of a loop between two looks, when a step is a few instructions */
/* lat_copy and lat_fill for matrices of any size, in bands, between which they ask. */
void latL_copy(lua_State *L, const char *who, const lat_matrix *A, const lat_matrix *B);
void latL_fill(lua_State *L, const char *who, const lat_matrix *A, double value);

/* The debug hook of the thread, taken away for what nobody may end; it has its say afterwards, unless
 * another, a signal's, has come meanwhile. */
typedef struct latL_Hook {
  lua_Hook f;
  int mask, count;
} latL_Hook;
latL_Hook latL_silence(lua_State *L);
void latL_unsilence(lua_State *L, latL_Hook hook);

/* ---- who looks on ------------------------------------------------------------------------ */

/* What the core counts (base/progress.h) is told to the function that latL_settold has taken from
 * the top of the stack, or to nobody when that is nil. Once a call has lasted `after` seconds the
 * function is called every so many with
 *   name, share, total, unit, seconds    the name by which the running function was called; nil for
 *                                        what isn't known
 * on its thread, from within the core; if it returns true, once more without arguments when the
 * call is over. It may raise, which ends the call, and what it raises is what the call raises. It
 * can't yield, no finalizer runs while it does, unless it collects itself, and what takes a
 * workspace raises meanwhile: nothing may change under a call's hands. */
void latL_settold(lua_State *L, double after, double every);
bool latL_istold(lua_State *L);
/* `to` polls as the state's workspace does, which a call holds, and its progress is what is told. */
void latL_lendpoll(lua_State *L, lat_workspace *to);
/* The call over `work` has come to its end, without latL_check. */
void latL_endtold(lua_State *L, lat_workspace *work);

/* ---- missing entries ------------------------------------------------------------------- */

/* What the object at argument 1 of a call says about NaN in its data: NULL when it is no model;
 * "" when there is nothing to say; what begins with LATL_KNOWS_GAPS, or the remedy. Set when the module is
 * opened. */
typedef const char *latL_Remedy(lua_State *L);
#define LATL_KNOWS_GAPS "missing = true makes it a missing entry"
void latL_setremedy(lua_State *L, latL_Remedy *remedy);
const char *latL_remedy(lua_State *L);

/* ---- sandbox --------------------------------------------------------------------------------- */

/* From now on, and for ever: what touches files or processes raises in this state. Nothing of Lua's
 * can reach where that is kept. */
void latL_withhold(lua_State *L);
bool latL_iswithheld(lua_State *L);
/* What touches them begins with it: raises "who: withheld by the sandbox". */
void latL_allow(lua_State *L, const char *who);

/* ---- memory ------------------------------------------------------------------------------ */

/* The state's allocator, with the collector's accounts, for memory of the core's that lives
 * longer than a workspace. Workspaces have it already. */
lat_allocator latL_allocator(lua_State *L);

/* Memory that Lua's values hold, but neither Lua's nor the core's allocator has given: so many bytes
 * more, and fewer. The pace of collections depends on it; more may call finalizers. */
void latL_countoutside(lua_State *L, size_t more, size_t fewer);

/* A userdata with one user value, of a matrix's `size`, which the pace of collections depends
 * on; what finalizers hold is collected before an error of memory is raised. */
void *latL_newelements(lua_State *L, size_t size);

/* A workspace of one call's own, for calls that make Lua values or run Lua functions while they
 * hold scratch. It is pushed, and closed when the call ends, however it does. As of every value
 * to be closed, the caller leaves it where it is and returns: lua_settop and lua_pop below it
 * would close it, too, but those of Lua 5.4.3 and 5.4.4 then go on with the address of a stack
 * that closing may have moved. */
lat_workspace *latL_callworkspace(lua_State *L);
/* The same for an object that goes on holding it: freed by lat_workspace_done, or with the
 * object. */
lat_workspace *latL_newworkspace(lua_State *L);
/* Whether the collector has taken the workspace at `arg`, which latL_newworkspace pushed. */
bool latL_workspacegone(lua_State *L, int arg);
/* Has such a workspace watch the hooks from here on: a later call goes on with it. */
void latL_watch(lua_State *L, lat_workspace *work);

/* ---- metatables and finalizers --------------------------------------------------------- */

/* Pushes the metatable `name`, made if need be: luaL_newmetatable, where getmetatable gives Lua the
 * name in its place. */
int latL_newmetatable(lua_State *L, const char *name);

/* Makes a metatable that is only there for its finalizer. At open and not at the first need: were
 * memory to end halfway, it would stay without one. */
void latL_newfinalized(lua_State *L, const char *metatable, lua_CFunction finalizer);

/* Makes the metatable of values that are closed. */
void latL_newclosed(lua_State *L, const char *metatable, lua_CFunction close);

/* For finalizers: the object at argument 1, when it is of this class and the collector (or
 * lua_close) is the caller; else NULL, and nothing is to be done, for whoever calls a finalizer
 * by hand still holds the object. */
void *latL_garbage(lua_State *L, const char *metatable);

#endif
