/* scaler.c: latent.scaler, columns with mean 0 and deviation 1. */
#include "model/methods.h"

const latL_Kind latL_scaler_kind = {.name = "scaler",
                                    .metatable = "latent.Scaler",
                                    .gaps = LATL_KNOWS_GAPS,
                                    .core = &lat_scaler_model};
