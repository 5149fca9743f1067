"""Look at one image with every explanation method, beside the stamp that an audit gave the method."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from PIL import Image

from ..checks._stamp import SAME
from ..data import Dataset, load_data
from ..data.pixels import decode, fitting_size
from ..data.pixels import opened as opened_picture
from ..engine.stamps import Stamps, found_stamps
from ..errors import UserError
from ..evidence import Trust
from ..explain import explainer, explainers
from ..flow import ModelOptions, ModelSource, find_device, opened
from ..models.classifier import Classifier
from ..models.load import NO_OPTIONS, OpenedModel
from ..records import Gallery
from ..stats import rank_correlation
from ..store import RunDir, replacing
from ..types import SPLITS, Predictions, Target
from .maps import Asked, Maps, NoMaps, maps_of
from .picture import draw
from .record import Aim, Looked, LookedMap, LookedMethod

SLOW = 1000.0
"""Forward passes a map from which a method is made only when it is named."""
ID = re.compile(rf"({'|'.join(SPLITS)})-(\d+)")


@final
@dataclass(frozen=True, eq=False)
class Look:
    """What was seen, and its picture; a notebook shows the picture."""

    looked: Looked
    picture: Image.Image

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.picture.save(buffer, format="PNG")
        return buffer.getvalue()


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """The image that is looked at."""

    name: str
    pixels: np.ndarray
    """uint8 3 h w."""
    label: int | None = None
    resized: str = ""


def look(
    model: ModelSource,
    image: Path | str,
    data: Dataset | str | Path | None = None,
    methods: Sequence[str] = (),
    out: Path | str | None = None,
    *,
    model_options: ModelOptions = NO_OPTIONS,
    audit: RunDir | Path | str | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Look:
    """One image (an id such as test-17, or the path of a photo) through the model and through every explanation method.

    `audit` is an audit of this very model, for the stamps; a run that holds both needs none. `out` is where the PNG goes.
    Raises UserError if there is no such image, or too little is known to read it, UnknownName for an unknown method.
    """
    for name in methods:
        explainer(name)
    asked_for = opened(model, model_options)
    if isinstance(data, str | Path):
        data = load_data(data, seed=seed, image_size=asked_for.image_size)
    classifier, run = _model(asked_for, data)
    classifier.to(find_device(device))
    known = _audit(audit, run, classifier)
    subject = _subject(str(image), data, run, classifier)
    asked = _asked(subject, classifier, data, seed)
    made = {name: maps_of(name, asked) for name in _chosen(methods)} | (_left_out() if not methods else {})
    looked = _looked(subject, asked, data, known, made)
    found = {name: maps for name, maps in made.items() if not isinstance(maps, NoMaps)}
    picture = draw(looked, subject.pixels, found)
    if out is not None:
        with replacing(Path(out)) as temporary:
            picture.save(temporary, format="PNG")
    return Look(looked, picture)


def _chosen(methods: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(methods)) or [name for name in explainers.names() if explainers.get(name).cost < SLOW]


def _left_out() -> dict[str, NoMaps]:
    costs = {name: explainers.get(name).cost for name in explainers.names()}
    return {
        name: NoMaps(f"a map takes about {cost:,.0f} forward passes; ask for it with --methods {name}")
        for name, cost in costs.items()
        if cost >= SLOW
    }


# -- model, audit and image ---------------------------------------------------------------------------------------------


def _model(model: OpenedModel | Classifier, data: Dataset | None) -> tuple[Classifier, RunDir | None]:
    """The classifier, and its run if it lies in one."""
    if isinstance(model, Classifier):
        return model, None
    run = None if model.run is None else RunDir.open(model.run)
    known = model.contract.classes
    if data is not None:
        return model.classifier(data.classes), run
    if run is not None:
        return model.classifier(run.record.data.classes), run
    if known == "data" or model.image_size is None:
        raise UserError(
            f"The classes and the image size of {model.name} are not known: a run, or --data beside another model, was "
            "expected. Give --data D, or --classes and --input-size."
        )
    return model.classifier(tuple(known)), None


def _audit(audit: RunDir | Path | str | None, run: RunDir | None, classifier: Classifier) -> RunDir | None:
    """The run whose stamps are this model's; UserError if the audit that was given is another model's."""
    if audit is None:
        return run
    found = audit if isinstance(audit, RunDir) else RunDir.open(Path(audit))
    own, theirs = classifier.record().fingerprint, [model.fingerprint for model in found.record.models]
    if theirs != [own]:
        raise UserError(
            f"{found.path} is no audit of {classifier.name}: its weights have the fingerprint {own}, and that run is about "
            f"{', '.join(theirs) or 'no model'}. Stamps hold for one model only; give the audit of this one."
        )
    return found


def _subject(image: str, data: Dataset | None, run: RunDir | None, classifier: Classifier) -> Subject:
    if Path(image).is_file():
        return _photo(Path(image), classifier.image_size or _size(image, data, run))
    found = ID.fullmatch(image)
    if not found:
        raise UserError(
            f"There is no image {image}: an id such as test-17 (with --data), or the path of a photo, was expected."
        )
    if data is None:
        raise UserError(f"{image} is the id of an image in a data set; say which one with --data D.")
    split, row = next(one for one in data.splits.values() if one.name == found[1]), int(found[2])
    if row >= len(split):
        last = split.ids(split.rows[-1:])[0]
        raise UserError(f"There is no image {image} in {data.title}; its ids go from {split.name}-0 to {last}.")
    rows = np.array([row], dtype=np.int64)
    return Subject(image, split.images(rows)[0], int(split.labels[row]))


def _size(image: str, data: Dataset | None, run: RunDir | None) -> int:
    """Pixels a side that the model is asked at."""
    known = data.image_size if data else run.record.data.image_size if run else None
    if known is None and run is not None:
        raise UserError(
            f"{run.path} does not say which image size it was made with; give --data {run.record.data.name}."
        )
    return known[0] if known else fitting_size(Path(image), image)


def _photo(path: Path, size: int) -> Subject:
    width, height = opened_picture(path, str(path)).size
    said = f"The photo, {width} x {height} pixels, was resized to {size} on its shorter side and cropped to its centre."
    same = "The photo has the model's size and was not changed."
    return Subject(str(path), decode(path, size, str(path)), resized=same if (width, height) == (size, size) else said)


def _asked(subject: Subject, classifier: Classifier, data: Dataset | None, seed: int) -> Asked:
    """The image with its answer, and the class that the answer is held against."""
    images = torch.from_numpy(np.ascontiguousarray(subject.pixels[None])).float() / 255
    logits = classifier.predict(images).cpu().numpy()
    label = int(logits[0].argmax()) if subject.label is None else subject.label
    predictions = Predictions("test", np.array([0]), np.array([label]), logits)
    return Asked(subject.name, classifier, images, predictions, data, seed)


# -- what is said of it -------------------------------------------------------------------------------------------------


def _looked(
    subject: Subject, asked: Asked, data: Dataset | None, audit: RunDir | None, made: Mapping[str, Maps | NoMaps]
) -> Looked:
    classes, predictions = asked.classifier.classes, asked.predictions
    sure = predictions.probabilities[0]
    runner_up = int(np.argsort(-sure, kind="stable")[1])
    scales = _scales(audit)
    stamps = _stamps(audit, made)
    methods = [_method(name, maps, asked, stamps, scales.get(name)) for name, maps in made.items()]
    return Looked(
        image=subject.name,
        data=data.title if data and subject.label is not None else "",
        model=asked.classifier.name,
        resized=subject.resized,
        truth=None if subject.label is None else classes[subject.label],
        predicted=classes[asked.predicted],
        confidence=float(sure[asked.predicted]),
        runner_up=classes[runner_up],
        runner_up_confidence=float(sure[runner_up]),
        contender=classes[asked.contender],
        audited=bool(stamps),
        methods=tuple(methods),
    )


def _stamps(audit: RunDir | None, names: Iterable[str]) -> Stamps:
    if audit is None:
        return {}
    targets: tuple[Target, ...] = ("predicted", "label", "contrast")
    return found_stamps(audit, [Trust(name, target) for name in names for target in targets])


def _scales(audit: RunDir | None) -> dict[str, float]:
    """By method: the scale of the maps in the audit's gallery of confident errors."""
    finding = audit.finding("FAIL001") if audit else None
    galleries = [block for block in finding.blocks if isinstance(block, Gallery)] if finding else []
    return {picture.method: picture.high for one in galleries for card in one.cards for picture in card.maps}


