import numpy as np
import pytest
import torch

from style_transfer import tv_loss
from tests.support import oracle
from tests.support.comparison import assert_costs_nothing, assert_differentiable, assert_matches, assert_slopes


def picture(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def test_by_hand():
    """The loss is the weight times the sum of squared differences of vertical and of horizontal neighbours."""
    img = torch.zeros(1, 3, 2, 3)
    img[0, 1] = torch.tensor([[1.0, 2.0, 4.0], [0.0, 5.0, 4.0]])
    # vertical: 1 + 9 + 0; horizontal: 1 + 4 + 25 + 1
    assert_matches(tv_loss(img, 0.5), torch.tensor(0.5 * (10 + 31)), 1e-6)


@pytest.fixture(params=[(1, 3, 5, 8), (1, 3, 8, 5), (4, 3, 4, 4), (1, 3, 1, 6), (1, 3, 6, 1)], ids=str)
def img(request):
    return picture(*request.param).requires_grad_()


@pytest.mark.parametrize("weight", [2e-2, 50.0])
def test_value(weight, img):
    """The loss is right for pictures of any shape, one or many."""
    value, _ = oracle.tv_loss(img.detach().double().numpy(), weight)
    assert_matches(tv_loss(img, weight), np.asarray(value))


@pytest.mark.parametrize("weight", [2e-2, 50.0])
def test_gradient(weight, img):
    """The gradient is right for pictures of any shape, one or many."""
    _, slope = oracle.tv_loss(img.detach().double().numpy(), weight)
    loss = tv_loss(img, weight)
    assert_differentiable(loss)
    assert_matches(torch.autograd.grad(loss, img)[0], slope)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 5, 2), (1, 3, 1, 6), (1, 3, 6, 1)], ids=str)
def test_the_gradient_agrees_with_finite_differences(shape):
    """A small change of the picture changes the loss as the gradient says."""
    img = picture(*shape, dtype=torch.float64).requires_grad_()
    assert_slopes(lambda x: tv_loss(x, 0.3), img)


@pytest.mark.parametrize(
    "change", [lambda x: x.mT, lambda x: x.to(memory_format=torch.channels_last), lambda x: x[..., ::2]]
)
def test_any_memory_layout(change):
    """How the picture lies in memory makes no difference."""
    img = change(picture(2, 3, 6, 8))
    assert_matches(tv_loss(img, 2.0), tv_loss(img.contiguous(), 2.0))


@pytest.mark.parametrize("shape", [(1, 3, 6, 7), (1, 3, 1, 1)])
def test_a_picture_of_one_colour_costs_nothing(shape):
    """Without differences the loss is zero, and so is its gradient."""
    img = torch.full(shape, 0.7, requires_grad=True)
    loss = tv_loss(img, 3.0)
    assert_costs_nothing(loss, img)


@pytest.mark.given
@pytest.mark.parametrize("shape", [(3, 6, 7), (6, 7)])
def test_four_dimensions_are_wanted(shape):
    """A picture without batch dimension gives one clear error."""
    with pytest.raises(ValueError, match=r"give \(N, C, H, W\)"):
        tv_loss(picture(*shape), 1.0)
