"""What the tests of a task found, in words for a notebook."""

import re
import traceback
from collections.abc import Generator
from pathlib import Path

import pytest

from kit.alive import PACKAGES
from kit.assignment import MODULES
from kit.check.hints import hint_at
from kit.unwritten import is_unwritten, stub_of

UNWRITTEN = "Not implemented yet: "
PRINTED = 10  # lines
LONGEST = 200  # characters of a line; PyTorch explains at length
SHAPE = re.compile(r"\(\d[\d, ]*\)")
LOCATED = re.compile(r"(\w+): .*( \(\w+ in \S+, line \d+\))", re.DOTALL)
NO_TENSOR = re.compile(r"\b(NoneType|float|int|bool|list|tuple|dict|str|(?:numpy\.)?ndarray)\b")


class KitAtFault(Exception):
    """A test of ours cannot do its work, whatever the code under test gives."""


class Verdicts:
    """A pytest plugin that remembers what became of each statement, which is the first line of a test's docstring.

    Tests marked `given` ask about code that students do not write. They are told of only where they fail. Those of a
    file marked `together` are told in one line, the file's, as long as all have come to the same.
    """

    def __init__(self) -> None:
        self.complaints: dict[str, str | None] = {}  # the first of each statement
        self.skipped: dict[str, str] = {}  # why a statement, or a part of it, was not checked
        self.given: set[str] = set()
        self.together: dict[str, str] = {}  # the file's line for each of its statements
        self.printed: list[str] = []
        self.not_collected: str | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tests that cannot even be imported, because something that they import cannot."""
        if report.failed:
            said = [line[1:].strip() for line in str(report.longrepr).splitlines() if line.startswith("E ")]
            self.not_collected = "✗ Nothing was checked: " + (said[-1] if said else str(report.longrepr))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        statement = statement_of(item)
        if item.get_closest_marker("given"):
            self.given.add(statement)
        if item.get_closest_marker("together"):
            self.together[statement] = first_line(item.getparent(pytest.Module).obj.__doc__)
        if report.skipped or (call.excinfo is not None and isinstance(call.excinfo.value, KitAtFault)):
            self.skipped.setdefault(statement, str(call.excinfo.value))
        elif call.when == "call" or report.failed:
            complaint = complaint_of(call.excinfo.value) if report.failed else None
            self.complaints[statement] = self.complaints.get(statement) or complaint
            self.printed = self.printed or report.capstdout.splitlines()[:PRINTED]
        return report

    def found_mistakes(self) -> bool:
        """Whether something does not hold that is written."""
        return any(words and not words.startswith(UNWRITTEN) for words in self.complaints.values())

    def all_hold(self) -> bool:
        return bool(self.complaints) and not self.skipped and not any(self.complaints.values())

    def in_words(self) -> str:
        lines = []
        for statement in dict.fromkeys([*self.complaints, *self.skipped]):
            lines += [line for line in self.about(statement) if line not in lines]  # a hint is given once
        for words in sorted({words for words in self.complaints.values() if words and words.startswith(UNWRITTEN)}):
            lines += [f"{words}. Then these will be checked:", *self.listed("  ·", self.own(words))]
        lines += self.about_consequences()
        lines += ["Your code printed, in the first check that it printed in:", *self.printed] if self.printed else []
        return "\n".join([*lines, self.summary()])

    def about(self, statement: str) -> list[str]:
        """The lines on one statement, and on those that fail alike; the latter only once."""
        complaint = self.complaints.get(statement)
        if complaint is None and statement in self.skipped:
            return [f"– {statement} Not checked: {self.skipped[statement]}"]
        if complaint is None:
            return [] if statement in self.given else [f"✓ {self.told(statement)}"]
        if complaint.startswith(UNWRITTEN) or statement in self.consequences():
            return []
        failing = {one: words for one, words in self.complaints.items() if words and one not in self.consequences()}
        together = [one for one, words in failing.items() if alike(words) == alike(complaint)]
        if together[0] != statement:
            return []
        return [*self.listed("✗", together), *(f"      {line}" for line in complaint.splitlines())]

    def consequences(self) -> set[str]:
        """Failing statements about given code, while something that it calls does not hold either."""
        failing = {one for one, words in self.complaints.items() if words and not words.startswith(UNWRITTEN)}
        return failing & self.given if failing - self.given else set()

    def about_consequences(self) -> list[str]:
        count = len(self.consequences())
        checks = (
            f"{count} checks of given code, which calls yours, fail" if count > 1 else "A check of given code fails"
        )
        return [f"{checks} too: look again when yours hold."] if count else []

    def listed(self, mark: str, statements: list[str]) -> list[str]:
        told = dict.fromkeys(map(self.told, statements))
        return [f"{mark} {one}{' (given code, which calls yours)' * (one in self.given)}" for one in told]

    def told(self, statement: str) -> str:
        """The statement, or the line of its file where all of them share their fate."""
        line = self.together.get(statement)
        file = {one for one, words in self.together.items() if words == line}
        alike = len({self.complaints.get(one) for one in file}) == 1 and not file & self.skipped.keys()
        return line if line and alike else statement

    def own(self, complaint: str | None) -> list[str]:
        """The statements about what students write that have this complaint."""
        return [one for one, words in self.complaints.items() if words == complaint and one not in self.given]

    def summary(self) -> str:
        if self.all_hold():
            return "All checks hold."
        own = (self.complaints.keys() | self.skipped.keys()) - self.given
        held = set(self.own(None)) - self.skipped.keys()
        unchecked = f", {len(self.skipped)} not checked" if self.skipped else ""
        return f"{len(held)} of {len(own)} checks hold{unchecked}."


def statement_of(item: pytest.Item) -> str:
    """What the test checks, in the words of its docstring's first line."""
    named = getattr(item, "originalname", item.name).replace("_", " ")
    return first_line(getattr(getattr(item, "obj", None), "__doc__", None) or named)


