"""What the tests of a task found, in words for a notebook."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

UNWRITTEN = "Not implemented yet: "


class Verdicts:
    """A pytest plugin that remembers, for each test's docstring, the first complaint or None."""

    def __init__(self) -> None:
        self.complaints: dict[str, str | None] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        docstring = getattr(item.obj, "__doc__", None) or item.originalname.replace("_", " ")
        statement = docstring.strip().splitlines()[0]
        if call.when == "call" or call.excinfo is not None:
            complaint = None if report.outcome != "failed" else complaint_of(call.excinfo.value)
            self.complaints[statement] = self.complaints.get(statement) or complaint
        return report

    def in_words(self) -> str:
        waiting = {words for words in self.complaints.values() if words and words.startswith(UNWRITTEN)}
        judged = {test: words for test, words in self.complaints.items() if words not in waiting}
        lines = [line for statement, complaint in judged.items() for line in verdict(statement, complaint)]
        for words in sorted(waiting):
            lines += [f"{words}. Then these will be checked:"]
            lines += [f"  · {statement}" for statement, complaint in self.complaints.items() if complaint == words]
        held, total = sum(complaint is None for complaint in judged.values()), len(self.complaints)
        return "\n".join([*lines, "All checks hold." if held == total else f"{held} of {total} checks hold."])


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
    kind = "" if isinstance(error, AssertionError | pytest.fail.Exception) else f"{type(error).__name__}: "
    return kind + "\n".join(words)
