/* latent.h: the one header that a host includes, and a tour of the library.
 *
 * latent is a C11 library for latent variable models, on OpenBLAS and LAPACKE. It keeps no state
 * but a pool of threads, never prints and never exits: memory, time and errors are its caller's.
 * The indented lines of this tour are a program, which a spec compiles and runs:
 *
 *   cc -std=c11 tour.c $(pkg-config --cflags --libs latent)
 *
 * scripts/c has more of them, one thing each; a model of your own among them (09_own_model.c).
 * Every header begins with what it is about. C++ programs include this one, which gives all of them
 * C's linkage.
 *
 *     #include <stdio.h>
 *     #include <stdlib.h>
 *
 *     #include "latent.h"
 *
 * Matrices (matrix/matrix.h) are views: they own nothing. Rows are observations, N x D; a
 * transpose, a column, a block are views of the same numbers.
 *
 * Errors (base/status.h): a function that can fail returns a status, and LAT_TRY passes a failure
 * on. A sentence that names the argument, its value and what was expected is then in the workspace.
 *
 *     static lat_status make_rows(lat_workspace *work, double *numbers, lat_matrix *X)
 *     {
 *       lat_random random = {.seed = 1}; // the same numbers on every machine
 *       LAT_TRY(lat_random_fill_normal(work, &random, 400, numbers));
 *       *X = lat_matrix_of(numbers, 200, 2);
 *       lat_matrix part = lat_block_of(*X, 0, 0, 100, 1); // 100 rows of the first column
 *       for (size_t i = 0; i < 100; i++) lat_set(&part, i, 0, lat_get(&part, i, 0) + 8);
 *       return LAT_OK;
 *     }
 *
 * Memory (base/workspace.h): scratch lies in a workspace, a stack that grows to what calls need.
 * What is taken from it after a LAT_SCOPE is released where its block of code ends. Functions
 * release what they take, but for those that say "Keeps": a fit keeps the parameters that it found.
 *
 *     static lat_status tour(lat_workspace *work)
 *     {
 *       LAT_SCOPE(work);
 *       lat_matrix X;
 *       double *numbers = lat_doubles(work, 400); // or memory of your own
 *       if (!numbers) return LAT_MEMORY;
 *       LAT_TRY(make_rows(work, numbers, &X));
 *
 * A fit: every model has options with defaults, lat_NAME_fit, and a struct that views what was
 * found by name. The source (modeling/source.h) is a matrix here; it can be a file that is larger
 * than memory, or a function that gives the next rows.
 *
 *       lat_gmm_options options = lat_gmm_defaults();
 *       options.components = 2;
 *       lat_source rows = lat_source_of(&X);
 *       lat_gmm gmm;
 *       lat_fit_report report;
 *       LAT_TRY(lat_gmm_fit(work, &rows, NULL, &options, &gmm, &report));
 *       printf("converged %d, the means are %.0f apart\n", report.converged,
 *              gmm.means[2] - gmm.means[0]);
 *
 * What it says of rows, by lat_NAME_apply: each output that isn't NULL is filled, into your memory.
 *
 *       double labels[200], log_p[200], again[200];
 *       lat_request request = {.X = X};
 *       lat_outputs outputs = {.labels = labels, .log_likelihood = log_p};
 *       LAT_TRY(lat_gmm_apply(work, &gmm, &request, &outputs));
 *       printf("row 1 is of component %g, row 200 of component %g\n", labels[0], labels[199]);
 *
 * Files (modeling/save.h) are safetensors files, which Lua (latent.load) and Python read, too.
 *
 *       LAT_TRY(lat_gmm_save(work, &gmm, "tour.safetensors"));
 *       LAT_TRY(lat_gmm_load(work, "tour.safetensors", &gmm));
 *       remove("tour.safetensors");
 *       LAT_TRY(lat_gmm_apply(work, &gmm, &request, &(lat_outputs){.log_likelihood = again}));
 *       printf("the same from a file: %d\n", again[0] == log_p[0]);
 *
 *       options.components = 0;
 *       lat_status status = lat_gmm_check(work, &options);
 *       printf("%s: %s\n", lat_status_name(status), work->message);
 *       return LAT_OK;
 *     }
 *
 * An allocator of your own (base/memory.h) may count memory, or refuse it, which is LAT_MEMORY.
 *
 *     static void *allocate(void *held, void *old, size_t was, size_t size)
 *     {
 *       *(size_t *)held += size - was; // one of them is 0
 *       free(old);
 *       return size ? malloc(size) : NULL;
 *     }
 *
 * Threads (base/parallel.h): results are the same bits for every number of them. A workspace is
 * used by one thread at a time; several threads that have one each may call anything at once.
 *
 * Time: any thread may set the flag that `cancel` points to, which ends a call between chunks of
 * its work with LAT_CANCELLED; so does the deadline, but for fits, which keep what they have come
 * to.
 *
 *     int main(void)
 *     {
 *       size_t held = 0;
 *       atomic_int cancel = 0;
 *       lat_workspace work;
 *       lat_workspace_init(&work);
 *       work.allocator = (lat_allocator){allocate, &held};
 *       work.cancel = &cancel;
 *       work.deadline = lat_clock() + 60; // seconds
 *       lat_threads_set(2);
 *       lat_status status = tour(&work);
 *       if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
 *       lat_workspace_done(&work);
 *       printf("bytes held: %zu\n", held);
 *       return status != LAT_OK;
 *     }
 */
