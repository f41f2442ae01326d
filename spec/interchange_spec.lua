-- Matrices and models to Python and back, with NumPy, safetensors and scikit-learn themselves; bit by bit where
-- numbers move, to 1e-12 where both compute. Where Python hasn't these, the specs are pending.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local folder

-- Runs a script of Python in the folder; pending without the modules that it needs.
local function python(modules, script)
  local interpreter = helper.python(modules)
  if not interpreter then return pending("python3 has no " .. modules) end
  local path = helper.file(script, ".py")
  interpreter = interpreter:gsub("^build/", "$PWD/build/")
  local output, ok = helper.run(("export PYTHONPATH=$PWD/scripts PYTHONDONTWRITEBYTECODE=1; p=\"%s\"; cd %s && $p %s")
    :format(interpreter, folder, path))
  assert.is_truthy(ok, output)
  return output
end

local function at(name) return folder .. "/" .. name end

-- Bits of all elements, NaN included.
local function bits(A)
  local parts = {}
  for i = 1, A.rows do
    for j = 1, A.cols do parts[#parts + 1] = string.pack("<d", A(i, j)) end
  end
  return table.concat(parts)
end

local random = latent.random(1)
local X = matrix.normal(40, 5, random)
X:set(1, 1, -0.0)
X:set(2, 3, -(0 / 0)) -- NumPy's, whose sign is +
X:set(3, 3, 5e-324)
X:set(4, 1, 1 / 0)

before_each(function()
  folder = helper.path()
  assert(os.execute("mkdir " .. folder))
end)
after_each(function()
  helper.clean()
  os.execute("rm -rf " .. folder)
end)

describe("a matrix", function()
  it("goes to NumPy and back in npy, npz and safetensors, bit by bit", function()
    local v, f = X:col(2), X:to "float32"
    assert(latent.write(at "x.npy", X))
    local words = { "setosa", "", "\u{e9}\u{1F600}" }
    assert(latent.write(at "x.npz", { X = X, v = v, f = f, t = X:t(), words = words }))
    assert(latent.write(at "x.safetensors", { X = X, v = v, f = f, t = X:t() }))
    if not python("numpy, safetensors", [=[
import numpy as np
from safetensors.numpy import load_file, save_file
X = np.load("x.npy")
z = np.load("x.npz")
s = load_file("x.safetensors")
assert X.shape == (40, 5) and X.dtype == np.float64
assert sorted(z.files) == ["X", "f", "t", "v", "words"] and sorted(s) == ["X", "f", "t", "v"]
assert z["words"].dtype == "<U6" and z["words"].tolist() == ["setosa", "", "\u00e9\U0001F600"]
for t in z, s:
    assert t["X"].tobytes() == X.tobytes() and t["v"].shape == (40,) and t["f"].dtype == np.float32
    assert np.ascontiguousarray(t["t"].T).tobytes() == X.tobytes()
    assert t["v"].tobytes() == np.ascontiguousarray(X[:, 1]).tobytes()
np.save("b.npy", X)
save_file({k: z[k] for k in s}, "b.safetensors")
more = dict(fortran=np.asfortranarray(X), big=X.astype(">f8"), i=np.arange(6).reshape(2, 3), b=np.array([True, False]),
            scalar=np.float64(2.5), images=np.arange(24, dtype=np.uint8).reshape(2, 3, 4), zero=np.zeros((300, 200)),
            bytes=np.array([b"ab", b"c"]))
np.savez("b.npz", **{k: z[k] for k in z.files}, **more)
np.savez_compressed("c.npz", **{k: z[k] for k in z.files}, **more)
]=]) then return end
    assert.equal(bits(X), bits(assert(latent.read(at "b.npy"))))
    for _, name in ipairs { "b.npz", "c.npz", "b.safetensors" } do
      local t = assert(latent.read(at(name)))
      assert.equal(bits(X), bits(t.X))
      assert.equal(bits(X:t()), bits(t.t))
      assert.equal(bits(v), bits(t.v))
      assert.equal(bits(f), bits(t.f))
      assert.equal("float32", t.f.dtype)
      if name:find "npz" then
        assert.same(words, t.words)
        assert.same({ "ab", "c" }, t.bytes)
        assert.equal(bits(X), bits(t.fortran))
        assert.equal(bits(X), bits(t.big))
        assert.same({ { 0, 1, 2 }, { 3, 4, 5 } }, t.i:table())
        assert.same({ 1, 0 }, t.b:table())
        assert.same({ 2.5 }, t.scalar:table())
        assert.same({ 2, 12, 23 }, { t.images.rows, t.images.cols, t.images(2, 12) })
        assert.same({ 300, 0 }, { t.zero.rows, t.zero:max() })
      end
    end
  end)

  it("goes to NumPy and back as text, bit by bit", function()
    assert(latent.write(at "x.csv", X, { columns = { "a", "b", "c", "d", "e" }, missing = "nan" }))
    if not python("numpy", [=[
import numpy as np
X = np.genfromtxt("x.csv", delimiter=",", names=True)
assert X.dtype.names == ("a", "b", "c", "d", "e")
np.savetxt("b.csv", X, delimiter=",", fmt="%.17g")
np.save("b.npy", np.array(X.tolist()))
]=]) then return end
    assert.equal(bits(X), bits(assert(latent.read(at "b.npy"))))
    local back = assert(latent.read(at "b.csv"))
    assert.equal(bits(X), bits(back))
  end)
end)

describe("a fitted model", function()
  local data = latent.datasets.faithful()

  it("goes to NumPy, which computes the same densities, and comes back", function()
    local gmm = latent.gmm { components = 2, seed = 1 }:fit(data)
    assert(gmm:save(at "gmm.safetensors"))
    assert(latent.write(at "data.npy", data))
    if not python("numpy, safetensors", [=[
import json
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
X = np.load("data.npy")
with safe_open("gmm.safetensors", framework="np") as f:
    t, about = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()
options = json.loads(about["options"])
assert about["kind"] == "gmm" and options["components"] == 2
log_p = []
for w, m, S in zip(t["weights"], t["means"], t["covariances"]):
    d = X - m
    log_p.append(np.log(w) - 0.5 * (np.sum(d * np.linalg.solve(S, d.T).T, 1) + np.linalg.slogdet(2 * np.pi * S)[1]))
log_p = np.logaddexp(*log_p)
t["means"] = np.ascontiguousarray(t["means"][::-1])
t["weights"] = np.ascontiguousarray(t["weights"][::-1])
t["covariances"] = np.ascontiguousarray(t["covariances"][::-1])
save_file(t, "back.safetensors", metadata=about)
np.savez("out.npz", log_p=log_p)
]=]) then return end
    local expected = assert(latent.read(at "out.npz")).log_p
    assert.near_matrix(expected, gmm:log_likelihood(data), 1e-12)
    local back = assert(latent.load(at "back.safetensors"))
    assert.near_matrix(expected, back:log_likelihood(data), 1e-12)
    assert.equal(bits(gmm.means[1]), bits(back.means[2]))
    assert.same(gmm.history, back.history)
  end)

  it("made by NumPy alone is a model here", function()
    assert(latent.write(at "data.npy", data))
    if not python("numpy, safetensors", [=[
import json
import numpy as np
from safetensors.numpy import save_file
X = np.load("data.npy")
mean, (values, vectors) = X.mean(0), np.linalg.eigh(np.cov(X.T, bias=True))
M, D = 1, 2
u = np.ascontiguousarray(vectors[:, ::-1][:, :M])
save_file({"mean": mean, "deviation": np.ones(D), "components": u, "eigenvalues": values[::-1][:M].copy(),
           "explained_ratio": values[::-1][:M] / values.sum(), "total_variance": np.array(values.sum())},
          "pca.safetensors", metadata={"format": "latent", "version": "1", "kind": "pca", "record": "{}",
          "options": json.dumps({"latent_dim": M}), "sizes": json.dumps({"D": D, "M": M})})
np.save("z.npy", (X - mean) @ u)
]=]) then return end
    local pca = assert(latent.load(at "pca.safetensors"))
    assert.near_matrix(assert(latent.read(at "z.npy")), pca:transform(data), 1e-12)
    local own = latent.pca { latent_dim = 1 }:fit(data)
    assert.near_matrix(own.eigenvalues, pca.eigenvalues, 1e-9)
  end)
end)

-- What from_sklearn.py saves, against what the estimators themselves say.
describe("a model of scikit-learn", function()
  it("is loaded, and says of rows what the estimator says, to 1e-12", function()
    local A = matrix.normal(6, 6, random)
    local sources = random:uniform(400, 6) * 2 - 1
    sources = sources + matrix.zeros(400, 6):map(function() return random:integer(0, 1) * 3 end)
    assert(latent.write(at "data.npy", sources * A + 2))
    if not python("sklearn, numpy", [=[
import numpy as np
from from_sklearn import from_sklearn
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, out = np.load("data.npy"), {}


def save(name, e, **asked):
    from_sklearn(e.fit(X), name + ".safetensors", X)
    for method, ours in asked.items():
        given = out[name + ".transform"] if method == "inverse_transform" else X
        out[name + "." + ours] = np.asarray(getattr(e, method)(given), float) + (method == "predict")


density = dict(score_samples="log_likelihood")
for c in "full", "diag", "tied", "spherical":
    save("gmm_" + c, GaussianMixture(4, covariance_type=c, random_state=1), predict="predict",
         predict_proba="responsibilities", **density)
linear = dict(transform="transform", inverse_transform="inverse_transform")
for whiten in False, True:
    save("pca_%d" % whiten, PCA(3, whiten=whiten), **linear)
    save("incremental_%d" % whiten, IncrementalPCA(4, whiten=whiten), **linear)
save("kmeans", KMeans(5, random_state=1, n_init=2), predict="predict", transform="transform")
save("batches", MiniBatchKMeans(5, random_state=1, n_init=2), predict="predict", transform="transform")
for rotation in None, "varimax":
    save("fa_%s" % rotation, FactorAnalysis(2, rotation=rotation), transform="transform", **density)
for whiten in "unit-variance", "arbitrary-variance":
    save("ica_" + whiten[:4], FastICA(4, whiten=whiten, random_state=1), **linear)
save("ica_none", FastICA(whiten=False, random_state=1), transform="transform")
save("scaler", StandardScaler(), **linear)
for whiten in False, True:
    save("pipe_%d" % whiten, make_pipeline(StandardScaler(), PCA(3, whiten=whiten)), **linear)
save("mean", StandardScaler(with_std=False), **linear)
np.savez("expected.npz", **out)

e = PCA(3).fit(X)
np.savez("more.npz", eigenvalues=e.explained_variance_, ratio=e.explained_variance_ratio_,
         total=np.var(X, axis=0, ddof=1).sum())
for wrong, part in (PCA(2), "fit it first"), (X, "estimator must be one of"), (PCA, "estimator must be one of"), \
        (make_pipeline(PCA(2)), "a Pipeline must be"):
    try:
        from_sklearn(wrong, "wrong.safetensors")
    except (TypeError, ValueError) as error:
        assert part in str(error), error
    else:
        raise AssertionError(wrong)
]=]) then return end
    local data, count = assert(latent.read(at "data.npy")), 0
    local said = assert(latent.read(at "expected.npz"))
    for key, expected in pairs(said) do
      local name, method = key:match "^(.*)%.(.*)$"
      local model = assert(latent.load(at(name .. ".safetensors")))
      local given = method == "inverse_transform" and said[name .. ".transform"] or data
      assert.near_matrix(expected, model[method](model, given), 1e-12 * math.max(1, expected:abs():max()))
      count = count + 1
    end
    assert.equal(41, count)
    local pca, more = latent.load(at "pca_0.safetensors"), latent.read(at "more.npz")
    assert.near_matrix(more.eigenvalues, pca.eigenvalues, 0)
    assert.near_matrix(more.ratio, pca.explained_ratio, 0)
    assert.near(more.total[1], pca.total_variance, 1e-10)
    -- uniform sources are flat, and two heaps of them, too
    local ica = latent.load(at "ica_unit.safetensors")
    assert.is_true(ica.kurtosis:max() < 0)
    assert.is_true(latent.load(at "gmm_full.safetensors").converged)
    -- and it is fitted again as any other
    assert.equal(4, latent.load(at "gmm_full.safetensors"):fit(data).means.rows)
  end)

  it("is saved from a shell, from a pickle", function()
    if not python("sklearn, numpy", [=[
import pickle, subprocess, sys, os
import numpy as np
from sklearn.cluster import KMeans
X = np.array([[0.0, 0], [0, 1], [9, 9], [9, 8]])
e = KMeans(2, random_state=0, n_init=1).fit(X)
with open("e.pickle", "wb") as file:
    pickle.dump(e, file)
script = os.environ["PYTHONPATH"] + "/from_sklearn.py"
run = lambda *words: subprocess.run([sys.executable, "-W", "ignore", script, *words], capture_output=True, text=True)
assert run("e.pickle", "e.safetensors").returncode == 0
assert "usage" in run("e.pickle").stderr
assert "No such file" in run("nowhere.pickle", "e.safetensors").stderr
assert "latent.load" in run("--help").stderr
np.save("labels.npy", e.labels_ + 1)
]=]) then return end
    local model = assert(latent.load(at "e.safetensors"))
    assert.near_matrix(latent.read(at "labels.npy"), model:predict { { 0, 0 }, { 0, 1 }, { 9, 9 }, { 9, 8 } }, 0)
    assert.near(1, model.inertia, 1e-12)
  end)
end)
