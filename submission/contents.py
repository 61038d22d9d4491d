"""Which files a student writes, and which belong to a submission."""

import os
from pathlib import Path, PurePosixPath

from writeup.figures import Picture, kept_copy

KIT = Path(__file__).resolve().parent.parent
# What students write. Everything else is the kit's, and graders take it from their own copy.
MODULES = (
    "visualizers/saliency.py",
    "visualizers/guided_backprop.py",
    "visualizers/grad_cam.py",
    "visualizers/fooling.py",
    "visualizers/class_visualization.py",
    "style_transfer/content_loss.py",
    "style_transfer/style_loss.py",
    "style_transfer/tv_loss.py",
    "visualizers/rank_correlation.py",
)
NOTEBOOKS = (
    "notebooks/01_saliency_maps.ipynb",
    "notebooks/02_grad_cam.ipynb",
    "notebooks/03_fooling_images.ipynb",
    "notebooks/04_class_visualization.ipynb",
    "notebooks/05_style_transfer.ipynb",
    "notebooks/06_sanity_checks.ipynb",
)
REPORT = "writeup/writeup.md"
BUILT = "writeup/build/writeup.pdf"
SMALL_FIGURES = "writeup/build/figures/"  # as the report shows them
PICTURES = ("figures/", "images/", "writeup/")  # where a report may take them from
QUESTIONS = (
    "one-pass",
    "what-to-differentiate",
    "saliency-maps",
    "guided-backprop-and-grad-cam",
    "early-layer",
    "saliency-against-grad-cam",
    "fooling",
    "class-visualization",
    "ascent",
    "regularization",
    "style-transfer",
    "own-pair",
    "sanity-checks",
    "paper",
)
EDITABLE = (*MODULES, *NOTEBOOKS, REPORT)


def shown(kit: Path, pictures: dict[str, Picture]) -> list[str]:
    """The paths, relative to the kit, of the pictures that the report takes from the places where it may."""
    return sorted({inside(kit, picture.path) for picture in pictures.values() if may_be_taken(kit, picture)})


def wanted(kit: Path, pictures: dict[str, Picture]) -> list[str]:
    """The paths, relative to the kit, of everything that belongs to a submission.

    Of each picture that is the small copy which the report shows, or where there is none, the picture itself.
    """
    numbered = [(i, picture) for i, picture in enumerate(pictures.values(), 1) if may_be_taken(kit, picture)]
    copies = {inside(kit, kept_copy(i, picture, kit / SMALL_FIGURES)) for i, picture in numbered}
    return sorted({*EDITABLE, BUILT, *copies})


def may_be_taken(kit: Path, picture: Picture) -> bool:
    return not picture.problem and (inside(kit, picture.path) or "").startswith(PICTURES)


def inside(kit: Path, path: Path) -> str | None:
    """The path relative to the kit, or None if it leads out of it."""
    written = Path(os.path.normpath(path))
    return PurePosixPath(written.relative_to(kit)).as_posix() if written.is_relative_to(kit) else None
