"""`check("saliency")` in a notebook: the tests of one task, answered in plain words."""

import ast
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent
TESTS = KIT / "tests"


def check(task: str) -> None:
    """Run tests/test_`task`.py here, on the code as it is now, and print what holds and what does not.

    Raises ValueError for a task that has no tests.
    """
    path = TESTS / f"test_{task}.py"
    if not path.is_file():
        tasks = ", ".join(sorted(file.stem.removeprefix("test_") for file in TESTS.glob("test_*.py")))
        raise ValueError(f"there are no tests for {task!r}: choose one of {tasks}")
    for module in sorted([*KIT.glob("visualizers/*.py"), *KIT.glob("style_transfer/*.py")]):
        try:
            ast.parse(module.read_text("utf-8"))
        except SyntaxError as error:
            print(f"✗ Nothing was checked: {module.relative_to(KIT)}, line {error.lineno}: {error.msg}")
            return
    verdicts = Verdicts()
    options = ["-m", "not slow", "-p", "no:cacheprovider", "--capture=sys", "-o", "addopts=", str(path)]
    with as_in_a_fresh_process(), contextlib.redirect_stdout(io.StringIO()) as log:
        status = pytest.main(options, plugins=[verdicts])
    print(verdicts.in_words() if status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else log.getvalue())


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
        held = sum(complaint is None for complaint in self.complaints.values())
        lines = [line for statement, complaint in self.complaints.items() for line in verdict(statement, complaint)]
        total = len(self.complaints)
        summary = "All checks hold." if held == total else f"{held} of {total} checks hold."
        return "\n".join([*lines, summary])


def verdict(statement: str, complaint: str | None) -> list[str]:
    if complaint is None:
        return [f"✓ {statement}"]
    return [f"✗ {statement}", *(f"      {line}" for line in complaint.splitlines())]


def complaint_of(error: BaseException) -> str:
    """The error's own words, without a traceback."""
    if isinstance(error, NotImplementedError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"not implemented yet: {place.name} in {Path(place.filename).name}"
    words = str(error).split("\nassert ")[0].strip().splitlines()[:4] or ["no further explanation"]
    kind = "" if isinstance(error, AssertionError | pytest.fail.Exception) else f"{type(error).__name__}: "
    return kind + "\n".join(words)


@contextlib.contextmanager
def as_in_a_fresh_process() -> Iterator[None]:
    """Tests are imported anew, since the code under test may have changed, and leave the kernel's settings alone."""
    environment = dict(os.environ)
    forget_tests()
    try:
        yield
    finally:
        forget_tests()
        os.environ.clear()
        os.environ.update(environment)


def forget_tests() -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and TESTS in Path(file).parents:
            del sys.modules[name]
