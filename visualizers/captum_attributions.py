"""Captum's attributions of the same images, to compare with our own. Kokhlikyan et al. 2020, arXiv 2009.07896.

Every function takes X (N, 3, H, W), y int64 (N,) and the model, and raises TypeError or ValueError for anything else.
Layers are given as for `grad_cam`. Captum finds ReLU modules, in-place and reused ones too, but not a ReLU that
is called as a function.
"""

import warnings
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from kit.modes import evaluation_mode
from visualizers.layers import Layer, find_layer, recorded_output, upsampled
from visualizers.scores import check_batch, class_logits

EVALUATIONS = 10  # at once, by the methods that follow a path from the mean colour to the image


def captum_saliency(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """The largest absolute gradient over the colour channels: (N, H, W) >= 0."""
    return attribute(X, y, model, "Saliency").amax(dim=1)


def captum_integrated_gradients(X: Tensor, y: Tensor, model: nn.Module, n_steps: int = 50) -> Tensor:
    """Integrated gradients from the mean colour to the image: (N, 3, H, W). Sundararajan 2017, arXiv 1703.01365."""
    return one_by_one(X, y, model, "IntegratedGradients", n_steps=n_steps, internal_batch_size=EVALUATIONS)


def captum_guided_backprop(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    """Guided backprop: (N, 3, H, W)."""
    return attribute(X, y, model, "GuidedBackprop")


def captum_guided_grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: Layer = None) -> Tensor:
    """Guided Grad-CAM, its map enlarged bilinearly like ours: (N, 3, H, W)."""
    X, y = check_batch(X, y, model)
    layer = find_layer(model, layer, X)
    return attribute(X, y, model, "GuidedGradCam", layer, interpolate_mode="bilinear")


def captum_layer_conductance(X: Tensor, y: Tensor, model: nn.Module, layer: Layer = None, n_steps: int = 50) -> Tensor:
    """What flows through each position of the layer on the way from the mean colour to the image: (N, H, W), signed.

    Summed over the layer's channels and enlarged to the image. Dhamdhere 2018, arXiv 1805.12233.
    """
    X, y = check_batch(X, y, model)
    layer = find_layer(model, layer, X)
    options = {"n_steps": n_steps, "internal_batch_size": EVALUATIONS // 2}  # Captum keeps two evaluations of each
    conductance = one_by_one(X, y, model, "LayerConductance", layer, **options)
    return upsampled(conductance.sum(dim=1), X)


def captum_layer_grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: Layer = None) -> Tensor:
    """Grad-CAM with the final ReLU, enlarged to the image: (N, H, W) >= 0."""
    X, y = check_batch(X, y, model)
    layer = find_layer(model, layer, X)
    maps = attribute(X, y, model, "LayerGradCam", layer, relu_attributions=True)
    return upsampled(maps.squeeze(1), X)


def one_by_one(
    X: Tensor, y: Tensor | None, model: nn.Module, method: str, layer: nn.Module | None = None, **options: object
) -> Tensor:
    """`attribute` for each image alone, which bounds the memory, with a bar in notebooks and terminals."""
    X, y = check_batch(X, y, model)
    images = tqdm(range(len(X)), desc=method, unit="image", disable=None)
    labels = [None] * len(X) if y is None else y.split(1)
    return torch.cat([attribute(X[i : i + 1], labels[i], model, method, layer, **options) for i in images])


def attribute(
    X: Tensor, y: Tensor | None, model: nn.Module, method: str, layer: nn.Module | None = None, **options: object
) -> Tensor:
    """Build and run one of Captum's methods on a copy of the images, in eval mode."""
    from captum import attr  # here, because it takes longer to import than the rest of the kit

    X, y = check_batch(X, y, model)
    X.requires_grad_()
    with torch.enable_grad(), evaluation_mode(model), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        y = checked_labels(X, y, model, layer)
        places = (Apart(model),) if layer is None else (Apart(model), layer)
        return getattr(attr, method)(*places).attribute(X, target=y, **options).detach()


class Apart(nn.Module):
    """The model on a copy of the images, which it may change, with one row of scores for each."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, X: Tensor) -> Tensor:
        return class_logits(X, None, self.model)


def checked_labels(X: Tensor, y: Tensor | None, model: nn.Module, layer: nn.Module | None) -> Tensor:
    """The labels, after a forward pass of one image in which what does not fit is named in our words, not Captum's."""
    if y is None:
        with torch.no_grad():
            y = class_logits(X, None, model).argmax(dim=1)
    with recorded_output(model, layer, from_here=False) if layer is not None else nullcontext() as recorded:
        class_logits(X[:1].detach().requires_grad_(), y.max().view(1), model)
    if recorded is not None and not recorded.as_map:
        raise ValueError(
            "the layer's features have channels last, (N, H, W, C), which Captum does not notice: use grad_cam"
        )
    return y
