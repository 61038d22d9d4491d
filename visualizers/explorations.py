"""What there is to play with in each notebook: `explore`, with a picture of that notebook's subject."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import signature

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from data import CLASS_NAMES, deprocess
from kit.modes import evaluation_mode
from visualizers.explorer import explore, panels
from visualizers.figures import draw_map
from visualizers.scores import probabilities

GUESSES = {"most probable": 0, "second guess": 1, "third guess": 2, "fifth guess": 4, "100th guess": 99}
FIRE_MODULES = {  # of SqueezeNet, from the last to the first
    "Fire 9": "features.12",
    "Fire 8": "features.11",
    "Fire 7": "features.10",
    "Fire 6": "features.9",
    "Fire 5": "features.7",
    "Fire 4": "features.6",
    "Fire 3": "features.4",
    "Fire 2": "features.3",
}
Method = Callable[..., Tensor]


def attributions(
    images: NDArray[np.uint8],
    names: Sequence[str],
    X: Tensor,
    model: nn.Module,
    methods: Mapping[str, Method],
    layers: Mapping[str, str] | None = None,
) -> Figure | None:
    """An image, a map of it, and the map laid over the image; the class is one of those that the model predicts.

    `methods` are functions of (X, y, model); those that also take a layer get one of `layers`, by label, if any.
    """

    @cache
    def ranked(index: int) -> tuple[list[float], list[int]]:
        chances, labels = probabilities(X[index : index + 1], model)[0].sort(descending=True)
        return chances.tolist(), labels.tolist()

    def draw(image: int, the_class: int, method: str, layer: str | None = None) -> tuple[Figure, str]:
        chances, labels = ranked(image)
        chance, label = chances[the_class], labels[the_class]
        one, y = X[image : image + 1], torch.tensor([label])
        at_layer = layer is not None and "layer" in signature(methods[method]).parameters
        values = methods[method](one, y, model, **({"layer": layers[layer]} if at_layer else {}))
        one_map = values[0].detach().float().cpu().numpy()
        figure, axes = panels(3)
        for axis, title in zip(axes, (names[image], method, f"for {CLASS_NAMES[label]}"), strict=True):
            axis.set_title(title, fontsize=9)
        axes[0].imshow(images[image])
        draw_map(axes[1], one_map, None)
        draw_map(axes[2], np.abs(one_map).max(axis=0) if one_map.ndim == 3 else one_map, images[image])
        place = f" at {layer}" if at_layer else ", which needs no layer" * (layer is not None)
        return figure, f"{method}{place}: {names[image]}, for {CLASS_NAMES[label]} (probability {chance:.2g})"

    return explore(
        draw,
        image=numbered(names),
        the_class=GUESSES,
        method={name: name for name in methods},
        **({"layer": {name: name for name in layers}} if layers else {}),
    )


def on_the_way(X: Tensor, fooling: Tensor, names: Sequence[str], model: nn.Module) -> Figure | None:
    """A point on the straight line from an image to its fooling image, with the model's three guesses."""

    def draw(image: int, percent: int) -> tuple[Figure, str]:
        start, end = X[image : image + 1], fooling[image : image + 1]
        point = torch.lerp(start, end, percent / 100)
        before, after = deprocess(start)[0].astype(float), deprocess(point)[0].astype(float)
        figure, axes = panels(3)
        for axis, title in zip(axes, (f"{percent} % of the way", "difference × 10", "it predicts"), strict=True):
            axis.set_title(title, fontsize=9)
        axes[0].imshow(after.astype(np.uint8))
        axes[1].imshow((127.5 + 10 * (after - before)).clip(0, 255).astype(np.uint8))
        guesses = bars(axes[2], probabilities(point, model)[0])
        return figure, f"{names[image]}, {percent} % of the way to the fooling image: {guesses}"

    return explore(draw, image=numbered(names), percent=range(0, 101, 5))


def ascent(snapshots: Mapping[int, Tensor], targets: Tensor, model: nn.Module) -> Figure | None:
    """The pictures of an ascent, iteration by iteration, beside the curve of their score."""
    iterations = sorted(snapshots)
    images = torch.stack([snapshots[iteration] for iteration in iterations])  # (iterations, K, 3, H, W)
    with torch.no_grad(), evaluation_mode(model):
        scores = torch.stack([model(batch)[range(len(targets)), targets] for batch in images]).cpu().numpy()
    names = [CLASS_NAMES[label] for label in targets]

    def draw(the_class: int, iteration: int) -> tuple[Figure, str]:
        place = iterations.index(iteration)
        figure, axes = panels(2)
        axes[0].imshow(deprocess(images[place, the_class : the_class + 1])[0])
        axes[0].set_title(names[the_class], fontsize=9)
        axes[1].set_title(f"score: {scores[place, the_class]:.1f}", fontsize=9)
        axes[1].plot(iterations, scores[:, the_class], color="0.6")
        axes[1].plot(iteration, scores[place, the_class], "o", color="C3")
        return figure, f"{names[the_class]} after {iteration} iterations, score {scores[place, the_class]:.1f}"

    return explore(draw, the_class=numbered(names), iteration=iterations)


def pictures(choice: str, by_value: Mapping[object, ArrayLike], others: Mapping[str, ArrayLike]) -> Figure | None:
    """One picture for each value of a slider, beside `others`, which stay, by their titles."""

    def draw(**chosen: object) -> tuple[Figure, str]:
        ((name, value),) = chosen.items()
        shown = {**others, f"{name.replace('_', ' ')} {value}": by_value[value]}
        figure, axes = panels(len(shown))
        for axis, (title, picture) in zip(axes, shown.items(), strict=True):
            axis.imshow(np.asarray(picture))
            axis.set_title(title, fontsize=9)
        return figure, list(shown)[-1]

    return explore(draw, **{choice: list(by_value)})


def bars(axis: Axes, chances: Tensor) -> str:
    """Bars of the three most probable classes, and the same in words."""
    top = chances.topk(3)
    found = [
        (CLASS_NAMES[label], chance) for chance, label in zip(top.values.tolist(), top.indices.tolist(), strict=True)
    ]
    axis.barh(range(3), top.values.tolist(), color="0.8", height=0.9)
    axis.set(xlim=(0, 1), ylim=(5.5, -0.5))
    for row, (name, chance) in enumerate(found):
        axis.text(0.02, row, f"{chance:.2f}  {name}", va="center", fontsize=9)
    return ", ".join(f"{name} {chance:.2f}" for name, chance in found)


def numbered(names: Sequence[str]) -> dict[str, int]:
    """Each name, which may come twice, and its place."""
    return {f"{place + 1} {name}": place for place, name in enumerate(names)}
