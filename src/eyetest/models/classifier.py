"""What eyetest asks of a model: pixels in [0, 1] in, logits out, and the user's module left as it was."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor, nn

from ..errors import MissingEvidence, ModelError, unknown_name
from ..records import ContractRecord, ModelRecord
from ..tensors import Images, LogitTarget, LogitTensor
from .contract import described
from .output import read_logits

NOTHING: Mapping[str, str] = MappingProxyType({})


@final
class Classifier:
    """A module with its normalisation and its classes. Outside of it, pixels are in [0, 1].

    Images of another size than `input_size` (height, width; None takes any) are resized inside, and gradients come back
    at the images' own size. Every call runs in evaluation mode and leaves mode, gradients and hooks of the module as
    they were. Raises UnknownName if the module has no `layer` of that name.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        classes: Sequence[str],
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        input_size: tuple[int, int] | None = None,
        order: Sequence[int] | None = None,
        layer: str | None = None,
        batch_size: int | None = None,
        name: str = "model",
        source: str = "",
        twin: nn.Module | None = None,
        sources: Mapping[str, str] = NOTHING,
        note: str = "",
    ) -> None:
        self.module, self.classes, self.name, self.source = module, tuple(classes), name, source
        self.twin = twin
        """A frozen copy that gives equal answers in less time; gradients and hooks are the module's own."""
        self.mean, self.std = _triple(mean), _triple(std)
        self.input_size = input_size
        self.order = None if order is None else list(order)
        """For each class the module's logit; None is the same order."""
        self.layer, self.batch_size = layer, batch_size
        self.sources, self.note = sources, note
        """Where mean, std, input_size and classes are known from, and what the model's own pipeline does otherwise."""
        names = dict(module.named_modules())
        if layer is not None and layer not in names:
            raise unknown_name("layer of the model", layer, filter(None, names))
        self.fitting_layers: dict[tuple[int, int], str] = {}
        """The layer that maps are taken from, by height and width of the images; filled when it was looked for."""

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        tensors = chain(self.module.parameters(), self.module.buffers())
        return next((one.device for one in tensors), torch.device("cpu"))

    @property
    def image_size(self) -> int | None:
        """Pixels a side at which pictures are best read for it; None if it takes any."""
        return None if self.input_size is None else max(self.input_size)

    @property
    def answering(self) -> nn.Module:
        """The module that is asked: the faster copy where there is one. Its layers have the module's names."""
        return self.twin or self.module

    def with_module(self, module: nn.Module) -> Classifier:
        """Another module that is fed and read alike."""
        other = copy.copy(self)
        other.module, other.twin = module, None
        return other

    def to(self, device: str) -> None:
        """Move the parameters to a device."""
        for module in (self.module, self.twin):
            if module is not None:
                module.to(device)

    def contract(self, data_size: tuple[int, int]) -> ContractRecord:
        """What it is fed, with the source of each part, for data of this height and width."""
        return described(self.mean, self.std, self.input_size, self.classes, data_size, self.sources, self.note)

    def normalise(self, images: Images) -> Tensor:
        """What the module itself is fed: resized where it must be, minus mean, divided by std."""
        if self.input_size is not None and tuple(images.shape[2:]) != self.input_size:
            images = nn.functional.interpolate(images, self.input_size, mode="bilinear", antialias=True)
        shape = (1, 3, 1, 1)
        return (images - images.new_tensor(self.mean).view(shape)) / images.new_tensor(self.std).view(shape)

    def logits(self, pixels: Images) -> Tensor:
        """Logits n k of pixels that lie on the device, in the order of `classes`; gradients go through.

        Raises ModelError if there is not one logit a class.
        """
        output = self.answering(self.normalise(pixels))
        found = read_logits(output, len(pixels), len(self.classes), self.name)
        return found if self.order is None else found[:, self.order]

    def predict(self, images: Images) -> LogitTensor:
        """Logits, without gradients.

        Raises ModelError if there is not one finite logit a class.
        """
        with self.evaluation(), torch.inference_mode():
            return self._finite(self.logits(images.to(self.device)))

    def predict_with_features(self, images: Images) -> tuple[LogitTensor, Tensor | None]:
        """Logits, and what the last linear layer reads of each image (n d); None where no such layer makes them."""
        read: list[tuple[Tensor, Tensor]] = []

        def note(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
                read.append((inputs[0].detach(), output.detach()))

        linear = [one for one in self.answering.modules() if isinstance(one, nn.Linear)]
        hooks = [one.register_forward_hook(note) for one in linear]
        try:
            logits = self.predict(images)
        finally:
            for hook in hooks:
                hook.remove()
        kinds = {(len(images), len(self.classes))} | ({(len(images), 1)} if len(self.classes) == 2 else set())
        last = read[-1] if read and tuple(read[-1][1].shape) in kinds else None
        return logits, None if last is None else last[0].float().clone()

    def pixel_gradient(self, images: Images, target: LogitTarget) -> Images:
        """Gradient of each image's target (a logit, or a difference of two) with respect to its pixels."""
        return self._gradient(images, lambda logits: target.of(logits).sum())

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Evaluation mode with frozen parameters; everything is as before afterwards, also after an exception."""
        trained = [(one, one.training) for one in self.module.modules() if hasattr(one, "training")]
        frozen = [(parameter, parameter.requires_grad) for parameter in self.module.parameters()]
        try:
            _to_evaluation(self.module, [one for one, _ in trained])
            for parameter, _ in frozen:
                parameter.requires_grad_(False)
            yield
        finally:
            for one, training in trained:
                one.training = training
            for parameter, wanted in frozen:
                parameter.requires_grad_(wanted)

    def record(self) -> ModelRecord:
        """What run.json says of this model."""
        return ModelRecord(
            name=self.name,
            fingerprint=fingerprint(self.module.state_dict()),
            parameters=sum(p.numel() for p in self.module.parameters()),
            source=self.source,
        )

    def _gradient(self, images: Images, score: Callable[[Tensor], Tensor]) -> Images:
        with self.evaluation(), torch.enable_grad():
            pixels = images.detach().to(self.device).requires_grad_(True)
            logits = self.logits(pixels)
            if not logits.requires_grad:
                raise MissingEvidence(f"the model {self.name!r} passes no gradient from its logits to its pixels")
            (gradient,) = torch.autograd.grad(score(logits), pixels)
        return gradient.detach()

    def _finite(self, logits: Tensor) -> LogitTensor:
        bad = int((~torch.isfinite(logits)).any(1).sum())
        if bad:
            raise ModelError(
                f"The model {self.name!r} gave NaN or infinite logits for {bad} of {len(logits)} images. Finite logits are "
                "expected. Check that the training did not diverge and that pixels in [0, 1] are what it expects."
            )
        return logits


def _to_evaluation(module: nn.Module, parts: Sequence[nn.Module]) -> None:
    """Evaluation mode; exported programs have none of their own and refuse to be asked."""
    try:
        module.eval()
    except (NotImplementedError, AttributeError):
        for one in parts:
            one.training = False


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """First 16 hex digits of SHA-256 over names and values of all tensors."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
