"""Pixels are removed in the order of their importance, and the probability of the class is followed."""

import numpy as np
import pytest
import torch
from torch import nn

from sanity_checks.removal import RANDOM, blurred, importance, most_important_first, removal


class BrightestPixel(nn.Module):
    """Two classes; the score of class 1 is how far the red of pixel (8, 8) stands out."""

    def forward(self, x):
        contrast = x[:, 0, 8, 8]
        return torch.stack([torch.zeros_like(contrast), contrast], dim=1)


@pytest.fixture
def lonely():
    """Two images, black but for one pixel, and maps that know where it is."""
    images = torch.zeros(2, 3, 24, 24)
    images[:, :, 8, 8] = 5.0
    maps = torch.zeros(2, 24, 24)
    maps[:, 8, 8] = 1.0
    return images, maps


def test_the_only_pixel_that_matters_goes_first_and_last(lonely):
    images, maps = lonely
    y = torch.tensor([1, 1])
    found = removal(images, y, BrightestPixel(), {"right": maps, "wrong": -maps}, fractions=(0.0, 0.01, 0.99, 1.0))
    before = torch.tensor(5.0).sigmoid().item()
    after = blurred(images)[:, 0, 8, 8].sigmoid().numpy()
    np.testing.assert_allclose(found.deleted["right"], np.stack([np.full(2, before), after, after, after], axis=1))
    np.testing.assert_allclose(found.spared["right"][:, :3], before)
    np.testing.assert_allclose(found.deleted["wrong"][:, :3], before)
    low, high = found.areas()[0]
    assert low < found.areas()[1][0]
    assert high > found.areas()[1][1]


def test_insertion_is_removal_of_the_least_important_read_from_its_end(lonely):
    images, maps = lonely
    found = removal(
        images, torch.tensor([1, 1]), BrightestPixel(), {"map": maps}, fractions=(0.0, 0.25, 0.5, 0.75, 1.0)
    )
    assert found.deleted.keys() == found.spared.keys() == {"map", RANDOM}
    np.testing.assert_allclose(found.areas()[0][0], np.trapezoid(found.deleted["map"], found.fractions, axis=1).mean())


def test_equal_pixels_are_put_in_the_order_of_the_lots():
    lots = torch.tensor([[2, 0, 3, 1]])
    assert most_important_first(torch.tensor([[[0.0, 0.0], [0.0, 0.0]]]), lots).tolist() == [[2, 0, 3, 1]]
    assert most_important_first(torch.tensor([[[0.0, 0.0], [0.0, 9.0]]]), lots).tolist() == [[3, 2, 0, 1]]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"fractions": (0.1, 1.0)}, "rise from 0 to 1"),
        ({"fractions": (0.0, 0.5, 0.5, 1.0)}, "rise from 0 to 1"),
        ({"maps": {"small": torch.zeros(2, 3, 3)}}, r"give finite maps \(2, 24, 24\)"),
        ({"maps": {"open": torch.full((2, 24, 24), torch.nan)}}, "give finite maps"),
    ],
)
def test_what_is_no_order_is_refused(lonely, wrong, match):
    images, maps = lonely
    with pytest.raises(ValueError, match=match):
        removal(images, torch.tensor([1, 1]), BrightestPixel(), **{"maps": {"map": maps}, **wrong})


def test_importance_is_the_largest_absolute_value_over_the_channels(small_net, noise):
    found = importance(noise, torch.tensor([0, 1, 2]), small_net, ("gradient", "Grad-CAM"))
    assert all(values.shape == (3, 10, 14) and (values >= 0).all() for values in found.values())
