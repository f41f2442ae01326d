/* interrupt.c: SIGINT for a Lua process that runs one piece of code after another.
 *
 * lua5.4 listens to the first SIGINT of a script and is killed by the second. Here every one that comes while a
 * cell runs sets a debug hook, which raises "interrupted!" in the cell; latent's long calls watch the hook and end
 * by it, too. Between cells signals are ignored.
 *
 *   interrupt = require "interrupt"   SIGINT is handled from now on, for the state's main thread
 *   interrupt.listen(on)              a cell begins or ends
 *   interrupt.hold(on)                what must not be torn begins or ends: the signal waits
 *   interrupt.enter(thread or nil)    the coroutine that runs now: an endless loop in one is heard, too */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <time.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define REPEATED_SECONDS 0.1 /* Ctrl-C reaches this process, and its parent, which sends it on */

static lua_State *main_state, *volatile running;
static volatile sig_atomic_t listening, held, pending;
static double last; /* when a signal came, seconds */
static char key;    /* in the registry: the running coroutine, so that it isn't collected */

static void stop(lua_State *L, lua_Debug *event)
{
  (void)event;
  lua_sethook(L, NULL, 0, 0);
  lua_pushliteral(L, "interrupted!");
  lua_error(L);
}

/* lua_sethook may be called by a signal handler: lua.c does it. */
static void set_hooks(void)
{
  int events = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
  lua_sethook(main_state, stop, events, 1);
  if (running) lua_sethook(running, stop, events, 1);
}

static void on_signal(int signal_number)
{
  (void)signal_number;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  if (!listening || seconds - last < REPEATED_SECONDS) return;
  last = seconds;
  if (held)
    pending = 1;
  else
    set_hooks();
}

static int hold(lua_State *L)
{
  held = lua_toboolean(L, 1);
  if (held && lua_gethook(L) == stop) { /* it came while this was called */
    lua_sethook(L, NULL, 0, 0);
    pending = 1;
  } else if (!held && pending) {
    pending = 0;
    set_hooks();
  }
  return 0;
}

static int enter(lua_State *L)
{
  lua_settop(L, 1);
  running = lua_tothread(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  return 0;
}

static int listen(lua_State *L)
{
  listening = lua_toboolean(L, 1);
  if (!listening) lua_sethook(main_state, NULL, 0, 0);
  held = pending = 0;
  last = 0; /* the parent has sent on what it got before it begins another cell */
  running = NULL;
  return 0;
}

LUAMOD_API int luaopen_interrupt(lua_State *L); /* no header has it: require looks for it */

LUAMOD_API int luaopen_interrupt(lua_State *L)
{
  static const luaL_Reg functions[] = {
      {"listen", listen}, {"hold", hold}, {"enter", enter}, {NULL, NULL}};
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main_state = lua_tothread(L, -1);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, NULL);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a cell without end would outlive a kernel that was killed */
#endif
  luaL_newlib(L, functions);
  return 1;
}
