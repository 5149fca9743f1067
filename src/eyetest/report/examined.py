"""The page of the exam: what `eyetest validate` measured of the audit itself, as findings."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..errors import RunError
from ..provenance import new_record
from ..records import SCHEMA_VERSION, Block, DataRecord, Estimate, Finding, RunRecord, Status, Table
from ..stats import Interval
from .figures import scatter
from .options import DEFAULT, PageOptions
from .render import Figure, render
from .sections import Section

Scores = Mapping[str, Any]
LIMITS = (
    "The exam's images are drawn by eyetest, with one known cue each; photographs hold many cues that nobody planted.",
    "A model counts as using a cue from 10 points of accuracy on; weaker use is not part of this score.",
)
SENSITIVITY, TABLE_HELD = 0.95, 0.95
SLOPE, CORRELATION, COVERAGE = (0.9, 1.1), 0.98, (0.93, 0.97)
"""Targets of CUES.md: at least, or from and to."""
TITLE = "Exam of the audit"
POINTS = "Measured against true reliance, every model with one planted cue; on the line both agree."


SCORES, PICTURE, PAGE = "validation.json", "validation.svg", "report.html"
"""What an exam leaves in its folder."""


def exam_record(*, quick: bool, seed: int) -> RunRecord:
    """When and with what an exam was scored, which is now."""
    about = DataRecord(name="planted", title="drawn images with planted cues", fingerprint="", classes=(), images={})
    made = new_record("validate", about, (), seed=seed, device="cpu", config={"quick": quick})
    return made.model_copy(update={"status": "complete"})


def write_exam(scores: Scores, out: Path, options: PageOptions = DEFAULT) -> Path:
    """Write the page of an exam."""
    record = RunRecord.model_validate(scores["record"])
    uri = "data:image/svg+xml;base64," + base64.b64encode(picture(scores).encode()).decode()
    drawn = Markup('<img class="figure sheet" src="{}" alt="{}">').format(uri, POINTS)
    section = Section("exam", TITLE, record, tuple(findings(scores)), out.parent)
    leading = {"exam-numbers": [Figure(POINTS, drawn, _points(scores))]} if options.images else {}
    render(TITLE, record, [section], out, options, leading=leading)
    return out


def is_exam(folder: Path) -> bool:
    """Whether it holds what `eyetest validate` wrote, and no run."""
    begun = (folder / SCORES).is_file() or any((folder / "models").glob("*.json"))
    return begun and not (folder / "run.json").exists()


def rewrite_exam(folder: Path, out: Path | None = None, options: PageOptions = DEFAULT) -> Path:
    """Write the page of the exam in a folder again, from its scores; RunError if they are not enough for it."""
    return write_exam(_read_scores(folder), out or folder / PAGE, options)


def _read_scores(folder: Path) -> Scores:
    file = folder / SCORES
    if not file.is_file():
        done = len(list((folder / "models").glob("*.json")))
        raise RunError(
            f"{folder} looks like an exam that has not ended ({done} answers in {folder / 'models'}); {SCORES} was expected beside "
            f"them. Give `eyetest validate --out {folder}` again, as it was begun: it goes on where it stopped."
        )
    try:
        scores: Scores = json.loads(file.read_text(encoding="utf-8"))
        version = scores["record"]["schema_version"] if "record" in scores else None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{file} cannot be read ({error}); the scores of an exam were expected. {_instead(folder)}"
        ) from error
    if version != SCHEMA_VERSION:
        found = f"is of schema version {version}" if version else "does not say when and with what it was made"
        raise RunError(
            f"{folder} is an exam of another eyetest: {file} {found}, and this one needs schema version {SCHEMA_VERSION} "
            f"to write the page. {_instead(folder)}"
        )
    return scores


def _instead(folder: Path) -> str:
    """What to do where a page cannot be written from the scores."""
    page = f"Open {folder / PAGE}, or give" if (folder / PAGE).is_file() else "Give"
    return (
        f"{page} `eyetest validate --out {folder}` again, as it was begun: models that are done are not trained again."
    )


def picture(scores: Scores) -> str:
    """Measured against true reliance of every planted cue, as SVG."""
    points = [
        (point["cue"].replace("_", " "), point["target"][0], Interval(*point["measured"]))
        for point in scores["points"]
        if point["alone"]
    ]
    return scatter(points, "true reliance R* (accuracy)", "measured reliance")


def findings(scores: Scores) -> list[Finding]:
    """One finding a question of the exam; those that were not asked are left out."""
    found = [_verdict(scores), _sensitivity(scores), _alarms(scores), _line(scores), _table(scores), _fixes(scores)]
    found += [_coverage(scores["coverage"])] if scores["coverage"] else []
    return found + ([_maps(scores)] if scores["maps"] else [])


def _verdict(scores: Scores) -> Finding:
    rates = scores["rates"]
    estimates = [
        e for name in ("sensitivity", "false_alarm_rate", "table_held") if (e := _rate(name, rates[name], "higher"))
    ]
    word = "passed" if scores["passed"] else "is below its targets"
    size = "quick exam" if scores["quick"] else "exam"
    status: Status = "ok" if scores["passed"] else "concern"
    said = f"The audit {word} in the {size} of {scores['models']} models."
    return _finding("EXM000", "Verdict", "Does the audit meet its targets?", status, said, estimates)


def _sensitivity(scores: Scores) -> Finding:
    rate = scores["rates"]["sensitivity"]
    smallest = scores["smallest_detected"]
    least = "" if smallest is None else f"; the smallest reliance seen is {100 * smallest:.1f} points"
    columns = ("operator", "cue seen where it is used", "alarms, clean models", "alarms, another cue planted")
    parts = ("sensitivity", "false_alarms_clean", "false_alarms_other_cue")
    rows = [(name, *(_words(one[part]) for part in parts)) for name, one in scores["operators"].items()]
    status = _status(rate, least=SENSITIVITY)
    return _finding(
        "EXM001", "Sensitivity", "How often is a cue seen that the model uses?", status,
        f"Saw the cue in {_words(rate)} models that use one{least}.",
        [e for e in [_rate("sensitivity", rate, "higher")] if e],
        [Table(title="Operators", columns=columns, rows=tuple(rows))],
    )  # fmt: skip


def _alarms(scores: Scores) -> Finding:
    rate, planted = (scores["rates"][name] for name in ("false_alarm_rate", "alarms_where_planted_and_not_used"))
    status: Status = "inconclusive" if not rate["n"] else "ok" if rate["k"] == 0 else "concern"
    estimates = [_rate("false_alarm_rate", rate, "lower"), _rate("alarms_planted_not_used", planted, "lower")]
    return _finding(
        "EXM002", "False alarms", "How often does it raise an alarm on a model without a shortcut?", status,
        f"Raised an alarm in {_words(rate)} questions put to clean models; where a cue is planted and not used, "
        f"in {_words(planted)}.",
        [e for e in estimates if e],
    )  # fmt: skip


def _line(scores: Scores) -> Finding:
    status: Status
    if scores["slope"] is None:
        said, status = "Too few models with one planted cue to draw a line.", "inconclusive"
    else:
        good = SLOPE[0] <= scores["slope"] <= SLOPE[1] and scores["correlation"] >= CORRELATION
        said = (
            f"Measured reliance is {scores['slope']:.2f} times the true one {100 * scores['intercept']:+.1f} points, "
            f"with a correlation of {scores['correlation']:.3f}."
        )
        status = "ok" if good else "concern"
    return _finding("EXM003", "Measured and true", "Does the measured number agree with the true one?", status, said)


def _table(scores: Scores) -> Finding:
    rate = scores["rates"]["table_held"]
    operators = list(next(iter(scores["table"].values()), {}))
    rows = tuple((kind, *(float(row.get(name, 0)) for name in operators)) for kind, row in scores["table"].items())
    return _finding(
        "EXM004", "Who reacts to what", "Does each operator react to its own cue, and to no other?",
        _status(rate, least=TABLE_HELD),
        f"Every operator did what it must, and none what it must not, in {_words(rate)} models.",
        [e for e in [_rate("table_held", rate, "higher")] if e],
        [Table(title="Share of models in which an operator reacted", columns=("planted", *operators), rows=rows)],
    )  # fmt: skip


def _fixes(scores: Scores) -> Finding:
    seen, none, still = (scores["fixes"][name] for name in ("fix", "no_fix", "no_fix_without_change"))
    estimates = [_rate("fixes_seen", seen, "higher"), _rate("alarms_without_a_fix", none, "lower")]
    status: Status = "inconclusive" if not seen["n"] else "concern" if still["k"] else "ok"
    return _finding(
        "EXM005", "Fixes", "Does it see that a fix helped, and stay silent without one?", status,
        f"Saw {_words(seen)} real fixes; claimed one in {_words(none)} pairs without.",
        [e for e in estimates if e],
    )  # fmt: skip


def _coverage(scores: Scores) -> Finding:
    names = (
        "operator",
        "held",
        "audits",
        "share",
        "low",
        "high",
        "mean reliance",
        "true deviation",
        "half-width / 1.96",
    )
    rows = []
    for name, one in scores.items():
        share = (one["held"], one["audits"], one["held"] / one["audits"], one["low"], one["high"])
        rows.append((name, *share, one["mean"], one["true_deviation"], one["mean_half_width"] / 1.96))
    good = all(COVERAGE[0] <= row[3] <= COVERAGE[1] for row in rows)
    worst = min(rows, key=lambda row: row[3])
    return _finding(
        "EXM006", "Intervals", "Does a 95 % interval hold the true reliance in 95 of 100 audits?",
        "ok" if good else "concern",
        f"95 % intervals held the mean of all audits in {worst[3]:.1%} ({worst[4]:.1%} to {worst[5]:.1%}) of "
        f"{worst[2]:,} audits for {worst[0]}, the operator with the least.",
        blocks=[Table(title="Coverage", columns=names, rows=tuple(rows))],
    )  # fmt: skip


def _maps(scores: Scores) -> Finding:
    above, controls = scores["trusted_maps_above_the_dot"], scores["trusted_controls"]
    columns = (
        "model looks at",
        "method",
        "mass",
        "mass of a dot",
        "hits",
        "hits of a dot",
        "trust",
        "cannot tell",
        "do not trust",
    )
    rows = []
    for row in scores["maps"]:
        numbers = (interval(row[part]) if part in row else None for part in ("mass", "mass_dot", "hit", "hit_dot"))
        stamps = (row["stamps"][word] for word in ("trust", "cannot tell", "do not trust"))
        rows.append((row["kind"], row["method"].replace("_", " "), *numbers, *stamps))
    said = "point" if above else "do not all point"
    return _finding(
        "EXM007", "Maps", "Do trusted maps point at what the model provably looks at?",
        "ok" if above and controls == 0 else "concern",
        f"Maps that are trusted {said} at the cue more than a dot in the middle does; {controls} controls that know "
        "nothing of the model were trusted.",
        blocks=[Table(title="Where the maps point, and their stamps", columns=columns, rows=tuple(rows))],
    )  # fmt: skip


def _points(scores: Scores) -> Table:
    rows = tuple(
        (p["model"], p["cue"], float(p["target"][0]), *(float(x) for x in p["measured"]))
        for p in scores["points"]
        if p["alone"]
    )
    return Table(
        title="Measured and true reliance", columns=("model", "cue", "true", "measured", "low", "high"), rows=rows
    )


def _finding(
    code: str, title: str, question: str, status: Status, headline: str,
    estimates: Sequence[Estimate] = (), blocks: Sequence[Block] = (),
) -> Finding:  # fmt: skip
    return Finding(
        code=code, name=title.lower().replace(" ", "_"), title=title, question=question, status=status,
        headline=headline, estimates=tuple(estimates), blocks=tuple(blocks), limits=LIMITS,
    )  # fmt: skip


def _rate(name: str, rate: Scores, better: str) -> Estimate | None:
    if not rate["n"]:
        return None
    fields = {part: rate[part] for part in ("value", "low", "high", "n", "method")}
    return Estimate.model_validate({"name": name, "unit": "fraction", "better": better, **fields})


def _status(rate: Scores, *, least: float) -> Status:
    if not rate["n"]:
        return "inconclusive"
    return "ok" if rate["value"] >= least else "concern"


def _words(rate: Scores) -> str:
    if not rate["n"]:
        return "none of 0"
    return f"{rate['k']} of {rate['n']} ({rate['low']:.1%} to {rate['high']:.1%})"


def interval(found: Sequence[float]) -> str:
    """Value and ends, as they are read."""
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"
