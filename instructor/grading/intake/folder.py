"""A folder from somebody else: only the way to what is wanted is looked at, no link followed, every size bounded."""

import os
import stat
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from instructor.grading.intake.entries import (
    MOST_ENTRIES,
    SubmissionError,
    check_names,
    check_size,
    is_from_macos,
    may_be_root,
)
from instructor.grading.shown import shown
from kit.assignment import MODULES


class Folder:
    """A folder; see `Container`. Stray files cost nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def roots(self) -> Counter[str]:
        counts = {root: sum(os.path.lexists(self.path / root / name) for name in MODULES) for root in self.folders()}
        return Counter({root: count for root, count in counts.items() if count})

    def folders(self) -> list[str]:
        """The folder itself, as "", and those in which a kit may lie; among thousands of files the search is given up.

        The result does not depend on the order in which the system lists files.
        """
        found, seen = [""], 0
        waiting = deque([""])
        while waiting:
            parent = waiting.popleft()
            for entry in self.entries(parent):
                seen += 1
                if seen > MOST_ENTRIES:
                    return [""]
                if entry.is_dir(follow_symlinks=False) and may_be_root(f"{parent}{entry.name}/"):
                    found.append(f"{parent}{entry.name}/")
                    waiting.append(found[-1])
        return found

    def entries(self, folder: str) -> Iterator[os.DirEntry]:
        try:
            with os.scandir(self.path / folder) as entries:
                yield from entries
        except OSError as error:
            raise unreadable(folder or "it", error) from error

    def listing(self, folder: str) -> list[str]:
        if not stat.S_ISDIR(self.kind(folder.rstrip("/"))):
            return []
        found = list(islice(self.entries(folder), MOST_ENTRIES + 1))
        if len(found) > MOST_ENTRIES:
            raise SubmissionError(f"{shown(folder)} holds more than {MOST_ENTRIES} files. Leave out what is not needed")
        names = [entry.name for entry in found if not entry.is_dir(follow_symlinks=False)]
        check_names(names)
        return sorted(name for name in names if not is_from_macos(name))

    def kind(self, path: str) -> int:
        """The kind of file, as in st_mode, 0 if there is none. No step on the way to it may be a link."""
        steps = path.split("/")
        mode = 0
        for count in range(1, len(steps) + 1):
            step = "/".join(steps[:count])
            try:
                mode = os.lstat(self.path / step).st_mode
            except (FileNotFoundError, NotADirectoryError):
                return 0
            except OSError as error:
                raise unreadable(step, error) from error
            if stat.S_ISLNK(mode):
                raise SubmissionError(f"'{shown(step)}' is a link. Put the file itself there")
        return mode

    def read(self, path: str, most: int) -> bytes | None:
        mode = self.kind(path)
        if not mode or stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise SubmissionError(f"'{shown(path)}' is not an ordinary file. Put the file itself there")
        try:
            # Should it have become a link or a pipe since, it is neither followed nor waited for.
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            with open(os.open(self.path / path, flags), "rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise unreadable(path, error) from error
        check_size(path, len(content), most)
        return content


def unreadable(path: str, error: OSError) -> SubmissionError:
    return SubmissionError(f"{shown(path)} cannot be read: {error.strerror}. Allow the grader to read it")
