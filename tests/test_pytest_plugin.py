"""The fixture for the tests of a model's repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hand_made import add, begin, estimate

TESTS = """
import sys

def test_light():
    assert not {"torch", "numpy", "eyetest.gating"} & set(sys.modules)

def test_passes(eyetest_gate):
    assert eyetest_gate("run", "pass.toml").result == "pass"
    assert "torch" not in sys.modules

def test_fails(eyetest_gate):
    eyetest_gate("run", "fail.toml")

def test_cannot_tell(eyetest_gate):
    eyetest_gate("run", "cannot_tell.toml")

def test_bad_policy(eyetest_gate):
    eyetest_gate("run", "none.toml")
"""


def test_only_a_pass_passes_and_says_why_not(tmp_path: Path) -> None:
    add(begin(tmp_path / "run"), "ACC001", estimate("accuracy", 0.9, 0.8, 0.95))
    for name, threshold in (("pass", 0.8), ("fail", 0.99), ("cannot_tell", 0.9)):
        text = f'[[rule]]\nestimate = "ACC001.accuracy"\nat_least = {threshold}'
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    (tmp_path / "test_model.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:jaxtyping", "-p", "no:eyetest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-p", "eyetest.pytest_plugin"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "3 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "fail: ACC001.accuracy at least 0.99" in done.stdout
    assert "gate: cannot tell, which is no pass" in done.stdout
    assert "none.toml cannot be read" in done.stdout
    assert "Traceback" not in done.stdout
