"""What is known of images beside a model's answers: each annotation is made once, by a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from ..data.base import Dataset
from ..evidence import Describe, Need, Resemble, Vote
from ..store import Annotation, RunDir
from ..types import HumanVotes, Lookalikes, Progress, Properties
from .lookalikes import lookalikes
from .plan import Work
from .properties import properties

Collect = Callable[[Any, RunDir, Dataset, int, Progress], Annotation | None]
"""From need, run, data, seed to the annotation; None where this data or this run has none."""


def votes(need: Vote, run: RunDir, data: Dataset, seed: int, progress: Progress) -> HumanVotes | None:
    """The data set's own counts of what people said."""
    split = data.splits[need.split]
    counts = split.human_counts(split.rows)
    return None if counts is None else HumanVotes(need.split, split.rows, counts)


KINDS: dict[type[Need[Any]], tuple[type[Any], Collect, str]] = {
    Vote: (HumanVotes, votes, "the data has no counts of what people called the images"),
    Describe: (Properties, properties, "the pixels were not described"),
    Resemble: (Lookalikes, lookalikes, "no duplicates were looked for"),
}
"""By need: what answers it, what makes it, and what is said where there is none."""


REMEMBERED: WeakKeyDictionary[Dataset, dict[tuple[Need[Any], int], Annotation | None]] = WeakKeyDictionary()
"""By need and seed: annotations are facts of the data, so that further audits of it in this process make none anew."""


def annotate_all(run: RunDir, work: Work, data: Dataset, *, seed: int, progress: Progress) -> None:
    """All annotations of the work, unless the run has them already."""
    for need in work.annotations:
        if run.has_annotation(key(need)):
            continue
        known = REMEMBERED.setdefault(data, {})
        if (need, seed) not in known:
            known[need, seed] = KINDS[type(need)][1](need, run, data, seed, progress)
        found = known[need, seed]
        if found is not None:
            run.write_annotation(key(need), found)


def annotation(run: RunDir, need: Need[Any]) -> tuple[Annotation | None, str]:
    """The annotation that answers a need, or None and why there is none."""
    kind, _, missing = KINDS[type(need)]
    return (run.annotation(key(need), kind) if run.has_annotation(key(need)) else None), missing


def key(need: Need[Any]) -> str:
    """The annotation's name in files: `vote-test`."""
    split = getattr(need, "split", "test")
    return f"{type(need).__name__.lower()}-{split}"
