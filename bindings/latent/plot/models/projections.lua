-- Pictures of scaler, pca, ppca, bpca, fa and ica. Not exported.

local latent = require "latent"
local check = require "latent.check"
local context = require "latent.plot.context"
local matrix = latent.matrix

local MOST = 40 -- bars, columns with names

local function numbered(name, n)
  local list = {}
  for i = 1, n do list[i] = ("%s %d"):format(name, i) end
  return list
end

local function first(vector, n) return #vector > n and vector:block(1, n) or vector end

-- ---- how much each component explains ---------------------------------------------------

-- Bars of shares of the variance, and their sums.
local function scree(c, shares)
  local n = math.min(#shares, MOST)
  shares = first(shares, n)
  local sums, x, total = {}, {}, 0
  for i = 1, n do
    total = total + shares[i]
    x[i], sums[i] = i, total
  end
  local fig = c.figure { title = "Variance explained", xlabel = "component", ylabel = "share of the variance",
    yrange = { 0, 1.05 }, xrange = { 0.4, n + 0.6 }, xticks = n <= 10 and x or nil }
  return fig:bars(x, shares, { label = "each" }):line(x, sums, { label = "sum", color = 3 })
    :points(x, sums, { color = 3, size = 0.7 })
end

-- W, which isn't there without latent variables.
local function weights_of(c)
  return context.field(c.model, "W") or check.fail(c.who, "latent_dim is 0: there are no directions to show")
end

-- Variances along W's directions, noise included, and the noise below them.
local function variances(c)
  local model = c.model
  local _, s = latent.eigen.svd(weights_of(c))
  local noise, list, x = model.noise_variance, {}, {}
  for i = 1, math.min(#s, MOST) do x[i], list[i] = i, s[i] ^ 2 + noise end
  local fig = c.figure { title = "Variances along W", xlabel = "direction", ylabel = "variance",
    xrange = { 0.4, #x + 0.6 }, xticks = #x <= 10 and x or nil }
  return fig:bars(x, list, { label = "W'W + noise" }):hline(noise, { label = "noise", color = 3 })
end

local function scatter(c, title, names)
  local Z = c:ask("transform", c.X)
  return c:latent_scatter(Z, { title = title, names = names or numbered("component", Z.cols) })
end

local function pca_scatter(c)
  local names = numbered("component", math.max(2, #c.model.eigenvalues))
  for i = 1, math.min(2, #c.model.eigenvalues) do
    names[i] = ("%s (%.0f %%)"):format(names[i], 100 * c.model.explained_ratio[i])
  end
  local title = #c.model.eigenvalues > 1 and "Rows in the plane of the components" or "Rows along the component"
  return scatter(c, title, names)
end

-- ---- weights of columns -----------------------------------------------------------------------

-- A D x M matrix with names: images of its columns, or a heat map, whose colours are symmetric.
local function weights(c, W, title, name)
  local D, M = #W, W.cols
  local shape = c:image_shape(D)
  if shape then
    local n = math.min(M, 20)
    return c.figure({ width = false }):images(W:t():block(1, n), { shape = shape, scale = "symmetric",
      palette = "diverging", columns = math.min(5, n), title = title })
  end
  local largest = math.max(W:abs():max(), 1e-300)
  local fig = c.figure { title = title, width = math.max(420, 60 * math.min(M, 20) + 160),
    height = math.max(c.count > 1 and 420 or 320, 24 * math.min(D, 60) + 90) }
  return fig:heatmap(W, { rows = D <= 60 and c:names_for(D) or nil, columns = numbered(name, M), palette = "diverging",
    range = { -largest, largest }, bar = D * M > 400 or nil })
end

local function hinton(c)
  local W = weights_of(c)
  local few = #W <= MOST and W.cols <= MOST
  local fig = c.figure { title = "W: a column a direction, white is positive", xlabel = "direction",
    ylabel = not few and "column of X" or nil }
  return fig:hinton(W, few and { rows = c:names_for(#W), columns = matrix.range(1, W.cols):table() } or nil)
end

local function relevance(c)
  local list, x = {}, {}
  for i = 1, math.min(#c.model.alpha, MOST) do x[i], list[i] = i, 1 / c.model.alpha[i] end
  return c.figure { title = ("%d directions are on"):format(c.model.effective_dimension), xlabel = "direction",
    ylabel = "variance of its weights, 1/alpha", xrange = { 0.4, #x + 0.6 }, xticks = #x <= 10 and x or nil }
    :bars(x, list)
end

-- Correlations of columns with factors: loadings in deviations of the columns.
local function loadings(c)
  local deviations = c:ask("covariance"):diag():sqrt()
  local L = (weights_of(c):t() / deviations):t():copy()
  return weights(c, L, "Loadings, in standard deviations", "factor")
end

local function uniquenesses(c)
  local u = c.model.uniquenesses
  local names = c:names_for(#u)
  if #u > MOST then names, u = { table.unpack(names, 1, MOST) }, first(u, MOST) end
  return c.figure { title = "The share of each column's own noise", ylabel = "uniqueness", yrange = { 0, 1 } }
    :bars(names, u)
end

-- ---- signals -----------------------------------------------------------------------------------

local MOST_ROWS, MOST_SIGNALS = 2000, 12

-- Columns one under the other, each in its own scale.
local function signals(c, S, title, names)
  local n, m = math.min(#S, MOST_ROWS), math.min(S.cols, MOST_SIGNALS)
  if n < #S then title = ("%s (rows 1 to %d)"):format(title, n) end
  local at, labels = {}, {}
  local fig = c.figure { title = title, xlabel = "row", xrange = { 0, n + 1 }, key = false,
    height = math.max(320, 70 * m + 90) }
  for j = 1, m do
    local s = S:block(1, n, j, j):flatten()
    local low, high = s:min(), s:max()
    local scale = high > low and 0.85 / (high - low) or 0
    at[j], labels[j] = m - j + 1, names[j]
    fig:line(matrix.range(1, n), (s - (low + high) / 2) * scale + at[j], { width = 1.2 })
  end
  fig.yticks, fig.yrange = { at = at, labels = labels }, { 0.4, m + 0.6 }
  return fig
end

local function sources(c)
  local S = c:ask("transform", c.X)
  return signals(c, S, "Unmixed", numbered("source", S.cols))
end

local function directions(c)
  local A, mean = c.model.mixing, c.model.mean
  local fig = c:plane_figure "Directions of the sources"
  fig.equal = true
  c:data_points(fig, nil, nil, { color = 4 })
  local x, y = {}, {}
  for i = 1, A.cols do x[i], y[i] = mean[1], mean[2] end
  return fig:vectors(x, y, A[1] * 2, A[2] * 2, { color = 3, width = 2.5 })
end

-- ---- scales ---------------------------------------------------------------------------------

local function columns(c)
  local mean, deviation = c.model.mean, c.model.deviation
  local n = math.min(#mean, MOST)
  local names, x = { table.unpack(c:names_for(#mean), 1, n) }, matrix.range(1, n)
  return c.figure { title = "Columns: mean and deviation", xticks = names, xrange = { 0.4, n + 0.6 } }
    :errorbars(x, first(mean, n), first(deviation, n))
end

local function scaled(c)
  local Z = c:ask("transform", c.X)
  local n = math.min(Z.cols, MOST)
  local names, x = { table.unpack(c.names, 1, n) }, matrix.range(1, n)
  local mean, low, high = first(Z:mean(1), n), first(Z:min(1), n), first(Z:max(1), n)
  local errors = matrix.hstack { (mean - low):reshape(n, 1), (high - mean):reshape(n, 1) }
  return c.figure { title = "Scaled: mean and range", xticks = names, xrange = { 0.4, n + 0.6 } }
    :errorbars(x, mean, errors)
end

local function history(c) return c:history() end

return {
  scaler = { { name = "columns", draw = columns }, { name = "scaled", draw = scaled, needs = "X" } },
  pca = {
    { name = "scree", draw = function(c) return scree(c, c.model.explained_ratio) end },
    { name = "scatter", draw = pca_scatter, needs = "X" },
    { name = "components", also = true,
      draw = function(c) return weights(c, c.model.components, "Components", "component") end },
  },
  ppca = {
    { name = "scree", draw = variances },
    { name = "scatter", draw = function(c) return scatter(c, "Posterior means") end, needs = "X" },
    { name = "W", also = true, draw = function(c) return weights(c, weights_of(c), "W", "direction") end },
    { name = "history", draw = history, also = true },
  },
  bpca = {
    { name = "hinton", draw = hinton },
    { name = "relevance", draw = relevance },
    { name = "scatter", draw = function(c) return scatter(c, "Posterior means") end, needs = "X", also = true },
    { name = "history", draw = history, also = true },
  },
  fa = {
    { name = "loadings", draw = loadings },
    { name = "uniquenesses", draw = uniquenesses },
    { name = "scatter", draw = function(c) return scatter(c, "Scores") end, needs = "X", also = true },
    { name = "history", draw = history, also = true },
  },
  ica = {
    { name = "signals", draw = sources, needs = "X" },
    { name = "data", also = true, needs = "X", draw = function(c) return signals(c, c.X, "As observed", c.names) end },
    { name = "directions", draw = directions, needs = "X", only = function(c) return c.X.cols == 2 end },
    { name = "mixing", draw = function(c) return weights(c, c.model.mixing, "Mixing matrix", "source") end },
    { name = "history", draw = history, also = true },
  },
}
