"""`check("saliency")` in a notebook: the tests of one task, answered in plain words."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec

from kit import alive
from kit.assignment import CHECKS
from kit.command import print_anywhere
from kit.paths import KIT

TESTS = KIT / "tests"
WITHOUT = [word for name in ("cacheprovider", "logging", "unraisableexception") for word in ("-p", f"no:{name}")]


def check(task: str) -> None:
    """Run tests/test_`task`.py, and every other test that decides the task's marks and is not hidden, on the
    current code, and print what holds and what does not.

    If a known mistake explains what does not hold, say which. Raises ValueError for a task that has no
    tests.
    """
    print_anywhere()
    path = TESTS / f"test_{task}.py"
    if not path.is_file():
        raise ValueError(f"there are no tests for {task!r}: choose one of {', '.join(CHECKS)}")
    try:
        alive.refresh()
        alive.check_syntax()
    except alive.BrokenModule as error:
        print(f"✗ Nothing was checked: {error}")
        return
    import pytest  # not before it is needed: the first cell of a notebook should answer soon

    from kit.check import record
    from kit.check.asked import Asked
    from kit.check.patience import LIMIT, Patience, TimeLimit
    from kit.check.verdicts import Verdicts

    asked, verdicts, patience, digests = Asked(path, task), Verdicts(), Patience(), record.digests(task)
    options = ["-m", "not slow", "--capture=sys", "--tb=no", "-o", "addopts=", *WITHOUT, *map(str, asked.files)]
    with as_in_a_fresh_process(), contextlib.redirect_stdout(io.StringIO()) as log:
        status = pytest.main(options, plugins=[asked, verdicts, patience])
    if status == pytest.ExitCode.INTERRUPTED and not verdicts.not_collected:
        print(patience.in_words())
        return
    record.keep(task, digests, status == pytest.ExitCode.OK and verdicts.all_hold())
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        print(verdicts.not_collected or log.getvalue())
        return
    hints: list[str] = []
    if verdicts.found_mistakes():
        from kit.check import exhibit
        from kit.check.diagnosis import closer_look

        try:
            with TimeLimit(LIMIT, "a closer look at what went wrong.", patience.say):
                hints = closer_look(task)
        except KeyboardInterrupt:
            print("The closer look at what went wrong was stopped.")
        print("\n".join(verdicts.first_words(hints)), flush=True)
        if (found := verdicts.worth_showing()) is not None:
            with contextlib.suppress(Exception):  # a picture is welcome, but the verdict must be shown without it too
                exhibit.show(*found)
    print("\n".join(verdicts.other_words()))


@contextlib.contextmanager
def as_in_a_fresh_process() -> Iterator[None]:
    """Tests are imported anew, since the code under test may have changed, and leave the kernel's settings alone."""
    environment = dict(os.environ)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what else is installed takes time, and may break the tests
    forget_tests()
    try:
        yield
    finally:
        forget_tests()
        os.environ.clear()
        os.environ.update(environment)


def forget_tests() -> None:
    alone, folder = {str(KIT / "conftest.py"), str(TESTS)}, f"{TESTS}{os.sep}"
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if isinstance(spec, ModuleSpec):
            places = [spec.origin, *(spec.submodule_search_locations or ())]  # a folder of tests has no origin
            if any(place in alone or place.startswith(folder) for place in places if place):
                del sys.modules[name]
