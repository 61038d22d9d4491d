"""The graders of batches: whoever imports this has all tests collected, and so have the processes forked from it."""

from contextlib import suppress
from pathlib import Path

from instructor.grading.grade import collect, grade, prepare
from instructor.grading.halves import processors
from instructor.grading.marks import Marks

__all__ = ["alone", "grade", "prepare"]

with suppress(Exception):  # what is wrong with the kit is found again by those who grade, and they say it
    collect()


def alone(path: Path, out: Path) -> Marks:
    """Grade the one submission that somebody waits for, on all processors that there are."""
    return grade(path, out, in_halves=processors() > 1)
