"""Captum's attributions of the same images, to hold beside our own. Kokhlikyan et al. 2020, arXiv 2009.07896.

Every function takes X (N, 3, H, W), y int64 (N,) and the model, and raises TypeError or ValueError for anything else.
Layers are given like those of `grad_cam`. Captum finds ReLU modules, in-place and reused ones too, but no ReLU that
is called as a function.
"""

import warnings
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from visualizers.layers import find_layer, recorded_output, upsampled
from visualizers.scores import check_batch, class_scores

EVALUATIONS = 10  # at once, by the methods that follow a path from the mean colour to the image; bounds their memory


def captum_saliency(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """The largest absolute gradient over the colour channels: (N, H, W) >= 0."""
    return attribute(X, y, model, "Saliency").amax(dim=1)


def captum_integrated_gradients(X: Tensor, y: Tensor, model: nn.Module, n_steps: int = 50) -> Tensor:
    """Integrated gradients from the mean colour to the image: (N, 3, H, W). Sundararajan 2017, arXiv 1703.01365."""
    at_once = max(len(X), EVALUATIONS)
    return attribute(X, y, model, "IntegratedGradients", n_steps=n_steps, internal_batch_size=at_once)


def captum_guided_backprop(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """Guided backprop: (N, 3, H, W)."""
    return attribute(X, y, model, "GuidedBackprop")


def captum_guided_grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: nn.Module | str | None = None) -> Tensor:
    """Guided Grad-CAM, its map enlarged bilinearly like ours: (N, 3, H, W)."""
    layer = find_layer(model, layer)
    return attribute(X, y, model, "GuidedGradCam", layer, interpolate_mode="bilinear")


def captum_layer_conductance(
    X: Tensor, y: Tensor, model: nn.Module, layer: nn.Module | str | None = None, n_steps: int = 50
) -> Tensor:
    """What flows through each position of the layer on the way from the mean colour to the image: (N, H, W), signed.

    Summed over the layer's channels and enlarged to the image. Dhamdhere 2018, arXiv 1805.12233.
    """
    layer = find_layer(model, layer)
    X, y = check_batch(X, y, model)
    options = {"n_steps": n_steps, "internal_batch_size": EVALUATIONS // 2}
    conductance = torch.cat(  # image by image, because Captum keeps two whole evaluations of each image
        [attribute(X[i : i + 1], y[i : i + 1], model, "LayerConductance", layer, **options) for i in range(len(X))]
    )
    return upsampled(conductance.sum(dim=1), X)


def captum_layer_grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: nn.Module | str | None = None) -> Tensor:
    """Grad-CAM with the final ReLU, enlarged to the image: (N, H, W) >= 0."""
    layer = find_layer(model, layer)
    maps = attribute(X, y, model, "LayerGradCam", layer, relu_attributions=True)
    return upsampled(maps.squeeze(1), X)


def attribute(
    X: Tensor, y: Tensor, model: nn.Module, method: str, layer: nn.Module | None = None, **options: object
) -> Tensor:
    """Build and run one of Captum's methods on a copy of the images, in eval mode."""
    from captum import attr  # here, because it takes longer to import than the rest of the kit

    X, y = check_batch(X, y, model)
    X.requires_grad_()
    with evaluation_mode(model), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        check_once(X, y, model, layer)
        places = (model,) if layer is None else (model, layer)
        return getattr(attr, method)(*places).attribute(X, target=y, **options).detach()


@torch.no_grad()
def check_once(X: Tensor, y: Tensor, model: nn.Module, layer: nn.Module | None) -> None:
    """Run one image, so that a label or layer that the model does not have is said in our words, not in Captum's."""
    with recorded_output(model, layer, from_here=True) if layer is not None else nullcontext():
        class_scores(X[:1], y.max().view(1), model)
