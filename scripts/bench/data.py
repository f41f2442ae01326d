"""The inputs of the cases, each a function of a fixed seed: data.py FOLDER NAME"""
import sys

import numpy as np


def spectrum(n, d):
    """Ten strong directions, a decaying tail and noise, about a mean that isn't 0."""
    g = np.random.default_rng(3)
    r = min(n, d, 100)
    scale = 10.0 / (1 + np.arange(r)) ** 0.7
    basis = np.linalg.qr(g.standard_normal((d, r)))[0]
    X = (g.standard_normal((n, r)) * scale) @ basis.T * np.sqrt(d) / 8
    return X + 0.3 * g.standard_normal((n, d)) + g.standard_normal(d)


def symmetric(n):
    A = np.random.default_rng(4).standard_normal((n, n))
    return (A + A.T) / 2


def positive(n):
    """Between 0.01 and 20, so that log, exp and tanh see all their ranges."""
    return np.random.default_rng(5).uniform(0.01, 20.0, n)


def blobs(n, d, k, spread, start=False):
    """K Gaussian clouds whose centres deviate by `spread`; the start is K of the rows."""
    g = np.random.default_rng(1)
    X = g.standard_normal((n, d)) + spread * g.standard_normal((k, d))[g.integers(k, size=n)]
    return X[g.choice(n, k, replace=False)] if start else X


BLOBS = {
    "separated": (200_000, 32, 64, 3.0),
    "overlapping": (200_000, 32, 64, 0.5),
    "784": (20_000, 784, 10, 0.1),
    "k1000": (50_000, 32, 1000, 1.0),
    "million": (1_000_000, 16, 16, 1.0),
    "10000x10": (10_000, 10, 3, 3.0),
}

def moons(n):
    """Two half circles with noise 0.06, each axis in units of its deviation."""
    g = np.random.default_rng(8)
    angle, upper = np.pi * g.uniform(size=n), g.uniform(size=n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)), np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    X = np.stack(x, 1) + 0.06 * g.standard_normal((n, 2))
    return (X - [0.5, 0.25]) / [0.868, 0.498]


def mixture(n, d, k):
    """Gaussians with covariances of their own, somewhat overlapping."""
    g = np.random.default_rng(6)
    means = 2 * g.standard_normal((k, d))
    roots = g.standard_normal((k, d, d)) / np.sqrt(d) + 0.3 * np.eye(d)
    which = g.integers(k, size=n)
    X = g.standard_normal((n, d))
    for i in range(k):
        X[which == i] = X[which == i] @ roots[i] + means[i]
    return X


