from functools import partial

import pytest
import torch
from torch import nn

from visualizers import (
    class_visualization_update_step,
    compute_saliency_maps,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    make_fooling_image,
)
from visualizers.captum_attributions import (
    captum_guided_backprop,
    captum_guided_grad_cam,
    captum_integrated_gradients,
    captum_layer_conductance,
    captum_layer_grad_cam,
    captum_saliency,
)
from visualizers.scores import check_batch

STEP = partial(class_visualization_update_step, l2_reg=1e-3, learning_rate=25.0)
TECHNIQUES = [
    pytest.param(technique, id=getattr(technique, "__name__", "class_visualization_update_step"))
    for technique in (
        compute_saliency_maps,
        guided_backprop,
        grad_cam,
        guided_grad_cam,
        make_fooling_image,
        STEP,
        captum_saliency,
        captum_integrated_gradients,
        captum_guided_backprop,
        captum_guided_grad_cam,
        captum_layer_conductance,
        captum_layer_grad_cam,
    )
]
X = torch.linspace(-2, 2, 2 * 3 * 6 * 8).reshape(2, 3, 6, 8)
Y = torch.tensor([0, 4])


def with_pixel(value: float) -> torch.Tensor:
    spoilt = X.clone()
    spoilt[1, 2, 3, 4] = value
    return spoilt


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        pytest.param(X.numpy(), Y, TypeError, "X is a ndarray", id="array"),
        pytest.param([X[0], X[1]], Y, TypeError, "X is a list", id="list"),
        pytest.param(X[0], Y[0], ValueError, r"X has shape \(3, 6, 8\)", id="one image without batch"),
        pytest.param(X.permute(0, 2, 3, 1), Y, ValueError, r"X has shape \(2, 6, 8, 3\)", id="channels last"),
        pytest.param(X[:, :1], Y, ValueError, r"X has shape \(2, 1, 6, 8\)", id="grey"),
        pytest.param(X[:0], Y[:0], ValueError, r"X has shape \(0, 3, 6, 8\)", id="no image"),
        pytest.param(X[..., :0], Y, ValueError, r"X has shape \(2, 3, 6, 0\)", id="no pixel"),
        pytest.param(X.double(), Y, TypeError, "X is torch.float64, the model torch.float32", id="float64"),
        pytest.param(X.to(torch.uint8), Y, TypeError, "X is torch.uint8", id="uint8"),
        pytest.param(with_pixel(float("nan")), Y, ValueError, "NaN or infinite", id="NaN"),
        pytest.param(with_pixel(float("inf")), Y, ValueError, "NaN or infinite", id="infinite"),
        pytest.param(X, Y.float(), TypeError, "labels are torch.float32", id="float labels"),
        pytest.param(X, Y.int(), TypeError, "labels are torch.int32", id="int32 labels"),
        pytest.param(X, [0, 4], TypeError, "labels are list", id="list of labels"),
        pytest.param(X, True, TypeError, "labels are bool", id="bool"),
        pytest.param(X, Y[:1], ValueError, r"labels have shape \(1,\): 2 images", id="too few labels"),
        pytest.param(X, Y.view(2, 1), ValueError, r"labels have shape \(2, 1\)", id="labels in a column"),
        pytest.param(X, torch.tensor([0, -1]), ValueError, "label -1 is out of range", id="negative label"),
    ],
)
def test_wrong_input_gets_one_clear_error_before_any_work(technique, images, labels, error, message, small_net):
    """Wrong input gives one clear error, before the model is run."""
    small_net.register_forward_pre_hook(lambda module, inputs: pytest.fail("the model was run on wrong input"))
    with pytest.raises(error, match=message):
        technique(images, labels, small_net)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_label_that_the_model_lacks_is_out_of_range(technique, small_net):
    """A class number beyond the model's last class gives an error that says which there are."""
    with pytest.raises(ValueError, match="label 5 is out of range: the model has classes 0 to 4"):
        technique(X, torch.tensor([0, 5]), small_net)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_model_that_is_no_classifier_is_refused(technique):
    """A model that does not give one row of scores per image gives one clear error."""
    with pytest.raises(ValueError, match="one row of class scores per image"):
        technique(X, Y, nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU()))


@pytest.mark.parametrize(("dtype", "value"), [(torch.float32, 1e37), (torch.float16, 2.0)])
def test_pixels_are_refused_for_being_infinite_not_for_having_a_large_sum(dtype, value):
    """Finite pixels are accepted, also where their sum is beyond the numbers of their type."""
    pixels = torch.full((1, 3, 224, 224), value, dtype=dtype)
    images, _ = check_batch(pixels, 0, nn.Conv2d(3, 5, 1).to(dtype))
    assert torch.equal(images, pixels)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_one_label_serves_all_images(technique, small_net):
    """An int stands for the same class for every image."""
    assert torch.equal(technique(X, 3, small_net), technique(X, torch.tensor([3, 3]), small_net))
