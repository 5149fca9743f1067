"""Methods on trial with models and maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyetest.data.base import Dataset
from eyetest.engine.execute import pixels
from eyetest.engine.trust import Trial
from eyetest.evidence import Select, Trust
from eyetest.explain import explainer
from eyetest.explain._controls import centre_prior, edges, scrambled
from eyetest.explain._randomised import drawn_layers, randomised
from eyetest.explain._removal import faithfulness
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.types import Predictions


class Corner(nn.Module):
    """Answers the colour of a spot."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 8.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * images[:, :, 4:10, 4:10].mean((2, 3))


@pytest.fixture
def corner(tiny: Dataset) -> Classifier:
    return Classifier(Corner(), classes=tiny.classes)


def predicted(data: Dataset, classifier: Classifier) -> Predictions:
    logits = classifier.predict(pixels(data.test, data.test.rows)).numpy()
    return Predictions("test", data.test.rows, data.test.labels, logits)


def test_the_order_of_a_true_map_beats_the_controls(corner: Classifier) -> None:
    images = torch.rand(8, 3, 32, 32) * 0.2
    images[:, 0, 4:10, 4:10] += 0.7
    true = torch.zeros(8, 32, 32)
    true[:, 4:10, 4:10] = 1
    classes = torch.zeros(8, dtype=torch.int64)
    of_true = faithfulness(corner, images, classes, true)
    for control in (centre_prior(images), scrambled(true, torch.Generator().manual_seed(0))):
        assert (of_true > faithfulness(corner, images, classes, control)).all()
    assert torch.allclose(faithfulness(corner, images, classes, -true), -of_true, atol=0.02)


def test_a_scrambled_map_keeps_its_values_and_loses_its_places() -> None:
    maps = torch.rand(4, 16, 16) ** 3
    other = scrambled(maps, torch.Generator().manual_seed(0))
    assert torch.allclose(other.flatten(1).sort(1).values, maps.flatten(1).sort(1).values)
    correlations = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(maps.numpy(), other.numpy(), strict=True)]
    assert np.abs(correlations).max() < 0.3


def test_edges_are_where_the_luma_changes() -> None:
    images = torch.zeros(1, 3, 8, 8)
    images[..., 4:] = 1
    found = edges(images)[0]
    assert set(torch.nonzero(found.amax(0)).flatten().tolist()) == {3, 4}
    assert found.max() == pytest.approx(4.0)


def test_drawing_layers_anew_leaves_the_model_alone() -> None:
    torch.manual_seed(0)
    classifier = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=("a", "b", "c"))
    classifier.module.train()
    before = {key: value.clone() for key, value in classifier.module.state_dict().items()}
    names, images = drawn_layers(classifier), torch.rand(8, 3, 32, 32)
    assert names[0] == "conv1"
    assert names[-1] == "fc"
    state = torch.random.get_rng_state()
    whole = randomised(classifier, names, images, 0)
    last = randomised(classifier, names[-1:], images, 0)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in classifier.module.state_dict().items())
    assert classifier.module.training
    assert torch.equal(last.module.conv1.weight, classifier.module.conv1.weight)
    assert not torch.equal(last.module.fc.weight, classifier.module.fc.weight)
    assert not torch.equal(whole.module.conv1.weight, classifier.module.conv1.weight)
    assert torch.isfinite(whole.predict(images)).all()


@pytest.mark.parametrize("method", ["grad_cam", "saliency", "transplant_map"])
def test_a_trial_has_one_number_an_image_and_is_the_same_again(tiny: Dataset, method: str) -> None:
    torch.manual_seed(0)
    classifier = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=tiny.classes)
    known, need = predicted(tiny, classifier), Trust(method, "predicted", Select.sample(6))
    rows = need.select.rows(known, 0)
    first, again = (
        Trial(need, explainer(need.method), classifier, tiny, known, rows, 0).result(None) for _ in range(2)
    )
    assert first.redrawn.shape == (5, 6)
    assert first.cascade.shape == (3, 6)
    assert first.faithful_controls.shape == (3, 6)
    for name, value in vars(first).items():
        assert np.isfinite(value).all(), name
        assert np.array_equal(value, getattr(again, name)), name


def test_integrated_gradients_are_checked_for_what_they_promise(tiny: Dataset) -> None:
    torch.manual_seed(0)
    classifier = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=tiny.classes)
    known, need = predicted(tiny, classifier), Trust("integrated_gradients", "predicted", Select.sample(3))
    trial = Trial(need, explainer(need.method), classifier, tiny, known, need.select.rows(known, 0), 0)
    assert (trial._incomplete() <= 1).all()


def test_a_model_whose_layers_cannot_be_drawn_has_no_redrawn_maps(tiny: Dataset, corner: Classifier) -> None:
    known, need = predicted(tiny, corner), Trust("saliency", "predicted", Select.sample(4))
    found = Trial(need, explainer(need.method), corner, tiny, known, need.select.rows(known, 0), 0).result(None)
    assert found.redrawn.shape == (0, 4)
    assert found.single.shape == (0, 4)
