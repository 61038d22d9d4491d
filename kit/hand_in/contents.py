"""Which files belong to a submission."""

import ast
import os
from pathlib import Path, PurePosixPath

from kit.assignment import EDITABLE
from kit.hand_in.own_modules import own_modules
from kit.report.figures import Picture, kept_copy

BUILT = "writeup/build/writeup.pdf"
SMALL_FIGURES = "writeup/build/figures/"  # as the report shows them
PICTURES = ("figures/", "images/", "writeup/")  # where a report may take them from


def shown(kit: Path, pictures: dict[str, Picture]) -> list[str]:
    """The paths, relative to the kit, of the pictures that the report takes from the places where it may."""
    return sorted({inside(kit, picture.path) for picture in pictures.values() if may_be_taken(kit, picture)})


def wanted(kit: Path, pictures: dict[str, Picture]) -> list[str]:
    """The paths, relative to the kit, of everything that belongs to a submission.

    Of each picture that is the small copy which the report shows, or where there is none, the picture itself.
    """
    numbered = [(i, picture) for i, picture in enumerate(pictures.values(), 1) if may_be_taken(kit, picture)]
    copies = {inside(kit, kept_copy(i, picture, kit / SMALL_FIGURES)) for i, picture in numbered}
    return sorted({*EDITABLE, *own_modules(lambda name: tree_of(kit / name)), BUILT, *copies})


def tree_of(path: Path) -> ast.Module | None:
    """None where there is no file, or one that is not Python: that is reported elsewhere."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return None


def may_be_taken(kit: Path, picture: Picture) -> bool:
    return not picture.problem and (inside(kit, picture.path) or "").startswith(PICTURES)


def inside(kit: Path, path: Path) -> str | None:
    """The path relative to the kit, or None if it leads out of it."""
    written = Path(os.path.normpath(path))
    return PurePosixPath(written.relative_to(kit)).as_posix() if written.is_relative_to(kit) else None
