"""What eyetest asks of a model: pixels in [0, 1] in, logits out, and the user's module left as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import final

import torch
from torch import Tensor, nn

from ..errors import ModelError
from ..records import ModelRecord
from ..tensors import ClassTensor, Images, LogitTarget, LogitTensor


@final
class Classifier:
    """A module with its normalisation and its classes. Outside of it, pixels are in [0, 1].

    Every call runs in evaluation mode and leaves mode, gradients and hooks of the module as they were.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        classes: Sequence[str],
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        name: str = "model",
        source: str = "",
        twin: nn.Module | None = None,
    ) -> None:
        self.module, self.classes, self.name, self.source = module, tuple(classes), name, source
        self.twin = twin
        """A frozen copy that gives equal answers in less time; gradients and hooks are the module's own."""
        self.mean, self.std = tuple(mean), tuple(std)
        self.fitting_layers: dict[tuple[int, int], str] = {}
        """The layer that maps are taken from, by height and width of the images; filled when it was looked for."""

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next((p.device for p in self.module.parameters()), torch.device("cpu"))

    @property
    def answering(self) -> nn.Module:
        """The module that is asked: the faster copy where there is one. Its layers have the module's names."""
        return self.twin or self.module

    def to(self, device: str) -> None:
        """Move the parameters to a device."""
        for module in (self.module, self.twin):
            if module is not None:
                module.to(device)

    def normalise(self, images: Images) -> Tensor:
        """What the module itself is fed."""
        shape = (1, 3, 1, 1)
        return (images - images.new_tensor(self.mean).view(shape)) / images.new_tensor(self.std).view(shape)

    def predict(self, images: Images) -> LogitTensor:
        """Logits, without gradients.

        Raises ModelError if there is not one finite logit a class.
        """
        with self.evaluation(), torch.inference_mode():
            logits = self.answering(self.normalise(images.to(self.device)))
        return self._checked(logits, len(images))

    def predict_with_features(self, images: Images) -> tuple[LogitTensor, Tensor | None]:
        """Logits, and what the last linear layer reads of each image (n d); None where there is no such layer."""
        modules = list(self.answering.modules())
        last = next((one for one in reversed(modules) if isinstance(one, nn.Linear)), None)
        if last is None:
            return self.predict(images), None
        read: list[Tensor] = []
        hook = last.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].detach()))
        try:
            logits = self.predict(images)
        finally:
            hook.remove()
        features = read[-1].flatten(1).float() if read and len(read[-1]) == len(images) else None
        return logits, features

    def loss_gradient(self, images: Images, classes: ClassTensor) -> Images:
        """Gradient of each image's cross-entropy towards `classes`, with respect to its pixels."""
        targets = classes.to(self.device)
        return self._gradient(images, lambda logits: nn.functional.cross_entropy(logits, targets, reduction="sum"))

    def pixel_gradient(self, images: Images, target: LogitTarget) -> Images:
        """Gradient of each image's target (a logit, or a difference of two) with respect to its pixels."""
        return self._gradient(images, lambda logits: target.of(logits).sum())

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Evaluation mode with frozen parameters; everything is as before afterwards, also after an exception."""
        modes = [(module, module.training) for module in self.module.modules()]
        frozen = [(parameter, parameter.requires_grad) for parameter in self.module.parameters()]
        try:
            self.module.eval()
            for parameter, _ in frozen:
                parameter.requires_grad_(False)
            yield
        finally:
            for module, training in modes:
                module.training = training
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
            (gradient,) = torch.autograd.grad(score(self.answering(self.normalise(pixels))), pixels)
        return gradient.detach()

    def _checked(self, logits: Tensor, n: int) -> LogitTensor:
        wanted = (n, len(self.classes))
        if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ModelError(
                f"The model {self.name!r} answered {got}, but {wanted} was expected: one logit for each of the "
                f"{len(self.classes)} classes. Use a model trained for these classes, or data with the model's classes."
            )
        bad = int((~torch.isfinite(logits)).any(1).sum())
        if bad:
            raise ModelError(
                f"The model {self.name!r} gave NaN or infinite logits for {bad} of {n} images. Finite logits are "
                "expected. Check that the training did not diverge and that pixels in [0, 1] are what it expects."
            )
        return logits.float()


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """First 16 hex digits of SHA-256 over names and values of all tensors."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
