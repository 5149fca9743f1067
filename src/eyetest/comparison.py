"""Two audits of the same images: every estimate of both becomes a paired difference, always B − A. No torch here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from . import clustered, reliance, stats
from .errors import RunError
from .records import Block, Card, Cell, Estimate, Finding, Forest, Gallery, MapPicture, Scalar, Status, Table
from .types import Column, Labels, Predictions, Rows

CODES = {
    "ACC001": "CMP001",
    "FIT001": "CMP003",
    "FAIL001": "CMP004",
    "FAIL002": "CMP005",
    "FAIL003": "CMP006",
    "CAL001": "CMP007",
    "CAL002": "CMP008",
    "LAB002": "CMP010",
    "SLC001": "CMP011",
    "LAB001": "CMP009",
    "CUE001": "CMP012",
    "CUE002": "CMP013",
    "CUE003": "CMP014",
    "CUE004": "CMP015",
    "CUE005": "CMP016",
    "EXP002": "CMP018",
}
"""Which comparison repeats which check."""
NOT_COMPARED = {"ACC002", "DAT001", "EXP001"}
"""ACC002 counts pairs of classes and EXP001 stamps methods, which are no statistics of per-image columns; DAT001 asks
whether an audit makes sense."""
MAIN = {
    "CMP001": ("accuracy",),
    "CMP003": ("gap",),
    "CMP004": ("confident_error_rate_at_coverage",),
    "CMP005": ("model_error",),
    "CMP006": ("explained",),
    "CMP007": ("ece_debiased",),
    "CMP008": ("augrc",),
    "CMP010": ("accuracy_gained", "duplicate_rate"),
    "CMP011": ("worst_gap",),
    "CMP009": ("label_error_rate",),
    "CMP012": ("colour.reliance",),
    "CMP013": ("fine.reliance_share", "fine.reliance"),
    "CMP014": ("background.reliance", "border.reliance_share", "border.reliance"),
    "CMP015": ("amplitude.reliance",),
    "CMP016": ("wrong_reasons",),
    "CMP018": ("object_share", "centre_share"),
}
"""The estimate that each comparison is about: the first that both audits have."""
TITLES = {
    "CMP001": ("Accuracy", "Is it more often right on the same images?"),
    "CMP003": ("Generalisation gap", "Is the gap between training and new images smaller?"),
    "CMP004": ("Confident errors", "Is it less often sure and wrong, at the same share of images?"),
    "CMP005": ("Error triage", "Is another share of its errors a matter of the labels and images, or its own?"),
    "CMP006": ("Error causes", "Is another share of its errors due to a misleading cue?"),
    "CMP007": ("Calibration", "Does its confidence fit its accuracy better?"),
    "CMP008": ("Selective risk", "If both may abstain, which one leaves less error?"),
    "CMP010": ("Duplicates", "Does less of its accuracy come from test images that are also in training?"),
    "CMP011": ("Weak slices", "Is the gap of its weakest group smaller?"),
    "CMP009": ("Label errors", "Does it contradict another share of the labels?"),
    "CMP012": ("Colour", "Does less accuracy hang on the colours?"),
    "CMP013": ("Texture", "Did reliance move between the bands of texture?"),
    "CMP014": (
        "Background and place",
        "Did reliance move from the background, or the border, to the object, or the centre?",
    ),
    "CMP015": ("Frequency", "Does less accuracy hang on the Fourier amplitude?"),
    "CMP016": ("Wrong reasons", "Do fewer right answers stand without the object?"),
    "CMP018": ("Attention", "Did the maps' weight move to the object, or the centre?"),
    "CMP090": ("Fixed and broken", "Which images did the change fix, and which did it newly break?"),
}
WORDS = {
    "CMP001": "accuracy",
    "CMP003": "gap between training and validation accuracy",
    "CMP004": "error rate among the surest 20 % of images",
    "CMP007": "debiased calibration error (ECE)",
    "CMP008": "average risk of silent failures (AUGRC)",
    "accuracy_gained": "accuracy that comes from duplicates",
    "duplicate_rate": "share of test images that are also in training or validation",
    "worst_gap": "error of the group that looked weakest, minus the error of images like it",
    "model_error": "share of errors that are the model's own",
    "label_error_rate": "share of labels that it contradicts",
    "explained": "share of errors with a misleading cue as a cause",
    "colour.reliance": "accuracy that hangs on the colours",
    "fine.reliance_share": "share of the finest band in the reliance on texture bands",
    "fine.reliance": "accuracy that hangs on the finest band",
    "background.reliance": "accuracy that hangs on the background",
    "border.reliance": "accuracy that hangs on the border",
    "border.reliance_share": "share of the border in the reliance on border and centre",
    "amplitude.reliance": "accuracy that hangs on the Fourier amplitude",
    "object_share": "share of the maps' positive evidence on the object",
    "centre_share": "share of the maps' positive evidence in the centre",
    "wrong_reasons": "right answers that stand without the object",
}
"""Of a comparison's main estimate, by code or by the estimate."""
CAUSE = "The difference has one cause only if the recipes differ in one thing; these may differ in several."
LIMITS = (
    "This compares two trained models on the same images; it says nothing about other trainings of the same recipes.",
    CAUSE,
)
SMOOTHING = "Label smoothing lowers every confidence, so the rate at a fixed confidence falls by renaming; the matched one is fair."
SHOWN = 12
FEW = 10
"""Events below which a bootstrap of their rate is too sure."""
SHARES = (
    "Each model has its own errors: a model that loses its other errors keeps a larger share of those with a cause."
)
SHARES_SORTED = (
    "Each model has its own errors, so a share may move because the others went away; look at the counts too."
)
CONTRADICTED = (
    "Labels are the data's: where two models contradict different shares of them, the models differ, not the labels."
)
EXTRA_LIMITS = {
    "CMP004": (SMOOTHING,),
    "CMP005": (SHARES_SORTED,),
    "CMP006": (SHARES,),
    "CMP009": (CONTRADICTED,),
}
OTHER = "images/other/"
"""Where a comparison keeps the maps of its second model."""
RESAMPLES = 1000


