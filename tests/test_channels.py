"""A channel or a layer takes the place of a class."""

import pytest
import torch

from visualizers import class_visualization_update_step
from visualizers.channels import ChannelScores, LayerScore, channel_pictures, most_excited


def test_a_channels_score_is_its_mean_activation(small_net, noise):
    activations = small_net.features(noise)
    torch.testing.assert_close(ChannelScores(small_net, "features")(noise), activations.mean(dim=(2, 3)))
    torch.testing.assert_close(
        LayerScore(small_net, "features")(noise), activations.square().mean(dim=(1, 2, 3))[:, None]
    )


def test_a_step_raises_the_channel_that_it_climbs(small_net, noise):
    channels = torch.tensor([1, 3, 6])
    scores = ChannelScores(small_net, "features")
    stepped = class_visualization_update_step(noise, channels, scores, l2_reg=0.0, learning_rate=0.1)
    before, after = (scores(images).gather(1, channels[:, None]) for images in (noise, stepped))
    assert (after > before).all()


def test_the_most_excited_channels_come_first(small_net, noise):
    strongest = small_net.features(noise).mean(dim=(2, 3)).amax(dim=0)
    found = most_excited(noise, small_net, "features", count=3)
    assert found.tolist() == strongest.argsort(descending=True)[:3].tolist()


def test_a_layer_that_is_not_there_is_refused(small_net, noise):
    with pytest.raises(ValueError, match="features"):
        ChannelScores(small_net, "nowhere")(noise)


def test_there_is_a_picture_for_each_channel_and_one_for_the_layer(small_net, noise):
    quick = {"size": (20, 24), "num_iterations": 2}
    found = channel_pictures(noise, small_net, {"all": "features", "first": "features.0"}, count=2, **quick)
    assert list(found) == ["all", "first"]
    assert [picture.shape for picture in found["all"]] == [(20, 24, 3)] * 3


@pytest.mark.parametrize("count", [0, 9])
def test_more_channels_than_there_are_cannot_be_asked_for(small_net, noise, count):
    with pytest.raises(ValueError, match="channels 1 to 8"):
        most_excited(noise, small_net, "features", count)
