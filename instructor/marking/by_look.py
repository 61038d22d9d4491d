"""The figures that take a minute, and in which another machine's rounding shows: class visualizations and paintings.

They are drawn as notebooks 4 and 5 draw them, from the same noise, and compared by their look.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from data import CLASS_NAMES, deprocess
from data.pictures import load_style_pair
from instructor.marking.drawings import Code, Recipes, Scene
from kit.assignment import TASKS, dotted
from visualizers import figures
from visualizers.class_visualization import Snapshots

SECONDS = 900.0  # for one call, on a busy machine, at low priority
ITERATIONS = (1, 25, 50, 75, 100)
TARGETS = (366, 187)
VARIANTS: dict[str, dict[str, float]] = {
    "all regularizers": {},
    "no L2": {"l2_reg": 0.0},
    "no blur": {"blur_every": 0},
    "no jitter": {"max_jitter": 0},
    "blur every step": {"blur_every": 1},
}
SEEDS = (0, 1, 2)
PAIRS = ("composition_vii", "the_scream", "starry_night")


def visualized(code: Code, scene: Scene, targets: Sequence[int], **options: object) -> Tensor:
    """What `create_class_visualization` gives for these classes, (K, 3, H, W)."""
    path = f"{dotted(TASKS['class_visualization'].module)}:create_class_visualization"
    result = code.call("class_visualization", path, torch.tensor(targets), scene.model, seconds=SECONDS, **options)
    if not isinstance(result, Tensor) or result.shape[:2] != (len(targets), 3):
        raise ValueError("create_class_visualization does not return an image for each class")
    return result.detach()


def class_visualization(code: Code, scene: Scene) -> Figure:
    snapshots = Snapshots(at=ITERATIONS)
    visualized(code, scene, TARGETS, callback=snapshots)
    return figures.progress(snapshots.images, [CLASS_NAMES[target] for target in TARGETS])


def class_visualization_regularizers(code: Code, scene: Scene) -> Figure:
    rows = {
        f"seed {seed}": [
            deprocess(visualized(code, scene, TARGETS[:1], seed=seed, size=128, **change))[0]
            for change in VARIANTS.values()
        ]
        for seed in SEEDS
    }
    return figures.picture_grid(rows, list(VARIANTS))


def painted(name: str, code: Code, scene: Scene) -> Figure:
    """One of the course's pairs. Raises AssetUnavailable where its pictures are not here."""
    pair = load_style_pair(name, scene.source)
    pictures = np.array(pair.content), np.array(pair.style)
    options = {"model": scene.model, "preset": name, "progress": False}
    result = code.call("style_loss", "style_transfer.transfer:style_transfer", *pictures, seconds=SECONDS, **options)
    return figures.images([pair.content, pair.style, result], [*pair.titles, "result"])


BY_LOOK: Recipes = {
    "class_visualization": class_visualization,
    "class_visualization_regularizers": class_visualization_regularizers,
    **{f"style_{name}": partial(painted, name) for name in PAIRS},
}
