"""Try whether the maps of a method may be believed, on a sample of images, beside maps that know nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ..data.base import Dataset
from ..data.donors import arm_donors, lenders
from ..evidence import Explain, Predict, Select, Trust
from ..explain import explainer
from ..explain._controls import centre_prior, edges, scrambled
from ..explain._randomised import drawn_layers, randomised
from ..explain._removal import faithfulness, movable
from ..explain.base import (
    CompleteExplainer,
    DonorExplainer,
    Explainer,
    LayerExplainer,
    Lenders,
    pooled,
    spread,
    upsampled,
)
from ..explain.integrated_gradients import TOLERANCE
from ..explain.transplant_map import side_of
from ..models.classifier import Classifier
from ..stats import rank_correlation
from ..store import RunDir
from ..tensors import LogitTarget, MapTensor
from ..types import Column, MapSet, Predictions, Progress, Rows, TrustTrial
from .execute import explained, lent_images, map_key, pixels
from .plan import Work, batch_size

REDRAWN = 5
"""Models with all layers drawn anew."""
SINGLE = 4
"""Layers that are drawn anew alone, spread from input to output."""
RANDOM = 10
"""Random maps of each map's own spectrum."""
COPIES = 5
NOISE = 0.02
"""Standard deviation of the noise on the copies, pixels in [0, 1]."""
REFERENCE = Explain("transplant_map", "predicted", Select.sample(64))
"""The transplant maps of the sampled images; a check that asks for a trial should ask for them too."""


def trust_all(run: RunDir, work: Work, classifier: Classifier, data: Dataset, *, seed: int, progress: Progress) -> None:
    """All trials of the work, unless the run has them already."""
    for number, need in enumerate(work.trusts):
        if not run.has_annotation(trust_key(need)) and _possible(need, data):
            predictions = run.predictions(work.key(Predict()), "test")
            rows = work.narrowed(need.select).rows(predictions, seed)
            reference = run.maps(map_key(REFERENCE))
            trial = Trial(need, explainer(need.method), classifier, data, predictions, rows, seed)
            run.write_annotation(trust_key(need), trial.result(reference))
        progress(f"{classifier.name}: maps put to the test", (number + 1) / len(work.trusts), 0.0)


def _possible(need: Trust, data: Dataset) -> bool:
    """Whether every class can be explained: a method with donors needs some of each class and of a third."""
    method = explainer(need.method)
    if not issubclass(method, DonorExplainer):
        return True
    return len(lenders(data.validation, method.draws)) == len(data.classes) > 2


def trust_key(need: Trust) -> str:
    """The name of the trial in files."""
    return f"trust-{need.method.replace(':', '_')}-{need.target}"


