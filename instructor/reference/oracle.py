"""Every technique once more: slow, plain, one image at a time, in double precision.

Written from the papers' formulas and sharing no line with `visualizers` or `style_transfer`, which it must not import.
"""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(1, 3, 1, 1)
BLACK, WHITE = -MEAN / STD, (1 - MEAN) / STD


def double(model: nn.Module) -> nn.Module:
    """A copy in double precision and eval mode, without in-place operations."""
    model = copy.deepcopy(model).double().eval().requires_grad_(False)
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return model


# ----------------------------------------------------------------------------------------------------- attributions


def gradient(x: Tensor, label: int, model: nn.Module) -> Tensor:
    """The gradient of one class score with respect to one image (1, 3, H, W)."""
    x = x.detach().clone().requires_grad_()
    model(x)[0, label].backward()
    return x.grad


def saliency(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    model = double(model)
    maps = []
    for x, label in zip(X.double().split(1), y.tolist(), strict=True):
        red, green, blue = gradient(x, label, model)[0].abs()
        maps.append(torch.maximum(torch.maximum(red, green), blue))
    return torch.stack(maps)


class GuidedFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x > 0, x, torch.zeros_like(x))

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        passes = (x > 0) & (upstream > 0)
        return torch.where(passes, upstream, torch.zeros_like(upstream))


class GuidedReLU(nn.Module):
    def forward(self, x):
        return GuidedFunction.apply(x)


def with_guided_relus(model: nn.Module) -> nn.Module:
    """Replace each `nn.ReLU` of the (copied) model. One module may be called often: the Function keeps no state."""
    assert not isinstance(model, nn.ReLU)
    for name, child in list(model.named_children()):
        if isinstance(child, nn.ReLU):
            setattr(model, name, GuidedReLU())
        else:
            with_guided_relus(child)
    return model


def guided_backprop(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    model = with_guided_relus(double(model))
    pairs = zip(X.double().split(1), y.tolist(), strict=True)
    return torch.cat([gradient(x, label, model) for x, label in pairs])


def activation_and_gradient(x: Tensor, label: int, model: nn.Module, layer: str) -> tuple[Tensor, Tensor]:
    kept = []

    def keep(module, inputs, output):
        kept.append(output)
        return output.clone()  # ResNet adds its shortcut in place

    hook = model.get_submodule(layer).register_forward_hook(keep)
    x = x.detach().clone().requires_grad_()
    score = model(x)[0, label]
    hook.remove()
    kept[-1].retain_grad()
    score.backward()
    return kept[-1].detach()[0], kept[-1].grad[0]


def grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: str) -> Tensor:
    model = double(model)
    maps = []
    for x, label in zip(X.double().split(1), y.tolist(), strict=True):
        activation, slopes = activation_and_gradient(x, label, model, layer)
        total = torch.zeros_like(activation[0])
        for channel, slope in zip(activation, slopes, strict=True):
            total += slope.mean() * channel
        positive = total.clamp(min=0).view(1, 1, *total.shape)
        maps.append(functional.interpolate(positive, x.shape[2:], mode="bilinear", align_corners=False)[0, 0])
    return torch.stack(maps)


def guided_grad_cam(X: Tensor, y: Tensor, model: nn.Module, layer: str) -> Tensor:
    return grad_cam(X, y, model, layer).unsqueeze(1) * guided_backprop(X, y, model)


# -------------------------------------------------------------------------------------------------- gradient ascent


def fooling(
    X: Tensor, targets: list[int], model: nn.Module, learning_rate: float, max_iter: int
) -> tuple[Tensor, list[int]]:
    """The fooling images, and how many steps each took."""
    model = double(model)
    fooled, steps = [], []
    for x, target in zip(X.double().split(1), targets, strict=True):
        taken = 0
        while taken < max_iter and model(x).argmax().item() != target:
            slope = gradient(x, target, model)
            x = x + learning_rate * slope / slope.square().sum().sqrt()
            taken += 1
        fooled.append(x)
        steps.append(taken)
    return torch.cat(fooled), steps


