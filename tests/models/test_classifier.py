from __future__ import annotations

import pytest
import torch
from torch import nn

from eyetest.errors import ModelError
from eyetest.models.classifier import Classifier
from eyetest.models.load import load_model
from eyetest.models.ours import Architecture, save_model
from eyetest.models.resnet18_cifar import Resnet18Cifar, folded


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
    loaded = load_model(tmp_path / "m.safetensors", ("a", "b"))
    images = torch.rand(2, 3, 32, 32)
    assert torch.allclose(loaded.predict(images), module.eval()(images), atol=1e-5)
    with pytest.raises(ModelError, match="3"):
        load_model(tmp_path / "m.safetensors", ("a", "b", "c"))
    (tmp_path / "no.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="not a model"):
        load_model(tmp_path / "no.safetensors", ("a", "b"))


def test_a_folded_copy_gives_equal_answers_and_leaves_the_module_alone():
    module = Resnet18Cifar(3, width=8)
    for norm in (one for one in module.modules() if isinstance(one, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 2.0)
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2.0)
    twin, images = folded(module), torch.rand(4, 3, 32, 32)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in twin.modules())
    assert torch.allclose(twin(images), module.eval()(images), atol=1e-4)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_features_are_what_the_last_linear_layer_reads():
    module = Resnet18Cifar(3, width=4).eval()
    classifier = Classifier(module, classes=("a", "b", "c"))
    images = torch.rand(5, 3, 32, 32)
    logits, features = classifier.predict_with_features(images)
    assert features.shape == (5, 32)
    with torch.inference_mode():
        assert torch.allclose(module.fc(features), logits, atol=1e-6)
    assert torch.equal(logits, classifier.predict(images))
    assert not module.fc._forward_pre_hooks


def test_a_model_without_a_linear_layer_has_no_features():
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    logits, features = Classifier(module, classes=("a", "b")).predict_with_features(torch.rand(2, 3, 8, 8))
    assert logits.shape == (2, 2)
    assert features is None


def test_the_hook_for_features_is_removed_after_an_exception():
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("broken")

    classifier = Classifier(Broken(), classes=("a", "b"))
    with pytest.raises(RuntimeError, match="broken"):
        classifier.predict_with_features(torch.rand(1, 3, 8, 8))
    assert not classifier.module.layer._forward_pre_hooks
