"""Experiments on single images: who lends to whom, what is asked, and what is not asked twice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from eyetest.checks.error_causes import ErrorCauses
from eyetest.data.base import Dataset
from eyetest.data.donors import image_donors, lenders
from eyetest.engine.plan import gather, plan
from eyetest.engine.probe import asked, designed, probe_all, probe_key
from eyetest.engine.swap import load_batch
from eyetest.evidence import Predict, Probe, Select
from eyetest.models.classifier import Classifier
from eyetest.provenance import new_record
from eyetest.store import RunDir
from eyetest.transplants.background import Background
from eyetest.transplants.colour import Colour
from eyetest.transplants.fine import Fine
from eyetest.types import Predictions

ARMS = ("predicted", "third", "contender")
NEED = Probe((Colour(), Fine(), Background()), Select.errors(6), ARMS, draws=4)


class Counting(torch.nn.Module):
    """Answers by a fixed random linear map of the mean colour, and counts the images that it sees."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.seen = torch.nn.Linear(3, 3), 0
        self.linear.weight.data *= 30

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += len(images)
        return self.linear(images.mean((2, 3)))


@pytest.fixture
def model(tiny: Dataset) -> Classifier:
    return Classifier(Counting(), classes=tiny.classes)


@pytest.fixture
def known(model: Classifier, tiny: Dataset) -> Predictions:
    images = torch.from_numpy(tiny.test.images(tiny.test.rows)).float() / 255
    return Predictions("test", tiny.test.rows, tiny.test.labels, model.predict(images).numpy())


def test_the_donors_of_an_arm_have_its_class(tiny: Dataset, known: Predictions) -> None:
    rows = tiny.test.rows[:20]
    made = designed(NEED, tiny, known, rows, seed=0)
    assert made.left_out == 0
    assert (made.classes == tiny.validation.labels[made.donors]).all()
    assert (made.classes[0] == known.predicted[rows]).all()
    assert (made.classes[2] == known.contender[rows]).all()
    assert not ((made.classes[1] == known.predicted[rows]) | (made.classes[1] == known.contender[rows])).any()
    assert all(len(set(made.donors[a, :, n])) == 4 for a in range(3) for n in range(20))


def test_donors_depend_on_seed_image_and_draw_alone(tiny: Dataset, known: Predictions) -> None:
    rows = tiny.test.rows[:20]
    made = designed(NEED, tiny, known, rows, seed=0)
    some = designed(NEED, tiny, known, rows[[7, 3]], seed=0)
    assert (some.donors == made.donors[:, :, [7, 3]]).all()
    more = designed(dataclasses.replace(NEED, draws=6), tiny, known, rows, seed=0)
    assert (more.donors[:, :4] == made.donors).all()
    assert (designed(NEED, tiny, known, rows, seed=1).donors != made.donors).any()
    assert len(set(map(bytes, made.donors.transpose(2, 0, 1)))) == 20


def test_several_classes_lend_in_turn_and_small_ones_not_at_all(tiny: Dataset) -> None:
    lent = lenders(tiny.validation, 8)
    donors = image_donors("test-3", (0, 1, 2), lent, seed=0, draws=6)
    assert sorted(np.bincount(tiny.validation.labels[donors]).tolist()) == [2, 2, 2]
    assert lenders(tiny.validation, 1000) == {}


def test_images_without_enough_donors_are_left_out_and_counted(tiny: Dataset, known: Predictions) -> None:
    many = dataclasses.replace(NEED, draws=1000)
    made = designed(many, tiny, known, tiny.test.rows[:5], seed=0)
    assert (len(made.rows), made.left_out) == (0, 5)


def test_each_answer_is_that_of_its_swapped_image(tiny: Dataset, known: Predictions, model: Classifier) -> None:
    made = asked(
        designed(NEED, tiny, known, tiny.test.rows[:5], seed=0), NEED.transplants, model, tiny, lambda done: None
    )
    assert made.cues == ("colour", "fine", "background")
    for c, operator in enumerate(NEED.transplants):
        for a, r, n in np.ndindex(*made.donors.shape):
            base = load_batch(tiny.test, made.rows[n : n + 1], model.device, masked=True)
            donor = load_batch(tiny.validation, made.donors[a, r, n : n + 1], model.device, masked=True)
            chances = model.predict(operator(base, donor)).softmax(1)[0]
            assert made.answers[c, a, r, n] == int(chances.argmax())
            assert made.confidence[c, a, r, n] == pytest.approx(float(chances.max()), abs=1e-5)
    won = [[sum(made.answers[c, 1, :, n] == made.contender[n]) for n in range(5)] for c in range(3)]
    assert made.wins("third").tolist() == won


def test_a_probe_is_written_whole_read_again_and_not_done_twice(
    tiny: Dataset, known: Predictions, model: Classifier, tmp_path: Path
) -> None:
    run = RunDir.begin(tmp_path / "r", new_record("audit", tiny.record(), (), seed=0, device="cpu", config={}))
    run.write_predictions("identity", known)
    work = gather([ErrorCauses(sampled=4, surest=3)])
    said: list[float] = []
    probe_all(run, work, model, tiny, seed=0, progress=lambda what, done, speed: said.append(done))
    assert said == sorted(said)
    assert said[-1] == 1
    seen = model.module.seen
    probe_all(run, work, model, tiny, seed=0, progress=lambda what, done, speed: None)
    assert model.module.seen == seen
    need = work.probes[0]
    cues = tuple(one.key for one in need.transplants)
    back = run.probe(probe_key(need), need.arms, cues)
    assert back is not None
    fresh = asked(
        designed(need, tiny, known, need.select.rows(known, 0), seed=0),
        need.transplants,
        model,
        tiny,
        lambda done: None,
    )
    for name in ("rows", "predicted_class", "contender", "donors", "classes", "answers", "confidence"):
        assert np.array_equal(getattr(back, name), getattr(fresh, name)), name
    assert back.cues == cues
    assert run.probe("nothing", need.arms, cues) is None
    assert len({probe_key(one) for one in work.probes}) == 3


def test_the_plan_counts_every_forward_pass_and_a_budget_narrows_it(tiny: Dataset) -> None:
    check = ErrorCauses()
    planned = {one.what.split(",")[0]: one for one in plan(gather([check]), tiny, 1000.0).passes}
    assert planned["probe errors"].images == 60
    assert planned["probe errors"].seconds == pytest.approx(1.15 * 60 * 7 * 3 * 8 / 1000, abs=0.05)
    assert planned["explain transplant_map"].seconds == pytest.approx(1.15 * 60 * 128 / 1000, abs=0.05)
    narrow = gather([check], {"probes": 32})
    assert [narrow.narrowed(need.select).limit for need in narrow.probes] == [32, 32, 32]
    assert Predict() in narrow.predicts
