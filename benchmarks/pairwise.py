"""How long all pairs of 30 made-up models with 10,000 saved predictions each take to compare; prints a RATIO line.

python benchmarks/pairwise.py

The audits are made first and are not timed: a comparison reads what they stored.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from eyetest.checks.accuracy import Accuracy
from eyetest.checks.calibration import Calibration
from eyetest.checks.confident_errors import ConfidentErrors
from eyetest.checks.selective_risk import SelectiveRisk
from eyetest.comparison import pairwise
from eyetest.evidence import Context, Predict, from_mapping
from eyetest.pairing import side_of
from eyetest.provenance import new_record
from eyetest.records import DataRecord, ModelRecord
from eyetest.store import RunDir
from eyetest.types import Predictions

MODELS, ROWS, CLASSES, LIMIT = 30, 10_000, 10, 60.0
"""Models, images, classes, and the seconds that all pairs may take, reading the runs included."""
CHECKS = (Accuracy(), Calibration(), SelectiveRisk(), ConfidentErrors())
IDENTITY = "identity"


def audited(folder: Path, model: int, rows: int, classes: tuple[str, ...]) -> RunDir:
    """An audit of saved answers that are right on about nine of ten images."""
    labels = np.random.default_rng(0).integers(0, len(classes), rows)
    logits = 2 * np.random.default_rng(model + 1).normal(size=(rows, len(classes))).astype(np.float32)
    logits[np.arange(rows), labels] += 6 + 0.1 * model
    predictions = Predictions("test", np.arange(rows), labels, logits)
    context = Context(classes, "made up", "fingerprint", 0)
    data = DataRecord(
        name="made-up", title="made up", fingerprint="fingerprint", classes=classes, images={"test": rows}
    )
    named = ModelRecord(name=f"model-{model}", fingerprint=str(model), parameters=0, source="made up")
    run = RunDir.begin(folder / f"run-{model}", new_record("audit", data, (named,), seed=0, device="none", config={}))
    run.write_predictions(IDENTITY, predictions)
    for check in CHECKS:
        outcome = check.run(from_mapping(check.code, context, {Predict(): predictions}, check.needs()))
        run.write_finding(outcome.finding)
        run.write_scores(check.code, outcome.ids, outcome.columns)
    return run


def main() -> None:
    """Make the audits, then time reading them and comparing all pairs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--rows", type=int, default=ROWS)
    chosen = parser.parse_args()
    classes = tuple(f"class {k}" for k in range(CLASSES))
    with tempfile.TemporaryDirectory() as place:
        runs = [audited(Path(place), model, chosen.rows, classes) for model in range(chosen.models)]
        started, worked = time.perf_counter(), time.process_time()
        sides = [side_of(run) for run in runs]
        read = time.perf_counter() - started
        found = pairwise(sides)
        seconds, processor = time.perf_counter() - started, time.process_time() - worked
    told = sum(one.judge.adjusted < 0.05 for one in found)
    pairs = chosen.models * (chosen.models - 1) // 2
    print(
        f"{pairs} pairs of {chosen.models} models with {chosen.rows:,} rows, {len(found):,} differences, {told:,} told"
    )
    print(f"reading {read:.1f} s; all {seconds:.1f} s, of which {processor:.1f} s on the processor")
    print(f"RATIO pairwise_60s {LIMIT / seconds:.3f}")


if __name__ == "__main__":
    main()
