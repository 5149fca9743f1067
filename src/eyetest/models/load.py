"""From what the user calls a model to a Classifier: runs, checkpoints, timm, torchvision, Python files, programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

from torch import nn

from ..errors import ModelError, unknown_name
from . import exported, factory, hub
from .checkpoint import State, fill, read_state
from .classifier import Classifier
from .contract import Contract, ModelOptions, Said, Size, logit_order, settled
from .ours import load_ours, read_architecture
from .resnet18_cifar import Resnet18Cifar, folded

Build = Callable[[int, Size | None], nn.Module]
"""The module with its weights, for so many classes and this input size."""
NO_OPTIONS = ModelOptions()
OWN = "resnet18_cifar"


@final
@dataclass(frozen=True)
class OpenedModel:
    """A model whose input contract is known, before it is told the data's classes."""

    name: str
    source: str
    """As written to run.json."""
    contract: Contract
    options: ModelOptions
    build: Build
    run: Path | None = None
    """The run directory that it comes from."""

    @property
    def image_size(self) -> int | None:
        """Pixels a side at which pictures are best read for it; None if it takes any."""
        return None if self.contract.input_size is None else max(self.contract.input_size)

    def classifier(self, classes: tuple[str, ...]) -> Classifier:
        """The classifier whose logits are in the order of these classes, matched by name.

        Raises ModelError if the model has other classes, UnknownName if it has no such layer.
        """
        known = self.contract
        own = classes if known.classes == "data" else known.classes
        order = logit_order(self.source, own, classes)
        module = self.build(len(own), known.input_size)
        return Classifier(
            module,
            classes=classes,
            mean=known.mean,
            std=known.std,
            input_size=known.input_size,
            order=order,
            layer=self.options.layer,
            batch_size=self.options.batch_size,
            name=self.name,
            source=self.source,
            twin=folded(module) if isinstance(module, Resnet18Cifar) else None,
            sources=known.sources,
            note=known.note,
        )


def load_model(
    spec: str | Path, classes: tuple[str, ...], options: ModelOptions = NO_OPTIONS, *, name: str | None = None
) -> Classifier:
    """The classifier that open_model() finds, for data with these classes.

    Raises ModelError as open_model() does, or if its classes are not `classes`.
    """
    return open_model(spec, options, name=name).classifier(classes)


def open_model(spec: str | Path, options: ModelOptions = NO_OPTIONS, *, name: str | None = None) -> OpenedModel:
    """A run directory, a checkpoint of ours, an architecture, a checkpoint with one (`arch`), or an exported program.

    Raises ModelError if there is no such model, or nothing says what it is fed; it names the flag that says it.
    """
    text, path = str(spec), Path(spec)
    if _is_architecture(text):
        return _architecture(text, options, name)
    file = path / "train" / "model.safetensors" if path.is_dir() else path
    if not file.is_file() and (path / "run.json").is_file():
        raise ModelError(
            f"{spec} is a run without a model in it: an audit keeps findings, not weights. Give the run or file of the "
            "model itself."
        )
    if not file.is_file():
        raise ModelError(
            f"There is no model at {spec}: expected a run directory of `eyetest train`, a checkpoint (.safetensors, .pt, "
            ".pth) with --arch, an exported program (.pt2), timm:NAME, torchvision:NAME or file.py:factory. Give one of "
            "those, or train one with `eyetest train --data D --recipe baseline`."
        )
    opened = _file(file, options, name or path.stem)
    return replace(opened, run=next((one for one in (path, *file.parents[1:2]) if (one / "run.json").is_file()), None))


