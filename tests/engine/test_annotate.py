from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from eyetest import flow
from eyetest.checks.base import Check
from eyetest.evidence import Embed, Evidence, Need, Vote
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.outcome import Outcome
from eyetest.types import Features


@final
@dataclass(frozen=True)
class Reads(Check):
    """Says how many features there are, and asks for votes that planted data does not have."""

    code: ClassVar[str] = "XXX001"
    title: ClassVar[str] = "Reads"
    question: ClassVar[str] = "Are they there?"
    limits: ClassVar[tuple[str, ...]] = ("Nothing.",)
    votes: bool = False

    def needs(self) -> Iterable[Need[Any]]:
        return (Embed(), Embed("validation"), Vote())

    def run(self, evidence: Evidence) -> Outcome:
        found = [evidence[Embed()], evidence[Embed("validation")]]
        if self.votes:
            evidence[Vote()]
        return Outcome(self.finding("reads", "ok", " ".join(str(one.values.shape) for one in found)))


def test_features_come_with_the_predictions_of_each_split(tiny, tmp_path):
    classifier = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=tiny.classes)
    run = flow.audit(classifier, tiny, checks=[Reads()], out=tmp_path / "run")
    assert run["XXX001"].headline == "(60, 32) (60, 32)"
    features = run.annotation("features-test", Features)
    assert np.array_equal(features.rows, run.predictions("identity", "test").rows)


def test_what_the_data_does_not_know_is_not_applicable(tiny, tmp_path):
    classifier = Classifier(Resnet18Cifar(3, width=4, blocks=1), classes=tiny.classes)
    run = flow.audit(classifier, tiny, checks=[Reads(votes=True)], out=tmp_path / "run")
    assert run["XXX001"].status == "not_applicable"
    assert "no counts of what people called" in run["XXX001"].headline
