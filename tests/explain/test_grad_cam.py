from __future__ import annotations

import pytest
import torch
from torch import nn

from eyetest.errors import MissingEvidence
from eyetest.explain.grad_cam import GradCam, fitting_layer, grad_cam
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.tensors import LogitTarget


def test_known_answer():
    activation = torch.tensor([[[[1.0, 2], [0, 1]], [[0, 1], [3, 0]]]])
    gradient = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]], [[-0.1, -0.1], [-0.2, 0]]]])
    assert torch.allclose(grad_cam(activation, gradient), torch.tensor([[[0.25, 0.4], [-0.3, 0.25]]]))


def test_small_images_take_layer3():
    classifier = Classifier(Resnet18Cifar(3, 4), classes=("a", "b", "c"))
    assert fitting_layer(classifier, torch.rand(1, 3, 32, 32)) is classifier.module.layer3


def test_same_as_the_whole_backward_pass():
    classifier = Classifier(Resnet18Cifar(3, 4), classes=("a", "b", "c"))
    images, classes = torch.rand(3, 3, 32, 32), torch.tensor([0, 1, 2])
    kept: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    classifier.module.eval()
    hook = classifier.module.layer3.register_forward_hook(keep)
    logits = classifier.module(classifier.normalise(images.clone().requires_grad_()))
    hook.remove()
    logits.gather(1, classes[:, None]).sum().backward()
    slow = nn.functional.interpolate(grad_cam(kept[0], kept[0].grad)[:, None], (32, 32), mode="bilinear")[:, 0]
    assert torch.allclose(GradCam()(classifier, images, LogitTarget(classes)), slow, atol=1e-6)


def test_a_model_without_feature_maps_has_no_map():
    flat = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2)), classes=("a", "b"))
    with pytest.raises(MissingEvidence, match="2×2"):
        GradCam()(flat, torch.rand(1, 3, 32, 32), LogitTarget(torch.tensor([0])))


def test_the_layer_is_looked_for_once_for_each_image_size():
    classifier = Classifier(Resnet18Cifar(3, 4), classes=("a", "b", "c"))
    passes: list[int] = []
    classifier.module.conv1.register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    for n, side in ((3, 32), (2, 32), (3, 64)):
        GradCam()(classifier, torch.rand(n, 3, side, side), LogitTarget())
    assert passes == [2, 3, 2, 2, 3]
