"""Runs written by hand: findings and columns as an audit leaves them, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eyetest import stats
from eyetest.provenance import new_record
from eyetest.records import DataRecord, Estimate, Finding, ModelRecord, Status
from eyetest.store import RunDir


def right(k: int, n: int, first: int = 0) -> np.ndarray:
    """k right answers in a row among n, from `first` on."""
    values = np.zeros(n)
    values[first : first + k] = 1
    return values


def begin(path: Path, *, fingerprint: str = "f0", status: str = "complete", children: tuple[str, ...] = ()) -> RunDir:
    data = DataRecord(
        name="pond", title="pond animals", fingerprint=fingerprint, classes=("ant", "bee"), images={"test": 100}
    )
    model = ModelRecord(name=path.name, fingerprint=path.name, parameters=1, source="")
    record = new_record("audit", data, (model,), seed=0, device="cpu", config={})
    run = RunDir.begin(path, record.model_copy(update={"children": children}))
    run.update("complete" if status == "complete" else "interrupted")
    return run


def add(run: RunDir, code: str, *estimates: Estimate, status: Status = "ok", **params: Any) -> None:
    finding = Finding(
        code=code,
        name=code.lower(),
        title=code,
        question="?",
        status=status,
        headline=f"What {code} says.",
        estimates=estimates,
        params=params,
        limits=("Made by hand.",),
    )
    run.write_finding(finding)


def estimate(name: str, value: float, low: float, high: float, **changes: Any) -> Estimate:
    fields = {"name": name, "value": value, "low": low, "high": high, "n": 100, "unit": "fraction", "better": "higher"}
    return Estimate.model_validate(fields | {"method": "by hand"} | changes)


def rated(run: RunDir, code: str, name: str, values: np.ndarray, *, better: str = "higher", first_id: int = 0) -> None:
    """A finding with one rate, its Wilson interval and its column `correct`."""
    interval = stats.wilson(int(values.sum()), len(values))
    changes = {"n": len(values), "better": better, "statistic": "mean", "columns": ("correct",)}
    add(run, code, estimate(name, *interval, **changes))
    run.write_scores(code, tuple(f"test-{first_id + row}" for row in range(len(values))), {"correct": values})
