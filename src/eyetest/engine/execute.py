"""Ask the model everything that was planned. A pass that is done is never done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..data.base import Dataset, SplitData
from ..data.split import stratified_sample
from ..evidence import Explain, Predict
from ..explain import explainers
from ..models.classifier import Classifier
from ..store import RunDir
from ..types import SPLITS, MapSet, Predictions, Rows
from .plan import Work, batch_size

Progress = Callable[[str, float, float], None]
"""What is being done, the fraction of it that is done, images a second (0: not known)."""


def predict_all(
    run: RunDir, work: Work, classifier: Classifier, data: Dataset, *, seed: int, progress: Progress
) -> None:
    """All predictions of the work, each written as one whole pass."""
    for need in work.predicts:
        if run.has_predictions(work.key(need)):
            continue
        split = data.splits[need.split]
        limit = work.limit(need)
        rows = split.rows if limit is None else stratified_sample(split.labels, limit, seed)
        logits = []
        size = batch_size(classifier)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            images = need.view(pixels(split, part), image_seeds(seed, need, split.ids(part)))
            logits.append(classifier.predict(images).cpu().numpy())
            progress(f"{classifier.name}: {need.view.key} images of {need.split}", (start + len(part)) / len(rows), 0.0)
        run.write_predictions(work.key(need), Predictions(need.split, rows, split.labels[rows], np.concatenate(logits)))


def explain_all(
    run: RunDir, work: Work, classifier: Classifier, data: Dataset, rows: Rows, *, progress: Progress
) -> None:
    """All maps of the work for these test rows, unless the run has them already."""
    predictions = run.predictions(work.key(Predict()), "test")
    for number, need in enumerate(work.explains):
        done = run.maps(map_key(need))
        if done is not None and set(rows.tolist()) <= set(done.rows.tolist()):
            continue
        run.write_maps(map_key(need), _maps(need, classifier, data, predictions, rows))
        progress(f"{classifier.name}: {need.method} maps", (number + 1) / len(work.explains), 0.0)


def selected(run: RunDir, work: Work, seed: int) -> Rows:
    """The test rows that any explanation of the work asks for, ascending."""
    if not work.explains:
        return np.empty(0, dtype=np.int64)
    predictions = run.predictions(work.key(Predict()), "test")
    return np.unique(np.concatenate([need.select.rows(predictions, seed) for need in work.explains]))


def sample_columns(data: Dataset) -> dict[str, Any]:
    """Id, split, label and source row of every image."""
    splits = [data.splits[name] for name in SPLITS]
    return {
        "id": [name for split in splits for name in split.ids(split.rows)],
        "split": [split.name for split in splits for _ in range(len(split))],
        "label": np.concatenate([split.labels for split in splits]),
        "source": np.concatenate([split.source for split in splits]),
    }


def map_key(need: Explain) -> str:
    """The name of the maps in files."""
    return f"{need.method}-{need.target}"


def pixels(split: SplitData, rows: Rows) -> torch.Tensor:
    """Images of these rows as float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(split.images(rows))).float() / 255


def image_seeds(seed: int, need: Predict, ids: tuple[str, ...]) -> tuple[int, ...]:
    """One seed an image, from (seed, view, image id) alone."""
    prefix = f"{seed}/{need.view.key}/"
    return tuple(int.from_bytes(hashlib.sha256((prefix + name).encode()).digest()[:7], "big") for name in ids)


def _maps(need: Explain, classifier: Classifier, data: Dataset, predictions: Predictions, rows: Rows) -> MapSet:
    position = {row: index for index, row in enumerate(predictions.rows.tolist())}
    chosen = np.array([position[row] for row in rows.tolist()], dtype=np.int64)
    classes = (predictions.predicted if need.target == "predicted" else predictions.labels)[chosen]
    explainer = explainers.get(need.method)()
    height, width = data.image_size
    values = [np.empty((0, height, width), dtype=np.float32)]
    size = batch_size(classifier)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        maps = explainer(classifier, pixels(data.test, rows[part]), torch.from_numpy(classes[part]))
        values.append(maps.float().cpu().numpy())
    return MapSet("test", rows, classes, np.concatenate(values))
