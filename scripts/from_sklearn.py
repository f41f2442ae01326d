#!/usr/bin/env python3
"""Saves fitted models of scikit-learn as files that latent.load reads.

    from from_sklearn import from_sklearn
    from_sklearn(GaussianMixture(3).fit(X), "gmm.safetensors")

or from a shell, for an estimator in a pickle or a joblib file:

    python3 from_sklearn.py gmm.pickle gmm.safetensors

    local gmm = latent.load "gmm.safetensors"

GaussianMixture, PCA, IncrementalPCA, KMeans, MiniBatchKMeans, FactorAnalysis, FastICA, StandardScaler, and the
pipeline of a StandardScaler and a PCA, are known. What latent's model then says of rows is what the estimator says,
to rounding:

    predict(X) + 1          predict    (classes are counted from 1)
    predict_proba           responsibilities
    score_samples           log_likelihood (of GaussianMixture and FactorAnalysis)
    transform               transform; inverse_transform likewise

Parameters are taken as they are, so that signs and order of components are scikit-learn's, and the eigenvalues of a
PCA are its explained_variance_, sums divided by N - 1, where latent's own fit divides by N.

The files are safetensors; only NumPy is needed to write them.
"""

import json
import struct
import sys

import numpy as np


def _fitted(estimator, attribute):
    if not hasattr(estimator, attribute):
        raise ValueError("the %s has no %s: fit it first" % (type(estimator).__name__, attribute))
    return np.asarray(getattr(estimator, attribute), dtype=np.float64)


def _gmm(e, _):
    parameters = {"weights": _fitted(e, "weights_"), "means": e.means_, "covariances": e.covariances_}
    record = {"converged": bool(e.converged_), "iterations": int(e.n_iter_)}
    if len(getattr(e, "lower_bounds_", [])) == e.n_iter_:
        record["history"] = [float(x) for x in e.lower_bounds_]
    K, D = e.means_.shape
    return {"components": K, "covariance": e.covariance_type}, {"D": D, "K": K}, parameters, record


def _pca(e, _):
    components = _fitted(e, "components_")
    M, D = components.shape
    parameters = {
        "mean": e.mean_, "deviation": np.ones(D), "components": components.T, "eigenvalues": e.explained_variance_,
        "explained_ratio": e.explained_variance_ratio_, "total_variance": _total_variance(e, D),
    }
    return {"latent_dim": M, "whiten": bool(e.whiten)}, {"D": D, "M": M}, parameters, {"converged": True}


def _total_variance(e, D):
    """What the components keep, and the mean of the D - M variances that they don't."""
    if hasattr(e, "var_"):  # IncrementalPCA
        N = e.n_samples_seen_
        return np.sum(e.var_) * N / (N - 1)
    rest = min(D, e.n_samples_) - len(e.explained_variance_)
    return np.sum(e.explained_variance_) + e.noise_variance_ * max(rest, 0)


def _kmeans(e, _):
    centers = _fitted(e, "cluster_centers_")
    K, D = centers.shape
    parameters = {"centers": centers, "origin": np.zeros(D)}
    record = {"converged": int(e.n_iter_) < e.max_iter, "iterations": int(e.n_iter_), "inertia": float(e.inertia_)}
    return {"clusters": K}, {"D": D, "K": K}, parameters, record


def _fa(e, _):
    W = _fitted(e, "components_").T
    D, M = W.shape
    parameters = {
        "mean": e.mean_, "W": W, "noise_variances": e.noise_variance_, "factor_correlations": np.eye(M),
    }
    # the rotation, if there was one, is in W, and further fits have none
    record = {"converged": int(e.n_iter_) < e.max_iter, "iterations": int(e.n_iter_)}
    return {"latent_dim": M}, {"D": D, "M": M}, parameters, record


