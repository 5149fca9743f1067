"""Whether two models err on the same images more often than their accuracies make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from .. import clustered
from ..distributions import Z
from ..records import Estimate
from ..stats import Interval
from ..types import Labels
from .sides import over

PSEUDO = 0.5
"""Added to each of the four counts for the spread (not the value), so that no interval closes where no image differs."""
NAME = "error_consistency"


@final
@dataclass(frozen=True)
class Agreement:
    """How often two models are both right or both wrong, and what to make of it."""

    observed: float
    expected: float
    """By their accuracies, if the images on which one errs said nothing of the other."""
    kappa: Interval | None
    """(observed − expected)/(1 − expected): 0 by chance, 1 on the same images; None where both never, or always, err."""


def agreement(first: np.ndarray, second: np.ndarray, groups: Labels | None = None) -> Agreement:
    """Error consistency of two models from whether each is right (bool, one an image).

    The interval is normal with the variance of the delta method. Source: Cohen 1960; Fleiss, Cohen & Everitt 1969; Geirhos,
    Meding & Wichmann 2020.
    """
    n, p, q = len(first), float(first.mean()), float(second.mean())
    observed, expected = float((first == second).mean()), p * q + (1 - p) * (1 - q)
    if expected == 1:
        return Agreement(observed, expected, None)
    value = (observed - expected) / (1 - expected)
    effect = 1.0
    if groups is not None:
        if len(np.unique(groups)) < 2:
            return Agreement(observed, expected, Interval(value, -1.0, 1.0))
        effect = clustered.design_effect(_influence(_counts(first, second))[_cell(first, second)], groups)
    counts = _counts(first, second) + PSEUDO
    variance = float((counts * _influence(counts) ** 2).sum()) / counts.sum()
    half = Z * float(np.sqrt(variance * effect / n))
    return Agreement(observed, expected, Interval(value, max(value - half, -1.0), min(value + half, 1.0)))


def estimate(found: Agreement, n: int, groups: Labels | None) -> list[Estimate]:
    """The error consistency with its interval; none where it is not defined."""
    if found.kappa is None:
        return []
    method = "normal interval of Cohen's kappa, variance by the delta method"
    fields = {"name": NAME, "n": n, "unit": "kappa", "better": "neither"}
    fields["method"] = method if groups is None else f"{method} at the effective n{over(groups)}"
    return [Estimate.model_validate(fields | found.kappa._asdict())]


def _cell(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """0 both wrong, 1 only the second right, 2 only the first right, 3 both right."""
    result: np.ndarray = 2 * first.astype(np.int64) + second
    return result


def _counts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.bincount(_cell(first, second), minlength=4).astype(np.float64)


def _influence(counts: np.ndarray) -> np.ndarray:
    """What one more image of each of the four kinds does to kappa, times n."""
    x, y = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])
    same = (x == y).astype(np.float64)
    p, q, observed = (float((counts * values).sum() / counts.sum()) for values in (x, y, same))
    chance = p * q + (1 - p) * (1 - q)
    moved = (2 * q - 1) * (x - p) + (2 * p - 1) * (y - q)
    result: np.ndarray = (same - observed) / (1 - chance) + (observed - 1) / (1 - chance) ** 2 * moved
    return result
