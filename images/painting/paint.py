"""Redraw the kit's own pictures: `python images/painting/paint.py` draws all, with a name behind it only one."""

import argparse
import importlib
import os
from pathlib import Path

from PIL import Image
from tqdm import tqdm

PICTURES = ("swirls", "wavy_bands", "geometry", "harbour")  # each is drawn by paint() in the module so named
FOLDER = Path(__file__).resolve().parent.parent


def main() -> None:
    """Draw the pictures named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", metavar="picture", help=f"any of: {', '.join(PICTURES)}")
    asked = parser.parse_args().pictures or PICTURES
    unknown = [name for name in asked if name not in PICTURES]
    if unknown:
        parser.error(f"unknown picture: {', '.join(unknown)}; choose from {', '.join(PICTURES)}")
    with tqdm(asked, unit="picture") as progress:
        for name in progress:
            progress.set_description(name)
            save(importlib.import_module(name).paint(), FOLDER / f"{name}.jpg")


def save(picture: Image.Image, path: Path) -> None:
    """Write a JPEG whole or not at all: under a temporary name first, then moved into place."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        picture.save(temporary, format="JPEG", quality=92, optimize=True)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
