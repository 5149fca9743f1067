"""Everything eyetest raises on purpose.

* EyetestError
  * UserError             the user's input; printed as one paragraph, exit code 2
    * DataError           a data set, split, image or label that cannot be used
    * ModelError          a model or its weights that cannot be used
    * UnknownName         a name that no registry and no list holds
    * RecipeError         a recipe field or value that makes no sense
    * RunError            a run directory that is missing, taken, damaged or incompatible
  * TrackerError          another library did not take a run, which itself is complete; exit code 3
  * UndeclaredNeed        a check read evidence that its needs() does not list (a bug in the check)
  * MissingEvidence       declared evidence that this run does not hold (the finding says not_applicable)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EyetestError(Exception):
    """The root of all errors that eyetest raises on purpose."""


class UserError(EyetestError):
    """What happened, what was expected, and what to do next, in one paragraph."""


class DataError(UserError):
    """The data cannot be used as it is."""


class ModelError(UserError):
    """The model cannot be used as it is."""


class UnknownName(UserError):
    """A name is not known; the message offers the nearest one and the whole list."""


class RecipeError(UserError):
    """A recipe field or value makes no sense."""


class PolicyError(UserError):
    """A policy file is missing, is no TOML, or holds a rule that makes no sense."""


class RunError(UserError):
    """A run directory is missing, taken, damaged or does not fit."""


class TrackerError(EyetestError):
    """Another library did not take a run; the run itself is complete."""


class UndeclaredNeed(EyetestError):
    """A check read evidence that it did not declare."""


class MissingEvidence(EyetestError):
    """Evidence was declared, but this run does not hold it; the message says why."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for an unknown name, with the nearest known one and the list."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownName(f"No {kind} is called {name!r}.{hint} Known: {', '.join(names) or 'none'}.")
