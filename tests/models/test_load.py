"""Any model is audited from its own loader, at its own input size, and is left as it was."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import torch
from conftest import NORMAL, from_factory, small_net
from safetensors.torch import save_file
from torch import nn

import eyetest as et
from eyetest.checks.confident_errors import ConfidentErrors
from eyetest.errors import ModelError, UnknownName, UserError
from eyetest.flow import plan_audit
from eyetest.models import hub
from eyetest.models.classifier import fingerprint
from eyetest.models.contract import ModelOptions
from eyetest.models.load import load_model, open_model
from eyetest.models.resnet18_cifar import Resnet18Cifar
from eyetest.tensors import LogitTarget

CLASSES = ("a", "b", "c")
SIZES = {"timm_vit": 64, "timm_convnext": 64, "torchvision_resnet": 64, "factory": 32, "export": 24}
NO_HOOKS = ("export", "torchscript")


@pytest.mark.slow
def test_every_kind_is_audited_at_its_own_size_with_the_maps_that_it_allows(kind, few, tmp_path):
    name, spec, options = kind
    checks = ["accuracy", ConfidentErrors(threshold=0.0, shown=1)]
    run = et.audit(spec, few, model_options=options, checks=checks, out=tmp_path / "run", device="cpu")
    assert [finding.status for finding in run.findings.values() if finding.status == "error"] == []
    assert run["ACC001"].estimate("accuracy").n == len(few.test)
    assert run.plan().contract.input_size == (SIZES.get(name, 16),) * 2
    assert (run.maps("grad_cam-predicted") is None) == (name in NO_HOOKS)
    assert run.maps("saliency-predicted").values.any()
    if name not in NO_HOOKS:
        assert run.maps("grad_cam-predicted").values.any()
        assert run.maps("grad_cam-predicted").values.shape[1:] == few.image_size


def test_every_kind_answers_alike_in_any_batch_and_is_left_as_it_was(kind, few):
    _, spec, options = kind
    classifier = load_model(spec, few.classes, options)
    module = classifier.module
    module.train()
    before = state_of(module)
    images = torch.rand(5, 3, 32, 32)
    whole = classifier.predict(images)
    assert whole.shape == (5, 3)
    assert torch.allclose(classifier.predict(images[3:4]), whole[3:4], atol=1e-5)
    gradient = classifier.pixel_gradient(images, LogitTarget(torch.tensor([0, 1, 2, 0, 1])))
    assert gradient.shape == images.shape
    assert gradient.any()
    assert state_of(module) == before


def test_checkpoints_of_one_net_give_its_own_answers(tmp_path, factory, few):
    net, images = small_net(), torch.rand(2, 3, 16, 16)
    wanted = net((images - 0.5) / 0.25)
    state = net.state_dict()
    torch.save(state, tmp_path / "plain.pth")
    torch.save({"state_dict": {f"_orig_mod.{k}": v for k, v in state.items()}}, tmp_path / "lightning.pt")
    save_file(state, tmp_path / "w.safetensors")
    options = ModelOptions(arch=factory, input_size="data", classes="data", **NORMAL)
    for name in ("plain.pth", "lightning.pt", "w.safetensors"):
        assert torch.allclose(load_model(tmp_path / name, few.classes, options).predict(images), wanted, atol=1e-5)


def test_classes_are_matched_by_name(tmp_path, factory):
    save_file(small_net().state_dict(), tmp_path / "w.safetensors")

    def load(classes: tuple[str, ...] | str) -> et.Classifier:
        options = ModelOptions(arch=factory, input_size="data", classes=classes, **NORMAL)
        return load_model(tmp_path / "w.safetensors", CLASSES, options)

    images = torch.rand(4, 3, 16, 16)
    straight, shuffled = load(CLASSES), load(("c", "a", "b"))
    assert shuffled.classes == CLASSES
    assert torch.equal(shuffled.predict(images), straight.predict(images)[:, [1, 2, 0]])
    targets = torch.tensor([0, 1, 2, 0])
    assert torch.equal(
        shuffled.pixel_gradient(images, LogitTarget(targets)),
        straight.pixel_gradient(images, LogitTarget(torch.tensor([1, 2, 0])[targets])),
    )
    for other in (("a", "b", "x"), tuple(map(str, range(1000))), ("a", "b", "b")):
        with pytest.raises(ModelError, match="but the data has 3"):
            load(other)


def test_a_head_for_other_classes_is_refused(tmp_path):
    state = Resnet18Cifar(1000, 4, blocks=1).state_dict()
    torch.save(state, tmp_path / "w.pt")
    options = ModelOptions(arch="resnet18_cifar", input_size=(32, 32), classes="data", **NORMAL)
    with pytest.raises(ModelError, match="has 1000 classes, but 3 were expected"):
        load_model(tmp_path / "w.pt", CLASSES, options)


def test_our_architecture_takes_width_and_depth_from_the_weights(tmp_path):
    module = Resnet18Cifar(3, 8, blocks=1).eval()
    torch.save({"model": module.state_dict()}, tmp_path / "w.pt")
    options = ModelOptions(arch="resnet18_cifar", input_size=(32, 32), classes="data", mean=(0.0,) * 3, std=(1.0,) * 3)
    images = torch.rand(2, 3, 32, 32)
    assert torch.allclose(load_model(tmp_path / "w.pt", CLASSES, options).predict(images), module(images), atol=1e-4)


def test_what_nobody_says_is_asked_for_with_its_flag(tmp_path, factory):
    for part, flag in (("mean", "--mean"), ("std", "--std"), ("input_size", "--input-size"), ("classes", "--classes")):
        whole = {"input_size": "data", "classes": "data", **NORMAL}
        with pytest.raises(ModelError, match=flag):
            open_model(factory, ModelOptions(**{name: value for name, value in whole.items() if name != part}))
    with pytest.raises(ModelError, match="mean, std, input size, classes"):
        open_model(factory)


def test_timm_says_the_size_and_the_normalisation_but_not_the_order_of_the_classes(tmp_path):
    opened = open_model("timm:vit_tiny_patch16_224", ModelOptions(random_weights=True))
    assert opened.image_size == 224
    assert opened.contract.mean == (0.5, 0.5, 0.5)
    assert opened.contract.sources["mean"] == "timm's configuration of vit_tiny_patch16_224"
    torch.save({"x": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="Nothing says the classes"):
        open_model(tmp_path / "w.pt", ModelOptions(arch="timm:vit_tiny_patch16_224"))
    flags = ModelOptions(random_weights=True, mean=(0.1, 0.2, 0.3))
    told = open_model("timm:vit_tiny_patch16_224", flags).contract
    assert told.mean == (0.1, 0.2, 0.3)
    assert told.sources["mean"] == "--mean"


def test_torchvision_says_something_only_where_published_weights_are_named():
    with pytest.raises(ModelError, match="mean, std, input size"):
        open_model("torchvision:resnet18", ModelOptions(random_weights=True))
    opened = open_model("torchvision:resnet18@IMAGENET1K_V1", ModelOptions(random_weights=True))
    assert opened.contract.mean == (0.485, 0.456, 0.406)
    assert opened.contract.input_size == (224, 224)
    assert "keeps the middle 224" in opened.contract.note


def test_a_model_without_weights_must_be_asked_for(factory):
    with pytest.raises(ModelError, match="--random-weights"):
        open_model("timm:convnext_atto")
    with pytest.raises(ModelError, match="one of them"):
        open_model("timm:convnext_atto", ModelOptions(random_weights=True, weights=Path("w.pt")))
    with pytest.raises(ModelError, match="Leave one out"):
        open_model("timm:convnext_atto", ModelOptions(arch="timm:convnext_atto"))


def test_random_weights_are_the_same_ones_every_time_and_leave_the_generator_alone():
    options = ModelOptions(random_weights=True, input_size=(64, 64))
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (load_model("timm:convnext_atto", CLASSES, options) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert first.record().fingerprint == second.record().fingerprint


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("timm:vit_tinny_patch16_224", "vit_tiny_patch16_224"),
        ("timm:hf-hub:someone/model", "No model of timm"),
        ("timm:local-dir:/tmp", "No model of timm"),
        ("torchvision:resnet81", "resnet18"),
        ("torchvision:fasterrcnn_resnet50_fpn", "No classifier of torchvision"),
        ("torchvision:resnet18@IMAGENET", "IMAGENET1K_V1"),
    ],
)
def test_unknown_names_get_the_nearest_and_no_network(spec, says, monkeypatch):
    import socket

    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("network"))
    with pytest.raises(UnknownName, match=says):
        open_model(spec, ModelOptions(random_weights=True))


def test_a_missing_extra_gives_the_line_that_installs_it(monkeypatch):
    for name in ("timm", "torchvision"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(ModelError, match=r"pip install eyetest\[models\]"):
                open_model(f"{name}:resnet18", ModelOptions(random_weights=True, **NORMAL))


def test_a_torchvision_of_another_build_is_imported_without_its_compiled_half(monkeypatch):
    asked = []

    def importing(name: str) -> str:
        asked.append(name)
        if len(asked) == 1:
            raise RuntimeError("operator torchvision::nms does not exist")
        return "the library"

    monkeypatch.setattr(hub, "import_module", importing)
    monkeypatch.setattr(hub, "_declared", lambda: asked.append("declared"))
    assert hub._library("torchvision") == "the library"
    assert asked == ["torchvision", "declared", "torchvision"]


def test_a_factory_may_import_such_a_torchvision_too(tmp_path, monkeypatch):
    declared = []
    monkeypatch.setattr(hub, "_declared", lambda: declared.append((tmp_path / "declared").mkdir()))
    (tmp_path / "net.py").write_text(
        "from pathlib import Path\nfrom torch import nn\n"
        "if not (Path(__file__).parent / 'declared').exists():\n"
        "    raise RuntimeError('operator torchvision::nms does not exist')\n"
        "make = nn.Identity\n",
        encoding="utf-8",
    )
    options = ModelOptions(input_size="data", classes="data", **NORMAL)
    assert open_model(f"{tmp_path / 'net.py'}:make", options).name == "make"
    assert len(declared) == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def make():\n    return 3\n", "returned a int"),
        ("def make():\n    raise ValueError('no luck')\n", "ValueError: no luck"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError"),
        ("def mak():\n    pass\n", "Did you mean 'mak'"),
        ("def make(:\n", "SyntaxError"),
    ],
)
def test_a_factory_that_fails_says_how(code, says, tmp_path):
    (tmp_path / "net.py").write_text(code, encoding="utf-8")
    path = list(sys.path)
    with pytest.raises(UserError, match=says):
        open_model(f"{tmp_path / 'net.py'}:make")
    assert sys.path == path
    with pytest.raises(ModelError, match="no file"):
        open_model(f"{tmp_path / 'none.py'}:make")


def test_a_factory_may_return_a_classifier_or_a_timm_module(tmp_path):
    (tmp_path / "neighbour.py").write_text("NAMES = ('a', 'b', 'c')\n", encoding="utf-8")
    (tmp_path / "net.py").write_text(
        "import eyetest as et\nfrom neighbour import NAMES\nfrom torch import nn\n"
        "def whole():\n"
        "    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3))\n"
        "    return et.Classifier(net, classes=NAMES, mean=(.1, .2, .3), std=(.4, .5, .6), input_size=(8, 8))\n"
        "def tuned():\n"
        "    import timm\n"
        "    return timm.create_model('convnext_atto', num_classes=3)\n",
        encoding="utf-8",
    )
    whole = load_model(f"{tmp_path / 'net.py'}:whole", CLASSES)
    assert (whole.mean, whole.input_size) == ((0.1, 0.2, 0.3), (8, 8))
    assert whole.predict(torch.rand(2, 3, 32, 32)).shape == (2, 3)
    tuned = open_model(f"{tmp_path / 'net.py'}:tuned", ModelOptions(classes="data"))
    assert tuned.contract.sources["mean"].startswith("pretrained_cfg")
    sys.modules.pop("neighbour")


def test_pictures_in_a_folder_are_read_at_the_size_of_the_model(tmp_path, factory):
    from PIL import Image

    for label, name in enumerate(("ant", "bee", "cow")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(10):
            Image.new("RGB", (40, 60), (20 * k, 100 * label, 50)).save(tmp_path / "photos" / name / f"{k}.png")
    _, options = from_factory(tmp_path, factory)
    sized = ModelOptions(input_size=(24, 24), classes=("ant", "bee", "cow"), **NORMAL)
    for given, size in ((sized, (24, 24)), (options, (224, 224))):
        plan = plan_audit(factory, tmp_path / "photos", model_options=given, checks=["accuracy"], device="cpu")
        assert plan.contract.input_size == size
        assert "resized" not in plan.contract.preprocessing
    assert plan.contract.sources["input_size"] == "--input-size"


def test_a_layer_is_named_before_any_pass(factory, few, tmp_path):
    common = {"input_size": "data", "classes": "data", **NORMAL}
    with pytest.raises(UnknownName, match="conv"):
        et.audit(factory, few, model_options=ModelOptions(layer="con", **common), out=tmp_path / "run")
    with pytest.raises(ModelError, match="n×c×h×w"):
        et.audit(factory, few, model_options=ModelOptions(layer="head", **common), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unfinished_audit_with_another_normalisation_is_not_resumed(factory, few, tmp_path):
    _, options = from_factory(tmp_path, factory)
    run = et.audit(factory, few, model_options=options, checks=["accuracy"], out=tmp_path / "run", device="cpu")
    run.update("interrupted", 0.0)
    other = ModelOptions(input_size="data", classes="data", mean=(0.4, 0.4, 0.4), std=(0.25, 0.25, 0.25))
    with pytest.raises(UserError, match="config differ"):
        et.audit(factory, few, model_options=other, checks=["accuracy"], out=tmp_path / "run", device="cpu")


def test_options_for_a_classifier_are_refused(few):
    model = et.Classifier(small_net(), classes=few.classes)
    with pytest.raises(UserError, match="Leave them out"):
        et.audit(model, few, model_options=ModelOptions(input_size=(8, 8)))


@pytest.mark.parametrize("numbers", [(123.7, 116.3, 103.5), (-0.1, 0.5, 0.5)])
def test_a_normalisation_for_other_pixels_is_refused(numbers):
    with pytest.raises(ModelError, match="Divide"):
        ModelOptions(mean=numbers)
    with pytest.raises(ModelError, match="Divide"):
        ModelOptions(std=(0.0, 0.1, 0.1))


def state_of(module: nn.Module) -> list[object]:
    """Modes, gradients, hooks and weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        modes = [one.training for one in module.modules()]
        hooks = [len(one._forward_hooks) + len(one._forward_pre_hooks) for one in module.modules()]
    gradients = [(p.requires_grad, p.grad) for p in module.parameters()]
    return [modes, hooks, gradients, fingerprint(module.state_dict())]
