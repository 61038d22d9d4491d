"""What there is to play with in notebook 6."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from sanity_checks.similarity import similarities
from visualizers.explorer import explore, panels
from visualizers.figures import draw_map

COMPARED = ("rank correlation", "SSIM")


def forgetting(image: NDArray[np.uint8], explanations: Mapping[str, Mapping[str, Tensor]]) -> Figure | None:
    """A method's map of an image by the trained network, and by one that has forgotten all stages from the last to one.

    `explanations` comes from `randomized_explanations`; the first of its images is shown.
    """
    stages = list(explanations)

    def draw(method: str, stage: str) -> tuple[Figure, str]:
        before, after = (explanations[name][method][:1] for name in (stages[0], stage))
        figure, axes = panels(3)
        axes[0].imshow(image)
        for axis, values in zip(axes[1:], (before, after), strict=True):
            one_map = values[0].detach().float().cpu().abs()
            draw_map(axis, (one_map.sum(dim=0) if one_map.ndim == 3 else one_map).numpy(), None)
        numbers = zip(COMPARED, similarities(before, after, COMPARED)[0], strict=True)
        for axis, title in zip(axes, ("image", f"{method}, trained", f"forgotten down to {stage}"), strict=True):
            axis.set_title(title, fontsize=9)
        likeness = ", ".join(f"{measure} {number:.2f}" for measure, number in numbers)
        return figure, f"{method}, forgotten down to {stage}: {likeness}"

    return explore(draw, method={method: method for method in explanations[stages[0]]}, stage=stages)
