"""A batch gives what its images give alone, right or wrong; results are as high and wide as their images."""

import pytest
import torch

from tests.support import stand_ins
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet
from tests.support.techniques import ATTRIBUTIONS, TECHNIQUES

OTHERS = ("grad_cam", "make_fooling_image", "class_visualization_update_step")
CHOSEN = {**ATTRIBUTIONS, **{name: TECHNIQUES[name] for name in OTHERS}}
CHOSEN["guided_grad_cam"] = lambda model, X, y: stand_ins.guided_grad_cam(X, y, model, "features.1")
SIZE = (9, 6)


@pytest.mark.parametrize("name", CHOSEN)
def test_each_image_gets_alone_what_it_gets_among_others(name, random):
    """The results of a batch are those of its images, one by one."""
    technique, net = CHOSEN[name], SmallNet()
    X, y = torch.randn(3, 3, *SIZE, generator=random), torch.tensor([1, 2, 3])
    together = technique(net, X, y)
    assert_one_for_each(together, 3)
    alone = [technique(net, X[i : i + 1], y[i : i + 1]) for i in range(3)]
    for result in alone:
        assert_one_for_each(result, 1)
    assert_matches(torch.cat(alone), together)


def assert_one_for_each(results, count):
    shape, images = tuple(results.shape), f"{count} image{'s' * (count > 1)}"
    assert shape[0] == count, f"{images} gave results of shape {shape}"
    assert shape[-2:] == SIZE, f"images of size {SIZE} gave results of shape {shape}"
