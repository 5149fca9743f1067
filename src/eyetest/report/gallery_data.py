"""What the gallery of a page knows: images, answers and pictures of its runs, as one compact JSON value."""

from __future__ import annotations

import base64
import io
import itertools
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from PIL import Image

from ..records import Card, Gallery, MapPicture
from ..store import RunDir
from ..types import IDENTITY, VERDICTS, Predictions
from .pictures import inside
from .words import taken

MOST = 1200
"""Images with a picture on one page."""
LARGEST = 24_000
"""Bytes of a picture above which it is made smaller, as of photos."""
SIDE = 160
"""Pixels of the longer side of a picture that was too large."""
_CAUSE = re.compile(r"explained\[(.+)\]")
_REMOVAL = re.compile(r"(.+)\.removal_effect")


@final
@dataclass(frozen=True)
class Audited:
    """One audit with its answers to the unchanged test images."""

    run: RunDir
    name: str
    """As the page calls the model; different for every audit of the page."""
    tint: str
    predictions: Predictions

    @property
    def removals(self) -> list[str]:
        """Keys of the views that took a cue away, in the order of the findings."""
        names = [e.name for finding in self.run.findings.values() for e in finding.estimates]
        return [match[1] for name in names if (match := _REMOVAL.fullmatch(name))]


@final
@dataclass
class Pictures:
    """Encoded pictures of the page, each once."""

    found: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def add(self, content: bytes) -> int:
        """Number of the picture with this content."""
        text = base64.b64encode(content if len(content) <= LARGEST else _smaller(content)).decode()
        if text not in self.places:
            self.places[text] = len(self.found)
            self.found.append(text)
        return self.places[text]

    def file(self, folder: Path, name: str) -> int:
        """Number of a picture of a run; -1 if it is missing or points out of the run."""
        path = inside(folder, name)
        return -1 if path is None else self.add(path.read_bytes())


def gallery_data(runs: Sequence[RunDir], tint_of: Callable[[str], str]) -> dict[str, Any] | None:
    """All that the gallery's script reads; None if no audit has answers, or there is no picture."""
    audits = _audited(runs, tint_of)
    if not audits:
        return None
    pictures, told = Pictures(), list(_cards(runs))
    items = _items(audits, told, pictures)
    if not items:
        return None
    ids, classes = list(items), audits[0].run.record.data.classes
    places = {name: index for index, name in enumerate(ids)}
    answers, cues = [_answers(one.predictions, ids) for one in audits], _cues(audits)
    removals = list(dict.fromkeys(key for one in audits for key in one.removals))
    return {
        "data": audits[0].run.record.data.title,
        "total": max(len(one.predictions.rows) for one in audits),
        "classes": list(classes),
        "verdicts": list(VERDICTS),
        "cues": cues,
        "models": [_model(one, audits[0]) for one in audits],
        "ids": ids,
        "thumb": [thumb for thumb, _ in items.values()],
        "full": [full for _, full in items.values()],
        "truth": _truth(audits, told, ids, classes),
        **{key: [one[key] for one in answers] for key in ("predicted", "confidence", "loss")},
        "removals": [[taken(key), key] for key in removals],
        "removed": [[_removed(one.run, key, ids) for key in removals] for one in audits],
        **_sorted_out(audits, ids, cues),
        "stories": [
            _story(run, title, card, audits, places, pictures) for run, title, card in told if card.id in places
        ],
        "pictures": pictures.found,
    }


def _audited(runs: Sequence[RunDir], tint_of: Callable[[str], str]) -> list[Audited]:
    found = [run for run in runs if run.record.kind == "audit" and run.has_predictions(IDENTITY)]
    names = [run.record.models[0].name for run in found]
    shown = [name if names.count(name) == 1 else run.path.name for name, run in zip(names, found, strict=True)]
    return [
        Audited(run, label, tint_of(name), run.predictions(IDENTITY, "test"))
        for run, label, name in zip(found, shown, names, strict=True)
    ]


def _cards(runs: Sequence[RunDir]) -> Iterator[tuple[RunDir, str, Card]]:
    """Every card of every gallery, with its run and the title of the gallery."""
    for run in runs:
        for finding in run.findings.values():
            for block in finding.blocks:
                if isinstance(block, Gallery):
                    yield from ((run, f"{finding.code}: {block.title}", card) for card in block.cards)