def _file(file: Path, options: ModelOptions, name: str) -> OpenedModel:
    own = read_architecture(file) if file.suffix == ".safetensors" else None
    if own is not None:
        _require_no_architecture(file, options)
        architecture = own
        contract = settled(file.name, own.said(file), options)
        return OpenedModel(name, file.name, contract, options, lambda *_: load_ours(file, architecture))
    if exported.is_exported(file):
        _require_no_architecture(file, options)
        program, said = exported.load_exported(file)
        return OpenedModel(name, file.name, settled(file.name, said, options), options, lambda *_: program)
    if exported.is_torchscript(file):
        _require_no_architecture(file, options)
        script = exported.load_torchscript(file)
        return OpenedModel(name, file.name, settled(file.name, Said(), options), options, lambda *_: script)
    if options.arch is None:
        raise ModelError(
            f"{file} holds weights without an architecture. Give it with --arch timm:NAME, --arch torchvision:NAME, --arch "
            "file.py:factory or --arch resnet18_cifar."
        )
    if not _is_architecture(options.arch) and options.arch != OWN:
        raise unknown_name("architecture", options.arch, ("timm:NAME", "torchvision:NAME", "file.py:factory", OWN))
    return _architecture(options.arch, replace(options, arch=None, weights=file), name)


def _is_architecture(spec: str) -> bool:
    return spec.startswith(("timm:", "torchvision:")) or factory.is_factory(spec)


def _architecture(spec: str, options: ModelOptions, name: str | None) -> OpenedModel:
    """A model that was named, with weights from a file, from its factory, or random."""
    _require_weights(spec, options)
    state = None if options.weights is None else read_state(options.weights)
    said, build = _known(spec, state or {})
    if options.random_weights:
        said = replace(said, classes="data")
    contract = settled(spec, said, options)
    if options.random_weights and options.classes is None:
        sources = {**contract.sources, "classes": "random weights know none"}
        contract = replace(contract, sources=sources)
    title, source = name or spec.rpartition(":")[2], spec
    if state is not None and options.weights is not None:
        build, source = _filled(build, state, options.weights), f"{options.weights.name} as {spec}"
    return OpenedModel(title, source, contract, options, build)


def _known(spec: str, state: State) -> tuple[Said, Build]:
    """What an architecture says of its input, and how it is built."""
    kind, _, rest = spec.partition(":")
    if factory.is_factory(spec):
        made = factory.made(spec)
        module = made.module if isinstance(made, Classifier) else made
        return factory.said(made, spec), lambda *_: module
    if kind == "timm":
        return hub.timm_said(rest), partial(hub.timm_module, rest)
    if kind == "torchvision":
        return hub.torchvision_said(rest), partial(hub.torchvision_module, rest)
    return Said(), _own_builder(state)


def _filled(build: Build, state: State, file: Path) -> Build:
    def filled(classes: int, size: Size | None) -> nn.Module:
        module = build(classes, size)
        fill(module, state, file, classes)
        return module

    return filled


def _own_builder(state: State) -> Build:
    """Width and depth of our ResNet are read from the shapes of its weights."""
    stem = next((tensor for name, tensor in state.items() if name.endswith("conv1.weight")), None)
    width = 64 if stem is None else len(stem)
    blocks = len({name.split("layer1.")[1].split(".")[0] for name in state if "layer1." in name})
    return lambda classes, _: Resnet18Cifar(classes, width, blocks=max(blocks, 1))


def _require_weights(spec: str, options: ModelOptions) -> None:
    if options.arch is not None:
        raise ModelError(
            f"{spec} is an architecture, and so is --arch {options.arch}; a checkpoint was expected with --arch. Leave one out."
        )
    if options.weights is not None and options.random_weights:
        raise ModelError("--weights and --random-weights were given; one of them was expected. Leave one out.")
    if options.weights is None and not options.random_weights and not factory.is_factory(spec):
        raise ModelError(
            f"{spec} names an architecture without weights, and eyetest downloads none. Give a checkpoint with --weights "
            "FILE, or ask for an untrained model with --random-weights."
        )


def _require_no_architecture(file: Path, options: ModelOptions) -> None:
    if options.arch is not None or options.weights is not None or options.random_weights:
        raise ModelError(
            f"{file} holds its own architecture and weights, so --arch, --weights and --random-weights have no meaning "
            "with it. Leave them out."
        )
