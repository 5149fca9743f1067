"""Agreement with pytorch-grad-cam, torchcam and captum on one model; `make test-extras` runs this in .venv-extras."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from eyetest.errors import ModelError, UnknownName
from eyetest.explain import explainer
from eyetest.explain.base import upsampled
from eyetest.explain.eigen_cam import EigenCam
from eyetest.explain.grad_cam import GradCam, tapped
from eyetest.explain.grad_cam_plus_plus import GradCamPlusPlus
from eyetest.explain.input_gradient import InputGradient
from eyetest.explain.integrated_gradients import IntegratedGradients, integrated
from eyetest.explain.layer_cam import LayerCam
from eyetest.explain.occlusion import Occlusion
from eyetest.explain.saliency import Saliency
from eyetest.explain.smooth_grad import SmoothGrad
from eyetest.models.classifier import Classifier
from eyetest.models.resnet18_cifar import Resnet18Cifar, folded
from eyetest.tensors import LogitTarget

pytestmark = [
    pytest.mark.extras,
    pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients:UserWarning"),
    pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU activations:UserWarning"),
    pytest.mark.filterwarnings("ignore:Setting forward, backward hooks and attributes on non-linear:UserWarning"),
]

LAYERS = ("layer2", "layer3", "layer4")
CLASSES = torch.tensor([0, 2, 1, 1])
TARGET = LogitTarget(CLASSES)
CLOSE = 1e-4
"""Of a map's range."""


def settled(module: nn.Module) -> nn.Module:
    """The module with running statistics that fit its random weights."""
    for _ in range(20):
        module(torch.rand(16, 3, 32, 32) * 4 - 2)
    return module.eval()


def classified(module: nn.Module, twin: nn.Module | None = None) -> Classifier:
    return Classifier(module, classes=("a", "b", "c"), mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26), twin=twin)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """A ResNet-18 with logits so large that the peers' small constants in denominators do not count."""
    torch.manual_seed(0)
    module = settled(Resnet18Cifar(3, width=8))
    with torch.no_grad():
        module.fc.weight.mul_(1000)
    return classified(module)


@pytest.fixture(scope="module")
def smooth() -> Classifier:
    """A model without kinks: a rounding error next to a kink of a ReLU would move a gradient by more than it is."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 16, 3, 2), nn.BatchNorm2d(16), nn.GELU()]
    return classified(settled(nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 14 * 14, 3))))


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def agree(ours: Tensor, theirs: Tensor) -> bool:
    """Whether each map is within 1e-4 of its range; at most half of them may be blank, and then both are."""
    spread = theirs.flatten(1).amax(1) - theirs.flatten(1).amin(1)
    off = (ours - theirs).abs().flatten(1).amax(1)
    return bool((spread > 0).float().mean() >= 0.5 and (off <= CLOSE * spread).all())


def stretched(maps: Tensor) -> Tensor:
    """Each map from 0 to 1."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low).clamp_min(1e-12)


def pytorch_grad_cam(name: str, classifier: Classifier, images: Tensor, layer: str) -> Tensor:
    import pytorch_grad_cam as peer
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module = classifier.module
    with getattr(peer, name)(model=module, target_layers=[module.get_submodule(layer)]) as method:
        targets = [ClassifierOutputTarget(one) for one in CLASSES.tolist()]
        return torch.from_numpy(method(classifier.normalise(images), targets=targets))


def torchcam(name: str, classifier: Classifier, images: Tensor, layer: str) -> Tensor:
    from torchcam import methods

    with getattr(methods, name)(classifier.module, layer) as method:
        logits = classifier.module(classifier.normalise(images))
        (maps,) = method(CLASSES.tolist(), logits, normalized=False)
        return maps


