"""What a tracker is told of a run, and what it does with that."""

from __future__ import annotations

import importlib.util
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

from ..errors import UserError
from ..records import EpochMetrics
from ..store import RunDir

PROJECT = "eyetest"
"""Name of the experiment or project in which runs are put together."""
LONGEST_NAME, LONGEST_VALUE = 200, 500
"""Characters; trackers refuse longer ones."""
CURVES = (*EpochMetrics.columns, "learning_rate")


@final
@dataclass(frozen=True)
class Told:
    """One run in a tracker's terms: flat names, numbers, texts and files."""

    name: str
    group: str
    """Name of the study that it is part of, or its own."""
    metrics: Mapping[str, float]
    """Each estimate as `CODE.name`, its interval as `CODE.name.low` and `CODE.name.high`."""
    params: Mapping[str, str]
    curves: Mapping[str, tuple[tuple[int, float], ...]]
    """Epoch and value, of training."""
    headlines: Mapping[str, str]
    """By code."""
    files: tuple[Path, ...]
    """The page, if there is one, and the findings as JSON."""


class Tracker(ABC):
    """Another library that keeps runs; it is imported when the first run is told to it."""

    library: ClassVar[str]
    """Module that must be installed."""

    def require(self) -> None:
        """Raise UserError if the library is not installed."""
        if importlib.util.find_spec(self.library) is None:
            name = type(self).__name__.lower()
            raise UserError(
                f"--tracker {name} needs the library {self.library}, which is not installed here. "
                "Install it with: pip install 'eyetest[trackers]'"
            )

    @abstractmethod
    def log(self, told: Told) -> str:
        """Hand over one run; where it lies now."""


def told(run: RunDir, group: str) -> Told:
    """What there is to tell of a run."""
    metrics: dict[str, float] = {}
    for finding in run.findings.values():
        for one in finding.estimates:
            name = _free(plain_name(f"{finding.code}.{one.name}"), metrics)
            metrics |= {name: one.value, f"{name}.low": one.low, f"{name}.high": one.high}
    epochs = run.metrics()
    files = [run.page, *sorted((run.path / "findings").glob("*.json"))]
    return Told(
        name=run.path.name,
        group=group,
        metrics=metrics,
        params=_params(run),
        curves={name: tuple((one.epoch, float(getattr(one, name))) for one in epochs) for name in CURVES if epochs},
        headlines={finding.code: finding.headline for finding in run.findings.values()},
        files=tuple(file for file in files if file.is_file()),
    )


def plain_name(name: str) -> str:
    """The name in characters that every tracker takes: letters, digits, `_ . - /` and spaces."""
    return re.sub(r"[^\w./ -]", "_", name)[:LONGEST_NAME]


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, numbered if another one has become the same."""
    names = set(taken)
    return next(one for one in (name, *(f"{name}_{k}" for k in range(2, len(names) + 3))) if one not in names)


def _params(run: RunDir) -> dict[str, str]:
    record = run.record
    whole = record.model_dump(
        mode="json", include={"kind", "id", "seed", "device", "git", "command", "created", "versions"}
    )
    data = record.data.model_dump(mode="json", include={"name", "title", "fingerprint", "group"})
    models = {str(place): {"name": one.name, "fingerprint": one.fingerprint} for place, one in enumerate(record.models)}
    parts = whole | {"data": data, "model": models, "config": record.config}
    found: dict[str, str] = {}
    for key, value in _flat("", parts):
        found[_free(plain_name(key), found)] = str(value)[:LONGEST_VALUE]
    return found


def _flat(prefix: str, value: object) -> Iterable[tuple[str, object]]:
    """Every leaf of nested tables and lists with its path, `config.recipes.0.epochs`; lists of plain values stay whole."""
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        yield prefix, ", ".join(map(str, value)) if isinstance(value, list) else value
        return
    for key, one in value.items():
        yield from _flat(f"{prefix}.{key}" if prefix else str(key), one)