@final
@dataclass(frozen=True)
class Side:
    """What one audit brings to the comparison."""

    name: str
    fingerprint: str
    """Of the data."""
    findings: Mapping[str, Finding]
    scores: Mapping[str, tuple[tuple[str, ...], Mapping[str, Column]]]
    predictions: Predictions
    strongest: Mapping[int, float] = field(default_factory=dict)
    """Largest value of the Grad-CAM map of the model's answer, by test row; only rows with a map."""
    groups: Mapping[str, str] | None = None
    """Group (patient, scene) of each image id, where the audit knew of groups."""


@final
@dataclass(frozen=True)
class Comparison:
    """A finding about the difference, with its per-image columns."""

    finding: Finding
    ids: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)


def compare_findings(a: Side, b: Side, *, classes: tuple[str, ...]) -> list[Comparison]:
    """All comparisons of two sides.

    Raises RunError if they did not see the same images.
    """
    if a.fingerprint != b.fingerprint or a.predictions.ids != b.predictions.ids:
        raise RunError(
            f"{a.name} and {b.name} were audited on different images (data {a.fingerprint} and {b.fingerprint}); a paired "
            "comparison needs the same. Audit both on the same --data with the same --seed, then compare again."
        )
    if a.groups is not None and b.groups is not None and a.groups != b.groups:
        raise RunError(
            f"{a.name} and {b.name} were audited with other groups of the same images; a comparison resamples groups, and "
            "needs the same. Audit both with the same --group, then compare again."
        )
    found = [_compared(source, code, a, b) for source, code in (CODES | _plug_ins(a, b)).items()]
    found.append(fixed_and_broken(a, b, classes))
    if _groups(a, b, a.predictions.ids) is None:
        return found
    return [replace(one, finding=one.finding.where_images_come_in_groups()) for one in found]


def _plug_ins(a: Side, b: Side) -> dict[str, str]:
    """Codes of the comparisons of checks that are not ours, from CMP100 on in the order of their codes."""
    others = sorted(set(a.findings) & set(b.findings) - set(CODES) - NOT_COMPARED)
    return {source: f"CMP{100 + number}" for number, source in enumerate(others)}


def _groups(a: Side, b: Side, ids: tuple[str, ...]) -> Labels | None:
    """Group code of each of these images, or None if neither audit knew of groups."""
    return clustered.codes(a.groups or b.groups, ids)


def _over(groups: Labels | None) -> str:
    return " over the same images" if groups is None else f" over {len(np.unique(groups)):,} groups"


