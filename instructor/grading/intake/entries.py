"""What names and sizes a submission's files may have, and where in it the kit may lie."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from instructor.grading.shown import shown

MOST_ENTRIES = 5000
LONGEST_NAME = 250  # characters, folders included
LARGEST_TOTAL = 200 * 2**20  # bytes, unpacked
DEEPEST = 3  # folders above the kit
MACOS = "__MACOSX"
CACHES = frozenset({MACOS, "__pycache__", "node_modules", "venv"})
PACK_AGAIN = "Pack it with ./collect_submission.sh"


class SubmissionError(ValueError):
    """A submission that is not read at all; the message says what is wrong with it, and what to do."""


class Container(Protocol):
    """Paths are relative, with slashes; `root` is empty or ends in one."""

    def roots(self) -> Counter[str]:
        """Folders that may be the kit's, and how many modules each holds."""

    def listing(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted. Names that are not in order are an error."""

    def read(self, path: str, most: int) -> bytes | None:
        """A file's content, or None where there is none. Raises SubmissionError for links and beyond `most` bytes."""


def check_names(names: Iterable[str]) -> None:
    """Raises SubmissionError for the first name that no honest tool writes, or that stands there twice."""
    seen: dict[str, str] = {}
    for name in names:
        wrong = name_problem(name)
        if wrong:
            raise SubmissionError(f"the name '{shown(name, 80)}' {wrong}. {PACK_AGAIN}")
        same = plain(name).casefold()
        if same in seen:
            raise SubmissionError(
                f"'{shown(seen[same])}' and '{shown(name)}' are the same name twice. Keep only one of them"
            )
        seen[same] = name


def name_problem(name: str) -> str | None:
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters, more than {LONGEST_NAME}"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "holds control characters or broken ones"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "is an absolute path"
    if ".." in name.split("/"):
        return "leads out of its folder"
    return None if plain(name) or name == "./" else "is empty"


def check_size(path: str, size: int, most: int) -> None:
    if size > most:
        raise SubmissionError(f"{shown(path)} is larger than {megabytes(most)}. Make it smaller, or leave it out")


def plain(name: str) -> str:
    """Without "./" in front, doubled slashes and a slash at the end."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def is_from_macos(path: str) -> bool:
    parts = path.split("/")
    return parts[0] == MACOS or parts[-1].startswith("._")


def is_unwanted(name: str) -> bool:
    """What tools put beside a kit, such as .venv, .git and caches: it does no harm, and nobody looks at it."""
    parts = name.split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return hidden or not CACHES.isdisjoint(parts) or parts[-1] == "Icon\r"


def may_be_root(root: str) -> bool:
    """Whether a kit is looked for there: not deep down, and not in what tools put beside it."""
    parts = root.split("/")[:-1]
    return len(parts) <= DEEPEST and not any(part.startswith(".") or part == MACOS for part in parts)


def megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"
