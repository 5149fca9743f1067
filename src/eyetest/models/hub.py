"""Architectures of timm and torchvision, always without network: weights come from a file, or are random by request."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

import torch
from torch import nn

from ..errors import ModelError, unknown_name
from .contract import Said, Size

T = TypeVar("T")
INSTALL = "pip install eyetest[models]"


def timm_said(name: str) -> Said:
    """What timm's configuration of this model says.

    Raises UnknownName if timm has no such model, ModelError if timm is not installed.
    """
    timm = _timm(name)
    config = timm.get_pretrained_cfg(name)
    if config is None:
        return Said()
    return configured(config.to_dict(), f"timm's configuration of {name}")


def configured(config: dict[str, Any], source: str) -> Said:
    """What a timm configuration says of the input, of a registered model or of the user's own."""
    mean, std, size = (config.get(part) for part in ("mean", "std", "input_size"))
    crop, way = config.get("crop_pct"), config.get("interpolation")
    note = (
        f"timm's own pipeline resizes {way} and keeps the middle {crop:.0%}; eyetest resizes bilinear." if crop else ""
    )
    return Said(
        source,
        _triple(mean),
        _triple(std),
        (int(size[1]), int(size[2])) if size else None,
        note=note,
    )


def timm_module(name: str, classes: int, size: Size | None) -> nn.Module:
    """The module with random weights (always the same ones) and so many logits."""
    timm = _timm(name)
    config = timm.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size and size is not None and tuple(config.input_size[1:]) != size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: nn.Module = timm.create_model(
            name, pretrained=False, num_classes=classes, **({"img_size": size} if fixed else {})
        )
    return module


def torchvision_said(spec: str) -> Said:
    """What published weights say, where the name asks for their transforms, as in `resnet18@IMAGENET1K_V1`."""
    name, _, published = spec.partition("@")
    models = _torchvision(name)
    if not published:
        return Said()
    known = models.get_model_weights(name)
    if published not in known.__members__:
        raise unknown_name(f"published weights of {name}", published, known.__members__)
    weights = known[published]
    transforms, (side,) = weights.transforms(), weights.transforms().crop_size
    classes = tuple(weights.meta["categories"])
    note = (
        f"torchvision's own pipeline resizes to {transforms.resize_size[0]} and keeps the middle {side}; eyetest resizes "
        "bilinear."
    )
    return Said(
        f"torchvision's {published}", _triple(transforms.mean), _triple(transforms.std), (side, side), classes, note
    )


def torchvision_module(spec: str, classes: int, size: Size | None) -> nn.Module:
    """The module with random weights (always the same ones) and so many logits."""
    name = spec.partition("@")[0]
    models = _torchvision(name)
    sized = {"image_size": size[0]} if name.startswith("vit_") and size is not None else {}
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(0)
        module: nn.Module = models.get_model(name, weights=None, num_classes=classes, **sized)
    return module


def _timm(name: str) -> Any:
    _library("torchvision")
    timm = _library("timm")
    if ":" in name or "/" in name or not timm.is_model(name):
        raise unknown_name("model of timm", name, timm.list_models())
    return timm


def _torchvision(name: str) -> Any:
    models = _library("torchvision").models
    known = models.list_models(module=models)
    if name not in known:
        raise unknown_name("classifier of torchvision", name, known)
    return models


def _library(name: str) -> Any:
    """timm or torchvision.

    Raises ModelError with the line that installs both.
    """
    try:
        return with_torchvision(lambda: import_module(name))
    except ImportError as error:
        raise ModelError(f"{name} is not installed here, and this model needs it. Get it with `{INSTALL}`.") from error


def with_torchvision(call: Callable[[], T]) -> T:
    """What the call returns; it is made again if it imports a torchvision that is of another build than torch."""
    try:
        return call()
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        _declared()
        return call()


@cache
def _declared() -> torch.library.Library:
    """The two operators that torchvision needs to be imported, where its compiled half is of another build than torch.

    A torchvision for CUDA beside a torch for the CPU cannot load it. Only detectors use it, classifiers never.
    """
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    return library


def _triple(values: Any) -> tuple[float, float, float] | None:
    if values is None or len(values) != 3:
        return None
    red, green, blue = (float(value) for value in values)
    return red, green, blue
