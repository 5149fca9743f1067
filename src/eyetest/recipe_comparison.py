"""Several trainings of each recipe: every estimate becomes a difference of recipes, beside the luck in it. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from . import clustered, reliance, seeds, stats
from .comparison import CAUSE, MAIN, NOT_COMPARED, WORDS
from .records import Block, Cell, Estimate, Finding, Forest, Note, Scalar, Status, Table, of_whole_cue
from .seeds import Told
from .types import Column

CODE, NAME, TITLE = "SEED001", "seeds", "Seeds"
QUESTION = "Does the difference hold for other trainings of the same recipes?"
VARIES = (
    "The seed of a training changes its first weights, the order of images, augmentation and dropout, and in its audit the "
    "donors and sampled images. Training, validation and test images are the same in every training: what another draw of "
    "training images would do is not in any number here."
)
UNRELATED = (
    "Trainings of one seed begin with the same weights and order of images in both recipes, but are taken as unrelated "
    "(Welch); where they go together, the intervals are too wide."
)
BIASED = (
    "Noise keeps the calibration error (ECE) of a nearly calibrated model above 0 by an unknown amount. Its intervals here allow "
    "for the most and the least, so of few images or of nearly calibrated models they are long."
)
CLAIM = "Intervals are for new trainings by the same recipes, judged on new test images like these."
NORMAL = "Intervals from {k} trainings rest on normal luck of training, which {k} values cannot show."


@final
@dataclass(frozen=True)
class Training:
    """What the audit of one training brings."""

    name: str
    seed: int
    findings: Mapping[str, Finding]
    scores: Mapping[str, tuple[tuple[str, ...], Mapping[str, Column]]]
    groups: Mapping[str, str] | None = None
    """Group (patient, scene) of each image id, where the audit knew of groups."""


Recipes = Mapping[str, Sequence[Training]]
"""Trainings by the name of their recipe; the others are compared with the first."""


@final
@dataclass(frozen=True)
class Row:
    """One statistic of one recipe against the first."""

    recipe: str
    estimate: Estimate
    """That of the first training of the first recipe, for its unit."""
    name: str
    words: str
    main: bool
    told: Told
    confidence: float

    @property
    def scale(self) -> float:
        """Fractions are shown in points."""
        return 100.0 if self.estimate.unit.startswith("fraction") else 1.0

    @property
    def unit(self) -> str:
        """As shown."""
        return "points" if self.scale > 1 else self.estimate.unit


def compare_recipes(recipes: Recipes, fingerprint: str) -> Finding:
    """SEED001: every recipe against the first, from at least two trainings of each; `fingerprint` is of their data."""
    first, *others = recipes
    known, missing = _shared([one for trainings in recipes.values() for one in trainings])
    confidence = 1 - 0.05 / len(others)
    rows: list[Row] = []
    for other in others:
        for (code, told_name), (estimate, main) in known.items():
            told = _told(code, told_name, recipes[first], recipes[other], fingerprint, confidence)
            name = estimate.name if len(others) == 1 else f"{estimate.name}[{other}]"
            rows.append(Row(other, estimate, name, _words(estimate.name), main, told, confidence))
    finding = _finding(recipes, rows, missing)
    return finding if recipes[first][0].groups is None else finding.where_images_come_in_groups()


def _shared(trainings: Sequence[Training]) -> tuple[dict[tuple[str, str], tuple[Estimate, bool]], list[str]]:
    """By check and name the named statistics that all audits have, main ones first, and what is missing where."""
    audits = [_readable(one) for one in trainings]
    everywhere = [key for key in audits[0] if _comparable(key, audits)]
    main, taken = _mains(everywhere), set()
    known = {}
    for key in (*main, *(key for key in everywhere if key not in main)):
        name = key[1] if key[1] not in taken else f"{key[0]}.{key[1]}"
        taken.add(key[1])
        known[key] = (audits[0][key].model_copy(update={"name": name}), key in main)
    codes = [{code for code, _ in audit} for audit in audits]
    lacking = {
        code: [one.name for one, own in zip(trainings, codes, strict=True) if code not in own]
        for code in sorted(set().union(*codes) - NOT_COMPARED)
    }
    missing = [f"{code} (no number in {', '.join(names)})" for code, names in lacking.items() if names]
    return known, missing


def _readable(training: Training) -> dict[tuple[str, str], Estimate]:
    """Its estimates by check and name, but for those whose images are all of one group, which say nothing of others."""
    found: dict[tuple[str, str], Estimate] = {}
    for code, finding in training.findings.items():
        ids = training.scores[code][0]
        if training.groups is None or len({training.groups[one] for one in ids}) != 1:
            found |= {(code, estimate.name): estimate for estimate in finding.estimates}
    return found


def _comparable(key: tuple[str, str], audits: Sequence[Mapping[tuple[str, str], Estimate]]) -> bool:
    """Whether it is one and the same named statistic in all audits."""
    named = {audit[key].statistic if key in audit else None for audit in audits}
    statistic = named.pop()
    return not named and key[0] not in NOT_COMPARED and (statistic in stats.STATISTICS or statistic in reliance.RULES)


def _words(name: str) -> str:
    """Of an estimate in a sentence."""
    of_code = (WORDS[code] for code, names in MAIN.items() if name in names and code in WORDS)
    return WORDS.get(name) or next(of_code, name.replace("_", " "))


def _mains(keys: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What comparisons are about, in their order, then the reliance on each whole cue."""
    by_name = {name: (code, name) for code, name in reversed(keys)}
    chosen = [next((by_name[name] for name in names if name in by_name), None) for names in MAIN.values()]
    cues = [key for key in keys if of_whole_cue(key[1])]
    return list(dict.fromkeys(key for key in (*chosen, *cues) if key is not None))


