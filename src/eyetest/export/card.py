"""A section of a Hugging Face model card: the results as its `model-index`, then what was found, in sentences.

The front matter is YAML whose texts are JSON strings and whose numbers have a point, so that any YAML reader takes them for
what they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..errors import RunError, UserError, unknown_name
from ..records import Estimate, Finding, Scalar, of_whole_cue
from ..store import RunDir
from ._text import escaped, printable

MARKS = {"ok": "✔", "concern": "▲ concern:", "inconclusive": "? cannot tell:"}
"""Of findings that have a number; the others are listed as not measured."""
MAIN: dict[str, tuple[str, ...]] = {"CAL001": ("ece_debiased", "nll", "brier"), "DAT001": (), "ACC002": ()}
"""Numbers of a finding that a card gives; of others those that stand on the page by themselves, or the reliance on cues.

DAT001 has the accuracy once more, and ACC002 counts pairs of classes: there the sentence is enough.
"""
TASK = "image-classification"


def card(run: RunDir, model: str | None = None) -> str:
    """The section of every audited model of a run, or of the one that is called `model`.

    Raises RunError if the run holds no audit, and UnknownName if it holds none of that model.
    """
    audits = _audits(run)
    if model is not None and model not in audits:
        raise unknown_name(f"model in {run.path}", model, audits)
    chosen = audits if model is None else {model: audits[model]}
    return "\n".join([*_front_matter(chosen), "", *_body(chosen)]) + "\n"


def write_card(run: RunDir, out: Path, model: str | None = None) -> None:
    """Write the card to a new file; an older file of that name is somebody's work and stays.

    Raises UserError if it exists or cannot be written.
    """
    text = card(run, model)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(
            f"{out} is there already, and a new file was expected; nothing was changed. Give another --out, or leave it out to "
            "print the section, and paste it."
        ) from error
    except OSError as error:
        raise UserError(
            f"{out} cannot be written ({error.strerror}); a file in a directory of yours was expected."
        ) from error


def _audits(run: RunDir) -> dict[str, RunDir]:
    """Audits by the model's name, or by their directory where several models are called the same."""
    found = [one for one in (run, *run.children) if one.record.kind == "audit" and one.record.models and one.findings]
    if not found:
        raise RunError(
            f"{run.path} is a {run.record.kind} without an audited model, which a card is about. Give an audit or a study; "
            "`eyetest runs` lists them."
        )
    names = [one.record.models[0].name for one in found]
    same = len(set(names)) < len(names)
    return {one.path.name if same else name: one for one, name in zip(found, names, strict=True)}


def _front_matter(audits: dict[str, RunDir]) -> list[str]:
    lines = ["---", "model-index:"]
    for name, run in audits.items():
        data = run.record.data
        lines += [
            f"- name: {_text(name)}",
            "  results:",
            "  - task:",
            f"      type: {TASK}",
            "    dataset:",
            f"      name: {_text(data.title)}",
            f"      type: {_text(data.name)}",
            "      split: test",
            "    metrics:",
        ]
        for finding in _measured(run):
            lines += [line for one in _main(finding) for line in _metric(finding, one)]
    return [*lines, "---"]


def _metric(finding: Finding, one: Estimate) -> list[str]:
    said = f"{finding.title}: {one.name} ({_range(one)}, n = {one.n:,})"
    return [
        f"    - type: {_text(one.name)}",
        f"      value: {_number(one.value)}",
        f"      name: {_text(said)}",
    ]


def _body(audits: dict[str, RunDir]) -> list[str]:
    lines = ["## Evaluation"]
    for name, run in audits.items():
        record = run.record
        images = record.data.images.get("test")
        size = f", {images:,} test images" if images else ""
        made = f"eyetest {record.versions.get('eyetest', '')}".strip()
        lines += ["", f"### {escaped(name)}", ""]
        lines += [f"{escaped(record.data.title)}{size}; {escaped(made)}, data {escaped(record.data.fingerprint)}."]
        for finding in _measured(run):
            lines += ["", *_said(finding)]
        lines += _not_measured(run.findings.values())
    return lines


def _said(finding: Finding) -> list[str]:
    """Headline, numbers and limits of a finding."""
    mark = f"{MARKS[finding.status]} {escaped(finding.headline)}"
    head = ["| number | value | interval | n | how |", "|---|---|---|---|---|"]
    rows = [
        f"| {escaped(one.name)} | {one.value:.3g} | {escaped(_range(one))} | {one.n:,} | {escaped(one.method)} |"
        for one in _main(finding)
    ]
    table = ["", *head, *rows] if rows else []
    limits = [f"- {escaped(limit)}" for limit in finding.limits]
    title = f"#### {escaped(finding.title)} ({finding.code})"
    return [title, "", mark, *table, "", "What this does not show:", "", *limits]


def _not_measured(findings: Iterable[Finding]) -> list[str]:
    left = [one for one in findings if one.status not in MARKS]
    lines = [f"- {escaped(one.title)} ({one.code}): {escaped(one.headline)}" for one in left]
    return ["", "#### Not measured", "", *lines] if lines else []


def _measured(run: RunDir) -> list[Finding]:
    return [finding for finding in run.findings.values() if finding.status in MARKS and finding.estimates]


def _main(finding: Finding) -> Sequence[Estimate]:
    shown = {block.estimate for block in finding.blocks if isinstance(block, Scalar)}
    wanted = MAIN.get(finding.code, shown)
    chosen = [one for one in finding.estimates if one.name in wanted]
    if chosen or finding.code in MAIN:
        return chosen
    return [one for one in finding.estimates if of_whole_cue(one.name)] or finding.estimates[:1]


def _range(one: Estimate) -> str:
    return f"{100 * one.confidence:g} % interval {one.low:.3g} to {one.high:.3g}"


def _text(text: str) -> str:
    return json.dumps(printable(text), ensure_ascii=False)


def _number(value: float) -> str:
    """All digits, without an exponent, which some YAML readers take for text."""
    return np.format_float_positional(value, trim="0")
