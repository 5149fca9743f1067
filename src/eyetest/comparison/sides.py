"""What the audits bring to a comparison, and what a comparison gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from .. import clustered
from ..errors import RunError
from ..records import Block, Cell, Estimate, Finding, Status
from ..types import Column, Labels, Predictions
from .words import CODES, CONFUSIONS, LIMITS, NOT_COMPARED, TITLES


@final
@dataclass(frozen=True)
class Side:
    """What one audit brings to the comparison."""

    name: str
    fingerprint: str
    """Of the data."""
    findings: Mapping[str, Finding]
    scores: Mapping[str, tuple[tuple[str, ...], Mapping[str, Column]]]
    predictions: Predictions
    strongest: Mapping[int, float] = field(default_factory=dict)
    """Largest value of the Grad-CAM map of the model's answer, by test row; only rows with a map."""
    groups: Mapping[str, str] | None = None
    """Group (patient, scene) of each image id, where the audit knew of groups."""


def require_same_images(a: Side, b: Side) -> None:
    """Raise RunError if two audits did not see the same images in the same groups."""
    if a.fingerprint != b.fingerprint or a.predictions.ids != b.predictions.ids:
        raise RunError(
            f"{a.name} and {b.name} were audited on different images (data {a.fingerprint} and {b.fingerprint}); a paired "
            "comparison needs the same. Audit both on the same --data with the same --seed, then compare again."
        )
    if a.groups is not None and b.groups is not None and a.groups != b.groups:
        raise RunError(
            f"{a.name} and {b.name} were audited with other groups of the same images; a comparison resamples groups, and "
            "needs the same. Audit both with the same --group, then compare again."
        )


def groups_of(a: Side, b: Side, ids: tuple[str, ...]) -> Labels | None:
    """Group code of each of these images, or None if neither audit knew of groups."""
    return clustered.codes(a.groups or b.groups, ids)


def over(groups: Labels | None) -> str:
    """What was resampled, for the method of an estimate."""
    return " over the same images" if groups is None else f" over {len(np.unique(groups)):,} groups"


def codes_of(sides: Iterable[Side]) -> dict[str, str]:
    """Which comparison repeats which check; those of checks that are not ours from CMP100 on, in the order of their codes."""
    known = CODES.keys() | NOT_COMPARED | {CONFUSIONS}
    others = sorted(set.intersection(*(set(side.findings) for side in sides)) - known)
    return CODES | {source: f"CMP{100 + number}" for number, source in enumerate(others)}


def made(
    code: str,
    name: str,
    status: Status,
    headline: str,
    estimates: Iterable[Estimate] = (),
    blocks: Iterable[Block] = (),
    samples: Iterable[str] = (),
    params: Mapping[str, Cell] | None = None,
    limits: tuple[str, ...] = LIMITS,
) -> Finding:
    """A finding with the title and the question of its code."""
    title, question = TITLES.get(code, (name.replace("_", " ").capitalize(), "What of this changed?"))
    return Finding(
        code=code,
        name=name,
        title=title,
        question=question,
        status=status,
        headline=headline,
        estimates=tuple(estimates),
        blocks=tuple(blocks),
        samples=tuple(samples),
        params=dict(params or {}),
        limits=limits,
    )
