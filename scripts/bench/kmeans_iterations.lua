-- K-means: 20 iterations and the labels, from the same start. Ours is fit, with the algorithm that it
-- takes by itself; scikit-learn's is Lloyd's, its default. `separated` clusters let bounds spare
-- most distances; where they overlap, or in 784 dimensions, there is nothing to spare.
-- oneDAL is scikit-learn's class in Intel's edition. faiss has single precision only, and its own rule for empty
-- clusters; it is given rows of that kind, and told not to sample them.
local function sklearn(package)
  return ([[
from PACKAGE.cluster import KMeans
def setup(X, start):
    model = KMeans(len(start), init=start, n_init=1, max_iter=20, tol=0, algorithm="lloyd")
    return lambda: model.fit(X), lambda: [model.inertia_, model.n_iter_]
]]):gsub("PACKAGE", package)
end

local faiss = [[
import numpy as np
import os
import faiss
faiss.omp_set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
def setup(X, start):
    X, start = X.astype(np.float32), start.astype(np.float32)
    K, D = start.shape
    N = len(X)
    def fit():
        global model, labels, squares
        model = faiss.Kmeans(D, K, niter=20, max_points_per_centroid=N, min_points_per_centroid=1)
        model.train(X, init_centroids=start)
        squares, labels = model.assign(X)
    return fit, lambda: [float(squares.astype(float).sum()), 20]
]]

local cases = {}

-- the targets for scikit-learn, and for faiss
for _, case in ipairs { { "separated", 3, 1 }, { "overlapping", 1, 1 }, { "784", 3.2, 1 }, { "k1000", 3, 1.2 },
  { "million", 2.2, 1 } } do
  cases[#cases + 1] = {
    name = "kmeans_" .. case[1],
    data = { "blobs_" .. case[1], "blobs_" .. case[1] .. "_start" },
    rounds = 5,
    sides = {
      { name = "latent", lua = function(latent, X, start)
        local model = latent.kmeans { init = start, max_iterations = 20, tolerance = 0 }
        return function() model:fit(X) end, function() return { model.inertia, model.iterations } end
      end },
      { name = "scikit-learn (lloyd)", python = sklearn "sklearn" },
      { name = "oneDAL", python = sklearn "sklearnex", target = 1, agree = 1e-6 },
      { name = "faiss (float32)", python = faiss, target = case[3], agree = 1e-3 },
    },
    agree = 1e-9,
    target = case[2],
  }
end

return cases