def changed_rows(a: Predictions, b: Predictions) -> tuple[Rows, Rows]:
    """Test rows that are shown as fixed and as newly broken, the surest mistake first."""
    fixed, broken = b.correct & ~a.correct, a.correct & ~b.correct
    return _surest(a, fixed), _surest(b, broken)


def fixed_and_broken(a: Side, b: Side, classes: tuple[str, ...]) -> Comparison:
    """CMP090: counts, directions, and the images with both models' answers."""
    fixed, broken = b.predictions.correct & ~a.predictions.correct, a.predictions.correct & ~b.predictions.correct
    n = len(fixed)
    columns = {"fixed": fixed.astype(float), "broken": broken.astype(float)}
    pairs = (("fixed", fixed, "higher"), ("broken", broken, "lower"))
    groups = _groups(a, b, a.predictions.ids)
    estimates = [_rate(name, values, better, groups) for name, values, better in pairs]
    rows = zip(("fixed", "broken"), changed_rows(a.predictions, b.predictions), strict=True)
    cards = tuple(_card(a, b, classes, group, row) for group, chosen in rows for row in chosen.tolist())
    headline = (
        f"Against {a.name}, {b.name} is newly right on {fixed.sum():,} and newly wrong on {broken.sum():,} "
        f"of {n:,} test images."
    )
    blocks: list[Block] = [
        Gallery(
            title="Fixed and newly broken, the surest mistake first", total=int((fixed | broken).sum()), cards=cards
        ),
        _direction_table(a.predictions, fixed, classes, f"Directions of {a.name}'s errors that {b.name} fixed"),
        _direction_table(b.predictions, broken, classes, f"Directions of {b.name}'s new errors"),
    ]
    samples = [card.id for card in cards]
    mid = _mcnemar(fixed, broken, groups)["p_mid"]
    status: Status = "concern" if broken.sum() > fixed.sum() and mid < 0.05 else "ok"
    finding = _finding("CMP090", "fixed_and_broken", status, headline, estimates, blocks, samples, {"p_mid": mid})
    return Comparison(finding, a.predictions.ids, columns)


def _mcnemar(b: np.ndarray, c: np.ndarray, groups: Labels | None) -> dict[str, float]:
    """p-values of b against c; one, from the sums of groups, where images come in groups."""
    if groups is not None:
        return {"p_mid": clustered.mcnemar(b, c, groups)}
    exact, mid = stats.mcnemar(int(b.sum()), int(c.sum()))
    return {"p_exact": exact, "p_mid": mid}


def _compared(source: str, code: str, a: Side, b: Side) -> Comparison:
    first, second = a.findings.get(source), b.findings.get(source)
    name = first.name if first else TITLES[code][0].lower().replace(" ", "_")
    shared = _differences(source, a, b)
    by_name = {estimate.name: estimate for estimate in shared}
    main = next((by_name[one] for one in MAIN.get(code, tuple(by_name)) if one in by_name), None)
    if first is None or second is None or main is None:
        reason = f"This could not be compared: {source} has no number in both audits."
        return Comparison(_finding(code, name, "not_applicable", reason, [], [], [], {}))
    params: dict[str, Cell] = {}
    if code == "CMP001":
        main, params = _accuracy(a, b)
        shared = [main, *(estimate for estimate in shared if estimate.name != main.name)]
    blocks: list[Block] = [
        Scalar(title=f"{b.name} minus {a.name}", estimate=main.name),
        Forest(title=f"{b.name} minus {a.name}", x_label="difference", estimates=_drawn(shared)),
        _both(first, second, shared, a.name, b.name),
    ]
    if code == "CMP018" and not _same_trusted(first, second):
        said = _untrusted(first, second, main)
        finding = _finding(code, name, "inconclusive", said, shared, blocks, [], {"trusted": False})
        return Comparison(finding)
    extra = EXTRA_LIMITS.get(code, ())
    finding = _finding(
        code, name, _status(main), _headline(code, main, first, second, a, b), shared, blocks, [], params, extra
    )
    return Comparison(finding)


def _same_trusted(first: Finding, second: Finding) -> bool:
    """Whether both audits read the maps of one method that was trusted in both."""
    methods = {finding.params.get("method") for finding in (first, second)}
    return len(methods) == 1 and all(finding.params.get("trusted") for finding in (first, second))


