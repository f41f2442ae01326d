/* agree.h: ranks that fit one model together have the same model, with the same options. */
#ifndef LAT_MODELING_AGREE_H
#define LAT_MODELING_AGREE_H

#include "comm/comm.h"
#include "modeling/model.h"

/* A collective: LAT_INVALID, naming the first option that differs, with both values and ranks,
 * unless all ranks fit this kind of model with these options, begin with these parameters (or
 * NULL), and take missing entries alike. */
lat_status lat_model_agree(lat_workspace *work, lat_comm *comm, const lat_model *model,
                           const void *options, const lat_fitted *given, bool missing);

#endif