@final
@dataclass(frozen=True, eq=False)
class Trial:
    """One method on sampled images of the test split."""

    need: Trust
    kind: type[Explainer]
    """The method that the need names."""
    classifier: Classifier
    data: Dataset
    predictions: Predictions
    rows: Rows
    seed: int

    def result(self, reference: MapSet | None) -> TrustTrial:
        """All that was tried; `reference` are the transplant maps of the run, if it has them."""
        redrawn = [self._compared(model) for model in self._redrawn()]
        agreement, agreement_controls = self._agreement(reference)
        return TrustTrial(
            rows=self.rows,
            redrawn=self._stacked([one for one, _ in redrawn]),
            redrawn_absolute=self._stacked([one for _, one in redrawn]),
            cascade=self._stacked([self._compared(model)[0] for model in self._cascade()]),
            single=self._stacked([self._compared(model)[0] for model in self._single()]),
            faithful=self._faithful(self.maps),
            faithful_controls=np.stack([self._random(), *(self._faithful(control) for control in self._fixed)]),
            movable=_column(movable(self.classifier, self.images, self.classes, self._generator("half"))),
            agreement=agreement,
            agreement_controls=agreement_controls,
            stability=self._stability(),
            sensitivity=rank_correlation(
                _flat(self.maps), _flat(self._maps(self.classifier, self.images, self._other))
            ),
            largest=_column(self.maps.flatten(1).amax(1)),
            incomplete=self._incomplete(),
        )

    # -- what is explained ------------------------------------------------------------------------------------------

    @cached_property
    def images(self) -> Tensor:
        """The sampled images, on the classifier's device."""
        return pixels(self.data.test, self.rows).to(self.classifier.device)

    @cached_property
    def target(self) -> LogitTarget:
        """What the maps explain."""
        classes, against = explained(self.need.target, self.predictions, self.rows)
        return LogitTarget(*(torch.from_numpy(one) for one in (classes, *against)))

    @cached_property
    def classes(self) -> Tensor:
        """The classes whose probability is watched."""
        return torch.from_numpy(explained(self.need.target, self.predictions, self.rows)[0])

    @cached_property
    def _other(self) -> LogitTarget:
        """The contender: the label of a wrong answer, the runner-up of a right one."""
        _, contender = explained("contrast", self.predictions, self.rows)
        swapped = explained("predicted", self.predictions, self.rows)[0]
        return LogitTarget(torch.from_numpy(swapped if self.need.target == "label" else contender[0]))

    @cached_property
    def maps(self) -> MapTensor:
        """The maps on trial."""
        return self._maps(self.classifier, self.images, self.target)

    def _maps(self, classifier: Classifier, images: Tensor, target: LogitTarget) -> MapTensor:
        kind = self.kind
        parts = torch.split(torch.arange(len(images)), batch_size(classifier))
        if not issubclass(kind, DonorExplainer):
            return torch.cat([kind()(classifier, images[part], target[part]) for part in parts])
        ready = self._with_donors(kind, target)
        return torch.cat([ready(part)(classifier, images[part], target[part]) for part in parts])

    def _with_donors(self, kind: type[DonorExplainer], target: LogitTarget) -> Callable[[Tensor], DonorExplainer]:
        classes = self.classes if target.classes is None else target.classes
        labels = explained("label", self.predictions, self.rows)[0]
        pairs = list(zip(classes.tolist(), labels.tolist(), strict=True))
        names, pool = self.data.test.ids(self.rows), self.data.validation
        _, donors = arm_donors(names, pairs, ("predicted", "third"), pool, seed=self.seed, draws=kind.draws)
        own, third = (lent_images(pool, donors[arm]) for arm in range(2))
        return lambda part: kind(lenders=Lenders(own[:, part], third[:, part]))

    # -- does it depend on the model? -------------------------------------------------------------------------------

    def _redrawn(self) -> Iterator[Classifier]:
        names = drawn_layers(self.classifier)
        for draw in range(REDRAWN if names else 0):
            yield randomised(self.classifier, names, self.images, self.seed + draw)

    def _cascade(self) -> Iterator[Classifier]:
        names = drawn_layers(self.classifier)
        for quarters in (1, 2, 3) if len(names) > 3 else ():
            yield randomised(self.classifier, names[-(quarters * len(names) // 4) :], self.images, self.seed)

    def _single(self) -> Iterator[Classifier]:
        names = drawn_layers(self.classifier)
        for place in sorted({int(p) for p in np.linspace(0, len(names) - 1, SINGLE)} if names else ()):
            yield randomised(self.classifier, names[place : place + 1], self.images, self.seed)

    def _compared(self, model: Classifier) -> tuple[Column, Column]:
        """Correlation of signed and of absolute values with the maps of another model, for the same classes."""
        own, other = _flat(self.maps), _flat(self._maps(model, self.images, self.target))
        return rank_correlation(own, other), rank_correlation(np.abs(own), np.abs(other))

    # -- does it show what the answer hangs on? ---------------------------------------------------------------------

    def _faithful(self, maps: MapTensor) -> Column:
        parts = torch.split(torch.arange(len(maps)), batch_size(self.classifier))
        found = [faithfulness(self.classifier, self.images[p], self.classes[p], maps[p]) for p in parts]
        return _column(torch.cat(found))

    def _random(self) -> Column:
        random = self._generator("scrambled")
        drawn = [self._faithful(scrambled(self.maps, random)) for _ in range(RANDOM)]
        mean: Column = np.mean(drawn, axis=0)
        return mean

    @cached_property
    def _fixed(self) -> tuple[MapTensor, ...]:
        """A dot in the middle and the outlines, as coarse as the maps on trial, so that no one wins by finer drawing."""
        return tuple(self._as_coarse(control) for control in (centre_prior(self.images), edges(self.images)))

    def _as_coarse(self, control: MapTensor) -> MapTensor:
        height, width = self.images.shape[2:]
        if issubclass(self.kind, DonorExplainer):
            return spread(pooled(control, side_of(height, width)), height, width)
        method = self.kind()
        if not isinstance(method, LayerExplainer):
            return control
        rows, columns = method.coarse(self.classifier, self.images[:1], self.target[:1]).shape[1:]
        return upsampled(adaptive_avg_pool2d(control[:, None], (rows, columns))[:, 0], height, width)

    def _agreement(self, reference: MapSet | None) -> tuple[Column, np.ndarray]:
        """With the transplant maps of the same images, and the same of the controls."""
        if reference is None or self.need.target == "label" or self.need.method == REFERENCE.method:
            return np.empty(0), np.empty((3, 0))
        _, here, there = np.intersect1d(self.rows, reference.rows, return_indices=True)
        side = side_of(*self.images.shape[2:])
        wanted = _flat(pooled(torch.from_numpy(reference.values[there]), side))
        maps = (self.maps, scrambled(self.maps, self._generator("agreement")), *self._fixed)
        own, *controls = (rank_correlation(_flat(pooled(one[here].cpu(), side)), wanted) for one in maps)
        return own, np.stack(controls)

    # -- is it steady, about its target, and whole? -----------------------------------------------------------------

    def _stability(self) -> Column:
        random, own, found = self._generator("noise"), _flat(self.maps), []
        for _ in range(COPIES):
            noise = NOISE * torch.randn(self.images.shape, generator=random).to(self.images.device)
            copy = (self.images + noise).clamp(0, 1)
            found.append(rank_correlation(own, _flat(self._maps(self.classifier, copy, self.target))))
        mean: Column = np.mean(found, axis=0)
        return mean

    def _incomplete(self) -> Column:
        method = self.kind()
        if not isinstance(method, CompleteExplainer):
            return np.empty(0)
        change = self.target.of(self.classifier.predict(self.images)) - self.target.of(
            self.classifier.predict(method.start(self.images))
        )
        off = (self.maps.sum((1, 2)) - change).abs()
        return _column(off / (TOLERANCE * change.abs()).clamp_min(TOLERANCE))

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed + sum(name.encode()))

    def _stacked(self, columns: list[Column]) -> np.ndarray:
        return np.stack(columns) if columns else np.empty((0, len(self.rows)))


def _flat(maps: Tensor) -> np.ndarray:
    flat: np.ndarray = maps.flatten(1).cpu().numpy().astype(np.float64)
    return flat


def _column(values: Tensor) -> Column:
    column: Column = values.cpu().numpy().astype(np.float64)
    return column
