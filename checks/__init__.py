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

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

KIT = Path(__file__).resolve().parent.parent
TESTS = KIT / "tests"


def check(task: str) -> None:
    """Run tests/test_`task`.py here, on the code as it is now, and print what holds and what does not.

    Where something does not hold and a known mistake explains it, say which. Raises ValueError for a task that has no
    tests.
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
    import pytest  # not before it is needed: the first cell of a notebook should answer soon

    from checks.verdicts import Verdicts

    verdicts = Verdicts()
    options = ["-m", "not slow", "-p", "no:cacheprovider", "--capture=sys", "-o", "addopts=", str(path)]
    with as_in_a_fresh_process(), contextlib.redirect_stdout(io.StringIO()) as log:
        status = pytest.main(options, plugins=[verdicts])
    ran = status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    print(verdicts.in_words() if ran else verdicts.not_collected or log.getvalue())
    if ran and verdicts.found_mistakes():
        from checks.diagnosis import closer_look

        for hint in closer_look(task):
            print(f"A closer look: {hint}")


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
