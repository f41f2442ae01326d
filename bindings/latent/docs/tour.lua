-- A tour of the library: a topic each for matrices, eigenvalues, models, time series, nets and files; examples run.

return {
  {
    name = "tour",
    topic = true,
    summary = "The library in six short sessions.",
    text = [[
Each is a page with lines to type; `local latent = require "latent"` comes before them (the prompt of the command latent
has it already):

  latent.help "first matrices"     making them, views, products
  latent.help "first eigenvalues"  all of them, the largest, singular values
  latent.help "first models"       fit, transform, sample, compare
  latent.help "first series"       the Nile, its level, a forecast, a tracker
  latent.help "first nets"         an autoencoder ready-made, and a training loop of one's own
  latent.help "first pictures"     files and figures

latent.help() lists everything by family; latent.help(x) is about any function, model or value.]],
  },
  {
    name = "first matrices",
    topic = true,
    summary = "Matrices are float64 or float32; rows, columns, blocks and transposes are views of the same memory.",
    text = "Indices begin at 1, ranges include both ends, negative ones count from the end. The product of matrices is "
      .. "*, and % is element by element. A vector broadcasts over the rows.",
    example = [[
local matrix = latent.matrix
local A = matrix { { 4, 1 }, { 2, 3 } }
local b = matrix { 1, 2 }              -- a vector is one-dimensional
print(A * A, A:solve(b))
A[1][2] = 0                            -- A[1] is a view of row 1; A(1, 2) reads
A:row(2):fill(7)
local X = matrix.normal(1000, 3, latent.random(1))
local centred = X - X:mean(1)
print(centred:std(1), X:block(1, 10):t():max())]],
  },
  {
    name = "first eigenvalues",
    topic = true,
    summary = "Eigenvalues descend, and the sign of every vector is fixed: its largest entry is positive.",
    text = "The k largest come from a partial solver, also for a matrix that exists only as a function.",
    example = [[
local X = latent.matrix.normal(1000, 3, latent.random(1))
local S = X:t() * X / #X
local values, vectors = latent.eigen.symmetric(S)
local top = latent.eigen.largest(function(V) return S * V end, 1, { size = 3 })
local U, s, V = latent.eigen.svd(X)
print(values, top, s)]],
  },
  {
    name = "first models",
    topic = true,
    summary = "Models share their methods: fit returns the model, transform gives latent variables, sample draws rows.",
    text = "Models with hidden variables are fitted by one EM loop: missing entries, weights, files larger than "
      .. "memory, restarts and Ctrl-C are the same everywhere, and so is the record that a fit leaves.",
    example = [[
local iris = latent.datasets.iris()
local pca = latent.pca { latent_dim = 0.9, standardize = true }:fit(iris) -- 90% of the variance
local again = pca:inverse_transform(pca:transform(iris))
local kmeans = latent.kmeans { clusters = 3, restarts = 5 }:fit(iris)
local gmm = latent.gmm { components = 3, restarts = 5 }:fit(iris)
print(gmm)                                     -- gmm:summary() says more
print(kmeans.inertia, gmm:bic(iris), gmm.converged, #gmm.history)
local R = gmm:responsibilities(iris)           -- 150 x 3; predict gives labels
local bound, divergence = gmm:elbo(iris)       -- their sum is the log-likelihood
local few = latent.ppca { latent_dim = 2 }:fit(iris)
print(few:score(iris), gmm:score(iris))        -- mean log-likelihoods, in nats
for i, objective in gmm:steps(iris) do         -- one iteration a turn
  if i == 3 then break end
end]],
  },
  {
    name = "first series",
    topic = true,
    summary = "Time series have gaps, trends and seasons: linear dynamical systems filter, smooth and forecast them.",
    text = "latent.blocks builds levels, trends, seasons and more; their variances come by maximum likelihood. NaN is "
      .. "an observation that is missing.",
    example = [[
local flow = latent.datasets.nile()            -- 100 years of the Nile
local level, found = latent.blocks.fit(function(p)
  return latent.blocks.local_level { level_variance = p.level, noise_variance = p.noise }
end, { level = 1000, noise = 10000 }, flow)
print(found.level, found.noise, level:score(flow))
print(level:forecast(flow, 10, { level = 0.95 }))
local tracker = level:tracker()                -- for a host that sees one observation at a time
tracker:update(flow[1])]],
  },
  {
    name = "first nets",
    topic = true,
    summary = "A variational autoencoder is ready-made, and a training loop of one's own is Lua.",
    text = "Flows, diffusions, flow matching and GANs are made and fitted in the same way; latent.nn is the engine "
      .. "under all of them.",
    example = [[
local digits, labels = latent.datasets.digits()
local images = (digits / 16):to "float32"
local vae = latent.vae { input_dim = 64, latent_dim = 4, hidden = 64, seed = 1 }
vae:fit(images, { epochs = 2 })
print(vae:elbo(images):mean(), vae:log_likelihood(images, { samples = 10 }):mean())

local nn = latent.nn
local store = nn.parameters { seed = 1 }
local net = nn.mlp(store, "net", { 64, 32, 10 }, { activation = "relu" })
local adam, tape = nn.adam(store, { learning_rate = 1e-3 }), nn.tape(store, { seed = 1 })
for x, rows in latent.batches(images, 128, { seed = 1 }) do
  tape:reset()
  local loss = tape:categorical_nll(net(tape:input(x)), labels:rows_at(rows) + 1):mean()
  loss:backward()
  adam:step()
end]],
  },
  {
    name = "first pictures",
    topic = true,
    summary = "Files are read by their ending, and figures are drawn by gnuplot.",
    text = "A file that can't be read gives nil and a message. Every model has a picture: plot.",
    example = [[
local digits, labels = latent.datasets.digits()
local pca = latent.pca { latent_dim = 2 }:fit(digits)
local path = os.tmpname()
latent.write(path .. ".npy", pca:transform(digits))
local Z = assert(latent.read(path .. ".npy"))
local figure = latent.plot.figure { title = "Digits" }
figure:points(Z:col(1), Z:col(2), { classes = labels })
assert(figure:save(path .. ".svg"))            -- or .png, .pdf; figure:show() draws in the terminal
assert(pca:plot(digits, { classes = labels }):save(path .. ".svg"))
for _, ending in ipairs { "", ".npy", ".svg" } do os.remove(path .. ending) end]],
  },
}
