"""Rank correlation of maps that students have not seen."""

import pytest
import torch

from tests.support import oracle
from tests.support.comparison import assert_matches
from visualizers import rank_correlation


@pytest.mark.parametrize("shape", [(1, 3, 11), (4, 8, 5)], ids=str)
def test_rank_correlation(shape):
    """Correlations of either sign, of maps with pixels of both signs and some that are equal."""
    one, noise = torch.randn(2, *shape, generator=torch.Generator().manual_seed(51))
    first, second = (2 * one).round() - 0.3, noise - one
    expected = oracle.rank_correlation(first.double().numpy(), second.double().numpy())
    assert_matches(rank_correlation(first, second), expected, dtype=None)