def class_visualization_step(
    img: Tensor, targets: list[int], model: nn.Module, l2_reg: float, learning_rate: float
) -> Tensor:
    model = double(model)
    updated = []
    for x, target in zip(img.double().split(1), targets, strict=True):
        slope = gradient(x, target, model) - l2_reg * 2 * x
        updated.append(x + learning_rate * slope / slope.square().sum().sqrt())
    return torch.cat(updated)


def class_visualization(
    noise: Tensor,
    shifts: list[tuple[int, int]],
    targets: list[int],
    model: nn.Module,
    *,
    learning_rate: float,
    l2_reg: float,
    blur_every: int,
) -> Tensor:
    """The images after as many iterations as there are shifts (down, right), from the noise (1, 3, H, W)."""
    results = []
    for target in targets:
        x = noise.double()
        for iteration, (down, right) in enumerate(shifts):
            x = torch.roll(torch.roll(x, down, 2), right, 3)
            x = class_visualization_step(x, [target], model, l2_reg, learning_rate)
            x = torch.roll(torch.roll(x, -down, 2), -right, 3)
            x = torch.minimum(torch.maximum(x, BLACK), WHITE)
            if blur_every and iteration % blur_every == 0:
                x = blurred(x)
        results.append(x)
    return torch.cat(results)


