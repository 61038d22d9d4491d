"""Any classifier that runs forward goes through every technique, with the right values, or is refused in one sentence.

The networks are small relatives of what people bring along: flattening with `view`, wrapped, compiled, quantized,
frozen in part, with channels last, with tokens, shared by threads.
"""

import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sanity_checks.explanations import explain
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet, linear_net
from visualizers import (
    compute_saliency_maps,
    create_class_visualization,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    make_fooling_image,
)
from visualizers.captum_attributions import captum_layer_grad_cam, captum_saliency
from visualizers.layers import Tokens

Y = torch.tensor([1, 2])
MAPS = {
    "saliency": compute_saliency_maps,
    "guided backprop": guided_backprop,
    "Grad-CAM": grad_cam,
    "guided Grad-CAM": guided_grad_cam,
    "Captum's saliency": captum_saliency,
    "all at once": lambda X, y, model: explain(X, y, model, ("gradient",))["gradient"],
}
TECHNIQUES = {
    **MAPS,
    "fooling": lambda X, y, model: make_fooling_image(X, 3, model, max_iter=2),
    "visualization": lambda X, y, model: create_class_visualization(1, model, num_iterations=1, size=X.shape[2]),
}


class Flattening(nn.Module):
    """As PyTorch's own introduction has it."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.scores = nn.Conv2d(3, 4, 5), nn.Conv2d(4, 6, 3), nn.Linear(6 * 10 * 10, 4)

    def forward(self, x):
        return self.scores(self.second(functional.relu(self.first(x))).relu().view(len(x), -1))


class InPlace(nn.Module):
    """It begins by changing its input."""

    def __init__(self):
        super().__init__()
        self.net = Flattening()

    def forward(self, x):
        x += 0.5
        return self.net(x.mul_(2.0))


class Holder(nn.Module):
    def __init__(self, net, before=lambda x: x):
        super().__init__()
        self.net, self.before = net, before

    def forward(self, x):
        return self.net(self.before(x))


class FrozenBody(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            features = self.body(x)
        return self.head(features.relu().mean(dim=(2, 3)))


class ChannelsLast(nn.Module):
    """Its last features are (N, H, W, C)."""

    def __init__(self):
        super().__init__()
        self.patches, self.mix, self.head = nn.Conv2d(3, 20, 4, 4), nn.Linear(20, 20), nn.Linear(20, 4)

    def forward(self, x):
        return self.head(self.mix(self.patches(x).permute(0, 2, 3, 1)).relu().mean(dim=(1, 2)))


class Transformer(nn.Module):
    """A class token before the patches' tokens."""

    def __init__(self):
        super().__init__()
        self.patches, self.mix, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8), nn.Linear(8, 4)
        self.first = nn.Parameter(torch.randn(1, 1, 8))

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = self.mix(torch.cat([self.first.expand(len(x), -1, -1), tokens], dim=1))
        return self.head((tokens.softmax(dim=1) * tokens).sum(dim=1))


def built(make, *given):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(*given).eval()


@pytest.fixture
def X(random):
    return torch.randn(2, 3, 16, 16, generator=random)


def gradient(X, y, model):
    x = X.clone().requires_grad_()
    scores = model(x.clone()).gather(1, y.unsqueeze(1))
    return torch.autograd.grad(scores.sum(), x)[0]


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("make", [Flattening, InPlace])
def test_a_model_that_runs_on_the_images_as_they_are_goes_through_every_technique(make, technique, X):
    model, before = built(make), X.clone()
    given = TECHNIQUES[technique](X, Y, model)
    assert given.isfinite().all()
    assert torch.equal(X, before)


@pytest.mark.parametrize("make", [Flattening, InPlace])
def test_their_saliency_is_the_gradient(make, X):
    model = built(make)
    assert_matches(compute_saliency_maps(X, Y, model), gradient(X, Y, model).abs().amax(dim=1), 1e-5)


WRAPPED = {
    "holder": Holder,
    "parallel": nn.DataParallel,
    "sequence": lambda net: nn.Sequential(nn.Identity(), net),
    "holders": lambda net: nn.Sequential(nn.Identity(), Holder(nn.Sequential(net))),
    "traced": torch.fx.symbolic_trace,
}


