/* host/models.c: models between the host's C and Lua. */
#include <string.h>

#include "deep/common/deep.h"
#include "em/lds/em.h"
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
  if (!kind->core->apply && kind->core != &lat_lds_model)
    latL_error(L, PUSH, "models of the kind '%s' are made of functions of Lua", kind->name);
  return kind;
}

/* The options that aren't their defaults, as the table that a constructor takes. */
static lat_status push_options(lua_State *L, lat_workspace *work, const lat_model *core,
                               const lat_fitted *fitted)
{
  lat_text text;
  lat_json json;
  LAT_TRY(lat_model_check(work, core, fitted->options));
  if (core == &lat_lds_model) { /* no table has all of them */
    const lat_lds lds = lat_lds_of(fitted->options, fitted->flat, fitted->sizes);
    LAT_TRY(lat_lds_write_options(work, &lds, &text));
  } else {
    LAT_TRY(lat_options_write(work, core->options, fitted->options, &text));
  }
  LAT_TRY(lat_json_begin(&json, work, text));
  LAT_TRY(latL_pushjson(L, &json));
  return lat_json_end(&json);
}

/* Pushes a new model, without a fit. */
static void push_unfitted(lua_State *L, const latL_Kind *kind, const lat_fitted *fitted)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LATL_CONSTRUCTORS);
  lua_getfield(L, -1, kind->name);
  lua_remove(L, -2);
  lat_workspace *work = latL_newworkspace(L);
  lua_insert(L, -2);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, PUSH, work, mark, push_options(L, work, kind->core, fitted));
  lua_call(L, 1, 1);
  lat_workspace_done(work);
  lua_remove(L, -2);
}

static void check_parameters(lua_State *L, const lat_parameter *table, const lat_fitted *f)
{
  double *at = f->flat;
  for (const lat_parameter *p = table; p->name; p++) {
    size_t count = lat_parameter_count(p, f->sizes);
    lat_matrix row = lat_matrix_of(at, 1, count);
    if (count) latL_run(L, PUSH, lat_check_finite, p->name, &row, false);
    at += count;
  }
  if (at == f->flat) latL_error(L, PUSH, "the model has sizes of 0");
}

/* Nets := those of the host's, training and all, by what a file of them would have. */
static lat_status take_nets(latL_Source *s, lat_deep *from, const lat_checkpoint *to)
{
  lat_safetensors file;
  const lat_checkpoint checkpoint = lat_deep_checkpoint(from);
  const lat_target memory = {.memory = &s->map};
  LAT_TRY(lat_checkpoint_write(&s->work, memory, &checkpoint, NULL, 0));
  LAT_TRY(lat_safetensors_parse(&s->work, s->map.bytes, s->map.size, &file));
  return lat_checkpoint_read(&s->work, &file, s->map.bytes, to);
}

static void push_nets(lua_State *L, const latL_Kind *kind, const lat_fitted *fitted)
{
  if (!fitted->aside) latL_error(L, PUSH, "the model has no nets yet");
  push_unfitted(L, kind, fitted);
  int model = lua_gettop(L);
  const lat_checkpoint nets = latL_storedkind(L, kind)(lua_touserdata(L, model));
  latL_Source *s = latL_newsource(L);
  lat_status status = take_nets(s, fitted->aside, &nets);
  if (status != LAT_OK) latL_check(L, PUSH, &s->work, lat_workspace_mark(&s->work), status);
  latL_closesource(s);
  lua_settop(L, model);
  lua_pushinteger(L, (lua_Integer)nets.optimizers[0]->steps);
  latL_keep(L, model, "iterations");
}

void latL_pushhostmodel(lua_State *L, const lat_fitted *fitted, const lat_fit_report *report)
{
  luaL_checkstack(L, 40, PUSH);
  const latL_Kind *kind = kind_of(L, fitted->model);
  if (kind->core->nets) {
    push_nets(L, kind, fitted);
    return;
  }
  if (!fitted->flat) latL_error(L, PUSH, "the model has no parameters yet");
  push_unfitted(L, kind, fitted);
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
