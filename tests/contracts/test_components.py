"""What holds for every registered component."""

from __future__ import annotations

import pytest
import torch

from eyetest.checks import checks
from eyetest.checks.base import Check
from eyetest.evidence import Need
from eyetest.explain import explainers
from eyetest.explain.base import DonorExplainer, Explainer, Lenders
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.views import views


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(Resnet18Cifar(3, 4), classes=("a", "b", "c"))


def made(name: str, images: torch.Tensor, seed: int = 0, chosen: slice = slice(None)) -> Explainer:
    """The explainer, with random donors for those of the images that are chosen if it wants any."""
    method = explainers.get(name)
    if not issubclass(method, DonorExplainer):
        return method()
    random = torch.Generator().manual_seed(seed)
    own, third = (torch.rand(method.draws, *images.shape, generator=random) for _ in range(2))
    return method(lenders=Lenders(own[:, chosen], third[:, chosen]))


@pytest.mark.parametrize("name", checks.names())
def test_every_check_says_what_it_asks_and_what_it_does_not_show(name):
    check = checks.get(name)()
    assert isinstance(check, Check)
    assert check.code
    assert check.question.endswith("?")
    assert check.limits
    assert all(isinstance(need, Need) for need in check.needs())
    assert tuple(check.needs()) == tuple(checks.get(name)().needs())


def test_codes_are_unique():
    codes = [checks.get(name).code for name in checks.names()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("name", explainers.names())
def test_every_explainer_maps_each_image_alone_and_leaves_the_model_alone(name, classifier):
    classifier.module.train()
    images, classes = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 0])
    before = {key: value.clone() for key, value in classifier.module.state_dict().items()}
    maps = made(name, images)(classifier, images, classes)
    assert maps.shape == (4, 32, 32)
    assert torch.isfinite(maps).all()
    alone = made(name, images, chosen=slice(2, 3))(classifier, images[2:3], classes[2:3])
    assert torch.allclose(maps[2], alone[0], atol=1e-6)
    assert classifier.module.training
    assert all(p.requires_grad and p.grad is None for p in classifier.module.parameters())
    assert not any(module._forward_hooks for module in classifier.module.modules())
    assert all(torch.equal(value, before[key]) for key, value in classifier.module.state_dict().items())


@pytest.mark.parametrize("name", explainers.names())
def test_a_constant_model_has_an_empty_map(name, classifier):
    torch.nn.init.zeros_(classifier.module.fc.weight)
    images = torch.rand(2, 3, 32, 32)
    maps = made(name, images)(classifier, images, torch.tensor([0, 1]))
    assert not maps.any()


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (35, 50)])
@pytest.mark.parametrize("name", views.names())
def test_every_view_depends_on_the_seed_of_the_image_only(name, size):
    view, images = views.get(name)(), torch.rand(4, 3, *size)
    whole = view(images, (1, 2, 3, 4))
    # Not bit by bit: on some processors the Fourier transform of a batch rounds its last digit otherwise.
    assert torch.allclose(view(images[1:2], (2,))[0], whole[1], rtol=0, atol=1e-6)
    assert whole.shape == images.shape
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_keys_of_views_are_their_names():
    assert [views.get(name)().key for name in views.names()] == views.names()
