"""What the user gives on the command line, read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from ..data import Dataset


def load(
    data: str,
    seed: int,
    group: str | None = None,
    human_labels: Path | None = None,
    image_size: int | None = None,
) -> Dataset:
    """The data of a name or a path."""
    from ..data import load_data

    return load_data(data, seed=seed, image_size=image_size, group=group, human_labels=human_labels)


def changes_of(fields: list[str] | None) -> dict[str, str]:
    """Recipe fields of `epochs=3 width=16`."""
    changes = {}
    for field in fields or []:
        name, found, value = field.partition("=")
        if not found:
            raise UserError(
                f"--set {field} has no value; expected a recipe field and its value, such as --set epochs=3."
            )
        changes[name] = value
    return changes


def seconds_of(budget: str | None) -> float | None:
    """Seconds of `90`, `90s`, `5m` or `1h`."""
    if budget is None:
        return None
    factor = {"s": 1, "m": 60, "h": 3600}.get(budget[-1:], 0)
    number = budget[:-1] if factor else budget
    try:
        seconds = float(number) * (factor or 1)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UserError(f"--budget {budget} is no time; expected something like 90s, 5m or 1h.")
    return seconds


def set_threads(threads: int | None) -> None:
    """Let torch use so many threads; as many as it likes by default."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
