"""What DAT001 says to every fault that it knows, injected into a trained model, and what the preflight costs.

python benchmarks/input_contract.py
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from eyetest import flow
from eyetest.data.base import Dataset
from eyetest.data.split import ArraySplit
from eyetest.engine.plan import measure_speed
from eyetest.engine.preflight import CAFFE, CIFAR, IMAGENET, try_inputs
from eyetest.errors import UserError
from eyetest.models.classifier import Classifier
from eyetest.models.load import load_model
from eyetest.models.resnet18_cifar import Resnet18Cifar, folded, memory_format, ordered
from eyetest.training.recipe import Recipe
from eyetest.types import SplitName, silent

CLASSES = tuple(
    f"{light} {tint} {stripes}"
    for light in ("dark", "light")
    for tint in ("red", "green")
    for stripes in ("flat", "steep")
)
RECIPE = Recipe(epochs=4, width=8, blocks=1, batch_size=32, learning_rate=3e-3, schedule="one_cycle", dropout=0.3)
ORDER = [1, 2, 3, 4, 5, 6, 7, 0]


class Expects(nn.Module):
    """A module that wants its input in another way: `prepare` gets it back to pixels in [0, 1]."""

    def __init__(self, trained: Classifier, prepare: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.normalise, self.prepare = trained.module, trained.normalise, prepare

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.normalise(self.prepare(x)))


class Answers(nn.Module):
    """A module whose answers are changed."""

    def __init__(self, inner: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.change = inner, change

    def forward(self, x: Tensor) -> Tensor:
        return self.change(self.inner(x))


class Stubborn(nn.Module):
    """A wrapper that ignores .eval() for layers of one kind."""

    def __init__(self, inner: nn.Module, kind: type[nn.Module]) -> None:
        super().__init__()
        self.inner, self.kind = inner, kind

    def train(self, mode: bool = True) -> Stubborn:
        super().train(mode)
        for layer in self.modules():
            layer.training = layer.training or isinstance(layer, self.kind)
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Case(NamedTuple):
    """A fault, the model and data that have it, and the kind (and the way of feeding) that DAT001 must name; "" for none."""

    name: str
    model: Classifier
    data: Dataset
    kind: str
    feeding: str = ""


def denormalised(mean: tuple[float, ...], std: tuple[float, ...]) -> Callable[[Tensor], Tensor]:
    shape = (1, 3, 1, 1)
    return lambda x: x * x.new_tensor(std).view(shape) + x.new_tensor(mean).view(shape)


def cases(trained: Classifier, data: Dataset) -> list[Case]:
    """The unharmed model, and every fault."""
    own = {"mean": trained.mean, "std": trained.std}

    def wrapped(module: nn.Module, **stated: tuple[float, ...]) -> Classifier:
        return Classifier(module, classes=data.classes, name="model", **stated)

    def expecting(prepare: Callable[[Tensor], Tensor], **stated: tuple[float, ...]) -> Classifier:
        return wrapped(Expects(trained, prepare), **stated)

    caffe = torch.tensor(CAFFE).view(1, 3, 1, 1)
    torch.manual_seed(0)
    untrained = Resnet18Cifar(len(data.classes), RECIPE.width, blocks=RECIPE.blocks)
    feedings = [
        ("not normalised", wrapped(trained.module), "own"),
        ("normalised twice", expecting(lambda x: x, **own), "none"),
        ("ImageNet's statistics not applied", expecting(denormalised(*IMAGENET)), "imagenet"),
        ("CIFAR-10's statistics not applied", expecting(denormalised(*CIFAR)), "cifar"),
        ("(x - .5) / .5 not applied", expecting(lambda x: (x + 1) / 2), "half"),
        ("wants 0 to 255, gets 0 to 1", expecting(lambda x: x / 255), "bytes"),
        ("wants 0 to 1, gets 0 to 255", expecting(lambda x: x, std=(1 / 255,) * 3), "none"),
        ("wants BGR, gets RGB", expecting(lambda x: x.flip(1)), "bgr"),
        ("wants Caffe's input, gets 0 to 1", expecting(lambda x: (x + caffe).flip(1) / 255), "caffe"),
        ("wants inverted colours", expecting(lambda x: 1 - x), "inverted"),
        ("height and width exchanged", expecting(lambda x: x.transpose(2, 3)), "turned"),
    ]
    answers = [
        ("classes in another order", Answers(trained.module, lambda z: z[:, ORDER]), "class order"),
        ("softmax inside", Answers(trained.module, lambda z: z.softmax(1)), "softmaxed"),
        ("dropout stays on", Stubborn(trained.module, nn.Dropout), "training mode"),
        ("batch norm stays in training", Stubborn(trained.module, nn.BatchNorm2d), "training mode"),
        ("random inside", Answers(trained.module, lambda z: z + torch.randn_like(z)), "random"),
        ("looks at its batch", Answers(trained.module, lambda z: z - z.mean(0)), "batch"),
        ("never trained", untrained, "chance"),
    ]
    leaking = ArraySplit("train", data.test.labels, data.test.rows, data.test.images(data.test.rows))
    return [
        Case("nothing", trained, data, ""),
        *(Case(name, model, data, "feeding", way) for name, model, way in feedings),
        *(Case(name, wrapped(module, **own), data, kind) for name, module, kind in answers),
        Case(
            "trained on the test images",
            trained,
            dataclasses.replace(data, splits={**data.splits, "train": leaking}),
            "leak",
        ),
    ]


def drawn(name: SplitName, n: int, seed: int) -> ArraySplit:
    """Noisy stripes whose brightness, tint and direction are the class: each fault of the input touches one of them."""
    random = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % len(CLASSES)
    light, green, steep = labels // 4, labels // 2 % 2, labels % 2
    angle = np.where(steep, np.pi / 3, 0.0)[:, None, None] + random.normal(0, 0.1, (n, 1, 1))
    phase, x, y = random.uniform(0, 2 * np.pi, (n, 1, 1)), np.arange(32)[None, None, :], np.arange(32)[None, :, None]
    stripes = 0.08 * np.sin(0.8 * (np.sin(angle) * x + np.cos(angle) * y) + phase)
    base = np.where(light, 0.42, 0.22) + random.normal(0, 0.035, n)
    tint = 0.06 * np.stack([1 - green, green, 0 * green], 1)
    images = (
        base[:, None, None, None] + tint[:, :, None, None] + stripes[:, None] + random.normal(0, 0.04, (n, 3, 32, 32))
    )
    return ArraySplit(name, labels, np.arange(n, dtype=np.int64), np.rint(255 * images.clip(0, 1)).astype(np.uint8))


def stripes() -> Dataset:
    """The data of all cases."""
    sizes: dict[SplitName, int] = {"train": 800, "validation": 512, "test": 200}
    splits = {name: drawn(name, n, seed) for seed, (name, n) in enumerate(sizes.items())}
    return Dataset("stripes", "stripes", CLASSES, (32, 32), "stripes", splits)


def model(out: Path) -> tuple[Classifier, Dataset]:
    """A small trained model and its data."""
    data = stripes()
    run = flow.train(data, RECIPE, out=out, device="cpu")
    return load_model(run.path, data.classes, name="model"), data


def main() -> None:
    """Print the table, then the cost."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        trained, data = model(Path(folder) / "trained")
        print("| fault | audited | what DAT001 says |\n|---|---|---|")
        for number, case in enumerate(cases(trained, data)):
            out = Path(folder) / str(number)
            told = {"checks": ["DAT001"], "out": out, "device": "cpu"}
            try:
                run, audited = flow.audit(case.model, case.data, **told), "yes"
            except UserError as refused:
                run, audited = flow.audit(case.model, case.data, anyway=True, **told), f"no ({type(refused).__name__})"
            print(f"| {case.name} | {audited} | {run['DAT001'].status}: {run['DAT001'].headline} |")
    cost(trained, data)


def cost(trained: Classifier, data: Dataset) -> None:
    """Seconds and images of the preflight, of the trained model and of untrained ones, where no way of feeding is given up."""
    models = {"trained, width 8, 1 block a stage": trained}
    for width, blocks in ((8, 1), (16, 2)):
        module = ordered(Resnet18Cifar(len(CLASSES), width, blocks=blocks), memory_format(width))
        name = f"untrained, width {width}, {blocks} a stage"
        models[name] = Classifier(module, classes=data.classes, twin=folded(module))
    for name, classifier in models.items():
        speed, started = measure_speed(classifier, data), time.perf_counter()
        trials = try_inputs(classifier, data, seed=0, trained=(None, "data"), progress=silent)
        seconds = time.perf_counter() - started
        asked = 8 + len(trials.rows) + 2 * len(trials.again) + sum(len(one) for one in trials.answers.values())
        print(f"preflight of {name}: {seconds:.2f} s for {asked:,} answers; a forward pass alone {speed:,.0f} images/s")


if __name__ == "__main__":
    main()