def mixed(n, d):
    """Half of the sources peaked, half flat; mixed by a matrix whose condition is mild."""
    g = np.random.default_rng(6)
    S = np.hstack([g.laplace(size=(n, d // 2)), g.uniform(-1.0, 1.0, (n, d - d // 2))])
    return S @ (np.eye(d) + 0.3 * g.standard_normal((d, d)))


def gaps(X, share):
    n, d = X.shape
    X[np.random.default_rng(6).random((n, d)) < share] = np.nan
    return X


def lds(T, n, p, name):
    """A stable system that turns; Y are T steps of it, A_start ... a start for EM."""
    g = np.random.default_rng(8)
    A = 0.95 * np.linalg.qr(g.standard_normal((n, n)))[0]
    C = g.standard_normal((p, n))
    Q = np.cov(g.standard_normal((n, 3 * n))) + 0.1 * np.eye(n)
    R = np.cov(g.standard_normal((p, 3 * p))) + 0.1 * np.eye(p)
    parts = {"A": A, "C": C, "Q": Q, "R": R, "A_start": 0.8 * A, "C_start": C + 0.3 * g.standard_normal((p, n)),
             "Q_start": np.eye(n), "R_start": np.eye(p)}
    if name != "Y":
        return parts[name]
    z, Y = np.zeros(n), np.empty((T, p))
    W = g.standard_normal((T, n)) @ np.linalg.cholesky(Q).T
    V = g.standard_normal((T, p)) @ np.linalg.cholesky(R).T
    for t in range(T):
        z = A @ z + W[t]
        Y[t] = C @ z + V[t]
    return Y


LDS = {"lds_4": (10_000, 4, 2), "lds_em": (2_000, 4, 2), "lds_20": (2_000, 20, 10)}
LDS_PARTS = ("Y", "A", "C", "Q", "R", "A_start", "C_start", "Q_start", "R_start")


def factors(n, d, m):
    """Factors with loadings of size 1, and noise variances from 0.2 to 3."""
    g = np.random.default_rng(7)
    W, psi = g.standard_normal((d, m)), g.uniform(0.2, 3.0, d)
    return g.standard_normal((n, m)) @ W.T + g.standard_normal((n, d)) * np.sqrt(psi) + g.standard_normal(d)


def planes(n, d, k, m):
    """Points of k planes of m dimensions each, in noise."""
    g = np.random.default_rng(7)
    which = g.integers(k, size=n)
    means = 2 * g.standard_normal((k, d))
    loadings = g.standard_normal((k, d, m))
    X = 0.5 * g.standard_normal((n, d))
    for i in range(k):
        rows = which == i
        X[rows] += means[i] + g.standard_normal((rows.sum(), m)) @ loadings[i].T
    return X


def images(n, d):
    """Grey images: blurred blobs on black, most of each image empty."""
    g = np.random.default_rng(8)
    side = int(np.sqrt(d))
    at = np.arange(side)
    X = np.zeros((n, side, side))
    for _ in range(3):
        c, w = g.uniform(0.2, 0.8, (2, n)) * side, g.uniform(0.05, 0.15, (2, n)) * side
        rows = np.exp(-((at - c[0, :, None]) / w[0, :, None]) ** 2)
        X += rows[:, :, None] * np.exp(-((at - c[1, :, None]) / w[1, :, None]) ** 2)[:, None, :]
    return np.where(X > 0.05, np.minimum(X, 1), 0).reshape(n, d)


INPUTS = {
    "factors_50000x100": lambda: factors(50_000, 100, 10),
    "mppca_50000x32": lambda: planes(50_000, 32, 8, 4),
    "mppca_missing": lambda: gaps(planes(5_000, 32, 8, 4), 0.2),
    "mppca_10000x256": lambda: planes(10_000, 256, 8, 8),
    "images_20000x784": lambda: images(20_000, 784),
    "moons_20480x2": lambda: moons(20_480),
    "images_1792x64": lambda: images(1_792, 64),
    "ica_50000x32": lambda: mixed(50_000, 32),
    "pca_100000x256": lambda: spectrum(100_000, 256),
    "pca_20000x500": lambda: spectrum(20_000, 500),
    "pca_2000x2000": lambda: spectrum(2_000, 2_000),
    "pca_500x10000": lambda: spectrum(500, 10_000),
    "gmm_100000x16": lambda: mixture(100_000, 16, 16),
    "gmm_20000x64": lambda: mixture(20_000, 64, 8),
    "gmm_100000x2": lambda: mixture(100_000, 2, 3),
    "symmetric_2000": lambda: symmetric(2_000),
    "ppca_missing": lambda: gaps(spectrum(20_000, 50), 0.2),
    "positive_1e7": lambda: positive(10_000_000),
    **{f"{key}_{part}": lambda args=args, part=part: lds(*args, part)
       for key, args in LDS.items() for part in LDS_PARTS},
    **{f"blobs_{key}": lambda args=args: blobs(*args) for key, args in BLOBS.items()},
    **{f"blobs_{key}_start": lambda args=args: blobs(*args, True) for key, args in BLOBS.items()},
}

folder, name = sys.argv[1:]
np.save(f"{folder}/{name}.npy", INPUTS[name]())
