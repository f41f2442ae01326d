/* binding.h: what the files of the Lua module share. Not installed.
 *
 * Rules of the floor. Functions check their arguments first, then make their
 * results (any Lua allocation may jump away), then take the workspace, and only
 * then call the core; nothing that a jump could leak is ever held in a C variable.
 * Misuse raises "who: sentence", where `who` is the function as the user knows it:
 * "matrix.zeros", "A:solve", "pca:fit". Files that can't be read give nil, message.
 * Each file has one function latL_open_NAME, called with the module's table on the
 * top of the stack, which it leaves there. */
#ifndef LATL_LUA_BINDING_H
#define LATL_LUA_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "latent.h"

/* What older Lua doesn't have. Its loader would name one of these as missing; weak ones are NULL, and
 * luaopen_latent says what is the matter. */
#pragma weak luaL_buffinitsize
#pragma weak luaL_checkversion_
#pragma weak luaL_getsubtable
#pragma weak luaL_len
#pragma weak luaL_prepbuffsize
#pragma weak luaL_pushresultsize
#pragma weak luaL_requiref
#pragma weak luaL_setfuncs
#pragma weak luaL_setmetatable
#pragma weak luaL_testudata
#pragma weak luaL_tolstring
#pragma weak lua_absindex
#pragma weak lua_arith
#pragma weak lua_callk
#pragma weak lua_compare
#pragma weak lua_copy
#pragma weak lua_getglobal
#pragma weak lua_geti
#pragma weak lua_getiuservalue
#pragma weak lua_isinteger
#pragma weak lua_len
#pragma weak lua_newuserdatauv
#pragma weak lua_pcallk
#pragma weak lua_rawgetp
#pragma weak lua_rawlen
#pragma weak lua_rawsetp
#pragma weak lua_rotate
#pragma weak lua_seti
#pragma weak lua_setiuservalue
#pragma weak lua_stringtonumber
#pragma weak lua_toclose
#pragma weak lua_tointegerx
#pragma weak lua_tonumberx

#define LATL_MATRIX "latent.Matrix" /* the metatables' names */
#define LATL_RANDOM "latent.Random"

/* ---- matrices ------------------------------------------------------------ */

/* A matrix in Lua. A fresh one carries its elements in its own userdata, however
 * large: so they are the host's allocator's, the collector feels them, frees them
 * without a finalizer, and a finalizer of the user's never sees them freed. A view's
 * user value keeps the owner of the elements alive. */
typedef struct latL_Matrix {
  lat_matrix view;
  bool vector;   /* one-dimensional: rows x 1, indexed by one number */
  bool readonly; /* a mapped file */
  /* Set by the owner of memory that isn't Lua's own once that has been given back; or NULL. */
  const bool *gone;
} latL_Matrix;

/* Push a fresh packed matrix or vector, elements not set. Raise when the size overflows
 * or there is no memory. */
latL_Matrix *latL_newmatrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype);
latL_Matrix *latL_newvector(lua_State *L, size_t n, lat_dtype dtype);
/* The same shape (and vector flag) as `like`. */
latL_Matrix *latL_newlike(lua_State *L, const latL_Matrix *like, lat_dtype dtype);
/* Pushes a view of the memory of the matrix at `owner`. */
latL_Matrix *latL_newview(lua_State *L, int owner, lat_matrix view, bool vector);

/* Pushes a list of `count` of them, rows x cols each, one behind the other from `data` on. */
void latL_newviews(lua_State *L, int owner, double *data, size_t count, size_t rows, size_t cols);

/* The matrix at `arg`, or NULL. Raises when its memory has been given back. */
latL_Matrix *latL_tomatrix(lua_State *L, int arg);
/* Raises when the memory of the matrix has been given back: a finalizer may hold a matrix whose owner
 * was collected with it, and before it. */
void latL_checkmemory(lua_State *L, const latL_Matrix *A);
/* The matrix at `arg`; a table of numbers or of rows is converted in its place on
 * the stack. Else raises "who: NAME must be a matrix, got string". */
latL_Matrix *latL_checkmatrix(lua_State *L, int arg, const char *who, const char *name);
/* The same, float64, one-dimensional (an n x 1 or 1 x n matrix counts): a view of length n. */
lat_matrix latL_checkvector(lua_State *L, int arg, const char *who, const char *name);
/* Raises when the matrix is read-only. */
void latL_checkwritable(lua_State *L, const latL_Matrix *A, const char *who, const char *name);

/* ---- results: result.c ----
 *
 * The option `out` of every function that has it. It is a matrix that can be written, of the result's
 * dtype, whose elements are in the same places as the result's: as many rows and columns, where a
 * vector of n and an n x 1 matrix are the same. Its strides may be any (no view that Lua has repeats
 * an element), and it may share memory with arguments, with the model's parameters, or with another
 * option: the result is the same. */

