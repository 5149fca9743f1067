"""What swapping or removing a cue costs, as a multiple of a plain forward pass over the same images; prints RATIO lines.

python benchmarks/transplants.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from eyetest.checks.background_cue import BackgroundCue
from eyetest.checks.colour_cue import ColourCue
from eyetest.checks.frequency_cue import FrequencyCue
from eyetest.checks.texture_cue import TextureCue
from eyetest.data.base import Dataset
from eyetest.data.donors import donor_table
from eyetest.data.split import ArraySplit
from eyetest.engine.execute import image_seeds, pixels
from eyetest.engine.plan import batch_size
from eyetest.engine.swap import answers
from eyetest.evidence import Predict
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar, memory_format, ordered
from eyetest.types import SPLITS, SplitName

IMAGES, WIDTH, REPEATS = 1000, 16, 3
CHECKS = (ColourCue(), TextureCue(), BackgroundCue(), FrequencyCue())


def noise(name: SplitName) -> ArraySplit:
    """Random images of ten classes, without masks."""
    random = np.random.default_rng(0)
    rows = np.arange(IMAGES, dtype=np.int64)
    return ArraySplit(name, rows % 10, rows, random.integers(0, 256, (IMAGES, 3, 32, 32), dtype=np.uint8))


def seconds(work: Callable[[], object]) -> float:
    """Wall clock of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Time plain and swapped passes in turn."""
    classes = tuple("abcdefghij")
    data = Dataset("noise", "noise", classes, (32, 32), "noise", {name: noise(name) for name in SPLITS})
    classifier = Classifier(ordered(Resnet18Cifar(10, WIDTH), memory_format(WIDTH)), classes=classes)
    table = donor_table(data.test, data.validation, seed=0, draws=1)
    operators = [one for check in CHECKS for one in check.transplants() if not one.needs_masks]
    passes, size = 2 * len(operators), batch_size(classifier)

    views = [
        need for check in CHECKS for need in check.needs() if isinstance(need, Predict) and need.view.key != "identity"
    ]

    def plain() -> None:
        for start in range(0, IMAGES, size):
            classifier.predict(pixels(data.test, data.test.rows[start : start + size]))

    def removed() -> None:
        for need in views:
            for start in range(0, IMAGES, size):
                rows = data.test.rows[start : start + size]
                classifier.predict(need.view(pixels(data.test, rows), image_seeds(0, need, data.test.ids(rows))))

    plain()
    ratios: dict[str, list[float]] = {"transplants": [], "removal": []}
    for _ in range(REPEATS):
        before = seconds(plain)
        swapped = seconds(lambda: answers(operators, classifier, data, table, slice(None))) / passes
        after = seconds(plain)
        without = seconds(removed) / len(views)
        whole = (before + after) / 2
        ratios["transplants"].append(swapped / whole)
        ratios["removal"].append(without / whole)
        print(
            ", ".join(
                f"{name} {IMAGES / spent:.0f} img/s"
                for name, spent in (("plain", whole), ("swapped", swapped), ("removed", without))
            )
        )
    print(f"{torch.get_num_threads()} threads, width {WIDTH}, {passes} swapped and {len(views)} removal passes")
    for name, found in ratios.items():
        print(f"RATIO {name} {statistics.median(found):.3f}")


if __name__ == "__main__":
    main()
