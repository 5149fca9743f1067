"""The fixture `eyetest_gate`, with which the tests of a model's repository assert that a run meets a policy.

Imports nothing of eyetest before a test asks for it, so that it costs other test suites nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .records import GateRecord

Gate = Callable[..., "GateRecord"]


@pytest.fixture(scope="session")
def eyetest_gate() -> Gate:
    """`eyetest_gate(run, policy, reference=None)`: fails the test unless the run passes; cannot tell is no pass."""

    def check(run: Path | str, policy: Path | str, reference: Path | str | None = None) -> GateRecord:
        __tracebackhide__ = True
        from .errors import UserError
        from .export.plain import plain
        from .gating import gate

        try:
            gated = gate(run, policy, reference=reference)
        except UserError as error:
            pytest.fail(f"eyetest gate: {error}", pytrace=False)
        if gated.result != "pass":
            pytest.fail(plain(gated), pytrace=False)
        return gated

    return check
