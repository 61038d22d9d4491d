"""A cascade that takes too long for a notebook: SqueezeNet with ImageNet's weights, 25 images, three seeds.

`python -m sanity_checks` computes it anew, where the course's images and ImageNet's weights are available.
"""

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data import load_examples, load_model, preprocess
from kit.atomic import write_atomically
from sanity_checks.experiments import Similarity, parameter_randomization, unrelated_similarity
from sanity_checks.similarity import MEASURES, mean_and_spread
from visualizers.table import Table

FILE = Path(__file__).with_name("cascade_imagenet.csv")
OTHER_IMAGE = "other image, all methods"
SEEDS = (0, 1, 2)
# What the paper reports: the first method's maps stay more similar to the original than the second's.
ORDERINGS = (
    ("guided backprop", "gradient"),
    ("guided backprop", "Grad-CAM"),
    ("guided Grad-CAM", "gradient"),
    ("guided Grad-CAM", "Grad-CAM"),
)


def stored_cascade() -> Table:
    """For each method and measure: mean ± standard deviation over images and seeds (how many), all stages together."""
    rows = read()
    values = [
        [f"{row[measure]['mean']:.2f} ± {row[measure]['spread']:.2f} ({row[measure]['n']:.0f})" for measure in MEASURES]
        for row in rows.values()
    ]
    return Table(values, rows, MEASURES)


def stored_orderings() -> Table:
    """Whether the paper's orderings of the methods hold in the stored means, by measure."""
    rows = read()
    held = [
        ["holds" if rows[more][measure]["mean"] > rows[less][measure]["mean"] else "does not" for measure in MEASURES]
        for more, less in ORDERINGS
    ]
    return Table(held, [f"{more} above {less}" for more, less in ORDERINGS], MEASURES)


def read() -> dict[str, dict[str, dict[str, float]]]:
    """Mean, spread and n, by row and measure."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for line in csv.DictReader(io.StringIO(FILE.read_text("utf-8"))):
        numbers = {name: float(line[name]) for name in ("mean", "spread", "n")}
        found.setdefault(line["method"], {})[line["measure"]] = numbers
    return found


def compute(path: Path | None = None) -> None:
    """Run the cascade and store what it gives; `path` keeps unfinished results, so that a rerun resumes."""
    model, examples = load_model("imagenet"), load_examples(25, "course")
    X, y = preprocess(examples.images), examples.labels
    store(parameter_randomization(X, y, model, seeds=SEEDS, path=path), unrelated_similarity(X, y, model))


def store(cascade: Similarity, unrelated: NDArray[np.float64]) -> None:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(["method", "measure", "mean", "spread", "n"])
    stages = mean_and_spread(cascade.values, axis=2)["mean"]  # (images, seeds, methods, measures)
    for row, values in [
        *((method, stages[:, :, place]) for place, method in enumerate(cascade.methods)),
        (OTHER_IMAGE, unrelated),
    ]:
        summary = mean_and_spread(values, axis=(0, 1))
        for place, measure in enumerate(cascade.measures):
            numbers = [f"{summary[name][place]:.4f}" for name in ("mean", "spread")]
            table.writerow([row, measure, *numbers, summary["valid"][place]])
    write_atomically(FILE, written.getvalue().encode())
