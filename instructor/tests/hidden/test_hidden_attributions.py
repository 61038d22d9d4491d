"""Attributions of images, classes, sizes and networks that students have not seen."""

from functools import cache

import pytest
import torch
from torch.nn import functional
from torchvision.models import squeezenet1_1

from data import load_examples, preprocess
from tests.support import oracle, stand_ins
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet, copied, drawn, linear_net, narrowed
from visualizers import compute_saliency_maps, grad_cam, guided_backprop

HEIGHT, WIDTH = 91, 67


@cache
def random_weights():
    """In double precision: in single, ReLUs near zero depend on the processor."""
    with torch.random.fork_rng(devices=[]):
        model = squeezenet1_1(weights=None, num_classes=8 * 30)
    return drawn(narrowed(model), 11).double()


@pytest.fixture
def random_squeezenet():
    """A narrow SqueezeNet with random weights."""
    return copied(random_weights())


@cache
def pictures():
    """Parts of two photographs, each with another cut."""
    photographs = preprocess(load_examples(2, "shipped").images).double()
    cuts = [X[None, :, 17 * i : 17 * i + HEIGHT, 23 * i : 23 * i + WIDTH] for i, X in enumerate(photographs, 2)]
    return torch.cat(cuts).contiguous()


def test_saliency(random_squeezenet):
    """Saliency maps under other weights."""
    X, y = pictures().clone(), torch.tensor([29, 7])
    assert_matches(compute_saliency_maps(X, y, random_squeezenet), oracle.saliency(X, y, random_squeezenet), dtype=None)


def test_guided_backprop(random_squeezenet):
    """Guided backprop under other weights."""
    X, y = pictures().clone(), torch.tensor([29, 7])
    assert_matches(
        guided_backprop(X, y, random_squeezenet), oracle.guided_backprop(X, y, random_squeezenet), dtype=None
    )


@pytest.mark.parametrize("layer", ["features.12", "features.9.expand1x1"])
def test_grad_cam(layer, random_squeezenet):
    """Grad-CAM under other weights, at the last layer and at another one."""
    X = pictures().clone()
    y = random_squeezenet(X).topk(2, dim=1).indices[:, 1]
    expected = oracle.grad_cam(X, y, random_squeezenet, layer)
    assert_matches(grad_cam(X, y, random_squeezenet, layer), expected, dtype=None)


def test_guided_grad_cam(random_squeezenet):
    """The product of two factors that nobody has seen."""
    X = pictures().clone()
    y = random_squeezenet(X).argmax(dim=1)
    maps = functional.interpolate(
        random_squeezenet.features(X).square().mean(dim=1, keepdim=True), (HEIGHT, WIDTH), mode="bilinear"
    )
    assert_matches(stand_ins.guided_grad_cam(X, y, random_squeezenet), maps * X.mul(3).sin(), dtype=None)


@pytest.mark.parametrize("technique", [compute_saliency_maps, guided_backprop])
def test_batches(technique):
    """Many images, each with a class of its own."""
    random = torch.Generator().manual_seed(11)
    X, y = torch.randn(11, 3, 7, 5, generator=random), torch.randint(0, 5, (11,), generator=random)
    reference = {"compute_saliency_maps": oracle.saliency, "guided_backprop": oracle.guided_backprop}[
        technique.__name__
    ]
    assert_matches(technique(X, y, SmallNet()), reference(X, y, SmallNet()))


def test_saliency_of_a_linear_network():
    """The largest absolute weight, whatever its sign and colour."""
    weight = [[0.25, 6.0, -0.5, -1.5, 0.0, 2.0, -8.0, 1.0, 0.125]]
    maps = compute_saliency_maps(torch.ones(2, 3, 1, 3), torch.tensor([0, 0]), linear_net(weight))
    assert_matches(maps, torch.tensor([8.0, 6.0, 2.0]).expand(2, 1, 3), 1e-6)
