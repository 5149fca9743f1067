"""Whether the interval of a reliance is as wide as it should be: one real net, audited again and again on new images."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import flow, reliance, stats
from ..data.base import Dataset, SplitData
from ..data.donors import donor_table
from ..data.planted import PlantedSpec, planted
from ..data.split import ArraySplit
from ..engine.swap import answers
from ..models.classifier import Classifier
from ..models.load import load_model
from ..store import replacing
from ..transplants.background import Background
from ..transplants.base import Transplant
from ..transplants.border import Border
from ..transplants.cell import Cell
from ..transplants.colour import Colour
from ..transplants.object import Object
from ..types import Rows, SplitName
from .sitting import RECIPE

AUDITS = 1000
TEST, DONORS = 300, 150
"""Images of each audit, drawn without replacement from splits that are 40 times as large."""
SPEC = PlantedSpec(cues=("background", "patch"), strength=0.8, test=40 * TEST, validation=40 * DONORS)
OPERATORS: tuple[Transplant, ...] = (Colour(), Background(), Object(), Border(), Cell(0, 0))


def sit_coverage(seed: int, folder: Path, audits: int = AUDITS, spec: PlantedSpec = SPEC) -> dict[str, Any]:
    """By operator, how often the interval holds; kept in `folder`."""
    answer = folder / f"coverage-{seed}.json"
    if answer.is_file():
        known: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return known
    torch.set_num_threads(1)
    data = planted(dataclasses.replace(spec, seed=seed))
    trained = flow.train(data, RECIPE, out=folder / f".coverage-{seed}", seed=seed, device="cpu")
    found = coverage(load_model(trained.path, data.classes, name="exam"), data, OPERATORS, audits, seed)
    with replacing(answer) as temporary:
        temporary.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def coverage(
    classifier: Classifier, data: Dataset, operators: Sequence[Transplant], audits: int, seed: int
) -> dict[str, dict[str, Any]]:
    """By operator: how often the 95 % interval of an audit on new images and new donors holds the mean of all audits."""
    found: dict[str, list[stats.Interval]] = {operator.key: [] for operator in operators}
    for number in range(audits):
        random = np.random.default_rng([seed, number])
        drawn: dict[SplitName, SplitData] = {
            "test": _sample(data.test, len(data.test) // 40, random),
            "validation": _sample(data.validation, len(data.validation) // 40, random),
        }
        small = dataclasses.replace(data, splits={**data.splits, **drawn})
        for key, interval in _audit(classifier, small, operators, number).items():
            found[key].append(interval)
    return {key: scored(intervals) for key, intervals in found.items()}


def scored(intervals: Sequence[stats.Interval]) -> dict[str, Any]:
    """Share of the intervals that hold their common mean, with its exact interval; and their width against the spread."""
    values, low, high = (np.array(column) for column in zip(*intervals, strict=True))
    truth = values.mean()
    held = int(((low <= truth) & (truth <= high)).sum())
    return {
        "held": held,
        "audits": len(values),
        **stats.clopper_pearson(held, len(values))._asdict(),
        "mean": float(truth),
        "true_deviation": float(values.std(ddof=1)),
        "mean_half_width": float((high - low).mean() / 2),
    }


def _sample(split: SplitData, size: int, random: np.random.Generator) -> ArraySplit:
    """The same number of images of each class."""
    classes = np.unique(split.labels)
    chosen = [random.choice(np.flatnonzero(split.labels == c), size // len(classes), replace=False) for c in classes]
    rows: Rows = np.sort(np.concatenate(chosen)).astype(np.int64)
    here = np.arange(len(rows), dtype=np.int64)
    return ArraySplit(split.name, split.labels[rows], here, split.images(rows), object_masks=split.masks(rows))


def _audit(
    classifier: Classifier, data: Dataset, operators: Sequence[Transplant], seed: int
) -> dict[str, stats.Interval]:
    """The interval of each operator's reliance, from one draw."""
    table = donor_table(data.test, data.validation, seed=seed, draws=1)
    labels = data.test.labels[table.rows]
    found = answers(operators, classifier, data, table, slice(None))
    right = {key: logits.argmax(3) == labels for key, (logits, _) in found.items()}
    effects = {key: arms.astype(np.float64) for key, arms in right.items()}
    return {
        key: reliance.interval(reliance.difference(arms[:, 0], arms[:, 1]), table.donors, (labels, table.classes[:, 1]))
        for key, arms in effects.items()
    }
