/* scaler.c: latent.scaler, columns with mean 0 and deviation 1. */
#include "model/methods.h"

static const latL_Kind kind = {.name = "scaler",
                               .metatable = "latent.Scaler",
                               .gaps = LATL_KNOWS_GAPS,
                               .core = &lat_scaler_model};

void latL_open_scaler(lua_State *L)
{
  latL_openmodel(L, &kind);
}
