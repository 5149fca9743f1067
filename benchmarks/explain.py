"""What maps cost, beside pytorch-grad-cam, torchcam and captum in the same process; prints RATIO lines.

.venv-extras/bin/python benchmarks/explain.py [--quick]

`ours` is the model as eyetest loads its own (channels last, batch norms folded into a twin), `bare` is eyetest with the
same module as a user may give it and as the peers get it. A ratio is the peer's seconds by ours, median over rounds.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from captum import attr
from pytorch_grad_cam import GradCAM as PytorchGradCam
from torch import Tensor
from torch.nn.functional import interpolate
from torchcam.methods import GradCAM as TorchCam

from eyetest.explain.grad_cam import GradCam
from eyetest.explain.integrated_gradients import integrated
from eyetest.explain.saliency import Saliency
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar, folded, memory_format, ordered
from eyetest.tensors import LogitTarget

Works = Mapping[str, Callable[[], object]]
SIZE, STEPS = (32, 32), 32
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Bench:
    """A random ResNet-18 of one width and one batch of noise, for eyetest and for the peers."""

    def __init__(self, width: int, images: int) -> None:
        torch.manual_seed(0)
        self.module = Resnet18Cifar(10, width).eval()
        self.images = torch.rand(images, 3, *SIZE)
        self.black = torch.zeros_like(self.images)
        last = ordered(copy.deepcopy(self.module), memory_format(width))
        wrap = partial(Classifier, classes=tuple("abcdefghij"), mean=MEAN, std=STD)
        self.classifiers = {"ours": wrap(last, twin=folded(last)), "bare": wrap(copy.deepcopy(self.module))}
        self.fed = self.classifiers["bare"].normalise(self.images)
        self.fed_black = self.classifiers["bare"].normalise(self.black)
        self.classes = self.classifiers["bare"].predict(self.images).argmax(1)
        self.target = LogitTarget(self.classes)

    def eyetest(self, call: Callable[[Classifier], object], name: str = "") -> dict[str, Callable[[], object]]:
        """The call for both classifiers."""
        return {f"{key}{name}": partial(call, classifier) for key, classifier in self.classifiers.items()}

    def grad_cam(self, layer: str) -> Works:
        """From pixels to maps of image size, the target chosen from the logits."""
        return {
            **self.eyetest(lambda one: one.predict(self.images), " forward"),
            **self.eyetest(lambda one: GradCam(layer)(one, self.images, LogitTarget())),
            "pytorch-grad-cam": partial(self._pytorch_grad_cam, layer),
            "torchcam": partial(self._torchcam, layer),
            "captum": partial(self._layer_grad_cam, layer),
        }

    def saliency(self) -> Works:
        """Of known classes."""
        method = attr.Saliency(self.module)
        return {
            **self.eyetest(lambda one: Saliency()(one, self.images, self.target)),
            "captum": lambda: method.attribute(self.fed.clone(), target=self.classes).amax(1),
        }

    def integrated_gradients(self) -> Works:
        """Of known classes, with a fixed number of steps."""
        return {
            **self.eyetest(lambda one: integrated(one, self.images, self.black, self.target, STEPS)),
            "captum": partial(self._integrated, None),
            "captum in chunks": partial(self._integrated, 256),
        }

    def _pytorch_grad_cam(self, layer: str) -> np.ndarray:
        with PytorchGradCam(model=self.module, target_layers=[self.module.get_submodule(layer)]) as method:
            return method(self.fed, targets=None)

    def _torchcam(self, layer: str) -> Tensor:
        with TorchCam(self.module, layer) as method:
            logits = self.module(self.fed)
            (maps,) = method(logits.argmax(1).tolist(), logits)
        return interpolate(maps[:, None], SIZE, mode="bilinear")[:, 0]

    def _layer_grad_cam(self, layer: str) -> Tensor:
        with torch.no_grad():
            classes = self.module(self.fed).argmax(1)
        maps = attr.LayerGradCam(self.module, self.module.get_submodule(layer)).attribute(self.fed, target=classes)
        return attr.LayerAttribution.interpolate(maps, SIZE, interpolate_mode="bilinear")

    def _integrated(self, chunk: int | None) -> Tensor:
        method = attr.IntegratedGradients(self.module)
        return method.attribute(
            self.fed, baselines=self.fed_black, target=self.classes, n_steps=STEPS, internal_batch_size=chunk
        ).sum(1)


def seconds(work: Callable[[], object]) -> float:
    """Wall clock of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def timed(works: Works, rounds: int, images: int) -> dict[str, list[float]]:
    """Seconds of each work in each round, after one call to warm up; every round begins with another work."""
    names = list(works)
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in names}
    for start in range(rounds):
        for name in (names[(start + place) % len(names)] for place in range(len(names))):
            times[name].append(seconds(works[name]))
    for name, spent in times.items():
        print(f"  {name:18s} {images / statistics.median(spent):8.1f} img/s")
    return times