def _untrusted(first: Finding, second: Finding, main: Estimate) -> str:
    methods = sorted({str(finding.params.get("method")).replace("_", " ") for finding in (first, second)})
    numbers = f"{100 * main.value:+.1f} points ({100 * main.low:+.1f} to {100 * main.high:+.1f}), n = {main.n:,}"
    why = "the two audits read different maps" if len(methods) > 1 else f"{methods[0]} maps may not be believed in both"
    return f"Whether attention moved cannot be told, because {why}. The {WORDS[main.name]} changed by {numbers}."


def _differences(source: str, a: Side, b: Side) -> list[Estimate]:
    """Paired bootstrap differences of every estimate that is a statistic of per-image columns in both."""
    if source not in a.findings or source not in b.findings:
        return []
    others = {estimate.name: estimate for estimate in b.findings[source].estimates}
    (ids_a, columns_a), (ids_b, columns_b) = a.scores[source], b.scores[source]
    found = []
    for estimate in a.findings[source].estimates:
        other = others.get(estimate.name)
        if other is None or estimate.statistic is None or ids_a != ids_b:
            continue
        read = [[columns[name] for name in estimate.columns] for columns in (columns_a, columns_b)]
        difference, method = _paired(estimate, other, read[0], read[1], a.fingerprint, _groups(a, b, ids_a))
        found.append(_difference(estimate, difference, estimate.n, method))
    return found


def difference_of(
    first: Estimate, second: Estimate, a: list[Column], b: list[Column], seed: str, groups: Labels | None
) -> Estimate:
    """The paired difference second − first of one estimate from its columns on the same images, for a gate.

    Rates have a score interval, which has a width also where both models have no event at all; a bootstrap has none there.
    Raises RunError where the two cannot be paired.
    """
    if first.statistic not in stats.STATISTICS and first.statistic not in reliance.RULES:
        raise RunError(f"This eyetest knows no statistic {first.statistic!r}, so {first.name} cannot be paired.")
    if first.statistic == "mean" and np.isin([*a, *b], (0, 1)).all():
        everywhere = np.ones_like(a[0])
        interval, method = _paired_share([a[0], everywhere], [b[0], everywhere], groups)
    else:
        interval, method = _paired(first, second, a, b, seed, groups)
    return _difference(first, interval, first.n, method)


def _paired(
    first: Estimate, second: Estimate, a: list[Column], b: list[Column], seed: str, groups: Labels | None
) -> tuple[stats.Interval, str]:
    """Interval of the difference, and how it was made."""
    statistic = first.statistic or ""
    if statistic in reliance.RULES:
        try:
            return reliance.paired(statistic, a, b), "normal interval of the difference on the same images and donors"
        except ValueError as error:
            raise RunError(
                f"The cues of the two audits cannot be compared: {error}. Audit both with the same --seed and --budget."
            ) from error
    if statistic == "mean_among" and np.isin([*a, *b], (0, 1)).all() and np.array_equal(a[1], b[1]):
        return _paired_share(a, b, groups)
    coverage = stats.COVERAGES.get(statistic)
    if coverage is not None and (first.value + second.value) * coverage * first.n < FEW:
        before, after = (stats.Interval(e.value, e.low, e.high) for e in (first, second))
        over = "" if groups is None else _over(groups)
        return stats.difference_of_intervals(
            after, before
        ), f"from the two Wilson intervals{over}; too few errors to resample"
    if _few_sampled(first, second):
        before, after = (stats.Interval(e.value, e.low, e.high) for e in (first, second))
        return stats.difference_of_intervals(after, before), "from the intervals of both; too few events to resample"
    difference = stats.paired_difference(stats.STATISTICS[statistic], a, b, seed, groups=groups, resamples=RESAMPLES)
    return difference, f"paired percentile bootstrap{_over(groups)}, {RESAMPLES} resamples"


def _paired_share(a: list[Column], b: list[Column], groups: Labels | None) -> tuple[stats.Interval, str]:
    """Of rates among the images of the second column, which are the same for both models."""
    among = a[1] == 1
    first, second = a[0][among] == 1, b[0][among] == 1
    method = "Tango score interval of the paired difference"
    if groups is not None:
        return clustered.tango(second, first, groups[among]), f"{method} at the effective n{_over(groups)}"
    counts = [int(part.sum()) for part in (first & second, second & ~first, first & ~second, ~first & ~second)]
    return stats.tango(*counts), method


