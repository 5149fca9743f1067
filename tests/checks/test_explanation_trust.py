"""EXP001 on made-up trials whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest.checks._stamp import reason, trialled, verdict
from eyetest.checks._stamp import stamp as stamp_of
from eyetest.checks.explanation_trust import ExplanationTrust
from eyetest.evidence import Context, Select, Trust, from_mapping
from eyetest.types import TrustTrial

N = 64
CONTEXT = Context(("ant", "bee"), "made up", "fingerprint", 0)


def around(mean: float, seed: int, shape: tuple[int, ...] = (N,), spread: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, spread, shape)


def trial(**changes: np.ndarray) -> TrustTrial:
    """A method without fault, but for the changes."""
    values = {
        "rows": np.arange(N, dtype=np.int64),
        "redrawn": around(0, 1, (5, N)),
        "redrawn_absolute": around(0.1, 2, (5, N)),
        "cascade": around(0, 3, (3, N)),
        "single": around(0.5, 4, (4, N)),
        "faithful": around(0.3, 5),
        "faithful_controls": around(0.1, 6, (3, N)),
        "movable": around(0.3, 7),
        "agreement": around(0.4, 8),
        "agreement_controls": around(0.1, 9, (3, N)),
        "stability": around(0.9, 10, spread=0.02),
        "sensitivity": around(0.2, 11),
        "largest": np.ones(N),
        "incomplete": np.empty(0),
    }
    return TrustTrial(**(values | changes))


def stamp(**changes: np.ndarray) -> str:
    return verdict(trialled(trial(**changes)))


def test_a_map_that_only_a_dot_in_the_middle_beats_may_still_be_right():
    controls = np.stack([around(0.1, 6), around(0.5, 7), around(0.1, 8)])
    tests = trialled(trial(faithful_controls=controls))
    assert next(test for test in tests if test.name == "faithful_centre").outcome == "failed"
    assert verdict(tests) == "cannot tell"
    assert reason(tests) == "names the pixels that the answer hangs on no better than a dot in the middle"


def test_a_method_that_passes_everything_is_trusted():
    assert stamp() == "trust"
    assert stamp(incomplete=np.full(N, 0.5)) == "trust"
    assert stamp(agreement=np.empty(0), agreement_controls=np.empty((3, 0))) == "trust"


@pytest.mark.parametrize(
    ("changes", "expected", "said"),
    [
        ({"redrawn": around(0.95, 1, (5, N))}, "do not trust", "hardly changes"),
        ({"redrawn_absolute": around(0.95, 1, (5, N))}, "do not trust", "hardly changes"),
        ({"redrawn": around(0.5, 1, (5, N))}, "cannot tell", "hardly changes"),
        ({"redrawn": np.empty((0, N)), "redrawn_absolute": np.empty((0, N))}, "cannot tell", "could not be made"),
        ({"faithful": around(0.0, 5)}, "do not trust", "a random map"),
        ({"faithful": around(0.11, 5)}, "cannot tell", "a random map"),
        ({"movable": around(0.01, 7, spread=0.01)}, "do not trust", "hardly hangs on the pixels"),
        (
            {"agreement": around(-0.2, 8)},
            "do not trust",
            "transplant map no better than a random map, a dot in the middle or the outlines",
        ),
        ({"incomplete": np.full(N, 2.0)}, "do not trust", "does not sum"),
        ({"stability": around(0.1, 10)}, "cannot tell", "noise nobody sees"),
        ({"sensitivity": np.ones(N)}, "cannot tell", "same for another class"),
    ],
)
def test_each_fault_is_named(changes, expected, said):
    tests = trialled(trial(**changes))
    assert verdict(tests) == expected
    assert said in reason(tests)


def test_maps_that_know_nothing_are_never_trusted():
    """A control on trial against itself: no difference, so it passes no test against the controls."""
    random = np.random.default_rng(0)
    trusted = 0
    for _ in range(300):
        own = random.normal(0.1, 0.1, N)
        controls = np.stack([random.normal(0.1, 0.1, N) for _ in range(3)])
        trusted += stamp(faithful=own, faithful_controls=controls) == "trust"
    assert trusted <= 3


def test_the_finding_says_what_stands_in_the_way():
    check = ExplanationTrust()
    values = {
        Trust("grad_cam", "predicted", Select.sample(64)): trial(),
        Trust("saliency", "predicted", Select.sample(64)): trial(faithful=around(0.0, 5)),
    }
    finding = check.run(from_mapping("test", CONTEXT, values, check.needs())).finding
    assert finding.status == "concern"
    assert "Trust grad cam maps" in finding.headline
    assert "Do not trust saliency maps" in finding.headline
    assert finding.params == {"stamp.grad_cam-predicted": "trust", "stamp.saliency-predicted": "do not trust"}
    assert finding.estimate("grad_cam-predicted.steady").n == N


def test_many_methods_are_named_by_stamp_and_the_table_says_why():
    methods = ("grad_cam", "layer_cam", "occlusion", "saliency")
    check = ExplanationTrust(tuple((name, "predicted") for name in methods))
    bad = trial(faithful=around(0.0, 5), stability=around(0.1, 10))
    values = {Trust(name, "predicted"): bad if name == "saliency" else trial() for name in methods}
    values[Trust("occlusion", "predicted")] = trial(sensitivity=np.ones(N))
    finding = check.run(from_mapping("test", CONTEXT, values, check.needs())).finding
    assert "4 methods were put to the test on 64 images. Trust maps by grad cam, layer cam." in finding.headline
    assert "Do not trust maps by saliency." in finding.headline
    assert "cannot be told whether to trust maps by occlusion." in finding.headline
    table = finding.blocks[0]
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["grad_cam"]["stamp"] == "trust"
    assert rows["grad_cam"]["such a map"] is None
    assert rows["saliency"]["stamp"] == "do not trust"
    assert "a random map" in rows["saliency"]["such a map"]
    assert rows["occlusion"]["tests passed"] == "9 of 10"
    assert not [block for block in finding.blocks if block.kind == "forest"]


def test_a_stamp_says_what_stands_in_the_way_once():
    assert stamp_of(trial()) == ("trust", "")
    found = stamp_of(trial(faithful=around(0.0, 5)))
    assert found.word == "do not trust"
    wanted = (
        "names the pixels that the answer hangs on no better than a random map, a dot in the middle or the outlines"
    )
    assert found.reason == f"{wanted} of the image"