/* What `out` may share with matrices among the arguments without the function's noticing. */
typedef enum latL_Sharing {
  LATL_APART,       /* nothing: the function reads them while it writes */
  LATL_SAME_PLACES, /* all of a matrix, as each element depends on those in its place (or its row) */
  LATL_ANY_PLACES   /* anything: the core sees to it, or reads none */
} latL_Sharing;

typedef struct latL_Result {
  lat_matrix view;   /* for the core to fill: rows x cols, of any strides */
  lat_matrix target; /* where that has to go yet; no data: it is there */
} latL_Result;

/* Pushes the result (below it, maybe, what holds the view's memory): the option `out` of the table at
 * `options` (0: none) once it has been checked, else a fresh matrix or vector. To be called when all
 * arguments are on the stack. */
latL_Result latL_result(lua_State *L, int options, const char *who, size_t rows, size_t cols,
                        bool vector, lat_dtype dtype, latL_Sharing sharing);
/* When the view has been filled. */
void latL_finish(lua_State *L, const char *who, const latL_Result *result);

/* Whether two views are the same elements in the same places. */
bool latL_sameview(const lat_matrix *A, const lat_matrix *B);

/* "3x4 matrix", "vector of 5" for messages, in a ring of a few static-size pushes: pushes
 * the string on the stack and returns it. */
const char *latL_shape(lua_State *L, const latL_Matrix *A);

/* ---- errors, options, numbers -------------------------------------------- */

/* Raises "who: message", with the script's line in front. */
int latL_error(lua_State *L, const char *who, const char *format, ...);

/* The workspace of this Lua state, for one call into the core:
 *   lat_workspace *work = latL_workspace(L);
 *   latL_call(L, who, work, lat_something(work, ...));
 * latL_call makes the call and raises a failure. The mark is a statement of its own, for C leaves open in
 * which order a function's arguments are evaluated. */
#define latL_call(L, who, work, call)                                                              \
  do {                                                                                             \
    lat_workspace *called_ = (work);                                                               \
    lat_mark mark_ = lat_workspace_mark(called_);                                                  \
    lat_status status_ = (call);                                                                   \
    LAT_ASSERT_RELEASED(called_, mark_);                                                           \
    latL_check(L, who, called_, mark_, status_);                                                   \
  } while (0)
lat_workspace *latL_workspace(lua_State *L);
/* The end of a call for which more than one statement is needed. */
void latL_check(lua_State *L, const char *who, lat_workspace *work, lat_mark mark,
                lat_status status);

/* For loops of the bindings' own: raises once Ctrl-C has come, or another hook. `work` is of
 * latL_workspace, which was called when the loop began. */
void latL_ask(lua_State *L, const char *who, lat_workspace *work);
/* lat_copy and lat_fill for matrices of any size, in bands, between which they ask. */
void latL_copy(lua_State *L, const char *who, const lat_matrix *A, const lat_matrix *B);
void latL_fill(lua_State *L, const char *who, const lat_matrix *A, double value);
#define LATL_ASK 65536 /* steps of a loop between two looks, when a step is a few instructions */
/* What the model at argument 1, if there is one, says about NaN in its data: the remedy; or NULL. model.c */
const char *latL_remedy(lua_State *L);
/* Raises, with the remedy, when the model at argument 1 is one that knows no missing entries: for the
 * option `missing` of such. model.c */
void latL_failmissing(lua_State *L, const char *who);

/* The state's allocator, with the collector's accounts, for memory of the core's that lives longer than a
 * workspace. Workspaces have it already. */
lat_allocator latL_allocator(lua_State *L);

/* A workspace of one call's own, for calls that make Lua values or run Lua functions while they hold
 * scratch. It is pushed, and closed when the call ends, however it does. As of every value to be closed, the
 * caller leaves it where it is and returns: lua_settop and lua_pop below it would close it, too, but those of
 * Lua 5.4.3 and 5.4.4 then go on with the address of a stack that closing may have moved. */
lat_workspace *latL_callworkspace(lua_State *L);
/* The same for an object that goes on holding it: freed by lat_workspace_done, or with the object. */
lat_workspace *latL_newworkspace(lua_State *L);
/* Whether the collector has taken the workspace at `arg`, which latL_newworkspace pushed. */
bool latL_workspacegone(lua_State *L, int arg);
/* Has such a workspace watch the hooks from here on: a later call goes on with it. */
void latL_watch(lua_State *L, lat_workspace *work);

/* Checks that `arg` is nil, none or a table whose keys are all in `names` (ended by NULL); an
 * unknown one raises and names the nearest known one. True when there is a table. */
bool latL_checkoptions(lua_State *L, int arg, const char *who, const char *const names[]);
/* The same of a table that is an option itself, and is called `what`. */
bool latL_checkfields(lua_State *L, int arg, const char *who, const char *what,
                      const char *const names[]);
/* Options that mean something with others only: raises "NAME is for WHAT" for the first of these that is
 * there, unless they do (`known`). */
void latL_onlyfor(lua_State *L, int arg, const char *who, const char *const names[], bool known,
                  const char *what);
/* Pushes the names of the table on the top, sorted, so that nothing depends on hashes. Returns LUA_TNONE,
 * or the least type of the keys that are no names. */
