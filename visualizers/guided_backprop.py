"""Guided backpropagation: the gradient without anything that speaks against the class."""

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from kit.precision import autocast
from visualizers.graph import relu_nodes
from visualizers.scores import check_batch, class_scores


def guided_backprop(X: Tensor, y: Tensor, model: nn.Module, *, precision: str = "float32") -> Tensor:
    """The guided gradient of each image's class score: (N, 3, H, W).

    At every ReLU, whether module or function, in-place or reused, the gradient passes only where the ReLU's input and
    the arriving gradient are both positive; `visualizers.graph` says what counts as one. Other activations keep their
    plain gradient. X is (N, 3, H, W), y is int64 (N,); `precision` is explained at `kit.precision`. Raises TypeError
    or ValueError for anything else. Springenberg et al. 2014, arXiv 1412.6806.
    """
    X, y = check_batch(X, y, model)
    X.requires_grad_()
    with torch.enable_grad():
        with evaluation_mode(model), autocast(precision, X):
            scores = class_scores(X, y, model)
        return guided_gradient(scores, X)


def guided_gradient(scores: Tensor, X: Tensor) -> Tensor:
    """Backpropagate the sum of `scores` to X by the guided rule: (N, 3, H, W)."""
    # Hint: a ReLU's own backward pass already asks for a positive input. What is missing is the other condition, and
    # `relu_nodes(scores)` are the places where it belongs: node.register_prehook(f) calls f with the tuple of
    # gradients that arrive at the node and continues with the tuple that f returns.
    ### BEGIN SOLUTION
    for node in relu_nodes(scores):
        node.register_prehook(lambda arriving: tuple(gradient.clamp(min=0) for gradient in arriving))
    (gradient,) = torch.autograd.grad(scores.sum(), X)
    ### END SOLUTION
    return gradient
