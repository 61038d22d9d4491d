import pytest
import torch
from torch import nn

from tests.support import oracle, stand_ins
from tests.support.comparison import assert_matches, assert_zeros
from tests.support.guided_product import assert_is_guided_grad_cam
from tests.support.networks import CountsBackward, PooledNet, SmallNet, Watches, in_double
from tests.support.references import load
from visualizers import grad_cam, guided_grad_cam

# Averaged over pairs: red (1, 2), green (3, -1).
PIXELS = torch.tensor([[1.0, 1.0, 0.0, 4.0], [2.0, 4.0, -1.0, -1.0], [9.0, 9.0, 9.0, 9.0]]).view(1, 3, 1, 4)


def test_by_hand():
    """Weights are gradients averaged over the positions; the sum over channels goes through a ReLU, then grows."""
    # weights: mean(2, 0) = 1 and mean(-1, -3) = -2
    # map: (1 * 1 - 2 * 3, 1 * 2 - 2 * -1) = (-5, 4), after the ReLU (0, 4)
    # four pixels from two, bilinearly: the ends, and in between 3/4 of the nearer plus 1/4 of the farther
    maps = grad_cam(PIXELS, torch.tensor([0]), PooledNet())
    assert_matches(maps, torch.tensor([[[0.0, 1.0, 3.0, 4.0]]]), 1e-6)


@pytest.mark.filterwarnings("ignore:the model has no ReLU")
def test_guided_by_hand():
    """Guided Grad-CAM is the enlarged map times the guided gradient, pixel by pixel."""
    # no ReLU in this network, so the guided gradient is the plain one: half of each score weight, no blue
    guided = guided_grad_cam(PIXELS, torch.tensor([0]), PooledNet())
    red, green = [0.0 * 1, 1.0 * 1, 3.0 * 0, 4.0 * 0], [0.0 * -0.5, 1.0 * -0.5, 3.0 * -1.5, 4.0 * -1.5]
    assert_matches(guided, torch.tensor([red, green, [0.0] * 4]).view(1, 3, 1, 4), 1e-6)


def test_stored_reference(shipped):
    """The map of a likely and of an unlikely class; the unlikely one is wrong without the final ReLU."""
    reference = load("attributions")
    X, shipped = in_double(reference["X"], shipped)
    maps = grad_cam(X, reference["y"], shipped)
    assert_matches(maps, reference["grad_cam"], dtype=None, images=X)
    for actual, expected in zip(maps, reference["grad_cam"], strict=True):
        assert_matches(actual, expected, dtype=None)


def test_stored_reference_of_guided_grad_cam(shipped):
    """Guided Grad-CAM is Grad-CAM times guided backprop."""
    reference = load("attributions")
    expected = reference["grad_cam"].unsqueeze(1) * reference["guided_backprop"]
    X, shipped = in_double(reference["X"], shipped)
    assert_matches(guided_grad_cam(X, reference["y"], shipped), expected, dtype=None, images=X)


LAYERS = {"ResNet": "layer4", "VGG": "features"}


def test_other_networks(other_network, photos):
    """The map is right for every network, for classes that the model finds likely and for those it does not."""
    photos, network = in_double(photos, other_network)
    ranking = network(photos).argsort(dim=1, descending=True)
    y = torch.stack([ranking[0, int(0.7 * ranking.shape[1])], ranking[1, 0]])
    reference = oracle.grad_cam(photos, y, network, LAYERS[type(network).__name__])
    maps = grad_cam(photos, y, network)
    assert_matches(maps, reference, dtype=None)
    for actual, expected in zip(maps, reference, strict=True):
        assert_matches(actual, expected, dtype=None)


def test_guided_grad_cam_of_other_networks(other_network, photos):
    """Guided Grad-CAM is right for every network."""
    photos, network = in_double(photos, other_network)
    y = network(photos).argmax(dim=1)
    layer = LAYERS[type(network).__name__]
    expected = oracle.guided_grad_cam(photos, y, network, layer)
    assert_matches(guided_grad_cam(photos, y, network), expected, dtype=None)


def test_guided_grad_cam_is_the_product_of_both_methods(other_network, photos):
    """Guided Grad-CAM is Grad-CAM times guided backprop, pixel by pixel, in all three colours."""
    photos, network = in_double(photos, other_network)
    y = network(photos).argmax(dim=1)
    assert_is_guided_grad_cam(photos, y, network, LAYERS[type(network).__name__])


def test_guided_grad_cam_at_any_layer_is_the_product_of_both_methods(shipped, photos):
    """The layer that is asked for is Grad-CAM's."""
    photos, shipped = in_double(photos, shipped)
    assert_is_guided_grad_cam(photos, load("attributions")["y"], shipped, "features.6.expand3x3")


