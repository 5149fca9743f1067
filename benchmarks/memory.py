"""Memory of an audit of JPEG images in class folders, beside what Python, torch and the model take; prints a RATIO line.

python benchmarks/memory.py --images 50000
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

LIMIT = 2e9
"""Bytes that may be resident beside the model."""
CLASSES, SIDE, TRAINING = 10, 224, 40
CHECKS = ("accuracy", "calibration", "confident_errors", "confusion")


def photos(folder: Path, images: int) -> Path:
    """`images` test pictures and a few for training, of smoothed noise."""
    random = np.random.default_rng(0)
    for k in range(images + TRAINING * CLASSES):
        part = "test" if k < images else "train"
        file = folder / part / f"class-{k % CLASSES}" / f"{k}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        small = random.integers(0, 256, (28, 28, 3), dtype=np.uint8)
        Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, quality=85)
    return folder


def peak() -> int:
    """Largest resident memory of this process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def audit(folder: Path, images: int) -> None:
    """Audit in this process; print the peak before the data is read, and at the end."""
    import torch
    from torch import nn

    import eyetest as et
    from eyetest.flow import find_checks

    torch.set_num_threads(1)
    find_checks()
    module = nn.Sequential(
        nn.Conv2d(3, 8, 7, stride=4),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )
    model = et.Classifier(module, classes=[f"class-{k}" for k in range(CLASSES)])
    model.predict(torch.zeros(64, 3, SIDE, SIDE))
    before, started = peak(), time.perf_counter()
    data = et.load_data(folder)
    read = peak()
    et.audit(model, data, checks=CHECKS, out=folder / "run", device="cpu")
    print(f"{before} {read} {peak()} {time.perf_counter() - started:.0f}")


def main() -> None:
    """Measure each number of images in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, nargs="+", default=[2000, 5000])
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        audit(chosen.inside, chosen.images[0])
        return
    for images in chosen.images:
        with tempfile.TemporaryDirectory() as place:
            folder = photos(Path(place), images)
            command = [sys.executable, __file__, "--images", str(images), "--inside", str(folder)]
            told = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
        before, read, after, seconds = (int(one) for one in told.split()[-4:])
        added = after - before
        print(
            f"{images:,} images of {SIDE}×{SIDE}: {added / 1e6:.0f} MB beside {before / 1e6:.0f} MB of Python, torch and model "
            f"({(read - before) / 1e6:.0f} MB of it after reading the data), {seconds} s"
        )
    print(f"RATIO memory_2gb {LIMIT / added:.3f}")


if __name__ == "__main__":
    main()
