"""Maps beside the images of a gallery: one scale a method, so that a pale map means weak evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..errors import MissingEvidence
from ..evidence import Evidence, Explain
from ..records import MapPicture, Note
from ..types import MapSet, Rows

RELIABLE = 0.5
"""Split-half rank correlation below which a map says nothing."""


def found_maps(evidence: Evidence, needs: Iterable[Explain]) -> dict[Explain, MapSet]:
    """The maps that this run holds."""
    found = {}
    for need in needs:
        try:
            found[need] = evidence[need]
        except MissingEvidence:
            continue
    return found


def scales(maps: Mapping[Explain, MapSet], rows: Rows) -> dict[str, float]:
    """By method: 99th percentile of the positive values of all its maps of these rows; 1 if there are none."""
    methods = {need.method for need in maps}
    return {
        method: _scale([found for need, found in maps.items() if need.method == method], rows) for method in methods
    }


def map_pictures(
    maps: Mapping[Explain, MapSet], row: int, classes: tuple[str, ...], high: Mapping[str, float], suffix: str = ""
) -> tuple[MapPicture, ...]:
    """The maps of one image; a gallery with a scale of its own needs a `suffix` of its own in the file names."""
    pictures = []
    for need, found in maps.items():
        position = np.flatnonzero(found.rows == row)
        if len(position):
            pictures.append(
                MapPicture(
                    method=need.method,
                    target=need.target,
                    class_name=classes[int(found.classes[position[0]])],
                    low=0.0,
                    high=high[need.method],
                    own_maximum=float(found.values[position[0]].max()),
                    file=f"images/test-{row}-{need.method}-{need.target}{suffix}.webp",
                )
            )
    return tuple(pictures)


def median_reliability(maps: Mapping[Explain, MapSet]) -> float | None:
    """Of the maps that are drawn from donors: rank correlation of the halves of the draws; None without such maps."""
    known = [found.reliability for found in maps.values() if found.reliability is not None]
    return float(np.median(np.concatenate(known))) if known and len(known[0]) else None


def reliability_notes(maps: Mapping[Explain, MapSet]) -> list[Note]:
    """What may be said of the maps that are drawn from donors."""
    median = median_reliability(maps)
    if median is None:
        return []
    said = f"Transplant maps of one half of their donors agree with those of the other half by {median:.2f} (median rank correlation)"
    verdict = "below 0.5: single maps are inconclusive" if median < RELIABLE else "0.5 or above"
    return [Note(text=f"{said}, {verdict}.")]


def _scale(maps: list[MapSet], rows: Rows) -> float:
    values = [found.values[np.isin(found.rows, rows)] for found in maps]
    positive = np.concatenate([v[v > 0] for v in values]) if values else np.empty(0)
    return float(np.quantile(positive, 0.99)) if len(positive) else 1.0