@pytest.mark.parametrize("wrap", WRAPPED)
def test_the_last_features_are_found_inside_of_any_wrapper(wrap, noise):
    net = SmallNet()
    wrapped = WRAPPED[wrap](net).eval()
    labels = torch.tensor([0, 1, 2])
    for technique in (grad_cam, guided_grad_cam, captum_layer_grad_cam):
        assert_matches(technique(noise, labels, wrapped), technique(noise, labels, net, "features"), 1e-5)


def test_features_that_do_not_lead_to_the_scores_are_no_last_features(noise):
    class Aside(SmallNet):
        def forward(self, x):
            scores = super().forward(x)
            self.unused(x)
            return scores

    model = Aside()
    labels = torch.tensor([0, 1, 2])
    assert_matches(grad_cam(noise, labels, model), grad_cam(noise, labels, model, "features"), 1e-6)


def test_what_was_found_is_forgotten_when_the_model_gets_other_parts(noise):
    model = SmallNet()
    grad_cam(noise, 1, model)
    model.features = nn.Sequential(*model.features, nn.Identity())
    assert_matches(grad_cam(noise, 1, model), grad_cam(noise, 1, model, "features"), 1e-6)


@pytest.mark.parametrize("layer", ["mix", None])
def test_features_with_channels_last_are_recognized(layer, X):
    model = built(ChannelsLast)
    x = X.clone().requires_grad_()
    features = model.mix(model.patches(x).permute(0, 2, 3, 1))
    scores = model.head(features.relu().mean(dim=(1, 2))).gather(1, Y.unsqueeze(1))
    (slopes,) = torch.autograd.grad(scores.sum(), features)
    maps = (slopes.mean(dim=(1, 2), keepdim=True) * features).sum(dim=3).relu().detach()
    expected = functional.interpolate(maps[:, None], (16, 16), mode="bilinear", align_corners=False)[:, 0]
    assert_matches(grad_cam(X, Y, model, layer), expected, 1e-5)
    with pytest.raises(ValueError, match="channels last"):
        captum_layer_grad_cam(X, Y, model, layer)


def test_tokens_are_laid_out_as_told_and_without_a_word_the_model_is_refused(X):
    model = built(Transformer)
    x = X.clone().requires_grad_()
    tokens = model.patches(x).flatten(2).transpose(1, 2)
    mixed = model.mix(torch.cat([model.first.expand(2, -1, -1), tokens], dim=1))
    scores = model.head((mixed.softmax(dim=1) * mixed).sum(dim=1)).gather(1, Y.unsqueeze(1))
    (slopes,) = torch.autograd.grad(scores.sum(), mixed)
    maps = (slopes[:, 1:].mean(dim=1, keepdim=True) * mixed[:, 1:]).sum(dim=2).relu().detach().view(2, 1, 4, 4)
    expected = functional.interpolate(maps, (16, 16), mode="bilinear", align_corners=False)[:, 0]
    assert_matches(grad_cam(X, Y, model, Tokens("mix", 4, 4)), expected, 1e-5)
    assert_matches(grad_cam(X, Y, model, Tokens(model.mix, 4, 4)), expected, 1e-5)
    with pytest.raises(ValueError, match=r"transformer, whose features are tokens, .*Tokens\(name, height, width\)"):
        grad_cam(X, Y, model)
    with pytest.raises(ValueError, match=r"not tokens \(N, L, C\) of 5 x 4 patches"):
        grad_cam(X, Y, model, Tokens("mix", 5, 4))
    with pytest.raises(ValueError, match=r"gives \(2, 17, 8\): choose a convolutional layer, .*Tokens"):
        grad_cam(X, Y, model, "mix")


# --------------------------------------------------------------------------------------------------------- refusals


def compiled_in_place(model):
    model.compile(backend="eager")
    return model


