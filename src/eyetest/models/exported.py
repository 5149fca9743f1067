"""Exported programs (`torch.export`, .pt2) and TorchScript. Both are programs: run only what you trust."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .contract import Said
from .harmless import require_harmless
from .output import raw_logits


@final
class Program(nn.Module):
    """A loaded program with the digest of its file, which stands for its weights in fingerprints.

    One that was exported for a fixed number of images gets that many, the last one repeated.
    """

    def __init__(self, program: nn.Module, content: bytes, batch: int | None = None) -> None:
        super().__init__()
        self.program, self.batch = program, batch
        self.digest: Tensor
        self.register_buffer("digest", torch.frombuffer(bytearray(hashlib.sha256(content).digest()), dtype=torch.uint8))

    def forward(self, x: Tensor) -> Any:
        """What the program answers."""
        if self.batch is None or len(x) == self.batch:
            return self.program(x)
        return torch.cat([self._one(part) for part in torch.split(x, self.batch)])

    def train(self, mode: bool = True) -> Program:
        """TorchScript has modes; an exported program has the one that it was exported in."""
        self.training = mode
        try:
            self.program.train(mode)
        except (NotImplementedError, AttributeError):
            return self
        return self

    def _one(self, part: Tensor) -> Tensor:
        assert self.batch is not None
        full = torch.cat([part, part[-1:].expand(self.batch - len(part), *part.shape[1:])])
        output = self.program(full)
        logits = output if isinstance(output, Tensor) else raw_logits(output, self.batch, -1)
        if logits is None:
            raise ModelError("An exported program for a fixed number of images must return one tensor of logits.")
        return logits[: len(part)]


def is_exported(file: Path) -> bool:
    """Whether torch.export wrote this file."""
    return any(name.rpartition("/")[2] == "archive_format" or "serialized_exported" in name for name in _names(file))


def is_torchscript(file: Path) -> bool:
    """Whether torch.jit wrote this file."""
    names = _names(file)
    return any(name.endswith("/constants.pkl") for name in names) and any("/code/" in name for name in names)


def load_exported(file: Path) -> tuple[Program, Said]:
    """The program, and the input size that it was exported for.

    Raises ModelError if it holds pickles or anything but tensor operations, or wants other inputs than images.
    """
    content = file.read_bytes()
    require_harmless(content, file.name)
    try:
        program = torch.export.load(io.BytesIO(content))
    except Exception as error:
        raise ModelError(
            f"{file} cannot be loaded by this torch ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
            "; a program that torch.export.save wrote was expected. Export it again with this version of torch."
        ) from error
    wanted = set(program.graph_signature.user_inputs)
    nodes = [one for one in program.graph.nodes if one.op == "placeholder" and one.name in wanted]
    values = [one.meta.get("val") for one in nodes]
    shape = tuple(values[0].shape) if len(values) == 1 and isinstance(values[0], Tensor) else ()
    if len(shape) != 4 or shape[1] != 3:
        came = f"{len(nodes)} inputs" if len(nodes) != 1 else f"an input of shape {shape}"
        raise ModelError(
            f"{file} takes {came}; one batch of RGB images (n, 3, h, w) was expected. Export it for such images."
        )
    batch, _, height, width = (one if isinstance(one, int) else None for one in shape)
    size = (height, width) if height is not None and width is not None else None
    return Program(program.module(), content, batch), Said(f"the exported program {file.name}", input_size=size)


def load_torchscript(file: Path) -> Program:
    """The program, on the CPU.

    Raises ModelError where this torch cannot load it any more.
    """
    content = file.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            program = torch.jit.load(io.BytesIO(content), map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, AttributeError) as error:
        raise ModelError(
            f"{file} cannot be loaded by this torch ({str(error).splitlines()[0]}); a TorchScript file was expected. Export "
            "the model with torch.export, or give its weights with --arch."
        ) from error
    return Program(program, content)


def _names(file: Path) -> list[str]:
    if not zipfile.is_zipfile(file):
        return []
    with zipfile.ZipFile(file) as opened:
        return opened.namelist()
