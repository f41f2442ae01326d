/* calls.c: the host of calls.lua, which makes random calls of all that the module exports.
 *
 *   calls SCRIPT SEED COUNT FOLDER     runs the script in the folder, with seed and count as its arguments
 *
 * It gives the script a table `host`: call(seconds, f, ...), a protected call in which a debug hook raises
 * "deadline" when the seconds are over, and again and again until it ends, and which says how many seconds of
 * processor time that took; note(text), what is printed when the process dies; sanitized. A call that goes on
 * for LONGEST seconds after its deadline ends the process. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "latent.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

enum { LONGEST = 60, AGAIN = 50000 /* microseconds between two hooks */ };

static lua_State *state;
static char noted[1 << 14];
static volatile sig_atomic_t rings;
static struct timespec due; /* processor time of the first ring */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell(void)
{
  (void)!write(2, noted, strlen(noted));
}

static void die(int signal_number)
{
  tell();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void interrupt(lua_State *L, lua_Debug *where)
{
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "deadline");
}

static void ring(int signal_number)
{
  (void)signal_number;
  if (rings == 0) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &due);
  rings = rings + 1;
  if (rings > LONGEST * (1000000 / AGAIN)) {
    static const char hangs[] = "it doesn't end\n";
    (void)!write(2, hangs, sizeof hangs - 1);
    tell();
    _exit(3);
  }
  lua_sethook(state, interrupt, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void set_timer(double seconds)
{
  long whole = (long)seconds;
  struct itimerval timer = {{0, AGAIN}, {whole, (long)((seconds - (double)whole) * 1e6)}};
  if (seconds == 0) timer.it_interval.tv_usec = 0;
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* host.call(seconds, f, ...) -> late, ok, results or message. The deadline's hook raises in f and what it
 * calls only. */
static int host_call(lua_State *L)
{
  double seconds = luaL_checknumber(L, 1);
  rings = 0;
  set_timer(seconds);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  set_timer(0);
  lua_sethook(state, NULL, 0, 0);
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  double late = 0;
  if (rings > 0)
    late = (double)(now.tv_sec - due.tv_sec) + 1e-9 * (double)(now.tv_nsec - due.tv_nsec);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 1);
  lua_pushnumber(L, late);
  lua_insert(L, 1);
  return lua_gettop(L);
}

static int host_note(lua_State *L)
{
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  if (n >= sizeof noted) n = sizeof noted - 1;
  memcpy(noted, text, n);
  noted[n] = '\0';
  return 0;
}

static int run(lua_State *L)
{
  static const luaL_Reg host[] = {{"call", host_call}, {"note", host_note}, {NULL, NULL}};
  char **arguments = lua_touserdata(L, 1);
  luaL_requiref(L, "latent", luaopen_latent, 0);
  luaL_newlib(L, host);
  lua_pushboolean(L, SANITIZED);
  lua_setfield(L, -2, "sanitized");
  lua_setglobal(L, "host");
  if (luaL_loadfile(L, arguments[1]) != LUA_OK) return lua_error(L);
  if (chdir(arguments[4]) != 0) return luaL_error(L, "there is no folder %s", arguments[4]);
  lua_pushstring(L, arguments[2]);
  lua_pushstring(L, arguments[3]);
  lua_call(L, 2, 0);
  return 0;
}

int main(int count, char **arguments)
{
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  static unsigned char stack[1 << 16]; /* of its own: the other may be full */
  if (count != 5) return 2;
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(tell);
  } else {
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_handler = die, .sa_flags = SA_ONSTACK};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) sigaction(deadly[i], &action, NULL);
  }
  struct sigaction action = {.sa_handler = ring, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  if (!SANITIZED) { /* a sanitizer's shadow takes more; it has a limit of its own */
    struct rlimit most = {(rlim_t)3 << 30, (rlim_t)3 << 30};
    setrlimit(RLIMIT_AS, &most);
  }
  lua_State *L = state = luaL_newstate();
  luaL_openlibs(L);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, arguments);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  strcpy(noted, "while the state is closed\n");
  lua_close(L);
  return status != LUA_OK;
}
