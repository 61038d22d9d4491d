"""A pytest plugin that judges one submission.

The tests stay where they are. The functions that they call run in a worker, which alone imports the student's modules;
the tests that the rubric names are run, hidden ones too, and their outcomes become marks.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import style_transfer
import visualizers
from checks.diagnosis import diagnose, fingerprint
from checks.verdicts import KitAtFault, complaint_of
from grading import answers, notebook_cells
from grading.intake import Submission, SubmissionError
from grading.isolation.remote import CALL_SECONDS, Remote, WorkerLost
from grading.marks import Marks, Outcome
from grading.reports import write_reports
from grading.rubric import Rubric, Task, read_rubric
from submission.contents import MODULES

KIT = Path(__file__).resolve().parent.parent
TESTS, HIDDEN = KIT / "tests", KIT / "tests" / "hidden"
PACKAGES = {"visualizers": visualizers, "style_transfer": style_transfer}
CELLS = f"{notebook_cells.MODULE}.py"
IMPORT_SECONDS = 15.0
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object in memory, another in each run, so reports would differ
UNWRITTEN = "not implemented yet"
LOSSES = 2  # how often a task may lose its worker before its other tests are given up
LONG_CALLS = 3  # how many times as long as one call may take a task may take


class Judge:
    """Runs the graded tests of one submission; `marks` holds the result. A call may take so many seconds."""

    def __init__(self, submission: Submission, out: Path | None = None, seconds: float = CALL_SECONDS) -> None:
        self.submission = submission
        self.out = out
        self.rubric: Rubric = read_rubric()
        self.outcomes: list[Outcome] = []
        self.problems = list(submission.problems)
        self.unusable: dict[str, str] = {}  # module: why
        self.losses: dict[str, list[str]] = {}  # task: why its worker was lost
        self.spent: Counter[str] = Counter()  # task: seconds
        self.spent_before = 0.0  # on other tests than this one
        self.whole = True  # whether all graded tests are run, not some that were asked for
        self.marks: Marks | None = None
        self.printed: str | None = None
        self.remote = Remote({**submission.sources, **self.cells()}, seconds)

    def cells(self) -> dict[str, str]:
        """The solutions in notebooks, as a module."""
        notebook = self.submission.notebooks.get(notebook_cells.NOTEBOOK)
        if notebook is None:
            self.problems.append(f"{notebook_cells.NOTEBOOK} is missing")
        try:
            return {CELLS: notebook_cells.as_module(notebook or notebook_cells.EMPTY)}
        except SubmissionError as error:
            self.problems.append(f"{notebook_cells.NOTEBOOK}: {error}")
            return {CELLS: notebook_cells.as_module(notebook_cells.EMPTY)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        import references  # out of tests/, which pytest has just made known
        import stand_ins
        import surroundings

        files = graded_files(self.rubric)
        references.slow = sys.modules["references.slow"] = answers.replayed(answers.prepare(files))
        self.whole = config.args_source is not pytest.Config.ArgsSource.ARGS or config.args == [str(TESTS)]
        if self.whole:
            config.args[:] = map(str, files)
        for task in self.rubric.tasks:
            for name in task.functions:
                self.replace(task.module, name)
        surroundings.surroundings = self.remote.function("surroundings:surroundings")
        for name in ("guided_grad_cam", "style_loss"):
            setattr(stand_ins, name, self.remote.function(f"stand_ins:{name}"))
        self.import_modules()

    def task_of(self, test: str) -> Task:
        name, _ = self.rubric.property_of(test)
        return next(task for task in self.rubric.tasks if task.name == name)

    def replace(self, module: str, name: str) -> None:
        """The kit's function in the place where tests find it, by one that runs the student's."""
        if module == notebook_cells.NOTEBOOK:
            setattr(notebook_cells, name, self.remote.function(f"{notebook_cells.MODULE}:{name}"))
            return
        path = dotted(module)
        for home in (sys.modules[path], PACKAGES[path.partition(".")[0]]):
            setattr(home, name, self.remote.function(f"{path}:{name}"))

    def import_modules(self) -> None:
        """A module that cannot be imported costs its own tasks; for the others its stub takes its place."""
        self.remote.seconds, seconds = IMPORT_SECONDS, self.remote.seconds
        for module in MODULES:
            try:
                self.remote.call("importlib:import_module", (dotted(module),), {})
            except Exception as error:
                self.unusable[module] = f"{module} cannot be imported: {said(error)}"
                self.problems.append(self.unusable[module])
                self.remote.close()
                self.remote.sources.pop(module, None)
        self.remote.seconds = seconds

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        graded = {item: place for item in items if (place := self.rubric.property_of(name_of(item)))}
        missing = self.rubric.unmatched(map(name_of, graded))
        if missing and self.whole:
            raise pytest.UsageError(f"the rubric names tests that do not exist: {', '.join(missing)}")
        order = [task.name for task in self.rubric.tasks]
        config.hook.pytest_deselected(items=[item for item in items if item not in graded])
        items[:] = sorted(graded, key=lambda item: (is_hidden(item), order.index(graded[item][0])))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if is_hidden(item):
            self.keep_what_was_printed()
        task = self.task_of(name_of(item))
        losses = self.losses.get(task.name, [])
        if task.module in self.unusable:
            pytest.fail(self.unusable[task.module], pytrace=False)
        if len(losses) >= LOSSES or any("seconds" in loss for loss in losses):
            pytest.fail(f"Not tried any more. {losses[0]}", pytrace=False)
        most = LONG_CALLS * self.remote.seconds
        if self.spent[task.name] > most:
            pytest.fail(f"Not tried any more. The code took more than {most:.0f} seconds already.", pytrace=False)
        self.spent_before = self.remote.waited
        torch.set_grad_enabled(True)  # whatever an earlier test has left

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self.spent[self.task_of(name_of(item)).name] += self.remote.waited - self.spent_before
        self.spent_before = self.remote.waited

    def keep_what_was_printed(self) -> None:
        """Students see what their code prints, but not from now on: it could print what hidden tests show it."""
        if self.printed is None:
            self.printed = self.remote.what_was_printed()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        if call.excinfo is not None and not report.skipped:
            error = call.excinfo.value
            if isinstance(error, KitAtFault):
                pytest.exit(str(error), pytest.ExitCode.INTERNAL_ERROR)
            if isinstance(error, WorkerLost):
                self.losses.setdefault(self.task_of(name_of(item)).name, []).append(str(error))
            report.longrepr = ADDRESS.sub("", said(error))
            self.outcomes.append(Outcome(name_of(item), False, report.longrepr, is_hidden(item)))
        elif call.when == "call":
            self.outcomes.append(Outcome(name_of(item), report.passed, "", is_hidden(item)))
        return report

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.remote.close()
            return  # interrupted, or the kit is at fault: there are no marks
        self.keep_what_was_printed()
        hints = {task: hint for task in self.mistaken() if (hint := self.hint(task))}
        self.remote.close()
        self.marks = self.rubric.marks(
            self.submission.name, self.submission.sha256, self.outcomes, hints, self.problems, self.printed
        )
        if self.out is not None:
            write_reports(self.marks, self.submission.figures, self.out)

    def mistaken(self) -> list[str]:
        """Tasks that are written, can be run, and give something wrong."""
        failed: dict[Task, list[str]] = {}
        for outcome in self.outcomes:
            if not outcome.passed:
                failed.setdefault(self.task_of(outcome.test), []).append(outcome.message)
        usable = {task: words for task, words in failed.items() if task.module not in self.unusable}
        return [
            task.name
            for task, words in usable.items()
            if task.name not in self.losses and not any(UNWRITTEN in message for message in words)
        ]

    def hint(self, task: str) -> str | None:
        try:
            return diagnose(task, fingerprint(self.remote.call("checks.probes:probe", (task,), {})))
        except Exception:  # whatever a submission raises, does or gives, it gets no hint then
            return None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.marks is not None:
            terminalreporter.write_line(
                f"{self.marks.submission}: {self.marks.earned:g} of {self.marks.points:g} points"
            )


def graded_files(rubric: Rubric) -> list[Path]:
    """The test files that the rubric names, hidden ones among them."""
    names = {test.partition("::")[0] for task in rubric.tasks for each in task.properties for test in each.tests}
    return sorted(path for path in (*TESTS.glob("test_*.py"), *HIDDEN.glob("test_*.py")) if path.name in names)


def dotted(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def name_of(item: pytest.Item) -> str:
    """test_file.py::test_name[parameters]"""
    return f"{item.path.name}::{item.name}"


def is_hidden(item: pytest.Item) -> bool:
    return item.path.parent == HIDDEN


def said(error: BaseException) -> str:
    """An error in words for a student: the worker's own errors with their place there."""
    if not hasattr(error, "where"):
        return str(error) if isinstance(error, WorkerLost | pytest.fail.Exception) else complaint_of(error)
    if str(error) == UNWRITTEN:
        return f"{UNWRITTEN}: {error.where}"
    place = f" ({error.where})" if error.where else ""
    name = "" if str(error).startswith(("SystemExit", "Exception")) else f"{type(error).__name__}: "
    return f"{name}{error}{place}"
