"""Stamps on the maps of galleries, and which trials a study makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyetest.checks._stamp import Stamp
from eyetest.checks.accuracy import Accuracy
from eyetest.checks.explanation_trust import ExplanationTrust
from eyetest.comparison import Side
from eyetest.comparison.cards import maps_of
from eyetest.data.base import Dataset
from eyetest.data.planted import PlantedSpec, planted
from eyetest.engine.plan import MAPS_ON_TRIAL, REMOVALS_ON_TRIAL, gather, plan
from eyetest.engine.stamps import found_stamps, stamped
from eyetest.engine.trust import trust_all
from eyetest.errors import UnknownName, UserError
from eyetest.evidence import Trust
from eyetest.explain import explainers
from eyetest.flow import find_checks, stamping
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.records import Card, Finding, Gallery, MapPicture, Note
from eyetest.store import RunDir
from eyetest.types import Predictions


def picture(method: str, target: str) -> MapPicture:
    return MapPicture(method=method, target=target, class_name="a", low=0, high=1, own_maximum=1, file="x.png")


def test_only_the_target_that_was_tried_is_stamped() -> None:
    maps = (picture("saliency", "predicted"), picture("saliency", "label"), picture("grad_cam", "predicted"))
    card = Card(id="test-0", truth="a", predicted="b", confidence=1, image="i.png", maps=maps)
    blocks = (Gallery(title="g", total=1, cards=(card,)), Note(text="n"))
    finding = Finding(
        code="X", name="x", title="t", question="q?", status="ok", headline="h", blocks=blocks, limits=("l",)
    )
    found = stamped(finding, {("saliency", "predicted"): Stamp("do not trust", "is blind")})
    assert [(one.stamp, one.stamp_reason) for one in found.blocks[0].cards[0].maps] == [
        ("do not trust", "is blind"),
        ("", ""),
        ("", ""),
    ]
    assert found.blocks[1] == blocks[1]
    assert stamped(finding, {}) == finding


def test_a_comparison_shows_the_stamp_that_each_audit_gave() -> None:
    maps = (picture("grad_cam", "predicted").model_copy(update={"stamp": "do not trust", "stamp_reason": "is blind"}),)
    card = Card(id="test-0", truth="a", predicted="b", confidence=1, image="i.png", maps=maps)
    blocks = (Gallery(title="g", total=1, cards=(card,)),)
    finding = Finding(
        code="X", name="x", title="t", question="q?", status="ok", headline="h", blocks=blocks, limits=("l",)
    )
    logits = np.array([[1.0, 0], [0, 1]], dtype=np.float32)
    predictions = Predictions("test", np.arange(2), np.zeros(2, dtype=np.int64), logits)
    side = Side("one", "f", {"FAIL001": finding}, {}, predictions, {1: 0.5})
    (shown,) = maps_of(side, 1, ("a", "b"), "images/")
    assert (shown.stamp, shown.stamp_reason, shown.own_maximum) == ("do not trust", "is blind", 0.5)


def test_all_methods_are_put_to_the_test_when_all_are_asked() -> None:
    (chosen,) = stamping([ExplanationTrust()], ["all"])
    assert chosen.methods == tuple((name, "predicted") for name in explainers.names())
    (chosen,) = stamping([ExplanationTrust()], ["occlusion", "occlusion", "rise"])
    assert chosen.methods == (("occlusion", "predicted"), ("rise", "predicted"))
    assert stamping([ExplanationTrust()], []) == (ExplanationTrust(),)
    assert stamping(find_checks(["explanation_trust", "accuracy"]), ["all"])[0] == Accuracy()


def test_a_stamp_that_nothing_would_give_is_refused() -> None:
    with pytest.raises(UserError, match="EXP001"):
        stamping([Accuracy()], ["saliency"])
    with pytest.raises(UnknownName, match="saliency"):
        stamping([ExplanationTrust()], ["salency"])


def test_the_plan_counts_the_passes_of_every_trial(tiny: Dataset) -> None:
    work = gather(stamping([ExplanationTrust()], ["transplant_map", "occlusion"]))
    trials = [one for one in plan(work, tiny, 100.0).passes if one.what.startswith("put ")]
    costs = [2 * 4 * 16, 50]
    wanted = [round(1.15 * 60 * (MAPS_ON_TRIAL * cost + REMOVALS_ON_TRIAL) / 100, 1) for cost in costs]
    assert [one.seconds for one in trials] == wanted


def test_two_classes_have_no_third_for_the_transplant_map(tmp_path) -> None:
    data = planted(PlantedSpec(classes=2, train=40, validation=40, test=10))
    classifier = Classifier(Resnet18Cifar(2, width=4, blocks=1), classes=data.classes)
    work, run = gather(stamping([ExplanationTrust()], ["transplant_map"])), RunDir(tmp_path)
    torch.manual_seed(0)
    trust_all(run, work, classifier, data, seed=0, progress=lambda *_: None)
    assert found_stamps(run, [Trust("transplant_map", "predicted")]) == {}
