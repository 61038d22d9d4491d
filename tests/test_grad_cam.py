from functools import partial

import pytest
import torch
from torch import nn

from comparison import assert_matches
from networks import CountsBackward, SmallNet
from references import slow
from references.stored import load
from visualizers import grad_cam, guided_grad_cam


class PooledNet(nn.Module):
    """Two feature maps of two positions from an image of four pixels in a row; every number can be checked by hand.

    Channel 0 is red and channel 1 is green, averaged over pairs of neighbours; the score weighs the positions of
    channel 0 by 2 and 0, those of channel 1 by -1 and -3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.AvgPool2d((1, 2)))
        self.features[0].weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).view(2, 3, 1, 1)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
        self.classifier[1].weight.data = torch.tensor([[2.0, 0.0, -1.0, -3.0]])
        self.eval().requires_grad_(False)

    def forward(self, x):
        return self.classifier(self.features(x))


# Averaged over pairs: red (1, 2), green (3, -1).
PIXELS = torch.tensor([[1.0, 1.0, 0.0, 4.0], [2.0, 4.0, -1.0, -1.0], [9.0, 9.0, 9.0, 9.0]]).view(1, 3, 1, 4)


def test_by_hand():
    """Weights are gradients averaged over the positions; the sum over channels goes through a ReLU, then grows."""
    # weights: mean(2, 0) = 1 and mean(-1, -3) = -2
    # map: (1 * 1 - 2 * 3, 1 * 2 - 2 * -1) = (-5, 4), after the ReLU (0, 4)
    # four pixels from two, bilinearly: the ends, and in between 3/4 of the nearer plus 1/4 of the farther
    maps = grad_cam(PIXELS, torch.tensor([0]), PooledNet())
    assert_matches(maps, torch.tensor([[[0.0, 1.0, 3.0, 4.0]]]), 1e-6)


def test_guided_by_hand():
    """Guided Grad-CAM is the enlarged map times the guided gradient, pixel by pixel."""
    # no ReLU in this network, so the guided gradient is the plain one: half of each score weight, no blue
    guided = guided_grad_cam(PIXELS, torch.tensor([0]), PooledNet())
    red, green = [0.0 * 1, 1.0 * 1, 3.0 * 0, 4.0 * 0], [0.0 * -0.5, 1.0 * -0.5, 3.0 * -1.5, 4.0 * -1.5]
    assert_matches(guided, torch.tensor([red, green, [0.0] * 4]).view(1, 3, 1, 4), 1e-6)


def test_stored_reference(shipped):
    """The map of a likely and of an unlikely class; the unlikely one is wrong without the final ReLU."""
    reference = load("attributions")
    maps = grad_cam(reference["X"], reference["y"], shipped)
    assert_matches(maps, reference["grad_cam"])
    for actual, expected in zip(maps, reference["grad_cam"], strict=True):
        assert_matches(actual, expected)


def test_stored_reference_of_guided_grad_cam(shipped):
    """Guided Grad-CAM is Grad-CAM times guided backprop."""
    reference = load("attributions")
    expected = reference["grad_cam"].unsqueeze(1) * reference["guided_backprop"]
    assert_matches(guided_grad_cam(reference["X"], reference["y"], shipped), expected)


LAYERS = {"SqueezeNet": "features.12", "ResNet": "layer4", "VGG": "features"}


@pytest.mark.parametrize("rank", [0.0, 0.5, 0.9])
def test_other_networks(network, photos, rank):
    """The map is right for every network, for classes that the model finds likely and for those it does not."""
    ranking = network(photos).argsort(dim=1, descending=True)
    y = ranking[:, int(rank * ranking.shape[1])]
    layer = LAYERS[type(network).__name__]
    reference = slow.grad_cam(photos, y, network, layer)
    if not reference.any():
        y = ranking[:, int(0.7 * ranking.shape[1])]
        reference = slow.grad_cam(photos, y, network, layer)
    assert_matches(grad_cam(photos, y, network), reference)


def test_guided_grad_cam_of_other_networks(network, photos):
    """Guided Grad-CAM is right for every network."""
    y = network(photos).argmax(dim=1)
    layer = LAYERS[type(network).__name__]
    assert_matches(guided_grad_cam(photos, y, network), slow.guided_grad_cam(photos, y, network, layer))


@pytest.mark.parametrize("layer", ["features.0", "features.3", "features.6.expand3x3", "features.7", "features"])
def test_any_layer(shipped, photos, layer):
    """The map can be taken at any layer, also before an in-place ReLU, which must not change the activations."""
    y = load("attributions")["y"]
    reference = slow.grad_cam(photos, y, shipped, layer)
    assert_matches(grad_cam(photos, y, shipped, layer), reference)
    assert_matches(grad_cam(photos, y, shipped, shipped.get_submodule(layer)), reference)
    expected = reference.unsqueeze(1) * slow.guided_backprop(photos, y, shipped)
    assert_matches(guided_grad_cam(photos, y, shipped, layer), expected)


@pytest.mark.parametrize("layer", ["layer1.0.conv1", "layer2", "layer3.1.bn2", "layer4.1.relu"])
def test_layers_of_a_residual_network(resnet18, photos, layer):
    """Also within residual blocks, before and after a ReLU that is called twice, the map is right."""
    y = resnet18(photos).argmax(dim=1)
    assert_matches(grad_cam(photos, y, resnet18, layer), slow.grad_cam(photos, y, resnet18, layer))


@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize(("height", "width"), [(6, 9), (9, 6)])
def test_any_number_of_images_of_any_shape(technique, count, height, width, random):
    """Each image gets the same map alone as among others, as high and wide as the image."""
    net = SmallNet()
    X, y = torch.randn(count, 3, height, width, generator=random), torch.arange(1, count + 1) % 5
    reference = getattr(slow, technique.__name__)(X, y, net, "features")
    maps = technique(X, y, net)
    assert_matches(maps, reference)
    assert_matches(torch.cat([technique(X[i : i + 1], y[i : i + 1], net) for i in range(count)]), reference)


@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
def test_a_map_without_positive_values_gives_zeros(technique):
    """Where nothing speaks for the class, the result is zero everywhere, not NaN."""
    # red (0, 0) and green (1, 1) give the map (-2, -2)
    pixels = torch.tensor([[0.0] * 4, [1.0] * 4, [0.0] * 4]).view(1, 3, 1, 4)
    result = technique(pixels, torch.tensor([0]), PooledNet())
    assert torch.equal(result, torch.zeros_like(result)), f"expected zeros, got {result.tolist()}"


def test_dropout_is_off_even_in_train_mode(small_net, noise):
    """A model left in train mode gives the same maps: dropout and batch norm do not disturb them."""
    y = torch.tensor([1, 2, 3])
    reference = slow.grad_cam(noise, y, small_net, "features")
    assert_matches(grad_cam(noise, y, small_net.train()), reference)


@pytest.mark.parametrize("frozen", [True, False])
def test_the_backward_pass_goes_no_deeper_than_the_layer(small_net, noise, frozen):
    """Grad-CAM needs no gradient before its layer, so it computes none."""
    y = torch.tensor([0, 1, 2])
    early, late = CountsBackward(), CountsBackward()
    small_net.requires_grad_(not frozen)
    small_net.features = nn.Sequential(early, *small_net.features, late, nn.Identity())
    grad_cam(noise, y, small_net, "features.5")
    assert early.count == 0, "gradients were computed before the layer"
    assert late.count == 1, f"{late.count} backward passes ran through what follows the layer; one is enough"
    torch.autograd.grad(small_net(noise.requires_grad_()).sum(), noise)
    assert early.count == 1, "this test is no good: it does not count backward passes"


def test_the_graph_begins_at_the_layer(shipped, photos):
    """Grad-CAM keeps nothing for the layers before its own: they run without recording."""
    recorded = []
    handle = shipped.features[5].register_forward_hook(lambda module, inputs, output: recorded.append(output))
    with handle:
        grad_cam(photos, torch.tensor([0, 1]), shipped, "features.12")
    assert [output.requires_grad for output in recorded] == [False]


@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
@pytest.mark.parametrize("layer", ["features.99", "relu", 3, nn.Conv2d(3, 6, 3)])
def test_an_unknown_layer_is_named_beside_those_that_exist(technique, layer, small_net, noise):
    """A layer that the model lacks gives one error that says which layers there are."""
    with pytest.raises(ValueError, match=r"no layer .*features\.3.*classifier"):
        technique(noise, torch.tensor([0, 1, 2]), small_net, layer)


@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
@pytest.mark.parametrize(("layer", "message"), [("unused", "took no part"), ("classifier", "convolutional layer")])
def test_a_layer_that_gives_no_feature_maps_is_refused(technique, layer, message, small_net, noise):
    """A layer that the model never calls, or that has no feature maps, gives one clear error."""
    with pytest.raises(ValueError, match=message):
        technique(noise, torch.tensor([0, 1, 2]), small_net, layer)


def test_guided_grad_cam_needs_one_forward_pass(small_net, noise):
    """Both factors start from the same forward pass."""
    calls = []
    small_net.register_forward_pre_hook(partial(lambda log, *_: log.append(1), calls))
    guided_grad_cam(noise, torch.tensor([0, 1, 2]), small_net)
    assert len(calls) == 1
