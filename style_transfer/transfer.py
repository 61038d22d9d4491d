"""Style transfer: a picture with the content of one image and the style of another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import isfinite
from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from data.images import deprocess, legal_range, open_image, preprocess
from kit.modes import evaluation_mode
from kit.precision import autocast
from style_transfer.colors import matched_colors, with_colors_of
from style_transfer.content_loss import content_loss
from style_transfer.features import extract_features, features_at, layer_sequence
from style_transfer.optimizers import OPTIMIZERS
from style_transfer.presets import Preset, choose_preset
from style_transfer.style_loss import gram_matrix, style_loss
from style_transfer.tv_loss import tv_loss

TERMS = {"content": "content_weight", "style": "style_weights", "total variation": "tv_weight"}
Source = Image.Image | NDArray[np.uint8] | str | PathLike


@dataclass(frozen=True)
class Iterate:
    """What the callback sees: the losses at the start of an iteration, and the image (1, 3, H, W) that it made.

    At a coarser scale than the last the image is smaller.
    """

    iteration: int
    learning_rate: float
    content_loss: float
    style_loss: float
    tv_loss: float
    image: Tensor

    @property
    def total_loss(self) -> float:
        return self.content_loss + self.style_loss + self.tv_loss


@torch.enable_grad()
def style_transfer(
    content_image: Source,
    style_image: Source,
    *,
    model: nn.Module,
    preset: Preset | str = "starry_night",
    seed: int = 0,
    callback: Callable[[Iterate], None] | None = None,
    progress: bool = True,
    **overrides: Any,
) -> NDArray[np.uint8]:
    """Paint `content_image` in the style of `style_image`: uint8 (H, W, 3).

    Pictures are paths, PIL pictures or uint8 arrays (H, W, 3). `preset` is a name in PRESETS or a Preset; any of
    its settings can be given by name: style_transfer(..., optimizer="lbfgs", num_iterations=30). `seed` matters only
    with `start_from_noise`. `callback` gets an Iterate after every iteration, counted from 1 over all scales. Raises
    ValueError for unknown presets, settings and layers and for files that are not images. Gatys et al. 2015, arXiv
    1508.06576; colours and coarse to fine: Gatys et al. 2016, arXiv 1606.05897 and 1611.07865.
    """
    settings = choose_preset(preset, overrides)
    cnn = layer_sequence(model)
    content_image, style_image = (opened(picture) for picture in (content_image, style_image))
    image, iterations = None, count(1)
    total = len(settings.scales) * settings.num_iterations
    bar = tqdm(total=total, desc="style transfer", unit="step", disable=not progress)
    with bar, evaluation_mode(cnn):
        for scale in settings.scales:
            content = as_batch(content_image, max(1, round(scale * settings.content_size)), cnn)
            style = as_batch(style_image, max(1, round(scale * settings.style_size)), cnn)
            goal = matched_colors(content, style) if settings.match_colors else content
            image = starting_image(goal, settings.start_from_noise, seed) if image is None else enlarged(image, goal)
            for iterate in painting(image, goal, style, cnn, settings):
                number = next(iterations)
                bar.update()
                if callback is not None:
                    callback(replace(iterate, iteration=number, image=image.detach().clone()))
    result = deprocess(image.detach())[0]
    return with_colors_of(result, deprocess(content)[0]) if settings.keep_colors else result


def painting(image: Tensor, content: Tensor, style: Tensor, cnn: nn.Sequential, settings: Preset) -> Iterator[Iterate]:
    """Repaint `image` in place, step by step."""
    content_target, style_targets = targets(content, style, cnn, settings)
    factor = area_factor(content, settings)
    settings = replace(settings, content_weight=settings.content_weight * factor, tv_weight=settings.tv_weight * factor)
    black, white = legal_range(image)
    take_step = OPTIMIZERS[settings.optimizer].steps(image)
    losses: tuple[Tensor, Tensor, Tensor]

    def closure() -> Tensor:
        nonlocal losses
        losses = loss_terms(image, cnn, content_target, style_targets, settings)
        content_term, style_term, tv_term = losses
        total = content_term + style_term + tv_term
        (image.grad,) = torch.autograd.grad(total, image)
        return total.detach()

    for iteration in range(settings.num_iterations):
        rate = settings.learning_rate if iteration < settings.decay_at else settings.final_learning_rate
        take_step(closure, rate)
        with torch.no_grad():
            image.clamp_(black, white)
        terms = dict(zip(TERMS, (loss.item() for loss in losses), strict=True))
        check_finite(terms, iteration + 1)
        content_term, style_term, tv_term = terms.values()
        yield Iterate(iteration + 1, rate, content_term, style_term, tv_term, image)


def check_finite(terms: dict[str, float], iteration: int) -> None:
    """Raise ValueError at the first loss that is not: from there on the picture would be black."""
    for name, value in terms.items():
        if not isfinite(value):
            remedy = f"give a smaller {TERMS[name]}, or a network in float32"
            raise ValueError(f"the {name} loss is {value} at iteration {iteration}, which is not finite: {remedy}")


def area_factor(content: Tensor, settings: Preset) -> float:
    """Content and total variation are sums over positions, so their weights change with the area, if they should."""
    return 1.0 if settings.weights_at is None else (settings.weights_at / min(content.shape[2:])) ** 2


def opened(picture: Source) -> Image.Image | NDArray[np.uint8]:
    return open_image(picture) if isinstance(picture, str | PathLike) else picture


def as_batch(picture: Image.Image | NDArray[np.uint8], size: int, cnn: nn.Module) -> Tensor:
    batch = preprocess(picture, size)
    if len(batch) != 1:
        raise ValueError(f"there are {len(batch)} pictures: give one picture as content and one as style")
    weight = next(cnn.parameters())
    return batch.to(device=weight.device, dtype=weight.dtype)


def starting_image(content: Tensor, from_noise: bool, seed: int) -> Tensor:
    """The content or noise, laid out contiguously, which L-BFGS needs."""
    image = content
    if from_noise:
        image = torch.randn(content.shape, generator=torch.Generator().manual_seed(seed)).to(content)
    return image.clone(memory_format=torch.contiguous_format).requires_grad_()


def enlarged(image: Tensor, content: Tensor) -> Tensor:
    """The picture of a coarser scale at the size of the next."""
    size = content.shape[2:]
    larger = functional.interpolate(image.detach(), size, mode="bicubic", align_corners=False)
    black, white = legal_range(larger)
    return larger.clamp(black, white).contiguous().requires_grad_()


@torch.no_grad()
def targets(content: Tensor, style: Tensor, cnn: nn.Module, settings: Preset) -> tuple[Tensor, list[Tensor]]:
    """The features that the picture must keep, and the Gram matrices that it must take on."""
    content_target = extract_features(content, cnn, [settings.content_layer])[settings.content_layer]
    features = extract_features(style, cnn, settings.style_layers)
    return content_target, [gram_matrix(features[layer]) for layer in settings.style_layers]


def loss_terms(
    image: Tensor, cnn: nn.Sequential, content_target: Tensor, style_targets: list[Tensor], settings: Preset
) -> tuple[Tensor, Tensor, Tensor]:
    """Content, style and total-variation loss of the image as it is now."""
    layers = {settings.content_layer, *settings.style_layers}
    with autocast(settings.precision, image):
        features = features_at(image, cnn, layers)
        return (
            content_loss(settings.content_weight, features[settings.content_layer], content_target),
            style_loss(features, settings.style_layers, style_targets, settings.style_weights),
            tv_loss(image, settings.tv_weight),
        )
