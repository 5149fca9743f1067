"""One image: known models, photos from outside, methods that cannot be made, and stamps."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import eyetest as et
from eyetest import flow
from eyetest.__main__ import code
from eyetest.data.base import Dataset
from eyetest.data.planted import PlantedSpec, planted
from eyetest.errors import UnknownName, UserError
from eyetest.looking.look import SLOW
from eyetest.looking.picture import TILE, WIDTH, greyed, plain
from eyetest.looking.record import LookedMap, LookedMethod
from eyetest.store import RunDir
from eyetest.training.recipe import Recipe
from eyetest.types import TrustTrial


class Spot(nn.Module):
    """Answers the colour of a spot: class 0 red, 1 green, 2 blue."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 8.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * images[:, :, 8:16, 8:16].mean((2, 3))


@pytest.fixture
def spot(tiny: Dataset) -> et.Classifier:
    return et.Classifier(Spot(), classes=tiny.classes, name="spot")


@pytest.fixture(scope="module")
def trained(tiny: Dataset, tiny_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return flow.train(tiny, tiny_recipe, out=tmp_path_factory.mktemp("runs") / "train", device="cpu")


@pytest.fixture(scope="module")
def audited(trained: RunDir) -> RunDir:
    """On few images, so that it is quick: a stamp holds for the model."""
    few = planted(PlantedSpec(classes=3, train=120, validation=60, test=12))
    checks = ["confident_errors", "explanation_trust"]
    out = trained.path.parent / "audit"
    return flow.audit(trained, few, checks=checks, stamp=["saliency"], out=out, device="cpu")


def photo(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (60, 40)) -> Path:
    """Grey, with a square of one colour in the middle."""
    picture = Image.new("RGB", size, (60, 60, 60))
    picture.paste(colour, (size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4))
    picture.save(path)
    return path


def by_name(found: object) -> dict[str, LookedMethod]:
    return {one.method: one for one in found.looked.methods}


def test_a_model_that_reads_a_spot_has_its_maps_on_the_spot(spot: et.Classifier, tiny: Dataset, tmp_path: Path) -> None:
    red = photo(tmp_path / "red.png", (250, 40, 20), (32, 32))
    found = et.look(spot, red, tiny, ["occlusion", "input_gradient"], tmp_path / "seen.png")
    looked = found.looked
    assert looked.predicted == tiny.classes[0]
    assert looked.contender == looked.runner_up == tiny.classes[1]
    assert looked.truth is None
    assert looked.confidence == pytest.approx(
        1 - sum(np.exp([8 * 40 / 255, 8 * 20 / 255])) / np.exp([v * 8 / 255 for v in (250, 40, 20)]).sum()
    )
    gradient = by_name(found)["input_gradient"]
    assert [one.aim for one in gradient.maps] == ["predicted", "contender", "contrast"]
    # Pixel value times weight: 8 / 64 pixels of the spot.
    assert [one.largest for one in gradient.maps] == pytest.approx([v / 255 / 8 for v in (250, 40, 210)], rel=1e-3)
    assert gradient.high == pytest.approx(250 / 255 / 8)
    assert all(one.evidence for one in gradient.maps)
    with Image.open(tmp_path / "seen.png") as drawn:
        assert drawn.width == WIDTH
        assert drawn.format == "PNG"


def test_one_scale_for_all_targets_of_a_method(spot: et.Classifier, tmp_path: Path) -> None:
    red = photo(tmp_path / "red.png", (250, 40, 20), (32, 32))
    for method in by_name(et.look(spot, red, methods=["saliency", "occlusion"])).values():
        assert method.high == max(one.largest for one in method.maps)
        assert not method.shared_scale


def test_methods_that_cannot_be_made_say_why_and_the_others_go_on(spot: et.Classifier, tmp_path: Path) -> None:
    red = photo(tmp_path / "red.png", (250, 40, 20), (32, 32))
    methods = by_name(et.look(spot, red))
    for name in ("grad_cam", "layer_cam", "eigen_cam"):
        assert "needs a layer" in methods[name].problem
        assert "--skip" not in methods[name].problem
    assert "give --data" in methods["transplant_map"].problem
    assert "--methods rise" in methods["rise"].problem
    made = {name for name, one in methods.items() if not one.problem}
    assert made == {"input_gradient", "integrated_gradients", "occlusion", "saliency", "smooth_grad"}


def test_a_slow_method_is_made_when_it_is_named(spot: et.Classifier, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("eyetest.explain.rise.Rise.__call__", lambda self, classifier, images, target: images[:, 0])
    assert et.explain.explainers.get("rise").cost >= SLOW
    red = photo(tmp_path / "red.png", (250, 40, 20), (32, 32))
    (method,) = et.look(spot, red, methods=["rise"]).looked.methods
    assert method.maps
    assert not method.problem
    assert method.target_sensitive is False


def test_a_map_without_positive_evidence_says_so_instead_of_being_drawn(tmp_path: Path) -> None:
    class Against(Spot):
        def forward(self, images: Tensor) -> Tensor:
            return -super().forward(images)

    model = et.Classifier(Against(), classes=("a", "b", "c"))
    red = photo(tmp_path / "red.png", (250, 250, 20), (32, 32))
    found = et.look(model, red, methods=["input_gradient"])
    (method,) = found.looked.methods
    assert [one.evidence for one in method.maps] == [False, False, True]
    drawn = np.asarray(found.picture).astype(int)
    left = WIDTH - 28 - 3 * (TILE + 20) + 20
    coloured = (np.ptp(drawn[-TILE - 120 : -60, left : left + 2 * TILE], axis=2) > 30).any()
    assert not coloured


def test_a_photo_from_outside_is_resized_and_that_is_said(trained: RunDir, tmp_path: Path) -> None:
    wide = photo(tmp_path / "wide.jpg", (250, 40, 20))
    found = et.look(trained, wide, methods=["saliency"], device="cpu")
    assert "60 x 40 pixels, was resized to 32" in found.looked.resized
    assert not found.looked.data
    same = et.look(trained, photo(tmp_path / "same.png", (9, 9, 9), (32, 32)), methods=["saliency"], device="cpu")
    assert "not changed" in same.looked.resized


def test_an_image_of_the_data_is_known_by_its_id(trained: RunDir, tiny: Dataset) -> None:
    found = et.look(trained, "test-3", tiny, device="cpu")
    looked = found.looked
    assert looked.truth == tiny.classes[int(tiny.test.labels[3])]
    assert looked.contender == (looked.runner_up if looked.truth == looked.predicted else looked.truth)
    assert not looked.resized
    methods = by_name(found)
    assert [name for name, one in methods.items() if one.problem] == ["rise"]
    assert [one.aim for one in methods["transplant_map"].maps] == ["predicted", "contender"]
    assert methods["eigen_cam"].target_sensitive is False
    assert methods["eigen_cam"].correlation == pytest.approx(1)
    assert not any(one.stamp for method in methods.values() for one in method.maps)
    assert not looked.audited


def test_a_validation_image_lends_itself_no_patches(trained: RunDir, tiny: Dataset) -> None:
    (method,) = et.look(trained, "validation-3", tiny, ["transplant_map"], device="cpu").looked.methods
    assert "validation images" in method.problem


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("test-60", "test-0 to test-59"),
        ("test-x", "the path of a photo, was expected"),
        ("nowhere.png", "the path of a photo, was expected"),
    ],
)
def test_a_wrong_image_is_named_with_what_was_expected(trained: RunDir, tiny: Dataset, image: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        et.look(trained, image, tiny, device="cpu")


def test_what_is_not_known_is_asked_for(trained: RunDir, audited: RunDir, tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="with --data D"):
        et.look(trained, "test-3", device="cpu")
    shutil.copy(trained.model, tmp_path / "alone.safetensors")
    with pytest.raises(UserError, match="Give --data D"):
        et.look(tmp_path / "alone.safetensors", photo(tmp_path / "red.png", (250, 40, 20)), device="cpu")
    with pytest.raises(UserError, match="a run without a model in it"):
        et.look(audited, "test-3", tiny, device="cpu")
    with pytest.raises(UnknownName, match="saliency"):
        et.look(trained, "test-3", tiny, ["salency"], device="cpu")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"broken\.png cannot be read"):
        et.look(trained, tmp_path / "broken.png", device="cpu")