def _ica(e, X):
    unmixing = _fitted(e, "components_")
    M, D = unmixing.shape
    kurtosis = np.zeros(M)
    if X is not None:
        S = e.transform(X)
        kurtosis = np.mean(S ** 4, 0) / np.mean(S ** 2, 0) ** 2 - 3
    parameters = {
        "mean": getattr(e, "mean_", np.zeros(D)), "mixing": e.mixing_, "unmixing": unmixing, "kurtosis": kurtosis,
        "flat": kurtosis < 0,
    }
    return {"latent_dim": M}, {"D": D, "M": M}, parameters, {"converged": int(e.n_iter_) < e.max_iter,
                                                             "iterations": int(e.n_iter_)}


def _scaler(e, _):
    D = int(_fitted(e, "n_features_in_"))
    options = {"with_mean": bool(e.with_mean), "with_deviation": bool(e.with_std)}
    parameters = {
        "mean": e.mean_ if e.with_mean else np.zeros(D), "deviation": e.scale_ if e.with_std else np.ones(D),
    }
    return options, {"D": D}, parameters, {"converged": True}


def _pipeline(e, X):
    """Standardizing is an option of latent's PCA: x is scaled before it is projected."""
    steps = [step for _, step in e.steps]
    if [type(step).__name__ for step in steps] not in (["StandardScaler", "PCA"], ["StandardScaler", "IncrementalPCA"]):
        raise TypeError("estimator: a Pipeline must be a StandardScaler and a PCA")
    _, _, scaler, _ = _scaler(steps[0], X)
    options, sizes, parameters, record = _pca(steps[1], X)
    parameters["mean"] = scaler["mean"] + scaler["deviation"] * parameters["mean"]
    parameters["deviation"] = scaler["deviation"]
    return {**options, "standardize": True}, sizes, parameters, record


_KINDS = {
    "GaussianMixture": ("gmm", _gmm), "PCA": ("pca", _pca), "IncrementalPCA": ("pca", _pca),
    "KMeans": ("kmeans", _kmeans), "MiniBatchKMeans": ("kmeans", _kmeans), "FactorAnalysis": ("fa", _fa),
    "FastICA": ("ica", _ica), "StandardScaler": ("scaler", _scaler), "Pipeline": ("pca", _pipeline),
}


def _write(path, tensors, metadata):
    """A safetensors file of float64: the header's length, the header in JSON, the elements row by row."""
    header, place = {"__metadata__": metadata}, 0
    for name in sorted(tensors):
        data = tensors[name]
        header[name] = {"dtype": "F64", "shape": data.shape, "data_offsets": [place, place + data.nbytes]}
        place += data.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            file.write(tensors[name].tobytes())


def from_sklearn(estimator, path, X=None):
    """Saves the fitted estimator at path. X, its data, is for FastICA: the kurtosis of the sources, by which
    latent's log_likelihood chooses their densities; without it they are taken for peaked ones."""
    for cls in type(estimator).__mro__:
        if cls.__name__ in _KINDS and cls.__module__.startswith("sklearn."):
            kind, convert = _KINDS[cls.__name__]
            break
    else:
        raise TypeError("estimator must be one of %s of scikit-learn, fitted, got %s"
                        % (", ".join(_KINDS), type(estimator).__name__))
    options, sizes, parameters, record = convert(estimator, X)
    tensors = {name: np.array(value, dtype="<f8", order="C") for name, value in parameters.items()}
    for name, value in tensors.items():
        if not np.all(np.isfinite(value)):
            raise ValueError("the %s's %s isn't finite" % (type(estimator).__name__, name))
    _write(path, tensors, {
        "format": "latent", "version": "1", "kind": kind, "options": json.dumps(options), "sizes": json.dumps(sizes),
        "record": json.dumps(record),
    })


def _read(path):
    try:
        import joblib
        return joblib.load(path)  # reads pickles, too
    except ImportError:
        import pickle
        with open(path, "rb") as file:
            return pickle.load(file)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__ if sys.argv[1:] in (["-h"], ["--help"]) else
                 "usage: from_sklearn.py ESTIMATOR.pickle MODEL.safetensors (a pickle runs code: trust its maker)")
    try:
        from_sklearn(_read(sys.argv[1]), sys.argv[2])
    except (OSError, TypeError, ValueError) as error:
        sys.exit("from_sklearn.py: %s" % error)
