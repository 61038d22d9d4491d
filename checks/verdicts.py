"""What the tests of a task found, in words for a notebook."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

UNWRITTEN = "Not implemented yet: "
PACKAGES = ("visualizers", "style_transfer")
PRINTED = 10  # lines


class Verdicts:
    """A pytest plugin that remembers, for each test's docstring, the first complaint or None."""

    def __init__(self) -> None:
        self.complaints: dict[str, str | None] = {}
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
        if call.when == "call" or call.excinfo is not None:
            complaint = None if report.outcome != "failed" else complaint_of(call.excinfo.value)
            self.complaints[statement] = self.complaints.get(statement) or complaint
            self.printed = self.printed or report.capstdout.splitlines()[:PRINTED]
        return report

    def found_mistakes(self) -> bool:
        """Whether something does not hold that is written."""
        return any(words and not words.startswith(UNWRITTEN) for words in self.complaints.values())

    def in_words(self) -> str:
        waiting = {words for words in self.complaints.values() if words and words.startswith(UNWRITTEN)}
        judged = {test: words for test, words in self.complaints.items() if words not in waiting}
        lines = [line for statement, complaint in judged.items() for line in verdict(statement, complaint)]
        for words in sorted(waiting):
            lines += [f"{words}. Then these will be checked:"]
            lines += [f"  · {statement}" for statement, complaint in self.complaints.items() if complaint == words]
        held, total = sum(complaint is None for complaint in judged.values()), len(self.complaints)
        lines += ["Your code printed, in the first check that it printed in:", *self.printed] if self.printed else []
        return "\n".join([*lines, "All checks hold." if held == total else f"{held} of {total} checks hold."])


def statement_of(item: pytest.Item) -> str:
    """What the test checks, in the words of its docstring's first line."""
    docstring = getattr(item.obj, "__doc__", None) or item.originalname.replace("_", " ")
    return docstring.strip().splitlines()[0]


def verdict(statement: str, complaint: str | None) -> list[str]:
    if complaint is None:
        return [f"✓ {statement}"]
    return [f"✗ {statement}", *(f"      {line}" for line in complaint.splitlines())]


def complaint_of(error: BaseException) -> str:
    """The error's own words, without a traceback."""
    if isinstance(error, NotImplementedError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{UNWRITTEN}{place.name} in {Path(place.filename).name}"
    words = str(error).split("\nassert ")[0].strip().splitlines()[:4] or ["no further explanation"]
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return "\n".join(words)
    places = [
        place for place in traceback.extract_tb(error.__traceback__) if Path(place.filename).parent.name in PACKAGES
    ]
    where = f" ({places[-1].name} in {Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: " + "\n".join(words) + where
