"""The layer that Grad-CAM maps is found in convolutional nets, transformers and channels-last blocks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eyetest.errors import MissingEvidence
from eyetest.explain._feature_maps import cells_of
from eyetest.explain.grad_cam import GradCam, fitting_layer
from eyetest.models.classifier import Classifier
from eyetest.models.contract import ModelOptions
from eyetest.models.load import load_model
from eyetest.tensors import LogitTarget

CLASSES = ("a", "b", "c")


def loaded(spec: str, side: int) -> Classifier:
    numbers = (0.5, 0.5, 0.5)
    options = ModelOptions(random_weights=True, mean=numbers, std=numbers, input_size=(side, side))
    return load_model(spec, CLASSES, options)


@pytest.mark.parametrize(
    ("spec", "side", "layer"),
    [
        pytest.param("timm:vit_tiny_patch16_224", 224, "blocks.11.norm1", marks=pytest.mark.slow),
        ("timm:vit_tiny_patch16_224", 64, "blocks.11.norm1"),
        ("timm:convnext_atto", 224, "stages"),
        ("torchvision:resnet18", 224, "layer4"),
        pytest.param("torchvision:vgg11", 224, "features", marks=pytest.mark.slow),
        pytest.param("torchvision:swin_t", 224, "permute", marks=pytest.mark.slow),
        pytest.param("timm:swin_tiny_patch4_window7_224", 224, "norm", marks=pytest.mark.slow),
    ],
)
def test_the_layer_is_the_last_with_places_that_the_logits_depend_on(spec, side, layer):
    classifier = loaded(spec, side)
    images = torch.rand(1, 3, 32, 32)
    found = fitting_layer(classifier, images)
    assert {name for name, one in classifier.module.named_modules() if one is found} == {layer}
    maps = GradCam()(classifier, images, LogitTarget(torch.tensor([1])))
    assert maps.shape == (1, 32, 32)
    assert maps.any()
    assert not any(one._forward_hooks for one in classifier.module.modules())


@pytest.mark.parametrize(
    ("shape", "size", "cells"),
    [
        ((2, 64, 7, 7), (224, 224), (2, 64, 7, 7)),
        ((2, 7, 7, 64), (224, 224), (2, 64, 7, 7)),
        ((2, 8, 8, 8), (32, 32), (2, 8, 8, 8)),
        ((2, 64, 6, 8), (96, 128), (2, 64, 6, 8)),
        ((2, 197, 192), (224, 224), (2, 192, 14, 14)),
        ((2, 201, 192), (224, 224), (2, 192, 14, 14)),
        ((2, 49, 192), (96, 128), (2, 192, 6, 8)),
        ((2, 64, 1, 1), (224, 224), None),
        ((2, 64, 6, 8), (224, 224), None),
        ((2, 150, 192), (224, 224), None),
        ((2, 64), (224, 224), None),
    ],
)
def test_cells_are_those_of_the_image(shape, size, cells):
    found = cells_of(torch.rand(shape), size)
    assert (None if found is None else tuple(found.shape)) == cells


def test_class_tokens_are_dropped_and_the_grid_keeps_its_order():
    tokens = torch.arange(17.0).view(1, 17, 1)
    assert torch.equal(cells_of(tokens, (64, 64))[0, 0], torch.arange(1.0, 17).view(4, 4))


def test_channels_last_maps_are_those_of_channels_first():
    class Last(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1)

    torch.manual_seed(0)
    conv, head = nn.Conv2d(3, 5, 4, 4), nn.Linear(5, 3)

    class Net(nn.Module):
        def __init__(self, *, last: bool) -> None:
            super().__init__()
            self.conv, self.head, self.last = conv, head, Last() if last else nn.Identity()
            self.axes = (1, 2) if last else (2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.last(self.conv(x)).mean(self.axes))

    images, classes = torch.rand(2, 3, 32, 32), torch.tensor([0, 2])
    maps = [
        GradCam(layer="last")(Classifier(Net(last=one), classes=CLASSES), images, LogitTarget(classes))
        for one in (True, False)
    ]
    assert torch.allclose(*maps, atol=1e-6)
    assert maps[0].any()


def test_a_named_layer_is_taken_and_changes_the_map():
    classifier = loaded("torchvision:resnet18", 64)
    images, classes = torch.rand(1, 3, 64, 64), torch.tensor([0])
    found, named = (GradCam(layer=name)(classifier, images, LogitTarget(classes)) for name in (None, "layer1"))
    assert not torch.equal(found, named)


def test_a_crash_while_the_layer_is_sought_leaves_no_hook():
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.conv(x)
            raise RuntimeError("broken")

    module = Broken()
    with pytest.raises(RuntimeError, match="broken"):
        GradCam()(Classifier(module, classes=CLASSES), torch.rand(1, 3, 8, 8), LogitTarget(torch.tensor([0])))
    assert not module.conv._forward_hooks
    assert module.training
    assert module.conv.weight.requires_grad


def test_a_model_that_passes_no_gradient_has_no_layer():
    class Frozen(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return x.mean((2, 3))

    with pytest.raises(MissingEvidence):
        GradCam()(Classifier(Frozen(), classes=CLASSES), torch.rand(1, 3, 8, 8), LogitTarget(torch.tensor([0])))
