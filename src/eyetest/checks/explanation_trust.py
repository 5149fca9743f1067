"""EXP001: may the maps be believed?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from ..errors import MissingEvidence
from ..evidence import Evidence, Explain, Need, Select, Trust
from ..outcome import Outcome
from ..records import Cell, Estimate, Forest, Table
from ..types import Column, Target, TrustTrial, image_ids
from ._stamp import LEVEL, Trialled, Verdict, obstacles, reason, trialled, verdict
from .base import Check

STUDY: tuple[tuple[str, Target], ...] = (("grad_cam", "predicted"), ("saliency", "predicted"))
"""What everybody shows, and so what is stamped in every audit."""
SAMPLED = 64
FEW = 3
"""Methods up to which the headline has a sentence, and the page a figure, for each."""


@final
@dataclass(frozen=True)
class ExplanationTrust(Check):
    """Each method of explanation put to the test on 64 images, beside maps that know nothing of the model."""

    code: ClassVar[str] = "EXP001"
    title: ClassVar[str] = "Trust in the maps"
    question: ClassVar[str] = "Do the maps depend on the model, and do they beat plain controls?"
    limits: ClassVar[tuple[str, ...]] = (
        "A stamp is for a method, this model and what is explained, as a mean over images; a single map may still mislead.",
        "Taking pixels away shows the model images that it never saw; what is read is the difference to other orders.",
        "Trust means that the map beats maps that know nothing; it does not mean that the map is complete.",
        "A map may be right and not pass: a model that looks at the middle cannot be told from a dot in the middle.",
    )
    methods: tuple[tuple[str, Target], ...] = STUDY
    """Method and what it explains."""

    def needs(self) -> Iterable[Need[Any]]:
        """The trials, and the transplant maps of the same images."""
        return (*self._trusts(), Explain("transplant_map", "predicted", Select.sample(SAMPLED)))

    def run(self, evidence: Evidence) -> Outcome:
        """A stamp a method, and every test behind it."""
        trials = found_trials(evidence, self._trusts())
        tests = {key: trialled(trial) for key, trial in trials.items()}
        stamps = {key: verdict(one) for key, one in tests.items()}
        estimates = [_estimate(key, test) for key, of in tests.items() for test in of]
        finding = self.finding(
            "explanation_trust",
            _status(list(stamps.values())),
            _headline(stamps, tests),
            estimates=estimates,
            blocks=[
                _stamps(stamps, tests, trials),
                *(_forest(key, tests[key], stamps[key]) for key in stamps if len(stamps) <= FEW),
                *_fading(trials),
                _table(tests),
            ],
            params=_params(stamps),
        )
        ids = image_ids("test", next(iter(trials.values())).rows)
        return Outcome(finding, ids, _columns(trials))

    def _trusts(self) -> tuple[Trust, ...]:
        return tuple(Trust(method, target, Select.sample(SAMPLED)) for method, target in self.methods)


def found_trials(evidence: Evidence, needs: Iterable[Trust]) -> dict[str, TrustTrial]:
    """The trials that this run holds, by method and target; MissingEvidence if there is none."""
    found, missing = {}, ""
    for need in needs:
        try:
            found[f"{need.method}-{need.target}"] = evidence[need]
        except MissingEvidence as error:
            missing = str(error)
    if not found:
        raise MissingEvidence(missing)
    return found


def _status(stamps: list[str]) -> Any:
    if "do not trust" in stamps:
        return "concern"
    return "ok" if set(stamps) == {"trust"} else "inconclusive"


def _headline(stamps: Mapping[str, Verdict], tests: Mapping[str, list[Trialled]]) -> str:
    """A sentence a method, or with many methods a sentence a stamp."""
    if len(stamps) <= FEW:
        return " ".join(_sentence(key, stamps[key], tests[key]) for key in stamps)
    said: list[tuple[Verdict, str]] = [
        ("trust", "Trust maps by"),
        ("do not trust", "Do not trust maps by"),
        ("cannot tell", "It cannot be told whether to trust maps by"),
    ]
    named = {word: [_words(key) for key in stamps if stamps[key] == word] for word, _ in said}
    sentences = [f"{start} {', '.join(named[word])}." for word, start in said if named[word]]
    return f"{len(stamps)} methods were put to the test on {_images(next(iter(tests.values())))} images. {' '.join(sentences)}"


def _words(key: str) -> str:
    """`grad_cam-predicted` as it is said: the predicted class goes without saying."""
    method, _, target = key.rpartition("-")
    return method.replace("_", " ") + ("" if target == "predicted" else f" ({target})")


def _images(tests: list[Trialled]) -> int:
    return max(test.n for test in tests)


def _sentence(key: str, stamp: str, tests: list[Trialled]) -> str:
    method, _, target = key.rpartition("-")
    what = f"{method.replace('_', ' ')} maps of the {target} class"
    if stamp == "trust":
        return f"Trust {what}: they pass all {len(tests)} tests on {tests[0].n} images."
    verb = "Do not trust" if stamp == "do not trust" else "It cannot be told whether to trust"
    first, *others = obstacles(tests)
    more = f" ({len(others)} more below)" if others else ""
    return f"{verb} {what}: on {tests[-1].n} images such a map {first}{more}."


def _estimate(key: str, test: Trialled) -> Estimate:
    level = LEVEL if "_" in test.name and test.name.split("_")[0] in ("faithful", "agrees") else 0.95
    return Estimate(
        name=f"{key}.{test.name}",
        value=test.interval.value,
        low=test.interval.low,
        high=test.interval.high,
        confidence=level,
        n=test.n,
        unit=_unit(test.name),
        better="neither",
        method="Wilson score interval" if test.name == "complete" else "t interval over images",
    )


def _unit(name: str) -> str:
    if name == "complete":
        return "fraction"
    return "probability" if name.startswith(("faithful", "something")) else "correlation"


def _forest(key: str, tests: list[Trialled], stamp: str) -> Forest:
    names = tuple(f"{key}.{test.name}" for test in tests if test.n)
    return Forest(title=f"{_words(key)}: {stamp}", x_label="mean over images", estimates=names)


def _stamps(
    stamps: Mapping[str, Verdict], tests: Mapping[str, list[Trialled]], trials: Mapping[str, TrustTrial]
) -> Table:
    rows = []
    for key, word in stamps.items():
        method, _, target = key.rpartition("-")
        passed = sum(test.outcome == "passed" for test in tests[key])
        evidence = int((trials[key].largest > 0).sum())
        stands = reason(tests[key]) or None
        rows.append((method, target, word, f"{passed} of {len(tests[key])}", evidence, _images(tests[key]), stands))
    columns = ("method", "of class", "stamp", "tests passed", "maps with evidence", "images", "such a map")
    return Table(title="Stamps", columns=columns, rows=tuple(rows))


def _table(tests: Mapping[str, list[Trialled]]) -> Table:
    rows = tuple(
        (f"{key}.{test.name}", test.outcome, *test.interval, test.n, test.rule)
        for key, of in tests.items()
        for test in of
    )
    return Table(title="Tests", columns=("test", "outcome", "value", "low", "high", "images", "rule"), rows=rows)


def _fading(trials: Mapping[str, TrustTrial]) -> list[Table]:
    """How the maps fade as layers are drawn anew, for the reader who wants to see it."""
    known = {key: trial for key, trial in trials.items() if len(trial.cascade)}
    rows = tuple(
        (_words(key), *(float(one.mean()) for one in trial.cascade), *(float(one.mean()) for one in trial.single))
        for key, trial in known.items()
    )
    if not rows:
        return []
    single = [f"layer {place} of {len(rows[0]) - 4}" for place in range(1, len(rows[0]) - 3)]
    columns = ("method", "last quarter", "last half", "last three quarters", *single)
    title = "Mean correlation with the maps after layers were drawn anew: the last ones together, then single ones from input to output"
    return [Table(title=title, columns=columns, rows=rows)]


def _params(stamps: Mapping[str, str]) -> dict[str, Cell]:
    return {f"stamp.{key}": stamp for key, stamp in stamps.items()}


def _columns(trials: Mapping[str, TrustTrial]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for key, trial in trials.items():
        found |= {f"{key}.faithful": trial.faithful, f"{key}.stability": trial.stability}
        found |= {f"{key}.evidence": np.asarray(trial.largest > 0, dtype=np.float64)}
    return found
