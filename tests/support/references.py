"""Reading the stored references, and telling whether they belong to the weights that the kit ships."""

import hashlib
from functools import cache

import numpy as np
import torch
from torch import Tensor

from data.model import SHIPPED_WEIGHTS
from kit.paths import KIT

FOLDER = KIT / "tests" / "references"
REMAKE = "remake the references: python -m instructor references"
NAMES = ("attributions", "ascent", "style")


@cache
def read(name: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def load(name: str) -> dict[str, Tensor]:
    """Fresh tensors of one file, without the entry "weights_sha256"."""
    return {key: torch.tensor(array) for key, array in read(name).items() if key != "weights_sha256"}


def weights_sha256() -> str:
    return hashlib.sha256(SHIPPED_WEIGHTS.read_bytes()).hexdigest()
