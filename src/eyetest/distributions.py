"""Quantiles, tails and ranks that tests and intervals are made of, over scipy.special: scipy.stats takes long to import."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

Array = np.ndarray
Number = int | float | Array
Z = 1.959963984540054
"""Of a two-sided 95 % interval."""


def normal_quantile(p: float) -> float:
    """The value below which a standard normal one lies with chance p."""
    return float(special.ndtri(p))


def normal_p(z: int | float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    return float(2 * special.ndtr(-abs(z)))


def student_quantile(p: float, freedom: int | float) -> float:
    """The value below which Student's t lies with chance p."""
    return float(special.stdtrit(freedom, p))


def student_p(t: int | float, freedom: int | float) -> float:
    """Two-sided p-value of Student's t."""
    return float(2 * special.stdtr(freedom, -abs(t)))


def student_over_normal(p: float, freedom: int | float) -> float:
    """By how much longer Student's interval is than a normal one: what it costs to estimate a variance from so few."""
    return student_quantile(p, freedom) / normal_quantile(p)


def wider_for_groups(number: int, confidence: float = 0.95) -> float:
    """By how much longer an interval is that varies so few groups: √(g/(g−1)) t/z.

    Raises ValueError if all images are of one group.
    """
    if number < 2:
        raise ValueError("all images are of one group, so nothing can be said of others")
    return math.sqrt(number / (number - 1)) * student_over_normal((1 + confidence) / 2, number - 1)


def chi_squared_quantile(p: float, freedom: int) -> float:
    """The value below which χ² lies with chance p."""
    return float(2 * special.gammaincinv(freedom / 2, p))


def chi_squared_above(x: float, freedom: int) -> float:
    """Chance that χ² is larger than x."""
    return float(special.chdtrc(freedom, x))


def beta_quantile(p: float, a: int | float, b: int | float) -> float:
    """The value below which a beta-distributed one lies with chance p."""
    return float(special.betaincinv(a, b, p))


def binomial_mass(k: Number, n: int, p: float) -> Array:
    """Chance of exactly k hits in n trials of chance p."""
    logarithm = special.xlogy(k, p) + special.xlog1py(n - k, -p) - special.betaln(k + 1, n - k + 1) - np.log(n + 1)
    return np.asarray(np.exp(logarithm))


def binomial_up_to(k: int, n: int, p: float) -> float:
    """Chance of at most k hits in n trials of chance p."""
    return float(special.bdtr(k, n, p))


def hypergeometric_mass(k: Array, total: Number, marked: Number, drawn: Number) -> Array:
    """Chance of exactly k marked ones among those drawn from a total in which some are marked; 0 for impossible k."""
    possible = (k >= 0) & (k <= marked) & (k <= drawn) & (drawn - k <= total - marked)
    inside = np.where(possible, k, np.maximum(0, drawn - (total - marked)))
    logarithm = _ways(marked, inside) + _ways(total - marked, drawn - inside) - _ways(total, drawn)
    return np.where(possible, np.exp(logarithm), 0.0)


def _ways(n: Number, k: Number) -> Array:
    """Logarithm of the number of ways to choose k of n."""
    return np.asarray(-np.log1p(n) - special.betaln(n - k + 1, k + 1))


def ranks(values: Array) -> Array:
    """Ranks from 1 on along the last axis; equal values share the mean of theirs."""
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, -1)
    first = np.ones(values.shape, dtype=bool)
    first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, values.size))
    shared = np.repeat(starts % values.shape[-1] + (sizes + 1) / 2, sizes).reshape(values.shape)
    found = np.empty(values.shape)
    np.put_along_axis(found, order, shared, -1)
    return found
