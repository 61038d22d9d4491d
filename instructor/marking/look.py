"""What a picture looks like, in so few bits that small changes leave nearly all of them as they are."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from instructor.grading.reports.thumbnails import LARGEST_PICTURE

SIDE = 16
BITS = SIDE * SIDE
COLUMNS = 50  # blocks across a figure
SAME = 0.03  # of the range of a colour


def look(content: bytes) -> int:
    """The difference hash: for each of 16 x 16 places whether the picture grows brighter to the right.

    0 for what is no picture, is too large, or has the same brightness everywhere.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
            if picture.width * picture.height > LARGEST_PICTURE:
                return 0
            picture.draft("L", (8 * SIDE, 8 * SIDE))  # JPEG is decoded small at once
            small = picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX)
    except Exception:  # a decoder that is given hostile bytes may raise anything
        return 0
    values = np.asarray(small, dtype=int)
    return int.from_bytes(np.packbits(np.diff(values, axis=1) > 0).tobytes())


def similarity(one: bytes, other: bytes) -> float:
    """The share of a figure's places at which two pictures of it have the same colours, from 0 to 1.

    A place is a block of about a fiftieth of the width; its mean colour outlasts JPEG, and other versions of fonts move
    little of it. 0 where one is no picture, or the two have different shapes.
    """
    blocks = [block_colors(content) for content in (one, other)]
    if any(found is None for found in blocks) or blocks[0].shape != blocks[1].shape:
        return 0.0
    return float((np.abs(blocks[0] - blocks[1]).max(axis=2) < SAME).mean())


def block_colors(content: bytes) -> NDArray[np.float64] | None:
    """Mean colours of the blocks, (rows, COLUMNS, 3), in [0, 1]."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
            if picture.width * picture.height > LARGEST_PICTURE:
                return None
            height = max(1, round(COLUMNS * picture.height / picture.width))
            small = picture.convert("RGB").resize((COLUMNS, height), Image.Resampling.BOX)
    except Exception:
        return None
    return np.asarray(small, dtype=float) / 255
