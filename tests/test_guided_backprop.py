import pytest
import torch
from torch import nn

from tests.support import oracle
from tests.support.comparison import assert_matches, assert_zeros
from tests.support.networks import RELUS, Branches, in_double, linear_net
from tests.support.references import load
from visualizers import guided_backprop

PIXEL = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)


def one_relu_net(relu: nn.Module) -> nn.Sequential:
    """hidden = relu(red, -green, blue); score 0 = 2, 5, -4 times hidden, score 1 = -1, 1, 3 times hidden."""
    first = linear_net([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    return nn.Sequential(first, relu, linear_net([[2.0, 5.0, -4.0], [-1.0, 1.0, 3.0]]))


def two_relu_net(relu: nn.Module) -> nn.Sequential:
    """The same module twice: a = relu(red, green, blue), b = relu(a0 - a1 + a2, a1 - a2), score = b0 + b1."""
    first = linear_net([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    second = linear_net([[1.0, -1.0, 1.0], [0.0, 1.0, -1.0]])
    return nn.Sequential(first, relu, second, relu, linear_net([[1.0, 1.0]]))


@pytest.mark.parametrize("relu", RELUS)
@pytest.mark.parametrize(
    ("label", "expected"),
    # The pixel is (1, 2, 3), so the ReLU's inputs are (1, -2, 3) and its second place is shut.
    # Score 0 sends back (2, 5, -4): 2 passes, 5 meets a negative input, -4 is negative itself.
    # Score 1 sends back (-1, 1, 3): -1 is negative itself, 1 meets a negative input, 3 passes.
    [(0, [2.0, 0.0, 0.0]), (1, [0.0, 0.0, 3.0])],
)
def test_one_relu_by_hand(relu, label, expected):
    """The gradient passes a ReLU only where the ReLU's input and the arriving gradient are both positive."""
    gradient = guided_backprop(PIXEL, torch.tensor([label]), one_relu_net(RELUS[relu]()))
    assert_matches(gradient, torch.tensor(expected).view(1, 3, 1, 1), 1e-6)


@pytest.mark.parametrize("relu", RELUS)
def test_one_relu_module_used_twice_by_hand(relu):
    """A ReLU that the model calls twice follows the guided rule both times."""
    # a = (1, 2, 3), b = relu(1 - 2 + 3, 2 - 3) = (2, 0): only the first of b passes, and sends (1, -1, 1) back to a.
    gradient = guided_backprop(PIXEL, torch.tensor([0]), two_relu_net(RELUS[relu]()))
    assert_matches(gradient, torch.tensor([1.0, 0.0, 1.0]).view(1, 3, 1, 1), 1e-6)


@pytest.mark.parametrize("relu", RELUS)
def test_a_branch_beside_a_relu_keeps_its_gradient(relu):
    """A gradient that a ReLU shares with a branch beside it is guided on the way through the ReLU alone."""
    first = linear_net([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    net = Branches(first, RELUS[relu](), linear_net([[2.0, 5.0, -4.0]]))
    # Hidden is (1, -2, 3). The branch sends back (2, 5, -4) as it is, the ReLU (2, 0, 0); the first layer turns green.
    gradient = guided_backprop(PIXEL, torch.tensor([0]), net)
    assert_matches(gradient, torch.tensor([4.0, -5.0, -4.0]).view(1, 3, 1, 1), 1e-6)


@pytest.mark.filterwarnings("ignore:the model has no ReLU")
def test_other_activations_keep_their_gradient():
    """Only rectifiers are guided: whatever lets negative values pass gets the plain gradient."""
    gradient = guided_backprop(PIXEL, torch.tensor([0]), one_relu_net(nn.Hardtanh(-4.0, 4.0)))
    assert_matches(gradient, torch.tensor([2.0, -5.0, -4.0]).view(1, 3, 1, 1), 1e-6)


def test_stored_reference(shipped):
    """At every ReLU of SqueezeNet the gradient passes only where input and arriving gradient are positive."""
    reference = load("attributions")
    X, shipped = in_double(reference["X"], shipped)
    assert_matches(guided_backprop(X, reference["y"], shipped), reference["guided_backprop"], dtype=None, images=X)


def test_other_networks(other_network, photos):
    """The guided rule holds at every ReLU of every network: in-place, reused (ResNet), in the classifier (VGG)."""
    photos, network = in_double(photos, other_network)
    y = network(photos).argmax(dim=1)
    assert_matches(guided_backprop(photos, y, network), oracle.guided_backprop(photos, y, network), dtype=None)


@pytest.mark.parametrize("count", [1, 4])
def test_any_number_of_images(count, small_net, random):
    """Each image gets its own gradient, however many images there are."""
    X, y = torch.randn(count, 3, 6, 9, generator=random), torch.arange(count) % 5
    assert_matches(guided_backprop(X, y, small_net), oracle.guided_backprop(X, y, small_net))


def plain_gradient(X, y, model):
    X = X.clone().requires_grad_()
    return torch.autograd.grad(model(X)[range(len(y)), y].sum(), X)[0]


def test_the_model_serves_other_methods_afterwards(small_net, noise):
    """Guided backprop leaves the model as it was: its plain gradients are the same before and after it."""
    y = torch.tensor([0, 1, 2])
    before = plain_gradient(noise, y, small_net)
    guided_backprop(noise, y, small_net)
    assert_matches(plain_gradient(noise, y, small_net), before, 1e-6)


def test_zero_gradient_gives_zeros():
    """Where every ReLU is shut, the guided gradient is zero, not NaN."""
    gradient = guided_backprop(torch.zeros(1, 3, 1, 1), torch.tensor([0]), one_relu_net(nn.ReLU()))
    assert_zeros(gradient, (1, 3, 1, 1))
