"""Score the cue checks: sensitivity, false alarms, who reacted to what, slope against the truth, and fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import reliance, stats

OPERATOR = {
    "background": "background",
    "colour": "colour",
    "object_colour": "object_colour",
    "patch": "cell_0_0",
    "frequency": "fine",
}
"""Which operator must react to which planted cue."""
CORNERS = ("cell_0_0", "cell_0_3", "cell_3_0", "cell_3_3")
QUIET: Mapping[str, tuple[str, ...]] = {
    "none": ("colour", "object_colour", "background", "border", *CORNERS),
    "background": ("object_colour", "colour"),
    "colour": ("object_colour",),
    "object_colour": ("background",),
    "patch": ("cell_0_3", "cell_3_0", "cell_3_3", "object_colour", "colour"),
    "frequency": ("colour", "object_colour"),
}
"""Which operators must not react. All others are free."""
SHAPE = ("fine",)
"""Operators that carry the edges of the object too, so that they may react to an honest model."""
DETECTED, USER, NON_USER = 0.05, 0.10, 0.05
Answer = Mapping[str, Any]


def score(answers: Sequence[Answer]) -> dict[str, Any]:
    """All tables of the exam, ready for JSON."""
    points = [point for a in answers for point in _points(a)]
    users = [p for p in points if p["target"][1] > USER]
    others = [p for p in points if p["target"][2] < NON_USER and p["operator"] not in SHAPE]
    quiet = [q for a in answers for q in _quiet(a)]
    operators = sorted({q["operator"] for q in quiet} | set(OPERATOR.values()))
    hit = sum(p["detected"] for p in users)
    alarms = [q for q in quiet if q["clean"]]
    held = [_table_held(a) for a in answers]
    rates = {
        "sensitivity": _rate(hit, len(users)),
        "false_alarm_rate": _rate(sum(q["detected"] for q in alarms), len(alarms)),
        "table_held": _rate(sum(held), len(held)),
        "alarms_where_planted_and_not_used": _rate(sum(p["detected"] for p in others), len(others)),
    }
    return {
        "models": len(answers),
        **{name: rate["value"] for name, rate in rates.items()},
        "rates": rates,
        "excluded": sum(p["target"][2] >= NON_USER and p["target"][1] <= USER for p in points),
        "smallest_detected": min((p["measured"][0] for p in users if p["detected"]), default=None),
        **_line([p for p in points if p["alone"]]),
        "operators": {name: _operator(name, users, quiet) for name in operators},
        "table": _table(answers),
        "points": points,
        "fixes": _fixes(answers),
    }


def detected(interval: Sequence[float], operators: int) -> bool:
    """Whether the lower bound, simultaneous over the operators that were run, is above the line."""
    return reliance.widened(stats.Interval(*interval), operators).low > DETECTED


def _points(answer: Answer) -> list[dict[str, Any]]:
    """One row a planted cue: what was measured and what is true.

    `alone` is false where the operator swaps another planted cue too: the patch lies in the background.
    """
    found = answer["reliance"]
    return [
        {
            "model": answer["name"],
            "cue": cue,
            "operator": OPERATOR[cue],
            "target": answer["truth"][cue]["target"],
            "used": answer["truth"][cue]["used"],
            "measured": found[OPERATOR[cue]],
            "detected": detected(found[OPERATOR[cue]], len(found)),
            "alone": cue == "patch" or len(answer["cues"]) == 1,
        }
        for cue in answer["cues"]
        if answer["role"] == "planted"
    ]


def _quiet(answer: Answer) -> list[dict[str, Any]]:
    """One row an operator that must not react."""
    clean, found = answer["role"] == "clean", answer["reliance"]
    if clean:
        names = QUIET["none"]
    elif len(answer["cues"]) == 1:
        names = tuple(name for name in QUIET[answer["cues"][0]] if not _entitled(answer, name))
    else:
        names = ()
    return [
        {"model": answer["name"], "operator": name, "clean": clean, "detected": detected(found[name], len(found))}
        for name in names
    ]


def _entitled(answer: Answer, operator: str) -> bool:
    """A colour cast lies on the object too: the object's colours may react where the model uses the cast there."""
    inside = answer["truth"].get("colour_in_object")
    return operator == "object_colour" and inside is not None and inside["target"][2] >= NON_USER


