"""Where in a model the channels still have places: feature maps n c h w or n h w c, and token grids n t c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from ..errors import MissingEvidence
from ..models.classifier import Classifier
from ..tensors import Images

SMALL_IMAGE = 112
"""Pixels that the module itself is fed; below this the layer must have 8 cells a side, from here on 7."""
MOST_PREFIX = 16
"""Class, distillation and register tokens before the grid, at most."""
POOLS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
"""Their output has places, but no longer those of the image."""
PASSING = (nn.Identity, nn.Dropout)
"""They hand on, in evaluation mode, what another module gave."""
INSIDE = (nn.Linear, nn.GELU)
"""Leaves whose token output is a part of a block (queries, keys, values), not the stream between blocks."""


@final
@dataclass(frozen=True, eq=False)
class _Noted:
    module: nn.Module
    output: Tensor
    cells: int


def cells_of(output: Tensor, size: tuple[int, int]) -> Tensor | None:
    """The output as n c u v, for an input of this height and width; None if it has no cells.

    Of n t c the last tokens that tile the input in squares are the grid; those before (class tokens) are dropped.
    """
    if output.ndim == 4 and _fits(output.shape[2:], size):
        return output
    if output.ndim == 4 and _fits(output.shape[1:3], size):
        return output.permute(0, 3, 1, 2)
    if output.ndim == 3:
        grid = _grid(output.shape[1], size)
        if grid is not None:
            rows, columns = grid
            tokens = output[:, output.shape[1] - rows * columns :]
            return tokens.transpose(1, 2).reshape(len(tokens), -1, rows, columns)
    return None


def last_layer(classifier: Classifier, images: Images) -> nn.Module:
    """The module that ends last among those with cells that the logits still depend on.

    Modules with 8 cells a side (7 from 112 pixels on) go first. Two images go through to find it. Raises MissingEvidence
    if there is none.
    """
    pixels = images[:1].repeat(2, 1, 1, 1).to(classifier.device)
    size = input_size(classifier, pixels)
    least = 8 if min(size) < SMALL_IMAGE else 7
    noted = _dry_run(classifier, pixels, size)
    enough = [one for one, felt in noted if felt and one.cells >= least]
    coarse = [one for one, felt in noted if felt]
    unfelt = [one for one, _ in noted if one.cells >= least] or [one for one, _ in noted]
    found = enough or coarse or unfelt
    if not found:
        raise MissingEvidence(
            f"Grad-CAM needs a layer whose output has cells (2×2 or more); {classifier.name!r} has none that it can see"
        )
    return found[-1].module


def input_size(classifier: Classifier, images: Images) -> tuple[int, int]:
    """Height and width that the module itself is fed."""
    return classifier.input_size or (images.shape[2], images.shape[3])


def _dry_run(classifier: Classifier, pixels: Images, size: tuple[int, int]) -> list[tuple[_Noted, bool]]:
    """Every output with cells, in the order in which the modules ended, and whether any logit depends on its cells."""
    noted: list[_Noted] = []

    def note(module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or len(output) != len(pixels) or isinstance(module, (*POOLS, *PASSING)):
            return
        cells = cells_of(output, size)
        inside = output.ndim == 3 and isinstance(module, INSIDE)
        if cells is not None and output.requires_grad and not inside:
            noted.append(_Noted(module, output, min(cells.shape[2:])))

    with classifier.evaluation(), torch.enable_grad():
        hooks = [module.register_forward_hook(note) for module in _hookable(classifier.answering)]
        try:
            logits = classifier.logits(pixels.clone().requires_grad_(True))
        finally:
            for hook in hooks:
                hook.remove()
        weights = torch.arange(1.0, logits.shape[1] + 1, device=logits.device)
        outputs = [one.output for one in noted]
        if not outputs or not logits.requires_grad:
            return []
        gradients = torch.autograd.grad((logits @ weights).sum(), outputs, allow_unused=True)
    return [(one, _felt(gradient, size)) for one, gradient in zip(noted, gradients, strict=True)]


def _felt(gradient: Tensor | None, size: tuple[int, int]) -> bool:
    cells = None if gradient is None else cells_of(gradient, size)
    return cells is not None and bool(cells.any())


def _hookable(module: nn.Module) -> list[nn.Module]:
    """All modules whose hooks are called; those inside TorchScript are compiled away."""
    return [one for one in module.modules() if not isinstance(one, torch.jit.ScriptModule)]


def _fits(cells: Any, size: tuple[int, int]) -> bool:
    """Whether these are cells of the image: at least two a side, no more than pixels, and of its shape."""
    rows, columns = int(cells[0]), int(cells[1])
    within = 1 < rows <= size[0] and 1 < columns <= size[1]
    return within and abs(rows * size[1] - columns * size[0]) <= max(size)


def _grid(tokens: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns of square patches that tile the input, with as few tokens as possible before them."""
    sides = [side for side in range(2, min(size) // 2 + 1) if size[0] % side == 0 and size[1] % side == 0]
    grids = {(size[0] // side) * (size[1] // side): (size[0] // side, size[1] // side) for side in sides}
    return next((grids[tokens - k] for k in range(MOST_PREFIX + 1) if tokens - k in grids), None)
