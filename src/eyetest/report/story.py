"""The order in which a page tells what was found: a verdict first, then chapters by question."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from ..records import Estimate, Finding, RunRecord, Status
from .advice import Step, more_seeds, next_step, steps
from .sections import Shown
from .words import MARKS, first_sentence, in_short, main_estimate, trace

FIX, LUCK = "Did the fix help?", "Did the fix help, or was it luck of training?"
CHAPTERS: tuple[tuple[str, str, tuple[tuple[str, ...], ...]], ...] = (
    ("exam", "Does the audit meet its targets?", (("EXM000",),)),
    ("exam-sees", "Does the audit see what a model uses?", (("EXM001",), ("EXM005",))),
    ("exam-silent", "Is it silent where there is nothing?", (("EXM002",), ("EXM004",))),
    ("exam-numbers", "Are its numbers right?", (("EXM003",), ("EXM006",))),
    ("exam-maps", "Do the maps that it trusts point at the truth?", (("EXM007",),)),
    ("trained", "How did the training go?", (("TRN001",),)),
    ("sweep", "What did each ingredient buy?", (("SWP001",),)),
    ("truth", "Does the audit agree with the planted truth?", (("TRU001",),)),
    ("fix", FIX, (("SEED001",), ("CMP001",), ("CMP090",))),
    ("data", "Is the data sound?", (("DAT001",), ("LAB002", "CMP010"), ("LAB001", "CMP009"))),
    (
        "right",
        "How often is it right?",
        (("ACC001",), ("ACC002", "CMP002"), ("SLC001", "CMP011"), ("FIT001", "CMP003")),
    ),
    (
        "looks",
        "What does it look at?",
        (
            ("CUE001", "CMP012"),
            ("CUE002", "CMP013"),
            ("CUE003", "CMP014"),
            ("CUE004", "CMP015"),
            ("CUE005", "CMP016"),
            ("EXP001",),
            ("EXP002", "CMP018"),
        ),
    ),
    ("wrong", "When is it confidently wrong?", (("FAIL001", "CMP004"), ("FAIL002", "CMP005"), ("FAIL003", "CMP006"))),
    ("confidence", "Can its confidence be trusted?", (("CAL001", "CMP007"), ("CAL002", "CMP008"))),
)
"""Anchor, question and topics of each chapter; a topic is the codes that belong side by side."""
WEIGHED = ("data", "looks", "more")
"""Chapters whose answer is what weighs most; the others are answered by their first topic."""
MORE = ("more", "What else was asked?")
SEEDS = "SEED001"
LEADS = (SEEDS, "CMP001", "EXM000", "TRN001", "SWP001", "ACC001")
"""What the verdict begins with: the first of these that is there."""
MOST, LEAST, LINES, LINE = 8, 5, 22, 80
"""Headlines of a verdict where there are as many; the lines that fit one screen, and the signs of a line."""
ONCE = "Each recipe was trained once, so a difference may be luck of training."
"""Of a study."""
SINGLE = "Single models, and pairs of them, are those of seed {seed}."
"""Of a study with several seeds."""
TOLD: tuple[Status, ...] = ("concern", "ok")
UNTOLD: tuple[Status, ...] = ("inconclusive", "error", "not_applicable")


@final
@dataclass(frozen=True)
class Part:
    """A finding with the section that it is from."""

    finding: Finding
    shown: Shown

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return self.shown.anchor(self.finding)

    @property
    def mark(self) -> tuple[str, str]:
        """Sign and word of its status."""
        return MARKS[self.finding.status]

    @property
    def sentence(self) -> str:
        """Its headline, in short."""
        return in_short(self.finding.headline)

    @property
    def model(self) -> str:
        """Name of the model that it is about; empty where it is about several, or none."""
        return self.shown.section.title if self.shown.number is not None else ""

    @property
    def pair(self) -> str:
        """Which pair of trainings it compares, where there are others."""
        return f"seed {self.shown.section.run.seed}" if self.shown.comparison and self.shown.several else ""

    @property
    def who(self) -> str:
        """The model, or the pair of trainings, that it is about; empty where that needs no name."""
        return self.model or self.pair

    @property
    def trace(self) -> str:
        """Where its number comes from."""
        return trace(self.finding)

    @property
    def step(self) -> Step | None:
        """What to do about it."""
        return next_step(self.finding, self.shown)

    @property
    def difference(self) -> bool:
        """Whether it tells of a difference between two models."""
        main = main_estimate(self.finding)
        return self.shown.comparison and self.finding.status in TOLD and main is not None and _sided(main)


@final
@dataclass(frozen=True)
class Topic:
    """One question of the audit, with the answers of all models and of the comparisons."""

    title: str
    question: str
    joint: tuple[Part, ...]
    """Findings about several models, or about none."""
    single: tuple[Part, ...]
    """One a model, side by side."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return self.joint + self.single