def _items(
    audits: Sequence[Audited], told: Sequence[tuple[RunDir, str, Card]], pictures: Pictures
) -> dict[str, tuple[int, int]]:
    """Thumbnail and exact picture by image id: those of cards first, then the most telling of each model in turn."""
    kept = [one.run.thumbnails() for one in audits]
    exact: dict[str, int] = {}
    for run, _, card in told:
        number = pictures.file(run.path, card.image) if exact.get(card.id, -1) < 0 else exact[card.id]
        exact[card.id] = number
    known = {name: content for one in reversed(kept) for name, content in one.items()}
    turns = itertools.chain.from_iterable(itertools.zip_longest(*kept))
    order = dict.fromkeys([*exact, *(name for name in turns if name is not None)])
    found: dict[str, tuple[int, int]] = {}
    for name in order:
        full = exact.get(name, -1)
        if len(found) < MOST and (name in known or full >= 0):
            found[name] = (full if full >= 0 else pictures.add(known[name]), full)
    return found


def _answers(predictions: Predictions, ids: Sequence[str]) -> dict[str, list[int]]:
    """Predicted class, confidence in thousandths and loss in thousandths of a nat; -1 where it was not asked or given."""
    place = {name: index for index, name in enumerate(predictions.ids)}
    chosen = np.array([place.get(name, -1) for name in ids])
    known, rows = np.flatnonzero(chosen >= 0), chosen[chosen >= 0]
    told = replace(
        predictions, rows=predictions.rows[rows], labels=predictions.labels[rows], logits=predictions.logits[rows]
    )
    columns = {key: np.full(len(ids), -1) for key in ("predicted", "confidence", "loss")}
    columns["predicted"][known] = told.predicted
    if told.given != "classes":
        columns["confidence"][known] = np.rint(1000 * told.confidence)
        columns["loss"][known] = np.rint(1000 * np.minimum(told.loss, 1e6))
    return {key: values.tolist() for key, values in columns.items()}


def _removed(run: RunDir, view: str, ids: Sequence[str]) -> list[list[int]]:
    """Predicted class and confidence under a view that takes a cue away; empty if the model was not asked."""
    predictions = run.answers_to(view)
    found = {} if predictions is None else _answers(predictions, ids)
    return [found[key] for key in ("predicted", "confidence") if key in found]


def _truth(
    audits: Sequence[Audited],
    told: Sequence[tuple[RunDir, str, Card]],
    ids: Sequence[str],
    classes: Sequence[str],
) -> list[int]:
    """Class of each image by what the audits know, else by its card; -1 if neither knows."""
    known = {card.id: classes.index(card.truth) for _, _, card in told if card.truth in classes}
    for one in audits:
        known |= dict(zip(one.predictions.ids, one.predictions.labels.tolist(), strict=True))
    return [known.get(name, -1) for name in ids]


def _cues(audits: Sequence[Audited]) -> list[str]:
    """Keys of the cues that FAIL003 tried in any audit."""
    columns = [name for one in audits for name in one.run.scores("FAIL003")[1]]
    return list(dict.fromkeys(match[1] for name in columns if (match := _CAUSE.fullmatch(name))))


def _sorted_out(audits: Sequence[Audited], ids: Sequence[str], cues: Sequence[str]) -> dict[str, Any]:
    """Verdict (a number in VERDICTS, or -1) and causes (a bit a cue) of each image, by model; and how many each has."""
    verdicts, causes, totals = [], [], []
    for one in audits:
        sorted_ids, judged = one.run.scores("FAIL002")
        said = [judged.get(verdict, np.zeros(len(sorted_ids))) > 0 for verdict in VERDICTS]
        named = {sorted_ids[k]: number for number, hit in enumerate(said) for k in np.flatnonzero(hit)}
        tried_ids, tried = one.run.scores("FAIL003")
        found = [tried.get(f"explained[{cue}]", np.zeros(len(tried_ids))) > 0 for cue in cues]
        bits: dict[str, int] = {}
        for number, hit in enumerate(found):
            for k in np.flatnonzero(hit):
                bits[tried_ids[k]] = bits.get(tried_ids[k], 0) | 1 << number
        verdicts.append([named.get(name, -1) for name in ids])
        causes.append([bits.get(name, 0) for name in ids])
        totals.append({"verdict": [int(hit.sum()) for hit in said], "cause": [int(hit.sum()) for hit in found]})
    return {"verdict": verdicts, "causes": causes, "totals": totals}


