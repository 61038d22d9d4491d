import pytest
import torch
from torch import nn

from tests.support import oracle
from tests.support.comparison import assert_finite, assert_matches, assert_shape, assert_zeros, rounded
from tests.support.networks import CountsBackward, SmallNet, in_double, linear_net
from tests.support.references import load
from visualizers import compute_saliency_maps

# Two pixels beside each other, three colours: red red, green green, blue blue.
WEIGHT = [[1.0, -4.0, 3.0, 2.0, -2.0, 0.5], [0.0, 1.0, -7.0, 0.0, 0.0, -6.0]]


@pytest.mark.parametrize(
    ("label", "expected"),
    # class 0: max(|1|, |3|, |-2|) and max(|-4|, |2|, |0.5|); class 1: max(|0|, |-7|, |0|) and max(|1|, |0|, |-6|)
    [(0, [[[3.0, 4.0]]]), (1, [[[7.0, 6.0]]])],
)
def test_a_linear_network_gives_its_largest_absolute_weights(label, expected):
    """For scores linear in the pixels, the map is the largest absolute weight over the channels."""
    pixels = torch.tensor([[[[0.3, -0.1]], [[2.0, 0.4]], [[-1.0, 0.7]]]])
    maps = compute_saliency_maps(pixels, torch.tensor([label]), linear_net(WEIGHT))
    assert_shape(maps, (1, 1, 2))
    assert_finite(maps)
    assert (maps >= 0).all(), f"the map has negative values, {rounded(maps)}: it is made of absolute values"
    assert_matches(maps, torch.tensor(expected), 1e-6)


def test_stored_reference(shipped):
    """The map is the largest absolute gradient of the unnormalized class score over the colour channels."""
    reference = load("attributions")
    X, shipped = in_double(reference["X"], shipped)
    assert_matches(compute_saliency_maps(X, reference["y"], shipped), reference["saliency"], dtype=None, images=X)


def test_finite_differences(shipped):
    """Changing one pixel a little changes the class score as much as the map says."""
    reference = load("attributions")
    X, shipped = in_double(reference["X"], shipped)
    maps = compute_saliency_maps(X, reference["y"], shipped)
    assert_shape(maps, (2, 72, 88))
    n, row, column = reference["pixels"].T
    assert_matches(maps[n, row, column], reference["slopes"].abs().amax(dim=1), dtype=None)


def test_other_networks(other_network, photos):
    """The map is right for every network and all weights, not for one alone."""
    photos, network = in_double(photos, other_network)
    y = network(photos).argmax(dim=1)
    assert_matches(compute_saliency_maps(photos, y, network), oracle.saliency(photos, y, network), dtype=None)


@pytest.mark.parametrize(("count", "height", "width"), [(1, 6, 9), (4, 9, 6)])
def test_any_number_of_images_of_any_shape(count, height, width, random):
    """Each image gets its own map, as high and wide as the image, however many images there are."""
    X = torch.randn(count, 3, height, width, generator=random)
    y = torch.arange(count) % 5
    net = SmallNet()
    maps = compute_saliency_maps(X, y, net)
    assert_shape(maps, (count, height, width))
    assert_matches(maps, oracle.saliency(X, y, net))


def test_one_backward_pass_serves_the_batch(random):
    """All images share a single backward pass."""
    counter = CountsBackward()
    X = torch.randn(4, 3, 6, 9, generator=random)
    compute_saliency_maps(X, torch.arange(4), nn.Sequential(counter, SmallNet()))
    assert counter.count == 1, (
        f"4 images took {counter.count} backward passes: add up the scores and run one backward pass"
    )


def test_zero_gradient_gives_zeros():
    """Where the score does not depend on the image, the map is zero, not NaN."""
    maps = compute_saliency_maps(torch.ones(2, 3, 1, 2), torch.tensor([0, 0]), linear_net([[0.0] * 6]))
    assert_zeros(maps, (2, 1, 2))
