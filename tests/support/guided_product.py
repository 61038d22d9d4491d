"""How guided Grad-CAM is judged: by what is its own, the product."""

from torch.nn import functional

from tests.support import oracle, stand_ins
from tests.support.comparison import assert_matches
from visualizers import grad_cam, guided_backprop, guided_grad_cam
from visualizers.layers import recorded_output


def assert_is_guided_grad_cam(X, y, net, layer):
    """The right product, or that of two others which stand in for its factors: what is wrong with those is not its."""
    __tracebackhide__ = True
    maps, gradient = oracle.grad_cam(X, y, net, layer), oracle.guided_backprop(X, y, net)
    if is_right(guided_grad_cam, maps.unsqueeze(1) * gradient, X, y, net, layer):
        return
    with recorded_output(net, layer, from_here=False) as features:
        net(X)
    maps = functional.interpolate(features.output.square().mean(dim=1, keepdim=True), X.shape[2:], mode="bilinear")
    assert_matches(stand_ins.guided_grad_cam(X, y, net, layer), maps * X.mul(3).sin(), dtype=None)


def is_right(technique, reference, *args):
    """Raises what the technique raises, unless a factor of it does so alone."""
    try:
        assert_matches(technique(*args), reference, dtype=None)
    except AssertionError:
        return False
    except Exception:
        if factors_can_be_computed(*args):
            raise
        return False
    return True


def factors_can_be_computed(X, y, net, layer):
    try:
        grad_cam(X, y, net, layer)
        guided_backprop(X, y, net)
    except Exception:  # whatever is wrong with them, it is another task's
        return False
    return True