def first_line(docstring: str) -> str:
    return docstring.strip().splitlines()[0]


def alike(complaint: str) -> str:
    """What complaints share that are made once: for an error its type and line, for others their words but shapes."""
    located = LOCATED.match(complaint)
    return "".join(located.groups()) if located else SHAPE.sub("()", complaint)


def complaint_of(error: BaseException) -> str:
    """The error's own words, with its line in the student's file and a hint, without a traceback."""
    if is_unwritten(error):
        stub = stub_of(error)
        return f"{UNWRITTEN}{stub.name} in {Path(stub.filename).name}"
    words = str(error).partition("\nassert ")[0].strip().splitlines()[:4] or ["no further explanation"]
    words = [line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in words]
    kind, place = type(error).__name__, place_of(error)
    if isinstance(error, AssertionError | pytest.fail.Exception):
        kind, complaint = "", "it does not" if words[0].startswith("assert ") else "\n".join(words)
    elif place:
        complaint = f"{kind}: " + "\n".join(words) + place
    elif isinstance(error, AttributeError | TypeError) and (found := NO_TENSOR.search(words[0])):
        kind, complaint = "", f"expected a tensor, got {found[1].removeprefix('numpy.')}"
    else:
        complaint = f"What your function returns cannot be used: {kind}: {words[0]}"
    hint = hint_at(kind, complaint)
    return f"{complaint}\n{hint}" if hint else complaint


def place_of(error: BaseException) -> str:
    """The innermost line in a module that students write, else in the packages, in brackets; else nothing."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent.name in PACKAGES
    ]
    frames = [frame for frame in frames if module_of(frame) in MODULES] or frames
    if not frames:
        return ""
    named = [frame.name for frame in frames if not frame.name.startswith("<")]  # not a comprehension's
    return f" ({(named or ['a function'])[-1]} in {module_of(frames[-1])}, line {frames[-1].lineno})"


def module_of(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    return f"{path.parent.name}/{path.name}"
