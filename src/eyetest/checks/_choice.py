"""From names, codes and files to checks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import UserError, unknown_name
from . import checks as registry
from .base import Check


def find_checks(names: Sequence[str | Check] = (), skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks of these names or codes (all if none are given), without the skipped, by code.

    A Python file that defines checks may stand among the names, and so may a check with its own parameters.
    Raises UnknownName, or UserError if two checks have one code.
    """
    known = [registry.get(name)() for name in registry.names()]
    by_name = dict(zip(registry.names(), known, strict=True)) | {check.code: check for check in known}
    for name in (*names, *skip):
        if isinstance(name, str) and not name.endswith(".py") and name not in by_name:
            raise unknown_name("check", name, by_name)
    wanted = [check for one in names for check in _checks_of(one, by_name)] or known
    chosen = tuple(sorted(set(wanted) - {by_name[name] for name in skip}, key=lambda check: check.code))
    for first, second in itertools.pairwise(chosen):
        if first.code == second.code:
            raise UserError(
                f"Two checks have the code {first.code}: {type(first).__name__} and {type(second).__name__}. Give yours "
                "a code that `eyetest list checks` does not show."
            )
    return chosen


def _checks_of(one: str | Check, by_name: Mapping[str, Check]) -> list[Check]:
    if isinstance(one, Check):
        return [one]
    return [kind() for kind in registry.in_file(Path(one))] if one.endswith(".py") else [by_name[one]]