def test_stamps_and_scales_come_from_the_audit_of_this_model(
    trained: RunDir, audited: RunDir, tiny: Dataset, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    methods = by_name(et.look(trained, "test-3", tiny, ["saliency", "grad_cam"], audit=audited, device="cpu"))
    first = methods["saliency"].maps[0]
    assert first.stamp == audited["EXP001"].params["stamp.saliency-predicted"]
    assert bool(first.stamp_reason) == (first.stamp != "trust")
    assert methods["saliency"].maps[2].stamp == ""
    assert methods["grad_cam"].maps[0].stamp == ""
    pictures = [p for card in audited["FAIL001"].blocks[0].cards for p in card.maps]
    assert methods["saliency"].shared_scale
    assert methods["saliency"].high == next(p.high for p in pictures if p.method == "saliency")
    other = dataclasses.replace(tiny_recipe, epochs=1)
    stranger = flow.train(tiny, other, out=tmp_path / "other", seed=7, device="cpu")
    with pytest.raises(UserError, match="no audit of"):
        et.look(stranger, "test-3", tiny, audit=audited, device="cpu")


def test_galleries_carry_the_stamps_of_what_was_tried(audited: RunDir) -> None:
    pictures = [p for card in audited["FAIL001"].blocks[0].cards for p in card.maps]
    stamps = {(p.method, p.target): p.stamp for p in pictures}
    assert stamps.pop(("saliency", "predicted")) == audited["EXP001"].params["stamp.saliency-predicted"]
    assert set(stamps.values()) == {""}
    trial = audited.annotation("trust-saliency-predicted", TrustTrial)
    assert len(trial.rows) == 12


def test_a_distrusted_method_is_grey_whatever_the_target() -> None:
    maps = [LookedMap(aim="predicted", question="why?", largest=1, evidence=True, stamp="do not trust")]
    maps.append(LookedMap(aim="contender", question="what?", largest=1, evidence=True))
    assert LookedMethod(method="m", unit="logits", maps=tuple(maps)).distrusted
    assert not LookedMethod(method="m", unit="logits", maps=tuple(maps[1:])).distrusted
    drawn = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    assert not np.ptp(greyed(drawn), axis=2).any()


def test_letters_that_the_font_lacks_are_spelled() -> None:
    assert plain("Käfer – große 日本") == "Kafer - grosse ??"


def test_the_command_prints_the_answer_or_json(
    trained: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / "red.png", (250, 40, 20))
    command = ["look", str(trained.path), "red.png", "--methods", "saliency", "grad_cam", "--device", "cpu"]
    assert code(command) == 0
    told = capsys.readouterr().out
    assert "picture: look-red.png" in told
    assert "not stamped" in told
    assert "was resized to 32" in " ".join(told.split())
    assert (tmp_path / "look-red.png").is_file()
    assert code([*command, "--json", "--out", "seen/it.png"]) == 0
    looked = json.loads(capsys.readouterr().out)
    assert {one["method"] for one in looked["methods"]} == {"saliency", "grad_cam"}
    assert looked["image"] == "red.png"
    assert (tmp_path / "seen" / "it.png").is_file()
    assert code(["look", str(trained.path), "test-3"]) == 2
    assert "with --data D" in " ".join(capsys.readouterr().err.split())
