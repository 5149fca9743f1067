"""ResNet-18 with the CIFAR stem: 3×3, stride 1, no max-pool."""

from __future__ import annotations

import copy
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval


@final
class BasicBlock(nn.Module):
    """Two 3×3 convolutions around a shortcut. Source: He et al. 2016, figure 2."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2: nn.Module = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            conv = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Features after the block."""
        out = torch.relu_(self.bn1(self.conv1(x)))
        return torch.relu_(self.bn2(self.conv2(out)).add_(self.shortcut(x)))


@final
class Resnet18Cifar(nn.Module):
    """ResNet-18 for images of about 32 pixels; width 64 and 10 classes make 11,173,962 parameters.

    `blocks` a stage: 2 is ResNet-18, 1 is the small net of the exam (`eyetest validate`).

    Source: He et al. 2016, CIFAR adaptation.
    """

    def __init__(self, classes: int, width: int = 64, dropout: float = 0.0, blocks: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, 1, blocks)
        self.layer2 = _stage(width, 2 * width, 2, blocks)
        self.layer3 = _stage(2 * width, 4 * width, 2, blocks)
        self.layer4 = _stage(4 * width, 8 * width, 2, blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of normalised images."""
        x = torch.relu_(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(self.dropout(self.pool(x).flatten(1)))
        return logits


def folded(module: Resnet18Cifar) -> Resnet18Cifar | None:
    """A frozen copy in evaluation mode whose batch norms are part of the convolutions: equal answers, in less time.

    None if another norm stands in their place.
    """
    if not isinstance(module.bn1, _BatchNorm):
        return None
    own = copy.deepcopy(module).eval().requires_grad_(False)
    for block in own.modules():
        if isinstance(block, Resnet18Cifar | BasicBlock):
            block.conv1, block.bn1 = _merged(block.conv1, block.bn1), nn.Identity()
        if isinstance(block, BasicBlock):
            block.conv2, block.bn2 = _merged(block.conv2, block.bn2), nn.Identity()
            if isinstance(block.shortcut, nn.Sequential):
                block.shortcut = _merged(*block.shortcut)
    return own


def memory_format(width: int) -> torch.memory_format:
    """The faster memory order: channels last, but oneDNN 3 crashes in it on fewer than 8 channels."""
    return torch.channels_last if width % 8 == 0 else torch.contiguous_format


def ordered(module: Resnet18Cifar, order: torch.memory_format) -> Resnet18Cifar:
    """The same module with its convolutions in that memory order."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=order)
    return module


def _merged(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    """One convolution that does what a convolution and its batch norm do in evaluation mode."""
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, _BatchNorm)
    return fuse_conv_bn_eval(conv, norm)


def _stage(channels_in: int, channels: int, stride: int, blocks: int) -> nn.Sequential:
    rest = [BasicBlock(channels, channels, 1) for _ in range(blocks - 1)]
    return nn.Sequential(BasicBlock(channels_in, channels, stride), *rest)
