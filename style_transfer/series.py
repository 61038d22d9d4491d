"""Series of pictures in which one thing varies: the content's layer, the style's layers, the balance of the two."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from tqdm.auto import tqdm

from style_transfer.presets import choose_preset
from style_transfer.transfer import Source, style_transfer

Picture = NDArray[np.uint8]
# From noise and with little smoothing, so that a picture shows what its layers say and nothing else.
FROM_NOISE: dict[str, Any] = {
    "start_from_noise": True,
    "optimizer": "lbfgs",
    "num_iterations": 60,
    "content_size": 128,
    "style_size": 128,
    "tv_weight": 1e-3,
    "progress": False,
}


def content_by_layer(
    picture: Source, model: nn.Module, layers: Sequence[int] = (1, 3, 6, 9, 12), progress: bool = True, **settings: Any
) -> dict[int, Picture]:
    """For each layer the picture, uint8 (H, W, 3), that has the content there and is free in everything else.

    The deeper the layer, the less it says about single pixels (Gatys et al. 2015, arXiv 1508.06576; Mahendran and
    Vedaldi 2014, arXiv 1412.0035). `settings` replace those of FROM_NOISE.
    """
    if not layers:
        raise ValueError("layers is empty: give at least one layer")
    free: dict[str, Any] = {"style_layers": (layers[0],), "style_weights": (0.0,), "content_weight": 1.0}
    return {
        layer: style_transfer(picture, picture, model=model, content_layer=layer, **FROM_NOISE | free | settings)
        for layer in tqdm(layers, desc="content", unit="picture", disable=not progress)
    }


def style_by_layers(
    painting: Source, model: nn.Module, preset: str = "starry_night", progress: bool = True, **settings: Any
) -> dict[tuple[int, ...], Picture]:
    """The painting's texture as the first style layer of the preset knows it, the first two, and so on: by layers."""
    chosen = choose_preset(preset, {})
    pictures = {}
    for count in tqdm(range(1, len(chosen.style_layers) + 1), desc="style", unit="picture", disable=not progress):
        layers, weights = chosen.style_layers[:count], chosen.style_weights[:count]
        free: dict[str, Any] = {"style_layers": layers, "style_weights": weights, "content_weight": 0.0}
        pictures[layers] = style_transfer(painting, painting, model=model, **FROM_NOISE | free | settings)
    return pictures


def by_balance(
    content_image: Source,
    style_image: Source,
    model: nn.Module,
    factors: Sequence[float] = (0.03, 0.1, 0.3, 1, 3, 10, 30),
    preset: str = "starry_night",
    progress: bool = True,
    **settings: Any,
) -> dict[float, Picture]:
    """The same pair painted with the preset's style weights times each of `factors`, its other weights kept."""
    chosen = choose_preset(preset, settings)
    pictures = {}
    for factor in tqdm(factors, desc="balance", unit="picture", disable=not progress):
        weights = tuple(factor * weight for weight in chosen.style_weights)
        changed = {**settings, "style_weights": weights, "progress": False}
        pictures[factor] = style_transfer(content_image, style_image, model=model, preset=preset, **changed)
    return pictures
