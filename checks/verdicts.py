"""What the tests of a task found, in words for a notebook."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.alive import PACKAGES
from checks.hints import hint_at

UNWRITTEN = "Not implemented yet: "
PRINTED = 10  # lines


class Verdicts:
    """A pytest plugin that remembers what became of each statement, which is the first line of a test's docstring.

    Tests marked `given` ask about code that students do not write. They are told of only where they fail.
    """

    def __init__(self) -> None:
        self.complaints: dict[str, str | None] = {}  # the first of each statement
        self.skipped: dict[str, str] = {}  # why a statement, or a part of it, was not checked
        self.given: set[str] = set()
        self.printed: list[str] = []
        self.not_collected: str | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tests that cannot even be imported, because something that they import cannot."""
        if report.failed:
            said = [line[1:].strip() for line in str(report.longrepr).splitlines() if line.startswith("E ")]
            self.not_collected = "✗ Nothing was checked: " + (said[-1] if said else str(report.longrepr))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        statement = statement_of(item)
        if item.get_closest_marker("given"):
            self.given.add(statement)
        if report.skipped:
            self.skipped.setdefault(statement, str(call.excinfo.value))
        elif call.when == "call" or report.failed:
            complaint = complaint_of(call.excinfo.value) if report.failed else None
            self.complaints[statement] = self.complaints.get(statement) or complaint
            self.printed = self.printed or report.capstdout.splitlines()[:PRINTED]
        return report

    def found_mistakes(self) -> bool:
        """Whether something does not hold that is written."""
        return any(words and not words.startswith(UNWRITTEN) for words in self.complaints.values())

    def in_words(self) -> str:
        lines = []
        for statement in dict.fromkeys([*self.complaints, *self.skipped]):
            lines += self.about(statement)
        for words in sorted({words for words in self.complaints.values() if words and words.startswith(UNWRITTEN)}):
            lines += [f"{words}. Then these will be checked:", *self.listed("  ·", self.own(words))]
        lines += ["Your code printed, in the first check that it printed in:", *self.printed] if self.printed else []
        return "\n".join([*lines, self.summary()])

    def about(self, statement: str) -> list[str]:
        """The lines on one statement, and on those that fail with the same words; the latter only once."""
        complaint = self.complaints.get(statement)
        if complaint is None and statement in self.skipped:
            return [f"– {statement} Not checked: {self.skipped[statement]}"]
        if complaint is None:
            return [] if statement in self.given else [f"✓ {statement}"]
        together = [other for other, words in self.complaints.items() if words == complaint]
        if complaint.startswith(UNWRITTEN) or together[0] != statement:
            return []
        return [*self.listed("✗", together), *(f"      {line}" for line in complaint.splitlines())]

    def listed(self, mark: str, statements: list[str]) -> list[str]:
        return [f"{mark} {one}{' (given code, which calls yours)' * (one in self.given)}" for one in statements]

    def own(self, complaint: str | None) -> list[str]:
        """The statements about what students write that have this complaint."""
        return [one for one, words in self.complaints.items() if words == complaint and one not in self.given]

    def summary(self) -> str:
        if not self.skipped and not any(self.complaints.values()):
            return "All checks hold."
        own = (self.complaints.keys() | self.skipped.keys()) - self.given
        held = set(self.own(None)) - self.skipped.keys()
        unchecked = f", {len(self.skipped)} not checked" if self.skipped else ""
        return f"{len(held)} of {len(own)} checks hold{unchecked}."


def statement_of(item: pytest.Item) -> str:
    """What the test checks, in the words of its docstring's first line."""
    docstring = getattr(item.obj, "__doc__", None) or item.originalname.replace("_", " ")
    return docstring.strip().splitlines()[0]


def complaint_of(error: BaseException) -> str:
    """The error's own words, with its line in the student's file and a hint, without a traceback."""
    if isinstance(error, NotImplementedError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{UNWRITTEN}{place.name} in {Path(place.filename).name}"
    words = str(error).partition("\nassert ")[0].strip().splitlines()[:4] or ["no further explanation"]
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return "it does not" if words[0].startswith("assert ") else "\n".join(words)
    kind, place = type(error).__name__, place_of(error)
    if not place:
        return f"What your function returns cannot be used: {kind}: {words[0]}"
    hint = hint_at(kind, str(error))
    return "\n".join([f"{kind}: " + "\n".join(words) + place, *([hint] if hint else [])])


def place_of(error: BaseException) -> str:
    """The innermost line in a module that students write in, in brackets; nothing where there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if in_packages(frame)]
    if not frames:
        return ""
    named = [frame.name for frame in frames if not frame.name.startswith("<")]  # not a comprehension's
    path = Path(frames[-1].filename)
    return f" ({named[-1]} in {path.parent.name}/{path.name}, line {frames[-1].lineno})"


def in_packages(frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename).parent.name in PACKAGES