class Pixels(nn.Module):
    """Logits of pixels in [0, 1]: captum differentiates what eyetest differentiates."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.module, self.normalise = classifier.module, classifier.normalise

    def forward(self, pixels: Tensor) -> Tensor:
        return self.module(self.normalise(pixels))


# Layer methods


def test_grad_cam_of_a_folded_twin_is_torchcams_of_the_module(classifier, images):
    quick = classified(classifier.module, folded(classifier.module))
    ours = GradCam("layer4").coarse(quick, images, TARGET).relu()
    assert agree(ours, torchcam("GradCAM", classifier, images, "layer4"))


@pytest.mark.parametrize("layer", LAYERS)
def test_grad_cam_is_captums_layer_grad_cam_with_its_sign(classifier, images, layer):
    from captum.attr import LayerAttribution, LayerGradCam

    method = LayerGradCam(classifier.module, classifier.module.get_submodule(layer))
    theirs = method.attribute(classifier.normalise(images), target=CLASSES)
    assert agree(GradCam(layer).coarse(classifier, images, TARGET), theirs[:, 0].detach())
    large = LayerAttribution.interpolate(theirs, (32, 32), interpolate_mode="bilinear")
    assert agree(GradCam(layer)(classifier, images, TARGET), large[:, 0].detach())


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("method", "name"), [(GradCam, "GradCAM"), (LayerCam, "LayerCAM")])
def test_the_positive_part_is_torchcams_before_its_normalisation(classifier, images, method, name, layer):
    ours = method(layer).coarse(classifier, images, TARGET).relu()
    assert agree(ours, torchcam(name, classifier, images, layer))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    ("method", "name"), [(GradCam, "GradCAM"), (GradCamPlusPlus, "GradCAMPlusPlus"), (LayerCam, "LayerCAM")]
)
def test_the_upsampled_positive_part_is_pytorch_grad_cams_when_each_map_is_stretched_to_0_1(
    classifier, images, method, name, layer
):
    ours = upsampled(method(layer).coarse(classifier, images, TARGET).relu(), 32, 32)
    assert agree(stretched(ours), pytorch_grad_cam(name, classifier, images, layer))


def test_grad_cam_plus_plus_is_torchcams_but_for_the_division_that_torchcam_leaves_out(classifier, images):
    """Its `alpha[mask].div_()` divides a copy, so that its weights are the sums of gradient² · relu(gradient)."""
    activation, gradient = tapped(classifier, images, TARGET, "layer3")
    undivided = (gradient**2 * gradient.relu()).sum((2, 3), keepdim=True)
    ours = (undivided * activation).sum(1).relu()
    assert agree(ours, torchcam("GradCAMpp", classifier, images, "layer3"))


@pytest.mark.parametrize("layer", LAYERS)
def test_eigen_cam_is_pytorch_grad_cams_projection_when_the_channels_are_centred_and_the_sign_is_ours(
    classifier, images, layer
):
    """pytorch-grad-cam takes the mean off each channel first; the paper and eyetest do not."""
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection

    from eyetest.explain.eigen_cam import eigen_cam

    activation = tapped(classifier, images, TARGET, layer)[0]
    centred = activation - activation.mean((2, 3), keepdim=True)
    ours, theirs = eigen_cam(centred), torch.from_numpy(get_2d_projection(activation.numpy()))
    sign = (ours * theirs).sum((1, 2), keepdim=True).sign()
    assert agree(ours * sign, theirs)


@pytest.mark.parametrize("layer", LAYERS)
def test_eigen_cam_is_pytorch_grad_cams_whole_map_of_channels_whose_mean_is_0(images, layer):
    torch.manual_seed(0)

    class Centred(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return pixels - pixels.mean((2, 3), keepdim=True)

    conv = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), Centred(), nn.Flatten(), nn.Linear(6 * 16 * 16, 3)).eval()
    found = Classifier(conv, classes=("a", "b", "c"))
    theirs = pytorch_grad_cam("EigenCAM", found, images, "1")
    ours = EigenCam("1").coarse(found, images, TARGET)
    either = [stretched(upsampled((sign * ours).relu(), 32, 32)) for sign in (1, -1)]
    assert all(any(agree(one[[i]], theirs[[i]]) for one in either) for i in range(len(images)))


# Pixel methods


@pytest.mark.parametrize("model", ["classifier", "smooth"])
def test_saliency_is_captums_when_its_largest_channel_is_taken(request, images, model):
    from captum import attr

    model = request.getfixturevalue(model)
    theirs = attr.Saliency(Pixels(model)).attribute(images, target=CLASSES)
    assert agree(Saliency()(model, images, TARGET), theirs.amax(1))


def test_input_times_gradient_is_captums_summed_over_the_channels(smooth, images):
    from captum import attr

    theirs = attr.InputXGradient(Pixels(smooth)).attribute(images, target=CLASSES)
    assert agree(InputGradient()(smooth, images, TARGET), theirs.sum(1).detach())


@pytest.mark.parametrize("baseline", ["black", "blurred"])
@pytest.mark.parametrize("steps", [2, 20, 70])
def test_integrated_gradients_are_captums_riemann_middle_with_as_many_steps(smooth, images, baseline, steps):
    from captum import attr

    start = IntegratedGradients(baseline=baseline).start(images)
    theirs = attr.IntegratedGradients(Pixels(smooth)).attribute(
        images, baselines=start, target=CLASSES, n_steps=steps, method="riemann_middle"
    )
    assert agree(integrated(smooth, images, start, TARGET, steps), theirs.sum(1).detach().float())


def test_smooth_grad_is_captums_noise_tunnel_with_the_same_noise(smooth, images):
    from captum import attr

    method = SmoothGrad(copies=6)

    class SameNoise(attr.NoiseTunnel):
        @staticmethod
        def _add_noise_to_input(pixels: Tensor, stdev: float, copies: int) -> Tensor:
            random = torch.Generator().manual_seed(method.seed)
            noise = torch.stack([torch.randn(pixels.shape[1:], generator=random) for _ in range(copies)])
            reach = pixels.amax((1, 2, 3)) - pixels.amin((1, 2, 3))
            return (pixels[:, None] + stdev * reach[:, None, None, None, None] * noise).flatten(0, 1)

    inner = attr.Saliency(Pixels(smooth))
    theirs = SameNoise(inner).attribute(
        images, nt_type="smoothgrad", nt_samples=6, stdevs=method.noise, target=CLASSES, abs=False
    )
    assert agree(method(smooth, images, TARGET), theirs.abs().amax(1).detach())


@pytest.mark.parametrize("fill", ["black", "mean", "blurred"])
@pytest.mark.parametrize(("patch", "stride"), [(8, 4), (4, 4), (16, 8)])
def test_occlusion_is_captums_where_the_squares_end_at_the_edge(smooth, images, fill, patch, stride):
    """Elsewhere captum lets the last square hang over the edge, and eyetest moves it in."""
    from captum import attr

    method = Occlusion(patch, stride, fill)
    theirs = attr.Occlusion(Pixels(smooth)).attribute(
        images,
        sliding_window_shapes=(3, patch, patch),
        strides=(3, stride, stride),
        baselines=method._cover(images).contiguous(),
        target=CLASSES,
    )
    assert agree(method(smooth, images, TARGET), theirs[:, 0].float())


def test_a_contrast_is_the_difference_of_captums_two_maps(smooth, images):
    from captum import attr

    against = (CLASSES + 1) % 3
    method = attr.InputXGradient(Pixels(smooth))
    theirs = method.attribute(images, target=CLASSES) - method.attribute(images, target=against)
    ours = InputGradient()(smooth, images, LogitTarget(CLASSES, against))
    assert agree(ours, theirs.sum(1).detach())


# captum:NAME


class Small(nn.Module):
    """A model with activation modules, in training mode, as a user may have left it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU()
        self.drop, self.fc = nn.Dropout(0.5), nn.Linear(8, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        pixels = self.relu2(self.conv2(self.relu1(self.conv1(pixels))))
        return self.fc(self.drop(pixels.mean((2, 3))))


@pytest.fixture
def small() -> Classifier:
    torch.manual_seed(0)
    return Classifier(Small().train(), classes=("a", "b", "c"), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def state_of(module: nn.Module) -> list[object]:
    return [
        (
            name,
            one.training,
            len(one._forward_hooks),
            len(one._forward_pre_hooks),
            len(one._backward_hooks),
            len(one._backward_pre_hooks),
            sorted(vars(one)),
            [(parameter.requires_grad, parameter.grad) for parameter in one.parameters(recurse=False)],
        )
        for name, one in module.named_modules()
    ]


NAMES = ["Saliency", "InputXGradient", "IntegratedGradients", "DeepLift", "GuidedBackprop", "Deconvolution"]


@pytest.mark.parametrize("name", NAMES)
def test_a_method_of_captum_gives_maps_and_leaves_the_module_as_it_was(small, images, name):
    before = state_of(small.module)
    maps = explainer(f"captum:{name}")()(small, images, TARGET)
    assert maps.shape == (4, 32, 32)
    assert not maps.requires_grad
    assert maps.isfinite().all() and (maps.flatten(1).std(1) > 0).all()
    assert state_of(small.module) == before


def test_methods_of_captum_and_ours_of_one_name_agree(small, images):
    maps = explainer("captum:InputXGradient")()(small, images, TARGET)
    assert agree(InputGradient()(small, images, TARGET), maps)
    contrast = LogitTarget(CLASSES, (CLASSES + 1) % 3)
    maps = explainer("captum:InputXGradient")()(small, images, contrast)
    assert agree(InputGradient()(small, images, contrast), maps)


def test_deep_lift_is_complete_from_black(small, images):
    maps = explainer("captum:DeepLift")()(small, images, TARGET)
    change = TARGET.of(small.predict(images)) - TARGET.of(small.predict(torch.zeros_like(images)))
    assert torch.allclose(maps.sum((1, 2)), change, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_module_is_as_it_was_after_a_method_of_captum_fails(small, images, name):
    def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    before = state_of(small.module)
    hook = small.module.fc.register_full_backward_hook(fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        explainer(f"captum:{name}")()(small, images, TARGET)
    hook.remove()
    assert state_of(small.module) == before


@pytest.mark.parametrize("name", ["DeepLift", "GuidedBackprop", "Deconvolution"])
def test_rules_for_activation_modules_are_refused_where_the_model_has_none(classifier, images, name):
    with pytest.raises(ModelError, match="activation modules"):
        explainer(f"captum:{name}")()(classifier, images, TARGET)


@pytest.mark.parametrize(
    "name", ["Occlusion", "LayerGradCam", "NeuronGradient", "NoiseTunnel", "Attribution", "saliency"]
)
def test_what_asks_for_more_than_a_model_and_images_is_no_method(name):
    with pytest.raises(UnknownName, match=r"Known: .*Saliency"):
        explainer(f"captum:{name}")
