"""Why a check does not hold, in the words of the error, with the student's own line and a hint."""

import re
import traceback
from pathlib import Path

import pytest

from kit.alive import PACKAGES
from kit.assignment import MODULES
from kit.check.hints import hint_at
from kit.unwritten import is_unwritten, stub_of

UNWRITTEN = "Not implemented yet: "
LONGEST = 200  # characters of a line; PyTorch explains at length
SHAPE = re.compile(r"\(\d[\d, ]*\)")
LOCATED = re.compile(r"(\w+): .*?( \(\w+ in \S+, (line \d+)\))", re.DOTALL)
NO_TENSOR = re.compile(r"\b(NoneType|float|int|bool|list|tuple|dict|str|(?:numpy\.)?ndarray)\b")


def complaint_of(error: BaseException) -> str:
    """The error's own words, with its line in the student's file and a hint, without a traceback."""
    if is_unwritten(error):
        stub = stub_of(error)
        return f"{UNWRITTEN}{stub.name} in {Path(stub.filename).name}"
    words = str(error).partition("\nassert ")[0].strip().splitlines()[:4] or ["no further explanation"]
    words = [clipped(line) for line in words]
    kind, place = type(error).__name__, place_of(error)
    if isinstance(error, AssertionError | pytest.fail.Exception):
        kind, complaint = "", "it does not" if words[0].startswith("assert ") else "\n".join(words)
    elif place:
        complaint = f"{kind}: " + "\n".join(words) + place
    elif isinstance(error, AttributeError | TypeError) and (found := NO_TENSOR.search(words[0])):
        kind, complaint = "", f"expected a tensor, got {found[1].removeprefix('numpy.')}"
    else:
        complaint = f"What your function returns cannot be used: {kind}: {words[0]}"
    lines = [complaint, line_of(error) if place and kind else None, hint_at(kind, complaint)]
    return "\n".join(filter(None, lines))


def clipped(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def place_of(error: BaseException) -> str:
    """The innermost line in a module that students write, else in the packages, in brackets; else nothing."""
    frames = frames_of(error)
    if not frames:
        return ""
    named = [frame.name for frame in frames if not frame.name.startswith("<")]  # not a comprehension's
    return f" ({(named or ['a function'])[-1]} in {module_of(frames[-1])}, line {frames[-1].lineno})"


def line_of(error: BaseException) -> str | None:
    """The text of that line, indented; None where it is not known."""
    text = frames_of(error)[-1].line
    return f"    {clipped(text)}" if text else None


def frames_of(error: BaseException) -> list[traceback.FrameSummary]:
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent.name in PACKAGES
    ]
    return [frame for frame in frames if module_of(frame) in MODULES] or frames


def module_of(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    return f"{path.parent.name}/{path.name}"


def alike(complaint: str) -> str:
    """What makes two complaints the same: an error's type and line, or else the words without the shapes."""
    located = LOCATED.match(complaint)
    return "".join(located.groups()) if located else SHAPE.sub("()", complaint)


def briefly(complaint: str) -> str:
    """An error's type and line, and the hint, in brackets; nothing for complaints that have neither."""
    located = LOCATED.match(complaint)
    hint = hint_at(located[1] if located else "", complaint)
    words = [f"{located[1]} in {located[3]}"] if located else []
    return f" ({': '.join([*words, *filter(None, [hint])])})" if words or hint else ""
