"""Reading the stored references, and telling whether they belong to the weights that the kit ships."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).resolve().parent
WEIGHTS = FOLDER.parent.parent / "data" / "weights" / "squeezenet1_1-shipped.safetensors"
REMAKE = "remake the references: python tests/references/make_references.py"
NAMES = ("attributions", "ascent", "style")


@cache
def read(name: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def load(name: str) -> dict[str, Tensor]:
    """Fresh tensors of one file, without the entry "weights_sha256"."""
    return {key: torch.tensor(array) for key, array in read(name).items() if key != "weights_sha256"}


def weights_sha256() -> str:
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
