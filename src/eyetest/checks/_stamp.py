"""From what a method did on trial to a stamp: trust, do not trust, or cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, final

import numpy as np

from .. import stats
from ..types import CONTROLS, Column, TrustTrial

Passed = Literal["passed", "failed", "open"]
Verdict = Literal["trust", "do not trust", "cannot tell"]

INDEPENDENT, DEPENDENT = 0.3, 0.7
"""Mean correlation with maps of redrawn models below which a map depends on the model, and above which it does not."""
STEADY, SHAKY = 0.6, 0.3
"""Mean correlation with maps of noisy copies."""
SAME = 0.9
"""Mean correlation with the contender's map from which a map is not about its target."""
MOVED = 0.05
"""Mean change of the probability, when half of the pixels go, below which the answer does not hang on the pixels."""
LEVEL = 1 - 0.05 / len(CONTROLS)
"""Of the intervals against the three controls, simultaneous."""
THAN = " no better than "
WORDS = {"random": "a random map", "centre": "a dot in the middle", "edges": "the outlines of the image"}


@final
@dataclass(frozen=True)
class Trialled:
    """One test of a method: its number with interval, and whether it was passed."""

    name: str
    problem: str
    """What is said of the map where it is not passed: `is the same for another class`."""
    interval: stats.Interval
    n: int
    outcome: Passed
    rule: str
    decides: bool = True
    """Whether failing it means `do not trust`; else `cannot tell`."""


@final
class Stamp(NamedTuple):
    """What a trial says of a method's maps of one target, and what stands in the way of trust."""

    word: Verdict
    reason: str


def stamp(trial: TrustTrial) -> Stamp:
    """The stamp of a trial; its reason is empty where it is trusted."""
    tests = trialled(trial)
    return Stamp(verdict(tests), reason(tests))


def verdict(tests: list[Trialled]) -> Verdict:
    """Trust if every test is passed, do not trust if one that decides is failed, else cannot tell."""
    if any(test.outcome == "failed" and test.decides for test in tests):
        return "do not trust"
    return "trust" if all(test.outcome == "passed" for test in tests) else "cannot tell"


def reason(tests: list[Trialled]) -> str:
    """The tests that stand in the way of trust, in words; empty if none does."""
    return _listed(obstacles(tests), ", and ")


def obstacles(tests: list[Trialled]) -> list[str]:
    """What stands in the way of trust, one a test; those against several controls in one breath."""
    failed = [test for test in tests if test.outcome == "failed"]
    decided = any(test.decides for test in failed)
    in_the_way = failed if decided else [test for test in tests if test.outcome != "passed"]
    grouped: dict[str, list[str]] = {}
    for test in in_the_way:
        what, than, control = test.problem.partition(THAN)
        grouped.setdefault(what + than, []).append(control)
    return [what + _listed(controls, " or ") for what, controls in grouped.items()]


def _listed(parts: list[str], last: str) -> str:
    return last.join([*([", ".join(parts[:-1])] if len(parts) > 1 else []), *parts[-1:]])


def trialled(trial: TrustTrial) -> list[Trialled]:
    """All tests of one method, in the order in which they are read."""
    return [
        _dependent(trial),
        *_beats_controls(trial),
        *_agrees(trial),
        *_complete(trial),
        _steady(trial),
        _about(trial),
    ]


def _dependent(trial: TrustTrial) -> Trialled:
    problem = "hardly changes when the model's weights are drawn anew"
    rule = f"mean correlation below {INDEPENDENT}; above {DEPENDENT} it fails"
    if not len(trial.redrawn):
        nothing = stats.Interval(0.0, -1.0, 1.0)
        return Trialled(
            "depends_on_model", "could not be made for a model with weights drawn anew", nothing, 0, "open", rule
        )
    means = [stats.mean_interval(one.mean(0)) for one in (trial.redrawn, trial.redrawn_absolute)]
    found = max(means, key=lambda interval: interval.value)
    outcome: Passed = "passed" if found.high < INDEPENDENT else "failed" if found.low > DEPENDENT else "open"
    return Trialled("depends_on_model", problem, found, len(trial.rows), outcome, rule)


def _beats_controls(trial: TrustTrial) -> list[Trialled]:
    """Taking pixels away in the map's order, against the order of maps that know nothing."""
    tests = _against("faithful", "names the pixels that the answer hangs on", trial.faithful, trial.faithful_controls)
    return [_moves(trial), *tests]


def _agrees(trial: TrustTrial) -> list[Trialled]:
    """With the transplant map, against how far maps that know nothing agree with it."""
    if not len(trial.agreement):
        return []
    problem = "agrees with the transplant map"
    return _against("agrees", problem, trial.agreement, trial.agreement_controls)


def _against(name: str, problem: str, own: Column, controls: np.ndarray) -> list[Trialled]:
    """A map that is worse than a random one is not to be trusted; one that is worse than a good guess may still be right."""
    tests = []
    for control, values in zip(CONTROLS, controls, strict=True):
        found = stats.mean_interval(own - values, LEVEL)
        outcome: Passed = "passed" if found.low > 0 else "failed" if found.high < 0 else "open"
        rule = "difference above 0, simultaneous over the three controls"
        said = f"{problem}{THAN}{WORDS[control]}"
        tests.append(Trialled(f"{name}_{control}", said, found, len(own), outcome, rule, decides=control == "random"))
    return tests


def _complete(trial: TrustTrial) -> list[Trialled]:
    if not len(trial.incomplete):
        return []
    found = stats.wilson(int((trial.incomplete <= 1).sum()), len(trial.incomplete))
    outcome: Passed = "passed" if found.value >= SAME else "failed"
    rule = f"at least {SAME:.0%} of the maps sum to the target's change within 5 %"
    return [Trialled("complete", "does not sum to what it promises", found, len(trial.incomplete), outcome, rule)]


def _steady(trial: TrustTrial) -> Trialled:
    found = stats.mean_interval(trial.stability)
    outcome: Passed = "passed" if found.low >= STEADY else "failed" if found.high < SHAKY else "open"
    rule = f"mean correlation at least {STEADY}; below {SHAKY} it fails"
    return Trialled("steady", "changes under noise nobody sees", found, len(trial.rows), outcome, rule, decides=False)


def _about(trial: TrustTrial) -> Trialled:
    found = stats.mean_interval(trial.sensitivity)
    outcome: Passed = "passed" if found.high < SAME else "failed"
    rule = f"mean correlation with the contender's map below {SAME}"
    problem = "is the same for another class"
    return Trialled("about_target", problem, found, len(trial.rows), outcome, rule, decides=False)


def _moves(trial: TrustTrial) -> Trialled:
    """An answer that hangs on no pixels, such as an untrained model's, has no evidence that a map could show."""
    found = stats.mean_interval(trial.movable)
    outcome: Passed = "passed" if found.low >= MOVED else "failed" if found.high < MOVED else "open"
    problem = "explains an answer that hardly hangs on the pixels"
    rule = f"mean change of the probability at least {MOVED} when a random half of the pixels is taken away"
    return Trialled("something_to_explain", problem, found, len(trial.rows), outcome, rule)
