"""Pictures from a student's files, made anew: what is shown was drawn by us, from pixels alone."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

LARGEST_PICTURE = 20 * 10**6  # pixels
LARGEST_SUM = 150 * 10**6  # pixels of all pictures that are decoded, some seconds' work
WIDEST = 900  # pixels
MOST_PICTURES = 60
JPEG_QUALITY = 88


@dataclass(frozen=True)
class Thumbnails:
    """JPEG files by the names of the pictures, and for each of the others why it is not shown."""

    jpegs: dict[str, bytes]
    left_out: dict[str, str]


def thumbnails(figures: Mapping[str, bytes]) -> Thumbnails:
    """Pictures at most WIDEST pixels wide and high. Only PNG and JPEG are read, and sizes are looked at first."""
    jpegs, left_out = {}, {}
    budget = LARGEST_SUM
    for name, content in sorted(figures.items()):
        try:
            if len(jpegs) == MOST_PICTURES:
                raise TooLarge(f"it comes after the first {MOST_PICTURES}")
            with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
                pixels = picture.width * picture.height
                if pixels > LARGEST_PICTURE:
                    raise TooLarge(f"it has {picture.width} x {picture.height} pixels")
                if pixels > budget:
                    raise TooLarge("the pictures before it are too large together")
                budget -= pixels
                jpegs[name] = redrawn(picture)
        except (TooLarge, Image.DecompressionBombError) as error:
            left_out[name] = str(error)
        except Exception:  # a decoder that is given hostile bytes may raise anything
            left_out[name] = "it is damaged, or neither PNG nor JPEG"
    return Thumbnails(jpegs, left_out)


class TooLarge(ValueError):
    """A picture that is not decoded."""


def redrawn(picture: Image.Image) -> bytes:
    """A small JPEG on white, without anything that came with the picture."""
    colors = picture.convert("RGBA")
    colors.thumbnail((WIDEST, WIDEST))
    page = Image.new("RGB", colors.size, "white")
    page.paste(colors, mask=colors.getchannel("A"))
    written = io.BytesIO()
    page.save(written, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return written.getvalue()
