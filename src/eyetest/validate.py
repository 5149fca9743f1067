"""Score the audit itself on planted shortcuts: train, audit blind, compare with the truth. Resumes where it stopped."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from .exam import cues, maps
from .exam.candidates import candidates
from .exam.coverage import sit_coverage
from .exam.sitting import sit
from .report.examined import (
    CORRELATION,
    COVERAGE,
    PAGE,
    PICTURE,
    SCORES,
    SENSITIVITY,
    SLOPE,
    TABLE_HELD,
    exam_record,
    interval,
    picture,
    write_exam,
)
from .store import replacing
from .types import Progress


def validate(
    out: Path, *, quick: bool = False, seed: int = 0, processes: int = 2, progress: Progress | None = None
) -> dict[str, Any]:
    """The exam's scores, written to `out` as JSON, a page to read and a picture; every model that is done stays done."""
    chosen = candidates(quick=quick, seed=seed)
    models = out / "models"
    models.mkdir(parents=True, exist_ok=True)
    answers: list[dict[str, Any]] = []
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        covered = None if quick else pool.submit(sit_coverage, seed, models)
        looking = [pool.submit(maps.sit_maps, one, models) for one in maps.map_candidates(quick=quick, seed=seed)]
        waiting = [pool.submit(sit, one, models) for one in chosen]
        for done in as_completed(waiting):
            answers.append(done.result())
            if progress is not None:
                progress(f"exam: {len(answers)} of {len(chosen)} models", len(answers) / len(chosen), 0.0)
        coverage = covered.result() if covered else {}
        looked = [one.result() for one in looking]
    scores = cues.score(sorted(answers, key=lambda answer: str(answer["name"])))
    scores |= {"quick": quick, "seed": seed, "coverage": coverage} | maps.score(looked)
    scores["passed"] = passed(scores)
    scores["record"] = exam_record(quick=quick, seed=seed).model_dump(mode="json")
    files = {SCORES: json.dumps(scores, indent=1), "validation.md": markdown(scores), PICTURE: picture(scores)}
    for name, text in files.items():
        with replacing(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_exam(scores, out / PAGE)
    return scores


def passed(scores: dict[str, Any]) -> bool:
    """Whether every target of CUES.md is met by the point estimates."""
    no_alarm = all(o["false_alarms_clean"]["k"] == 0 for o in scores["operators"].values())
    slope, correlation = scores["slope"], scores["correlation"]
    return bool(
        (scores["sensitivity"] or 0) >= SENSITIVITY
        and no_alarm
        and (scores["table_held"] or 0) >= TABLE_HELD
        and slope is not None
        and SLOPE[0] <= slope <= SLOPE[1]
        and correlation >= CORRELATION
        and scores["trusted_maps_above_the_dot"]
        and scores["trusted_controls"] == 0
        and all(COVERAGE[0] <= one["held"] / one["audits"] <= COVERAGE[1] for one in scores["coverage"].values())
    )


def markdown(scores: dict[str, Any]) -> str:
    """The scores as a page to read."""
    lines = [
        "| what | value |",
        "|---|---|",
        f"| models | {scores['models']} |",
        f"| sensitivity (users seen) | {_rate(scores['rates']['sensitivity'])} |",
        f"| false alarms on clean models, all operators | {_rate(scores['rates']['false_alarm_rate'])} |",
        f"| alarms where the cue is planted and not used | {_rate(scores['rates']['alarms_where_planted_and_not_used'])} |",
        f"| must / must-not table held | {_rate(scores['rates']['table_held'])} |",
        f"| measured = slope × true + intercept | {_line(scores)} |",
        f"| smallest reliance detected | {_number(scores['smallest_detected'])} |",
        f"| neither user nor non-user, excluded | {scores['excluded']} |",
        f"| real fixes seen | {_rate(scores['fixes']['fix'])} |",
        f"| alarms without a fix | {_rate(scores['fixes']['no_fix'])} |",
        f"| alarms without a fix, where the truth did not change either | {_rate(scores['fixes']['no_fix_without_change'])} |",
        "",
        "| operator | sensitivity | alarms, clean | alarms, another cue planted |",
        "|---|---|---|---|",
    ]
    for name, one in scores["operators"].items():
        parts = (one["sensitivity"], one["false_alarms_clean"], one["false_alarms_other_cue"])
        lines.append(f"| {name} | " + " | ".join(_rate(part) for part in parts) + " |")
    names = list(next(iter(scores["table"].values())))
    lines += ["", "Share of models in which an operator reacted:", ""]
    lines += ["| planted | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for kind, row in scores["table"].items():
        lines.append(f"| {kind} | " + " | ".join(f"{row.get(name, 0):.2f}" for name in names) + " |")
    if scores["coverage"]:
        lines += ["", "Coverage of the 95 % interval of reliance, over audits on new images and donors of one net:", ""]
        lines += [
            "| operator | coverage | mean reliance | true deviation | mean half-width / 1.96 |",
            "|---|---|---|---|---|",
        ]
        lines += [_coverage(name, one) for name, one in scores["coverage"].items()]
    return "\n".join([*lines, *_maps(scores)]) + "\n"


def _maps(scores: dict[str, Any]) -> list[str]:
    """Where the maps of each method point, and their stamps."""
    lines = [
        "",
        "Share of the maps' positive evidence in what the model provably looks at, against a dot in the middle (same resolution), and stamps:",
        "",
        "| model looks at | method | mass | dot | strongest cell hits | dot | trust | cannot tell | do not trust |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in scores["maps"]:
        cells = [interval(row[part]) if part in row else "–" for part in ("mass", "mass_dot", "hit", "hit_dot")]
        stamps = [str(row["stamps"][one]) for one in ("trust", "cannot tell", "do not trust")]
        lines.append("| " + " | ".join([row["kind"], row["method"].replace("_", " "), *cells, *stamps]) + " |")
    above = "yes" if scores["trusted_maps_above_the_dot"] else "no"
    alarms = scores["trusted_controls"]
    return [
        *lines,
        "",
        f"Trusted maps point above the dot: {above}. Trusted controls (outlines, noise, untrained models): {alarms}.",
    ]


def _coverage(name: str, one: dict[str, Any]) -> str:
    share = {"k": one["held"], "n": one["audits"], "low": one["low"], "high": one["high"]}
    parts = (one["mean"], one["true_deviation"], one["mean_half_width"] / 1.96)
    return f"| {name} | {_rate(share)} | " + " | ".join(f"{part:.4f}" for part in parts) + " |"


def _rate(rate: dict[str, Any]) -> str:
    if not rate["n"]:
        return "–"
    return f"{rate['k']} of {rate['n']} ({rate['low']:.3f} to {rate['high']:.3f})"


def _line(scores: dict[str, Any]) -> str:
    if scores["slope"] is None:
        return "–"
    return f"slope {scores['slope']:.3f}, intercept {scores['intercept']:+.3f}, correlation {scores['correlation']:.4f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
