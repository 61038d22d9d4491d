import pytest
import torch
from torch import nn

from tests.support.networks import FailsForward, Interruption, SmallNet
from visualizers.layers import find_layer, recorded_output


def test_a_layer_is_found_by_name_and_as_itself(shipped, noise):
    layer = shipped.features[3]
    assert find_layer(shipped, "features.3", noise) is layer
    assert find_layer(shipped, layer, noise) is layer
    assert find_layer(shipped, "features.3.squeeze", noise) is layer.squeeze


def test_no_layer_means_the_last_convolutional_features(shipped, resnet18, vgg11, noise):
    X = torch.zeros(1, 3, 80, 96)
    assert find_layer(shipped, None, X) is shipped.features
    assert find_layer(resnet18, None, X) is resnet18.layer4
    assert find_layer(vgg11, None, X) is vgg11.features
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten())
    assert find_layer(plain, None, noise) is plain[2]


def test_finding_the_last_features_leaves_a_model_in_train_mode_as_it_was(noise):
    model = SmallNet().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    find_layer(model, None, noise)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("layer", ["features.7", "conv1", None])
def test_a_model_without_the_layer_names_those_it_has(layer, noise):
    model = nn.Sequential(nn.Flatten(), nn.Linear(420, 2))
    with pytest.raises(ValueError, match=r"no layer .*: choose one of 0, 1"):
        find_layer(model, layer, noise)


def test_a_layer_of_another_model_is_refused(small_net, noise):
    with pytest.raises(ValueError, match=r"no layer 'Conv2d': choose one of .*features\.0"):
        find_layer(small_net, SmallNet().features[0], noise)


@pytest.mark.parametrize("from_here", [True, False])
def test_the_recorded_output_is_the_layers_own_although_an_in_place_relu_follows(from_here, small_net, noise):
    with recorded_output(small_net, "features.1", from_here) as recorded:
        small_net(noise.requires_grad_())
    expected = small_net.features[1](small_net.features[0](noise))
    assert expected.min() < 0
    torch.testing.assert_close(recorded.output, expected)
    assert recorded.output.is_leaf == from_here


@pytest.mark.parametrize("from_here", [True, False])
def test_recording_does_not_change_what_the_model_gives(from_here, small_net, noise):
    expected = small_net(noise)
    with recorded_output(small_net, "features.1", from_here):
        assert torch.equal(small_net(noise), expected)
    assert torch.equal(small_net(noise), expected)


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        ("features.1", Interruption, "on the way forward"),
        ("unused", ValueError, "took no part"),
        ("classifier", ValueError, "choose a convolutional layer"),
    ],
)
def test_the_hook_is_gone_afterwards_whatever_happens(layer, error, message, small_net, noise):
    if error is Interruption:
        small_net.classifier = FailsForward()
    with pytest.raises(error, match=message), recorded_output(small_net, layer, True):
        small_net(noise)
    assert not any(module._forward_hooks for module in small_net.modules())
