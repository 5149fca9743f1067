"""The maps sit the exam: do they point at what a model on planted data provably looks at, and does the stamp know?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from .. import flow, stats
from ..checks._stamp import reason, trialled, verdict
from ..data.base import Dataset
from ..data.planted import Cue, PlantedSpec, PlantedSplit, planted, scene
from ..engine.attend import own_resolution, share
from ..engine.execute import pixels
from ..engine.trust import Trial
from ..evidence import Select, Trust
from ..explain import explainer
from ..explain._controls import centre_prior, edges
from ..explain.base import DonorExplainer, Explainer, pooled
from ..explain.transplant_map import side_of
from ..models.classifier import Classifier
from ..models.load import load_model
from ..models.resnet18_cifar import Resnet18Cifar
from ..store import replacing
from ..tensors import Images, LogitTarget, MapTensor
from ..types import MapSet, Predictions, Rows
from .candidates import CHANCE, CLASSES
from .sitting import RECIPE
from .truth import planted_truth

Kind = Literal["patch", "background", "object", "untrained"]
FULL = ("grad_cam", "layer_cam", "saliency", "input_gradient", "smooth_grad", "integrated_gradients", "occlusion",
        "transplant_map")  # fmt: skip
QUICK = ("grad_cam", "saliency")
SAMPLED = 64
PATCH = 4
"""Pixels of the planted corner patch, a side."""
FOLLOWED = 0.1
"""True reliance from which a model provably follows its cue."""


@final
@dataclass(frozen=True)
class Edges(Explainer):
    """Outlines of the image: a map that must never be trusted."""

    cost: ClassVar[float] = 0.0

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Sobel magnitudes."""
        return edges(images)


@final
@dataclass(frozen=True)
class Noise(Explainer):
    """Numbers drawn anew for every image: another map that must never be trusted."""

    cost: ClassVar[float] = 0.0

    def __call__(self, classifier: Classifier, images: Images, target: LogitTarget) -> MapTensor:
        """Uniform noise, seeded by the image."""
        seeds = [int(1e6 * float(image.mean())) for image in images]
        fields = [torch.rand(image.shape[1:], generator=torch.Generator().manual_seed(s)) for image, s in
                  zip(images, seeds, strict=True)]  # fmt: skip
        return torch.stack(fields).to(images.device)


CONTROLS: Mapping[str, type[Explainer]] = {"edges": Edges, "noise": Noise}


