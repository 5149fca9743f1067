"""The maps' part of the exam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from eyetest.data.planted import PlantedSpec, PlantedSplit, planted
from eyetest.exam import maps
from eyetest.exam.maps import MapCandidate, map_candidates, score, sit_maps


def answer(kind: str, stamp: str, mass: float, dot: float, control: str = "do not trust") -> dict[str, Any]:
    columns = {"mass": [mass, mass + 0.01], "mass_dot": [dot, dot], "hit": [1.0, 1.0], "hit_dot": [0.0, 0.0]}
    told = {"stamp": control, "reason": "knows nothing"}
    return {
        "kind": kind,
        "follows": True,
        "methods": {"grad_cam": {"stamp": stamp, "reason": ""} | columns, "edges": told, "noise": told},
    }


def test_a_trusted_map_that_points_below_the_dot_is_seen():
    assert score([answer("patch", "trust", 0.5, 0.1)])["trusted_maps_above_the_dot"]
    assert not score([answer("patch", "trust", 0.1, 0.5)])["trusted_maps_above_the_dot"]
    assert score([answer("patch", "cannot tell", 0.1, 0.5)])["trusted_maps_above_the_dot"]


def test_a_trusted_control_is_counted():
    assert score([answer("patch", "trust", 0.5, 0.1)])["trusted_controls"] == 0
    assert score([answer("patch", "trust", 0.5, 0.1, control="trust")])["trusted_controls"] == 2


def test_a_model_that_does_not_do_what_its_kind_says_is_left_out():
    out = answer("patch", "trust", 0.1, 0.5) | {"follows": False}
    found = score([out, answer("patch", "trust", 0.5, 0.1)])
    assert found["excluded"] == 1
    assert found["trusted_maps_above_the_dot"]


def test_hits_are_about_the_strongest_cell():
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[:, :2, :2] = True
    grids = torch.zeros(2, 4, 4)
    grids[0, 0, 0] = 1
    grids[1, 3, 3] = 1
    assert maps._hits(grids, masks).tolist() == [1, 0]
    assert maps._hits(torch.ones(1, 4, 4), masks[:1]).tolist() == [1 / 16]


def test_the_followed_class_is_the_one_that_is_drawn():
    data = planted(PlantedSpec(cues=("patch",), strength=1.0, classes=3, train=30, validation=30, test=30))
    test = data.test
    assert isinstance(test, PlantedSplit)
    conflicting = test.arranged("conflicting")
    for row in range(5):
        pointed = maps._pointed(conflicting, row, "patch")
        assert pointed != test.labels[row]
        same = next(r for r in range(30) if test.labels[r] == pointed)
        corner = [split.images(np.array([r]))[0, :, 1, 1] for split, r in ((conflicting, row), (test, same))]
        assert np.abs(corner[0].astype(int) - corner[1]).max() < 40


def test_the_quick_exam_asks_fewer():
    assert len(map_candidates(quick=True)) == 2
    assert {one.kind for one in map_candidates(quick=False)} == {"patch", "background", "object", "untrained"}


@pytest.mark.slow
def test_an_untrained_model_is_never_trusted(tmp_path):
    found = sit_maps(MapCandidate("untrained", 0, ("grad_cam", "saliency")), tmp_path)
    assert {one["stamp"] for one in found["methods"].values()} == {"do not trust"}
    assert sit_maps(MapCandidate("untrained", 0, ("grad_cam", "saliency")), tmp_path) == found