def _model(one: Audited, first: Audited) -> dict[str, Any]:
    """Name, colour, the command that looks at one image again, and counts of the whole run."""
    cells, counts = np.unique(
        np.column_stack([one.predictions.labels, one.predictions.predicted]), axis=0, return_counts=True
    )
    before, after = look_command(one.run)
    return {
        "name": one.name,
        "run": one.run.path.name,
        "tint": one.tint,
        "before": before,
        "after": after,
        "cells": np.column_stack([cells, counts]).ravel().tolist(),
        "changes": _changes(first.predictions, one.predictions),
    }


def _changes(first: Predictions, second: Predictions) -> list[int]:
    """How many are fixed, broken and still wrong against the first model; empty for itself and for other images."""
    if first is second or first.ids != second.ids:
        return []
    was, now = first.correct, second.correct
    return [int(part.sum()) for part in (~was & now, was & ~now, ~was & ~now)]


def look_command(run: RunDir) -> tuple[str, str]:
    """What stands before and after the image id in the command that looks at it again; empty without a model."""
    record = run.record
    if not record.models[0].parameters:
        return "", ""
    folder = Path(os.path.normpath(run.path)).as_posix()
    model, audit = (
        (folder, "") if run.model.is_file() else (_audited_model(record.command, record.models[0].source), folder)
    )
    words = ["--data", record.data.name, *(["--audit", audit] if audit else [])]
    words += ["--seed", str(record.seed)] if record.seed else []
    return f"eyetest look {shlex.quote(model)} ", f" {shlex.join(words)}"


def _audited_model(command: str, source: str) -> str:
    """The model as it was given to `eyetest audit`, else where its weights lie."""
    words = shlex.split(command)
    given = words[1:3] if len(words) > 2 else []
    return given[1] if given and given[0] == "audit" and not given[1].startswith("-") else source


def _story(
    run: RunDir,
    title: str,
    card: Card,
    audits: Sequence[Audited],
    places: Mapping[str, int],
    pictures: Pictures,
) -> dict[str, Any]:
    """What one gallery says of one image."""
    about = _about(run, audits)
    maps = [(about[0], one) for one in card.maps] + [(about[-1], one) for one in card.other_maps]
    compared = run.record.kind == "compare"
    return {
        "item": places[card.id],
        "title": title,
        "model": -1 if compared else about[0],
        "note": card.note,
        "group": card.group,
        "maps": [_map(model, one, run.path, pictures) for model, one in maps if model >= 0],
        "swaps": [
            [
                s.transplant,
                s.donor,
                s.donor_class,
                s.predicted,
                round(1000 * s.confidence),
                pictures.file(run.path, s.file),
            ]
            for s in card.swaps
        ],
        "twins": [[t.id, t.label, t.note, pictures.file(run.path, t.file)] for t in card.twins],
    }


def _about(run: RunDir, audits: Sequence[Audited]) -> list[int]:
    """The audits that a run is about, by number; -1 for one that is not on the page."""
    paths = [one.run.path.resolve() for one in audits]
    asked = [run.path] if run.record.kind == "audit" else [run.path / child for child in run.record.children]
    return [paths.index(path.resolve()) if path.resolve() in paths else -1 for path in asked] or [-1]


def _map(model: int, one: MapPicture, folder: Path, pictures: Pictures) -> list[Any]:
    scale = [float(f"{value:.4g}") for value in (one.low, one.high, one.own_maximum)]
    picture = pictures.file(folder, one.file) if one.own_maximum > 0 else -1
    return [model, one.method, one.target, one.class_name, *scale, one.stamp, one.stamp_reason, picture]


def _smaller(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        written = io.BytesIO()
        image.save(written, format="WEBP", quality=90)
    return written.getvalue()
