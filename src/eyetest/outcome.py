"""What a check or a comparison gives: a finding, and the columns that its estimates are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from .records import Finding
from .types import Column


@final
@dataclass(frozen=True)
class Outcome:
    """A finding with the per-image columns behind its estimates."""

    finding: Finding
    ids: tuple[str, ...] = ()
    """Row names of the columns."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    """Stored as scores/<CODE>.parquet."""
