"""Whether results point the right way at all: an answer that is nearly right is told from one that is no answer."""

import pytest
import torch

import visualizers
from networks import SmallNet
from references import slow
from style_transfer import gram_matrix

COSINE = 0.9


def assert_points_the_way(actual, reference):
    """Neither zeros nor a constant nor noise has such a cosine with the right answer; a small mistake does."""
    __tracebackhide__ = True
    reference = torch.as_tensor(reference).double().flatten()
    assert isinstance(actual, torch.Tensor), f"expected a tensor, got {type(actual).__name__}"
    assert actual.numel() == len(reference), f"expected {len(reference)} values, got shape {tuple(actual.shape)}"
    actual = actual.detach().double().flatten()
    assert actual.isfinite().all(), "some values are NaN or infinite"
    flat = torch.ones_like(reference)
    assert cosine(flat, reference) < COSINE, "this test is no good: a constant passes it"
    found = cosine(actual, reference)
    assert found > COSINE, f"the cosine with the right answer is {found:.2f}, not above {COSINE}"


def cosine(a, b):
    return torch.cosine_similarity(a, b, dim=0).item()


@pytest.fixture
def X(random):
    """Spots on a plain ground, so that attributions are far from constant: (4, 3, 12, 16)."""
    spots = torch.zeros(4, 3, 12, 16)
    for image in range(4):
        spots[image, :, 2 + image : 5 + image, 3 * image : 3 * image + 3] = torch.randn(3, 3, 3, generator=random)
    return spots


ATTRIBUTIONS = {
    "compute_saliency_maps": lambda X, y, net: slow.saliency(X, y, net),
    "guided_backprop": lambda X, y, net: slow.guided_backprop(X, y, net),
    "grad_cam": lambda X, y, net: slow.grad_cam(X, y, net, "features"),
}


@pytest.mark.parametrize("name", ATTRIBUTIONS)
def test_attribution(name, X):
    """The attribution of four images by a small network has a cosine above 0.9 with the right one."""
    y, net = torch.tensor([1, 3, 0, 2]), SmallNet()
    assert_points_the_way(getattr(visualizers, name)(X, y, net), ATTRIBUTIONS[name](X, y, net))


def test_fooling(X):
    """The fooling images move the way in which the target's score grows."""
    net = SmallNet()
    targets = net(X).argmin(dim=1)
    reference, _ = slow.fooling(X, targets.tolist(), net, 0.5, 2)
    fooled = visualizers.make_fooling_image(X, targets, net, learning_rate=0.5, max_iter=2)
    assert_points_the_way(fooled - X, reference - X.double())


def test_class_visualization(X):
    """One step moves the images the way in which score minus regularization grows."""
    net = SmallNet()
    reference = slow.class_visualization_step(X, [0, 1, 2, 3], net, 1e-3, 5.0)
    updated = visualizers.class_visualization_update_step(X, torch.arange(4), net, 1e-3, 5.0)
    assert_points_the_way(updated - X, reference - X.double())


def test_gram_matrix(random):
    """Gram matrices are large where channels appear together."""
    features = torch.randn(2, 5, 6, 7, generator=random)
    assert_points_the_way(gram_matrix(features), slow.gram(features.double().numpy()))
