import copy

import numpy as np
import pytest
import torch
from torch import nn

from style_transfer import content_loss, extract_features, gram_matrix, tv_loss
from tests.support.comparison import assert_matches
from tests.support.networks import CountsBackward, in_double


def layer_calls(cnn: nn.Sequential) -> list[int]:
    calls = [0] * len(cnn)

    def count(i):
        def hook(module, inputs, output):
            calls[i] += 1

        return hook

    for i, layer in enumerate(cnn):
        layer.register_forward_hook(count(i))
    return calls


def outputs_one_by_one(x, cnn):
    """One layer after the other, in double precision and without in-place operations."""
    layers = copy.deepcopy(cnn).double()
    for module in layers.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    outputs = [x.double()]
    for layer in layers:
        outputs.append(layer(outputs[-1]))
    return outputs[1:]


def assert_entries_are_outputs(x, model):
    features, expected = extract_features(x, model), outputs_one_by_one(x, model.features)
    assert len(features) == len(expected)
    for feature, output in zip(features, expected, strict=True):
        assert_matches(feature, output)


def test_entry_i_is_the_output_of_layer_i(squeezenet, small_photos):
    """Every entry is what its layer gives, although in-place ReLUs follow many of them."""
    assert_entries_are_outputs(small_photos, squeezenet)


def test_entry_i_is_the_output_of_layer_i_of_another_network(vgg11, small_photos):
    """Any model with `features` will do."""
    assert_entries_are_outputs(small_photos[:1, :, :32, :40], vgg11)


@pytest.mark.parametrize("layers", [[0], [3], [1, 4, 6, 7], [0, 1, 2, 3], {12}, (2, 2), iter([5, 0])])
def test_entries_that_were_not_asked_for_are_none(layers, shipped, small_photos):
    """There is an entry for every layer, None where it was not asked for."""
    layers = list(layers)
    features = extract_features(small_photos, shipped, iter(layers))
    assert len(features) == 13
    assert [i for i, feature in enumerate(features) if feature is not None] == sorted(set(layers))
    everything = extract_features(small_photos, shipped)
    assert all(torch.equal(features[i], everything[i]) for i in layers)


@pytest.mark.parametrize("layers", [[0], [3], [1, 4, 6, 7]])
def test_no_layer_is_run_that_is_deeper_than_needed(layers, shipped, small_photos):
    """Layers up to the last one asked for run once; none after it runs at all."""
    calls = layer_calls(shipped.features)
    extract_features(small_photos, shipped, layers)
    assert calls == [1] * (max(layers) + 1) + [0] * (12 - max(layers))


def test_a_sequence_serves_as_well_as_a_model(shipped, small_photos):
    """The network may be the model or its features."""
    by_model = extract_features(small_photos, shipped, [4])[4]
    assert torch.equal(by_model, extract_features(small_photos, shipped.features, [4])[4])


PASSES_ON = {
    "nothing": [],
    "nn.Identity": [nn.Identity()],
    "nn.Dropout": [nn.Dropout()],
    "nn.Sequential": [nn.Sequential(nn.Identity())],
}


@pytest.mark.parametrize("between", PASSES_ON)
@pytest.mark.parametrize("relu", [nn.ReLU(inplace=True), nn.Sequential(nn.ReLU(inplace=True)), nn.ELU(inplace=True)])
def test_an_in_place_layer_does_not_overwrite_a_requested_entry(between, relu, noise):
    """What was asked for keeps its negative values, also where layers in between hand on the same tensor."""
    cnn = nn.Sequential(nn.Conv2d(3, 4, 3), *PASSES_ON[between], relu, nn.Conv2d(4, 4, 1)).eval()
    expected = cnn[0](noise)
    features = extract_features(noise, cnn, [0, len(cnn) - 1])
    assert_matches(features[0], expected, 1e-6)
    assert_matches(features[-1], cnn[-1](relu(expected.clone())), 1e-6)


def test_the_picture_itself_is_not_overwritten(noise):
    """A network that begins with an in-place layer leaves the picture alone."""
    before = noise.clone()
    cnn = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 1))
    extract_features(noise, cnn)
    assert torch.equal(noise, before)


def test_gradients_flow_back_to_the_picture(shipped, small_photos):
    """The features carry the graph that leads back to the picture, through in-place ReLUs too."""
    small_photos, shipped = in_double(small_photos, shipped)
    x = small_photos.clone().requires_grad_()
    features = extract_features(x, shipped, [0, 3])
    (gradient,) = torch.autograd.grad(features[0].square().sum() + features[3].square().sum(), x)
    outputs = outputs_one_by_one(x, shipped.features)
    (expected,) = torch.autograd.grad(outputs[0].square().sum() + outputs[3].square().sum(), x)
    assert_matches(gradient, expected, dtype=torch.float64)


def test_one_backward_pass_serves_all_layers(noise, small_net):
    """Layers share their way back: an early layer is passed once, not once for each feature."""
    counter = CountsBackward()
    cnn = nn.Sequential(counter, *small_net.features)
    features = extract_features(noise.requires_grad_(), cnn, [1, 3, 5])
    torch.autograd.grad(sum(features[i].sum() for i in (1, 3, 5)), noise)
    assert counter.count == 1


@pytest.mark.parametrize("layers", [[13], [-1], [0, 99], []])
def test_a_layer_that_does_not_exist_is_refused(layers, shipped, small_photos):
    """A layer beyond the last one, a negative one, or none at all gives an error that says which layers there are."""
    calls = layer_calls(shipped.features)
    with pytest.raises(ValueError, match="choose from 0 to 12"):
        extract_features(small_photos, shipped, layers)
    assert not any(calls), "layers were run before the mistake was noticed"


def test_a_network_that_is_no_sequence_is_refused(resnet18, small_photos):
    """ResNet is not a sequence of layers that can be numbered."""
    with pytest.raises(ValueError, match="ResNet is not a sequence of layers"):
        extract_features(small_photos, resnet18)


@pytest.mark.parametrize("wrong", [np.zeros((1, 3, 4, 4), np.float32), torch.zeros(1, 3, 4, 4, dtype=torch.uint8), 2.0])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: content_loss(1.0, x, x),
        lambda x: tv_loss(x, 1.0),
        gram_matrix,
        lambda x: extract_features(x, nn.Sequential(nn.Conv2d(3, 2, 1))),
    ],
)
def test_what_is_no_floating_point_tensor_gives_one_clear_error(function, wrong):
    """A picture of bytes would wrap around when it is subtracted; it is refused, as is what is not a tensor."""
    with pytest.raises(TypeError, match="give a floating-point tensor"):
        function(wrong)
