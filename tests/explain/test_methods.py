"""Known answers of the explanation methods."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from eyetest.errors import ModelError, UnknownName
from eyetest.explain import explainer
from eyetest.explain.eigen_cam import eigen_cam
from eyetest.explain.grad_cam_plus_plus import grad_cam_plus_plus
from eyetest.explain.input_gradient import InputGradient
from eyetest.explain.integrated_gradients import IntegratedGradients, integrated
from eyetest.explain.layer_cam import layer_cam
from eyetest.explain.occlusion import Occlusion
from eyetest.explain.rise import Rise
from eyetest.explain.saliency import Saliency
from eyetest.explain.smooth_grad import SmoothGrad
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.tensors import LogitTarget

ACTIVATION = torch.tensor([[[[1.0, 2], [0, 1]], [[0, 1], [3, 0]]]])
GRADIENT = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]], [[-0.1, -0.1], [-0.2, 0]]]])
FIRST = LogitTarget(torch.tensor([0]))


class Scored(nn.Module):
    """The first logit is a function of the pixels, the second 0."""

    def __init__(self, score) -> None:
        super().__init__()
        self.score = score
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        value = self.score(images)
        return torch.stack([value, torch.zeros_like(value)], 1)


def scored(score) -> Classifier:
    return Classifier(Scored(score), classes=("a", "b"))


def linear(weights: Tensor) -> Classifier:
    return scored(lambda images: (images * weights).sum((1, 2, 3)))


def pixels(*values: float) -> Tensor:
    """One image, 1 high, whose first channel has these values."""
    image = torch.zeros(1, 3, 1, len(values))
    image[0, 0, 0] = torch.tensor(values)
    return image


def test_grad_cam_plus_plus_known_answer():
    wanted = torch.tensor([[[0.317956, 0.635913], [0, 0.317956]]])
    assert torch.allclose(grad_cam_plus_plus(ACTIVATION, GRADIENT), wanted, atol=1e-6)


def test_layer_cam_known_answer():
    assert torch.allclose(layer_cam(ACTIVATION, GRADIENT), torch.tensor([[[0.1, 0.4], [0, 0.4]]]))


def test_eigen_cam_of_one_channel_is_that_channel():
    activation = torch.zeros(1, 2, 2, 2)
    activation[0, 1] = torch.tensor([[1.0, 2], [0, -0.5]])
    assert torch.allclose(eigen_cam(activation), activation[:, 1], atol=1e-6)


def test_integrated_gradients_of_a_product():
    product = scored(lambda images: images[:, 0, 0, 0] * images[:, 0, 0, 1])
    maps = integrated(product, pixels(2, 3), torch.zeros(1, 3, 1, 2), FIRST, 7)
    assert torch.allclose(maps, torch.tensor([[[3.0, 3.0]]]), atol=1e-5)


@pytest.mark.parametrize(("steps", "wanted"), [(50, 0.5), (101, 0.495050)])
def test_integrated_gradients_of_a_kink(steps, wanted):
    kink = scored(lambda images: (images[:, 0, 0, :2].sum(1) - 1).relu())
    maps = integrated(kink, pixels(1, 1), torch.zeros(1, 3, 1, 2), FIRST, steps)
    assert torch.allclose(maps, torch.full((1, 1, 2), wanted), atol=1e-5)


def test_integrated_gradients_are_complete():
    torch.manual_seed(0)
    classifier = Classifier(Resnet18Cifar(3, width=4), classes=("a", "b", "c"))
    images, target = torch.rand(3, 3, 32, 32), LogitTarget(torch.tensor([0, 1, 2]))
    for baseline in ("black", "blurred"):
        method = IntegratedGradients(baseline=baseline)
        change = target.of(classifier.predict(images)) - target.of(classifier.predict(method.start(images)))
        off = (method(classifier, images, target).sum((1, 2)) - change).abs()
        assert (off <= (0.05 * change.abs()).clamp_min(0.05)).all()


def test_input_times_gradient_of_a_linear_model_sums_to_its_logit():
    weights, images = torch.randn(3, 8, 8), torch.rand(2, 3, 8, 8)
    classifier, target = linear(weights), LogitTarget(torch.tensor([0, 0]))
    maps = InputGradient()(classifier, images, target)
    assert torch.allclose(maps.sum((1, 2)), target.of(classifier.predict(images)), atol=1e-5)


def test_smooth_grad_of_a_linear_model_is_its_saliency():
    weights, images = torch.randn(3, 8, 8), torch.rand(1, 3, 8, 8)
    found = SmoothGrad(copies=3)(linear(weights), images, FIRST)
    assert torch.allclose(found, Saliency()(linear(weights), images, FIRST), atol=1e-6)


def test_occlusion_of_a_linear_model_is_the_weight_under_the_square():
    weights, images = torch.randn(3, 32, 32), torch.rand(1, 3, 32, 32)
    whole = Occlusion(patch=32, stride=32, fill="black")(linear(weights), images, FIRST)
    assert torch.allclose(whole, (images * weights).sum().expand(1, 32, 32), atol=1e-4)
    halves = Occlusion(patch=16, stride=16, fill="black")(linear(weights), images, FIRST)
    assert halves[0, 0, 0] == pytest.approx(float((images * weights)[0, :, :16, :16].sum()), abs=1e-3)


def test_occlusion_covers_every_pixel_at_any_size():
    for height, width in ((32, 32), (35, 50), (7, 5)):
        counts = torch.zeros(height, width)
        for rows, columns in Occlusion().squares(height, width):
            counts[rows, columns] += 1
        assert counts.min() >= 1
    assert len(Occlusion().squares(32, 32)) == 49


def test_a_constant_image_covered_by_its_own_mean_says_nothing():
    classifier = Classifier(Resnet18Cifar(3, width=4), classes=("a", "b", "c"))
    maps = Occlusion()(classifier, torch.full((1, 3, 32, 32), 0.4), FIRST)
    assert maps.abs().max() < 1e-4


def test_rise_finds_the_place_that_matters():
    weights = torch.zeros(3, 32, 32)
    weights[:, 4:12, 20:28] = 1
    maps = Rise(masks=600)(linear(weights), torch.full((1, 3, 32, 32), 0.5), FIRST)[0]
    assert divmod(int(maps.argmax()), 32)[0] in range(4, 12)
    assert divmod(int(maps.argmax()), 32)[1] in range(20, 28)
    assert maps[4:12, 20:28].mean() > 5 * maps[16:, :16].abs().mean()


def test_a_method_of_captum_that_is_not_there_gives_the_install_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "captum", None)
    monkeypatch.setitem(__import__("sys").modules, "captum.attr", None)
    with pytest.raises(ModelError, match=r"eyetest\[methods\]"):
        explainer("captum:DeepLift")


def test_an_unknown_method_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="saliency"):
        explainer("salency")
