"""Audit answers that a model gave elsewhere: the same findings, without the model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .checks._choice import find_checks
from .checks.base import Check
from .data import Dataset, load_data
from .data.predictions_file import read_predictions
from .engine.annotate import annotate_all
from .engine.plan import gather
from .engine.run import run_checks
from .errors import DataError
from .evidence import Predict
from .provenance import new_record
from .records import ModelRecord
from .store import RunDir, recorded, run_path
from .types import Predictions, Progress, silent

DEVICE = "no device (saved predictions)"


def audit_predictions(
    file: Path | str,
    data: Dataset | str | Path,
    *,
    checks: Sequence[str | Check] = (),
    skip: Sequence[str] = (),
    out: Path | str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> RunDir:
    """Audit a file of predictions (parquet, CSV or npz) on test images: every check becomes a finding.

    A check that needs the model itself is not applicable, and says so. What a file may hold: data/predictions_file.py.
    Raises DataError if the file does not fit the data.
    """
    file, data = Path(file), data if isinstance(data, Dataset) else load_data(data)
    predictions = read_predictions(file, data)
    _require_groups(file, data, predictions)
    work = gather(find_checks(checks, skip))
    config = {"checks": [check.code for check in work.checks], "predictions": file.name}
    record = new_record("audit", data.record(), (_model(file),), seed=seed, device=DEVICE, config=config)
    run = RunDir.begin(run_path(out, record, file.stem), record)
    with recorded(run):
        run.write_samples(data.sample_columns())
        run.write_predictions(work.key(Predict()), predictions)
        annotate_all(run, work, data, seed=seed, progress=progress)
        run_checks(run, work, data, seed=seed, saved=True)
    return run


def _model(file: Path) -> ModelRecord:
    content = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return ModelRecord(name=file.stem, fingerprint=content, parameters=0, source=str(file))


def _require_groups(file: Path, data: Dataset, predictions: Predictions) -> None:
    groups = data.groups("test")
    if groups is not None and len(np.unique(groups[predictions.rows])) < 2:
        raise DataError(
            f"{file} is about images of one {data.group} only; at least two were expected, because nothing can be said of "
            "others from one. Give more rows, or leave the group out."
        )
