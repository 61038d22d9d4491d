"""Grad-CAM and guided Grad-CAM: which regions of the last feature maps speak for the class."""

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from kit.precision import autocast
from visualizers.guided_backprop import guided_gradient
from visualizers.layers import Layer, recorded_output, upsampled
from visualizers.scores import check_batch, class_scores


def grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: Layer = None, *, precision: str = "float32") -> Tensor:
    """Gradient-weighted class activation maps, upsampled to the images: (N, H, W) >= 0, not normalized.

    X is (N, 3, H, W), y is int64 (N,). `layer` is a module of the model or its name, for instance "features.12"; None
    means the last convolutional features. `precision` is explained at `kit.precision`. Raises TypeError or
    ValueError for anything else. Selvaraju et al. 2016, arXiv 1610.02391.
    """
    X, y = check_batch(X, y, model)
    with torch.enable_grad():
        with (
            evaluation_mode(model),
            autocast(precision, X),
            recorded_output(model, layer, from_here=True) as features,
        ):
            scores = class_scores(X, y, model)
        return upsampled(class_activation_maps(scores, features.output), X)


def guided_grad_cam(
    X: Tensor, y: Tensor, model: nn.Module, layer: Layer = None, *, precision: str = "float32"
) -> Tensor:
    """Grad-CAM times guided backprop, pixel by pixel: (N, 3, H, W). Arguments and errors as for `grad_cam`."""
    X, y = check_batch(X, y, model)
    X.requires_grad_()
    with torch.enable_grad():
        with (
            evaluation_mode(model),
            autocast(precision, X),
            recorded_output(model, layer, from_here=False) as features,
        ):
            scores = class_scores(X, y, model)
        # Hint: both methods start from the same forward pass. Grad-CAM goes first, because guided backprop changes what
        # the graph of these scores gives from then on. The map is (N, H, W), the guided gradient (N, 3, H, W).
        ### BEGIN SOLUTION
        maps = upsampled(class_activation_maps(scores, features.output), X)
        guided = maps.unsqueeze(1) * guided_gradient(scores, X)
        ### END SOLUTION
    return guided


def class_activation_maps(scores: Tensor, activations: Tensor) -> Tensor:
    """The Grad-CAM of `scores` at the layer that gave `activations` (N, C, h, w): (N, h, w) >= 0."""
    # Hint: the weight of a channel is the gradient of the score with respect to it, averaged over the positions. The
    # scores are needed again for guided Grad-CAM: torch.autograd.grad(..., retain_graph=True).
    ### BEGIN SOLUTION
    (gradients,) = torch.autograd.grad(scores.sum(), activations, retain_graph=True)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    maps = (weights * activations).sum(dim=1).relu()
    ### END SOLUTION
    return maps.detach()
