"""Removal views against known answers, a slow re-implementation, and nulls."""

from __future__ import annotations

import math

import pytest
import torch

from eyetest.tensors import LUMA
from eyetest.views._bands import low_passed
from eyetest.views._matching import distance
from eyetest.views.base import View
from eyetest.views.grayscale import Grayscale
from eyetest.views.hide_border import HideBorder
from eyetest.views.hide_centre import HideCentre
from eyetest.views.hide_elsewhere import HideElsewhere
from eyetest.views.high_pass import HighPass
from eyetest.views.low_pass import LowPass
from eyetest.views.luma_noise import LumaNoise
from eyetest.views.luma_shift import LumaShift
from eyetest.views.matched_high_pass import MatchedHighPass
from eyetest.views.matched_low_pass import MatchedLowPass
from eyetest.views.patch_shuffle import PatchShuffle
from eyetest.views.phase_scramble import PhaseScramble, scrambled
from eyetest.views.roll import Roll
from eyetest.views.smooth_texture import SmoothTexture, half_disc

SEEDS = tuple(range(6))
CONTROLS = (
    LumaShift(),
    LumaNoise(),
    MatchedLowPass(),
    MatchedLowPass(SmoothTexture()),
    MatchedHighPass(),
    HideElsewhere(),
    HideElsewhere(HideBorder()),
    Roll(),
)
MATCHED = CONTROLS[:5]


def pictures(height: int = 32, width: int = 32, contrast: float = 0.2) -> torch.Tensor:
    """Six images whose amplitude falls with frequency, as in photographs, plus a little grain."""
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(6, 3, height, width, generator=random)
    r = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]) * 32
    smooth = torch.fft.irfft2(torch.fft.rfft2(noise) / (1 + r), s=(height, width))
    smooth = smooth / smooth.flatten(1).std(1).view(-1, 1, 1, 1)
    return (0.5 + contrast * smooth).clamp(0, 1)


