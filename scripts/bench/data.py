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


def gaps(n, d, share):
    X = spectrum(n, d)
    X[np.random.default_rng(6).random((n, d)) < share] = np.nan
    return X


INPUTS = {
    "pca_100000x256": lambda: spectrum(100_000, 256),
    "pca_20000x500": lambda: spectrum(20_000, 500),
    "pca_2000x2000": lambda: spectrum(2_000, 2_000),
    "pca_500x10000": lambda: spectrum(500, 10_000),
    "symmetric_2000": lambda: symmetric(2_000),
    "ppca_missing": lambda: gaps(20_000, 50, 0.2),
    "positive_1e7": lambda: positive(10_000_000),
}

folder, name = sys.argv[1:]
np.save(f"{folder}/{name}.npy", INPUTS[name]())
