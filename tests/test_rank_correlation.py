import numpy as np
import pytest
import torch

from tests.support import oracle
from tests.support.comparison import assert_equal, assert_matches, assert_shape
from visualizers import rank_correlation


def maps(*shape, dtype=torch.float32):
    """Two sets of maps that are somewhat alike."""
    one, noise = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return one, 0.8 * one + noise


def expected(first, second):
    return oracle.rank_correlation(first.double().numpy(), second.double().numpy())


def test_by_hand():
    """Ranks 1, 2, 3, 4 against 1, 3, 2, 4 give 0.8, and against 4, 3, 2, 1 give -1."""
    first = torch.tensor([[[0.1, 0.2], [3.0, 40.0]]]).repeat(2, 1, 1)
    second = torch.tensor([[[-7.0, 5.0], [0.0, 6.0]], [[9.0, 2.0], [1.0, -1.0]]])
    # deviations from the mean rank: (-1.5, -0.5, 0.5, 1.5) and (-1.5, 0.5, -0.5, 1.5): 4 of 5
    assert_matches(rank_correlation(first, second), torch.tensor([0.8, -1.0]), 1e-6, dtype=None)


@pytest.mark.parametrize("shape", [(1, 6, 9), (3, 9, 6), (5, 2, 2)], ids=str)
def test_value(shape):
    """The correlations are right for maps of any shape, one or many."""
    first, second = maps(*shape)
    assert_matches(rank_correlation(first, second), expected(first, second), dtype=None)


def test_each_map_is_ranked_alone():
    """Each map is ranked by itself: the size of the others in the batch makes no difference."""
    first, second = maps(3, 5, 7)
    sizes = torch.tensor([1.0, 100.0, 1e-3]).view(3, 1, 1)
    assert_matches(rank_correlation(first * sizes + sizes, second), expected(first, second), dtype=None)


def test_only_the_order_of_pixels_counts():
    """One glaring pixel changes nothing if the order stays the same."""
    first, second = maps(2, 6, 6)
    assert_matches(rank_correlation((3 * first).exp(), second), expected(first, second), dtype=None)


def test_equal_pixels_share_the_mean_of_their_ranks():
    """Ranks 1.5, 1.5, 3 against 1, 2, 3 give the root of 3/4."""
    first, second = torch.tensor([[[1.0, 1.0, 2.0]]]), torch.tensor([[[1.0, 2.0, 3.0]]])
    # deviations (-0.5, -0.5, 1) and (-1, 0, 1): 1.5 / sqrt(1.5 * 2)
    assert_matches(rank_correlation(first, second), torch.tensor([0.75**0.5]), 1e-6, dtype=None)
    first, second = (values.round() for values in maps(3, 6, 7))
    assert_matches(rank_correlation(first, second), expected(first, second), dtype=None)


def test_a_constant_map_has_no_rank_correlation():
    """A constant map is neither like another nor unlike: NaN there, and the right numbers for the other maps."""
    first, second = maps(3, 5, 4)
    first[1] = 2.0
    found = rank_correlation(first, second)
    assert_shape(found, (3,))
    assert found.isnan().tolist() == [False, True, False], (
        f"expected NaN for the constant map alone, got {found.tolist()}"
    )
    others = torch.tensor([0, 2])
    assert_matches(found[others], rank_correlation(first[others], second[others]), dtype=None)


def test_the_maps_stay_as_they_were():
    """Neither map is changed, and a second call gives the same."""
    first, second = maps(2, 4, 5)
    copies = first.clone(), second.clone()
    found = rank_correlation(first, second)
    assert_equal(first, copies[0], "the first maps have changed")
    assert_equal(second, copies[1], "the second maps have changed")
    assert_equal(rank_correlation(first, second), found, "a second call gives something else")


@pytest.mark.given
@pytest.mark.parametrize(("one", "other"), [((6, 7), (6, 7)), ((1, 6, 7), (1, 7, 6)), ((1, 3, 6, 7), (1, 3, 6, 7))])
def test_two_sets_of_maps_of_one_shape_are_wanted(one, other):
    """Anything else gives one clear error."""
    with pytest.raises(ValueError, match=r"give \(N, H, W\) twice"):
        rank_correlation(torch.zeros(one), torch.zeros(other))


@pytest.mark.given
def test_ranks_of_a_map_that_asks_for_gradients_in_half_precision():
    """What explanations give can be compared as it is."""
    first, second = maps(2, 4, 5)
    found = rank_correlation(first.bfloat16().requires_grad_(), second)
    np.testing.assert_allclose(found, expected(first.bfloat16(), second), atol=1e-12)
