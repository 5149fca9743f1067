"""Telling trackers of a run that is done: what they answer, in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import TrackerError
from .exit_codes import DONE, PARTIAL

if TYPE_CHECKING:
    from ..store import RunDir
    from ..trackers.base import Tracker


def found(names: Sequence[str] | None) -> list[Tracker]:
    """The trackers that were asked for; raises UserError before any work is done if one cannot be used."""
    if not names:
        return []
    from ..trackers import find_trackers

    return find_trackers(names)


def send(run: RunDir, trackers: Sequence[Tracker], *, quiet: bool = False) -> int:
    """Tell each tracker of the run; the exit code. One that fails keeps none of the others from being told."""
    from ..trackers import track

    code = DONE
    for tracker in trackers:
        try:
            for place in track(run, tracker):
                if not quiet:
                    print(f"tracked: {place}")
        except TrackerError as error:
            print(f"eyetest: {error}", file=sys.stderr)
            code = PARTIAL
    return code
