"""What holds for every registered transplant, and for every one that a check asks for."""

from __future__ import annotations

import re

import pytest
import torch

from eyetest.checks import checks
from eyetest.evidence import Swap
from eyetest.transplants import transplants
from eyetest.transplants.base import Batch, Transplant
from eyetest.transplants.cell import grid

ASKED = tuple(
    need.transplant for name in checks.names() for need in checks.get(name)().needs() if isinstance(need, Swap)
)
ALL: dict[str, Transplant] = {
    one.key: one for one in (*ASKED, *grid(8), *(transplants.get(n)() for n in transplants.names()))
}
SIZES = [(32, 32), (33, 40), (64, 64), (96, 96)]
CUT = {"border", "centre"} | {key for key in ALL if key.startswith("cell")}
"""Those that copy whole pixels by place: exact in every respect."""
PASTED = {"background", "object"}
"""Those that fill a hole: the ring of the margin around the object is never kept."""
every = pytest.mark.parametrize("key", sorted(key for key in ALL if not key.startswith("cell8") or key == "cell8_3_5"))


def batch(seed: int, n: int = 4, size: tuple[int, int] = (32, 32)) -> Batch:
    """Noise over a ramp, and one object each, a rectangle in its own place."""
    random = torch.Generator().manual_seed(seed)
    h, w = size
    images = (0.7 * torch.rand(n, 3, h, w, generator=random) + torch.linspace(0, 0.3, w)).clamp(0, 1)
    masks = torch.zeros(n, h, w, dtype=torch.bool)
    for i in range(n):
        top, left = (int(torch.randint(3, side // 2, (1,), generator=random)) for side in size)
        masks[i, top : top + h // 3, left : left + w // 4] = True
    return Batch(images, masks)


def part(whole: Batch, rows: list[int]) -> Batch:
    return Batch(whole.images[rows], whole.masks[rows, 0])


@every
@pytest.mark.parametrize("size", SIZES)
def test_any_size_stays_in_the_unit_range(key, size):
    changed = ALL[key](batch(0, 2, size), batch(1, 2, size))
    assert changed.shape == (2, 3, *size)
    assert changed.dtype == torch.float32
    assert torch.isfinite(changed).all()
    assert changed.min() >= 0
    assert changed.max() <= 1


@every
def test_it_changes_the_image_and_what_it_does_depends_on_the_donor(key):
    base, one, other = batch(0), batch(1), batch(2)
    assert (ALL[key](base, one) != base.images).flatten(1).any(1).all()
    assert (ALL[key](base, one) != ALL[key](base, other)).flatten(1).any(1).all()


@every
def test_pixels_depend_on_the_image_and_its_donor_alone(key):
    base, donor = batch(0), batch(1)
    whole = ALL[key](base, donor)
    alone = ALL[key](part(base, [2]), part(donor, [2]))[0]
    turned = ALL[key](part(base, [3, 1, 0, 2]), part(donor, [3, 1, 0, 2]))
    tolerance = 0 if key in CUT | PASTED else 2e-6  # matrix products and transforms may sum in another order
    assert (alone - whole[2]).abs().max() <= tolerance
    assert (turned - whole[[3, 1, 0, 2]]).abs().max() <= tolerance


@every
def test_neither_image_nor_donor_is_modified_and_the_answer_repeats(key):
    base, donor = batch(0), batch(1)
    before = [x.clone() for x in (base.images, base.masks, donor.images, donor.masks)]
    first = ALL[key](base, donor)
    first.add_(0)  # the result may be written to
    after = (base.images, base.masks, donor.images, donor.masks)
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    assert torch.equal(ALL[key](base, donor), first)
    first.zero_()
    assert torch.equal(base.images, before[0])
    assert torch.equal(donor.images, before[2])


@every
@pytest.mark.parametrize("size", SIZES)
def test_an_image_that_is_its_own_donor_comes_back(key, size):
    same = batch(3, 3, size)
    changed = ALL[key](same, Batch(same.images.clone(), same.masks[:, 0].clone()))
    if key in CUT:
        assert torch.equal(changed, same.images)
    elif key in PASTED:
        ring = (torch.nn.functional.max_pool2d(same.masks.float(), 7, 1, 3) > 0) & ~same.masks
        assert torch.equal(torch.where(ring, 0, changed), torch.where(ring, 0, same.images))
    else:
        assert (changed - same.images).abs().max() < 1e-5  # rounding: float32, sums over at most 9,216 pixels


@every
def test_masks_are_read_only_by_those_that_say_so(key):
    base, donor = batch(0), batch(1)
    bare = [Batch(x.images) for x in (base, donor)]
    if ALL[key].needs_masks:
        with pytest.raises(ValueError, match="needs object masks"):
            ALL[key](*bare)
    else:
        assert torch.equal(ALL[key](*bare), ALL[key](base, donor))


def test_keys_are_unique_and_fit_a_file_name():
    asked = {*ASKED, *grid(4), *grid(8)}
    assert len({one.key for one in asked}) == len(asked)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in ALL)
    assert all(one.words and one.words[0].islower() and not one.words.endswith(".") for one in ALL.values())


def test_only_object_centre_and_the_coarse_band_are_legitimate():
    assert {key for key, one in ALL.items() if one.legitimate} == {"object", "centre", "coarse"}


def test_only_objects_and_backgrounds_need_masks():
    assert {key for key, one in ALL.items() if one.needs_masks} == {"object", "background", "object_colour"}


def test_a_file_of_transplants_is_asked_for_by_some_check():
    assert {transplants.get(name)().key for name in transplants.names()} <= {one.key for one in ASKED}