def _few_sampled(first: Estimate, second: Estimate) -> bool:
    """Whether rates over a sample rest on too few events for resampling."""
    rated = first.statistic == "difference_of_ratios" or first.method.startswith("Wilson score interval over a")
    return rated and abs(first.value) * first.n + abs(second.value) * second.n < FEW


def _drawn(shared: Iterable[Estimate]) -> tuple[str, ...]:
    """What the picture shows: of the cues only reliance and shares, not each cell of the where map."""
    names = [e.name for e in shared]
    hidden = (".artefact", ".capture", ".relative_reliance", ".removal_effect")
    return tuple(name for name in names if not name.startswith("cell") and not name.endswith(hidden))


def _accuracy(a: Side, b: Side) -> tuple[Estimate, dict[str, Cell]]:
    right_a, right_b = a.predictions.correct, b.predictions.correct
    only_a, only_b = right_a & ~right_b, right_b & ~right_a
    n, groups = len(right_a), _groups(a, b, a.predictions.ids)
    method = "Tango score interval of the paired difference"
    if groups is None:
        counts = [int(part.sum()) for part in (right_a & right_b, only_b, only_a, ~right_a & ~right_b)]
        interval = stats.tango(*counts)
    else:
        interval, method = clustered.tango(right_b, right_a, groups), f"{method} at the effective n{_over(groups)}"
    estimate = _difference(a.findings["ACC001"].estimate("accuracy"), interval, n, method)
    discordant: dict[str, Cell] = {"only_first_right": int(only_a.sum()), "only_second_right": int(only_b.sum())}
    return estimate, discordant | _mcnemar(only_b, only_a, groups)


def _difference(estimate: Estimate, interval: stats.Interval, n: int, method: str) -> Estimate:
    changes = {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "n": n,
        "unit": f"{estimate.unit} (B − A)",
        "method": method,
        "statistic": None,
        "columns": (),
    }
    return estimate.model_copy(update=changes)


def _status(main: Estimate) -> Status:
    """`concern` if B is credibly worse, `ok` if it is credibly better or exactly the same, else inconclusive.

    Where neither more nor less is better, a credible difference is `ok`.
    """
    if main.better == "neither" and not main.low <= 0 <= main.high:
        return "ok"
    sign = 1 if main.better == "higher" else -1
    low, high = sorted((sign * main.low, sign * main.high))
    if high < 0:
        return "concern"
    return "ok" if low > 0 or main.value == main.low == main.high == 0 else "inconclusive"


def _headline(code: str, main: Estimate, first: Finding, second: Finding, a: Side, b: Side) -> str:
    was, now = first.estimate(main.name).value, second.estimate(main.name).value
    what = WORDS.get(main.name) or WORDS.get(code, main.name)
    if not main.unit.startswith("fraction"):
        moved = f"{main.value:+.3g} ({main.low:+.3g} to {main.high:+.3g}), n = {main.n:,}"
        return f"{what}: {was:.3g} in {a.name}, {now:.3g} in {b.name}, {moved}."
    numbers = f"{100 * main.value:+.1f} points ({100 * main.low:+.1f} to {100 * main.high:+.1f}), n = {main.n:,}"
    aside = _at_threshold(first, second) if code == "CMP004" else ""
    if (main.name in WORDS or main.better == "neither") and not main.low <= 0 <= main.high:
        verb = "fell" if main.value < 0 else "rose"
        return f"The {what} {verb} from {was:.1%} in {a.name} to {now:.1%} in {b.name}: {numbers}."
    if main.low <= 0 <= main.high:
        return f"No difference seen in {what} between {b.name} and {a.name}: {numbers}{aside}."
    word = "better" if (main.value > 0) == (main.better == "higher") else "worse"
    return f"{b.name} is {word} than {a.name}: {what} {now:.1%} against {was:.1%}, {numbers}{aside}."


def _at_threshold(first: Finding, second: Finding) -> str:
    was, now = (finding.estimate("confident_error_rate").value for finding in (first, second))
    threshold = first.params.get("threshold")
    return f"; at a fixed confidence of {threshold} the rate went from {was:.2%} to {now:.2%}, which smoothing alone can do"