@final
@dataclass(frozen=True)
class MapCandidate:
    """One model whose maps are asked."""

    kind: Kind
    seed: int
    methods: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of its answer."""
        return f"maps-{self.kind}-{self.seed}-{len(self.methods)}"

    @property
    def spec(self) -> PlantedSpec:
        """The data that it learns from."""
        if self.kind in ("patch", "background"):
            cue: Cue = "patch" if self.kind == "patch" else "background"
            return PlantedSpec(cues=(cue,), strength=0.95, classes=CLASSES, seed=self.seed)
        return PlantedSpec(cues=("patch",), strength=CHANCE, classes=CLASSES, seed=self.seed)


def map_candidates(*, quick: bool, seed: int = 0) -> list[MapCandidate]:
    """Quick: one that follows a patch and one that looks at the object, two methods. Full: five a kind and one untrained, eight methods."""
    kinds: tuple[Kind, ...] = ("patch", "background", "object")
    if quick:
        return [MapCandidate(kind, seed + 400, QUICK) for kind in kinds if kind != "background"]
    trained = [MapCandidate(kind, seed + 400 + k, FULL) for k in range(5) for kind in kinds]
    return [*trained, *(MapCandidate("untrained", seed + 450 + k, FULL) for k in range(2))]


def sit_maps(candidate: MapCandidate, folder: Path) -> dict[str, Any]:
    """By method: its stamp, and where its maps point; kept in `folder`."""
    answer = folder / f"{candidate.name}.json"
    if answer.is_file():
        known: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return known
    torch.set_num_threads(1)
    data = planted(candidate.spec)
    classifier = _classifier(candidate, data, folder / f".{candidate.name}")
    result: dict[str, Any] = {"kind": candidate.kind, "seed": candidate.seed, "methods": {}}
    result["follows"] = _follows(candidate, classifier, data)
    known_predictions = _predictions(classifier, data.test.images(data.test.rows), data)
    reference = _reference(classifier, data, known_predictions)
    for name in (*candidate.methods, *CONTROLS):
        method = CONTROLS.get(name) or explainer(name)
        result["methods"][name] = _stamped(name, method, classifier, data, known_predictions, reference)
        if name not in CONTROLS and candidate.kind != "untrained":
            result["methods"][name] |= _pointing(name, method, candidate, classifier, data)
    with replacing(answer) as temporary:
        temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def _classifier(candidate: MapCandidate, data: Dataset, path: Path) -> Classifier:
    if candidate.kind == "untrained":
        torch.manual_seed(candidate.seed)
        return Classifier(Resnet18Cifar(CLASSES, RECIPE.width, blocks=RECIPE.blocks), classes=data.classes)
    shutil.rmtree(path, ignore_errors=True)
    run = flow.train(data, RECIPE, out=path, seed=candidate.seed, device="cpu")
    classifier = load_model(run.path, data.classes, name="exam")
    shutil.rmtree(path)
    return classifier


def _follows(candidate: MapCandidate, classifier: Classifier, data: Dataset) -> bool:
    """Whether the model provably does what its kind says."""
    if candidate.kind == "untrained":
        return True
    if candidate.kind == "object":
        return planted_truth(classifier, data, "patch").target.high < FOLLOWED / 2
    return planted_truth(classifier, data, candidate.kind).target.low > FOLLOWED


def _predictions(classifier: Classifier, images: np.ndarray, data: Dataset) -> Predictions:
    parts = torch.split(torch.from_numpy(images), SAMPLED)
    logits = np.concatenate([classifier.predict(part.float() / 255).numpy() for part in parts])
    return Predictions("test", data.test.rows, data.test.labels, logits)


def _trust(name: str) -> Trust:
    return Trust(name, "predicted", Select.sample(SAMPLED))


def _reference(classifier: Classifier, data: Dataset, predictions: Predictions) -> MapSet:
    """The transplant maps of the sampled images."""
    need = _trust("transplant_map")
    rows = need.select.rows(predictions, 0)
    trial = Trial(need, explainer("transplant_map"), classifier, data, predictions, rows, 0)
    return MapSet("test", rows, trial.classes.numpy(), trial.maps.cpu().numpy())


def _stamped(
    name: str,
    method: type[Explainer],
    classifier: Classifier,
    data: Dataset,
    predictions: Predictions,
    reference: MapSet,
) -> dict[str, Any]:
    need = _trust(name)
    rows = need.select.rows(predictions, 0)
    tests = trialled(Trial(need, method, classifier, data, predictions, rows, 0).result(reference))
    return {"stamp": verdict(tests), "reason": reason(tests)}


def _pointing(
    name: str, method: type[Explainer], candidate: MapCandidate, classifier: Classifier, data: Dataset
) -> dict[str, Any]:
    """Mass in the true mask, and hits of the strongest cell, beside those of a dot in the middle; one value an image."""
    split, rows, predicted = _telling(candidate, classifier, data)
    images, masks = pixels(split, rows), torch.from_numpy(_truth_masks(candidate, split, rows))
    maps = _maps(name, method, classifier, data, split, rows, predicted).cpu()
    dot = centre_prior(images)
    side = (maps.shape[1], maps.shape[2])
    coarse_dot = adaptive_avg_pool2d(dot[:, None], side)[:, 0]
    return {
        "mass": share(maps, masks.float()).tolist(),
        "mass_dot": share(coarse_dot, masks.float()).tolist(),
        "hit": _hits(maps, masks).tolist(),
        "hit_dot": _hits(coarse_dot, masks).tolist(),
    }


def _telling(candidate: MapCandidate, classifier: Classifier, data: Dataset) -> tuple[PlantedSplit, Rows, np.ndarray]:
    """Images that tell: the cue is another class's and was followed; or the answer is right without the cue's help."""
    test = data.test
    assert isinstance(test, PlantedSplit)
    split = test if candidate.kind == "object" else test.arranged("conflicting")
    predictions = _predictions(classifier, split.images(split.rows), data)
    if candidate.kind == "object":
        chosen = predictions.correct
    else:
        pointed = np.array([_pointed(split, row, candidate.kind) for row in split.rows.tolist()])
        chosen = predictions.predicted == pointed
    rows = split.rows[chosen][:SAMPLED]
    return split, rows, predictions.predicted[rows]


def _pointed(split: PlantedSplit, row: int, cue: str) -> int:
    return scene(split.spec, split.name, row).other[cue]


def _truth_masks(candidate: MapCandidate, split: PlantedSplit, rows: Rows) -> np.ndarray:
    objects = split.objects[rows]
    if candidate.kind == "object":
        return objects
    if candidate.kind == "background":
        return ~objects
    masks = np.zeros_like(objects)
    masks[:, :PATCH, :PATCH] = True
    return masks


def _maps(
    name: str, method: type[Explainer], classifier: Classifier, data: Dataset, split: PlantedSplit, rows: Rows,
    predicted: np.ndarray,
) -> Tensor:  # fmt: skip
    """At the method's own resolution."""
    images, target = pixels(split, rows), LogitTarget(torch.from_numpy(predicted))
    if not issubclass(method, DonorExplainer):
        return own_resolution(method(), classifier, images, target)
    logits = np.eye(len(data.classes), dtype=np.float32)[predicted]
    known = Predictions("test", rows, split.labels[rows], logits)
    arranged = Dataset(
        data.name, data.title, data.classes, data.image_size, data.fingerprint, {**data.splits, "test": split}
    )
    trial = Trial(_trust(name), method, classifier, arranged, known, rows, 0)
    return pooled(trial.maps, side_of(*images.shape[2:]))


