"""One training loop for every recipe and every device (Lightning Fabric). It never sees the test split."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, final

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, AdamW, Optimizer

from ..data.base import Dataset, SplitData
from ..data.hashes import pixel_hashes
from ..data.split import stratified_sample
from ..errors import RecipeError
from ..models.ours import Architecture, save_model
from ..models.resnet18_cifar import Resnet18Cifar, memory_format, ordered
from ..records import EpochMetrics, TrainResult
from ..store import TRAINED_ON, RunDir, replacing
from ..types import PixelHashes, Progress, silent
from .augment import augment
from .recipe import Recipe
from .schedule import learning_rate
from .state import TrainingState

EVALUATION_BATCH = 500


@final
@dataclass(frozen=True)
class Resident:
    """A split held on the device as uint8."""

    images: Tensor
    labels: Tensor

    @staticmethod
    def of(split: SplitData, rows: np.ndarray, device: torch.device) -> Resident:
        """These rows of a split."""
        labels = torch.from_numpy(split.labels[rows])
        return Resident(torch.from_numpy(split.images(rows)).to(device), labels.to(device))

    def batches(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images in [0, 1] and labels, in this order."""
        for chosen in torch.split(order, size):
            yield self.images[chosen].float() / 255, self.labels[chosen]


def train_model(
    data: Dataset, recipe: Recipe, run: RunDir, *, seed: int, fabric: Fabric, progress: Progress = silent
) -> TrainResult:
    """Train, resuming at the last whole epoch that the run directory knows; write train/ of the run.

    The epoch is chosen on the validation split (best accuracy, ties to the earlier). Several processes share every
    batch and augment it alike; batch norm reads each process's own share, and the first one's averages are kept.
    Raises RecipeError if the training diverges, or a batch has fewer images than there are processes.
    """
    started = time.perf_counter()
    trainer = Trainer(data, recipe, run, seed, fabric, progress)
    while len(trainer.state.metrics) < recipe.epochs:
        trainer.epoch()
    return trainer.finish(time.perf_counter() - started)