HIDDEN = {
    "compiled": (lambda model: torch.compile(model, backend="eager"), "compiled, .*give model._orig_mod"),
    "compiled in place": (compiled_in_place, "compiled in place"),
    "scripted": (torch.jit.script, "a TorchScript module"),
    "traced": (lambda model: torch.jit.trace(model, torch.zeros(1, 3, 16, 16)), "a TorchScript module"),
}


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.filterwarnings("ignore:`torch.jit", "ignore::torch.jit.TracerWarning")
def test_a_model_that_hides_what_happens_inside_is_refused(kind, technique, X):
    hide, words = HIDDEN[kind]
    with pytest.raises(TypeError, match=words):
        TECHNIQUES[technique](X, Y, hide(built(Flattening)))


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_labels_of_inference_mode_serve_and_a_call_in_it_is_refused(technique, X):
    model = built(Flattening)
    with torch.inference_mode():
        labels = model(X).argmax(dim=1)
        with pytest.raises(RuntimeError, match=r"called in torch\.inference_mode"):
            TECHNIQUES[technique](X, Y, model)
    ordinary = torch.tensor(labels.tolist())
    assert_matches(TECHNIQUES[technique](X, labels, model), TECHNIQUES[technique](X, ordinary, model), 1e-6)


def quantized(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, {nn.Linear})


@pytest.mark.parametrize("technique", ["saliency", "guided backprop", "Captum's saliency", "fooling", "visualization"])
@pytest.mark.parametrize(
    "make",
    [
        FrozenBody,
        lambda: Holder(Flattening(), torch.Tensor.detach),
        lambda: Holder(Flattening(), torch.Tensor.detach).requires_grad_(False),
        lambda: quantized(Flattening()),
    ],
    ids=["under no_grad", "detached", "detached and frozen", "quantized"],
)
def test_where_no_gradient_reaches_the_image_one_sentence_says_so(make, technique, X):
    with pytest.raises(ValueError, match="no gradient reaches the image: the model computes under no_grad, detaches"):
        TECHNIQUES[technique](X, Y, built(make))


def test_grad_cam_begins_at_the_features_and_needs_no_gradient_before_them(X):
    model = built(FrozenBody)
    features = model.body(X).detach().requires_grad_()
    scores = model.head(features.relu().mean(dim=(2, 3))).gather(1, Y.unsqueeze(1))
    (slopes,) = torch.autograd.grad(scores.sum(), features)
    maps = (slopes.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True).relu().detach()
    expected = functional.interpolate(maps, (16, 16), mode="bilinear", align_corners=False)[:, 0]
    assert_matches(grad_cam(X, Y, model, "body"), expected, 1e-5)
    assert_matches(grad_cam(X, Y, model), expected, 1e-5)


@pytest.mark.parametrize("technique", ["saliency", "Grad-CAM", "fooling"])
def test_a_picture_that_is_too_small_is_named_with_its_shape(technique):
    model = built(lambda: nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4, 4)))
    with pytest.raises(ValueError, match=r"does not run on X of shape \(2, 3, 4, 4\), which is too small for it: "):
        TECHNIQUES[technique](torch.zeros(2, 3, 4, 4), Y, model)
    with pytest.raises(ValueError, match=r"does not run on X of shape \(2, 3, 9, 9\): "):
        TECHNIQUES[technique](torch.zeros(2, 3, 9, 9), Y, model)


# --------------------------------------------------------------------------------------------- other scores and images


@pytest.mark.parametrize("technique", MAPS)
def test_without_labels_the_most_probable_class_is_explained(technique, random):
    model, X = built(Flattening), 4 * torch.randn(6, 3, 16, 16, generator=random)
    labels = model(X).argmax(dim=1)
    assert len(labels.unique()) > 1
    assert_matches(MAPS[technique](X, None, model), MAPS[technique](X, labels, model), 1e-6)


@pytest.mark.parametrize("head", [lambda net: nn.Sequential(net, nn.Linear(4, 1)),
                                  lambda net: nn.Sequential(net, nn.Linear(4, 1), nn.Flatten(0))])  # fmt: skip
def test_a_model_of_one_score_has_the_class_0(head, X):
    model = built(lambda: head(Flattening()))
    x = X.clone().requires_grad_()
    (expected,) = torch.autograd.grad(model(x).sum(), x)
    for y in (0, None):
        assert_matches(compute_saliency_maps(X, y, model), expected.abs().amax(dim=1), 1e-5)


