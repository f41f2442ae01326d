/* model.c: models, and the blocks of what a fit has made of them; see model.h. */
#include "model/model.h"

#include <string.h>

static const char is_kind = 0;                /* its address is a key of every kind's metatable */
static const char FITTED[] = "latent.fitted"; /* no class of the users' */

/* ---- what a fit makes ------------------------------------------------------------------------ */

static latL_Fitted *to_fitted(lua_State *L, int arg)
{
  return luaL_testudata(L, arg, FITTED);
}

latL_Fitted *latL_newunfitted(lua_State *L, int model)
{
  model = lua_absindex(L, model);
  latL_Fitted *f = lua_newuserdatauv(L, sizeof *f, LATL_FITTED_VALUES);
  const latL_Model *m = lua_touserdata(L, model);
  *f = (latL_Fitted){.owner = m, .model = m->kind->core};
  if (m->kind->core) f->options = latL_optionsof(m);
  luaL_setmetatable(L, FITTED);
  lua_pushvalue(L, model);
  lua_setiuservalue(L, -2, LATL_OF_MODEL);
  lua_newtable(L);
  lua_setiuservalue(L, -2, LATL_RECORD);
  return f;
}

latL_Fitted *latL_newfitted(lua_State *L, int model, const size_t sizes[LAT_SIZES])
{
  latL_Fitted *f = latL_newunfitted(L, model);
  size_t count = lat_parameters_count(latL_parametersof(latL_owner(f)), sizes);
  memcpy(f->sizes, sizes, sizeof f->sizes);
  f->flat = latL_newmatrix(L, 1, count ? count : 1, LAT_FLOAT64)->view.data;
  lua_setiuservalue(L, -2, LATL_PARAMETERS);
  return f;
}

double *latL_newstatistics(lua_State *L, int fitted, size_t count)
{
  fitted = lua_absindex(L, fitted);
  double *memory = latL_newmatrix(L, 1, count, LAT_FLOAT64)->view.data;
  latL_Fitted *f = lua_touserdata(L, fitted);
  lua_setiuservalue(L, fitted, LATL_STATISTICS);
  f->count = count;
  return f->statistics = memory;
}

void latL_dropaside(lua_State *L, int fitted)
{
  fitted = lua_absindex(L, fitted);
  latL_Fitted *f = lua_touserdata(L, fitted);
  lua_pushnil(L);
  lua_setiuservalue(L, fitted, LATL_ASIDE);
  f->aside = NULL;
  f->aside_bytes = 0;
}

latL_Fitted *latL_pushcopy(lua_State *L, int model, const lat_fitted *from)
{
  latL_Fitted *to = latL_newfitted(L, model, from->sizes);
  size_t count = lat_parameters_count(latL_parametersof(latL_owner(to)), from->sizes);
  memcpy(to->flat, from->flat, count * sizeof *to->flat);
  if (from->aside) {
    to->aside = memcpy(lua_newuserdatauv(L, from->aside_bytes, 0), from->aside, from->aside_bytes);
    to->aside_bytes = from->aside_bytes;
    lua_setiuservalue(L, -2, LATL_ASIDE);
  }
  if (from->statistics)
    memcpy(latL_newstatistics(L, -1, from->count), from->statistics,
           from->count * sizeof *from->statistics);
  to->seen = from->seen;
  to->updates = from->updates;
  return to;
}

void latL_pushdeep(lua_State *L, int from, int depth)
{
  if (lua_type(L, from) != LUA_TTABLE || depth == 0) {
    lua_pushvalue(L, from);
    return;
  }
  luaL_checkstack(L, 8, NULL);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, from);) {
    lua_pushvalue(L, -2);
    latL_pushdeep(L, lua_gettop(L) - 1, depth - 1);
    lua_rawset(L, -5);
    lua_pop(L, 1);
  }
}

latL_Fitted *latL_copyfitted(lua_State *L, int fitted)
{
  fitted = lua_absindex(L, fitted);
  const latL_Fitted *from = lua_touserdata(L, fitted);
  lua_getiuservalue(L, fitted, LATL_OF_MODEL);
  latL_Fitted *to = latL_pushcopy(L, -1, from);
  lua_remove(L, -2);
  lua_getiuservalue(L, fitted, LATL_RECORD);
  latL_pushdeep(L, lua_gettop(L), 1);
  lua_setiuservalue(L, -3, LATL_RECORD);
  lua_pop(L, 1);
  return to;
}

