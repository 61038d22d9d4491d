"""Explanations that share passes equal those computed one at a time."""

import pytest
import torch
from captum.attr import Saliency
from torch import nn

from sanity_checks.explanations import METHODS, explain
from tests.support.comparison import assert_matches
from visualizers import grad_cam, guided_backprop, guided_grad_cam

LABELS = torch.tensor([3, 17])  # ResNet-18 and VGG-11 have twenty classes here


@pytest.fixture
def network(network):
    """In double precision: in single, two ways of computing one gradient find another ReLU open here and there."""
    return network.double()


@pytest.fixture
def X(photos):
    return photos.double()


@pytest.fixture
def explanations(network, X):
    return explain(X, LABELS, network, samples=3, steps=4)


def assert_equal(actual, expected):
    assert_matches(actual, expected, dtype=torch.float64)


def test_methods_of_one_pass_equal_the_techniques_themselves(network, X, explanations):
    assert_equal(explanations["Grad-CAM"], grad_cam(X, LABELS, network))
    assert_equal(explanations["guided backprop"], guided_backprop(X, LABELS, network))
    assert_equal(explanations["guided Grad-CAM"], guided_grad_cam(X, LABELS, network))


def test_gradient_and_gradient_times_input_are_those_of_captum(network, X, explanations):
    gradient = Saliency(network).attribute(X.clone().requires_grad_(), target=LABELS, abs=False)
    assert_equal(explanations["gradient"], gradient.detach())
    assert_equal(explanations["gradient x input"], (gradient * X).detach())


@pytest.mark.filterwarnings("ignore:the model has no ReLU")
def test_a_linear_score_has_its_weights_as_every_gradient():
    """For a score w.x: gradient w, SmoothGrad w, integrated gradients w * x, conductance the layer's contribution."""
    net = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.Flatten(), nn.Linear(4, 2, bias=False)).eval()
    X = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1])
    with torch.no_grad():
        contribution = net[0](X)[:, 0] * net[2].weight[y].view(2, 2, 2)
        weights = net[2].weight[y].view(2, 1, 2, 2) * net[0].weight.view(1, 3, 1, 1)
    found = explain(X, y, net, ("gradient", "SmoothGrad", "integrated gradients", "layer conductance"), layer="0")
    assert_matches(found["gradient"], weights)
    assert_matches(found["SmoothGrad"], weights)
    assert_matches(found["integrated gradients"], weights * X)
    assert_matches(found["layer conductance"], contribution)


def test_integrated_gradients_and_conductance_add_up_to_the_change_of_the_score(shipped, photos):
    methods = ("integrated gradients", "layer conductance")
    with torch.no_grad():
        logits = shipped(photos)
        likely = logits.argmax(dim=1)
        change = (logits - shipped(torch.zeros_like(photos))).gather(1, likely[:, None])[:, 0]
    found = explain(photos, likely, shipped, methods, layer="features.12", steps=200)
    assert_matches(found["integrated gradients"].sum((1, 2, 3)), change, tolerance=0.02)
    # features.12 gives 4 x 5 positions here, enlarged to 72 x 88; bilinear enlarging keeps the mean nearly
    positions = shipped.features(photos).shape[2:].numel()
    assert_matches(found["layer conductance"].mean((1, 2)) * positions, change, tolerance=0.2)


def test_an_image_gets_the_same_explanations_alone_and_in_a_batch(network, X, explanations):
    alone = explain(X[1:], LABELS[1:], network, samples=3, steps=4)
    for method in METHODS:
        assert_equal(explanations[method][1:], alone[method])


def test_a_second_call_gives_the_same_and_another_seed_other_noise(shipped, photos):
    noisy = [explain(photos, LABELS, shipped, ["SmoothGrad"], samples=2, seed=s)["SmoothGrad"] for s in (1, 1, 2)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])


def test_only_what_was_asked_for_is_returned_in_the_order_asked(shipped, photos):
    assert list(explain(photos, LABELS, shipped, ["Grad-CAM", "gradient"])) == ["Grad-CAM", "gradient"]


@pytest.mark.parametrize("methods", [["gradient", "LIME"], []])
def test_unknown_or_no_methods_are_refused_with_those_that_exist(shipped, photos, methods):
    with pytest.raises(ValueError, match="choose from gradient"):
        explain(photos, LABELS, shipped, methods)
