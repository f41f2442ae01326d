/* latent.h: the one header that a host includes.
 *
 * latent is a library for latent variable models. The core is plain C11 on OpenBLAS
 * and LAPACKE; it owns no memory of the caller's, keeps no state but a thread pool,
 * never prints and never exits. Read base/workspace.h first, then matrix/matrix.h;
 * after these two every header can be read by itself. */
#ifndef LATENT_H
#define LATENT_H

#define LAT_VERSION "0.1.0"

#ifdef __cplusplus
#include <atomic>
extern "C" {
using std::atomic_int;
#endif

#include "base/blas.h"
#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "base/parameters.h"
#include "base/random.h"
#include "base/special.h"
#include "base/status.h"
#include "base/vector_math.h"
#include "base/workspace.h"

#include "matrix/arithmetic.h"
#include "matrix/factor.h"
#include "matrix/format.h"
#include "matrix/linear.h"
#include "matrix/matrix.h"
#include "matrix/moments.h"
#include "matrix/order.h"
#include "matrix/product.h"
#include "matrix/reduce.h"
#include "matrix/solve.h"
#include "matrix/spread.h"
#include "matrix/svd.h"

#include "eigen/eigen.h"
#include "eigen/krylov.h"

#include "projection/ica.h"
#include "projection/incremental.h"
#include "projection/pca.h"
#include "projection/rotation.h"
#include "projection/scaler.h"

#include "em/assignment.h"
#include "em/bpca.h"
#include "em/em.h"
#include "em/fa.h"
#include "em/factor_model.h"
#include "em/gmm.h"
#include "em/kmeans.h"
#include "em/lds.h"
#include "em/lds_steady.h"
#include "em/lds_tracker.h"
#include "em/mixture.h"
#include "em/mppca.h"
#include "em/ppca.h"
#include "em/responsibilities.h"
#include "em/starts.h"

#include "nn/checkpoint.h"
#include "nn/gemm.h"
#include "nn/layers.h"
#include "nn/ops.h"
#include "nn/optimizers.h"
#include "nn/store.h"
#include "nn/tape.h"

#include "deep/batch.h"
#include "deep/decoder.h"
#include "deep/deep.h"
#include "deep/likelihood.h"
#include "deep/nonlinear.h"
#include "deep/vae.h"

#include "files/csv.h"
#include "files/gzip.h"
#include "files/npy.h"
#include "files/safetensors.h"

/* For hosts that link liblatent.a with the bindings: luaL_requiref(L, "latent", luaopen_latent, 0). */
struct lua_State;
int luaopen_latent(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
