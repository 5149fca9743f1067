"""Other libraries that keep runs. Adding one is adding a file. Nothing is imported of them before a run is told to them."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import TrackerError
from ..registry import Registry
from ..store import RunDir
from .base import Tracker, told

trackers = Registry("eyetest.trackers", Tracker, "tracker")  # type: ignore[type-abstract]


def find_trackers(names: Sequence[str]) -> list[Tracker]:
    """The trackers of these names.

    Raises UnknownName, or UserError for one whose library is not installed.
    """
    found = [trackers.get(name)() for name in dict.fromkeys(names)]
    for tracker in found:
        tracker.require()
    return found


def track(run: RunDir, tracker: Tracker) -> list[str]:
    """Tell a tracker of a run, and of the runs that a study holds; where they lie now.

    Raises TrackerError, whatever went wrong in the other library. The run itself is not touched.
    """
    held = run.children if run.record.kind == "study" else ()
    name = type(tracker).__name__.lower()
    try:
        return [tracker.log(told(one, run.path.name)) for one in (*held, run)]
    except Exception as error:
        raise TrackerError(
            f"{name} did not take the run ({type(error).__name__}: {error}). The run is complete and lies in {run.path}; "
            f"give `eyetest track {run.path} --tracker {name}` to try that again."
        ) from error
