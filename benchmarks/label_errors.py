"""Flipped labels that LAB001's method finds again, against cleanlab on the same probabilities; prints RATIO lines.

A part of CIFAR-10's training images gets 5 % labels flipped to any other class; four models trained by parts judge them.

python benchmarks/label_errors.py [--images 6000] [--folds 4] [--epochs 10] [--width 16] [--seed 0]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from eyetest import confident_learning as learning
from eyetest.data import load_data
from eyetest.data.base import Dataset, SplitData
from eyetest.data.split import ArraySplit, stratified_sample
from eyetest.stats import generator, wilson
from eyetest.store import RunDir
from eyetest.training.cross_validation import Folds, cross_validation
from eyetest.training.processes import Processes
from eyetest.training.recipe import Recipe
from eyetest.types import Labels

NOISE = 0.05
OTHERS = 1000
"""Validation and test images; they choose the epoch and the temperature, and are not flipped."""


def part(split: SplitData, n: int, seed: int) -> ArraySplit:
    """A seeded stratified part of a split, in memory."""
    rows = stratified_sample(split.labels, n, seed)
    return ArraySplit(split.name, split.labels[rows], np.arange(len(rows), dtype=np.int64), split.images(rows))


def flipped(labels: Labels, classes: int, seed: int) -> tuple[Labels, np.ndarray]:
    """Labels with symmetric noise: which are wrong, each equally likely to be any other class."""
    random = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[random.choice(len(labels), round(NOISE * len(labels)), replace=False)] = True
    other = (labels + random.integers(1, classes, len(labels))) % classes
    return np.where(wrong, other, labels), wrong


def scored(name: str, ranked: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    """Precision and recall of these positions, printed with their intervals."""
    hits, flips = int(wrong[ranked].sum()), int(wrong.sum())
    precision, recall = wilson(hits, max(len(ranked), 1)), wilson(hits, flips)
    first = float(wrong[ranked[:flips]].mean()) if len(ranked) else 0.0
    print(
        f"{name}: {len(ranked)} candidates, precision {precision.value:.3f} ({precision.low:.3f} to {precision.high:.3f}), "
        f"recall {recall.value:.3f} ({recall.low:.3f} to {recall.high:.3f}), "
        f"precision of the first {min(flips, len(ranked))} {first:.3f}"
    )
    return precision.value, recall.value


def main() -> None:
    """Flip, cross-validate, look for the flips."""
    parser = argparse.ArgumentParser()
    for name, value in (("images", 6000), ("folds", 4), ("epochs", 10), ("width", 16), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    source = load_data("cifar10")
    whole = {
        name: part(split, given.images if name == "train" else OTHERS, given.seed)
        for name, split in source.splits.items()
    }
    clean = whole["train"]
    labels, wrong = flipped(clean.labels, len(source.classes), given.seed)
    train = ArraySplit("train", labels, clean.source, clean.pixels)
    data = Dataset("cifar10", source.title, source.classes, source.image_size, "flipped", {**whole, "train": train})
    recipe = Recipe(
        name="folds", epochs=given.epochs, batch_size=64, width=given.width, learning_rate=4e-3, optimizer="adamw", schedule="one_cycle",
        weight_decay=5e-3, crop=4, flip=True,
    )  # fmt: skip
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder))
        folds, fabric = Folds(given.folds, recipe, own=False), Processes().fabric("cpu")
        cross_validation(data, folds, run, seed=given.seed, fabric=fabric, progress=lambda *_: None)
        judged, tuning = run.out_of_sample("train"), run.out_of_sample("validation")
    assert judged is not None and tuning is not None
    print(
        f"{len(labels)} images, {wrong.sum()} flipped labels, {given.folds} models in {time.perf_counter() - started:.0f} s"
    )
    right = (judged.predicted == clean.labels).mean()
    print(f"accuracy of the fold models on unseen training images, by their true labels: {right:.3f}")
    compare(judged.log_probabilities, learning.temperature_of(tuning), labels, wrong)


def compare(log_p: np.ndarray, temperature: learning.Temperature, labels: Labels, wrong: np.ndarray) -> None:
    """Ours and cleanlab's candidates on the same probabilities."""
    p = temperature.apply(log_p)
    candidate, margin = learning.candidates(p, labels), learning.normalised_margin(p, labels)
    ours = np.lexsort((margin, ~candidate))[: candidate.sum()]
    chance = learning.chance(p, generator("label_errors"))
    low, high = chance.band
    print(
        f"temperature {temperature.value:.3f}; by chance {low:.0f} to {high:.0f}, p = {chance.p_value(len(ours)):.4f}"
    )
    precision, recall = scored("eyetest", ours, wrong)
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        print("cleanlab is not installed (pip install cleanlab): no ratio to it")
    else:
        for method in ("prune_by_noise_rate", "confident_learning"):
            order = find_label_issues(
                labels, p, filter_by=method, return_indices_ranked_by="normalized_margin", n_jobs=1
            )
            theirs = scored(f"cleanlab, {method}", order, wrong)
            print(f"RATIO label_errors_precision_to_cleanlab_{method} {precision / max(theirs[0], 1e-9):.3f}")
            print(f"RATIO label_errors_recall_to_cleanlab_{method} {recall / max(theirs[1], 1e-9):.3f}")
    print(f"RATIO label_errors_precision {precision:.3f}")
    print(f"RATIO label_errors_recall {recall:.3f}")


if __name__ == "__main__":
    main()