@final
@dataclass(frozen=True)
class Chapter:
    """A question in the reader's words."""

    key: str
    question: str
    topics: tuple[Topic, ...]

    @property
    def parts(self) -> list[Part]:
        """All findings of the chapter."""
        return [part for topic in self.topics for part in topic.parts]

    @property
    def answer(self) -> list[Part]:
        """The finding that answers best; where it is of one model, with the same one of the others."""
        best = min(self.parts if self.key in WEIGHED else self.topics[0].parts, key=_weight)
        mine = next(topic for topic in self.topics if best in topic.parts)
        return [best] if best in mine.joint else list(mine.single)


@final
@dataclass(frozen=True)
class Untold:
    """A question that has no answer."""

    word: str
    title: str
    """With the models that it is about, where it is not about all."""
    part: Part


@final
@dataclass(frozen=True)
class Verdict:
    """What fits one screen."""

    asked: str
    headlines: tuple[Part, ...]
    untold: tuple[Untold, ...]
    missing: tuple[str, ...]
    steps: tuple[Step, ...]
    summary: str


@final
@dataclass(frozen=True)
class Missing:
    """What an unfinished run lacks."""

    sentences: tuple[str, ...] = ()
    command: str = ""
    """What finishes it."""


@final
@dataclass(frozen=True)
class _Topics:
    """Findings that are not yet in a chapter, by code."""

    left: dict[str, list[Part]] = field(default_factory=dict)

    def take(self, codes: Iterable[str]) -> Topic | None:
        found = [part for code in codes for part in self.left.pop(code, [])]
        if not found:
            return None
        joint = tuple(part for part in found if part.shown.number is None)
        single = tuple(part for part in found if part.shown.number is not None)
        told = (single or joint)[0].finding
        return Topic(told.title, told.question, joint, single)


def chapters(shown: Sequence[Shown]) -> list[Chapter]:
    """The chapters that have findings; sections of further seeds are left out."""
    topics = _Topics()
    for one in shown:
        for finding in () if one.further else one.section.findings:
            topics.left.setdefault(finding.code, []).append(Part(finding, one))
    planned = [(key, question, [topics.take(codes) for codes in groups]) for key, question, groups in CHAPTERS]
    planned.append((*MORE, [topics.take(codes) for codes in _same_names(topics.left)]))
    found = [Chapter(key, question, tuple(t for t in group if t is not None)) for key, question, group in planned]
    return [_answer_first(_with_luck(chapter)) for chapter in found if chapter.topics]


def _same_names(left: Mapping[str, Sequence[Part]]) -> list[list[str]]:
    """Codes of checks that are not ours, each with its comparison, which has the same name."""
    names: dict[str, list[str]] = {}
    for code, parts in left.items():
        names.setdefault(parts[0].finding.name, []).append(code)
    return list(names.values())


def _answer_first(chapter: Chapter) -> Chapter:
    """The topic that answers the question comes first."""
    answer = chapter.answer[0]
    topics = sorted(chapter.topics, key=lambda topic: answer not in topic.parts)
    return Chapter(chapter.key, chapter.question, tuple(topics))


def _with_luck(chapter: Chapter) -> Chapter:
    seeds = any(part.finding.code == SEEDS for part in chapter.parts)
    return Chapter(chapter.key, LUCK, chapter.topics) if seeds else chapter


def verdict(record: RunRecord, shown: Sequence[Shown], told: Sequence[Chapter], missing: Missing) -> Verdict:
    """The first screen."""
    parts = [part for chapter in told for part in chapter.parts]
    headlines = tuple(_headlines(told))
    models = len({part.model for part in parts} - {""})
    untold = tuple(_untold([part for part in parts if part not in headlines], models))
    asked = _asked(record, shown)
    others = sorted((part for part in parts if part not in headlines), key=_later)
    todo = steps((part.finding, part.shown) for part in (*headlines, *others))
    more = more_seeds(record)
    if _once(record) and more.command not in {step.command for step in todo}:
        todo.append(more)
    if missing.command:
        todo.insert(0, Step("Finish the run: the same command goes on where it stopped.", missing.command))
    return Verdict(
        asked, headlines, untold, missing.sentences, tuple(todo), _summary(record, asked, headlines, untold, missing)
    )


