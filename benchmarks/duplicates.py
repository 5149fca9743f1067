"""Recall of planted duplicates of CIFAR-10 training images, and what is found in the data itself.

    python benchmarks/duplicates.py ../shared/cifar10

Prints the recall of each change with its Wilson interval, the pairs of the data, and `RATIO` lines last.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from eyetest import stats
from eyetest.data import Dataset, load_data
from eyetest.data.split import ArraySplit
from eyetest.engine.lookalikes import duplicates

N = 1000


def main(folder: Path) -> None:
    data = load_data(folder)
    started, used = time.perf_counter(), time.process_time()
    own = duplicates(data, 0, lambda *_: None)
    seconds = time.perf_counter() - started
    print(f"{len(data.test):,} test images against {sum(map(len, data.splits.values())):,}: {seconds:.1f} s")
    print(f"processor time {time.process_time() - used:.1f} s; null rate {own.null_rate[0]:.4f}")
    for name, chosen in (("training or validation", own.other_split < 2), ("test", own.other_split == 2)):
        k = len(np.unique(own.rows[chosen]))
        print(f"with a twin in {name}: {k} ({shown(k, len(data.test))})")
    print(f"with a twin of another label: {len(np.unique(own.rows[own.other_labels != data.test.labels[own.rows]]))}")
    random = np.random.default_rng(0)
    rows = np.sort(random.permutation(len(data.train))[:N])
    images = data.train.images(rows)
    recalls = []
    for name, change in CHANGES.items():
        planted = with_test(data, np.stack([change(image, random) for image in images]), data.train.labels[rows])
        found = duplicates(planted, 0, lambda *_: None)
        right = (found.other_split == 0) & (found.other == rows[found.rows])
        hits = len(np.unique(found.rows[right]))
        recalls.append(hits / N)
        print(f"{name}: {hits} of {N} found ({shown(hits, N)})")
    noise = random.integers(0, 256, (N, *images.shape[1:]), dtype=np.uint8)
    print(
        f"noise: {len(duplicates(with_test(data, noise, data.train.labels[rows]), 0, lambda *_: None).rows)} of {N} found"
    )
    print(f"RATIO duplicates_least_recall {min(recalls):.3f}")
    print(f"RATIO duplicates_minute {seconds / 60:.3f}")


def shown(k: int, n: int) -> str:
    value, low, high = stats.wilson(k, n)
    return f"{value:.2%}, {low:.2%} to {high:.2%}"


def with_test(data: Dataset, images: np.ndarray, labels: np.ndarray) -> Dataset:
    test = ArraySplit("test", labels, np.arange(len(labels)), images)
    return Dataset(
        data.name, data.title, data.classes, data.image_size, data.fingerprint, {**data.splits, "test": test}
    )


def jpeg(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file)).transpose(2, 0, 1)


def moved(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    down, right = random.choice([-2, 2], 2)
    padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="reflect")
    return padded[:, 2 - down : 34 - down, 2 - right : 34 - right]


def brighter(image: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return np.clip(image * 1.1, 0, 255).astype(np.uint8)


CHANGES = {
    "mirrored": lambda image, _: image[:, :, ::-1],
    "moved by 2 pixels both ways": moved,
    "JPEG 75": jpeg,
    "gain 1.1": brighter,
    "all of it": lambda image, random: jpeg(brighter(moved(image[:, :, ::-1], random), random), random),
}

if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/cifar10"))
