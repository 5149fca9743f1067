"""A model whose layers were drawn anew: a map that does not change with them does not depend on the model."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..models.classifier import Classifier
from ..tensors import Images

Norm = nn.modules.batchnorm._BatchNorm


def drawn_layers(classifier: Classifier) -> list[str]:
    """Names of the layers with weights of their own that know how to draw them, from input to output."""
    return [
        name
        for name, module in classifier.module.named_modules()
        if callable(getattr(module, "reset_parameters", None)) and any(True for _ in module.parameters(recurse=False))
    ]


def randomised(classifier: Classifier, names: Sequence[str], images: Images, seed: int) -> Classifier:
    """A copy with these layers drawn anew by their own initialisers; the classifier itself is left as it was.

    Running statistics of batch norms are taken anew from the images, because those of the old weights would silence
    the network. Source: Adebayo et al. 2018.
    """
    module = copy.deepcopy(classifier.module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_apart(seed))
        for name in names:
            layer: Any = module.get_submodule(name)
            layer.reset_parameters()
    found = classifier.with_module(module)
    _settle(found, images)
    return found


def _apart(seed: int) -> int:
    """A seed that no training began with: the weights that a model started from are not drawn anew, but drawn again."""
    return int.from_bytes(hashlib.sha256(f"drawn anew/{seed}".encode()).digest()[:7], "big")


def _settle(classifier: Classifier, images: Images) -> None:
    norms = [one for one in classifier.module.modules() if isinstance(one, Norm) and one.track_running_stats]
    if not norms:
        return
    classifier.module.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        classifier.logits(images.to(classifier.device))
    classifier.module.eval()