def ratio(times: Mapping[str, list[float]], by: str, *peers: str) -> float:
    """The fastest peer's seconds by those of `by`, in the same round; median over rounds."""
    return statistics.median(
        min(others) / own for own, *others in zip(times[by], *(times[p] for p in peers), strict=True)
    )


def peak(work: Callable[[], object]) -> float:
    """MiB that the work takes on top of what is held before it; NaN where the system does not tell (Linux with glibc does)."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        RESET.write_text("5")
        before = _status("VmRSS")
        work()
        return (_status("VmHWM") - before) / 1024
    except OSError:
        return float("nan")


def _status(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def grad_cam(bench: Bench, layer: str, rounds: int) -> dict[str, float]:
    """Grad-CAM beside a forward pass of the same classifier and beside the peers."""
    times = timed(bench.grad_cam(layer), rounds, len(bench.images))
    found = {}
    for name in bench.classifiers:
        found[f"grad_cam_{layer}.{name}.forward_only"] = ratio(times, name, f"{name} forward")
        found[f"grad_cam_{layer}.{name}.pytorch_grad_cam"] = ratio(times, name, "pytorch-grad-cam")
        found[f"grad_cam_{layer}.{name}.best_peer"] = ratio(times, name, "pytorch-grad-cam", "torchcam", "captum")
    return found


def saliency(bench: Bench, rounds: int) -> dict[str, float]:
    """Saliency beside captum's."""
    times = timed(bench.saliency(), rounds, len(bench.images))
    return {f"saliency.{name}.captum": ratio(times, name, "captum") for name in bench.classifiers}


def integrated_gradients(bench: Bench, rounds: int) -> dict[str, float]:
    """Integrated gradients beside captum's, in time and in memory."""
    works = bench.integrated_gradients()
    times = timed(works, rounds, len(bench.images))
    memory = {name: peak(work) for name, work in works.items()}
    print("  peak memory: " + ", ".join(f"{name} {one:.0f} MiB" for name, one in memory.items()))
    found = {}
    for name in bench.classifiers:
        found[f"integrated_gradients.{name}.captum"] = ratio(times, name, "captum")
        found[f"integrated_gradients.{name}.captum_in_chunks"] = ratio(times, name, "captum in chunks")
        found[f"integrated_gradients.{name}.memory"] = memory["captum"] / memory[name]
    return found


def main() -> None:
    """Time all in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Grad-CAM at width 16 with 32 images; fewer rounds")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    found: dict[str, float] = {}
    large = Bench(16, 32) if quick else Bench(64, 256)
    for layer in ("layer4", "layer3"):
        print(f"Grad-CAM of {layer}, {'width 16, 32' if quick else 'width 64, 256'} images")
        found |= grad_cam(large, layer, 7)
    small = Bench(16, 32)
    print("saliency, width 16, 32 images")
    found |= saliency(small, 7 if quick else 21)
    print(f"integrated gradients, {STEPS} steps, width 16, 32 images")
    found |= integrated_gradients(small, 2 if quick else 7)
    for name, value in found.items():
        print(f"RATIO {name} {value:.3f}")


if __name__ == "__main__":
    main()
