"""Photographs out of folders and tars, and random crops of them that are the same in every run."""

import hashlib
import io
import math
import random
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from instructor.training.recipe import LARGE, Stage

KINDS = (".jpg", ".jpeg", ".png")


def read_photographs(paths: Sequence[Path]) -> dict[str, bytes]:
    """The contents of all picture files in the folders and tars, by name, in the names' order.

    Raises ValueError for a path that is neither a folder nor a tar, or that holds no pictures.
    """
    photographs: dict[str, bytes] = {}
    for path in paths:
        found = {name: content for name, content in files_in(path) if name.lower().endswith(KINDS)}
        if not found:
            raise ValueError(f"{path} holds no photographs: give folders or tars with {', '.join(KINDS)} files")
        photographs |= {f"{path.name}/{name}": content for name, content in sorted(found.items())}
    return photographs


def files_in(path: Path) -> list[tuple[str, bytes]]:
    if path.is_dir():
        return [(file.relative_to(path).as_posix(), file.read_bytes()) for file in path.rglob("*") if file.is_file()]
    if not path.is_file() or not tarfile.is_tarfile(path):
        raise ValueError(f"{path} is neither a folder nor a tar: give folders or tars of photographs")
    with tarfile.open(path) as archive:
        return [(member.name, archive.extractfile(member).read()) for member in archive if member.isfile()]


def split(photographs: Mapping[str, bytes], held_out: int) -> tuple[list[bytes], list[bytes], dict[str, bytes]]:
    """Large ones and small ones to train on, and so many large ones that training never sees, by name.

    Which ones does not depend on names or order, so that a picture which is there twice cannot be on both sides.
    Raises ValueError if nothing is left to train on.
    """
    contents = {hashlib.sha256(content).hexdigest(): content for content in photographs.values()}
    names = {content: name for name, content in photographs.items()}
    ordered = [contents[digest] for digest in sorted(contents)]
    large = [content for content in ordered if shorter_side(content) >= LARGE]
    small = [content for content in ordered if shorter_side(content) < LARGE]
    if len(large) < held_out or len(ordered) <= held_out:
        counts = f"{len(large)} of {len(ordered)} photographs have {LARGE} px or more"
        raise ValueError(f"{counts}, and {held_out} are held out: give more photographs, or hold out fewer")
    return large[held_out:], small, {names[content]: content for content in large[:held_out]}


def shorter_side(content: bytes) -> int:
    return min(Image.open(io.BytesIO(content)).size)


class Crops(Dataset):
    """The crops of a stage, uint8 (3, size, size): the i-th depends on the seed and i alone."""

    def __init__(self, large: Sequence[bytes], small: Sequence[bytes], stage: Stage, seed: str) -> None:
        self.large, self.small, self.stage, self.seed = large or small, small or large, stage, seed

    def __len__(self) -> int:
        return self.stage.images

    def __getitem__(self, i: int) -> Tensor:
        if not 0 <= i < len(self):
            raise IndexError(i)
        chance = random.Random(f"{self.seed} {i}")
        photographs = self.large if chance.random() < self.stage.large else self.small
        photograph = Image.open(io.BytesIO(chance.choice(photographs))).convert("RGB")
        size = (self.stage.size, self.stage.size)
        crop = photograph.resize(size, Image.Resampling.BICUBIC, box=self.box(photograph.size, chance))
        if chance.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return torch.from_numpy(np.array(crop)).permute(2, 0, 1)

    def box(self, size: tuple[int, int], chance: random.Random) -> tuple[float, float, float, float]:
        """A rectangle that is nearly a square: left, top, right, bottom."""
        side, stretch = math.sqrt(chance.uniform(self.stage.smallest_area, 1)), chance.uniform(0.87, 1.15)
        width, height = side * min(size) * math.sqrt(stretch), side * min(size) / math.sqrt(stretch)
        width, height = min(width, size[0]), min(height, size[1])
        left, top = chance.uniform(0, size[0] - width), chance.uniform(0, size[1] - height)
        return left, top, left + width, top + height


def jittered(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images in [0, 1] (N, 3, H, W) with brightness, contrast and saturation changed by up to a fifth, each its own."""
    factors = (0.8 + 0.4 * torch.rand(3, len(images), 1, 1, 1, generator=generator)).to(images)
    images = images * factors[0]
    images = images.lerp(images.mean(dim=(1, 2, 3), keepdim=True), 1 - factors[1])
    return images.lerp(images.mean(dim=1, keepdim=True), 1 - factors[2]).clamp(0, 1)
