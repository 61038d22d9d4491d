"""Style transfer: a picture with the content of one image and the style of another."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from data.images import deprocess, legal_range, open_image, preprocess
from style_transfer.content_loss import content_loss
from style_transfer.features import extract_features, layer_sequence
from style_transfer.presets import Preset, choose_preset
from style_transfer.style_loss import gram_matrix, style_loss
from style_transfer.tv_loss import tv_loss

Picture = Image.Image | NDArray[np.uint8] | str | PathLike


@dataclass(frozen=True)
class Iterate:
    """What the callback sees: the losses at the start of an iteration, and the image (1, 3, H, W) that it made."""

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
    content_image: Picture,
    style_image: Picture,
    *,
    model: nn.Module,
    preset: Preset | str = "starry_night",
    seed: int = 0,
    callback: Callable[[Iterate], None] | None = None,
    progress: bool = True,
    **overrides,
) -> NDArray[np.uint8]:
    """Paint `content_image` in the style of `style_image`: uint8 (H, W, 3).

    Pictures are paths, PIL pictures or uint8 arrays (H, W, 3). `preset` is a name out of PRESETS or a Preset; any of
    its settings can be given by name: style_transfer(..., tv_weight=0.1, keep_colors=True). `seed` matters only with
    `start_from_noise`. `callback` gets an Iterate after every iteration, counted from 1. Raises ValueError for
    unknown presets, settings and layers and for files that are no images. Gatys et al. 2015, arXiv 1508.06576;
    keep_colors: Gatys et al. 2016, arXiv 1606.05897.
    """
    settings = choose_preset(preset, overrides)
    cnn = layer_sequence(model)
    content, style = (
        as_batch(picture, size, cnn)
        for picture, size in ((content_image, settings.content_size), (style_image, settings.style_size))
    )
    content_target, style_targets = targets(content, style, cnn, settings)
    image = starting_image(content, settings.start_from_noise, seed)
    black, white = legal_range(image)
    optimizer = torch.optim.Adam([image], lr=settings.learning_rate)
    for iteration in tqdm(range(settings.num_iterations), desc="style transfer", unit="step", disable=not progress):
        if iteration == settings.decay_at:
            # the same optimizer goes on: see question 2 of notebook 5
            optimizer.param_groups[0]["lr"] = settings.final_learning_rate
        losses = loss_terms(image, cnn, content_target, style_targets, settings)
        (image.grad,) = torch.autograd.grad(sum(losses), image)
        optimizer.step()
        with torch.no_grad():
            image.clamp_(black, white)
        if callback is not None:
            rate = optimizer.param_groups[0]["lr"]
            callback(Iterate(iteration + 1, rate, *(loss.item() for loss in losses), image.detach().clone()))
    painting = deprocess(image)[0]
    return with_colors_of(painting, deprocess(content)[0]) if settings.keep_colors else painting


def as_batch(picture: Picture, size: int, cnn: nn.Module) -> Tensor:
    if isinstance(picture, str | PathLike):
        picture = open_image(picture)
    batch = preprocess(picture, size)
    if len(batch) != 1:
        raise ValueError(f"there are {len(batch)} pictures: give one picture as content and one as style")
    weight = next(cnn.parameters())
    return batch.to(device=weight.device, dtype=weight.dtype)


def starting_image(content: Tensor, from_noise: bool, seed: int) -> Tensor:
    image = content.clone()
    if from_noise:
        noise = torch.randn(content.shape, generator=torch.Generator().manual_seed(seed))
        image = noise.to(content).contiguous(memory_format=torch.channels_last)
    return image.requires_grad_()


@torch.no_grad()
def targets(content: Tensor, style: Tensor, cnn: nn.Module, settings: Preset) -> tuple[Tensor, list[Tensor]]:
    """The features that the picture must keep, and the Gram matrices that it must take on."""
    content_target = extract_features(content, cnn, [settings.content_layer])[settings.content_layer]
    features = extract_features(style, cnn, settings.style_layers)
    return content_target, [gram_matrix(features[layer]) for layer in settings.style_layers]


def loss_terms(
    image: Tensor, cnn: nn.Module, content_target: Tensor, style_targets: list[Tensor], settings: Preset
) -> tuple[Tensor, Tensor, Tensor]:
    """Content, style and total-variation loss of the image as it is now."""
    layers = {settings.content_layer, *settings.style_layers}
    features = extract_features(image, cnn, layers)
    return (
        content_loss(settings.content_weight, features[settings.content_layer], content_target),
        style_loss(features, settings.style_layers, style_targets, settings.style_weights),
        tv_loss(image, settings.tv_weight),
    )


def with_colors_of(painting: NDArray[np.uint8], photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The painting's brightness with the photograph's colours."""
    brightness = Image.fromarray(painting).convert("YCbCr").getchannel("Y")
    _, blue, red = Image.fromarray(photograph).convert("YCbCr").split()
    return np.asarray(Image.merge("YCbCr", (brightness, blue, red)).convert("RGB"))
