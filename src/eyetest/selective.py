"""What a model that may abstain gets wrong: areas over its coverage, from the order of its sureness."""

from __future__ import annotations

from typing import final

import numpy as np

from .weighted import Weighted

Array = np.ndarray


class Coverage(Weighted):
    """Images from the surest to the least sure; a block of equal sureness enters in random order, in expectation."""

    def __init__(self, sureness: Array, wrong: Array) -> None:
        super().__init__(-sureness)
        self.wrong = wrong[self.order].astype(np.float64)

    def whole(self) -> float:
        """The statistic of the images themselves."""
        return float(self.read(np.ones((1, len(self.order)), dtype=np.int64))[0])


@final
class Aurc(Coverage):
    """Area under the risk-coverage curve: the mean over i of the error rate among the i surest images.

    Source: Geifman, Uziel & El-Yaniv 2019.
    """

    def __init__(self, sureness: Array, wrong: Array) -> None:
        super().__init__(sureness, wrong)
        self.known = _harmonic(len(wrong))
        self.failing = np.flatnonzero(self.sums(self.wrong[None])[0])
        """Blocks with errors: an error at rank i counts 1/i + 1/(i + 1) + … + 1/n."""

    def read(self, counts: Array) -> Array:
        """The area of each resample."""
        sizes, errors = self.sums(counts), self.sums(counts, self.wrong)[:, self.failing]
        ends, sizes = np.cumsum(sizes, 1)[:, self.failing], sizes[:, self.failing]
        total, before = counts.sum(1), ends - sizes
        passed = (ends * (self.harmonic(ends) - 1) - before * (self.harmonic(before) - 1)) / np.maximum(sizes, 1)
        area: Array = errors.sum(1) * self.harmonic(total) - (errors * passed).sum(1)
        return area / total

    def harmonic(self, counts: Array) -> Array:
        """The harmonic number of each count."""
        most = int(counts.max(initial=0))
        table = self.known if most < len(self.known) else _harmonic(most)
        result: Array = table[counts.astype(np.int64)]
        return result


@final
class ExcessAurc(Coverage):
    """AURC minus that of the same errors sorted last. Source: Geifman, Uziel & El-Yaniv 2019, discrete form."""

    def __init__(self, sureness: Array, wrong: Array) -> None:
        super().__init__(sureness, wrong)
        self.area = Aurc(sureness, wrong)

    def read(self, counts: Array) -> Array:
        """The excess of each resample."""
        total, errors = counts.sum(1), counts @ self.wrong
        steps = self.area.harmonic(total) - self.area.harmonic(total - errors)
        best: Array = (errors - (total - errors) * steps) / total
        return self.area.read(counts) - best


@final
class Augrc(Coverage):
    """Area under the generalised risk-coverage curve: the average risk of silent failures. Source: Traub et al. 2024."""

    def read(self, counts: Array) -> Array:
        """The area of each resample, by trapezoids from (0, 0)."""
        sizes, errors = self.sums(counts), self.sums(counts, self.wrong)
        area: Array = (sizes * (np.cumsum(errors, 1) - errors / 2)).sum(1)
        return area / counts.sum(1) ** 2


@final
class ErrorRateAt(Coverage):
    """Error rate among the surest `coverage` of the images; a block of ties that is cut counts with its mean."""

    def __init__(self, coverage: float, sureness: Array, wrong: Array) -> None:
        super().__init__(sureness, wrong)
        self.coverage = coverage

    def read(self, counts: Array) -> Array:
        """The rate of each resample."""
        ranks = np.maximum(np.rint(self.coverage * counts.sum(1, keepdims=True)).astype(np.int64), 1)
        result: Array = (self.heads(counts, (self.wrong,), ranks)[0] / ranks)[:, 0]
        return result


def risk_curve(sureness: Array, wrong: Array) -> tuple[Array, Array]:
    """Coverage i/n and the error rate among the i surest images, both of length n; ties in expectation."""
    curve, one = Augrc(sureness, wrong), np.ones((1, len(sureness)), dtype=np.int64)
    sizes, errors = curve.sums(one)[0], curve.sums(one, curve.wrong)[0]
    ends, failed = np.cumsum(sizes), np.cumsum(errors)
    rank = np.arange(1, len(sureness) + 1)
    block = np.repeat(np.arange(len(sizes)), sizes.astype(np.int64))
    within = rank - (ends - sizes)[block]
    return rank / len(rank), ((failed - errors)[block] + within * (errors / sizes)[block]) / rank


def _harmonic(most: int) -> Array:
    """Harmonic numbers from 0 to `most`."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, most + 1))])
