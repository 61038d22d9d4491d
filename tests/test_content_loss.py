import numpy as np
import pytest
import torch

from style_transfer import content_loss
from tests.support import oracle
from tests.support.comparison import assert_costs_nothing, assert_differentiable, assert_matches, assert_slopes


def features(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_by_hand():
    """The loss is the weight times the sum, not the mean, of squared differences."""
    current = torch.tensor([1.0, 2.0, 3.0, -4.0]).view(1, 1, 2, 2)
    original = torch.tensor([1.0, 0.0, 6.0, -3.0]).view(1, 1, 2, 2)
    # 0.5 * (0 + 4 + 9 + 1)
    assert_matches(content_loss(0.5, current, original), torch.tensor(7.0), 1e-6)


@pytest.fixture(params=[(1, 4, 5, 7), (3, 4, 7, 5)], ids=str)
def pair(request):
    return features(*request.param).requires_grad_(), features(*request.param, seed=1)


@pytest.mark.parametrize("weight", [6e-2, 100.0])
def test_value(weight, pair):
    """The loss is the weight times the sum of squared differences, for features of any shape."""
    value, _ = oracle.content_loss(weight, *(x.detach().double().numpy() for x in pair))
    assert_matches(content_loss(weight, *pair), np.asarray(value))


@pytest.mark.parametrize("weight", [6e-2, 100.0])
def test_gradient(weight, pair):
    """The gradient is 2 * weight * (current - original)."""
    _, slope = oracle.content_loss(weight, *(x.detach().double().numpy() for x in pair))
    loss = content_loss(weight, *pair)
    assert_differentiable(loss)
    assert_matches(torch.autograd.grad(loss, pair[0])[0], slope)


@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (1, 4, 5, 7)], ids=str)
def test_the_gradient_agrees_with_finite_differences(shape):
    """A small change of the features changes the loss as the gradient says."""
    current, original = features(*shape, dtype=torch.float64), features(*shape, dtype=torch.float64, seed=1)
    assert_slopes(lambda x: content_loss(0.3, x, original), current.requires_grad_())


@pytest.mark.parametrize(
    "change", [lambda x: x.mT, lambda x: x.to(memory_format=torch.channels_last), lambda x: x[..., ::2]]
)
def test_any_memory_layout(change):
    """How the features lie in memory makes no difference."""
    current, original = change(features(2, 4, 6, 8)), change(features(2, 4, 6, 8, seed=1))
    expected = content_loss(2.0, current.contiguous(), original.contiguous())
    assert_matches(content_loss(2.0, current, original), expected)


def test_equal_features_cost_nothing():
    """Features that are equal give zero, with a gradient of zero."""
    current = features(1, 4, 5, 7).requires_grad_()
    loss = content_loss(3.0, current, current.detach().clone())
    assert_costs_nothing(loss, current)


@pytest.mark.given
@pytest.mark.parametrize("shape", [(1, 4, 5, 6), (1, 4, 7, 5), (1, 1, 5, 7), (4, 5, 7)])
def test_features_of_different_shapes_are_refused(shape):
    """Features of different shapes cannot be compared, even where broadcasting could stretch one of them."""
    with pytest.raises(ValueError, match=r"\(1, 4, 5, 7\).*cannot be compared"):
        content_loss(1.0, features(1, 4, 5, 7), features(*shape))
