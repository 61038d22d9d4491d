"""bfloat16 is an option: off unless asked for, near the exact maps, and it leaves nothing changed."""

import pytest
import torch

import visualizers
from data import load_style_pair, preprocess
from style_transfer import PRESETS, style_transfer
from style_transfer.presets import choose_preset
from style_transfer.transfer import loss_terms, targets
from tests.support.comparison import assert_matches

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


def test_a_style_transfer_in_bfloat16_reaches_nearly_the_same_losses(shipped):
    """The losses of the pictures themselves, measured in float32."""
    pair = load_style_pair("starry_night", "shipped")
    sizes = {"content_size": 64, "style_size": 64, "optimizer": "small_steps", "num_iterations": 25}
    settings = choose_preset("starry_night", sizes)
    content, style = preprocess(pair.content, 64), preprocess(pair.style, 64)

    def painted(precision):
        quiet = {"model": shipped, "preset": settings, "precision": precision, "progress": False}
        return preprocess(style_transfer(pair.content, pair.style, **quiet))

    @torch.no_grad()
    def loss(image):
        return sum(loss_terms(image, shipped.features, *targets(content, style, shipped, settings), settings)).item()

    exact, near = painted("float32"), painted("bfloat16")
    assert not torch.equal(exact, near), "the option changes nothing"
    assert loss(near) < 1.05 * loss(exact) < 0.2 * loss(content)
    assert not torch.is_autocast_enabled("cpu")
    assert PRESETS["starry_night"].precision == "float32"


def test_a_preset_of_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision is 'float8': choose 'float32' or 'bfloat16'"):
        choose_preset("painterly", {"precision": "float8"})