@final
class Trainer:
    """Model, optimizer and resident data of one training run."""

    def __init__(
        self, data: Dataset, recipe: Recipe, run: RunDir, seed: int, fabric: Fabric, progress: Progress
    ) -> None:
        self.recipe, self.run, self.seed, self.fabric, self.progress = recipe, run, seed, fabric, progress
        device, self.order = fabric.device, memory_format(recipe.width)
        if min(recipe.batch_size, len(data.train)) < fabric.world_size:
            raise RecipeError(
                f"A batch of {recipe.batch_size} of {len(data.train)} training images cannot be shared by "
                f"{fabric.world_size} processes; expected at least one image for each. Start fewer, or set a larger batch_size."
            )
        self.train = Resident.of(data.train, data.train.rows, device)
        self.validation = Resident.of(data.validation, data.validation.rows, device)
        sample = stratified_sample(data.train.labels, min(recipe.watched, len(data.train)), seed)
        self.sample = Resident(self.train.images[sample], self.train.labels[sample])
        self.mean, self.std = _statistics(self.train.images)
        self.architecture = Architecture(
            width=recipe.width,
            dropout=recipe.dropout,
            blocks=recipe.blocks,
            classes=data.classes,
            mean=self.mean,
            std=self.std,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module = ordered(self.architecture.build(), self.order)
        optimizer = make_optimizer(self.module, recipe)
        self.model, self.optimizer = fabric.setup(self.module, optimizer)
        self.state = TrainingState.load(run.checkpoint, self.module, optimizer)

    def epoch(self) -> None:
        """Train one epoch, measure, and write the checkpoint."""
        number = len(self.state.metrics) + 1
        started = time.perf_counter()
        loss, rate = self._pass(number)
        elapsed = time.perf_counter() - started
        train_accuracy = float(self._evaluate(self.sample)[1].mean())
        image_loss, correct = self._evaluate(self.validation)
        self._require_finite(number, loss, image_loss)
        metrics = EpochMetrics(
            epoch=number,
            train_loss=loss,
            train_accuracy=train_accuracy,
            validation_loss=float(image_loss.mean(dtype=np.float64)),
            validation_accuracy=float(correct.mean()),
            learning_rate=rate,
            seconds=time.perf_counter() - started,
            images_per_second=len(self.train.labels) / elapsed,
        )
        self._remember(metrics, image_loss, correct)

    def finish(self, seconds: float) -> TrainResult:
        """Write model, validation losses and result; remove the checkpoint."""
        last_accuracy = float(self._evaluate(self.train)[1].mean())
        self.module.load_state_dict(self.state.best)
        chosen_accuracy = float(self._evaluate(self.train)[1].mean())
        metrics, chosen = self.state.metrics, self.state.chosen_epoch
        result = TrainResult(
            recipe=self.recipe.name,
            epochs=len(metrics),
            chosen_epoch=chosen,
            chosen_train_accuracy=chosen_accuracy,
            last_train_accuracy=last_accuracy,
            train_images=len(self.train.labels),
            chosen_validation_accuracy=metrics[chosen - 1].validation_accuracy,
            last_validation_accuracy=metrics[-1].validation_accuracy,
            validation_images=len(self.validation.labels),
            seconds=sum(m.seconds for m in metrics) if len(metrics) else seconds,
        )
        if self.fabric.global_rank == 0:
            self._write(result)
        self.fabric.barrier()
        return result

    def _write(self, result: TrainResult) -> None:
        losses, correct = np.stack(self.state.validation_loss), np.stack(self.state.validation_correct)
        self.run.write_metrics(self.state.metrics)
        self.run.write_history(losses, correct)
        self.run.write_annotation(TRAINED_ON, PixelHashes("train", pixel_hashes(self.train.images.cpu().numpy())))
        with replacing(self.run.model) as temporary:
            save_model(temporary, self.module, self.architecture)
        self.run.write_train_result(result)
        self.run.checkpoint.unlink(missing_ok=True)

    def _pass(self, number: int) -> tuple[float, float]:
        generator = Generator().manual_seed(self.seed * 1_000_003 + number)
        order = torch.randperm(len(self.train.labels), generator=generator)
        torch.manual_seed(self.seed * 1_000_003 + number + 500_000_000 * self.fabric.global_rank)
        size = self.recipe.batch_size
        per_epoch = max(len(order) // size, 1)
        total, started, rate = 0.0, time.perf_counter(), 0.0
        self.model.train()
        for index in range(per_epoch):
            batch = order[index * size : (index + 1) * size].to(self.train.images.device)
            images, labels = next(self.train.batches(batch, size))
            images = augment(images, self.recipe, generator)
            rate = learning_rate(self.recipe, (number - 1) * per_epoch + index, per_epoch * self.recipe.epochs)
            total += self._step(images, labels, rate)
            speed = (index + 1) * size / (time.perf_counter() - started)
            done = (number - 1 + (index + 1) / per_epoch) / self.recipe.epochs
            self.progress(f"train {self.recipe.name}, epoch {number} of {self.recipe.epochs}", done, speed)
        for buffer in self.module.buffers():
            buffer.copy_(self.fabric.broadcast(buffer.cpu()))
        return total / per_epoch, rate

    def _step(self, images: Tensor, labels: Tensor, rate: float) -> float:
        """One step on a batch that all processes share; the loss is that of the whole batch."""
        world, rank = self.fabric.world_size, self.fabric.global_rank
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        mine = self._normalise(images[rank::world].contiguous(memory_format=self.order))
        own = cross_entropy(self.model(mine), labels[rank::world], label_smoothing=self.recipe.label_smoothing)
        # Gradients are averaged over processes, so a smaller share must weigh less.
        loss = own * (len(mine) * world / len(images))
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.optimizer.step()
        return float(cast(Tensor, self.fabric.all_reduce(loss.detach().clone())))

    def _normalise(self, images: Tensor) -> Tensor:
        shape = (1, 3, 1, 1)
        return (images - images.new_tensor(self.mean).view(shape)) / images.new_tensor(self.std).view(shape)

    def _evaluate(self, split: Resident) -> tuple[np.ndarray, np.ndarray]:
        self.module.eval()
        losses, correct = [], []
        order = torch.arange(len(split.labels), device=split.labels.device)
        with torch.inference_mode():
            for images, labels in split.batches(order, EVALUATION_BATCH):
                logits = self.module(self._normalise(images))
                losses.append(cross_entropy(logits, labels, reduction="none").float().cpu().numpy())
                correct.append((logits.argmax(1) == labels).cpu().numpy())
        return np.concatenate(losses), np.concatenate(correct)

    def _require_finite(self, epoch: int, loss: float, image_loss: np.ndarray) -> None:
        if not (np.isfinite(loss) and np.isfinite(image_loss).all()):
            raise RecipeError(
                f"The training diverged: in epoch {epoch} the loss is no finite number at a learning rate of up to "
                f"{self.recipe.learning_rate:g}. Set a smaller one, such as --set learning_rate={self.recipe.learning_rate / 10:g}."
            )

    def _remember(self, metrics: EpochMetrics, losses: np.ndarray, correct: np.ndarray) -> None:
        self.state.metrics.append(metrics)
        self.state.validation_loss.append(losses)
        self.state.validation_correct.append(correct)
        if self.state.chosen_epoch == metrics.epoch:
            self.state.best = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}
        if self.fabric.global_rank == 0:
            self.state.save(self.run.checkpoint, self.module, self.optimizer.optimizer)
            self.run.write_metrics(self.state.metrics)
        self.fabric.barrier()


def make_optimizer(module: Resnet18Cifar | nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimizer; weight decay spares biases and batch-norm."""
    decayed = [p for p in module.parameters() if p.ndim > 1]
    spared = [p for p in module.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    match recipe.optimizer:
        case "adam":
            return Adam(groups, lr=recipe.learning_rate)
        case "adamw":
            return AdamW(groups, lr=recipe.learning_rate)
        case "sgd":
            return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)


def _statistics(images: Tensor) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    values = images.float() if len(images) <= EVALUATION_BATCH else images[:: max(len(images) // 5000, 1)].float()
    mean, std = values.mean((0, 2, 3)) / 255, values.std((0, 2, 3)) / 255
    first, second = mean.tolist(), std.clamp(min=1e-3).tolist()
    return (first[0], first[1], first[2]), (second[0], second[1], second[2])
