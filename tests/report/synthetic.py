"""Studies made in seconds, without a training: real audits of made-up answers, and findings written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyetest.data.base import Dataset
from eyetest.data.split import ArraySplit
from eyetest.pairing import compare
from eyetest.provenance import new_record
from eyetest.records import (
    Block,
    Card,
    Counts,
    Curve,
    Estimate,
    Finding,
    Forest,
    Gallery,
    Grid,
    Histogram,
    MapPicture,
    Matrix,
    ModelRecord,
    Note,
    Scalar,
    Series,
    Status,
    SwapPicture,
    Table,
    TwinPicture,
)
from eyetest.saved import audit_predictions
from eyetest.store import RunDir
from eyetest.types import Predictions

HARM = "<script>document.title='harm'</script>"
HOSTILE = (HARM, "\"quoted\" & 'single'", "سمكة ذهبية \u202e", "🦆🐛", "long " * 39 + "name.", "a=b&c#d%20+e")
"""Names of classes that break careless pages."""
HOSTILE_MODELS = ('base <b>"line"', "improved & 'it'")
SIDE = 32


def made_up_data(classes: Sequence[str], test: int, *, train: int = 300, seed: int = 0) -> Dataset:
    """Images of a coloured square on noise; the colour and the place tell the class."""
    rng = np.random.default_rng(seed)
    tints = rng.integers(40, 216, (len(classes), 3, 1, 1))
    splits = {}
    for name, n in (("train", train), ("validation", max(train // 3, len(classes))), ("test", test)):
        labels = rng.permutation(np.arange(n) % len(classes)).astype(np.int64)
        pixels = rng.integers(0, 60, (n, 3, SIDE, SIDE)).astype(np.uint8)
        pixels[:, :, 8:24, 8:24] += tints[labels].astype(np.uint8)
        splits[name] = ArraySplit(name, labels, np.arange(n, dtype=np.int64), pixels)
    return Dataset("made-up", "Made-up squares", tuple(classes), (SIDE, SIDE), f"{test:08x}{seed:08x}", splits)


def answers(data: Dataset, right: float, seed: int) -> np.ndarray:
    """Logits whose answer is the label for about this share of the images; errors go most to the next class, and some are sure."""
    rng = np.random.default_rng(seed)
    labels, k = data.test.labels, len(data.classes)
    n = len(labels)
    wrong = rng.random(n) > right
    step = np.where(rng.random(n) < 0.6, 1, rng.integers(1, k, n))
    logits = rng.normal(size=(n, k)).astype(np.float32)
    logits[np.arange(n), (labels + wrong * step) % k] += rng.gamma(4, 1.5, n).astype(np.float32)
    return logits


def made_up_study(
    folder: Path, data: Dataset, names: Sequence[str], rights: Sequence[float], **chosen: Sequence[str]
) -> RunDir:
    """A finished study of audits of made-up answers; two are compared. `chosen` goes to the audits."""
    config = {"recipes": [{"name": name} for name in names], "seeds": 1}
    study = RunDir.begin(folder, new_record("study", data.record(), (), seed=0, device="cpu", config=config))
    audits = [made_up_audit(folder / f"model-{k}", data, names[k], rights[k], k, **chosen) for k in range(len(names))]
    runs = [*audits, compare(*audits, out=folder / "compared", data=data)] if len(audits) == 2 else audits
    children = tuple(run.path.name for run in runs)
    study.write_record(study.record.model_copy(update={"status": "complete", "children": children}))
    return study


def made_up_audit(folder: Path, data: Dataset, name: str, right: float, seed: int, **chosen: Sequence[str]) -> RunDir:
    """An audit of made-up answers by a model of this name."""
    file = folder.with_name(f"{folder.name}.npz")
    folder.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, logits=answers(data, right, seed))
    run = audit_predictions(file, data, out=folder, **chosen)
    model = ModelRecord(name=name, fingerprint=f"{seed:016x}", parameters=11_181_642, source="model.safetensors")
    run.write_record(run.record.model_copy(update={"models": (model,)}))
    return run


def hostile_study(folder: Path) -> RunDir:
    """Two audits and their comparison: every status, every kind of block, names that break careless pages."""
    data = made_up_data(HOSTILE, 600)
    study = made_up_study(folder, data, HOSTILE_MODELS, (0.85, 0.92))
    for number, run in enumerate(study.children[:2]):
        for finding in (*by_hand(run, data), crashed()):
            run.write_finding(finding)
        take_away(run, "CUE001", "grayscale", made_up_predictions(data, 0.5, 10 + number))
    half = made_up_predictions(data, 0.6, 20, n=300)
    take_away(study.children[1], "CUE002", "patch_shuffle-2", half, file="patch_shuffle-2@test-300")
    return study


def made_up_predictions(data: Dataset, right: float, seed: int, n: int | None = None) -> Predictions:
    """What a model says of the test images, or of the first n."""
    rows = np.arange(n or len(data.test), dtype=np.int64)
    return Predictions("test", rows, data.test.labels[rows], answers(data, right, seed)[rows])


def take_away(run: RunDir, code: str, view: str, predictions: Predictions, file: str = "") -> None:
    """Let a run hold the answers under a removal and its effect, as after an audit of a model itself."""
    run.write_predictions(file or view, predictions)
    effect = _number(f"{view}.removal_effect", 0.2)
    run.write_finding(run[code].model_copy(update={"estimates": (*run[code].estimates, effect)}))


def partial_study(folder: Path) -> RunDir:
    """A study that was interrupted after three findings of its first audit."""
    data = made_up_data(HOSTILE, 60)
    study = made_up_study(folder, data, HOSTILE_MODELS[:1], (0.8,), checks=("ACC001", "ACC002", "CAL001"))
    for run in (study, *study.children):
        run.update("interrupted")
    return study


def by_hand(run: RunDir, data: Dataset) -> list[Finding]:
    """What an audit of saved answers cannot find out: every kind of block that is left, in findings of real codes."""
    cells = tuple(tuple(f"cell_{r}_{c}.reliance" for c in range(3)) for r in range(3))
    curve = Curve(
        title=f"Accuracy while training {HARM}", x_label="epoch", y_label="accuracy", mark_x=3.0, mark_label="chosen <b>",
        series=(_series("training", 0.5), _series(HARM, 0.45)),
    )  # fmt: skip
    cards = tuple(_card(run, data, row) for row in range(4))
    reliances = tuple(_number(f"{cue}.reliance", 0.1 * k) for k, cue in enumerate(("colour", "background", "fine"), 1))
    labels = (HARM, "b")
    return [
        _finding("FIT001", "ok", (curve, Scalar(title=HARM, estimate="gap")), (_number("gap", 0.1),)),
        _finding("CUE001", "concern", (Forest(title="Reliance", x_label="points", estimates=("colour.reliance",)),), reliances[:1]),
        _finding(
            "CUE003", "inconclusive",
            (Grid(title="Where it looks", estimates=cells), Note(text=HARM)),
            (reliances[1], *(_number(name, 0.05) for row in cells for name in row)),
        ),
        _finding("FAIL003", "concern", (Gallery(title=HARM, total=57, cards=cards),), (_number("explained", 0.3),)),
        _finding(
            "EXP001", "concern",
            (
                Table(title="Stamps", columns=("method", "stamp"), rows=(("grad_cam", "trust"), ("saliency", "do not trust"), (HARM, None))),
                Matrix(title="Agreement", row_label=HARM, column_label="c", labels=labels, counts=((3, 1), (0, 2))),
            ),
            (),
        ),
        _finding("EXP002", "ok", _histogram(), (_number("centre_share", 0.6),)),
        _finding("CUE005", "not_applicable", (), ()),
    ]  # fmt: skip


def crashed() -> Finding:
    """What a check leaves behind that crashed."""
    finding = _finding("CUE004", "error", (), ())
    return finding.model_copy(
        update={"params": {"traceback": f"Traceback (most recent call last):\n  {HARM}\nValueError: x"}}
    )


def _finding(code: str, status: Status, blocks: Sequence[Block], estimates: Sequence[Estimate]) -> Finding:
    return Finding(
        code=code, name=code.lower(), title=f"{code} {HARM}", question=f"Why {HARM}?", status=status,
        headline=f"It was found that {HARM} holds.", estimates=tuple(estimates), blocks=tuple(blocks),
        limits=(f"Made by hand {HARM}.",), seconds=1.0,
    )  # fmt: skip


def _number(name: str, value: float) -> Estimate:
    return Estimate(
        name=name, value=value, low=value - 0.04, high=value + 0.04, n=600, unit="fraction", better="lower", method=f"by hand {HARM}"
    )  # fmt: skip


def _series(name: str, start: float) -> Series:
    y = tuple(start + 0.1 * k for k in range(5))
    return Series(
        name=name,
        x=tuple(float(k) for k in range(1, 6)),
        y=y,
        low=tuple(v - 0.05 for v in y),
        high=tuple(v + 0.05 for v in y),
    )


def _histogram() -> tuple[Block, ...]:
    groups = (Counts(name="right answers", counts=(1, 5, 30)), Counts(name=HARM, counts=(4, 2, 0)))
    return (Histogram(title=f"Shares {HARM}", x_label=HARM, edges=(0.0, 0.3, 0.6, 1.0), series=groups),)


def _card(run: RunDir, data: Dataset, row: int) -> Card:
    """A card with every kind of picture beside it."""
    pixels = np.ascontiguousarray(data.test.images(np.array([row]))[0].transpose(1, 2, 0))
    names = [f"images/hand-{row}-{k}.png" for k in range(4)]
    for k, name in enumerate(names):
        run.write_image(name, np.roll(pixels, 4 * k, axis=0))
    truth = HOSTILE[data.test.labels[row]]
    stamped = (("grad_cam", "trust", ""), ("saliency", "do not trust", f"is the same for another class {HARM}"))
    maps = tuple(
        MapPicture(
            method=method, target="predicted", class_name=truth, low=0.0, high=2.0, own_maximum=1.0, file=names[1],
            stamp=stamp, stamp_reason=reason,
        )
        for method, stamp, reason in stamped
    )  # fmt: skip
    swap = SwapPicture(
        transplant="colour", donor="test-9", donor_class=HARM, predicted=HARM, confidence=0.8, file=names[2]
    )
    twin = TwinPicture(id="train-1", label=HARM, note=f"nearest training image {HARM}", file=names[3])
    return Card(
        id=f"test-{row}", truth=truth, predicted=HOSTILE[0], confidence=0.9, image=names[0], note=HARM, group="colour",
        maps=maps, swaps=(swap,), twins=(twin,),
    )  # fmt: skip
