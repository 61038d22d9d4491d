"""Fooling images and class visualization with classes, sizes and networks that students have not seen."""

import pytest
import torch

from tests.support import oracle
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet
from visualizers import class_visualization_update_step, make_fooling_image


@pytest.mark.parametrize("size", [(5, 11), (12, 7)])
def test_fooling(size):
    """Every image stops at its own first success, in steps of the learning rate."""
    random = torch.Generator().manual_seed(size[0])
    X, net = 2 * torch.randn(5, 3, *size, generator=random, dtype=torch.float64), SmallNet().double()
    targets = torch.tensor([4, 3, 2, 1, 0])
    reference, steps = oracle.fooling(X, targets.tolist(), net, 0.4, 60)
    assert len(set(steps)) > 1, "this test cannot tell: all images take as many steps"
    fooled = make_fooling_image(X, targets, net, learning_rate=0.4, max_iter=60)
    assert_matches(fooled - X, reference - X, dtype=torch.float64)


@pytest.mark.parametrize("l2_reg", [0.02, 3.0])
def test_class_visualization_step(l2_reg):
    """One step under regularization of other strengths, for images of another shape."""
    random = torch.Generator().manual_seed(3)
    img, net = 1.5 * torch.randn(4, 3, 9, 13, generator=random), SmallNet()
    reference = oracle.class_visualization_step(img, [3, 3, 1, 0], net, l2_reg, 7.0)
    updated = class_visualization_update_step(img, torch.tensor([3, 3, 1, 0]), net, l2_reg, 7.0)
    assert_matches(updated - img, reference - img)
