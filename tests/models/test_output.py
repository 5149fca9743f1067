"""Whatever a model returns becomes one logit a class, or the error says what came."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from eyetest.errors import MissingEvidence, ModelError
from eyetest.models.classifier import Classifier
from eyetest.tensors import LogitTarget

Named = namedtuple("Named", ("logits", "aux"))


class Answers(nn.Module):
    """Puts the mean of each channel, or of the first, into what `wrap` makes."""

    def __init__(self, wrap: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.wrap = wrap

    def forward(self, x: torch.Tensor) -> Any:
        return self.wrap(x.mean((2, 3)))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda z: z,
        lambda z: {"logits": z, "loss": None},
        lambda z: Named(z, z[:1]),
        lambda z: (z,),
        lambda z: [z[:, :1], z],
        lambda z: z.double(),
    ],
)
def test_logits_are_read_wherever_they_are(wrap):
    images = torch.rand(4, 3, 8, 8)
    logits = Classifier(Answers(wrap), classes=("a", "b", "c")).predict(images)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, images.mean((2, 3)), atol=1e-6)


@pytest.mark.parametrize(
    ("wrap", "came"),
    [
        (lambda z: z[:, :2], r"answered \(4, 2\)"),
        (lambda z: {"scores": z, "boxes": z}, "a dict with scores, boxes"),
        (lambda z: (z, z), r"a tuple of \(\(4, 3\), \(4, 3\)\)"),
        (lambda z: "cat", "answered a str"),
        (lambda z: z[:, :1], r"answered \(4, 1\)"),
    ],
)
def test_anything_else_is_named(wrap, came):
    with pytest.raises(ModelError, match=came):
        Classifier(Answers(wrap), classes=("a", "b", "c")).predict(torch.rand(4, 3, 8, 8))


@pytest.mark.parametrize("wrap", [lambda z: z[:, 0], lambda z: z[:, :1], lambda z: {"logits": z[:, :1]}])
def test_a_single_logit_is_a_model_of_two_classes(wrap):
    classifier = Classifier(Answers(wrap), classes=("no", "yes"), mean=(0.5, 0.5, 0.5))
    images = torch.rand(4, 3, 8, 8)
    probabilities = classifier.predict(images).softmax(1)
    assert torch.allclose(probabilities[:, 1], (images[:, 0].mean((1, 2)) - 0.5).sigmoid(), atol=1e-6)
    no, yes = (classifier.pixel_gradient(images, LogitTarget(torch.full((4,), k))) for k in range(2))
    assert yes[:, 0].min() > 0
    assert torch.equal(no, -yes)


def test_images_of_another_size_are_resized_and_gradients_come_back_at_their_size():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    classifier = Classifier(net, classes=("a", "b"), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), input_size=(4, 4))
    images, classes = torch.rand(3, 3, 16, 16), torch.tensor([0, 1, 1])
    blocks = nn.functional.interpolate(images, (4, 4), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in (classifier.mean, classifier.std))
    assert torch.allclose(classifier.predict(images), net((blocks - mean) / std), atol=1e-6)
    target = LogitTarget(classes)
    gradient = classifier.pixel_gradient(images, target)
    assert gradient.shape == images.shape
    step = 1e-2 * torch.randn_like(images)
    ends = [float(target.of(classifier.predict(images + sign * step)).sum()) for sign in (1, -1)]
    assert ends[0] - ends[1] == pytest.approx(float(2 * (gradient * step).sum()), rel=1e-2)


def test_a_model_that_passes_no_gradient_has_no_gradient_map():
    classifier = Classifier(Answers(lambda z: z.detach()), classes=("a", "b", "c"))
    with pytest.raises(MissingEvidence, match="no gradient"):
        classifier.pixel_gradient(torch.rand(1, 3, 8, 8), LogitTarget(torch.tensor([0])))


def test_features_are_only_those_that_make_the_logits():
    class Squeeze(nn.Module):
        """A linear layer that gates the channels; the head is a convolution."""

        def __init__(self) -> None:
            super().__init__()
            self.gate, self.head = nn.Linear(3, 3), nn.Conv2d(3, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x * self.gate(x.mean((2, 3)))[:, :, None, None]).mean((2, 3))

    _, features = Classifier(Squeeze(), classes=("a", "b")).predict_with_features(torch.rand(4, 3, 8, 8))
    assert features is None