def _both(first: Finding, second: Finding, shared: Iterable[Estimate], name_a: str, name_b: str) -> Table:
    rows = tuple(
        (e.name, first.estimate(e.name).value, second.estimate(e.name).value, e.value, e.low, e.high) for e in shared
    )
    return Table(title="Both models", columns=("estimate", name_a, name_b, "difference", "low", "high"), rows=rows)


def _surest(predictions: Predictions, chosen: np.ndarray) -> Rows:
    index = np.flatnonzero(chosen)
    confidence = _confidence(predictions)
    order = np.lexsort((predictions.rows[index], *([] if confidence is None else [-confidence[index]])))
    result: Rows = predictions.rows[index[order][:SHOWN]]
    return result


def _confidence(predictions: Predictions) -> Column | None:
    """Probability of each answer, or None where only the answers are known."""
    return None if predictions.given == "classes" else predictions.confidence


def _sure(predictions: Predictions, index: int) -> float | None:
    confidence = _confidence(predictions)
    return None if confidence is None else float(confidence[index])


def _rate(name: str, values: np.ndarray, better: str, groups: Labels | None) -> Estimate:
    plain = "Wilson score interval"
    if groups is None:
        interval, method = stats.wilson(int(values.sum()), len(values)), plain
    else:
        interval, method = clustered.wilson(values, groups), f"{plain} at the effective n{_over(groups)}"
    fields = {"name": name, "n": len(values), "unit": "fraction", "better": better, "method": method}
    return Estimate.model_validate(fields | interval._asdict() | {"statistic": "mean", "columns": (name,)})


def _card(a: Side, b: Side, classes: tuple[str, ...], group: str, row: int) -> Card:
    index = int(np.flatnonzero(a.predictions.rows == row)[0])
    name = a.predictions.ids[index]
    return Card(
        id=name,
        truth=classes[a.predictions.labels[index]],
        predicted=classes[a.predictions.predicted[index]],
        confidence=_sure(a.predictions, index),
        image=f"images/{name}.webp",
        group=group,
        maps=_maps(a, index, classes, "images/"),
        other_predicted=classes[b.predictions.predicted[index]],
        other_confidence=_sure(b.predictions, index),
        other_maps=_maps(b, index, classes, OTHER),
    )


def _maps(side: Side, index: int, classes: tuple[str, ...], folder: str) -> tuple[MapPicture, ...]:
    """Grad-CAM of the model's own answer, on the scale of its own gallery of confident errors."""
    known = side.findings.get("FAIL001")
    galleries = [block for block in known.blocks if isinstance(block, Gallery)] if known else []
    scales = [
        p for g in galleries for c in g.cards for p in c.maps if (p.method, p.target) == ("grad_cam", "predicted")
    ]
    row = int(side.predictions.rows[index])
    if not scales or row not in side.strongest:
        return ()
    answer = classes[side.predictions.predicted[index]]
    file = f"{folder}{side.predictions.ids[index]}-grad_cam-predicted.webp"
    changes = {"class_name": answer, "file": file, "own_maximum": side.strongest[row]}
    return (scales[0].model_copy(update=changes),)


def _direction_table(predictions: Predictions, chosen: np.ndarray, classes: tuple[str, ...], title: str) -> Table:
    pairs = zip(predictions.labels[chosen].tolist(), predictions.predicted[chosen].tolist(), strict=True)
    counted = Counter(f"{classes[i]} → {classes[j]}" for i, j in pairs)
    return Table(title=title, columns=("direction", "images"), rows=tuple(counted.most_common(SHOWN)))


def _finding(
    code: str,
    name: str,
    status: Status,
    headline: str,
    estimates: Iterable[Estimate],
    blocks: Iterable[Block],
    samples: Iterable[str],
    params: Mapping[str, Cell],
    extra: tuple[str, ...] = (),
) -> Finding:
    plain = (name.replace("_", " ").capitalize(), "What of this changed?")
    title, question = TITLES.get(code, plain)
    return Finding(
        code=code,
        name=name,
        title=title,
        question=question,
        status=status,
        headline=headline,
        estimates=tuple(estimates),
        blocks=tuple(blocks),
        samples=tuple(samples),
        params=dict(params),
        limits=(*extra, *LIMITS),
    )
