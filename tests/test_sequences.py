"""One technique after another, on the same model and the same images."""

import pytest
import torch

from tests.support.techniques import TECHNIQUES


@pytest.mark.parametrize("other", ["guided_backprop", "guided_grad_cam", "captum_guided_backprop"])
@pytest.mark.parametrize("name", TECHNIQUES)
def test_other_techniques_in_between_change_nothing(name, other, noise, small_net):
    """A technique gives the same answer before and after another one was used on the same model and images."""
    technique, y = TECHNIQUES[name], torch.tensor([4, 0, 2])
    first = technique(small_net, noise, y)
    TECHNIQUES[other](small_net, noise, y)
    assert torch.equal(technique(small_net, noise, y), first), f"{other} changed what came after it"
