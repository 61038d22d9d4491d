"""Labelled example images: the course's 25 from ImageNet, or photographs from packages that the kit needs anyway."""

from dataclasses import dataclass
from importlib.resources import as_file, files
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models import SqueezeNet1_1_Weights
from torchvision.transforms import functional

from data.assets import AssetUnavailable, obtain, once, read_assets
from data.images import open_image

CLASS_NAMES: tuple[str, ...] = tuple(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])

# package, path inside it, the ImageNet class that comes closest
SHIPPED = (
    ("skimage", "data/coffee.png", 967),
    ("skimage", "data/chelsea.png", 285),
    ("skimage", "data/motorcycle_left.png", 665),
    ("skimage", "data/rocket.jpg", 657),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", 457),
)


@dataclass(frozen=True)
class Examples:
    """`images` uint8 (n, 224, 224, 3), `labels` int64 (n,), `names` of the classes, `source` "course" or "shipped"."""

    images: NDArray[np.uint8]
    labels: Tensor
    names: list[str]
    source: str


def load_examples(n: int = 5, source: str = "auto") -> Examples:
    """The first `n` example images.

    "course": the 25 ImageNet validation images, downloaded once. "shipped": five photographs, always there. "auto":
    the course's when they are available, else the shipped ones, and says which. Raises ValueError for an unknown
    source or more images than the source has, AssetUnavailable when the course's are not available.
    """
    if source not in ("auto", "course", "shipped"):
        raise ValueError(f'source is {source!r}: choose "auto", "course" or "shipped"')
    most = len(SHIPPED) if source == "shipped" else 25
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= most:
        raise ValueError(f"n is {n!r}: source {source!r} has images 1 to {most}")
    if source == "shipped":
        return shipped_examples(n)
    try:
        examples = course_examples(n)
    except AssetUnavailable as reason:
        if source == "course":
            raise
        if n > len(SHIPPED):
            raise AssetUnavailable(f"only {len(SHIPPED)} images are shipped, n is {n}; {reason}") from None
        print(f"Example images: {n} shipped photographs{once(reason)}.")
        return shipped_examples(n)
    if source == "auto":
        print(f"Example images: the first {n} of the course's 25 from ImageNet.")
    return examples


def course_examples(n: int) -> Examples:
    path = obtain(read_assets()["imagenet_val_25.npz"])
    try:
        # `label_map`, the third entry, is a pickle and stays unread
        with np.load(path, allow_pickle=False) as archive:
            images, labels = archive["X"][:n], archive["y"][:n]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}): delete it and run `python -m data fetch`") from None
    return labelled(images, labels.tolist(), "course")


def shipped_examples(n: int) -> Examples:
    images = []
    for package, path, _ in SHIPPED[:n]:
        with as_file(files(package) / path) as file:
            image = open_image(file, size=256)
        images.append(np.asarray(functional.center_crop(image, [224, 224])))
    return labelled(np.stack(images), [label for *_, label in SHIPPED[:n]], "shipped")


def labelled(images: NDArray[np.uint8], labels: list[int], source: str) -> Examples:
    return Examples(images, torch.tensor(labels), [CLASS_NAMES[label] for label in labels], source)
