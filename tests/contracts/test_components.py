"""What holds for every registered component."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import torch

from eyetest.checks import checks
from eyetest.checks.base import Check
from eyetest.evidence import Need
from eyetest.explain import explainers
from eyetest.explain.base import DonorExplainer, Explainer, Lenders
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.tensors import LogitTarget
from eyetest.views import views


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(Resnet18Cifar(3, 4), classes=("a", "b", "c"))


CHEAPER = {"rise": {"masks": 40}}


def made(name: str, images: torch.Tensor, seed: int = 0, chosen: slice | torch.Tensor = slice(None)) -> Explainer:
    """The explainer, with random donors for those of the images that are chosen if it wants any."""
    method = explainers.get(name)
    if not issubclass(method, DonorExplainer):
        return method(**CHEAPER.get(name, {}))
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


def classes(*wanted: int) -> LogitTarget:
    return LogitTarget(torch.tensor(wanted))


@pytest.mark.parametrize("name", explainers.names())
def test_every_explainer_maps_each_image_alone_and_leaves_the_model_alone(name, classifier):
    classifier.module.train()
    images = torch.rand(4, 3, 32, 32)
    before = {key: value.clone() for key, value in classifier.module.state_dict().items()}
    maps = made(name, images)(classifier, images, classes(0, 1, 2, 0))
    assert maps.shape == (4, 32, 32)
    assert torch.isfinite(maps).all()
    alone = made(name, images, chosen=slice(2, 3))(classifier, images[2:3], classes(2))
    assert torch.allclose(maps[2], alone[0], rtol=1e-4, atol=1e-6 + 1e-4 * float(maps.abs().max()))
    assert left_alone(classifier)
    assert all(torch.equal(value, before[key]) for key, value in classifier.module.state_dict().items())


@pytest.mark.parametrize("name", explainers.names())
def test_permuting_the_batch_permutes_the_maps(name, classifier):
    images, order = torch.rand(4, 3, 32, 32), torch.tensor([2, 0, 3, 1])
    target = classes(0, 1, 2, 0)
    maps = made(name, images)(classifier, images, target)
    moved = made(name, images, chosen=order)(classifier, images[order], target[order])
    assert torch.allclose(maps[order], moved, rtol=1e-4, atol=1e-6 + 1e-4 * float(maps.abs().max()))


@pytest.mark.parametrize("name", explainers.names())
def test_after_an_exception_the_model_is_as_it_was(name, classifier, monkeypatch):
    classifier.module.train()
    monkeypatch.setattr(classifier.module.fc, "forward", Mock(side_effect=RuntimeError("broken")))
    images = torch.rand(2, 3, 32, 32)
    with pytest.raises(RuntimeError, match="broken"):
        made(name, images)(classifier, images, classes(0, 1))
    assert left_alone(classifier)


@pytest.mark.parametrize("name", explainers.names())
def test_maps_of_flat_images_are_finite(name, classifier):
    images = torch.stack([torch.full((3, 32, 32), value) for value in (0.0, 0.5, 1.0)])
    assert torch.isfinite(made(name, images)(classifier, images, classes(0, 1, 2))).all()


@pytest.mark.parametrize("name", [name for name in explainers.names() if explainers.get(name).asks_target])
def test_a_constant_model_has_an_empty_map(name, classifier):
    torch.nn.init.zeros_(classifier.module.fc.weight)
    images = torch.rand(2, 3, 32, 32)
    maps = made(name, images)(classifier, images, classes(0, 1))
    assert maps.abs().max() < 1e-6


@pytest.mark.parametrize("name", ["grad_cam", "input_gradient", "integrated_gradients", "occlusion", "rise"])
def test_swapping_the_classes_of_a_contrast_negates_a_linear_map(name, classifier):
    images, one, two = torch.rand(2, 3, 32, 32), torch.tensor([0, 1]), torch.tensor([2, 0])
    method = made(name, images)
    maps, opposite = (method(classifier, images, LogitTarget(*pair)) for pair in ((one, two), (two, one)))
    assert torch.allclose(maps, -opposite, atol=1e-6 + 1e-5 * float(maps.abs().max()))


@pytest.mark.parametrize("name", explainers.names())
def test_without_classes_the_predicted_ones_are_explained(name, classifier):
    if issubclass(explainers.get(name), DonorExplainer):
        pytest.skip("donors are images of a class, so it must be named")
    images = torch.rand(2, 3, 32, 32)
    named = made(name, images)(classifier, images, LogitTarget(classifier.predict(images).argmax(1)))
    assert torch.equal(made(name, images)(classifier, images, LogitTarget()), named)


def left_alone(classifier: Classifier) -> bool:
    hooks = [hook for module in classifier.module.modules() for hook in module._forward_hooks.values()]
    frozen = [one for one in classifier.module.parameters() if one.grad is not None or not one.requires_grad]
    return classifier.module.training and not hooks and not frozen


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
