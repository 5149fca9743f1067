"""Planted data: the cue is where it says, as strong as it says, and nothing else tells the class."""

from __future__ import annotations

import numpy as np
import pytest

from eyetest.data.planted import CUES, FRAME, PlantedSpec, _hue, coverage, planted, scene
from eyetest.errors import DataError

SMALL = {"train": 1, "validation": 1}
GLOBAL = ("colour", "frequency")
"""Cues that lie over the object too."""


def made(*cues, test=60, noise=0.0, **more):
    return planted(PlantedSpec(cues=cues, test=test, noise=noise, **SMALL, **more)).test


def patch_class(images: np.ndarray, classes: int = 6) -> np.ndarray:
    """The class that the corner patch shows, read off the pixels."""
    colours = np.stack([_hue(c / classes) for c in range(classes)])
    seen = images[:, :, :4, :4].mean((2, 3)) / 255
    distance = np.abs(seen[:, None] - colours).sum(2)
    assert (distance.min(1) < 0.01).all()
    return distance.argmin(1)


def test_every_class_covers_the_same_area():
    scenes = [scene(PlantedSpec(), "test", row) for row in range(480)]
    area = np.array([(coverage(one) >= 0.5).sum() for one in scenes])
    ratio = area / np.array([one.area for one in scenes])
    label = np.array([one.label for one in scenes])
    assert [ratio[label == c].mean() for c in range(6)] == pytest.approx([1] * 6, abs=0.03)
    means = [area[label == c].mean() for c in range(6)]  # 80 each, standard error 1.8 of 117
    assert max(means) / min(means) < 1.08


def test_objects_stay_out_of_the_frame_and_inside_the_image():
    for row in range(480):
        cover = coverage(scene(PlantedSpec(), "validation", row))
        outside = np.pad(np.zeros((32 - 2 * FRAME,) * 2, dtype=bool), FRAME, constant_values=True)
        assert not cover[outside].any(), row
        assert cover.sum() > 80, row


def test_masks_are_where_the_object_covers_half_a_pixel():
    test = made("patch")
    masks = test.masks(test.rows)
    for row in (0, 7, 59):
        assert (masks[row] == (coverage(scene(test.spec, "test", row)) >= 0.5)).all()
    assert (test.arranged("conflicting").masks(test.rows) == masks).all()
    assert test.masks(np.empty(0, dtype=np.int64)).shape == (0, 32, 32)


@pytest.mark.parametrize("cue", CUES)
@pytest.mark.parametrize("strength", [0.0, 1 / 6, 0.5, 1.0])
def test_each_cue_is_right_as_often_as_its_strength_says_and_else_any_other_class(cue, strength):
    n = 600
    test = made(cue, test=n, strength=strength)
    shown = test.metadata[f"cue_{cue}"]
    right = (shown == test.labels).mean()
    assert right == pytest.approx(strength, abs=1e-9 if strength in (0.0, 1.0) else 4 * (0.25 / n) ** 0.5)
    away = np.bincount((shown - test.labels)[shown != test.labels] % 6, minlength=6)[1:]
    expected = max(n * (1 - right) / 5, 1e-9)
    assert np.abs(away - expected).max() <= 4 * expected**0.5


def test_several_cues_are_wrong_independently():
    test = made("background", "patch", test=1500, strength=0.5)
    both = np.mean((test.metadata["cue_background"] == test.labels) & (test.metadata["cue_patch"] == test.labels))
    assert both == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 1500) ** 0.5)


def test_the_pixels_show_what_the_truth_says():
    test = made("patch", strength=0.5)
    assert (patch_class(test.images(test.rows)) == test.metadata["cue_patch"]).all()


@pytest.mark.parametrize(("arrangement", "right"), [("aligned", 1.0), ("conflicting", 0.0)])
def test_aligned_is_always_right_and_conflicting_never(arrangement, right):
    test = made("patch", strength=0.5).arranged(arrangement)
    assert (patch_class(test.images(test.rows)) == test.labels).mean() == right


def test_conflicting_goes_round_all_other_classes():
    test = made("patch", test=600).arranged("conflicting")
    away = np.bincount((patch_class(test.images(test.rows)) - test.labels) % 6, minlength=6)
    assert away[0] == 0
    assert np.abs(away[1:] - 120).max() <= 4 * 120**0.5


def test_cue_free_is_no_class_of_its_own_and_of_equal_strength():
    natural = made("patch")
    free = natural.arranged("cue_free").images(natural.rows)[:, :, 0, 0] / 255
    hues = np.stack([_hue(c / 6) for c in range(6)])
    nearest = np.abs(free[:, None] - hues).sum(2).min(1)
    assert (nearest > 0.02).mean() > 0.8
    assert free.mean() == pytest.approx(hues.mean(), abs=0.02)


@pytest.mark.parametrize("cue", CUES)
def test_only_the_cue_moves_and_the_object_stays_where_it_is(cue):
    test = made(cue, test=24, strength=0.5)
    natural, moved = (x.images(test.rows).astype(int) for x in (test, test.arranged("conflicting", cue)))
    changed = (natural != moved).any(1)
    cover = np.stack([coverage(scene(test.spec, "test", row)) for row in range(24)])
    assert changed.any((1, 2)).mean() > 0.3
    if cue == "object_colour":
        assert not changed[cover == 0].any()
    if cue == "background":
        assert not changed[cover == 1].any()
    if cue == "patch":
        assert not changed[:, 4:].any()
        assert not changed[:, :, 4:].any()
    if cue in GLOBAL:
        assert changed[cover == 1].any()


def test_one_of_two_cues_is_moved_alone():
    test = made("background", "patch", strength=0.5)
    moved = test.arranged("aligned", "background")
    assert (patch_class(moved.images(test.rows)) == test.metadata["cue_patch"]).all()
    both = test.arranged("aligned")
    assert (patch_class(both.images(test.rows)) == test.labels).all()


@pytest.mark.parametrize("cue", CUES)
def test_cue_only_has_no_object(cue):
    test = made(cue, test=12)
    for row, image in enumerate(test.arranged("cue_only").images(test.rows)):
        mask = test.masks(test.rows)[row]
        if cue in ("patch", "colour", "object_colour"):
            rest = image[:, 4:] if cue == "patch" else image
            assert len(np.unique(rest.reshape(3, -1), axis=1).T) == 1
        else:
            inside, outside = image[:, mask].astype(float), image[:, ~mask].astype(float)
            assert inside.mean(1) == pytest.approx(outside.mean(1), abs=40)
    assert (test.arranged("cue_only").images(test.rows) != test.images(test.rows)).any()


def test_equal_seeds_give_the_same_objects_whatever_is_planted():
    one, other = made("patch", strength=0.9), made("background", strength=0.2)
    assert (one.masks(one.rows) == other.masks(other.rows)).all()
    assert (one.masks(one.rows) != made("patch", seed=1).masks(one.rows)).any()


def test_noise_and_strength_and_cue_change_the_pixels():
    rows = np.arange(20)
    plain = made("patch").images(rows)
    for other in (made("patch", noise=0.1), made("patch", strength=0.1), made("colour"), made()):
        assert (other.images(rows) != plain).any()


@pytest.mark.parametrize("bad", [{"classes": 1}, {"classes": 7}, {"strength": 1.1}, {"test": 0}])
def test_a_spec_that_makes_no_sense_is_refused(bad):
    with pytest.raises(DataError, match="planted:background"):
        PlantedSpec(**bad)