def _told(
    code: str, name: str, first: Sequence[Training], second: Sequence[Training], fingerprint: str, confidence: float
) -> Told:
    statistic = first[0].findings[code].estimate(name).statistic or ""
    ids = [one.scores[code][0] for one in (*first, *second)]
    groups = clustered.codes(first[0].groups, ids[0])
    same = all(one == ids[0] for one in ids)
    a, b = ([_columns(one, code, name) for one in side] for side in (first, second))
    return seeds.difference(
        statistic, a, b, fingerprint, groups=groups if same else None, same_images=same, confidence=confidence
    )


def _columns(training: Training, code: str, name: str) -> list[Column]:
    stored = training.scores[code][1]
    return [stored[column] for column in training.findings[code].estimate(name).columns]


def _finding(recipes: Recipes, rows: Sequence[Row], missing: Sequence[str]) -> Finding:
    first, *others = recipes
    k = len(recipes[first])
    leads = [lead for other in others if (lead := _lead(rows, other)) is not None]
    estimates = [one for row in rows if (one := _estimate(row)) is not None]
    blocks: list[Block] = []
    if estimates:
        shown = tuple(row.name for row in rows if row.main)
        blocks.append(Forest(title=f"Mean over {k} trainings minus {first}", x_label="difference", estimates=shown))
        blocks += [Scalar(title=f"{row.recipe} minus {first}: {row.words}", estimate=row.name) for row in leads]
    blocks.append(Note(text=_allows(k)))
    for title, main in (("Main differences", True), ("All other differences", False)):
        chosen = [row for row in rows if row.main == main]
        if chosen:
            blocks.append(_differences(f"{title}: {first} (A) against each other recipe (B)", chosen))
    blocks.append(_spread(recipes, rows))
    limits = [CLAIM, VARIES, UNRELATED, CAUSE]
    limits += [BIASED] if any(row.estimate.statistic in stats.CALIBRATION_ERRORS for row in rows) else []
    limits += [NORMAL.format(k=k)] if seeds.LEAST <= k < seeds.BOOTSTRAPPED else []
    limits += [f"Not every audit answered every check, so these are left out: {'; '.join(missing)}."] if missing else []
    params: dict[str, Cell] = {"trainings": k, "seeds": ", ".join(str(one.seed) for one in recipes[first])}
    return Finding(
        code=CODE,
        name=NAME,
        title=TITLE,
        question=QUESTION,
        status=_status(leads),
        headline=" ".join(_sentence(row, first) for row in leads) or "The audits have no number in common.",
        estimates=tuple(estimates),
        blocks=tuple(blocks),
        params=params | {"recipes": ", ".join(recipes), "differences": len(rows)},
        limits=tuple(limits),
    )


def _lead(rows: Sequence[Row], recipe: str) -> Row | None:
    """The row that the conclusion is about: accuracy where it was asked, else the first."""
    own = [row for row in rows if row.recipe == recipe]
    return next((row for row in own if row.words == WORDS["CMP001"]), own[0] if own else None)


def _status(leads: Sequence[Row]) -> Status:
    """`concern` if a recipe is credibly worse than the first, else `ok` if one is credibly better, else inconclusive."""
    if not leads:
        return "not_applicable"
    signs = [_sign(row) for row in leads if row.told.credible]
    return "concern" if -1 in signs else "ok" if signs else "inconclusive"


def _sign(row: Row) -> int:
    """1 where it is better than the first, -1 worse, 0 where neither more nor less is better."""
    return {"higher": 1, "lower": -1, "neither": 0}[row.estimate.better] * (1 if row.told.value > 0 else -1)


