/* zip.c: latent.zip, zero-inflated counts. */
#include "em/zip/zip.h"
#include "model/methods.h"

static const latL_Kind kind = {.name = "zip",
                               .metatable = "latent.Zip",
                               .gaps = LATL_GAPS_BY("mixture"),
                               .core = &lat_zip_model};

void latL_open_zip(lua_State *L)
{
  latL_openmodel(L, &kind);
}
