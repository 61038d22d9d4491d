"""Whether results point the right way at all: an answer that is nearly right is told apart from nonsense."""

import pytest
import torch

import visualizers
from style_transfer import content_loss, gram_matrix, tv_loss
from tests.support import oracle, stand_ins
from tests.support.comparison import assert_points_the_way
from tests.support.networks import SmallNet
from visualizers import rank_correlation


@pytest.fixture
def X(random):
    """Spots on a plain ground, so that attributions are far from constant: (4, 3, 12, 16)."""
    spots = torch.zeros(4, 3, 12, 16)
    for image in range(4):
        spots[image, :, 2 + image : 5 + image, 3 * image : 3 * image + 3] = torch.randn(3, 3, 3, generator=random)
    return spots


ATTRIBUTIONS = {
    "compute_saliency_maps": lambda X, y, net: oracle.saliency(X, y, net),
    "guided_backprop": lambda X, y, net: oracle.guided_backprop(X, y, net),
    "grad_cam": lambda X, y, net: oracle.grad_cam(X, y, net, "features.12"),
}


@pytest.mark.parametrize("name", ATTRIBUTIONS)
def test_attribution(name, photos, shipped):
    """The attribution of two photographs' likeliest classes is correlated above 0.9 with the right one."""
    y = shipped(photos).argmax(dim=1)
    assert_points_the_way(getattr(visualizers, name)(photos, y, shipped), ATTRIBUTIONS[name](photos, y, shipped))


def test_fooling(X):
    """The fooling images move the way in which the target's score grows."""
    net = SmallNet()
    targets = net(X).argmin(dim=1)
    reference, _ = oracle.fooling(X, targets.tolist(), net, 0.5, 2)
    fooled = visualizers.make_fooling_image(X, targets, net, learning_rate=0.5, max_iter=2)
    assert_points_the_way(fooled - X, reference - X.double())


def test_class_visualization(X):
    """One step moves the images the way in which score minus regularization grows."""
    net = SmallNet()
    reference = oracle.class_visualization_step(X, [0, 1, 2, 3], net, 1e-5, 5.0)
    updated = visualizers.class_visualization_update_step(X, torch.arange(4), net, 1e-5, 5.0)
    assert_points_the_way(updated - X, reference - X.double())


def test_gram_matrix(random):
    """Gram matrices are large where channels appear together."""
    features = torch.randn(2, 5, 6, 7, generator=random)
    assert_points_the_way(gram_matrix(features), oracle.gram(features.double().numpy()))


SCALES = torch.tensor([0.1, 2.0, 0.5, 1.0, 1.5, 0.2, 1.2, 0.7]).view(8, 1, 1, 1, 1)


def test_content_loss(random):
    """The loss grows with the square of the distance, wherever the features lie."""
    x, noise = torch.randn(2, 8, 1, 3, 4, 5, generator=random)
    pairs = list(zip(3 * x, 3 * x + SCALES * noise, strict=True))
    values = [content_loss(0.5, *pair) for pair in pairs]
    expected = [oracle.content_loss(0.5, *(features.double().numpy() for features in pair))[0] for pair in pairs]
    assert_points_the_way(torch.stack(values), torch.tensor(expected))


def test_tv_loss(random):
    """The loss grows with the square of the differences, however bright the picture is."""
    pictures = SCALES * torch.randn(8, 1, 3, 6, 5, generator=random) + 3 * torch.randn(8, 1, 1, 1, 1, generator=random)
    values = [tv_loss(picture, 0.5) for picture in pictures]
    expected = [oracle.tv_loss(picture.double().numpy(), 0.5)[0] for picture in pictures]
    assert_points_the_way(torch.stack(values), torch.tensor(expected))


def test_rank_correlation(random):
    """The correlation is higher for maps that are more alike."""
    one, noise = torch.randn(2, 8, 9, 7, generator=random)
    other = torch.linspace(-2, 2, 8).view(8, 1, 1) * one + noise
    expected = oracle.rank_correlation(one.double().numpy(), other.double().numpy())
    assert_points_the_way(rank_correlation(one, other), expected)


def test_style_loss(random):
    """The loss grows with the square of the differences of Gram matrices, whatever those are."""
    x = torch.randn(1, 4, 6, 5, generator=random)
    targets = [
        stand_ins.gram_matrix(x) + scale * torch.randn(1, 4, 4, generator=random) for scale in (0.1, 0.5, 1.0, 2.0)
    ]
    values = [stand_ins.style_loss([x], [0], [target], [3.0]) for target in targets]
    expected = [3.0 * (stand_ins.gram_matrix(x) - target).square().sum().item() for target in targets]
    assert_points_the_way(torch.stack(values), torch.tensor(expected))
