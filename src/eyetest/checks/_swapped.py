"""One cue's answers as right or wrong, followed or not: what the estimates and pictures of the cue checks read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

from ..errors import MissingEvidence
from ..evidence import Evidence, Predict, Swap
from ..transplants.base import Transplant
from ..transplants.cell import Cell
from ..types import Column, Swaps, places

ALIKE = 0.1
"""Largest relative difference of the two donors' distances at which they count as changing the image equally much."""


@final
@dataclass(frozen=True, eq=False)
class Swapped:
    """One transplant's answers as right or wrong, followed or not, with what the estimates need."""

    transplant: Transplant
    swaps: Swaps
    plain: np.ndarray
    """r n: whether the unchanged image was answered right."""

    @property
    def strata(self) -> tuple[np.ndarray, np.ndarray]:
        """The class of each image (n), and of each other-class donor (r n): fixed, and no chance."""
        return self.swaps.labels, self.swaps.table.classes[:, 1]

    @property
    def right(self) -> np.ndarray:
        """r 2 n, 0 or 1."""
        result: np.ndarray = self.swaps.correct.astype(np.float64)
        return result

    @property
    def followed(self) -> np.ndarray:
        """r n: whether the answer to the other class's cue was the donor's class."""
        result: np.ndarray = (self.swaps.predicted[:, 1] == self.swaps.table.classes[:, 1]).astype(np.float64)
        return result

    @property
    def unprompted(self) -> np.ndarray:
        """r n: how often that would be without following: the answers to it that are neither class, a class.

        With two classes there is no third, and the same class's cue stands in.
        """
        predicted, k = self.swaps.predicted, self.swaps.logits.shape[3]
        if k == 2:
            result: np.ndarray = (predicted[:, 0] == self.swaps.table.classes[:, 1]).astype(np.float64)
            return result
        result = (predicted[:, 1] != self.swaps.labels) & (predicted[:, 1] != self.swaps.table.classes[:, 1])
        return result / (k - 2)

    @property
    def effect(self) -> np.ndarray:
        """r n: right with the own class's cue, minus right with another's."""
        result: np.ndarray = self.right[:, 0] - self.right[:, 1]
        return result

    @property
    def alike(self) -> np.ndarray:
        """r n: whether both donors change the image equally much."""
        same, other = self.swaps.distance[:, 0], self.swaps.distance[:, 1]
        result: np.ndarray = np.abs(other - same) <= ALIKE * same
        return result

    def columns(self) -> dict[str, Column]:
        """What the named statistics read, one column a draw."""
        parts = {
            "same": self.right[:, 0],
            "other": self.right[:, 1],
            "followed": self.followed,
            "unprompted": self.unprompted,
        }
        return {f"{self.transplant.key}.{name}_{r}": part[r] for name, part in parts.items() for r in range(len(part))}


def collect(evidence: Evidence, transplants: Iterable[Transplant]) -> tuple[list[Swapped], str]:
    """The transplants that were made, and why the others were not."""
    predictions, found, reasons = evidence[Predict()], [], []
    for transplant in transplants:
        try:
            swaps = evidence[Swap(transplant)]
        except MissingEvidence as error:
            reasons.append(str(error))
            continue
        plain = predictions.correct[places(predictions.rows, swaps.table.rows)].astype(np.float64)
        found.append(Swapped(transplant, swaps, np.tile(plain, (len(swaps.logits), 1))))
    return found, "; ".join(dict.fromkeys(reasons))


def judged(transplant: Transplant) -> bool:
    if isinstance(transplant, Cell):
        return transplant.corner
    return not transplant.legitimate


def table_columns(one: Swapped) -> dict[str, Column]:
    table, labels = one.swaps.table, one.swaps.labels
    values = [*table.donors[:, 0], *table.donors[:, 1], *table.classes[:, 1], labels]
    names = donor_names(len(table.donors))
    return {"right": one.plain[0]} | {
        name: column.astype(np.float64) for name, column in zip(names, values, strict=True)
    }


def donor_names(draws: int) -> tuple[str, ...]:
    """The columns that every statistic of swaps ends with."""
    return (*(f"{name}_{r}" for name in ("donor_same", "donor_other", "lent") for r in range(draws)), "label")