def luma(images: torch.Tensor) -> torch.Tensor:
    return (images * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def test_gray_of_red_is_its_luma():
    red = torch.zeros(1, 3, 8, 8)
    red[:, 0] = 1
    assert torch.allclose(Grayscale()(red, (0,)), torch.full_like(red, 0.299))


def test_a_model_that_ignores_colour_answers_grayscale_as_it_answers_the_image():
    images = pictures()
    assert torch.allclose(luma(Grayscale()(images, SEEDS)), luma(images), atol=1e-6)


@pytest.mark.parametrize(("cutoff", "amplitude"), [(2.0, 0.033834), (4.0, 0.151633), (8.0, 0.220624)])
def test_low_pass_lowers_a_wave_by_its_gaussian(cutoff, amplitude):
    x = torch.arange(32) / 32
    wave = (0.5 + 0.25 * torch.cos(2 * math.pi * 4 * x)).expand(1, 3, 32, 32)
    low = LowPass(cutoff)(wave, (0,))
    assert (low.max() - low.min()).item() / 2 == pytest.approx(amplitude, abs=1e-6)
    high = HighPass(cutoff)(wave, (0,))
    assert (high.max() - high.min()).item() / 2 == pytest.approx(0.25 - amplitude, abs=1e-6)
    assert high.mean().item() == pytest.approx(0.5, abs=1e-6)


def test_low_pass_is_as_round_on_a_wide_image():
    images = torch.full((1, 3, 32, 64), 0.5)
    images[:, :, 16, 32] = 0.6
    dot = LowPass(8.0)(images, (0,))[0, 0]
    assert dot[16, 36].item() == pytest.approx(dot[20, 32].item(), abs=1e-6)


def test_phase_scramble_keeps_amplitudes_means_and_relations_of_channels():
    images = pictures()
    before, after = torch.fft.rfft2(images), torch.fft.rfft2(scrambled(images, SEEDS))
    assert torch.allclose(before.abs(), after.abs(), atol=1e-3)
    assert torch.allclose(before[..., 0, 0], after[..., 0, 0], atol=1e-3)
    relation = (before[:, 0] * before[:, 1].conj()) - (after[:, 0] * after[:, 1].conj())
    assert (relation.abs() / before[:, 0].abs().mul(before[:, 1].abs()).clamp_min(1)).max() < 1e-3


def test_phase_scramble_lowers_contrast_until_one_pixel_in_a_hundred_is_clipped():
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    at_edge = ((PhaseScramble()(images, SEEDS) % 1) == 0).any(1).flatten(1).float().mean(1)
    assert (at_edge <= 0.011).all()
    assert (PhaseScramble(0.5)(images, SEEDS).std() > PhaseScramble()(images, SEEDS).std()).all()


def tile_multiset(image: torch.Tensor, side: int) -> list[tuple[float, ...]]:
    return sorted(tuple(t.flatten().tolist()) for row in image.split(side, 1) for t in row.split(side, 2))


@pytest.mark.parametrize("tiles", [2, 4, 8])
def test_patch_shuffle_keeps_tiles_and_never_their_order(tiles):
    images, seeds = pictures()[:1].repeat(40, 1, 1, 1), tuple(range(40))
    shuffled = PatchShuffle(tiles)(images, seeds)
    assert (distance(shuffled, images) > 0).all()
    side = 32 // tiles
    assert tile_multiset(shuffled[0], side) == tile_multiset(images[0], side)
    assert len({image.numpy().tobytes() for image in shuffled}) > 1


def test_one_tile_cannot_be_shuffled():
    with pytest.raises(ValueError, match="at least 2"):
        PatchShuffle(1)(pictures(), SEEDS)


@pytest.mark.parametrize("view", [PatchShuffle(), Roll()])
def test_pixels_are_only_moved_also_where_tiles_do_not_divide_the_image(view):
    images = pictures(35, 50)
    assert torch.equal(view(images, SEEDS).flatten(2).sort().values, images.flatten(2).sort().values)


def test_roll_is_a_roll_by_one_tile():
    images = pictures()
    rolled = Roll()(images, SEEDS)
    for before, after in zip(images, rolled, strict=True):
        ways = [before.roll((8 * y, 8 * x), (1, 2)) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
        assert sum(torch.equal(after, way) for way in ways) == 1


def slow_bilateral(image: torch.Tensor, sigma_colour: float, sigma_space: float, radius: int) -> torch.Tensor:
    _, height, width = image.shape
    out = torch.empty_like(image)
    for y in range(height):
        for x in range(width):
            total, weight = torch.zeros(3), 0.0
            for v in range(max(y - radius, 0), min(y + radius + 1, height)):
                for u in range(max(x - radius, 0), min(x + radius + 1, width)):
                    space = (v - y) ** 2 + (u - x) ** 2
                    if space > radius**2:
                        continue
                    colour = ((image[:, v, u] - image[:, y, x]) ** 2).sum().item()
                    w = math.exp(-colour / (2 * sigma_colour**2) - space / (2 * sigma_space**2))
                    total, weight = total + w * image[:, v, u], weight + w
            out[:, y, x] = total / weight
    return out


def test_smooth_texture_agrees_with_the_obvious_bilateral_filter():
    images = torch.rand(1, 3, 7, 9, generator=torch.Generator().manual_seed(2))
    fast = SmoothTexture(0.3, 2.0, 2, 1)(images, (0,))
    assert torch.allclose(fast[0], slow_bilateral(images[0], 0.3, 2.0, 2), atol=1e-5)
    assert len(half_disc(2)) == 6


def test_smooth_texture_keeps_a_strong_edge_and_removes_grain_at_any_size():
    for side in (32, 224):
        images = torch.full((1, 3, side, side), 0.2)
        images[..., side // 2 :] = 0.8
        grainy = images + 0.03 * torch.randn(images.shape, generator=torch.Generator().manual_seed(3))
        smooth = SmoothTexture()(grainy.clamp(0, 1), (0,))
        assert distance(smooth, images) < 0.4 * distance(grainy, images)


def test_hidden_pixels_are_as_many_as_said():
    assert int(HideCentre().hidden(32, 32).sum()) == 529
    assert int(HideBorder().hidden(32, 32).sum()) == 540
    assert not (HideCentre(22).hidden(32, 32) & HideBorder(5).hidden(32, 32)).any()
    assert HideCentre().hidden(64, 128).float().mean().item() == pytest.approx(529 / 1024)


@pytest.mark.parametrize("of", [HideCentre(), HideBorder(), HideCentre(16)])
def test_as_many_pixels_are_hidden_elsewhere(of):
    images = torch.ones(200, 3, 32, 32)
    hidden = (HideElsewhere(of)(images, tuple(range(200))) == 0.5).all(1)
    count = int(of.hidden(32, 32).sum())
    assert set(hidden.sum((1, 2)).tolist()) == {count}
    assert not (hidden == of.hidden(32, 32)).all((1, 2)).any()
    assert hidden.float().mean(0).sub(count / 1024).abs().max() < 0.2


@pytest.mark.parametrize("size", [(32, 32), (48, 80)])
@pytest.mark.parametrize("contrast", [0.05, 0.2, 0.6])
@pytest.mark.parametrize("control", MATCHED, ids=lambda control: control.key)
def test_a_control_is_as_far_away_as_its_intervention(control, contrast, size):
    images = pictures(*size, contrast)
    wanted = distance(control.of(images, SEEDS), images)
    assert distance(control(images, SEEDS), images).sub(wanted).abs().div(wanted).max() <= 0.01


@pytest.mark.parametrize("control", [LumaShift(), LumaNoise()])
def test_saturated_images_are_matched_too(control):
    images = (torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(4)) > 0.5).float()
    images[0], images[1] = 1.0, torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1)
    wanted = distance(Grayscale()(images, SEEDS), images)
    found = distance(control(images, SEEDS), images)
    assert (found - wanted).abs().max() <= 0.01 * wanted.max()


@pytest.mark.parametrize("control", MATCHED, ids=lambda control: control.key)
def test_a_flat_grey_image_stays_as_it_is(control):
    flat = torch.full((2, 3, 16, 16), 0.4)
    assert torch.allclose(control(flat, (0, 1)), flat, atol=1e-5)


@pytest.mark.parametrize("control", [LumaShift(), LumaNoise()])
def test_chroma_stays_under_a_change_of_luma(control):
    images = pictures(contrast=0.05)
    changed = control(images, SEEDS)
    assert torch.allclose(changed - luma(changed), images - luma(images), atol=1e-5)


def test_a_matched_high_pass_keeps_the_detail_that_the_low_pass_removes():
    images = pictures(contrast=0.1)

    def fine(changed: torch.Tensor) -> torch.Tensor:
        change = changed - images
        return distance(change, low_passed(change, 8.0))

    assert (fine(MatchedHighPass()(images, SEEDS)) < 0.7 * fine(LowPass()(images, SEEDS))).all()


def test_a_matched_low_pass_is_a_gaussian_low_pass():
    images = pictures(contrast=0.05)
    as_large = MatchedLowPass(LowPass(6.0))(images, SEEDS)
    assert torch.allclose(as_large, LowPass(6.0)(images, SEEDS), atol=1e-3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LowPass(4.0), LowPass(8.0)),
        (HighPass(4.0), HighPass(8.0)),
        (PatchShuffle(4), PatchShuffle(2)),
        (Roll(4), Roll(2)),
        (PhaseScramble(0.01), PhaseScramble(0.2)),
        (SmoothTexture(), SmoothTexture(sigma_colour=0.3)),
        (SmoothTexture(), SmoothTexture(sigma_space=0.7)),
        (SmoothTexture(), SmoothTexture(radius=1)),
        (SmoothTexture(), SmoothTexture(passes=1)),
        (HideCentre(), HideCentre(side=16)),
        (HideCentre(), HideCentre(fill=0.2)),
        (HideBorder(), HideBorder(thickness=4)),
        (HideBorder(), HideBorder(fill=0.2)),
        (HideElsewhere(), HideElsewhere(HideBorder())),
        (LumaShift(), LumaShift(LowPass())),
        (LumaNoise(), LumaNoise(LowPass())),
        (MatchedLowPass(), MatchedLowPass(LowPass(8.0))),
        (MatchedHighPass(), MatchedHighPass(LowPass(8.0))),
    ],
)
def test_each_parameter_changes_the_pixels_and_the_key(first: View, second: View):
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    assert not torch.equal(first(images, SEEDS), second(images, SEEDS))
    assert first.key != second.key


def test_removing_more_changes_more():
    images = pictures()
    for views in ([LowPass(12.0), LowPass(8.0), LowPass(4.0)], [HighPass(2.0), HighPass(4.0), HighPass(8.0)]):
        distances = torch.stack([distance(view(images, SEEDS), images) for view in views])
        assert (distances.diff(dim=0) > 0).all()


def test_a_random_control_depends_on_the_seed():
    images = pictures()
    for view in (LumaShift(), LumaNoise(), HideElsewhere(), Roll(), PatchShuffle(), PhaseScramble()):
        assert not torch.equal(view(images, SEEDS), view(images, tuple(s + 100 for s in SEEDS)))
