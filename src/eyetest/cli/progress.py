"""Progress on the terminal: what is being done, how far, how fast, and the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..types import Progress, silent

LINE_EVERY = 30.0
"""Seconds between lines where there is no terminal."""


@contextmanager
def shown(quiet: bool) -> Iterator[Progress]:
    """A Progress callback that draws a bar on a terminal, lines into a log, and nothing when quiet."""
    if quiet:
        yield silent
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        with Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bars:
            yield Bar(bars)


class Bar:
    """One bar; a new one begins when the work changes."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.task: TaskID | None = None
        self.work = ""

    def __call__(self, what: str, fraction: float, speed: float) -> None:
        """Show how far it is."""
        work = what.partition(",")[0]
        if self.task is None or work != self.work:
            if self.task is not None:
                self.bars.remove_task(self.task)
            self.task, self.work = self.bars.add_task(what, total=1.0, speed=""), work
        text = f"{speed:,.0f} images/s" if speed else ""
        self.bars.update(self.task, completed=fraction, description=what, speed=text)


class Lines:
    """A line now and then, and at the end of each work."""

    def __init__(self) -> None:
        self.work, self.started, self.first, self.last = "", 0.0, 0.0, 0.0

    def __call__(self, what: str, fraction: float, speed: float) -> None:
        """Show how far it is."""
        now, work = time.monotonic(), what.partition(",")[0]
        if work != self.work:
            self.work, self.started, self.first, self.last = work, now, fraction, now
        if fraction < 1 and now - self.last < LINE_EVERY:
            return
        self.last = now
        left = (now - self.started) * (1 - fraction) / max(fraction - self.first, 1e-9)
        tail = f", {left / 60:.1f} min left" if 0 < fraction < 1 and fraction > self.first else ""
        rate = f", {speed:,.0f} images/s" if speed else ""
        print(f"{what}: {100 * fraction:.0f} %{rate}{tail}", file=sys.stderr, flush=True)
