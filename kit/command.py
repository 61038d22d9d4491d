"""What every command does first: it prints so that any terminal can show it, and says which copy of the kit runs."""

import atexit
import codecs
import gc
import io
import sys
import unicodedata
from pathlib import Path

from kit.assignment import PACKAGES
from kit.paths import KIT

STAY = frozenset({"data", "sanity_checks", *PACKAGES})  # packages whose functions a notebook keeps
READABLE = {
    "✓": "[ok]",
    "✗": "[no]",
    "·": "-",
    "×": "x",
    "…": "...",
    "–": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "█": "#",
    "░": ".",
}


def get_ready() -> None:
    """Call this before anything is printed."""
    atexit.register(gc.freeze)  # else Python looks through all of torch for garbage as it ends, which takes a second
    print_anywhere()
    other = other_copy_here()
    if other is not None:
        print(f"This runs the kit in {KIT}, and you are in another copy of it, {other}", file=sys.stderr)


def print_anywhere() -> None:
    """Print characters that a terminal's encoding lacks as ones that it has, where Python would raise an error."""
    codecs.register_error("readable", readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="readable")


def readable(error: UnicodeError) -> tuple[str, int]:
    """The error handler: substitutes for the kit's own signs, letters without accents, codes for the rest."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(in_ascii, error.object[error.start : error.end])), error.end


def in_ascii(sign: str) -> str:
    letters = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode("ascii")
    return READABLE.get(sign) or letters or sign.encode("ascii", "backslashreplace").decode("ascii")


def other_copy_here() -> Path | None:
    """The copy of the kit that the current folder belongs to, where it is not the one that runs."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was deleted
        return None
    copies = (folder for folder in (here, *here.parents) if (folder / "kit" / "assignment.toml").is_file())
    copy = next(copies, KIT)
    return None if copy.samefile(KIT) else copy


def copy_to_take() -> Path | None:
    """The other copy, while a notebook has imported nothing from this one yet."""
    return None if STAY & sys.modules.keys() else other_copy_here()
