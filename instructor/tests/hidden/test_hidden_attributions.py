"""Attributions of images, classes, sizes and networks that students have not seen."""

import copy
from functools import cache

import pytest
import torch
from torch.nn import functional
from torchvision.models import squeezenet1_1

from data import load_examples, preprocess
from tests.support import oracle, stand_ins
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet, drawn, linear_net
from visualizers import compute_saliency_maps, grad_cam, guided_backprop

SIZES = [(65, 90), (91, 67)]


@cache
def random_weights():
    """In double precision: in single, ReLUs near zero depend on the processor."""
    with torch.random.fork_rng(devices=[]):
        return drawn(squeezenet1_1(weights=None, num_classes=30), 11).double()


@pytest.fixture
def random_squeezenet():
    """SqueezeNet with other random weights."""
    return copy.deepcopy(random_weights())


@cache
def photographs():
    return preprocess(load_examples(2, "shipped").images).double()


def pictures(height, width):
    """Parts of two photographs, each with another cut."""
    cuts = [X[None, :, 17 * i : 17 * i + height, 23 * i : 23 * i + width] for i, X in enumerate(photographs(), 2)]
    return torch.cat(cuts).contiguous()


@pytest.mark.parametrize("size", SIZES)
def test_saliency(size, random_squeezenet):
    """Saliency maps under other weights."""
    X, y = pictures(*size), torch.tensor([29, 7])
    assert_matches(compute_saliency_maps(X, y, random_squeezenet), oracle.saliency(X, y, random_squeezenet), dtype=None)


@pytest.mark.parametrize("size", SIZES)
def test_guided_backprop(size, random_squeezenet):
    """Guided backprop under other weights."""
    X, y = pictures(*size), torch.tensor([29, 7])
    assert_matches(
        guided_backprop(X, y, random_squeezenet), oracle.guided_backprop(X, y, random_squeezenet), dtype=None
    )


@pytest.mark.parametrize("layer", ["features.12", "features.9.expand1x1"])
def test_grad_cam(layer, random_squeezenet):
    """Grad-CAM under other weights, at the last layer and at another one."""
    X = pictures(65, 90)
    y = random_squeezenet(X).topk(2, dim=1).indices[:, 1]
    expected = oracle.grad_cam(X, y, random_squeezenet, layer)
    assert_matches(grad_cam(X, y, random_squeezenet, layer), expected, dtype=None)


def test_guided_grad_cam(random_squeezenet):
    """The product of two factors that nobody has seen."""
    X = pictures(65, 90)
    y = random_squeezenet(X).argmax(dim=1)
    maps = functional.interpolate(
        random_squeezenet.features(X).square().mean(dim=1, keepdim=True), (65, 90), mode="bilinear"
    )
    assert_matches(stand_ins.guided_grad_cam(X, y, random_squeezenet), maps * X.mul(3).sin(), dtype=None)


@pytest.mark.parametrize("technique", [compute_saliency_maps, guided_backprop])
@pytest.mark.parametrize("count", [3, 11])
def test_batches(technique, count):
    """Any number of images, one class for all or another for each."""
    random = torch.Generator().manual_seed(count)
    X, y = torch.randn(count, 3, 7, 5, generator=random), torch.randint(0, 5, (count,), generator=random)
    reference = {"compute_saliency_maps": oracle.saliency, "guided_backprop": oracle.guided_backprop}[
        technique.__name__
    ]
    assert_matches(technique(X, y, SmallNet()), reference(X, y, SmallNet()))


def test_saliency_of_a_linear_network():
    """The largest absolute weight, whatever its sign and colour."""
    weight = [[0.25, 6.0, -0.5, -1.5, 0.0, 2.0, -8.0, 1.0, 0.125]]
    maps = compute_saliency_maps(torch.ones(2, 3, 1, 3), torch.tensor([0, 0]), linear_net(weight))
    assert_matches(maps, torch.tensor([8.0, 6.0, 2.0]).expand(2, 1, 3), 1e-6)
