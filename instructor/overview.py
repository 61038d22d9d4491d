"""Draw the pictures of README.md and of the notebooks' first cells: `python -m instructor.overview`.

All are made with the shipped weights and shipped images.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn

from data import Examples, deprocess, load_examples, load_model, load_style_pair, preprocess
from kit.atomic import atomic_path
from kit.command import get_ready
from kit.paths import KIT
from sanity_checks.explanations import explain
from sanity_checks.randomization import before_last_relu, find_stages, untrained, with_forgotten
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
from visualizers.class_visualization import Snapshots

IMAGES = KIT / "images"
STINGRAY, GORILLA, YORKSHIRE_TERRIER = 6, 366, 187


def main() -> None:
    get_ready()
    model = load_model("shipped")
    figure, axes = figures.grid(2, 5)
    draw_attributions(axes[0], model)
    draw_ascent_and_style(axes[1], model)
    write(figure, "readme/overview.jpg")
    examples = load_examples(2, "shipped")
    write(saliency(examples, model), "notebooks/saliency_maps.jpg")
    write(two_classes(examples, model), "notebooks/grad_cam.jpg")
    write(one_fooled(examples, model), "notebooks/fooling_images.jpg")
    write(one_grown(model), "notebooks/class_visualization.jpg")
    write(one_painted(model), "notebooks/style_transfer.jpg")
    write(forgotten(examples, model), "notebooks/sanity_checks.jpg")


def write(figure: Figure, name: str) -> None:
    with atomic_path(IMAGES / name) as temporary:
        figure.savefig(temporary, dpi=110, facecolor="white", pil_kwargs={"quality": 88})


def saliency(examples: Examples, model: nn.Module) -> Figure:
    figure, axes = figures.grid(1, 2)
    axes[0, 0].imshow(examples.images[0])
    X, y = preprocess(examples.images[:1]), examples.labels[:1]
    figures.draw_map(axes[0, 1], compute_saliency_maps(X, y, model)[0].numpy(), None)
    return figure


def two_classes(examples: Examples, model: nn.Module) -> Figure:
    figure, axes = figures.grid(1, 3, aspect=0.5)
    both = np.concatenate(examples.images, axis=1)
    maps = grad_cam(preprocess(both[None]).expand(2, -1, -1, -1), examples.labels, model).numpy()
    axes[0, 0].imshow(both)
    for axis, one_map, name in zip(axes[0, 1:], maps, examples.names, strict=True):
        figures.draw_map(axis, one_map, both)
        axis.set_title(name, fontsize=9)
    return figure


def one_fooled(examples: Examples, model: nn.Module) -> Figure:
    figure, axes = figures.grid(1, 2)
    fooled = deprocess(make_fooling_image(preprocess(examples.images[:1]), STINGRAY, model))[0]
    for axis, pixels, name in zip(axes[0], (examples.images[0], fooled), ("espresso", "stingray"), strict=True):
        axis.imshow(pixels)
        axis.set_title(name, fontsize=9)
    return figure


def one_grown(model: nn.Module) -> Figure:
    snapshots = Snapshots(at=(1, 25, 100))
    create_class_visualization(GORILLA, model, callback=snapshots)
    figure, axes = figures.grid(1, 3)
    for axis, images in zip(axes[0], snapshots.images.values(), strict=True):
        axis.imshow(deprocess(images)[0])
    return figure


def one_painted(model: nn.Module) -> Figure:
    pair = load_style_pair("starry_night", "shipped")
    painted = style_transfer(pair.content, pair.style, model=model, preset="painterly", progress=False)
    return figures.images([pair.content, pair.style, painted], ["", "", ""], height=1.6)


def forgotten(examples: Examples, model: nn.Module) -> Figure:
    """Grad-CAM and guided backprop of the trained network, and of one in which no trained weight is left."""
    X, y = preprocess(examples.images[:1]), examples.labels[:1]
    model = before_last_relu(model, X)
    empty = with_forgotten(model, find_stages(model, X), untrained(model, 0))
    figure, axes = figures.grid(2, 3)
    axes[0, 0].imshow(examples.images[0])
    axes[1, 0].set_axis_off()
    for column, network, title in zip(axes.T[1:], (model, empty), ("trained", "random weights"), strict=True):
        column[0].set_title(title, fontsize=9)
        for axis, (method, values) in zip(
            column, explain(X, y, network, ("Grad-CAM", "guided backprop")).items(), strict=True
        ):
            figures.draw_map(axis, (values[0].abs().sum(dim=0) if values.ndim == 4 else values[0]).numpy(), None)
            if network is model:
                figures.row_label(axis, method)
    return figure


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
