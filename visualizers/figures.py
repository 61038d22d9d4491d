"""Drawing: every function returns a Matplotlib Figure, to be shown by the caller or written with `save`."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from data import CLASS_NAMES, deprocess
from kit.assignment import FIGURES
from kit.atomic import atomic_path
from kit.display import in_notebook, show_picture
from kit.paths import figures_folder
from kit.provenance import code_in_use
from visualizers.appearance import looks

CELL = 2.1  # inches
HEAT = "magma"
BRIGHTEST = 99.5  # percentile of a map that is drawn at full strength; single extreme pixels would darken the rest
DOTS_PER_INCH = 120
WIDEST_SHOWN = 1100  # pixels, as wide as a notebook's cell
JPEG_QUALITY = 85  # in a notebook, which is handed in with its pictures: as PNG they would take six times the room
MARKERS = 8  # on a curve
PAGE = 3.9  # inches that a figure gets on a page of the report
READABLE = 6.0  # points, on that page


def attributions(
    images: NDArray[np.uint8], names: Sequence[str], rows: Mapping[str, Tensor], overlay: bool = False
) -> Figure:
    """The images in the first row, then a row for each method: heat maps (N, H, W) or gradients (N, 3, H, W).

    Each map is scaled on its own, to its 99.5th percentile. Maps that are never negative run from black, zero, to
    light; signed ones from blue over white, zero, to red; gradients are drawn around grey. With `overlay`, heat maps
    lie over the image in grey.
    """
    check_rows(images, names, rows)
    height, width = images.shape[1:3]
    figure, axes = grid(len(rows) + 1, len(images), aspect=height / width)
    for axis, image, name in zip(axes[0], images, names, strict=True):
        axis.imshow(image)
        column_label(axis, name)
    row_label(axes[0, 0], "image")
    for row, (method, maps) in zip(axes[1:], rows.items(), strict=True):
        row_label(row[0], method)
        for axis, image, one_map in zip(row, images, maps.detach().float().cpu().numpy(), strict=True):
            draw_map(axis, one_map, image if overlay else None)
    return figure


def predictions(
    images: NDArray[np.uint8], names: Sequence[str], probabilities: Tensor, class_names: Sequence[str] | None = None
) -> Figure:
    """Each image under the name of its class, above bars for the three classes of highest probability (N, K).

    `class_names` are the K classes'; None stands for ImageNet's, or numbers where there are not 1000 of them.
    """
    check_rows(images, names, {"probabilities": probabilities})
    count = probabilities.shape[1]
    if class_names is None:
        class_names = CLASS_NAMES if count == len(CLASS_NAMES) else [f"class {number}" for number in range(count)]
    if len(class_names) != count:
        raise ValueError(f"there are {len(class_names)} class_names for {count} classes: give one for each class")
    sums = probabilities.detach().sum(dim=1)
    if (sums - 1).abs().max() > 1e-3:
        raise ValueError(
            f"the probabilities of an image sum to {sums[0].item():.3g}, not to 1: take softmax over dim=1"
        )
    figure = Figure(figsize=(CELL * len(images) + 0.3, CELL + 1.3), layout="constrained")
    axes = figure.subplots(2, len(images), squeeze=False, height_ratios=(CELL, 1.0))
    top = probabilities.detach().cpu().topk(min(3, count))
    for column, image, name, values, classes in zip(
        axes.T, images, names, top.values.tolist(), top.indices.tolist(), strict=True
    ):
        column[0].imshow(image)
        column[0].set_title(name, fontsize=9)
        column[0].set_axis_off()
        column[1].barh(range(len(values)), values, color="0.8", height=0.9)
        column[1].set(xlim=(0, 1), ylim=(2.5, -0.5), xticks=[], yticks=[])
        column[1].spines[:].set_visible(False)
        for row, (value, label) in enumerate(zip(values, classes, strict=True)):
            column[1].text(0.02, row, f"{value:.2f}  {class_names[label]}", va="center", fontsize=8)
    return figure


def fooling(original: Tensor, fooled: Tensor, names: tuple[str, str]) -> Figure:
    """Original, fooling image, their difference and ten times their difference, for (1, 3, H, W) in normalized space.

    Differences are drawn around grey in the units of the pixels: grey means that nothing changed.
    """
    before, after = (deprocess(image)[0].astype(np.float32) for image in (original, fooled))
    figure, axes = grid(1, 4)
    panels = (
        (f"original: {names[0]}", before),
        (f"fooling image: {names[1]}", after),
        ("difference", 127.5 + (after - before)),
        ("difference × 10", 127.5 + 10 * (after - before)),
    )
    for axis, (title, pixels) in zip(axes[0], panels, strict=True):
        axis.imshow(pixels.clip(0, 255).astype(np.uint8))
        axis.set_title(title, fontsize=9)
    return figure


def progress(snapshots: Mapping[int, Tensor], names: Sequence[str]) -> Figure:
    """One row for each class, one column for each iteration in `snapshots`, whose images are (K, 3, H, W)."""
    if not snapshots:
        raise ValueError("there are no snapshots: pass the Snapshots as callback first")
    figure, axes = grid(len(names), len(snapshots))
    for column, (iteration, images) in zip(axes.T, sorted(snapshots.items()), strict=True):
        column[0].set_title(f"iteration {iteration}", fontsize=9)
        for axis, pixels in zip(column, deprocess(images), strict=True):
            axis.imshow(pixels)
    for axis, name in zip(axes[:, 0], names, strict=True):
        row_label(axis, name)
    return figure


def picture_grid(rows: Mapping[str, Sequence[NDArray[np.uint8]]], titles: Sequence[str]) -> Figure:
    """A row of square pictures (H, W, 3) for each name, a column for each title."""
    figure, axes = grid(len(rows), len(titles))
    for axis, title in zip(axes[0], titles, strict=True):
        column_label(axis, title)
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        row_label(row[0], name)
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture)
    return figure


def images(pictures: Sequence, titles: Sequence[str], height: float = 3.0) -> Figure:
    """Pictures of any shapes side by side at the same height, each under its title."""
    pictures = [np.asarray(picture) for picture in pictures]
    aspects = [picture.shape[1] / picture.shape[0] for picture in pictures]
    figure = Figure(figsize=(height * sum(aspects) + 0.1 * len(aspects), height + 0.3), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False, width_ratios=aspects)
    for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=10)
        axis.set_axis_off()
    return figure


def curves(values: Mapping[str, Sequence[float]], xlabel: str, ylabel: str) -> Figure:
    """One labelled curve for each name, on a logarithmic axis, told apart by colour and by line style."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axis = figure.subplots()
    draw_curves(axis, {name: (range(1, len(numbers) + 1), numbers) for name, numbers in values.items()})
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend(frameon=False)
    return figure


