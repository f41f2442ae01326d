-- Writes a model of each kind, and what it says of some rows, to spec/files/VERSION, where they stay for ever:
-- spec/kept_files_spec.lua loads them. To be run once, when a release is made (CONTRIBUTING.md):
--
--   lua5.4 spec/files/make.lua        from the top of the tree, with the build tree's paths
--
-- A kind that is new since the last release needs a row here.
local latent = require "latent"

local folder = "spec/files/" .. latent.version
local X = latent.datasets.iris():rows_at { 1, 8, 15, 22, 29, 36, 43, 50, 51, 58, 65, 72, 79, 86, 93, 100, 101, 108, 115,
  122, 129, 136, 143, 150 }
local species = latent.matrix(24, 1, function(i) return (i - 1) // 8 + 1 end):col(1)
local probe = { { 5, 3.4, 1.5, 0.2 }, { 6.1, 2.8, 4, 1.3 }, { 6.5, 3, 5.5, 2.1 } }
local counts = latent.matrix { { 0, 1, 3 }, { 1, 0, 2 }, { 0, 2, 4 }, { 7, 1, 0 }, { 9, 0, 1 }, { 8, 2, 0 } }
local nile = latent.datasets.nile()

local models = {
  scaler = { latent.scaler():fit(X), "transform" },
  pca = { latent.pca { latent_dim = 2 }:fit(X), "transform" },
  ica = { latent.ica { latent_dim = 2, seed = 1 }:fit(X), "transform" },
  kmeans = { latent.kmeans { clusters = 3, seed = 1 }:fit(X), "transform" },
  mppca = { latent.mppca { components = 2, latent_dim = 1, seed = 1 }:fit(X), "log_likelihood" },
  ppca = { latent.ppca { latent_dim = 2 }:fit(X), "log_likelihood" },
  bpca = { latent.bpca { latent_dim = 2 }:fit(X), "log_likelihood" },
  fa = { latent.fa { latent_dim = 1 }:fit(X), "log_likelihood" },
  mixture = { latent.mixture { components = 2, family = "poisson", seed = 1 }:fit(counts), "log_likelihood",
    counts:table() },
  lds = { latent.lds { latent_dim = 1, max_iterations = 5 }:fit(nile), "log_likelihood",
    { { 1120 }, { 1160 }, { 963 }, { 1210 }, { 1160 }, { 1160 } } },
  classifier = { latent.classifier(function() return latent.gmm { covariance = "diag" } end):fit(X, species),
    "predict" },
  em = { latent.em {
    parameters = { theta = 0.5 }, -- Rao's linkage data
    e_step = function(t, y)
      local hidden = y[1] * t.theta / (2 + t.theta)
      return { a = hidden + y[4], b = y[2] + y[3] },
        y[1] * math.log(2 + t.theta) + (y[2] + y[3]) * math.log(1 - t.theta) + y[4] * math.log(t.theta)
    end,
    m_step = function(s) return { theta = s.a / (s.a + s.b) } end,
  }:fit { 125, 18, 20, 34 } },
  nonlinear = { latent.nonlinear { input_dim = 4, latent_dim = 1, hidden = 3, seed = 1 } },
  vae = { latent.vae { input_dim = 4, latent_dim = 2, hidden = 3, likelihood = "gaussian", seed = 1 }, "transform" },
  flow = { latent.flow { input_dim = 4, hidden = 3, seed = 1 }, "log_likelihood" },
  diffusion = { latent.diffusion { input_dim = 4, hidden = 3, seed = 1 }, "sample" },
  flow_matching = { latent.flow_matching { input_dim = 4, hidden = 3, seed = 1 }, "sample" },
  gan = { latent.gan { input_dim = 4, latent_dim = 2, hidden = 3, seed = 1 }, "sample" },
}
for _, form in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
  models["gmm_" .. form] = { latent.gmm { components = 2, covariance = form, seed = 1 }:fit(X), "log_likelihood" }
end
models.nonlinear[2] = "sample"
for _, name in ipairs { "nonlinear", "vae", "flow", "diffusion", "flow_matching", "gan" } do
  models[name][1]:fit(X, { epochs = 2, batch = 8 })
end

-- The matrix, vector or list as Lua text, a line for each row.
local function text(value)
  if type(value) == "userdata" then value = value:table() end
  local lines = {}
  for i, row in ipairs(value) do
    local numbers = {}
    for j, x in ipairs(type(row) == "table" and row or { row }) do numbers[j] = ("%.15g"):format(x) end
    lines[i] = type(row) == "table" and "{ " .. table.concat(numbers, ", ") .. " }" or numbers[1]
  end
  return "{\n      " .. table.concat(lines, ",\n      ") .. ",\n    }"
end

assert(os.execute("mkdir -p " .. folder))
local names, entries = {}, {}
for name in pairs(models) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local model, method, rows = table.unpack(models[name])
  assert(model:save(("%s/%s.safetensors"):format(folder, name)))
  local entry = ("  %s = {"):format(name)
  if method == "sample" then
    entry = ("%s\n    method = %q,\n    values = %s,\n "):format(entry, method, text(model:sample(3, { seed = 1 })))
  elseif method then
    entry = ("%s\n    method = %q,\n    rows = %s,\n    values = %s,\n "):format(entry, method,
      rows and text(rows) or "probe", text((model[method](model, rows or probe))))
  end
  entries[#entries + 1] = entry .. " },"
end
local file = assert(io.open(folder .. "/said.lua", "w"))
file:write("-- What the models of this release said of rows, as spec/files/make.lua has written it.\nlocal probe = ",
  text(probe), "\n\nreturn {\n", table.concat(entries, "\n"), "\n}\n")
file:close()
