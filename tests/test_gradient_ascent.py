import pytest
import torch

from tests.support.comparison import assert_matches
from visualizers.gradient_ascent import normalized_step


@pytest.mark.parametrize("size", [1e-30, 1e-25, 1e-3, 1.0, 1e25])
def test_a_step_has_its_length_however_large_the_gradient_is(size):
    gradient = size * torch.tensor([3.0, 4.0, 0.0]).view(1, 3, 1, 1)
    assert_matches(normalized_step(gradient, 10.0), torch.tensor([6.0, 8.0, 0.0]).view(1, 3, 1, 1), 1e-5)


def test_each_image_has_its_own_norm():
    gradient = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -0.5]]).view(3, 3, 1, 1)
    expected = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0]]).view(3, 3, 1, 1)
    assert_matches(normalized_step(gradient, 1.0), expected, 1e-6)
