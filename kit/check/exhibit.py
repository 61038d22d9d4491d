"""What stands beside the words in a notebook where values are wrong: yours, the goal, and their difference."""

import io

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kit.check.mismatch import Mismatch
from kit.display import in_notebook, show_picture

FEW = 8  # numbers in a table
SMALLEST_MAP = 3  # positions, height and width
CELL = 2.1  # inches
DOTS_PER_INCH = 100
BRIGHTEST = 99.5  # percentile that is drawn at full strength
NAMES = ("yours", "the goal", "yours − the goal")


def show(statement: str, mismatch: Mismatch) -> None:
    """A picture of one input's values, or a table of a few numbers, below a notebook's cell; elsewhere nothing."""
    if not in_notebook():
        return
    if mismatch.goal.ndim > 1 and min(mismatch.goal.shape[-2:]) >= SMALLEST_MAP:
        number = farthest_off(mismatch.yours, mismatch.goal)
        which = f"input {number + 1} of {len(mismatch.goal)}" if mismatch.goal.ndim > 2 else "this input"
        alt = f"Pictures in a row for {which}: {', '.join(NAMES)}."
        show_picture(picture(mismatch, number), alt, f"{statement} Here for {which}, each on its own scale.")
    elif mismatch.goal.numel() > 1:  # one number stands in the words
        show_table(mismatch.yours.flatten(), mismatch.goal.flatten())


def farthest_off(yours: Tensor, goal: Tensor) -> int:
    """The number of the input whose values are wrong by the largest part of their size."""
    sizes = goal.flatten(1).norm(dim=1)
    return int(((yours - goal).flatten(1).norm(dim=1) / sizes.clamp_min(sizes.max() * 1e-6)).argmax())


def picture(mismatch: Mismatch, number: int) -> bytes:
    """The input, where it is known, yours, the goal, and their difference, as a JPEG file."""
    from matplotlib.figure import Figure

    yours, goal = (values[number] if values.ndim > 2 else values for values in (mismatch.yours, mismatch.goal))
    panels = dict(zip(NAMES, (one.numpy() for one in (yours, goal, yours - goal)), strict=True))
    images = [] if mismatch.images is None else [mismatch.images[number].detach().double().cpu().numpy()]
    columns = len(panels) + len(images)
    figure = Figure(figsize=(CELL * columns, CELL + 0.5), layout="constrained", facecolor="white")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    for axis, image in zip(axes, images, strict=False):
        axis.imshow(((image - image.min()) / (np.ptp(image) or 1)).transpose(1, 2, 0))
        axis.set_title("the image", fontsize=10)
    for axis, (name, values) in zip(axes[len(images) :], panels.items(), strict=True):
        pixels, colors = drawn(values, signed=name == NAMES[2])
        axis.imshow(pixels, **colors)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(span(values), fontsize=9)
    written = io.BytesIO()
    figure.savefig(
        written, format="jpeg", dpi=DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.05, pil_kwargs={"quality": 88}
    )
    return written.getvalue()


def span(values: NDArray) -> str:
    """The smallest and the largest value; one that is mere rounding beside the other is 0."""
    ends = np.array([values.min(), values.max()])
    ends[np.abs(ends) < 1e-5 * np.abs(ends).max()] = 0
    return f"from {ends[0]:.3g} to {ends[1]:.3g}"


def drawn(values: NDArray, signed: bool) -> tuple[NDArray, dict]:
    """Colours around grey, a map from black to light, or one with signs from blue over white to red."""
    if values.ndim == 3 and len(values) != 3:
        values = values.mean(axis=0)
    largest = np.percentile(np.abs(values), BRIGHTEST) or np.abs(values).max() or 1.0
    if values.ndim == 3:
        return (0.5 + 0.5 * values / largest).clip(0, 1).transpose(1, 2, 0), {}
    if signed or values.min() < 0:
        return values, {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    return values, {"cmap": "magma", "vmin": 0, "vmax": largest}


def show_table(yours: Tensor, goal: Tensor) -> None:
    """The numbers that are farthest off, in their order, with their places among all."""
    from IPython.display import Markdown, display

    places = (yours - goal).abs().argsort(descending=True)[:FEW].sort().values
    rows = [[f"[{place}]" for place in places.tolist()]]
    rows += [[f"{value:.4g}" for value in values[places].tolist()] for values in (yours, goal, yours - goal)]
    lines = [" | ".join(["", name, *row, ""]).strip() for name, row in zip(("", *NAMES), rows, strict=True)]
    display(Markdown("\n".join([lines[0], "|---" + "|---:" * len(places) + "|", *lines[1:]])))
