"""`check("saliency")` in a notebook: the tests of one task, answered in plain words."""

import ast
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

KIT = Path(__file__).resolve().parent.parent
TESTS = KIT / "tests"
UNWRITTEN = "Not implemented yet: "


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


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """`%load_ext checks`: a task that is not written yet answers with one line instead of a traceback."""
    shell.set_custom_exc((NotImplementedError,), show_what_is_unwritten)


def show_what_is_unwritten(
    shell: "InteractiveShell", kind: type, error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    if str(error) != "not implemented yet":
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    place = traceback.extract_tb(trace)[-1]
    path = Path(place.filename)
    in_module = path.is_relative_to(KIT) and path.is_file()
    where = f"{place.name} in {path.relative_to(KIT)}, line {place.lineno}" if in_module else "a part of this cell"
    save = ", save the file" if in_module else ""
    words = f"Not implemented yet: {where}. Write it between the markers{save}, and run this cell again."
    shell._showtraceback(kind, error, [words])  # the one way to a message that still counts as an error


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
