-- K-means as a whole: k-means++, 20 iterations, the labels. Draws differ, and where they miss a cluster so do
-- the errors.
local cases = {}

for _, name in ipairs { "separated", "overlapping" } do
  cases[#cases + 1] = {
    name = "kmeans_fit_" .. name,
    data = { "blobs_" .. name },
    rounds = 3,
    sides = {
      { name = "latent", lua = function(latent, X)
        local model = latent.kmeans { clusters = 64, max_iterations = 20, tolerance = 0 }
        return function() model:fit(X) end, function() return { model.inertia } end
      end },
      { name = "scikit-learn (lloyd)", python = [[
from sklearn.cluster import KMeans
def setup(X):
    model = KMeans(64, init="k-means++", n_init=1, max_iter=20, tol=0, algorithm="lloyd", random_state=0)
    return lambda: model.fit(X), lambda: [model.inertia_]
]] },
    },
    agree = 0.5,
    target = 2,
  }
end

return cases