/* table[name] := the value on the top, for a table that is a user value. */
static void set_field(lua_State *L, int at, int value, const char *name)
{
  lua_getiuservalue(L, at, value);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* In the place of the table on the top, its field; the type. */
static int take_field(lua_State *L, const char *name)
{
  lua_pushstring(L, name);
  int type = lua_rawget(L, -2);
  lua_remove(L, -2);
  return type;
}

void latL_record(lua_State *L, int fitted, const char *name)
{
  set_field(L, lua_absindex(L, fitted), LATL_RECORD, name);
}

void latL_recordfields(lua_State *L, int fitted, const latL_Field *fields, const void *object)
{
  lua_getiuservalue(L, fitted, LATL_RECORD);
  latL_setfields(L, fields, object);
  lua_pop(L, 1);
}

void latL_recordlist(lua_State *L, int fitted, const char *name, const double *numbers,
                     size_t count)
{
  fitted = lua_absindex(L, fitted);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushnumber(L, numbers[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  latL_record(L, fitted, name);
}

int latL_recorded(lua_State *L, int fitted, const char *name)
{
  lua_getiuservalue(L, fitted, LATL_RECORD);
  return take_field(L, name);
}

static const char MISSING[] = "missing";

bool latL_takesmissing(lua_State *L, int fitted)
{
  if (lua_isnil(L, fitted)) return false;
  bool takes = latL_recorded(L, fitted, MISSING) == LUA_TBOOLEAN && lua_toboolean(L, -1);
  lua_pop(L, 1);
  return takes;
}

void latL_recordmissing(lua_State *L, int fitted, bool missing)
{
  if (!missing) return;
  fitted = lua_absindex(L, fitted);
  lua_pushboolean(L, true);
  latL_record(L, fitted, MISSING);
}

void latL_recorddata(lua_State *L, int fitted, int data, size_t rows)
{
  fitted = lua_absindex(L, fitted);
  if (rows > 0) {
    lua_pushinteger(L, (lua_Integer)rows);
    latL_record(L, fitted, "observations");
  }
  if (!latL_tomatrix(L, data)) return;
  if (!latL_pushdescribed(L, data, "names")) return;
  if (lua_istable(L, -1))
    latL_record(L, fitted, "names");
  else
    lua_pop(L, 1);
}

void latL_publish(lua_State *L, int model)
{
  lua_setiuservalue(L, model, LATL_FITTED);
}

const latL_Fitted *latL_pushfitted(lua_State *L, int model)
{
  lua_getiuservalue(L, model, LATL_FITTED);
  return lua_touserdata(L, -1);
}

size_t latL_columnsbefore(lua_State *L)
{
  if (!latL_tomodel(L, 1)) return 0;
  const latL_Fitted *f = latL_pushfitted(L, 1);
  size_t columns = f ? f->sizes[LAT_D] : 0;
  lua_pop(L, 1);
  return columns;
}

latL_Model *latL_argmodel(lua_State *L, int arg, const latL_Kind *kind, const char *who)
{
  latL_Model *m = luaL_testudata(L, arg, kind->metatable);
  if (!m && arg == 1) latL_failself(L, who, kind->name);
  if (!m) latL_error(L, who, "other must be a %s, got %s", kind->name, latL_typename(L, arg));
  return m;
}

const latL_Fitted *latL_fitted(lua_State *L, int arg, const latL_Kind *kind, const char *who)
{
  const latL_Fitted *f = to_fitted(L, arg);
  if (f && strcmp(latL_owner(f)->kind->metatable, kind->metatable) == 0) return f;
  const latL_Model *m = latL_argmodel(L, arg, kind, who);
  if (m->gone) latL_failgone(L, who, "model's memory");
  if (kind->core && kind->core->nets) return latL_netsof(m);
  if (kind->refresh) kind->refresh(L, arg, who);
  f = latL_pushfitted(L, arg);
  if (!f || !f->flat) latL_error(L, who, "the model is not fitted yet");
  lua_replace(L, arg);
  return f;
}

/* ---- models ---------------------------------------------------------------------------------- */

void latL_markkind(lua_State *L)
{
  latL_newmetatable(L, FITTED);
  lua_pop(L, 1);
  lua_pushboolean(L, true);
  lua_rawsetp(L, -2, &is_kind);
}

void *latL_newmodel(lua_State *L, const latL_Kind *kind, size_t bytes)
{
  latL_Model *m = lua_newuserdatauv(L, bytes, LATL_VALUES);
  memset(m, 0, bytes);
  m->kind = kind;
  lua_newtable(L);
  if (lua_istable(L, 1)) {
    latL_pushdeep(L, 1, LAT_JSON_DEPTH);
    lua_setfield(L, -2, LATL_MADE_WITH);
  }
  lua_setiuservalue(L, -2, LATL_KEPT);
  luaL_setmetatable(L, kind->metatable);
  return m;
}

latL_Model *latL_tomodel(lua_State *L, int arg)
{
  void *model = lua_touserdata(L, arg);
  if (!model || !lua_getmetatable(L, arg)) return NULL;
  bool ours = lua_rawgetp(L, -1, &is_kind) != LUA_TNIL;
  lua_pop(L, 2);
  return ours ? model : NULL;
}

/* The model at `arg`, or whose block is there. */
static const latL_Model *model_at(lua_State *L, int arg)
{
  const latL_Fitted *f = to_fitted(L, arg);
  return f ? latL_owner(f) : latL_tomodel(L, arg);
}

const char *latL_modelremedy(lua_State *L)
{
  const latL_Model *m = model_at(L, 1);
  if (!m) return NULL;
  const char *gaps = m->kind->gaps ? m->kind->gaps : "";
  bool later = to_fitted(L, 1) && strcmp(gaps, LATL_KNOWS_GAPS) == 0; /* a method, no fit */
  return later ? LATL_KNOWS_GAPS ", here or at fit" : gaps;
}

void *latL_checkmodel(lua_State *L, const latL_Kind *kind, const char *who)
{
  latL_Model *m = latL_argmodel(L, 1, kind, who);
  if (m->gone) latL_failgone(L, who, "model's memory");
  return m;
}

void latL_pushkept(lua_State *L, int model)
{
  if (!to_fitted(L, model)) {
    lua_getiuservalue(L, model, LATL_KEPT);
    return;
  }
  lua_getiuservalue(L, model, LATL_OF_MODEL);
  lua_getiuservalue(L, -1, LATL_KEPT);
  lua_remove(L, -2);
}

void latL_keep(lua_State *L, int model, const char *name)
{
  set_field(L, lua_absindex(L, model), LATL_KEPT, name);
}

int latL_kept(lua_State *L, int model, const char *name)
{
  latL_pushkept(L, model);
  return take_field(L, name);
}

int latL_keptfield(lua_State *L, int model, const char *table, const char *name)
{
  latL_kept(L, model, table);
  int type = lua_getfield(L, -1, name);
  lua_remove(L, -2);
  return type;
}
