/* host/models.c: models between the host's C and Lua. */
#include <string.h>

#include "host/host.h"
#include "model/files/saved.h"
#include "model/fit.h"
#include "modeling/option_json.h"

#define PUSH "lat_lua_push_model"

/* ---- from C to Lua --------------------------------------------------------------------------- */

/* The kind of the host's model, whose description may be that of another copy of the core. */
static const latL_Kind *kind_of(lua_State *L, const lat_model *model)
{
  const latL_Kind *kind = model ? latL_findkind(L, model->name) : NULL;
  if (!kind || !kind->core || kind->core->options_size != model->options_size)
    latL_error(L, PUSH, "the module has no model '%s'", model ? model->name : "(NULL)");
  if (kind->core->nets || !kind->core->apply)
    latL_error(L, PUSH, "models of the kind '%s' are handed on as files: lat_%s_save", kind->name,
               kind->name);
  return kind;
}

/* The options that aren't their defaults, as the table that a constructor takes. */
static lat_status push_options(lua_State *L, lat_workspace *work, const lat_model *core,
                               const void *options)
{
  lat_text text;
  lat_json json;
  LAT_TRY(lat_model_check(work, core, options));
  LAT_TRY(lat_options_write(work, core->options, options, &text));
  LAT_TRY(lat_json_begin(&json, work, text));
  LAT_TRY(latL_pushjson(L, &json));
  return lat_json_end(&json);
}

/* Pushes a new model, without a fit. */
static void push_unfitted(lua_State *L, const latL_Kind *kind, const void *options)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LATL_CONSTRUCTORS);
  lua_getfield(L, -1, kind->name);
  lua_remove(L, -2);
  lat_workspace *work = latL_newworkspace(L);
  lua_insert(L, -2);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, PUSH, work, mark, push_options(L, work, kind->core, options));
  lua_call(L, 1, 1);
  lat_workspace_done(work);
  lua_remove(L, -2);
}

static void check_parameters(lua_State *L, const lat_parameter *table, const lat_fitted *f)
{
  double *at = f->flat;
  if (!at) latL_error(L, PUSH, "the model has no parameters yet");
  for (const lat_parameter *p = table; p->name; p++) {
    size_t count = lat_parameter_count(p, f->sizes);
    lat_matrix row = lat_matrix_of(at, 1, count);
    if (count) latL_run(L, PUSH, lat_check_finite, p->name, &row, false);
    at += count;
  }
  if (at == f->flat) latL_error(L, PUSH, "the model has sizes of 0");
}

void latL_pushhostmodel(lua_State *L, const lat_fitted *fitted, const lat_fit_report *report)
{
  luaL_checkstack(L, 40, PUSH);
  const latL_Kind *kind = kind_of(L, fitted->model);
  push_unfitted(L, kind, fitted->options);
  int model = lua_gettop(L);
  const latL_Model *m = lua_touserdata(L, model);
  check_parameters(L, latL_parametersof(m), fitted);
  const latL_Fitted *f = latL_pushcopy(L, model, fitted);
  if (kind->core->check_fitted) latL_run(L, PUSH, kind->core->check_fitted, f);
  if (report) latL_recordreport(L, model + 1, report);
  latL_publish(L, model);
  luaL_getmetafield(L, model, "loaded");
  lua_pushvalue(L, model);
  lua_call(L, 1, 0);
}

/* ---- from Lua to C --------------------------------------------------------------------------- */

/* Pushes what keeps the view, and returns NULL; or pushes nothing, and returns what is wrong. */
static const char *view(lua_State *L, int index, lat_fitted *to)
{
  index = lua_absindex(L, index);
  const latL_Model *m = lua_touserdata(L, index);
  const latL_Kind *kind = m->kind;
  const char *bound = kind->bound ? kind->bound(L, index) : NULL;
  if (m->gone) return "its memory has been given back";
  if (bound) return bound;
  if (kind->core && kind->core->nets) {
    *to = *latL_netsof(m);
    lua_pushvalue(L, index);
    return NULL;
  }
  if (kind->refresh) kind->refresh(L, index, kind->name);
  const latL_Fitted *f = latL_pushfitted(L, index);
  if (f && f->flat) {
    *to = *f;
    to->prepared = (lat_prepared){0};
    return NULL;
  }
  lua_pop(L, 1);
  return "it is not fitted yet";
}

static const latL_Model *model_of_kind(lua_State *L, int index, const char *kind)
{
  const latL_Model *m = latL_tomodel(L, index);
  return m && (!kind || strcmp(kind, m->kind->name) == 0) ? m : NULL;
}

bool latL_tohostmodel(lua_State *L, int index, const char *kind, lat_fitted *to)
{
  luaL_checkstack(L, 16, "lat_lua_to_model");
  return model_of_kind(L, index, kind) && !view(L, index, to);
}

lat_fitted latL_checkhostmodel(lua_State *L, int arg, const char *who, const char *name,
                               const char *kind)
{
  lat_fitted to;
  luaL_checkstack(L, 16, who);
  const latL_Model *m = latL_tomodel(L, arg);
  if (!model_of_kind(L, arg, kind))
    latL_error(L, who, "%s must be a %s, got %s", name, kind ? kind : "model",
               m ? m->kind->name : latL_got(L, arg));
  const char *wrong = view(L, arg, &to);
  if (wrong) latL_error(L, who, "%s can't be used in C: %s", name, wrong);
  return to;
}
