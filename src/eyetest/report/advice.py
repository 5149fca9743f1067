"""What to do next about a finding: one step a concern, with the command where there is one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from ..records import Finding, RunRecord, Status
from .sections import Shown

LOOK = "eyetest look {model} {image} --data {data}"
STUDY = "eyetest study --data {data} --recipe baseline improved"
HUE = "eyetest train --data {data} --recipe improved --set hue=0.5"
SEEDS = "eyetest study --data {data} --seeds 5"
STEPS: dict[tuple[str, Status], tuple[str, str]] = {
    ("DAT001", "concern"): (
        "Feed the model as the finding says before you believe any other number, then audit again.",
        "",
    ),
    ("LAB002", "concern"): ("Take the duplicates out of the test images, or report accuracy without them.", ""),
    ("LAB001", "concern"): (
        "Look at the most contradicted labels; a second opinion comes from models that did not see them.",
        "eyetest audit {model} --data {data} --cross-validate 5",
    ),
    ("ACC001", "concern"): ("Find out what is special about the worst class, and collect training images of it.", ""),
    ("ACC002", "concern"): ("Look at the images of the one-sided pair: one class takes what belongs to the other.", ""),
    ("SLC001", "concern"): ("Collect training images like those of the weak group, and report its accuracy apart.", ""),
    ("FIT001", "concern"): ("Train with augmentation and a shrinking learning rate, and compare.", STUDY),
    ("CUE001", "concern"): ("Turn the colours at random while training, so that they say nothing, and compare.", HUE),
    ("CUE002", "concern"): (
        "Check that the texture belongs to the object; if not, train on images where it varies.",
        "",
    ),
    ("CUE003", "concern"): (
        "Collect images of each class on other backgrounds, or crop to the object, and train again.",
        "",
    ),
    ("CUE004", "concern"): (
        "Check how the images were made: equal Fourier amplitudes within a class often come from one camera or file format.",
        "",
    ),
    ("CUE005", "concern"): (
        "Look at the right answers that stand without the object: what is left in the image?",
        LOOK,
    ),
    ("EXP001", "concern"): (
        "Do not argue from maps that failed; put the other methods to the test.",
        "eyetest audit {model} --data {data} --stamp all",
    ),
    ("EXP002", "concern"): ("Compare with the cues: a map says where, a swapped cue says whether it matters.", ""),
    ("FAIL001", "concern"): ("Look at the surest mistakes one by one.", LOOK),
    ("FAIL002", "concern"): (
        "Begin with the errors that are the model's own; the others need better labels or images.",
        "",
    ),
    ("FAIL003", "concern"): ("Take the cue that misleads most out of the training images, and train again.", ""),
    ("CAL001", "concern"): (
        "Divide the logits by the temperature of the finding, fitted on validation images, before you use the confidence.",
        "",
    ),
    ("CAL002", "concern"): ("Do not let it abstain by its own confidence.", ""),
    ("CMP001", "concern"): ("Keep the first model: the second is less often right.", ""),
    ("CMP001", "inconclusive"): ("Train more seeds: one training each cannot tell the difference.", SEEDS),
    ("CMP004", "concern"): (
        "Look at the mistakes that the second model is surest of, before it replaces the first.",
        "",
    ),
    ("CMP007", "concern"): ("Rescale the confidence of the second model with its temperature, and compare again.", ""),
    ("CMP008", "concern"): (
        "Let the first model answer where abstaining matters: the second knows less when it is wrong.",
        "",
    ),
    ("CMP090", "concern"): ("Look at what is newly broken before the second model replaces the first.", ""),
    ("SEED001", "concern"): ("Keep the first recipe: the other is worse also in other trainings.", ""),
    ("SEED001", "inconclusive"): ("Train more seeds of both recipes.", SEEDS),
    ("TRU001", "concern"): (
        "The audit and the planted truth disagree here: read the limits before you believe the cue.",
        "",
    ),
}
WORSE = "Weigh this against what became better: the change made it worse."
CRASHED = "This check crashed. Give the command again, and report the message if it stays."
CONCERN = "Read the finding, look at its examples, and decide whether it matters for your use."


@final
@dataclass(frozen=True)
class Step:
    """One thing to do."""

    text: str
    command: str = ""
    code: str = ""
    link: str = ""


def next_step(finding: Finding, shown: Shown) -> Step | None:
    """The step for a concern, a crash, or what cannot be told and may be helped; else None."""
    general: dict[Status, str] = {"concern": WORSE if finding.code.startswith("CMP") else CONCERN, "error": CRASHED}
    text, command = STEPS.get((finding.code, finding.status), (general.get(finding.status, ""), ""))
    if finding.status == "error":
        command = shown.section.run.command
    elif command:
        command = _filled(command, finding, shown)
    return Step(text, command, finding.code, shown.anchor(finding)) if text else None


def more_seeds(record: RunRecord) -> Step:
    """What a study of one training a recipe leaves to do."""
    data = shlex.quote(record.data.name)
    return Step("Train more seeds before you say that one recipe is better than the other.", SEEDS.format(data=data))


def steps(found: Iterable[tuple[Finding, Shown]]) -> list[Step]:
    """The steps of all findings, each said once, concerns first and general advice last."""
    ranked = sorted(found, key=lambda pair: pair[0].status != "concern")
    known: dict[str, Step] = {}
    for step in (next_step(finding, shown) for finding, shown in ranked):
        if step is not None:
            known.setdefault(step.text, step)
    return sorted(known.values(), key=lambda step: step.text in (WORSE, CONCERN))


def _filled(command: str, finding: Finding, shown: Shown) -> str:
    """The command with the model, data and first image; empty where one of them is not known."""
    values = {
        "model": shown.section.model,
        "data": shown.section.run.data.name,
        "image": finding.samples[0] if finding.samples else "",
    }
    if any(f"{{{name}}}" in command and not value for name, value in values.items()):
        return ""
    return command.format(**{name: shlex.quote(value) for name, value in values.items()})