int latL_pushnames(lua_State *L);
/* The value at `arg` for messages: a number, a string in quotes, "nothing", or a type. */
const char *latL_got(lua_State *L, int arg);
/* For functions without options, whose arguments end before `arg`: a table with options there raises as
 * an unknown option does. */
void latL_nooptions(lua_State *L, int arg, const char *who);
/* Read one option, checked; `arg` may be 0, nil or none, which gives the default. */
bool latL_optboolean(lua_State *L, int arg, const char *who, const char *name, bool otherwise);
double latL_optnumber(lua_State *L, int arg, const char *who, const char *name, double otherwise,
                      double least, double most);
lua_Integer latL_optinteger(lua_State *L, int arg, const char *who, const char *name,
                            lua_Integer otherwise, lua_Integer least, lua_Integer most);
/* The index in `words` (ended by NULL) of a string option. */
int latL_optword(lua_State *L, int arg, const char *who, const char *name,
                 const char *const words[], int otherwise);
/* Pushes option `name` (nil when absent) and returns its type. It is a field of the table itself:
 * what a metatable would make up nothing would keep. */
int latL_getoption(lua_State *L, int arg, const char *name);
/* float64 or float32 from the option `dtype`. */
lat_dtype latL_optdtype(lua_State *L, int arg, const char *who, lat_dtype otherwise);

/* Positional arguments. */
size_t latL_checksize(lua_State *L, int arg, const char *who,
                      const char *name); /* an integer >= 1 */
lua_Integer latL_checkinteger(lua_State *L, int arg, const char *who, const char *name);
double latL_checknumber(lua_State *L, int arg, const char *who, const char *name);
/* A 1-based index or a negative one from the end, to 0-based; raises outside 1..n. */
size_t latL_checkindex(lua_State *L, int arg, const char *who, const char *name, size_t n);

/* The word of `words` (ended by NULL) nearest to `word` by edit distance, or NULL when none is near. */
const char *latL_nearest(const char *word, const char *const words[]);

/* ---- random numbers (random.c) ------------------------------------------- */

/* The generator for a call: at `arg` a latent.Random or a seed (an integer); nil or none is the
 * state's own default generator. Anything else raises. The pointer is good while the value is
 * on the stack. */
lat_random *latL_checkrandom(lua_State *L, int arg, const char *who);

/* ---- classes --------------------------------------------------------------- */

/* Pushes the metatable `name`, made if need be: luaL_newmetatable, and getmetatable gives Lua the name
 * in its place. Only the debug library reaches the metamethods by themselves; they check their
 * arguments as methods do. */
int latL_newmetatable(lua_State *L, const char *name);

/* Makes a metatable that is only there for its finalizer. At open and not at the first need: were
 * memory to end halfway, it would stay without one. */
void latL_newfinalized(lua_State *L, const char *metatable, lua_CFunction finalizer);

/* For finalizers: the object at argument 1, when it is of this class and the collector (or lua_close)
 * is the caller; else NULL, and nothing is to be done, for whoever calls a finalizer by hand still
 * holds the object. */
void *latL_garbage(lua_State *L, const char *metatable);
/* Raises for an object that a finalizer uses after its own has run. */
int latL_failgone(lua_State *L, const char *who, const char *what);

/* Adds methods to the metatable `name` (methods are looked up in its "methods" table). */
void latL_addmethods(lua_State *L, const char *metatable, const luaL_Reg *methods);

/* ---- the files of the module --------------------------------------------- */

void latL_open_state(lua_State *L);             /* binding.c: what the others need; first */
void latL_open_matrix(lua_State *L);            /* matrix.c: the type, construction, indexing */
void latL_open_matrix_print(lua_State *L);      /* tostring, A:format */
void latL_open_matrix_arithmetic(lua_State *L); /* operators, element-wise functions, masks */
void latL_open_matrix_reduce(lua_State *L);     /* sum, mean, ... , sort, gather */
void latL_open_matrix_linear(lua_State *L);     /* products, solve, factorizations */
void latL_open_random(lua_State *L);
void latL_open_eigen(lua_State *L);
void latL_open_files(lua_State *L);
void latL_open_pca(lua_State *L);
void latL_open_mixture(lua_State *L);
void latL_open_kmeans(lua_State *L);
void latL_open_ica(lua_State *L);
void latL_open_ppca(lua_State *L);
void latL_open_bpca(lua_State *L);
void latL_open_fa(lua_State *L);
void latL_open_lds(lua_State *L);
void latL_open_lds_tracker(lua_State *L); /* after lds */
void latL_open_scaler(lua_State *L);
void latL_open_gmm(lua_State *L);
void latL_open_mppca(lua_State *L);
void latL_open_batches(lua_State *L);
void latL_open_nonlinear(lua_State *L);
void latL_open_vae(lua_State *L);
void latL_open_nn(lua_State *L);
void latL_open_system(lua_State *L);
void latL_open_save(lua_State *L); /* model:save and latent.load; after all models */

#endif
