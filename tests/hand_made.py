"""Runs written by hand: findings and columns as an audit leaves them, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eyetest import stats
from eyetest.provenance import new_record
from eyetest.records import DataRecord, Estimate, Finding, ModelRecord, Status
from eyetest.report.examined import exam_record
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


def exam_scores() -> dict[str, Any]:
    """Scores of a good exam, as `eyetest validate` writes them."""
    rate = {"k": 19, "n": 20, "value": 0.95, "low": 0.75, "high": 0.99, "method": "Clopper–Pearson"}
    none = {"k": 0, "n": 0, "value": None, "low": None, "high": None, "method": "Clopper–Pearson"}
    silent = rate | {"k": 0, "value": 0.0, "low": 0.0, "high": 0.17}
    point = {
        "model": "<b>m", "cue": "colour", "operator": "colour", "target": [0.3, 0.28, 0.32], "used": [0.3, 0.28, 0.32],
        "measured": [0.31, 0.29, 0.33], "detected": True, "alone": True,
    }  # fmt: skip
    looked = {
        "kind": "patch", "method": "grad_cam", "stamps": {"trust": 2, "cannot tell": 1, "do not trust": 0}, "reasons": [],
        "mass": [0.5, 0.4, 0.6], "mass_dot": [0.1, 0.1, 0.2], "hit": [0.5, 0.4, 0.6], "hit_dot": [0.1, 0.1, 0.2],
    }  # fmt: skip
    covered = {
        "held": 190, "audits": 200, "low": 0.91, "high": 0.98, "mean": 0.2, "true_deviation": 0.01, "mean_half_width": 0.02
    }  # fmt: skip
    return {
        "models": 30, "quick": False, "seed": 0, "passed": True, "slope": 1.0, "intercept": 0.001, "correlation": 0.99,
        "rates": {
            "sensitivity": rate, "false_alarm_rate": silent, "table_held": rate,
            "alarms_where_planted_and_not_used": none,
        },
        "sensitivity": 0.95, "table_held": 0.95, "smallest_detected": 0.12, "excluded": 2,
        "operators": {"colour": {"sensitivity": rate, "false_alarms_clean": silent, "false_alarms_other_cue": none}},
        "table": {"clean": {"colour": 0.0}, "colour": {"colour": 1.0}},
        "points": [point], "fixes": {"fix": rate, "no_fix": rate, "no_fix_without_change": silent, "rows": []},
        "coverage": {"colour": covered}, "maps": [looked], "trusted_maps_above_the_dot": True, "trusted_controls": 0,
        "record": exam_record(quick=False, seed=0).model_dump(mode="json"),
    }  # fmt: skip