def _hits(maps: Tensor, masks: Tensor) -> np.ndarray:
    """Whether the strongest cell holds a pixel of the mask; ties count by their share."""
    cells = adaptive_avg_pool2d(masks.float()[:, None], (maps.shape[1], maps.shape[2]))[:, 0] > 0
    strongest = maps == maps.amax((1, 2), keepdim=True)
    hits: np.ndarray = ((strongest & cells).sum((1, 2)) / strongest.sum((1, 2))).numpy()
    return hits


def score(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The table of kinds and methods, and whether trusted maps point at the truth and controls are never trusted."""
    sure = [answer for answer in answers if answer["follows"]]
    rows = []
    for kind in dict.fromkeys(answer["kind"] for answer in sure):
        of_kind = [answer["methods"] for answer in sure if answer["kind"] == kind]
        rows += [_row(kind, name, [one[name] for one in of_kind]) for name in of_kind[0]]
    trusted = [row for row in rows if row["stamps"]["trust"] and "mass" in row]
    controls = sum(row["stamps"]["trust"] for row in rows if row["method"] in CONTROLS or row["kind"] == "untrained")
    return {
        "maps": rows,
        "trusted_maps_above_the_dot": all(row["above"][1] > 0 for row in trusted),
        "trusted_controls": controls,
        "excluded": len(answers) - len(sure),
    }


def _row(kind: str, name: str, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    stamps = {one: sum(f["stamp"] == one for f in found) for one in ("trust", "cannot tell", "do not trust")}
    row: dict[str, Any] = {
        "kind": kind,
        "method": name,
        "stamps": stamps,
        "reasons": sorted({f["reason"] for f in found}),
    }
    if "mass" in found[0]:
        columns = {part: np.concatenate([f[part] for f in found]) for part in ("mass", "mass_dot", "hit", "hit_dot")}
        row |= {part: list(stats.mean_interval(values)) for part, values in columns.items()}
        row["above"] = list(stats.mean_interval(columns["mass"] - columns["mass_dot"]))
        row["n"] = len(columns["mass"])
    return row
