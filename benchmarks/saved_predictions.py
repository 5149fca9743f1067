"""How long ten made-up models with 10,000 saved predictions each take to audit; prints a RATIO line.

python benchmarks/saved_predictions.py
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

import eyetest as et

MODELS, LIMIT = 10, 60.0
"""Models, and the seconds that all of them may take, reading the data included."""


def made_up(data: et.Dataset, model: int) -> pa.Table:
    """Logits of a model that is right on about nine of ten images."""
    labels = data.test.labels
    logits = np.random.default_rng(model).normal(size=(len(labels), len(data.classes))).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 3 + 0.1 * model
    return pa.table({f"logit_{name}": 2 * logits[:, k] for k, name in enumerate(data.classes)})


def main() -> None:
    """Write the files, then time reading the data and auditing all models."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--models", type=int, default=MODELS)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder, data = Path(place), et.load_data(chosen.data)
        for model in range(chosen.models):
            pq.write_table(made_up(data, model), folder / f"model-{model}.parquet")
        started, worked = time.perf_counter(), time.process_time()
        data = et.load_data(chosen.data)
        reading = np.array([time.perf_counter() - started, time.process_time() - worked])
        print(f"reading {data.title}: {reading[0]:.1f} s")
        for model in range(chosen.models):
            before = time.perf_counter()
            run = et.audit_predictions(folder / f"model-{model}.parquet", data, out=folder / f"run-{model}")
            parts = ", ".join(
                f"{code} {finding.seconds:.1f}" for code, finding in run.findings.items() if finding.seconds
            )
            print(f"model {model}: {time.perf_counter() - before:.1f} s ({parts})")
        whole = np.array([time.perf_counter() - started, time.process_time() - worked])
    seconds, processor = reading + (whole - reading) * MODELS / chosen.models
    print(
        f"{MODELS} models of {len(data.test):,} rows, one thread: {seconds:.1f} s, of which {processor:.1f} s on the processor"
    )
    print(f"RATIO saved_predictions_60s {LIMIT / seconds:.3f}")


if __name__ == "__main__":
    main()