def curve_panels(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], xlabels: Sequence[str]
) -> Figure:
    """A panel for each title, with its label of x, in it a curve for each name: x and y values, y logarithmic."""
    figure = Figure(figsize=(3.1 * len(panels) + 0.4, 2.9), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, curves), xlabel in zip(axes, panels.items(), xlabels, strict=True):
        draw_curves(axis, curves)
        axis.set(title=title, xlabel=xlabel)
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def score_lines(scores: Tensor, names: Sequence[str], target: str) -> Figure:
    """A panel for each image, with its own scale: scores (N, 2, points) of its class and of the target on the way."""
    figure = Figure(figsize=(CELL * len(names) + 0.4, 2.4), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    way = np.linspace(0, 100, scores.shape[2])
    for axis, (own, other), name in zip(axes, scores.cpu().numpy(), names, strict=True):
        axis.plot(way, own, "-", label="the image's class", linewidth=1.6)
        axis.plot(way, other, "--", label=target, linewidth=1.6)
        axis.set_title(name, fontsize=9)
        axis.set_xticks([0, 50, 100], ["image", "half-way", "fooling"], fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("score")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def draw_curves(axis: Axes, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
    for name, look in looks(curves).items():
        x, y = curves[name]
        positive = np.where(np.asarray(y) > 0, y, np.nan)  # zero has no place on a logarithmic axis
        line = axis.plot(x, positive, look.line, color=look.color, label=name, linewidth=1.6)[0]
        line.set(marker=look.marker, markersize=4, markevery=max(1, len(positive) // MARKERS))
    axis.set_yscale("log")
    axis.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, name: str, caption: str | None = None, alt: str | None = None) -> Figure | None:
    """Write figures/`name`.png (or into the folder KIT_FIGURES), and show it in a notebook, above its caption.

    Elsewhere the figure comes back, to be shown. Caption and alternative text stand in kit/assignment.toml unless
    they are given. They travel inside the file, as its Title and Description, and the digests of the modules that are
    loaded, as Code. The file appears whole or not at all.
    Raises ValueError for a figure of your own without them.
    """
    if caption is None or alt is None:
        caption, alt = written_caption(name)
    path, code = figures_folder() / f"{name}.png", code_in_use()
    metadata = {"Title": caption, "Description": alt, "Code": json.dumps(code)}
    with atomic_path(path) as temporary:
        figure.savefig(
            temporary, dpi=DOTS_PER_INCH, metadata=metadata, facecolor="white", bbox_inches="tight", pad_inches=0.05
        )
    return shown(figure, path, caption, alt, code)


def written_caption(name: str) -> tuple[str, str]:
    """The caption and the alternative text of one of the notebooks' figures."""
    if name not in FIGURES:
        raise ValueError(
            f"{name!r} is a figure of your own: give save() a caption=, and alt= for those who cannot see it"
        )
    return FIGURES[name]["caption"], FIGURES[name]["alt"]


def shown(figure: Figure, file: Path, caption: str, alt: str, code: dict[str, str]) -> Figure | None:
    """In a notebook a small copy of the file, above its caption; elsewhere the figure is given back."""
    if not in_notebook():
        return figure
    show_picture(small_jpeg(file), alt, caption, {"code": code})
    return None


def small_jpeg(file: Path) -> bytes:
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((WIDEST_SHOWN, small.height))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=JPEG_QUALITY)
    return written.getvalue()


def grid(rows: int, columns: int, cell: float = CELL, aspect: float = 1.0) -> tuple[Figure, NDArray]:
    """A figure of cells, without ticks or frames, and its axes (rows, columns).

    A cell has the area of a square `cell` inches wide, and is `aspect` times as high as wide.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.01, hspace=0.01)
    width, height = cell / aspect**0.5, cell * aspect**0.5
    figure = Figure(figsize=(width * columns + 0.3, height * rows + 0.3), layout=layout)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure, axes


def row_label(axis: Axes, text: str) -> None:
    axis.set_ylabel(text, fontsize=readable(axis, text))


def column_label(axis: Axes, text: str) -> None:
    axis.set_title(text, fontsize=readable(axis, text))


def readable(axis: Axes, text: str) -> float:
    """A font size, in points, that stays readable when the figure shrinks to a page, if the cell has room for it."""
    height = axis.get_figure(root=True).get_figheight()
    room = 72 * height / axis.get_gridspec().nrows / (0.6 * max(map(len, text.splitlines())))
    return max(9, min(READABLE * height / PAGE, room))


def draw_map(axis: Axes, values: NDArray[np.floating], image: NDArray[np.uint8] | None) -> None:
    """One map or gradient on its own scale; one that is the same everywhere is marked as constant.

    A gradient whose channels are not colours is drawn as their mean.
    """
    if values.ndim == 3 and len(values) != 3:
        values = values.mean(axis=0)
    if np.ptp(values) == 0:
        axis.text(0.5, 0.5, "constant", transform=axis.transAxes, ha="center", va="center", color="0.6", fontsize=8)
    largest = np.percentile(np.abs(values), BRIGHTEST) or np.abs(values).max() or 1.0
    if values.ndim == 3:
        axis.imshow((0.5 + 0.5 * values / largest).clip(0, 1).transpose(1, 2, 0))
    elif values.min() < 0:
        axis.imshow(values, cmap="RdBu_r", vmin=-largest, vmax=largest)
    elif image is None:
        axis.imshow(values, cmap=HEAT, vmin=0, vmax=largest)
    else:
        axis.imshow(image.mean(axis=2), cmap="gray")
        axis.imshow(values, cmap=HEAT, vmin=0, vmax=largest, alpha=0.6)


def check_rows(images: NDArray[np.uint8], names: Sequence[str], rows: Mapping[str, Tensor]) -> None:
    for name, count in {"names": len(names), **{name: len(maps) for name, maps in rows.items()}}.items():
        if count != len(images):
            raise ValueError(f"{len(images)} images, but {count} of {name!r}: give one for each image")
    for name, maps in rows.items():
        if not maps.isfinite().all():
            raise ValueError(f"{name!r} has values that are NaN or infinite: look at how it was computed")
