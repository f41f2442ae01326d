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
#include "base/options.h"
#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "base/parameters.h"
#include "base/random.h"
#include "base/special.h"
#include "base/status.h"
#include "base/vector_math.h"
#include "base/workspace.h"

#include "matrix/arithmetic.h"
#include "matrix/format.h"
#include "matrix/linear/factor.h"
#include "matrix/linear/linear.h"
#include "matrix/linear/solve.h"
#include "matrix/linear/svd.h"
#include "matrix/matrix.h"
#include "matrix/moments.h"
#include "matrix/order.h"
#include "matrix/product.h"
#include "matrix/random_matrix.h"
#include "matrix/reduce.h"
#include "matrix/spread.h"

#include "modeling/model.h"
#include "modeling/sample.h"
#include "modeling/save.h"
#include "modeling/source.h"
#include "modeling/statistics.h"

#include "eigen/eigen.h"
#include "eigen/krylov.h"

#include "projection/ica.h"
#include "projection/incremental.h"
#include "projection/pca.h"
#include "projection/rotation.h"
#include "projection/scaler.h"

#include "em/common/responsibilities.h"
#include "em/em.h"
#include "em/factor/bpca.h"
#include "em/factor/fa.h"
#include "em/factor/factor.h"
#include "em/factor/ppca.h"
#include "em/fit.h"
#include "em/gmm/gmm.h"
#include "em/kmeans/kmeans.h"
#include "em/kmeans/starts.h"
#include "em/lds/lds.h"
#include "em/lds/steady.h"
#include "em/lds/tracker.h"
#include "em/mixture/mixture.h"
#include "em/mppca/mppca.h"
#include "matrix/assignment.h"

#include "nn/checkpoint.h"
#include "nn/gemm.h"
#include "nn/layers.h"
#include "nn/ops.h"
#include "nn/optimizers.h"
#include "nn/store.h"
#include "nn/tape.h"

#include "deep/common/batch.h"
#include "deep/common/decoder.h"
#include "deep/common/deep.h"
#include "deep/common/likelihood.h"
#include "deep/nonlinear/nonlinear.h"
#include "deep/vae/vae.h"

#include "files/csv.h"
#include "files/csv_columns.h"
#include "files/gzip.h"
#include "files/npy.h"
#include "files/safetensors.h"

/* For hosts that link liblatent.a with the bindings: luaL_requiref(L, "latent", luaopen_latent,
 * 0). */
struct lua_State;
int luaopen_latent(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