def _table_held(answer: Answer) -> bool:
    """Every used cue was seen, and nothing reacted that must not."""
    seen = all(p["detected"] for p in _points(answer) if p["target"][1] > USER)
    return seen and not any(q["detected"] for q in _quiet(answer))


def _rate(k: int, n: int) -> dict[str, Any]:
    if n == 0:
        return {"k": 0, "n": 0, "value": None, "low": None, "high": None, "method": "Clopper–Pearson"}
    return {"k": k, "n": n, **stats.clopper_pearson(k, n)._asdict(), "method": "Clopper–Pearson"}


def _line(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Least squares of measured on true reliance, one planted cue an operator."""
    x, y = (np.array([p[name][0] for p in points]) for name in ("target", "measured"))
    if len(points) < 3 or not np.ptp(x) or not np.ptp(y):
        return {"slope": None, "intercept": None, "correlation": None}
    slope, intercept = np.polyfit(x, y, 1)
    return {"slope": float(slope), "intercept": float(intercept), "correlation": float(np.corrcoef(x, y)[0, 1])}


def _operator(name: str, users: Sequence[Mapping[str, Any]], quiet: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mine = [p for p in users if p["operator"] == name]
    clean = [q for q in quiet if q["operator"] == name and q["clean"]]
    crossed = [q for q in quiet if q["operator"] == name and not q["clean"]]
    return {
        "sensitivity": _rate(sum(p["detected"] for p in mine), len(mine)),
        "false_alarms_clean": _rate(sum(q["detected"] for q in clean), len(clean)),
        "false_alarms_other_cue": _rate(sum(q["detected"] for q in crossed), len(crossed)),
    }


def _table(answers: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """Share of models with a planted cue in which each operator reacted."""
    kinds = sorted({"+".join(a["cues"]) if a["role"] == "planted" else "clean" for a in answers})
    table: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        mine = [a for a in answers if ("+".join(a["cues"]) if a["role"] == "planted" else "clean") == kind]
        names = [name for name in mine[0]["reliance"] if "[" not in name]
        table[kind] = {n: sum(detected(a["reliance"][n], len(a["reliance"])) for a in mine) / len(mine) for n in names}
    return table


def _fixes(answers: Sequence[Answer]) -> dict[str, Any]:
    """A fix is seen if the upper bound of the difference is below −.05; the same rule must be silent without one.

    Two trainings without a fix may differ in truth; `no_fix_without_change` counts the pairs whose truth differs by less.
    """
    rows = [_pair(answer, name) for answer in answers for name in answer["pairs"]]
    fixes = [row for row in rows if row["pair"] == "fix"]
    others = [row for row in rows if row["pair"] == "no_fix"]
    unchanged = [row for row in others if row["true_difference"] > -DETECTED]
    groups = {"fix": fixes, "no_fix": others, "no_fix_without_change": unchanged}
    counted = {name: _rate(sum(row["seen"] for row in mine), len(mine)) for name, mine in groups.items()}
    return {**counted, "rows": rows}


def _pair(answer: Answer, name: str) -> dict[str, Any]:
    cue, pair = answer["cues"][0], answer["pairs"][name]
    difference = pair["difference"][OPERATOR[cue]]
    true = pair["truth"][cue]["target"][0] - answer["truth"][cue]["target"][0]
    return {
        "model": answer["name"],
        "pair": name,
        "difference": difference,
        "true_difference": true,
        "seen": difference[2] < -DETECTED,
    }
