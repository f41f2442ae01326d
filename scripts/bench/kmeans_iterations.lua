-- K-means: 20 iterations and the labels, from the same start. Ours is fit, with the algorithm that it
-- takes by itself; scikit-learn's is Lloyd's, its default. `separated` clusters let bounds spare
-- most distances; where they overlap, or in 784 dimensions, there is nothing to spare.
local cases = {}

for _, case in ipairs { { "separated", 3 }, { "overlapping", 1 }, { "784", 2.5 } } do
  cases[#cases + 1] = {
    name = "kmeans_" .. case[1],
    data = { "blobs_" .. case[1], "blobs_" .. case[1] .. "_start" },
    rounds = 5,
    sides = {
      { name = "latent", lua = function(latent, X, start)
        local model = latent.kmeans { init = start, max_iterations = 20, tolerance = 0 }
        return function() model:fit(X) end, function() return { model.inertia, model.iterations } end
      end },
      { name = "scikit-learn (lloyd)", python = [[
from sklearn.cluster import KMeans
def setup(X, start):
    model = KMeans(len(start), init=start, n_init=1, max_iter=20, tol=0, algorithm="lloyd")
    return lambda: model.fit(X), lambda: [model.inertia_, model.n_iter_]
]] },
    },
    agree = 1e-9,
    target = case[2],
  }
end

return cases