@pytest.mark.parametrize("layer", ["features.0", "features.6.expand3x3"])
def test_any_layer(shipped, photos, layer):
    """The map can be taken at any layer, even before an in-place ReLU, which must not change the activations."""
    photos, shipped = in_double(photos, shipped)
    y = load("attributions")["y"]
    reference = oracle.grad_cam(photos, y, shipped, layer)
    given = layer if layer == "features.0" else shipped.get_submodule(layer)  # a layer may be named or passed
    assert_matches(grad_cam(photos, y, shipped, given), reference, dtype=None)


@pytest.mark.parametrize("layer", ["layer1.0.conv1", "layer4.1.relu"])
def test_layers_of_a_residual_network(resnet18, photos, layer):
    """The map is right within residual blocks too, before and after a ReLU that is called twice."""
    photos, resnet18 = in_double(photos, resnet18)
    y = resnet18(photos).argmax(dim=1)
    expected = oracle.grad_cam(photos, y, resnet18, layer)
    assert_matches(grad_cam(photos, y, resnet18, layer), expected, dtype=None)


@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
@pytest.mark.parametrize(("count", "height", "width"), [(1, 6, 9), (4, 9, 6)])
def test_any_number_of_images_of_any_shape(technique, count, height, width, random):
    """Each image gets its own map, as high and wide as the image, however many images there are."""
    net = SmallNet()
    X, y = torch.randn(count, 3, height, width, generator=random), torch.arange(1, count + 1) % 5
    assert_matches(technique(X, y, net), getattr(oracle, technique.__name__)(X, y, net, "features"))


@pytest.mark.filterwarnings("ignore:the model has no ReLU")
@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
def test_a_map_without_positive_values_gives_zeros(technique):
    """Where nothing speaks for the class, the result is zero everywhere, not NaN."""
    # red (0, 0) and green (1, 1) give the map (-2, -2)
    pixels = torch.tensor([[0.0] * 4, [1.0] * 4, [0.0] * 4]).view(1, 3, 1, 4)
    result = technique(pixels, torch.tensor([0]), PooledNet())
    assert_zeros(result, (1, 1, 4) if technique is grad_cam else (1, 3, 1, 4))


def test_dropout_is_off_even_in_train_mode(small_net, noise):
    """A model left in train mode gives the same maps: dropout and batch norm do not disturb them."""
    y = torch.tensor([1, 2, 3])
    expected = grad_cam(noise, y, small_net.eval())
    assert_matches(grad_cam(noise, y, small_net.train()), expected)


@pytest.mark.parametrize("frozen", [True, False])
def test_the_backward_pass_goes_no_deeper_than_the_layer(small_net, noise, frozen):
    """Grad-CAM needs no gradient before its layer, so it computes none."""
    y = torch.tensor([0, 1, 2])
    early, late = CountsBackward(), CountsBackward()
    small_net.requires_grad_(not frozen)
    small_net.features = nn.Sequential(early, *small_net.features, late, nn.Identity())
    grad_cam(noise, y, small_net, "features.5")
    assert early.count == 0, "gradients were computed before the layer"
    assert late.count == 1, f"{late.count} backward passes ran through the layers after it; one is enough"
    torch.autograd.grad(small_net(noise.requires_grad_()).sum(), noise)
    assert early.count == 1, "this test cannot tell: it does not count backward passes"


@pytest.mark.given
def test_the_graph_begins_at_the_layer(shipped, photos):
    """Grad-CAM keeps nothing for the layers before its own: they run without recording."""
    watches = Watches()
    shipped.features[5] = nn.Sequential(shipped.features[5], watches)
    grad_cam(photos, torch.tensor([0, 1]), shipped, "features.12")
    recorded = [image.requires_grad for image in watches.seen]
    assert recorded == [False], f"the layers before Grad-CAM's own ran {len(recorded)} times, recorded: {recorded}"


@pytest.mark.given
@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
@pytest.mark.parametrize("layer", ["features.99", "relu", 3, nn.Conv2d(3, 6, 3)])
def test_an_unknown_layer_is_named_beside_those_that_exist(technique, layer, small_net, noise):
    """A layer that the model lacks gives one error that says which layers there are."""
    with pytest.raises(ValueError, match=r"no layer .*features\.3.*classifier"):
        technique(noise, torch.tensor([0, 1, 2]), small_net, layer)


@pytest.mark.given
@pytest.mark.parametrize("technique", [grad_cam, guided_grad_cam])
@pytest.mark.parametrize(("layer", "message"), [("unused", "took no part"), ("classifier", "convolutional layer")])
def test_a_layer_that_gives_no_feature_maps_is_refused(technique, layer, message, small_net, noise):
    """A layer that the model never calls, or that has no feature maps, gives one clear error."""
    with pytest.raises(ValueError, match=message):
        technique(noise, torch.tensor([0, 1, 2]), small_net, layer)


def test_guided_grad_cam_needs_one_forward_pass(small_net, noise):
    """Both factors start from the same forward pass."""
    watches = Watches()
    small_net.features.insert(0, watches)
    stand_ins.guided_grad_cam(noise, torch.tensor([0, 1, 2]), small_net)
    assert len(watches.seen) == 1, f"the model ran {len(watches.seen)} times: one forward pass serves both"
