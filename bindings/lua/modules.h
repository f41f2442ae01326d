/* modules.h: the one list of the module's parts. Each has a function latL_open_NAME, called in
 * this order by luaopen_latent with the module's table on the top of the stack, which it leaves
 * there. */
#ifndef LATL_LUA_MODULES_H
#define LATL_LUA_MODULES_H

#include "lua/api.h"

/* clang-format off */
#define LATL_MODULES(part)                                                                         \
  part(state) part(matrix) part(matrix_index) part(matrix_make)                 \
  part(matrix_arithmetic) part(matrix_reduce) part(matrix_linear) part(matrix_functions) part(random)   \
  part(eigen) part(file) part(files) part(batches)                                                 \
  part(scaler) part(pca) part(ica) part(run) part(fit) part(em_model) part(lds)             \
  part(lds_tracker) part(kmeans) part(gmm) part(mppca) part(mixture) part(ppca) part(bpca) part(fa) \
  part(nonlinear) part(vae) part(flow)                                                             \
  part(nn_store) part(nn_checkpoint) part(nn_tape) part(nn_value) part(nn_operations) part(nn_net)          \
  part(nn_optimizers)                                                                              \
  part(describe) part(save) /* after all models */
/* clang-format on */

#define LATL_DECLARE(name) void latL_open_##name(lua_State *L);
LATL_MODULES(LATL_DECLARE)
#undef LATL_DECLARE

#endif