def _method(name: str, maps: Maps | NoMaps, asked: Asked, stamps: Stamps, scale: float | None) -> LookedMethod:
    unit = explainer(name).unit
    if isinstance(maps, NoMaps):
        return LookedMethod(method=name, unit=unit, problem=maps.problem)
    correlation = _correlation(maps["predicted"], maps["contender"])
    return LookedMethod(
        method=name,
        unit=unit,
        high=scale or max(float(values.max()) for values in maps.values()),
        shared_scale=scale is not None,
        correlation=correlation,
        target_sensitive=None if correlation is None else correlation < SAME,
        maps=tuple(_map(name, aim, values, asked, stamps) for aim, values in maps.items()),
    )


def _map(name: str, aim: Aim, values: np.ndarray, asked: Asked, stamps: Stamps) -> LookedMap:
    this, that = (asked.classifier.classes[one] for one in (asked.predicted, asked.contender))
    questions = {
        "predicted": f"why {this}?",
        "contender": f"what speaks for {that}?",
        "contrast": f"why {this} rather than {that}?",
    }
    # The runner-up of a right answer is no target that an audit tries.
    target = aim if aim != "contender" else "" if asked.predictions.correct[0] else "label"
    stamp = stamps.get((name, target))
    largest = float(values.max())
    return LookedMap(
        aim=aim,
        question=questions[aim],
        largest=largest,
        evidence=largest > 0,
        stamp=stamp.word if stamp else "",
        stamp_reason=stamp.reason if stamp else "",
    )


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's; None where a map is flat, because nothing can be said of it then."""
    if not np.ptp(first) or not np.ptp(second):
        return None
    return float(rank_correlation(first.reshape(1, -1), second.reshape(1, -1))[0])
