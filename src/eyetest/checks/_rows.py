"""Finding rows of one kind of evidence in another."""

from __future__ import annotations

import numpy as np

from ..types import Rows


def places(rows: Rows, wanted: Rows) -> np.ndarray:
    """Where each wanted row stands among `rows`; all of them must be there."""
    order = np.argsort(rows, kind="stable")
    result: np.ndarray = order[np.searchsorted(rows, wanted, sorter=order)]
    return result
