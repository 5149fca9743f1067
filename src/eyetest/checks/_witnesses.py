"""The evidence about one image in a few words, for a table row and a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from ..types import SPLITS, HumanVotes, Lookalikes, Predictions
from ._triage import Distances

NOT_ASKED = "not asked"
TWINS_SHOWN = 3


@final
@dataclass(frozen=True)
class Witnesses:
    """All that may speak about test images; None where a run does not hold it."""

    predictions: Predictions
    known: Mapping[str, Predictions]
    """Predictions by split, for the labels beside them."""
    votes: HumanVotes | None
    pairs: Lookalikes | None
    second: Predictions | None
    far: Distances | None

    def words(self, index: int, classes: tuple[str, ...]) -> tuple[str, str, str, str]:
        """What twins, second opinion, people and distance say of the image at this position."""
        row = int(self.predictions.rows[index])
        return (
            self._twins(row, classes),
            self._second(index, classes),
            self._people(row, classes),
            self._distance(index),
        )

    def _twins(self, row: int, classes: tuple[str, ...]) -> str:
        if self.pairs is None:
            return NOT_ASKED
        places = np.flatnonzero(self.pairs.rows == row).tolist()
        found = [self._twin(place, classes) for place in places[:TWINS_SHOWN]]
        more = f" and {len(places) - TWINS_SHOWN} more" if len(places) > TWINS_SHOWN else ""
        return ", ".join(found) + more if found else "none"

    def _twin(self, place: int, classes: tuple[str, ...]) -> str:
        assert self.pairs is not None
        split, other = SPLITS[int(self.pairs.other_split[place])], int(self.pairs.other[place])
        known = self.known.get(split)
        labels = [] if known is None else known.labels[known.rows == other].tolist()
        return f"{split}-{other}" + (f" ({classes[labels[0]]})" if labels else "")

    def _second(self, index: int, classes: tuple[str, ...]) -> str:
        if self.second is None or not np.array_equal(self.second.rows, self.predictions.rows):
            return NOT_ASKED
        said = self.second.logits[index].astype(np.float64)
        p, label = np.exp(said - np.logaddexp.reduce(said)), int(self.second.labels[index])
        likely = int(p.argmax())
        agrees = f"{classes[likely]} {p[likely]:.0%}"
        return agrees if likely == label else f"{agrees}, {classes[label]} {p[label]:.0%}"

    def _people(self, row: int, classes: tuple[str, ...]) -> str:
        if self.votes is None:
            return NOT_ASKED
        counts = self.votes.counts[self.votes.rows == row]
        if not counts.sum():
            return NOT_ASKED
        said = [(int(n), name) for n, name in zip(counts[0], classes, strict=True) if n]
        first = sorted(said, key=lambda one: (-one[0], one[1]))[:2]
        return ", ".join(f"{name} {n}" for n, name in first) + f" of {int(counts.sum())}"

    def _distance(self, index: int) -> str:
        if self.far is None or not np.isfinite(self.far.values[index]):
            return NOT_ASKED
        return f"{self.far.values[index]:.2f} (far from {self.far.threshold:.2f} on)"