#ifndef LATENT_H
#define LATENT_H

#ifdef __cplusplus
#include <atomic> /* before what follows: templates have no C linkage */
extern "C" {
#endif

#include "base/blas.h"
#include "base/options.h"
#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "base/parameters.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/special.h"
#include "base/status.h"
#include "base/vector_math.h"
#include "base/version.h"
#include "base/workspace.h"

#include "comm/comm.h"
#include "comm/forked.h"
#include "comm/share.h"
#include "comm/shared.h"

#include "matrix/arithmetic.h"
#include "matrix/format.h"
#include "matrix/functions.h"
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
#include "matrix/samples/metrics.h"
#include "matrix/samples/sample_distances.h"
#include "matrix/samples/sample_neighbours.h"
#include "matrix/samples/silhouette.h"

#include "modeling/describe.h"
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
#include "em/factor/ppca.h"
#include "em/fit.h"
#include "em/gmm/gmm.h"
#include "em/kmeans/kmeans.h"
#include "em/lds/lds.h"
#include "em/lds/steady.h"
#include "em/lds/tracker/tracker.h"
#include "em/mixture/mixture.h"
#include "em/mppca/mppca.h"
#include "matrix/samples/assignment.h"

#include "nn/checkpoint.h"
#include "nn/layers.h"
#include "nn/operations.h"
#include "nn/ops.h"
#include "nn/optimizers.h"
#include "nn/store.h"
#include "nn/tape.h"

#include "deep/common/batch.h"
#include "deep/common/decoder.h"
#include "deep/common/deep.h"
#include "deep/common/likelihood.h"
#include "deep/common/net_file.h"
#include "deep/common/net_model.h"
#include "deep/common/ode.h"
#include "deep/common/options.h"
#include "deep/common/training.h"
#include "deep/diffusion/diffusion.h"
#include "deep/flow/flow.h"
#include "deep/flow_matching/flow_matching.h"
#include "deep/gan/gan.h"
#include "deep/nonlinear/nonlinear.h"
#include "deep/vae/vae.h"

#include "files/csv.h"
#include "files/csv_columns.h"
#include "files/gzip.h"
#include "files/idx.h"
#include "files/image.h"
#include "files/json.h"
#include "files/npy.h"
#include "files/npz.h"
#include "files/png.h"
#include "files/pnm.h"
#include "files/safetensors.h"

/* For hosts that link liblatent.a with the bindings: luaL_requiref(L, "latent", luaopen_latent,
 * 0). */
struct lua_State;
int luaopen_latent(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
