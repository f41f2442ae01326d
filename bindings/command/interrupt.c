/* interrupt.c: SIGINT for a Lua process that runs one piece of code after another: a prompt, a notebook.
 *
 * lua5.4 listens to the first SIGINT of a script and is killed by the second. Here every one that comes while a
 * cell runs sets a debug hook, which raises "interrupted!" in the cell; latent's long calls watch the hook and end
 * by it, too. Between cells signals are ignored, unless they are waited for. A module of its own: latent.so has no
 * handler of signals.
 *
 *   interrupt = require "latent.interrupt"   SIGINT is handled from now on, for the state's main thread
 *   interrupt.listen(on)                     a cell begins or ends
 *   interrupt.hold(on)                       what must not be torn begins or ends: the signal waits
 *   interrupt.enter(thread or nil)           the coroutine that runs now: an endless loop in one is heard, too
 *   interrupt.wait()                         until there is something to read from standard input, or its end: true;
 *                                            or until SIGINT: false
 *   interrupt.end_with_parent()              the process is killed when the one that has started it ends */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define REPEATED_SECONDS 0.1 /* Ctrl-C reaches this process, and its parent, which sends it on */

static lua_State *main_state, *volatile running;
static volatile sig_atomic_t listening, held, pending, came;
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
  if (!listening) came = 1;
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
  held = pending = came = 0;
  last = 0; /* the parent has sent on what it got before it begins another cell */
  running = NULL;
  return 0;
}

/* The signal is blocked but within ppoll, so that none is missed between the question and the sleep. */
static int wait(lua_State *L)
{
  sigset_t interrupt, before;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, &before);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  int ready = 0;
  while (!came && ready == 0) {
    ready = ppoll(&input, 1, NULL, &before);
    if (ready < 0 && errno == EINTR) ready = 0; /* a window that changes its size is nothing */
  }
  lua_pushboolean(L, !came);
  came = 0;
  sigprocmask(SIG_SETMASK, &before, NULL);
  return 1;
}

/* A cell without end would outlive a kernel that was killed. */
static int end_with_parent(lua_State *L)
{
  (void)L;
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  return 0;
}

LUAMOD_API int luaopen_latent_interrupt(lua_State *L); /* no header has it: require looks for it */

LUAMOD_API int luaopen_latent_interrupt(lua_State *L)
{
  static const luaL_Reg functions[] = {{"listen", listen},
                                       {"hold", hold},
                                       {"enter", enter},
                                       {"wait", wait},
                                       {"end_with_parent", end_with_parent},
                                       {NULL, NULL}};
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main_state = lua_tothread(L, -1);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, NULL);
  luaL_newlib(L, functions);
  return 1;
}
