-- Matrices and models to Python and back.

return {
  {
    name = "interchange",
    topic = true,
    summary = "Matrices and fitted models to NumPy and scikit-learn, and back.",
    text = [[
Matrices. One is an npy file, several by name are an npz or a safetensors file. All bits arrive, NaN included,
float32 stays float32, a vector has one axis; lists of strings, of labels say, are arrays of text in npz files. From
here:

  latent.write("X.npy", X)                             X = numpy.load("X.npy")
  latent.write("data.npz", { X = X, y = y })           data = numpy.load("data.npz"); data["X"]
  latent.write("data.safetensors", { X = X })          safetensors.numpy.load_file("data.safetensors")["X"]

and back:

  local X = latent.read "X.npy"                        numpy.save("X.npy", X)
  local data = latent.read "data.npz"                  numpy.savez("data.npz", X=X, y=y), or savez_compressed
  local data = latent.read "data.safetensors"          safetensors.numpy.save_file({"X": X}, "data.safetensors")

Text carries all bits, too: latent.write has as many digits as it takes, and numpy.savetxt does with fmt="%.17g".

Fitted models. A saved model is a safetensors file, whose tensors are its parameters by their names here, and
whose metadata say what it is (latent.help "save"). In Python:

  from safetensors import safe_open
  with safe_open("gmm.safetensors", framework="np") as f:
      parameters = {name: f.get_tensor(name) for name in f.keys()}       # weights, means, covariances
      about = f.metadata()                                               # kind, options, sizes, record

safetensors.numpy.save_file(parameters, "back.safetensors", metadata=about) makes a model of latent.load again. So is
one that Python alone has made: format, version, kind, options, sizes and record are its metadata, arrays are
float64 and row by row, and latent.load says which one is missing or has another shape.

scikit-learn. from_sklearn.py, in scripts and in share/latent of an installation, saves fitted estimators:

  from from_sklearn import from_sklearn                # or python3 from_sklearn.py gmm.pickle gmm.safetensors
  from_sklearn(GaussianMixture(3).fit(X), "gmm.safetensors")

  local gmm = latent.load "gmm.safetensors"

It knows GaussianMixture, PCA, IncrementalPCA, KMeans, MiniBatchKMeans, FactorAnalysis, FastICA, StandardScaler, and
a pipeline of StandardScaler and PCA, which is one model here. What the model says of rows is what the estimator
says, to 1e-12: predict (classes are counted from 1 here), predict_proba is responsibilities, score_samples is
log_likelihood, transform and inverse_transform are themselves. Parameters are taken as they are. So the signs and
the order of components are scikit-learn's, and the eigenvalues of a PCA are its explained_variance_, of sums
divided by N - 1, which whitening divides by; a fit here divides by N. A fit of the loaded model begins anew, as
latent does it. PCA has no log_likelihood here, but PPCA has one, of variances over N. FastICA keeps no data:
from_sklearn(ica, path, X) has the kurtosis of the sources from X, by which log_likelihood chooses their densities.

Images, tables of text and compressed files: latent.help "files".]],
  },
}
