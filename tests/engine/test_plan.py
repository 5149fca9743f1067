from __future__ import annotations

import pytest

from eyetest.checks.accuracy import Accuracy
from eyetest.checks.base import Check
from eyetest.checks.generalisation_gap import GeneralisationGap
from eyetest.data.base import Dataset
from eyetest.data.planted import PlantedSpec, planted
from eyetest.engine.plan import gather, plan, within
from eyetest.evidence import Predict
from eyetest.flow import find_checks


@pytest.fixture(scope="module")
def data() -> Dataset:
    return planted(PlantedSpec(classes=2, train=4000, validation=1000, test=2000))


def test_each_pass_is_planned_once_however_many_checks_want_it(data):
    work = gather(find_checks())
    assert len(set(work.predicts)) == len(work.predicts) == 3 + 15
    assert len(work.explains) == 8
    assert len(work.trusts) == 2
    assert len(set(work.probes)) == len(work.probes) == 3
    planned = plan(work, data, 1000.0)
    assert [one.images for one in planned.passes[:1]] == [2000]
    assert planned.seconds == pytest.approx(sum(one.seconds for one in planned.passes), abs=0.01)


def test_a_budget_gives_up_training_images_first_and_says_the_precision(data):
    checks: tuple[Check, ...] = (Accuracy(), GeneralisationGap())
    free = within(checks, data, 1000.0, None)
    assert free.limit(Predict()) is None
    some = within(checks, data, 1000.0, 5.0)
    assert plan(some, data, 1000.0).seconds <= 5
    assert some.limit(Predict()) is None
    assert some.limit(Predict(split="train")) < 4000
    least = within(checks, data, 1000.0, 0.01)
    assert least.limit(Predict()) == 200
    assert "±6.9 points" in plan(least, data, 1000.0).note
    assert least.key(Predict()) == "identity@test-200"
