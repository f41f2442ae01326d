/* describe.c: latent.describe, the core's descriptions of models as tables in Lua, from which the
 * documentation has types, defaults and bounds. */
#include <string.h>

#include "lua/json.h"
#include "model/model.h"
#include "modeling/describe.h"

/* latent.describe(name) -> {name=, options=, methods=, missing=}; nil for what has no description.
 */
static int describe(lua_State *L)
{
  const char *who = "latent.describe", *text;
  latL_nooptions(L, 2, who);
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TSTRING)
    latL_error(L, who, "name must be a string, got %s", latL_got(L, 1));
  const latL_Kind *kind = latL_findkind(L, lua_tostring(L, 1));
  if (!kind || !kind->core) return 0;
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_json json;
  lat_status status = lat_model_describe(work, kind->core, &text);
  if (status == LAT_OK) status = lat_json_begin(&json, work, (lat_text){text, strlen(text)});
  if (status == LAT_OK) status = latL_pushjson(L, &json);
  if (status != LAT_OK) latL_check(L, who, work, mark, status);
  return 1;
}

void latL_open_describe(lua_State *L)
{
  lua_pushcfunction(L, describe);
  lua_setfield(L, -2, "describe");
}