def blurred(x: Tensor, sigma: float = 0.5) -> Tensor:
    """A Gaussian of five taps in both directions; the image is mirrored at its edges."""
    taps = np.exp(-(np.arange(-2, 3) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    for axis in (2, 3):
        width = [(2, 2) if dim == axis else (0, 0) for dim in range(4)]
        padded = np.pad(x.numpy(), width, mode="reflect")
        length = x.shape[axis]
        x = torch.from_numpy(
            sum(tap * padded.take(range(i, i + length), axis=axis) for i, tap in enumerate(taps)).copy()
        )
    return x


# --------------------------------------------------------------------------------------------------- style transfer


def content_loss(weight: float, current: NDArray, original: NDArray) -> tuple[float, NDArray]:
    """The loss and its gradient with respect to `current`."""
    total = 0.0
    for a, b in zip(current.ravel().tolist(), original.ravel().tolist(), strict=True):
        total += (a - b) ** 2
    return weight * total, 2 * weight * (current - original)


def gram(features: NDArray, normalize: bool = True) -> NDArray:
    """(N, C, H, W) -> (N, C, C), one entry at a time."""
    images, channels, height, width = features.shape
    result = np.zeros((images, channels, channels))
    for n in range(images):
        for i in range(channels):
            for j in range(channels):
                result[n, i, j] = np.sum(features[n, i] * features[n, j])
    return result / (channels * height * width) if normalize else result


def style_loss(features: list[NDArray], targets: list[NDArray], weights: list[float]) -> tuple[float, list[NDArray]]:
    """The loss, and its gradient with respect to each of the features."""
    total, gradients = 0.0, []
    for feature, target, weight in zip(features, targets, weights, strict=True):
        _, channels, height, width = feature.shape
        difference = gram(feature) - target
        total += weight * np.sum(difference**2)
        through = 4 * weight * np.einsum("nij,njhw->nihw", difference, feature)
        gradients.append(through / (channels * height * width))
    return total, gradients


def tv_loss(img: NDArray, weight: float) -> tuple[float, NDArray]:
    """The loss and its gradient, neighbour by neighbour."""
    total, slope = 0.0, np.zeros_like(img)
    _, _, height, width = img.shape
    for row in range(height):
        for column in range(width):
            for down, right in ((1, 0), (0, 1)):
                if row + down < height and column + right < width:
                    step = img[:, :, row + down, column + right] - img[:, :, row, column]
                    total += np.sum(step**2)
                    slope[:, :, row + down, column + right] += 2 * weight * step
                    slope[:, :, row, column] -= 2 * weight * step
    return weight * total, slope


def rank_correlation(first: NDArray, second: NDArray) -> NDArray:
    """For each pair of maps, NaN where one is constant."""
    found = []
    for pair in zip(first, second, strict=True):
        deviations = []
        for values in map(np.ravel, pair):
            ranks = [np.sum(values < value) + (np.sum(values == value) + 1) / 2 for value in values]
            deviations.append(np.array(ranks) - (len(values) + 1) / 2)
        one, other = deviations
        size = np.sqrt(np.sum(one**2) * np.sum(other**2))
        found.append(np.sum(one * other) / size if size else np.nan)
    return np.array(found)


def outputs(x: Tensor, layers: nn.Sequential, wanted: list[int]) -> dict[int, Tensor]:
    """The outputs of the wanted layers of a sequence without in-place operations."""
    result = {}
    for i, layer in enumerate(layers):
        x = layer(x)
        result[i] = x
    return {i: result[i] for i in wanted}


def transfer_losses_and_gradient(
    image: Tensor,
    layers: nn.Sequential,
    content: tuple[int, NDArray, float],
    style: tuple[list[int], list[NDArray], list[float]],
    tv_weight: float,
) -> tuple[tuple[float, float, float], Tensor]:
    """Content, style and total-variation loss of the image (1, 3, H, W), and the gradient of their sum.

    `content` is layer, features, weight; `style` is layers, Gram matrices, weights. The losses' own gradients are the
    formulas above; autograd only carries them through the network.
    """
    content_layer, content_target, content_weight = content
    style_layers, style_targets, style_weights = style
    x = image.detach().clone().requires_grad_()
    features = outputs(x, layers, [content_layer, *style_layers])
    arrays = {i: feature.detach().numpy() for i, feature in features.items()}
    of_content, content_slope = content_loss(content_weight, arrays[content_layer], content_target)
    of_style, style_slopes = style_loss([arrays[i] for i in style_layers], style_targets, style_weights)
    of_tv, tv_slope = tv_loss(image.numpy(), tv_weight)
    slopes = [content_slope, *style_slopes]
    torch.autograd.backward(
        [features[i] for i in (content_layer, *style_layers)], [torch.from_numpy(slope) for slope in slopes]
    )
    return (of_content, of_style, of_tv), x.grad + torch.from_numpy(tv_slope)


def style_transfer(
    start: Tensor,
    content: Tensor,
    style: Tensor,
    layers: nn.Sequential,
    *,
    content_layer: int,
    content_weight: float,
    style_layers: list[int],
    style_weights: list[float],
    tv_weight: float,
    num_iterations: int,
    learning_rate: float = 3.0,
    final_learning_rate: float = 0.1,
    decay_at: int = 180,
) -> tuple[list[Tensor], list[tuple[float, float, float]]]:
    """The image after each iteration, and the losses before it. Adam is written out (Kingma and Ba 2014)."""
    layers = double(layers)
    wanted = outputs(content.double(), layers, [content_layer])[content_layer].numpy()
    grams = [gram(feature.numpy()) for feature in outputs(style.double(), layers, style_layers).values()]
    image = start.double()
    mean, variance = torch.zeros_like(image), torch.zeros_like(image)
    images, losses = [], []
    for t in range(1, num_iterations + 1):
        terms, slope = transfer_losses_and_gradient(
            image, layers, (content_layer, wanted, content_weight), (style_layers, grams, style_weights), tv_weight
        )
        rate = learning_rate if t <= decay_at else final_learning_rate
        mean = 0.9 * mean + 0.1 * slope
        variance = 0.999 * variance + 0.001 * slope**2
        step = (mean / (1 - 0.9**t)) / ((variance / (1 - 0.999**t)).sqrt() + 1e-8)
        image = torch.minimum(torch.maximum(image - rate * step, BLACK), WHITE)
        images.append(image)
        losses.append(terms)
    return images, losses
