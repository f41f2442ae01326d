/* zip.c: latent.zip, zero-inflated counts. */
#include "em/zip/zip.h"
#include "model/model.h"

const latL_Kind latL_zip_kind = {.name = "zip",
                                 .metatable = "latent.Zip",
                                 .gaps = LATL_GAPS_BY("mixture"),
                                 .core = &lat_zip_model};
