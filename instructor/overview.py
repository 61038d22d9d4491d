"""Draw README.md's picture from shipped weights and shipped images: `python -m instructor.overview`."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data import deprocess, load_examples, load_model, load_style_pair, preprocess
from kit.atomic import atomic_path
from kit.command import get_ready
from kit.paths import KIT
from style_transfer import style_transfer
from visualizers import (
    compute_saliency_maps,
    create_class_visualization,
    figures,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    make_fooling_image,
)

PICTURE = KIT / "images" / "readme" / "overview.jpg"
STINGRAY, GORILLA, YORKSHIRE_TERRIER = 6, 366, 187


def main() -> None:
    get_ready()
    model = load_model("shipped")
    figure, axes = figures.grid(2, 5)
    draw_attributions(axes[0], model)
    draw_ascent_and_style(axes[1], model)
    with atomic_path(PICTURE) as temporary:
        figure.savefig(temporary, dpi=110, facecolor="white", pil_kwargs={"quality": 88})


def draw_attributions(axes: NDArray, model: nn.Module) -> None:
    examples = load_examples(1, "shipped")
    X, y = preprocess(examples.images), examples.labels
    axes[0].imshow(examples.images[0])
    for axis, method in zip(axes[1:], (compute_saliency_maps, guided_backprop, grad_cam, guided_grad_cam), strict=True):
        figures.draw_map(axis, method(X, y, model)[0].numpy(), examples.images[0] if method is grad_cam else None)
    entitle(axes, ("an espresso", "saliency", "guided backprop", "Grad-CAM", "guided Grad-CAM"))


def draw_ascent_and_style(axes: NDArray, model: nn.Module) -> None:
    espresso = preprocess(load_examples(1, "shipped").images)
    fooled = deprocess(make_fooling_image(espresso, STINGRAY, model))
    grown = deprocess(create_class_visualization(torch.tensor([GORILLA, YORKSHIRE_TERRIER]), model))
    painted = [middle(paint(preset, model)) for preset in ("the_scream", "starry_night")]
    for axis, pixels in zip(axes, [*fooled, *grown, *painted], strict=True):
        axis.imshow(pixels)
    entitle(axes, ("“a stingray”", "gorilla, from noise", "Yorkshire terrier", "in wavy bands", "in swirls"))


def paint(preset: str, model: nn.Module) -> NDArray[np.uint8]:
    pair = load_style_pair(preset, "shipped")
    return style_transfer(pair.content, pair.style, model=model, preset=preset, progress=False)


def middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a wide picture, as wide as it is high."""
    height, width, _ = pixels.shape
    left = (width - height) // 2
    return pixels[:, left : left + height]


def entitle(axes: NDArray, titles: tuple[str, ...]) -> None:
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=9)


if __name__ == "__main__":
    main()
