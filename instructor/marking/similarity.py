"""How like two drawings of one figure are, place by place: the same lines within some pixels, and the same brightness.

Another machine's fonts move the parts of a figure by a few pixels, and JPEG blurs them. Another method draws other
lines.
"""

import io
from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from instructor.grading.reports.thumbnails import LARGEST_PICTURE

WIDTH = 480  # pixels to which both are brought
BLOCK, PART = 32, 8  # pixels: a place, and a part of it whose mean colour is compared
REACH = 4  # pixels by which a place may have moved
FLAT = 0.015 * BLOCK  # the contrast below which a place is empty
LINES = 0.8  # the least correlation of the same lines
SHADE = 0.06  # the largest difference of brightness
PATCHES = 6  # of PART pixels: the place in which two pictures are compared from afar
FLAT_FROM_AFAR = 0.015
SQUEEZED = 0.03  # by how much the heights may differ

# On another machine, the same code has 0.98 and more by its lines, another method 0.92 and less. From afar, the same
# code has 0.92 and more, another painting 0.76 and less; a regularizer that is missing does not show.
ALIKE, RESEMBLING = 0.95, 0.85  # the least
FROM_AFAR = frozenset(
    {
        "class_visualization",
        "class_visualization_regularizers",
        "style_composition_vii",
        "style_the_scream",
        "style_starry_night",
    }
)  # the figures that are compared by `resemblance`

Pixels = NDArray[np.float32]  # (H, W, 3) in [0, 1]


def least(figure: str) -> float:
    """How like what the submitted code draws a figure of this name is at least, if nobody has to look."""
    return RESEMBLING if figure in FROM_AFAR else ALIKE


def similarity(expected: bytes, found: bytes) -> float:
    """The share of the places with something in them that are the same in both, from 0 to 1.

    0 where one is no picture, or they have different shapes.
    """
    pair = both(expected, found)
    if pair is None:
        return 0.0
    one, other = pair
    margins = ((REACH, REACH), (REACH, REACH), (0, 0))
    around = np.pad(other, margins, mode="edge")
    corners = [(y, x) for y in range(0, len(one) - BLOCK + 1, BLOCK) for x in range(0, WIDTH - BLOCK + 1, BLOCK)]
    size = BLOCK + 2 * REACH
    return mean_of_told(
        is_same(one[y : y + BLOCK, x : x + BLOCK], around[y : y + size, x : x + size]) for y, x in corners
    )


def resemblance(expected: bytes, found: bytes) -> float:
    """How like the two look from afar, from 0 to 1: the same patches of colour, whatever their details.

    0 where one is no picture, or they have different shapes.
    """
    pair = both(expected, found)
    if pair is None:
        return 0.0
    one, other = pair
    far, near = from_afar(one), from_afar(other)
    return mean_of_told(
        correlation(far[y : y + PATCHES, x : x + PATCHES], near[y : y + PATCHES, x : x + PATCHES])
        for y in range(0, len(far) - PATCHES + 1, PATCHES)
        for x in range(0, far.shape[1] - PATCHES + 1, PATCHES)
    )


def both(expected: bytes, found: bytes) -> tuple[Pixels, Pixels] | None:
    """Two pictures of one size; None where one is no picture, or they have different shapes."""
    one = pixels(expected)
    other = pixels(found, one.shape[0]) if one is not None else None
    return None if one is None or other is None else (one, other)


def mean_of_told(verdicts: Iterable[float | None]) -> float:
    """Over the places that have something in them; 1 where none has."""
    told = [verdict for verdict in verdicts if verdict is not None]
    return sum(told) / len(told) if told else 1.0


def from_afar(picture: Pixels) -> Pixels:
    """The mean colours of patches, PART pixels wide and high."""
    rows, columns = picture.shape[0] // PART, picture.shape[1] // PART
    whole = picture[: rows * PART, : columns * PART]
    return whole.reshape(rows, PART, columns, PART, 3).mean(axis=(1, 3))


def correlation(one: Pixels, other: Pixels) -> float | None:
    """Of the same place in two pictures, not below 0; None where it is empty in both."""
    (lines, strength), (others, other_strength) = centred(one), centred(other)
    least = FLAT_FROM_AFAR * PATCHES
    if max(strength, other_strength) < least:
        return None
    return max(0.0, float((lines * others).sum() / (max(strength, least) * max(other_strength, least))))


def pixels(content: bytes, height: int | None = None) -> Pixels | None:
    """The picture, WIDTH pixels wide and, if that is nearly its own, so high. None otherwise, and for no picture."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
            if picture.width * picture.height > LARGEST_PICTURE:
                return None
            own = max(1, round(WIDTH * picture.height / picture.width))
            if abs(own - (height or own)) > SQUEEZED * (height or own) or own > 10 * WIDTH:
                return None
            small = picture.convert("RGB").resize((WIDTH, height or own), Image.Resampling.BOX)
    except Exception:  # a decoder that is given hostile bytes may raise anything
        return None
    return np.asarray(small, np.float32) / 255


def is_same(place: Pixels, around: Pixels) -> bool | None:
    """Whether the place (BLOCK, BLOCK, 3) is found in its surroundings; None where it is empty in both."""
    middle = around[REACH:-REACH, REACH:-REACH]
    lines, strength = centred(place)
    if max(strength, centred(middle)[1]) < FLAT:
        return None
    windows = sliding_window_view(around, (BLOCK, BLOCK), axis=(0, 1))  # (rows, columns, 3, BLOCK, BLOCK)
    means = windows.mean(axis=(3, 4), keepdims=True)
    lengths = np.sqrt(((windows - means) ** 2).sum(axis=(2, 3, 4)))
    products = np.einsum("ijcyx,yxc->ij", windows, lines)
    correlation = products / (np.maximum(lengths, FLAT) * max(strength, FLAT))
    row, column = np.unravel_index(correlation.argmax(), correlation.shape)
    nearest = around[row : row + BLOCK, column : column + BLOCK]
    return bool(correlation.max() > LINES and np.abs(parts(place) - parts(nearest)).max() < SHADE)


def centred(place: Pixels) -> tuple[Pixels, float]:
    """The place without its mean colour, and the length of that."""
    lines = place - place.mean(axis=(0, 1))
    return lines, float(np.sqrt((lines**2).sum()))


def parts(place: Pixels) -> Pixels:
    count = BLOCK // PART
    return place.reshape(count, PART, count, PART, 3).mean(axis=(1, 3))
