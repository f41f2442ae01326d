/* class.h: functions as rows of tables, and classes: methods, fields, finalizers.
 *
 * Only the debug library reaches metamethods by themselves; they check their arguments as
 * methods do. */
#ifndef LATL_LUA_CLASS_H
#define LATL_LUA_CLASS_H

#include <stddef.h>

#include "base/options.h"
#include "lua/state.h"

/* ---- functions ------------------------------------------------------------- */

/* A function of the module or a method: what Lua calls checks where a table of options may be, and
 * leaves the arguments (nil for absent ones) at 1 ... `arguments` and the options behind them. */
typedef struct latL_Function latL_Function;
struct latL_Function {
  const char *who; /* "A:det", for messages; its name is what follows the last '.' or ':' */
  int (*call)(lua_State *L, const latL_Function *f);
  int arguments; /* before the options, self among them; 0: `call` finds all of them as they came */
  int optional;  /* so many of the last may be left out, with the options in their place */
  const char *const *options; /* their names, ended by NULL; NULL: there are none */
  const lat_option *table;    /* or the core's table of them, with which `call` reads them */
  const char *name;           /* where `who` doesn't end with it: "__add" */
  int kind;                   /* which of several functions this is, for `call` */
  void (*operation)(void);    /* or the function of the core that it stands for, as LATL_CORE(f) */
  const void *of;             /* or the row of a core's table */
  lua_CFunction direct;       /* what Lua calls in place of all that, where ten percent matter */
};
/* For `options`: their names, in a table outside of functions. */
#define LATL_OPTIONS(...)   .options = LATL_NAMES(__VA_ARGS__)
#define LATL_NAMES(...)     ((const char *const[]){__VA_ARGS__, NULL})
#define LATL_NO_NAMES       ((const char *const[]){NULL})
#define LATL_CORE(function) .operation = (void (*)(void))(function)
/* clang-format off */
#define LATL_END {.who = NULL}
/* clang-format on */

/* Adds the functions, up to LATL_END, to the table on the top of the stack. */
void latL_addfunctions(lua_State *L, const latL_Function functions[]);
/* Adds them to the table `name` of the module on the top of the stack, made if need be; or (NULL) to
 * the module. */
void latL_addtomodule(lua_State *L, const char *name, const latL_Function functions[]);
/* Makes the table on the top of the stack one that is called, with itself as first argument; its
 * metatable is protected. */
void latL_setcall(lua_State *L, lua_CFunction call);
/* What pairs(x) is given for the object at 1: i, x[i] from 1 on, as ipairs does. */
int latL_pairsbynumber(lua_State *L);
/* Adds them to a class: names that begin with "__" to the metatable, others to its methods. */
void latL_addtoclass(lua_State *L, const char *metatable, const latL_Function functions[]);
/* Adds a copy of the row, which the registry keeps, to the class, or (NULL) to the table on the
 * top: for rows that are made of a core's table. */
void latL_addrow(lua_State *L, const char *metatable, const latL_Function *row);
/* In a function that latL_addtoclass has added: the object of the class at 1, or NULL. */
void *latL_self(lua_State *L);

/* What a function returns that has one result, or that returns the object at 1. */
static inline int latL_returnnumber(lua_State *L, double x)
{
  lua_pushnumber(L, x);
  return 1;
}
static inline int latL_returninteger(lua_State *L, lua_Integer i)
{
  lua_pushinteger(L, i);
  return 1;
}
static inline int latL_returnboolean(lua_State *L, bool b)
{
  lua_pushboolean(L, b);
  return 1;
}
static inline int latL_returnself(lua_State *L)
{
  lua_settop(L, 1);
  return 1;
}

/* Moves a table of options that stands in the place of one of the last `optional` arguments to
 * `arguments` + 1, where the stack then ends. */
void latL_placeoptions(lua_State *L, int arguments, int optional);

/* ---- classes ----------------------------------------------------------------- */

/* A field that is read from the memory of an object. */
typedef enum latL_FieldType {
  LATL_SIZE,
  LATL_UINT64,
  LATL_DOUBLE,
  LATL_BOOLEAN,
  LATL_DTYPE,
  LATL_STRING
} latL_FieldType;
typedef struct latL_Field {
  const char *name; /* NULL ends a list */
  latL_FieldType type;
  size_t offset;
} latL_Field;

/* Sets them, of the object, in the table on the top of the stack; a string that is NULL is nil. */
void latL_setfields(lua_State *L, const latL_Field *fields, const void *object);

typedef struct latL_Class {
  const char *metatable;          /* "latent.Tape" */
  const char *who;                /* "tape", for messages about its fields */
  const latL_Function *functions; /* methods and metamethods */
  const latL_Field *fields;
  /* the object at 1, for `fields`; raises when it isn't one */
  void *(*object)(lua_State *L, const char *who);
  /* pushes another field, of the name at 2, or returns 0; may be NULL */
  int (*more_fields)(lua_State *L);
  lua_CFunction finalizer; /* or NULL */
} latL_Class;

/* Makes the metatable. Its fields can't be set, unless the functions have a __newindex. */
void latL_newclass(lua_State *L, const latL_Class *class);

#endif
