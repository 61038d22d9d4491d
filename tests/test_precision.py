"""bfloat16 is an option: off unless asked for, near the exact maps, and it leaves nothing changed."""

import pytest
import torch

import visualizers
from comparison import assert_matches

# The largest relative error that is promised, for each method.
METHODS = {
    "compute_saliency_maps": 0.35,
    "guided_backprop": 0.3,
    "grad_cam": 0.05,
    "guided_grad_cam": 0.3,
}
each_method = pytest.mark.parametrize("name", METHODS)


def correlation(one, other):
    return torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()


@each_method
def test_bfloat16_is_near_and_comes_back_in_float32(name, squeezenet, photos):
    method = getattr(visualizers, name)
    y = squeezenet(photos).argmax(dim=1)
    exact, near = method(photos, y, squeezenet), method(photos, y, squeezenet, precision="bfloat16")
    assert_matches(near, exact, METHODS[name])
    assert correlation(near, exact) > 0.9
    assert not torch.equal(near, exact), "the option changes nothing"


@each_method
def test_float32_is_the_default(name, shipped, photos):
    method, y = getattr(visualizers, name), torch.tensor([3, 4])
    assert torch.equal(method(photos, y, shipped), method(photos, y, shipped, precision="float32"))


@each_method
def test_nothing_stays_reduced(name, shipped, photos):
    method, y = getattr(visualizers, name), torch.tensor([3, 4])
    before = method(photos, y, shipped)
    method(photos, y, shipped, precision="bfloat16")
    assert not torch.is_autocast_enabled("cpu")
    assert torch.equal(method(photos, y, shipped), before)


@each_method
def test_an_unknown_precision_is_refused(name, shipped, photos):
    with pytest.raises(ValueError, match="precision is 'float8': choose 'float32' or 'bfloat16'"):
        getattr(visualizers, name)(photos, torch.tensor([3, 4]), shipped, precision="float8")
