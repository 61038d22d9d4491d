"""Figures of the sanity checks: the grid of maps, curves along the stages, and one value for each method."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from sanity_checks.experiments import Similarity
from sanity_checks.removal import RANDOM, Removal
from sanity_checks.similarity import MEASURES, mean_and_spread
from visualizers.appearance import CONTROL, looks
from visualizers.figures import PAGE, READABLE, column_label, draw_map, grid, row_label

SMALL_CELL = 1.1  # inches
CURVES = (9.6, 6.4)  # inches, width and height
CURVES_FONT = READABLE * CURVES[1] / PAGE  # points: readable on the report's page too


def map_grid(image: NDArray[np.uint8], explanations: Mapping[str, Mapping[str, Tensor]], index: int = 0) -> Figure:
    """The paper's grid: methods down, stages across, the original model's maps first, beside the image.

    `explanations` comes from `randomized_explanations`; `index` says which of its images. Gradients are shown as the
    sum of absolute values over the channels.
    """
    methods = list(explanations["original"])
    figure, axes = grid(len(methods), len(explanations) + 1, SMALL_CELL)
    axes[0, 0].imshow(image)
    column_label(axes[0, 0], "image")
    for axis in axes[1:, 0]:
        axis.set_axis_off()
    for column, (stage, by_method) in zip(axes.T[1:], explanations.items(), strict=True):
        column_label(column[0], stage)
        for axis, method in zip(column, methods, strict=True):
            values = by_method[method][index].detach().float().cpu()
            draw_map(axis, (values.abs().sum(dim=0) if values.ndim == 3 else values.abs()).numpy(), None)
    for axis, method in zip(axes[:, 1], methods, strict=True):
        row_label(axis, method.replace(" ", "\n", 1))
    return figure


def similarity_curves(
    values: NDArray[np.float64],
    stages: Sequence[str],
    methods: Sequence[str],
    baseline: NDArray | None = None,
    joined: bool = True,
) -> Figure:
    """Similarity to the original against the stage, a panel for each measure, a colour for each method.

    `values` is Similarity.values; points are means over images and seeds, bars their standard deviation. `baseline`,
    from `unrelated_similarity` of the same methods, stands at the right: what maps of unrelated images reach. Points
    are `joined` where each stage goes on from the one before, and not where every stage is an experiment of its own.
    """
    figure = Figure(figsize=CURVES, layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    means = mean_and_spread(values, axis=(0, 1))
    positions, beyond = np.arange(1, len(stages) + 1), len(stages) + 1
    for k, (axis, measure) in enumerate(zip(axes.flat, MEASURES, strict=True)):
        for j, (method, look) in enumerate(looks(methods).items()):
            mean, spread = means["mean"][:, j, k], means["spread"][:, j, k]
            shift = 0.06 * (j - len(methods) / 2)  # so that the bars do not hide one another
            drawn = {"color": look.color, "marker": look.marker, "markersize": 4, "linewidth": 1.2, "elinewidth": 0.6}
            x, y, bars = (
                ([0, *positions + shift], [1, *mean], [0, *spread]) if joined else (positions + shift, mean, spread)
            )
            axis.errorbar(x, y, bars, linestyle=look.line if joined else "none", label=method, **drawn)
            if baseline is not None:
                other = mean_and_spread(baseline[:, j, k])
                axis.errorbar(beyond + shift, other["mean"], other["spread"], linestyle="none", **drawn)
        if baseline is not None:
            axis.axvspan(beyond - 0.5, beyond + 0.5, color="0.93", zorder=0)
        axis.set_title(measure, fontsize=CURVES_FONT)
        axis.set_ylim(-0.5, 1.05)
        names = [*(["original"] if joined else []), *stages, *(["other image"] if baseline is not None else [])]
        axis.set_xticks(range(0 if joined else 1, len(names) + (0 if joined else 1)), names)
        axis.tick_params(labelsize=CURVES_FONT)
        axis.tick_params("x", rotation=60)
        axis.spines[["top", "right"]].set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=CURVES_FONT)
    return figure


def similarity_points(groups: Mapping[str, NDArray[np.float64]], methods: Sequence[str]) -> Figure:
    """For each measure one point with spread for each method and group, whose values are (N, methods, measures).

    The first group is drawn in the methods' colours, the others, which it is compared with, hollow and in grey.
    """
    figure = Figure(figsize=(11, 1.2 + 0.4 * len(methods)), layout="constrained")
    axes = figure.subplots(1, len(MEASURES), sharey=True)
    for k, (axis, measure) in enumerate(zip(axes, MEASURES, strict=True)):
        for i, values in enumerate(groups.values()):
            summary = mean_and_spread(values[..., k])
            heights = np.arange(len(methods)) + 0.18 * (i - (len(groups) - 1) / 2)
            for mean, spread, height, look in zip(
                summary["mean"], summary["spread"], heights, looks(methods).values(), strict=True
            ):
                color, inside = (CONTROL, "white") if i else (look.color, look.color)
                options = {"color": color, "markerfacecolor": inside, "marker": look.marker}
                axis.errorbar(mean, height, xerr=spread, linestyle="none", **options)
        axis.axvline(0, color="0.85", zorder=0)
        axis.set(title=measure, xlim=(-0.6, 1.05), ylim=(len(methods) - 0.5, -0.5))
        axis.set_yticks(range(len(methods)), methods)
        axis.spines[["top", "right"]].set_visible(False)
    handles = [
        Line2D([], [], color=CONTROL if i else "0.2", marker="o", markerfacecolor="white" if i else "0.2", label=group)
        for i, group in enumerate(groups)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(groups), frameon=False)
    return figure


def similarity_grid(cascades: Mapping[str, Similarity]) -> Figure:
    """A row for each network, a panel for each measure, in it a curve of means for each method against the stages."""
    figure = Figure(figsize=(CURVES[0], 2.3 * len(cascades) + 0.6), layout="constrained")
    axes = figure.subplots(len(cascades), len(MEASURES), squeeze=False, sharey=True)
    for row, (network, cascade) in zip(axes, cascades.items(), strict=True):
        means = mean_and_spread(cascade.values, axis=(0, 1))["mean"]
        row[0].set_ylabel(network)
        for k, (axis, measure) in enumerate(zip(row, cascade.measures, strict=True)):
            for j, (method, look) in enumerate(looks(cascade.methods).items()):
                drawn = {"color": look.color, "marker": look.marker, "markersize": 4, "linewidth": 1.2}
                axis.plot([1, *means[:, j, k]], linestyle=look.line, label=method, **drawn)
            axis.set_title(measure, fontsize=9)
            axis.set_ylim(-0.5, 1.05)
            axis.set_xticks(range(len(cascade.stages) + 1), ["original", *cascade.stages], rotation=60, fontsize=8)
            axis.spines[["top", "right"]].set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return figure


def removal_curves(removed: Removal) -> Figure:
    """The mean probability of the class while the most important pixels are blurred first, and brought back first."""
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    percent = [100 * fraction for fraction in removed.fractions]
    kinds = {
        "deletion": ("blurred pixels, %", percent, removed.deleted),
        "insertion": ("pixels brought back, %", [100 - each for each in percent], removed.spared),
    }
    for axis, (title, (xlabel, x, curves)) in zip(axes, kinds.items(), strict=True):
        for method, look in looks(curves).items():
            drawn = {"color": CONTROL if method == RANDOM else look.color, "marker": look.marker, "markersize": 4}
            axis.plot(x, curves[method].mean(axis=0), linestyle=look.line, label=method, **drawn)
        axis.set(title=title, xlabel=xlabel, ylim=(0, None))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("probability of the class")
    axes[0].legend(frameon=False)
    return figure
