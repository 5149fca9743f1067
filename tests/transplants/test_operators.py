"""Each operator against a slow, obvious re-implementation, and against what it must never let through."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation, gaussian_filter1d

from eyetest.tensors import scaled
from eyetest.transplants._infill import infill
from eyetest.transplants.amplitude import Amplitude
from eyetest.transplants.background import Background
from eyetest.transplants.base import Batch
from eyetest.transplants.border import Border
from eyetest.transplants.cell import grid
from eyetest.transplants.centre import Centre
from eyetest.transplants.coarse import Coarse
from eyetest.transplants.colour import Colour
from eyetest.transplants.fine import Fine
from eyetest.transplants.middle import Middle
from eyetest.transplants.object import Object
from eyetest.transplants.object_colour import ObjectColour
from eyetest.transplants.patch_statistics import PatchStatistics

LUMA = np.array([0.299, 0.587, 0.114])
ROUNDING = 2e-6
"""float32 sums of about a thousand values below 1."""


def images(
    seed: int, low: float = 0.0, high: float = 1.0, size: tuple[int, int] = (32, 32), n: int = 2
) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(n, 3, *size, generator=random)


def rectangle(
    top: int, left: int, height: int, width: int, size: tuple[int, int] = (32, 32), n: int = 2
) -> torch.Tensor:
    masks = torch.zeros(n, *size, dtype=torch.bool)
    masks[:, top : top + height, left : left + width] = True
    return masks


def chroma(image: np.ndarray) -> np.ndarray:
    luma = np.tensordot(LUMA, image, 1)
    return np.stack([image[0] - luma, image[2] - luma])


# colour


def test_colour_keeps_luma_and_spread_and_takes_the_donors_mean_chroma_where_nothing_clips():
    base, donor = images(0, 0.4, 0.6), images(1, 0.45, 0.55) + torch.tensor([0.05, 0.0, -0.05]).view(1, 3, 1, 1)
    changed = Colour()(Batch(base), Batch(donor)).double().numpy()
    assert 0 < changed.min() < changed.max() < 1
    for old, new, lender in zip(base.double().numpy(), changed, donor.double().numpy(), strict=True):
        assert np.allclose(np.tensordot(LUMA, new, 1), np.tensordot(LUMA, old, 1), atol=ROUNDING)
        assert chroma(new).mean((1, 2)) == pytest.approx(chroma(lender).mean((1, 2)), abs=ROUNDING)
        assert chroma(new).std((1, 2)) == pytest.approx(chroma(old).std((1, 2)), abs=ROUNDING)


def test_a_grey_image_takes_a_tint():
    base = torch.full((1, 3, 32, 32), 0.5) + 1e-4 * images(0, -1, 1, n=1)
    donor = images(1, 0.2, 0.8, n=1)
    changed = Colour()(Batch(base), Batch(donor)).double().numpy()[0]
    assert chroma(changed).std((1, 2)).max() < 1e-3
    assert chroma(changed).mean((1, 2)) == pytest.approx(chroma(donor.double().numpy()[0]).mean((1, 2)), abs=1e-5)


def test_object_colour_moves_each_channel_inside_the_mask_only():
    base, donor = images(0, 0.4, 0.6), images(1, 0.3, 0.5)
    own, lent = rectangle(5, 6, 10, 9), rectangle(12, 3, 7, 20)
    changed = ObjectColour()(Batch(base, own), Batch(donor, lent))
    for i in range(2):
        assert torch.equal(changed[i][:, ~own[i]], base[i][:, ~own[i]])
        for channel in range(3):
            new, old = changed[i, channel][own[i]].double(), base[i, channel][own[i]].double()
            lender = donor[i, channel][lent[i]].double()
            assert float(new.mean()) == pytest.approx(float(lender.mean()), abs=ROUNDING)
            assert float(new.std(correction=0)) == pytest.approx(float(lender.std(correction=0)), abs=ROUNDING)
            assert torch.corrcoef(torch.stack([new, old]))[0, 1] > 0.9999  # the structure stays


def test_object_colour_never_reads_a_background():
    base, donor = images(0), images(1)
    own, lent = rectangle(5, 6, 10, 9), rectangle(12, 3, 7, 20)
    before = ObjectColour()(Batch(base, own), Batch(donor, lent))
    elsewhere = torch.where(lent[:, None], donor, torch.rand_like(donor))
    assert torch.equal(ObjectColour()(Batch(base, own), Batch(elsewhere, lent)), before)


def test_a_donor_without_an_object_lends_no_colour():
    base = images(0)
    changed = ObjectColour()(Batch(base, rectangle(5, 6, 10, 9)), Batch(images(1), rectangle(0, 0, 0, 0)))
    assert torch.allclose(changed, base, atol=ROUNDING)


# texture


def slow_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter1d(gaussian_filter1d(image, sigma, axis=-1, mode="reflect"), sigma, axis=-2, mode="reflect")


@pytest.mark.parametrize(("size", "factor"), [((32, 32), 1.0), ((33, 40), 1.25), ((64, 64), 2.0)])
def test_bands_are_cut_at_one_and_three_pixels_of_a_width_of_32(size, factor):
    base, donor = images(0, 0.4, 0.6, size), images(1, 0.4, 0.6, size)
    x, d = base.double().numpy(), donor.double().numpy()
    (x1, x3), (d1, d3) = ((slow_blur(one, factor), slow_blur(one, 3 * factor)) for one in (x, d))
    wanted = {Fine: x1 + d - d1, Middle: x - x1 + x3 + d1 - d3, Coarse: x - x3 + d3}
    for operator, answer in wanted.items():
        assert 0 < answer.min() < answer.max() < 1
        assert np.abs(operator()(Batch(base), Batch(donor)).numpy() - answer).max() < ROUNDING, operator


def test_the_three_bands_make_up_the_image():
    base, donor = images(0, 0.4, 0.6), images(1, 0.4, 0.6)
    moved = sum(one(Batch(base), Batch(donor)) - base for one in (Fine(), Middle(), Coarse()))
    assert torch.allclose(moved, donor - base, atol=ROUNDING)


@pytest.mark.parametrize("size", [(32, 32), (33, 40)])
def test_each_patch_takes_the_donors_mean_and_deviation(size):
    base, donor = images(0, 0.4, 0.6, size), images(1, 0.3, 0.6, size)
    changed = PatchStatistics()(Batch(base), Batch(donor)).double().numpy()
    x, d, side = base.double().numpy(), donor.double().numpy(), scaled(8, size[1])
    for i, channel, top, left in np.ndindex(2, 3, -(-size[0] // side), -(-size[1] // side)):
        place = i, channel, slice(top * side, (top + 1) * side), slice(left * side, (left + 1) * side)
        old, lent = x[place], d[place]
        assert np.allclose(
            changed[place], (old - old.mean()) / max(old.std(), 0.01) * lent.std() + lent.mean(), atol=2e-5
        )  # mean of squares minus squared mean in float32


def test_the_side_of_the_patch_matters():
    base, donor = Batch(images(0)), Batch(images(1))
    assert not torch.equal(PatchStatistics(4)(base, donor), PatchStatistics(8)(base, donor))
    whole = PatchStatistics(32)(Batch(images(0, 0.4, 0.6)), Batch(images(1, 0.4, 0.5)))
    assert torch.allclose(whole.mean((2, 3)), images(1, 0.4, 0.5).mean((2, 3)), atol=1e-5)


# place


def test_border_and_centre_are_540_and_484_pixels_and_exact_complements():
    base, donor = images(0), images(1)
    border, centre = (one(Batch(base), Batch(donor)) for one in (Border(), Centre()))
    assert (border == donor).all(1).sum((1, 2)).tolist() == [540, 540]
    assert (centre == donor).all(1).sum((1, 2)).tolist() == [484, 484]
    assert torch.equal(border + centre, base + donor)
    assert torch.equal(Centre()(Batch(donor), Batch(base)), border)
    assert torch.equal(border[:, :, 5:27, 5:27], base[:, :, 5:27, 5:27])


def test_the_ring_grows_with_the_width():
    base, donor = images(0, size=(64, 64)), images(1, size=(64, 64))
    assert (Border()(Batch(base), Batch(donor)) == base).all(1).sum((1, 2)).tolist() == [44 * 44] * 2


@pytest.mark.parametrize("side", [4, 8])
@pytest.mark.parametrize("size", [(32, 32), (33, 40)])
def test_the_cells_tile_the_image(size, side):
    base, donor = images(0, size=size), images(1, size=size)
    changed = [one(Batch(base), Batch(donor)) for one in grid(side)]
    taken = torch.stack([(one == donor).all(1) for one in changed]).sum(0)
    assert (taken == 1).all()
    assert all(((one == donor) | (one == base)).all() for one in changed)
    assert len({one.flatten().sum().item() for one in changed}) == side * side


def test_rows_and_columns_of_cells_are_where_they_say():
    base, donor = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    one = next(cell for cell in grid() if cell.key == "cell_1_3")(Batch(base), Batch(donor))
    assert one[:, :, 8:16, 24:32].all()
    assert one.sum() == 3 * 64
    assert [cell.key for cell in grid() if cell.corner] == ["cell_0_0", "cell_0_3", "cell_3_0", "cell_3_3"]
    assert [cell.key for cell in grid(8) if cell.corner] == ["cell8_0_0", "cell8_0_7", "cell8_7_0", "cell8_7_7"]


# frequency


@pytest.mark.parametrize("size", [(32, 32), (33, 40)])
def test_amplitude_of_the_donor_with_the_phase_of_the_image(size):
    base, donor = images(0, 0.45, 0.55, size), images(1, 0.45, 0.55, size)
    x, d = np.fft.fft2(base.double().numpy()), np.fft.fft2(donor.double().numpy())
    wanted = np.fft.ifft2(np.abs(d) * np.exp(1j * np.angle(x)))
    assert np.abs(wanted.imag).max() < 1e-12
    assert 0 < wanted.real.min() < wanted.real.max() < 1
    changed = Amplitude()(Batch(base), Batch(donor)).double().numpy()
    assert np.abs(changed - wanted.real).max() < 1e-5
    assert np.abs(np.abs(np.fft.fft2(changed)) - np.abs(d)).max() < 1e-2  # of sums over 1,320 pixels of 0.5


# object and background

DARK = 0.5
"""Backgrounds are below it, painted objects are 1."""


def painted(seed: int, masks: torch.Tensor, halo: int = 0) -> torch.Tensor:
    """Dark noise with the object, and `halo` pixels around it, in pure white."""
    whole = np.stack([binary_dilation(m, np.ones((3, 3)), halo) if halo else m for m in masks.numpy()])
    return torch.where(torch.from_numpy(whole)[:, None], 1.0, images(seed, 0, DARK, tuple(masks.shape[1:]), len(masks)))


SHAPES = [(4, 5, 12, 11), (0, 0, 20, 20), (2, 2, 28, 28), (16, 0, 16, 32), (10, 10, 1, 1)]


@pytest.mark.parametrize("lent", SHAPES)
def test_no_pixel_of_the_donors_object_enters_with_its_background(lent):
    own, masks = rectangle(10, 12, 9, 9), rectangle(*lent)
    base = images(0, 0, DARK)
    changed = Background()(Batch(base, own), Batch(painted(1, masks, halo=1), masks))
    assert changed[(~own)[:, None].expand_as(changed)].max() < DARK
    assert torch.equal(changed[own[:, None].expand_as(changed)], base[own[:, None].expand_as(changed)])


@pytest.mark.parametrize("own", SHAPES)
def test_nothing_of_the_images_own_object_stays_when_the_object_is_swapped(own):
    masks, lent = rectangle(*own), rectangle(10, 12, 9, 9)
    donor = images(1, 0, DARK)
    changed = Object()(Batch(painted(0, masks, halo=1), masks), Batch(donor, lent))
    assert changed.max() < DARK
    assert torch.equal(changed[lent[:, None].expand_as(changed)], donor[lent[:, None].expand_as(changed)])


@pytest.mark.parametrize("own", SHAPES)
def test_no_silhouette_stays_on_an_even_background(own):
    masks, lent = rectangle(*own), rectangle(10, 12, 9, 9)
    base = torch.where(masks[:, None], torch.rand(2, 3, 32, 32), torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1))
    changed = Object()(Batch(base, masks), Batch(images(1), lent))
    for channel, value in enumerate((0.2, 0.3, 0.4)):
        assert (changed[:, channel][~lent] == value).all()


def test_an_empty_mask_leaves_nothing_to_fill():
    base = images(0)
    assert torch.equal(infill(base, torch.zeros(2, 1, 32, 32, dtype=torch.bool), 1), base)


@pytest.mark.parametrize("mask", [(0, 0, 32, 32), (1, 1, 30, 30)])
def test_an_image_that_is_all_object_tells_nothing_of_it(mask):
    masks = rectangle(*mask)[:, None]
    first, second = infill(images(0), masks, 1), infill(images(1), masks, 1)
    assert torch.equal(first, second)
    assert len(first.unique()) == 1


@pytest.mark.parametrize("mask", SHAPES)
def test_holes_are_filled_with_whole_pixels_of_the_own_background(mask):
    base, masks = images(0), rectangle(*mask)
    filled = infill(base, masks[:, None], 1)
    for i in range(2):
        hole = torch.from_numpy(binary_dilation(masks[i].numpy(), np.ones((3, 3))))
        assert torch.equal(filled[i][:, ~hole], base[i][:, ~hole])
        known = {tuple(p) for p in base[i][:, ~hole].T.tolist()}
        assert all(tuple(p) in known for p in filled[i][:, hole].T.tolist())


def test_the_margin_keeps_the_blended_edge_of_the_object_out():
    masks = rectangle(8, 8, 10, 10)
    seen = {margin: infill(painted(0, masks, halo=2), masks[:, None], margin).max().item() for margin in (1, 2)}
    assert seen[1] == 1
    assert seen[2] < DARK


def test_the_margin_scales_with_the_width():
    masks = rectangle(16, 16, 20, 20, (64, 64))
    assert Batch(painted(0, masks, halo=2), masks).background.max() < DARK
