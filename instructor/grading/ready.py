"""The grader of batches: whoever imports this has all tests collected, and so have the processes forked from it."""

from contextlib import suppress

from instructor.grading.grade import collect, grade, prepare

__all__ = ["grade", "prepare"]

with suppress(Exception):  # what is wrong with the kit is found again by those who grade, and they say it
    collect()
