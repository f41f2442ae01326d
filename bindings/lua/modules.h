/* modules.h: the lists of the module's parts and models, which luaopen_latent opens in this order.
 *
 * A part is a function latL_open_NAME, which finds the module's table on the top of the stack and
 * leaves it there; or what needs no code: a class (latL_NAME_class), methods of one
 * (latL_NAME_methods), functions of the module or of a table in it (latL_NAME_functions; NULL). A
 * model is its description (latL_NAME_kind, model/model.h). */
#ifndef LATL_LUA_MODULES_H
#define LATL_LUA_MODULES_H

#include "lua/class.h"

/* clang-format off */
#define LATL_MODULES(part, class, methods, functions)                                              \
  part(state) part(parts) part(matrix) part(matrix_index) part(matrix_make)                        \
  methods(matrix_arithmetic, LATL_MATRIX) methods(matrix_reduce, LATL_MATRIX)                      \
  functions(matrix_reduce, "matrix") methods(matrix_linear, LATL_MATRIX) part(matrix_functions)    \
  part(random) class(ranks) part(fork) functions(mpi, "mpi") functions(eigen, "eigen") part(file)  \
  functions(files, NULL) functions(batches, NULL) part(run) part(fit) part(ica_run)                \
  class(lds_tracker) methods(lds_tracker_step, LATL_TRACKER) part(models)                          \
  part(nonlinear) part(vae) part(flow) part(diffusion) part(flow_matching) part(gan)               \
  class(nn_store) functions(nn_store, "nn") methods(nn_checkpoint, LATL_STORE)                     \
  class(nn_tape) functions(nn_tape, "nn") class(nn_value) part(nn_operations)                      \
  class(nn_net) functions(nn_net, "nn") class(nn_optimizers) functions(nn_optimizers, "nn")        \
  part(describe) part(save) part(host) /* after all models */
#define LATL_MODELS(model)                                                                         \
  model(scaler) model(pca) model(ica) model(em_model) model(lds) model(kmeans) model(gmm)          \
  model(mppca) model(mixture) model(ppca) model(bpca) model(fa)
/* clang-format on */

#define LATL_PART(name)             void latL_open_##name(lua_State *L);
#define LATL_CLASS(name)            extern const latL_Class latL_##name##_class;
#define LATL_METHODS(name, of)      extern const latL_Function latL_##name##_methods[];
#define LATL_FUNCTIONS(name, table) extern const latL_Function latL_##name##_functions[];
#define LATL_MODEL(name)            extern const struct latL_Kind latL_##name##_kind;
LATL_MODULES(LATL_PART, LATL_CLASS, LATL_METHODS, LATL_FUNCTIONS)
LATL_MODELS(LATL_MODEL)

#endif
