"""The audit never reads what only the planter knows: the cues of each image, other arrangements, masks it has no use for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from eyetest import flow
from eyetest.data.base import Dataset, SplitData
from eyetest.data.planted import PlantedSpec, planted
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar


class Peeked(AssertionError):
    pass


class Hidden(Mapping):
    """Metadata that may not be looked at."""

    def _peeked(self, *_):
        raise Peeked("the planted truth was read")

    __getitem__ = __iter__ = __len__ = __contains__ = get = keys = items = values = _peeked


class Blindfolded(SplitData):
    """A planted split without its truth, and without its masks unless they are allowed."""

    def __init__(self, split: SplitData, *, masks: bool) -> None:
        self._split, self._allowed = split, masks
        self.name, self.labels, self.source, self.metadata = split.name, split.labels, split.source, Hidden()

    def images(self, rows):
        return self._split.images(rows)

    def masks(self, rows):
        if len(rows) and not self._allowed:
            raise Peeked("masks were read and nothing needs them")
        return self._split.masks(rows)

    def arranged(self, *_):
        raise Peeked("another arrangement was read")

    @property
    def spec(self):
        raise Peeked("the spec was read")


DATA = planted(PlantedSpec(cues=("colour",), classes=3, train=12, validation=30, test=30, strength=0.9))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Untrained, with logits that differ as much between images as between classes."""
    torch.manual_seed(0)
    module = Resnet18Cifar(3, 4, blocks=1)
    found = Classifier(module, classes=DATA.classes, name="untrained")
    logits = found.predict(torch.from_numpy(DATA.validation.images(DATA.validation.rows)).float() / 255)
    with torch.no_grad():
        module.fc.weight.div_(logits.std(0)[:, None])
        module.fc.bias.sub_(logits.mean(0)).div_(logits.std(0))
    return found


def blindfolded(*, masks: bool) -> Dataset:
    return dataclasses.replace(DATA, splits={name: Blindfolded(one, masks=masks) for name, one in DATA.splits.items()})


def findings(classifier: Classifier, data: Dataset, checks: list[str], out: Path) -> dict[str, str]:
    run = flow.audit(classifier, data, checks=checks, draws=1, out=out, device="cpu")
    return {code: one.model_copy(update={"seconds": 0.0}).model_dump_json() for code, one in run.findings.items()}


@pytest.mark.parametrize(
    ("checks", "masks"),
    [(["CUE001", "CUE002", "CUE003", "CUE004", "CUE005", "ACC001"], True), (["CUE002", "CUE004"], False)],
)
def test_findings_are_the_same_with_a_blindfold(classifier, checks, masks, tmp_path):
    seeing = findings(classifier, DATA, checks, tmp_path / "seeing")
    blind = findings(classifier, blindfolded(masks=masks), checks, tmp_path / "blind")
    assert set(blind) == set(checks)
    assert blind == seeing
    assert not any('"status":"error"' in one or '"status":"not_applicable"' in one for one in blind.values())
    assert any('"swaps":[{' in one for one in blind.values())  # pictures of swapped images were drawn


def test_the_blindfold_blinds():
    split = blindfolded(masks=False).test
    for peek in (
        lambda: split.metadata["cue_colour"],
        lambda: split.arranged("aligned"),
        lambda: split.masks(split.rows),
    ):
        with pytest.raises(Peeked):
            peek()
