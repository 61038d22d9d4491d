"""What the tests of a task found, in words for a notebook."""

import textwrap
from collections.abc import Generator, Sequence

import pytest

from kit.check.complaints import UNWRITTEN, alike, briefly, complaint_of
from kit.check.mismatch import Mismatch

PRINTED = 10  # lines
WIDTH = 100  # letters of a line of prose, which a notebook would break within a word


class KitAtFault(Exception):
    """A test of ours cannot do its work, whatever the code under test gives."""


class Verdicts:
    """A pytest plugin that remembers what became of each statement, which is the first line of a test's docstring.

    Tests marked `given` ask about code that students do not write. They are mentioned only where they fail. Those of a
    file marked `together` are told in one line, the file's, while all have the same outcome.
    """

    def __init__(self) -> None:
        self.complaints: dict[str, str | None] = {}  # the first of each statement
        self.mismatches: dict[str, Mismatch] = {}  # the values behind some of them
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
            if report.failed and not self.complaints.get(statement) and isinstance(call.excinfo.value, Mismatch):
                self.mismatches[statement] = call.excinfo.value
            self.complaints[statement] = self.complaints.get(statement) or complaint
            self.printed = self.printed or report.capstdout.splitlines()[:PRINTED]
        return report

    def found_mistakes(self) -> bool:
        """Whether something does not hold that is written."""
        return bool(self.failing())

    def failing(self) -> dict[str, str]:
        return {one: words for one, words in self.complaints.items() if words and not words.startswith(UNWRITTEN)}

    def to_mend(self) -> list[str]:
        """The failing statements, without consequences of others."""
        return [one for one in self.failing() if one not in self.consequences()]

    def all_hold(self) -> bool:
        return bool(self.complaints) and not self.skipped and not any(self.complaints.values())

    def worth_showing(self) -> tuple[str, Mismatch] | None:
        """The first failing statement whose values make a picture, else the first of all if it has values."""
        known = [(one, self.mismatches[one]) for one in self.to_mend() if one in self.mismatches]
        pictures = [pair for pair in known if pair[1].is_picture]
        return next(iter(pictures or [pair for pair in known if pair[0] == self.to_mend()[0]]), None)

    def in_words(self, hints: Sequence[str] = ()) -> str:
        return "\n".join([*self.first_words(hints), *self.other_words()])

    def first_words(self, hints: Sequence[str]) -> list[str]:
        """What to fix first: the hints, then the first statement that does not hold, with all that is known of it."""
        lines = [textwrap.fill(f"A closer look: {hint}", WIDTH, subsequent_indent="    ") for hint in hints]
        for statement in self.to_mend()[:1]:
            lines += self.listed("✗", [statement])
            lines += [f"      {line}" for line in self.complaints[statement].splitlines()]
        return lines

    def other_words(self) -> list[str]:
        """The other statements, a line for each, first those that do not hold."""
        lines, explained = [], [alike(self.complaints[one]) for one in self.to_mend()[:1]]
        for statement in self.to_mend()[1:]:
            complaint = self.complaints[statement]
            brief = "" if alike(complaint) in explained else briefly(complaint)
            explained.append(alike(complaint))
            lines += [f"{line}{brief}" for line in self.listed("✗", [statement])]
        for words in sorted({words for words in self.complaints.values() if words and words.startswith(UNWRITTEN)}):
            lines += [f"{words}. Then these will be checked:", *self.listed("  ·", self.own(words))]
        lines += self.about_consequences()
        unchecked = {one: reason for one, reason in self.skipped.items() if self.complaints.get(one) is None}
        lines += [f"– {one} Not checked: {reason}" for one, reason in unchecked.items()]
        lines += [f"✓ {self.told(one)}" for one in self.own(None) if one not in self.skipped]
        lines = [line for line in dict.fromkeys(lines) if line not in self.first_words(())]
        lines += ["Output of your code, in the first check that printed any:", *self.printed] if self.printed else []
        return [*lines, self.summary()]

    def consequences(self) -> set[str]:
        """Failing statements about given code, while something that it calls does not hold either."""
        failing = self.failing().keys()
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
