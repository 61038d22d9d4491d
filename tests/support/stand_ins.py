"""Guided Grad-CAM and the style loss with other functions in the places of those that they build upon.

A mistake in those others is judged with them. What stands in here is nobody's solution; any function would do.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from unittest.mock import patch

from torch import Tensor, nn


def class_activation_maps(scores: Tensor, activations: Tensor) -> Tensor:
    return activations.detach().square().mean(dim=1)


def guided_gradient(scores: Tensor, X: Tensor) -> Tensor:
    return X.detach().mul(3).sin()


def gram_matrix(features: Tensor, normalize: bool = True) -> Tensor:
    return features.mean(dim=(2, 3)).unsqueeze(2) * features.amax(dim=(2, 3)).unsqueeze(1)


@contextmanager
def standing_in(path: str, **functions: object) -> Iterator[ModuleType]:
    module = importlib.import_module(path)
    with patch.multiple(module, **functions):
        yield module


def guided_grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: nn.Module | str | None = None) -> Tensor:
    """Guided Grad-CAM of the two stand-ins."""
    with (
        standing_in("visualizers.guided_backprop", guided_gradient=guided_gradient),
        standing_in(
            "visualizers.grad_cam", class_activation_maps=class_activation_maps, guided_gradient=guided_gradient
        ) as module,
    ):
        return module.guided_grad_cam(X, y, model, layer)


def style_loss(
    feats: list[Tensor | None], style_layers: list[int], style_targets: list[Tensor], style_weights: list[float]
) -> Tensor:
    """The style loss of the stand-in."""
    with standing_in("style_transfer.style_loss", gram_matrix=gram_matrix) as module:
        return module.style_loss(feats, style_layers, style_targets, style_weights)
