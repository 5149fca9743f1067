"""One claim, one holder: among threads, dead processes, silent hosts and processes that wake up late."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from eyetest.training.claims import STALE, ClaimLost, Claims, alive, host


def claimed(folder: Path, *, pid: int, by: str, age: float = 0.0, number: int = 1) -> Path:
    """A claim on `x` that another process made so many seconds ago."""
    path = folder / f"x.{number}"
    path.write_text(json.dumps({"host": by, "pid": pid, "time": 0.0}), encoding="utf-8")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def dead() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_claim_has_one_holder_until_it_is_given_back(tmp_path: Path):
    claims = Claims(tmp_path / "claims")
    with claims.take("x") as first:
        assert first is not None
        content = json.loads(first.path.read_text(encoding="utf-8"))
        assert (content["host"], content["pid"]) == (host(), os.getpid())
        assert claims.last_holder("x") == os.getpid()
        with claims.take("x") as second, claims.take("y") as other:
            assert second is None
            assert other is not None
    with claims.take("x") as third:
        assert third is not None
    assert list(claims.folder.iterdir()) == []


def test_of_many_at_once_one_gets_it(tmp_path: Path):
    claims, gate, won = Claims(tmp_path), threading.Barrier(16), []
    claimed(tmp_path, pid=dead(), by=host())

    def attempt() -> None:
        gate.wait()
        with claims.take("x") as claim:
            won.append(claim is not None)
            gate.wait()

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(won) == 1


@pytest.mark.parametrize(
    ("here", "alive", "age", "taken"),
    [
        (True, True, 0.0, False),
        (True, False, 0.0, True),
        (True, True, STALE + 60, True),
        (False, False, 0.0, False),
        (False, False, STALE - 60, False),
        (False, False, STALE + 60, True),
    ],
)
def test_only_a_stale_claim_is_taken(tmp_path: Path, here: bool, alive: bool, age: float, taken: bool):
    claimed(tmp_path, pid=os.getpid() if alive else dead(), by=host() if here else "elsewhere", age=age)
    with Claims(tmp_path).take("x") as claim:
        assert (claim is not None) == taken


def test_a_claim_that_is_still_being_written_is_not_stale(tmp_path: Path):
    (tmp_path / "x.1").touch()
    with Claims(tmp_path).take("x") as claim:
        assert claim is None


def test_a_holder_that_was_taken_for_dead_learns_it(tmp_path: Path):
    claims = Claims(tmp_path)
    with claims.take("x") as claim:
        assert claim is not None
        claim.require()
        claimed(tmp_path, pid=1, by="elsewhere", number=2)
        assert claim.lost
        with pytest.raises(ClaimLost):
            claim.require()
    assert [file.name for file in tmp_path.iterdir()] == ["x.2"]


def test_a_claim_gives_signs_of_life(tmp_path: Path):
    with Claims(tmp_path, beat=0.05).take("x") as claim:
        assert claim is not None
        os.utime(claim.path, (0, 0))
        deadline = time.monotonic() + 5
        while claim.path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert claim.path.stat().st_mtime > 0


def test_a_name_is_not_taken_for_a_longer_one(tmp_path: Path):
    claims = Claims(tmp_path)
    with claims.take("x.5") as longer, claims.take("x") as short:
        assert longer is not None
        assert short is not None


def test_this_process_lives_and_an_ended_one_does_not():
    assert alive(os.getpid())
    assert os.name == "nt" or not alive(dead())
