from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from eyetest.data.base import Dataset
from eyetest.data.planted import PlantedSpec, planted
from eyetest.models.contract import ModelOptions

NORMAL = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
FACTORY = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.head(x.mean((2, 3)))


def make():
    torch.manual_seed(1)
    return Net()
"""


def small_net() -> nn.Module:
    space = {"__name__": "net"}
    exec(FACTORY, space)
    return space["make"]().eval()


@pytest.fixture(scope="session")
def few() -> Dataset:
    return planted(PlantedSpec(classes=3, train=30, validation=12, test=12))


@pytest.fixture
def factory(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(FACTORY, encoding="utf-8")
    return f"{tmp_path / 'net.py'}:make"


Kind = Callable[[Path, str], tuple[str, ModelOptions]]


def timm_vit(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    return "timm:vit_tiny_patch16_224", ModelOptions(random_weights=True, input_size=(64, 64))


def timm_convnext(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    return "timm:convnext_atto", ModelOptions(random_weights=True, input_size=(64, 64))


def torchvision_resnet(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    return "torchvision:resnet18", ModelOptions(random_weights=True, input_size=(64, 64), **NORMAL)


def from_factory(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    return factory, ModelOptions(input_size="data", classes="data", **NORMAL)


def from_safetensors(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    save_file(small_net().state_dict(), folder / "w.safetensors")
    return str(folder / "w.safetensors"), ModelOptions(arch=factory, input_size=(16, 16), classes="data", **NORMAL)


def from_pt(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    state = {f"module.{name}": tensor for name, tensor in small_net().state_dict().items()}
    torch.save({"epoch": 3, "model_state_dict": state}, folder / "w.pt")
    return str(folder / "w.pt"), ModelOptions(arch=factory, input_size=(16, 16), classes="data", **NORMAL)


def from_export(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    torch.export.save(torch.export.export(small_net(), (torch.rand(1, 3, 24, 24),)), folder / "p.pt2")
    return str(folder / "p.pt2"), ModelOptions(classes="data", **NORMAL)


def from_torchscript(folder: Path, factory: str) -> tuple[str, ModelOptions]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(small_net(), torch.rand(2, 3, 16, 16)).save(str(folder / "s.pt"))
    return str(folder / "s.pt"), ModelOptions(input_size=(16, 16), classes="data", **NORMAL)


KINDS = {
    "timm_vit": timm_vit,
    "timm_convnext": timm_convnext,
    "torchvision_resnet": torchvision_resnet,
    "factory": from_factory,
    "safetensors": from_safetensors,
    "pt": from_pt,
    "export": from_export,
    "torchscript": from_torchscript,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path, factory: str) -> tuple[str, str, ModelOptions]:
    return request.param, *KINDS[request.param](tmp_path, factory)
