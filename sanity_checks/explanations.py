"""Many explanations of the same images at once, sharing every pass that they have in common."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from visualizers.grad_cam import class_activation_maps
from visualizers.guided_backprop import guided_gradient
from visualizers.layers import Layer, recorded_output, upsampled
from visualizers.scores import check_batch, class_scores

ONE_PASS = ("gradient", "gradient x input", "guided backprop", "Grad-CAM", "guided Grad-CAM")
ALONG_PATH = ("integrated gradients", "layer conductance")
METHODS = ("gradient", "SmoothGrad", "gradient x input", "integrated gradients", *ONE_PASS[2:], "layer conductance")


@torch.enable_grad()
def explain(
    X: Tensor,
    y: Tensor,
    model: nn.Module,
    methods: Collection[str] = METHODS,
    layer: Layer = None,
    samples: int = 10,
    steps: int = 10,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Explanations of each image's class score, by method: (N, 3, H, W), or (N, H, W) for those of `layer`.

    Methods that need only one forward pass share it; integrated gradients and layer conductance share theirs along
    the path from the mean colour in `steps` trapezoids. SmoothGrad (Smilkov et al. 2017, arXiv 1706.03825) averages
    over `samples` noisy copies, whose noise has 15 % of the image's range and is the same for every model. Raises
    ValueError for unknown methods, and what `grad_cam` raises.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = sorted(set(methods) - set(METHODS))
    if unknown or not methods:
        raise ValueError(f"unknown methods {unknown}: choose from {', '.join(METHODS)}")
    X, y = check_batch(X, y, model)
    found: dict[str, Tensor] = {}
    with evaluation_mode(model):
        if set(methods) & set(ONE_PASS):
            found |= one_pass(X, y, model, layer)
        if "SmoothGrad" in methods:
            found["SmoothGrad"] = smooth_gradient(X, y, model, samples, seed)
        if set(methods) & set(ALONG_PATH):
            found |= along_path(X, y, model, layer, steps)
    return {method: found[method] for method in methods}


def one_pass(X: Tensor, y: Tensor, model: nn.Module, layer: Layer) -> dict[str, Tensor]:
    """Everything that one forward pass, two whole backward passes and one short one can tell."""
    X = X.detach().requires_grad_()
    with recorded_output(model, layer, from_here=False) as features:
        scores = class_scores(X, y, model)
    (gradient,) = torch.autograd.grad(scores.sum(), X, retain_graph=True)
    cam = upsampled(class_activation_maps(scores, features.output), X)
    guided = guided_gradient(scores, X)  # last, because it changes what the graph gives
    values = (gradient, gradient * X.detach(), guided, cam, guided * cam[:, None])
    return dict(zip(ONE_PASS, values, strict=True))


def smooth_gradient(X: Tensor, y: Tensor, model: nn.Module, samples: int, seed: int) -> Tensor:
    """The mean gradient over noisy copies of the images."""
    random = torch.Generator().manual_seed(seed)
    deviation = 0.15 * (X.amax((1, 2, 3), keepdim=True) - X.amin((1, 2, 3), keepdim=True))
    total = torch.zeros_like(X)
    for _ in range(samples):
        # one noise for all images of a sample, so that an image gets the same map alone and in a batch
        noise = torch.randn(X.shape[1:], generator=random).to(X)
        noisy = (X + deviation * noise).requires_grad_()
        (gradient,) = torch.autograd.grad(class_scores(noisy, y, model).sum(), noisy)
        total += gradient
    return total / samples


def along_path(X: Tensor, y: Tensor, model: nn.Module, layer: Layer, steps: int) -> dict[str, Tensor]:
    """Integrated gradients of the pixels, and of the layer's activations summed over channels: its conductance."""
    integral, conductance, before = torch.zeros_like(X), torch.zeros(()).to(X), None
    for step in range(steps + 1):
        point = (X * (step / steps)).requires_grad_()
        with recorded_output(model, layer, from_here=False) as features:
            scores = class_scores(point, y, model)
        gradients = torch.autograd.grad(scores.sum(), [point, features.output])
        integral += gradients[0] * (0.5 if step in (0, steps) else 1.0) / steps
        now = features.output.detach(), gradients[1]
        if before is not None:
            conductance = conductance + ((now[0] - before[0]) * (now[1] + before[1]) / 2).sum(dim=1)
        before = now
    return dict(zip(ALONG_PATH, (X * integral, upsampled(conductance, X)), strict=True))
