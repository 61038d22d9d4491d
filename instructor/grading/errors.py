"""Errors of a submission's code in words for the student: what the worker raised, with its place there."""

import re

import pytest

from instructor.grading.isolation.remote import WorkerLost
from kit.check.complaints import complaint_of
from kit.unwritten import UNWRITTEN

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object in memory, another in each run, so reports would differ


def in_words(error: BaseException) -> str:
    return ADDRESS.sub("", with_its_place(error))


def with_its_place(error: BaseException) -> str:
    if not hasattr(error, "where"):
        return str(error) if isinstance(error, WorkerLost | pytest.fail.Exception) else complaint_of(error)
    if str(error) == UNWRITTEN:
        return f"{UNWRITTEN}: {error.where}"
    place = f" ({error.where})" if error.where else ""
    name = "" if str(error).startswith(("SystemExit", "Exception")) else f"{type(error).__name__}: "
    return f"{name}{error}{place}"
