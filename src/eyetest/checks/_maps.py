"""Maps beside the images of a gallery: one scale a method, so that a pale map means weak evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..errors import MissingEvidence
from ..evidence import Evidence, Explain
from ..records import MapPicture
from ..types import MapSet, Rows


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
                    file=f"images/test-{row}-{need.method}-{need.target}{suffix}.png",
                )
            )
    return tuple(pictures)


def _scale(maps: list[MapSet], rows: Rows) -> float:
    values = [found.values[np.isin(found.rows, rows)] for found in maps]
    positive = np.concatenate([v[v > 0] for v in values]) if values else np.empty(0)
    return float(np.quantile(positive, 0.99)) if len(positive) else 1.0
