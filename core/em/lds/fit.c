/* lds/fit.c: EM for linear dynamical systems, as core/em/em.h runs it. */
#include "em/lds/em.h"

const lat_em_kind lat_lds_kind = {.name = "lds",
                                  .parameters = lat_lds_parameters,
                                  .statistics = lat_lds_statistics_count,
                                  .scratch = lat_lds_scratch_count,
                                  .e_step = lat_lds_e_step,
                                  .m_step = lat_lds_m_step,
                                  .feasible = lat_lds_feasible};
