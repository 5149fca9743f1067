"""Who works on what in a directory that several processes share: claim files, made exclusively, kept fresh by a heartbeat.

A claim on `x` is the file `x.<number>`. Whoever finds the newest one stale makes the next number: making a file exclusively
is the one step that decides, so two processes never get the same claim, and nobody deletes a claim of another.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from ..errors import EyetestError

BEAT = 20.0
"""Seconds between two signs of life of a claim's holder."""
STALE = 15 * BEAT
"""Seconds without one after which a claim may be taken by another."""


class ClaimLost(EyetestError):
    """This process was silent for so long that another one took its claim."""


@final
@dataclass(frozen=True)
class Claims:
    """The claims in one folder. Hosts may differ; ages are read from the clock of the file system alone."""

    folder: Path
    beat: float = BEAT
    stale: float = STALE

    @contextmanager
    def take(self, name: str) -> Iterator[Claim | None]:
        """The claim on `name` until the end of the block; None if another process holds it."""
        claim = self._made(name)
        if claim is None:
            yield None
            return
        with claim.beating(self.beat):
            yield claim

    def last_holder(self, name: str) -> int | None:
        """Process id, on its own host, of whoever claimed `name` last and did not give it back; None if nobody."""
        newest = self._newest(name)
        return int(_content(self._path(name, newest)).get("pid", 0)) or None if newest else None

    def _made(self, name: str) -> Claim | None:
        self.folder.mkdir(parents=True, exist_ok=True)
        newest = self._newest(name)
        if newest and not self._is_stale(self._path(name, newest)):
            return None
        path = self._path(name, newest + 1)
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump({"host": host(), "pid": os.getpid(), "time": time.time()}, file)
        except FileExistsError:
            return None
        return Claim(path, self._path(name, newest + 2))

    def _newest(self, name: str) -> int:
        """Number of the newest claim on `name`; 0 if there is none."""
        numbers = [file.name.removeprefix(f"{name}.") for file in self.folder.glob(f"{name}.*")]
        return max((int(number) for number in numbers if number.isdecimal()), default=0)

    def _path(self, name: str, number: int) -> Path:
        return self.folder / f"{name}.{number}"

    def _is_stale(self, path: Path) -> bool:
        """Whether its holder is gone: a dead process of this host, or no sign of life for long."""
        try:
            seen = path.stat().st_mtime
        except FileNotFoundError:
            return True
        content = _content(path)
        if content.get("host") == host() and not alive(int(content["pid"])):
            return True
        return self._now() - seen > self.stale

    def _now(self) -> float:
        """The time by the clock that stamps the claims."""
        probe = self.folder / f".now-{os.getpid()}-{threading.get_ident()}"
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
        return now


@final
@dataclass
class Claim:
    """What this process may work on alone."""

    path: Path
    successor: Path
    """The claim that another process would make if this one were taken for dead."""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def lost(self) -> bool:
        """Whether another process took it."""
        return self.successor.exists()

    def require(self) -> None:
        """Raise ClaimLost if another process took it."""
        if self.lost:
            raise ClaimLost(f"{self.path} was taken by another process, because this one gave no sign of life.")

    @contextmanager
    def beating(self, seconds: float) -> Iterator[None]:
        """Signs of life from a thread of its own, so that a long step of training is no silence; then it is given back."""
        thread = threading.Thread(target=self._beat, args=(seconds,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.ended.set()
            thread.join()
            self.path.unlink(missing_ok=True)

    def _beat(self, seconds: float) -> None:
        while not self.ended.wait(seconds):
            with suppress(FileNotFoundError):
                os.utime(self.path)


def host() -> str:
    """This machine, and on Linux the space in which its process ids are numbered (containers have their own)."""
    space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {space.readlink() if space.is_symlink() else ''}".strip()


def alive(pid: int) -> bool:
    """Whether a process of this host lives; on Windows, where asking is not safe, any is taken to."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _content(path: Path) -> dict[str, str | int | float]:
    """What a claim says; empty while it is being written."""
    try:
        content: dict[str, str | int | float] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content