def _sentence(row: Row, first: str) -> str:
    told, k = row.told, len(row.told.first)
    was, now = (_number(row, float(values.mean())) for values in (told.first, told.second))
    if told.interval is None:
        ends = " to ".join(_signed(row, end) for end in told.between)
        return (
            f"With {k} trainings each, luck and recipe cannot be told apart: {row.words} of {row.recipe} minus that of {first} "
            f"was {ends} {row.unit} between any two of them. An interval needs at least {seeds.LEAST} seeds."
        )
    numbers = (
        f"{_signed(row, told.value)} {row.unit} ({_signed(row, told.interval.low)} to {_signed(row, told.interval.high)}, "
        f"{k} trainings each, n = {told.n:,})"
    )
    bound = (
        f"With {k} seeds a difference below {row.scale * (told.tellable or 0):.2g} {row.unit} cannot be told from luck."
    )
    if not told.credible:
        overlap = told.interval.low > 0 or told.interval.high < 0
        why = ", because single trainings of both overlap" if overlap else ""
        return f"Whether {row.recipe} differs from {first} in {row.words} cannot be told{why}: {numbers}. {bound}"
    word = {1: "better", -1: "worse", 0: "different"}[_sign(row)]
    than = "from" if word == "different" else "than"
    return f"{row.recipe} is {word} {than} {first} also in other trainings: {row.words} {now} against {was}, {numbers}. {bound}"


def _number(row: Row, value: float) -> str:
    return f"{value:.1%}" if row.scale > 1 else f"{value:.3g}"


def _signed(row: Row, value: float) -> str:
    return f"{100 * value:+.1f}" if row.scale > 1 else f"{value:+.3g}"


def _allows(k: int) -> str:
    can = seeds.allowed(k)
    low, high = can.deviation
    if k < seeds.LEAST:
        return (
            f"What {k} seeds allow: to see the range. A spread estimated from {k} values may be {low:.2g} to {high:.2g} times "
            "as large in truth, so there is no interval and no p-value here."
        )
    rule = (
        "the interval leaves out 0 and no training of one recipe overlaps with one of the other"
        if k < seeds.BOOTSTRAPPED
        else "the interval leaves out 0"
    )
    return (
        f"What {k} seeds allow: a test that only looks at the order of the trainings cannot give a p below "
        f"{can.permutation_p:.2g}, and the true spread over trainings may be {low:.2g} to {high:.2g} times the one seen. "
        f"Better or worse is said only where {rule}. The smallest tellable difference is half the width of its interval (t × "
        "standard error); for 80 % power a true difference has to be larger, as the last column says."
    )


def _estimate(row: Row) -> Estimate | None:
    told = row.told
    if told.interval is None:
        return None
    changes = {
        "name": row.name,
        **told.interval._asdict(),
        "confidence": row.confidence,
        "n": told.n,
        "unit": f"{row.estimate.unit} (B − A)",
        "method": told.method,
        "statistic": None,
        "columns": (),
    }
    return row.estimate.model_copy(update=changes)


DIFFERENCE_COLUMNS = (
    "estimate",
    "unit",
    "A",
    "B",
    "difference",
    "low",
    "high",
    "seed sd A",
    "seed sd B",
    "image sd",
    "share of variance from seeds",
    "p",
    "p (Holm)",
    "smallest tellable",
    "for 80 % power",
)


def _differences(title: str, rows: Sequence[Row]) -> Table:
    """One row a statistic; the table is the family that Holm's p is about."""
    adjusted = stats.holm([1.0 if row.told.p is None else row.told.p for row in rows])
    return Table(
        title=f"{title}; p adjusted for these {len(rows)}",
        columns=DIFFERENCE_COLUMNS,
        rows=tuple(_cells(row, float(p)) for row, p in zip(rows, adjusted, strict=True)),
    )


def _cells(row: Row, adjusted: float) -> tuple[Cell, ...]:
    told = row.told
    ends = (None, None) if told.interval is None else (told.interval.low, told.interval.high)
    numbers = (float(told.first.mean()), float(told.second.mean()), told.value, *ends, *told.deviations)
    shown = [None if one is None else row.scale * one for one in (*numbers, told.image_deviation)]
    least = [None if one is None else row.scale * one for one in (told.tellable, told.detectable)]
    p = (None, None) if told.p is None else (_p(told.p), _p(adjusted))
    return (row.name, row.unit, *shown, told.seed_share, *p, *least)


def _p(p: float) -> str:
    """Never to three digits: few trainings do not bear them."""
    return "< 0.01" if p < 0.01 else f"{p:.2f}"


def _spread(recipes: Recipes, rows: Sequence[Row]) -> Table:
    """The value of every training."""
    first = next(iter(recipes))
    columns = ("estimate", "unit", "recipe", *(f"seed {one.seed}" for one in recipes[first]))
    found: dict[tuple[str, str], tuple[Cell, ...]] = {}
    for row in rows:
        for recipe, values in ((first, row.told.first), (row.recipe, row.told.second)):
            cells: tuple[Cell, ...] = (
                row.estimate.name,
                row.unit,
                recipe,
                *(row.scale * float(value) for value in values),
            )
            found.setdefault((row.estimate.name, recipe), cells)
    return Table(title="The spread: every training", columns=columns, rows=tuple(found.values()))
