from __future__ import annotations

import pytest
import torch
from torch import nn

from eyetest.errors import ModelError
from eyetest.models.classifier import Classifier
from eyetest.models.load import Architecture, load_model, save_model
from eyetest.models.resnet18_cifar import Resnet18Cifar


def test_width_64_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in Resnet18Cifar(10).parameters()) == 11_173_962


def test_a_failing_model_is_left_as_it_was():
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("broken")

    classifier = Classifier(Broken(), classes=("a", "b"))
    with pytest.raises(RuntimeError, match="broken"):
        classifier.predict(torch.rand(1, 3, 8, 8))
    assert classifier.module.training
    assert classifier.module.layer.weight.requires_grad


def test_wrong_number_of_logits_and_nan_are_refused():
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    with pytest.raises(ModelError, match="one logit for each"):
        Classifier(module, classes=("a", "b")).predict(torch.rand(2, 3, 2, 2))
    nn.init.constant_(module[1].weight, float("nan"))
    with pytest.raises(ModelError, match="NaN"):
        Classifier(module, classes=("a", "b", "c")).predict(torch.rand(2, 3, 2, 2))


def test_weights_come_back_and_other_classes_are_refused(tmp_path):
    architecture = Architecture(width=4, dropout=0, classes=("a", "b"), mean=(0, 0, 0), std=(1, 1, 1))
    module = architecture.build()
    save_model(tmp_path / "m.safetensors", module, architecture)
    loaded = load_model(tmp_path / "m.safetensors", ("a", "b"), "m")
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.predict(images), module.eval()(images))
    with pytest.raises(ModelError, match="3"):
        load_model(tmp_path / "m.safetensors", ("a", "b", "c"), "m")
    (tmp_path / "no.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="not a model"):
        load_model(tmp_path / "no.safetensors", ("a", "b"), "m")
