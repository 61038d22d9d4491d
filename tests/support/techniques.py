"""Every technique of the kit, called with nothing but a model, images and labels."""

from collections.abc import Callable
from importlib import import_module

import numpy as np
import torch
from torch import Tensor, nn

import visualizers
from kit.assignment import TASKS, Task
from style_transfer import (
    Preset,
    content_loss,
    extract_features,
    gram_matrix,
    style_loss,
    style_transfer,
    tv_loss,
)
from visualizers import captum_attributions

Technique = Callable[[nn.Module, Tensor, Tensor], Tensor]
LAYER = "features.1"
LOSSES = ("content_loss", "gram_matrix", "style_loss", "tv_loss")  # which never see the model, whatever they do
PRESET = Preset(content_size=8, style_size=8, style_layers=(1, 4), style_weights=(10.0, 5.0), num_iterations=3)


def paint(model: nn.Module, X: Tensor, y: Tensor) -> Tensor:
    pictures = [np.arange(h * w * 3, dtype=np.uint8).reshape(h, w, 3) for h, w in ((8, 10), (9, 8))]
    return torch.from_numpy(style_transfer(*pictures, model=model, preset=PRESET, progress=False))


def of_features(loss: Callable[[list[Tensor | None]], Tensor]) -> Technique:
    """A loss of the features of X."""
    return lambda model, X, y: loss(extract_features(X, model, [1, 4])).detach()


def visualize(model: nn.Module, X: Tensor, y: Tensor) -> Tensor:
    return visualizers.create_class_visualization(y, model, num_iterations=3, size=(10, 8), max_jitter=2)


def attribution(task: Task) -> Technique:
    module, (name, *_) = import_module(task.dotted), task.functions
    return lambda model, X, y: getattr(module, name)(X, y, model)


ATTRIBUTIONS = {task.functions[0]: attribution(task) for task in TASKS.values() if task.kind == "attribution"}
TECHNIQUES: dict[str, Technique] = {
    **ATTRIBUTIONS,
    "grad_cam": lambda model, X, y: visualizers.grad_cam(X, y, model),
    "grad_cam at a layer": lambda model, X, y: visualizers.grad_cam(X, y, model, LAYER),
    "guided_grad_cam": lambda model, X, y: visualizers.guided_grad_cam(X, y, model, LAYER),
    "make_fooling_image": lambda model, X, y: visualizers.make_fooling_image(X, y, model, max_iter=3),
    "class_visualization_update_step": lambda model, X, y: visualizers.class_visualization_update_step(
        X, y, model, 1e-3, 25.0
    ),
    "create_class_visualization": visualize,
    "captum_saliency": lambda model, X, y: captum_attributions.captum_saliency(X, y, model),
    "captum_integrated_gradients": lambda model, X, y: captum_attributions.captum_integrated_gradients(X, y, model, 4),
    "captum_guided_backprop": lambda model, X, y: captum_attributions.captum_guided_backprop(X, y, model),
    "captum_guided_grad_cam": lambda model, X, y: captum_attributions.captum_guided_grad_cam(X, y, model, LAYER),
    "captum_layer_conductance": lambda model, X, y: captum_attributions.captum_layer_conductance(X, y, model, LAYER, 4),
    "captum_layer_grad_cam": lambda model, X, y: captum_attributions.captum_layer_grad_cam(X, y, model, LAYER),
    "extract_features": lambda model, X, y: extract_features(X, model, [4])[4].detach(),
    "content_loss": of_features(lambda features: content_loss(0.5, features[4], torch.ones_like(features[4]))),
    "gram_matrix": of_features(lambda features: gram_matrix(features[4])),
    "style_loss": of_features(lambda features: style_loss(features, [1], [torch.ones(1, 6, 6)], [2.0])),
    "tv_loss": lambda model, X, y: tv_loss(X, 0.1).detach(),
    "style_transfer": paint,
}
