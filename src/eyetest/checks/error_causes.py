"""FAIL003: which misleading cue, made neutral, gives the right answer back more often than when it is kept?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from .. import stats
from ..errors import MissingEvidence
from ..evidence import Evidence, Explain, Need, Predict, Probe, Select
from ..outcome import Outcome
from ..records import Block, Card, Estimate, Forest, Gallery, Status, SwapPicture, Table
from ..transplants.amplitude import Amplitude
from ..transplants.background import Background
from ..transplants.base import Transplant
from ..transplants.border import Border
from ..transplants.colour import Colour
from ..transplants.fine import Fine
from ..transplants.middle import Middle
from ..transplants.patch_statistics import PatchStatistics
from ..types import Column, MapSet, Predictions, ProbeArm, Probes
from ._maps import found_maps, map_pictures, median_reliability, reliability_notes, scales
from .base import Check

CUES: tuple[Transplant, ...] = (
    Colour(),
    Fine(),
    Middle(),
    Amplitude(),
    Border(),
    PatchStatistics(),
    Background(),
)
"""Never the object, the centre or the coarse band: those may well be the object itself."""
SHOWN_ARMS: tuple[ProbeArm, ...] = ("contender", "third", "predicted")
CONCERN = 0.05
"""Excess over the base rate above which causes are called a concern: one error in twenty."""
SHOWN = 16
METHOD = "Wilson score interval over a seeded sample"


@final
@dataclass(frozen=True, eq=False)
class Tested:
    """The test of every cue on every image of a probe."""

    probes: Probes
    p: np.ndarray
    """c n: one-sided exact p-values after Holm over the cues of an image."""
    causes: np.ndarray
    """c n, bool."""

    @property
    def caused(self) -> np.ndarray:
        """Images with at least one cause, n, bool."""
        result: np.ndarray = np.asarray(self.causes.any(0))
        return result


@final
@dataclass(frozen=True)
class ErrorCauses(Check):
    """Cues whose making neutral brings the true class back in one image, and how common such errors are."""

    code: ClassVar[str] = "FAIL003"
    title: ClassVar[str] = "Error causes"
    question: ClassVar[str] = (
        "Which misleading cue, made neutral, gives the right answer back more often than when it is kept?"
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It ties the answer to one image with a cue; it does not show that this cue alone decided, nor how the model "
        "came to use it.",
        "Cues overlap (the background with border, patches and bands), so one error may count under several.",
        "An error without a cause here may have one that was not tried, such as the object's shape, or a wrong label.",
        "Eight donors an arm find strong causes only; weaker ones are missed.",
        "Donors of the true class hand evidence to it; their pictures are shown for the eye and prove nothing.",
    )
    draws: int = 8
    """Donors an arm: with 8, 6 wins against 0 and 7 against 1 stay below 0.05 after Holm over 7 cues, 6 against 1 does not."""
    sampled: int = 256
    """Errors, and as many right answers, behind the rates: ±6 points or better."""
    surest: int = 64
    """Most confident errors that the gallery is chosen from."""
    level: float = 0.05
    """Chance of any false cause in one image."""
    least: float = 0.75
    """Fraction of the third-class draws that must bring the class back, so that a cause is strong, not only certain."""

    def needs(self) -> Iterable[Need[Any]]:
        """Predictions, the experiments on errors and on right answers like them, and maps of the surest errors."""
        return (Predict(), *self._probes(), *self._maps())

    def run(self, evidence: Evidence) -> Outcome:
        """Share of errors with a cause, the same among right answers, and the surest errors with theirs.

        Raises MissingEvidence with two classes, or without an error that has enough donors.
        """
        classes, predictions = evidence.context.classes, evidence[Predict()]
        if len(classes) < 3:
            raise MissingEvidence("with two classes there is no third class whose cue would be neutral")
        errors, matches, surest = (self.tested(evidence[need]) for need in self._probes())
        if not len(errors.probes.rows):
            raise MissingEvidence(f"no wrong answer has {self.draws} validation images of its classes to lend it cues")
        estimates = _estimates(errors, matches)
        by_name = {estimate.name: estimate for estimate in estimates}
        maps = found_maps(evidence, self._maps())
        gallery = _gallery(surest, predictions, classes, maps)
        finding = self.finding(
            "error_causes",
            _status(by_name),
            _headline(by_name, len(errors.probes.cues)),
            estimates=estimates,
            blocks=[*_blocks(gallery, errors, matches), *reliability_notes(maps)],
            samples=[card.id for card in gallery.cards],
            params={
                "draws": self.draws,
                "level": self.level,
                "brought_back_at_least": math.ceil(self.least * self.draws),
                "cues": ", ".join(errors.probes.cues),
                "left_out": errors.probes.left_out + matches.probes.left_out,
                "concern_above": CONCERN,
                "mean_margin_of_errors": _mean_margin(predictions, errors.probes),
                "mean_margin_of_right_answers": _mean_margin(predictions, matches.probes),
                "median_map_reliability": median_reliability(maps),
            },
        )
        return Outcome(finding, predictions.ids, _columns(predictions, errors, matches))

    def tested(self, probes: Probes) -> Tested:
        """Causes: third-class donors bring the contender back oftener than donors of the predicted class, and often."""
        back, kept = probes.wins("third"), probes.wins("predicted")
        draws = probes.donors.shape[1]
        adjusted = stats.holm_rows(stats.fisher_greater(back, kept, draws).T).T
        return Tested(probes, adjusted, (adjusted <= self.level) & (back >= math.ceil(self.least * draws)))

    def _probes(self) -> tuple[Probe, Probe, Probe]:
        """Sampled errors, matched right answers, surest errors."""
        return (
            Probe(CUES, Select.error_sample(self.sampled), draws=self.draws),
            Probe(CUES, Select.matched(self.sampled), draws=self.draws),
            Probe(CUES, Select.errors(self.surest), ("predicted", "third", "contender"), self.draws),
        )

    def _maps(self) -> tuple[Explain, Explain]:
        selected = Select.errors(self.surest)
        return Explain("grad_cam", "predicted", selected), Explain("transplant_map", "predicted", selected)


def _estimates(errors: Tested, matches: Tested) -> list[Estimate]:
    """Share of the errors, the base rate among right answers, their difference, and the share of each cue."""
    hit, false = errors.caused, matches.caused
    found = [_rate("explained", hit, ("explained", "sampled_error"))]
    if len(false):
        found.append(_rate("base_rate", false, ("base_rate", "sampled_match")))
        interval = stats.newcombe(int(hit.sum()), len(hit), int(false.sum()), len(false))
        columns = ("explained", "sampled_error", "base_rate", "sampled_match")
        method = "hybrid score interval of the difference of two samples (Newcombe)"
        found.append(_estimate("excess", interval, len(hit) + len(false), method, "difference_of_ratios", columns))
    for cue, caused in zip(errors.probes.cues, errors.causes, strict=True):
        found.append(_rate(f"explained[{cue}]", caused, (f"explained[{cue}]", "sampled_error")))
    return found


def _columns(predictions: Predictions, errors: Tested, matches: Tested) -> dict[str, Column]:
    """0 or 1 for every test image; the rates are ratios over those that were sampled."""
    wrong, right = (np.isin(predictions.rows, tested.probes.rows) for tested in (errors, matches))
    columns = {"sampled_error": wrong, "sampled_match": right}
    columns["explained"] = np.isin(predictions.rows, errors.probes.rows[errors.caused])
    columns["base_rate"] = np.isin(predictions.rows, matches.probes.rows[matches.caused])
    for cue, caused in zip(errors.probes.cues, errors.causes, strict=True):
        columns[f"explained[{cue}]"] = np.isin(predictions.rows, errors.probes.rows[caused])
    return {name: values.astype(np.float64) for name, values in columns.items()}


def _rate(name: str, hit: np.ndarray, columns: tuple[str, ...]) -> Estimate:
    return _estimate(name, stats.wilson(int(hit.sum()), len(hit)), len(hit), METHOD, "ratio_of_means", columns)


def _estimate(
    name: str, interval: stats.Interval, n: int, method: str, statistic: str, columns: tuple[str, ...]
) -> Estimate:
    """Neither more nor less is better in itself: a model that loses its other errors keeps a larger share of these."""
    return Estimate(
        name=name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        unit="fraction",
        better="neither",
        method=method,
        statistic=statistic,
        columns=columns,
    )


def _status(by_name: Mapping[str, Estimate]) -> Status:
    """`concern` if clearly more errors have a cause than right answers seem to, `ok` if clearly not, else inconclusive."""
    excess = by_name.get("excess")
    if excess is None:
        return "inconclusive"
    return "concern" if excess.low > CONCERN else "ok" if excess.high <= CONCERN else "inconclusive"


def _headline(by_name: Mapping[str, Estimate], cues: int) -> str:
    explained = by_name["explained"]
    said = (
        f"{explained.value:.1%} of {explained.n:,} sampled errors ({explained.low:.1%} to {explained.high:.1%}) turn right "
        f"more often with one of {cues} cues made neutral than with the misleading cue kept"
    )
    base, excess = by_name.get("base_rate"), by_name.get("excess")
    if base is None or excess is None:
        return f"{said}; there are no right answers to hold this against."
    return (
        f"{said}, against {base.value:.1%} ({base.low:.1%} to {base.high:.1%}, n = {base.n:,}) of right answers that are "
        f"as close: {100 * excess.value:+.1f} points ({100 * excess.low:+.1f} to {100 * excess.high:+.1f}). "
        "Each ties one image's answer to a cue; cues overlap."
    )


def _blocks(gallery: Gallery, errors: Tested, matches: Tested) -> list[Block]:
    names = ("explained", *(f"explained[{cue}]" for cue in errors.probes.cues))
    rows = []
    for cue, wrong, right in zip(errors.probes.cues, errors.causes, matches.causes, strict=True):
        share = stats.wilson(int(wrong.sum()), len(wrong))
        base = float(right.mean()) if len(right) else None
        rows.append((cue, int(wrong.sum()), *share, base))
    columns = ("cue", "errors", "share of errors", "low", "high", "share of right answers")
    return [
        gallery,
        Forest(title="Errors with each cue as a cause", x_label="share of sampled errors", estimates=names),
        Table(title="Errors and right answers that are as close", columns=columns, rows=tuple(rows)),
    ]


def _gallery(
    tested: Tested, predictions: Predictions, classes: tuple[str, ...], maps: Mapping[Explain, MapSet]
) -> Gallery:
    """The surest errors that have a cause, the clearest cause first."""
    caused = np.flatnonzero(tested.caused)
    clearest = np.where(tested.causes, tested.p, np.inf).min(0, initial=np.inf)
    order = caused[np.argsort(clearest[caused], kind="stable")]
    high = scales(maps, tested.probes.rows[order[:SHOWN]])
    cards = []
    for index in order[:SHOWN].tolist():
        card = _card(tested, index, predictions, classes)
        pictures = map_pictures(maps, int(tested.probes.rows[index]), classes, high, "-causes")
        cards.append(card.model_copy(update={"maps": pictures}))
    title = f"Errors with a cause among the {len(tested.probes.rows)} most confident, the clearest first"
    return Gallery(title=title, total=len(caused), cards=tuple(cards))


def _card(tested: Tested, index: int, predictions: Predictions, classes: tuple[str, ...]) -> Card:
    """The image with its clearest cause from the true class, from a third class, from the predicted class."""
    probes, causes = tested.probes, np.flatnonzero(tested.causes[:, index])
    place = int(np.flatnonzero(predictions.rows == probes.rows[index])[0])
    name, truth = predictions.ids[place], classes[int(probes.contender[index])]
    clearest = int(causes[np.argmin(tested.p[causes, index])])
    return Card(
        id=name,
        truth=truth,
        predicted=classes[int(probes.predicted_class[index])],
        confidence=float(predictions.confidence[place]),
        image=f"images/{name}.webp",
        note="; ".join(_said(tested, int(cause), index, classes) for cause in causes),
        swaps=tuple(_swap_picture(probes, clearest, arm, index, name, classes) for arm in SHOWN_ARMS),
    )


def _said(tested: Tested, cue: int, index: int, classes: tuple[str, ...]) -> str:
    probes, draws = tested.probes, tested.probes.donors.shape[1]
    back, kept = (int(probes.wins(arm)[cue, index]) for arm in ("third", "predicted"))
    truth, answer = (classes[int(c[index])] for c in (probes.contender, probes.predicted_class))
    return (
        f"{probes.cues[cue].replace('_', ' ')}: {truth} with {back} of {draws} third-class donors, with {kept} of {draws} "
        f"donors of {answer} (p = {tested.p[cue, index]:.2g} after Holm)"
    )


def _swap_picture(
    probes: Probes, cue: int, arm: ProbeArm, index: int, name: str, classes: tuple[str, ...]
) -> SwapPicture:
    """Always the first draw, never one that was picked."""
    where, key = (probes.arms.index(arm), 0, index), probes.cues[cue]
    donor = int(probes.donors[where])
    return SwapPicture(
        transplant=key,
        donor=f"validation-{donor}",
        donor_class=classes[int(probes.classes[where])],
        predicted=classes[int(probes.answers[(cue, *where)])],
        confidence=float(probes.confidence[(cue, *where)]),
        file=f"images/{name}-{key}-validation-{donor}.webp",
    )


def _mean_margin(predictions: Predictions, probes: Probes) -> float | None:
    """In logits; the two should be alike, else right answers that are as close were too few."""
    chosen = np.isin(predictions.rows, probes.rows)
    return float(predictions.margin[chosen].mean()) if chosen.any() else None