def _headlines(told: Sequence[Chapter]) -> list[Part]:
    """The lead, one a chapter, then further concerns; if these are few, what is fine and what is not known."""
    parts = [part for chapter in told for part in chapter.parts]
    lead = next((p for code in LEADS for p in reversed(parts) if p.finding.code == code), None)
    best = [min(chapter.parts, key=_weight) for chapter in told]
    concerns = [p for p in sorted(parts, key=_later) if p.finding.status == "concern"]
    ranked = [p for status in TOLD for p in best if p.finding.status == status] + concerns
    chosen = list(dict.fromkeys(p.anchor for p in ([lead] if lead else []) + ranked))[:MOST]
    if len(chosen) < LEAST:
        rest = [p.anchor for status in ("ok", "error", "inconclusive") for p in parts if p.finding.status == status]
        chosen = list(dict.fromkeys(chosen + rest))[:LEAST]
    by_anchor = {p.anchor: p for p in parts}
    fitting = _fitting([by_anchor[anchor] for anchor in chosen])
    order = list(MARKS)
    return fitting[:1] + sorted(fitting[1:], key=lambda part: order.index(part.finding.status))


def _fitting(ranked: Sequence[Part]) -> list[Part]:
    """As many as fit one screen, at least five of them."""
    lines = 0.0
    chosen: list[Part] = []
    for part in ranked:
        own = math.ceil(len(part.who + part.sentence) / LINE) + 0.6
        if len(chosen) < LEAST or lines + own <= LINES:
            lines += own
            chosen.append(part)
    return chosen


def _weight(part: Part) -> tuple[bool, bool, int, int]:
    """Seeds first, then differences, then what worries, then the later model: it is the one that will be used."""
    order = {"concern": 0, "ok": 1, "inconclusive": 2, "error": 3, "not_applicable": 4}
    return part.finding.code != SEEDS, not part.difference, order[part.finding.status], -(part.shown.number or 0)


def _later(part: Part) -> tuple[bool, int]:
    """Of the models before differences, the later model first."""
    return part.shown.number is None, -(part.shown.number or 0)


def _sided(main: Estimate) -> bool:
    """Whether the difference is for the better or the worse."""
    return main.value != 0 and main.better != "neither"


def _untold(parts: Sequence[Part], models: int) -> list[Untold]:
    found: dict[tuple[Status, str], list[Part]] = {}
    for status in UNTOLD:
        for part in parts:
            if part.finding.status == status:
                found.setdefault((status, part.finding.title), []).append(part)
    return [_unknown(status, title, mine, models) for (status, title), mine in found.items()]


def _unknown(status: Status, title: str, parts: Sequence[Part], models: int) -> Untold:
    names = [part.model for part in parts if part.model]
    some = f" ({', '.join(names)})" if 0 < len(names) < models else ""
    return Untold(MARKS[status][1], title + some, parts[0])


def _asked(record: RunRecord, shown: Sequence[Shown]) -> str:
    """What was asked, in one sentence."""
    names = list(dict.fromkeys(one.section.title for one in shown if one.number is not None))
    classes, title = len(record.data.classes), record.data.title
    images = f"{_tested(record, shown):,} test images of {title} ({classes} classes)"
    if record.kind == "validate":
        return "Does the audit find shortcuts that were planted, and is it silent where there are none?"
    if record.kind == "train":
        return f"{_listed(names)} was trained on {record.data.images.get('train', 0):,} images of {title} ({classes} classes)."
    if record.kind == "sweep":
        trainings = len(record.config.get("cells", ())) * len(record.seeds)
        return f"{trainings} trainings on {title} ({classes} classes) were compared on the same validation images."
    if len(names) < 2:
        return f"{_listed(names) or 'A model'} was audited on {images}."
    seeds = len(record.seeds) if record.kind == "study" else 1
    trained = "trained and audited" if record.kind == "study" else "audited"
    often = f", each from {seeds} seeds," if seeds > 1 else ""
    luck = f" {ONCE}" if _once(record) else f" {SINGLE.format(seed=record.seed)}" if seeds > 1 else ""
    return f"{_listed(names)} were {trained}{often} on {images}, and compared image by image.{luck}"


def _once(record: RunRecord) -> bool:
    """Whether recipes are compared by one training each."""
    return record.kind == "study" and len(record.config.get("recipes", ())) > 1 and len(record.seeds) == 1


def _tested(record: RunRecord, shown: Sequence[Shown]) -> int:
    """Images that accuracy is about; those of the test split where that was not asked."""
    known = [e.n for s in shown for f in s.section.findings if f.code == "ACC001" for e in f.estimates[:1]]
    return known[0] if known else record.data.images.get("test", 0)


def _listed(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def _summary(
    record: RunRecord, asked: str, headlines: Sequence[Part], untold: Sequence[Untold], missing: Missing
) -> str:
    """One paragraph to send."""
    said = [f"{part.who}: " * bool(part.who) + first_sentence(part.finding.headline) for part in headlines]
    unknown = list(dict.fromkeys(one.title for one in untold if one.word == MARKS["inconclusive"][1]))
    end = [f"Cannot be told: {', '.join(unknown)}."] if unknown else []
    made = f"(eyetest {record.versions.get('eyetest', '')}, run {record.id}, {record.created[:10]}.)"
    return " ".join([asked, *said, *end, *missing.sentences, made])
