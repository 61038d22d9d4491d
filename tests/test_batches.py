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


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize(("count", "size"), [(1, (6, 9)), (3, (9, 6))], ids=["1", "3"])
def test_each_image_gets_alone_what_it_gets_among_others(name, count, size, random):
    """The results of a batch are those of its images, one by one."""
    technique, net = CHOSEN[name], SmallNet()
    X, y = torch.randn(count, 3, *size, generator=random), torch.arange(1, count + 1) % 5
    together = technique(net, X, y)
    shape = tuple(together.shape)
    assert shape[0] == count, f"{count} images gave results of shape {shape}"
    assert shape[-2:] == size, f"images of size {size} gave results of shape {shape}"
    assert_matches(torch.cat([technique(net, X[i : i + 1], y[i : i + 1]) for i in range(count)]), together)
