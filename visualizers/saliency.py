"""Saliency maps: how much the class score changes when a pixel changes a little."""

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from kit.precision import autocast
from visualizers.scores import check_batch, class_scores


def compute_saliency_maps(X: Tensor, y: Tensor, model: nn.Module, *, precision: str = "float32") -> Tensor:
    """The largest absolute gradient, over the colour channels, of each image's class score: (N, H, W) >= 0.

    X is (N, 3, H, W), y is int64 (N,); `precision` is explained at `kit.precision`. Raises TypeError or ValueError
    for anything else. Simonyan et al. 2013, arXiv 1312.6034.
    """
    X, y = check_batch(X, y, model)
    X.requires_grad_()
    with torch.enable_grad():
        with evaluation_mode(model), autocast(precision, X):
            scores = class_scores(X, y, model)
        # Hint: the images do not mix inside the model, so one backward pass of the sum of scores gives every gradient.
        # torch.autograd.grad(output, input) returns gradients and leaves nothing behind on the tensors.
        ### BEGIN SOLUTION
        (gradient,) = torch.autograd.grad(scores.sum(), X)
        saliency = gradient.abs().amax(dim=1)
        ### END SOLUTION
    return saliency