@pytest.mark.parametrize("channels", [1, 5])
def test_images_have_as_many_channels_as_the_model_begins_with(channels, random):
    X = torch.randn(2, channels, 16, 16, generator=random)
    model = built(lambda: nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 4)))
    assert_matches(compute_saliency_maps(X, Y, model), gradient(X, Y, model).abs().amax(dim=1), 1e-5)
    assert guided_grad_cam(X, Y, model).shape == X.shape
    with pytest.raises(ValueError, match=rf"X has shape \(2, 2, 16, 16\): give a batch \(N, {channels}, H, W\)"):
        compute_saliency_maps(torch.zeros(2, 2, 16, 16), Y, model)


# ------------------------------------------------------------------------------------------------------- rectifiers


class Calls(nn.Module):
    """An activation that is called as a function."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def rectified(activation):
    """hidden = activation(red, -green, blue); score 0 = 2, 5, -4 times hidden."""
    first = linear_net([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    return nn.Sequential(first, activation, linear_net([[2.0, 5.0, -4.0], [-1.0, 1.0, 3.0]]))


PIXEL = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (nn.ReLU6(), [2.0, 0.0, 0.0]),
        (nn.ReLU6(inplace=True), [2.0, 0.0, 0.0]),
        (nn.Threshold(0.0, 0.0), [2.0, 0.0, 0.0]),
        (Calls(lambda x: x.clamp(min=0)), [2.0, 0.0, 0.0]),
        (Calls(lambda x: x.clamp(0, 2)), [2.0, 0.0, 0.0]),
        (nn.LeakyReLU(0.5), [2.0, -2.5, 0.0]),
        (nn.PReLU(init=0.5), [2.0, -2.5, 0.0]),
    ],
)
def test_every_rectifier_is_guided_and_a_leaky_one_keeps_its_slope(activation, expected):
    # inputs (1, -2, 3), slopes (1, 0 or 0.5, 1), upstream (2, 5, -4), first layer (1, -1, 1)
    gradient = guided_backprop(PIXEL, 0, rectified(activation))
    assert_matches(gradient, torch.tensor(expected).view(1, 3, 1, 1), 1e-6)


@pytest.mark.parametrize("activation", [nn.Identity(), nn.Hardtanh(-4.0, 4.0), Calls(lambda x: x.clamp(-3.0, 4.0))])
def test_a_model_without_any_rectifier_is_told(activation):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gradient = guided_backprop(PIXEL, 0, rectified(activation))
    assert "no ReLU on the way" in str(said[-1].message)
    assert_matches(gradient, torch.tensor([2.0, -5.0, -4.0]).view(1, 3, 1, 1), 1e-6)


# ------------------------------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_iterations", 1.0),
        ("max_jitter", 2.0),
        ("seed", 1.5),
        ("blur_every", 0.5),
        ("size", 32.0),
        ("size", (3, 32, 32)),
    ],
)
def test_a_number_of_another_kind_is_named(name, value, small_net):
    with pytest.raises(ValueError, match=re.escape(f"{name} is {value!r}: give")):
        create_class_visualization(1, small_net, **{"num_iterations": 1, "size": 8, name: value})


def test_sizes_may_be_numpys_and_a_model_need_have_no_parameters():
    class Mean(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3))

    images = create_class_visualization(1, Mean(), num_iterations=1, size=(np.int64(8), 9))
    assert images.shape == (1, 3, 8, 9)
    assert images.isfinite().all()


# ----------------------------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("technique", [compute_saliency_maps, grad_cam, guided_grad_cam])
def test_threads_that_share_a_model_get_the_right_maps_and_leave_it_as_it_was(technique, training, noise):
    model = SmallNet().train(training)
    batches = [noise.roll(shift, dims=3) for shift in range(4)]
    expected = [technique(batch, 1, model) for batch in batches]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: technique(batches[number % 4], 1, Holder(model)), range(40)))
    for number, maps in enumerate(found):
        assert_matches(maps, expected[number % 4], 1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(module.training is training for module in model.modules())
