"""A pytest plugin that judges one submission.

The tests stay where they are. The functions that they call run in a worker, which alone imports the student's modules;
the tests that the rubric names are run, hidden ones too, and their outcomes become marks.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from instructor.grading.allowance import Allowance
from instructor.grading.errors import in_words
from instructor.grading.graded import TESTS, graded_files, is_hidden, name_of
from instructor.grading.intake.submission import Submission
from instructor.grading.isolation.remote import CALL_SECONDS, WorkerLost
from instructor.grading.marks import Marks, Outcome
from instructor.grading.replacement import Replacement, take_places
from instructor.grading.reports.write import write_reports
from instructor.grading.rubric import Rubric, Task, read_rubric
from kit.check.diagnosis import diagnose, signatures
from kit.check.verdicts import KitAtFault, statement_of
from kit.unwritten import UNWRITTEN

TWO = "Two mistakes together explain this."


@dataclass(frozen=True)
class Found:
    """What the tests came to. `fault` says why they came to nothing."""

    outcomes: tuple[Outcome, ...]
    hints: Mapping[str, str]
    printed: str
    fault: str = ""


class Judge:
    """Runs the graded tests of one submission; `marks` holds the result. A call may take so many seconds."""

    def __init__(self, submission: Submission, out: Path | None = None, seconds: float = CALL_SECONDS) -> None:
        self.submission = submission
        self.out = out
        self.rubric: Rubric = read_rubric()
        self.code = Replacement(submission, seconds)
        self.allowance = Allowance()
        self.outcomes: list[Outcome] = []
        self.tasks: dict[str, Task] = {}  # of the tests, by their names
        self.whole = True  # whether all graded tests are run, not some that were asked for
        self.printed: str | None = None
        self.fault = ""  # why there are no marks
        self.marks: Marks | None = None

    # ------------------------------------------------------------------------------------------ which tests are run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        asked = config.args_source is pytest.Config.ArgsSource.ARGS
        self.whole = not asked or config.args == [str(TESTS)]
        if self.whole:
            config.args[:] = map(str, graded_files(self.rubric))
        take_places(self.rubric.tasks)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        graded = {item: place for item in items if (place := self.rubric.criterion_of(name_of(item)))}
        known = {task.name: task for task in self.rubric.tasks}
        self.tasks = {name_of(item): known[task] for item, (task, _) in graded.items()}
        missing = self.rubric.unmatched(map(name_of, graded))
        if missing and self.whole:
            raise pytest.UsageError(f"the rubric names tests that do not exist: {', '.join(missing)}")
        order = [task.name for task in self.rubric.tasks]
        config.hook.pytest_deselected(items=[item for item in items if item not in graded])
        items[:] = sorted(graded, key=lambda item: (is_hidden(item), order.index(graded[item][0])))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        self.begin(session)
        return (yield)

    def begin(self, session: pytest.Session) -> None:
        self.code.begin()

    # ----------------------------------------------------------------------------------------------- while they run

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if is_hidden(item):
            self.keep_what_was_printed()
        task = self.tasks[name_of(item)]
        reason = self.code.unusable.get(task.module) or self.allowance.given_up(task.name, self.code.remote.seconds)
        if reason:
            pytest.fail(reason, pytrace=False)
        self.allowance.begin(self.code.remote.waited)
        torch.set_grad_enabled(True)  # whatever an earlier test has left

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self.allowance.end(self.tasks[name_of(item)].name, self.code.remote.waited)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        report = yield
        if call.excinfo is not None and not report.skipped:
            error = call.excinfo.value
            if isinstance(error, KitAtFault):
                self.fault = str(error)
                pytest.exit(str(error), pytest.ExitCode.INTERNAL_ERROR)
            if isinstance(error, WorkerLost):
                self.allowance.lost(self.tasks[name_of(item)].name, str(error))
            report.longrepr = in_words(error)
            self.outcomes.append(replace(outcome_of(item, False, report.longrepr), barred=self.is_barred(item, error)))
        elif call.when == "call":
            self.outcomes.append(outcome_of(item, report.passed, ""))
        return report

    def is_barred(self, item: pytest.Item, error: BaseException) -> bool:
        """Whether there was nothing to judge. What code says while it runs may be told only where the test is."""
        unusable = self.tasks[name_of(item)].module in self.code.unusable
        return unusable or (not is_hidden(item) and str(error) == UNWRITTEN)

    def keep_what_was_printed(self) -> None:
        """Students see what their code prints, but not from now on: it could print what hidden tests show it."""
        if self.printed is None:
            self.printed = self.code.remote.what_was_printed()

    # --------------------------------------------------------------------------------------------- what comes of it

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        found = self.found(exitstatus)
        if found.fault:  # interrupted, or the kit is at fault: there are no marks
            self.fault = found.fault
            return
        problems = [*self.submission.problems, *self.code.problems]
        name, sha256 = self.submission.name, self.submission.sha256
        self.marks = self.rubric.marks(name, sha256, found.outcomes, found.hints, problems, found.printed)
        if self.out is not None:
            write_reports(self.marks, self.submission.figures, self.out)

    def found(self, exitstatus: int) -> Found:
        """The last that is asked of the worker."""
        with closing(self.code.remote):
            if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                return Found((), {}, "", self.fault or f"pytest ended with status {exitstatus:d}")
            self.keep_what_was_printed()
            hints = {task: hint for task in self.mistaken() if (hint := self.hint(task))}
            return Found(tuple(self.outcomes), hints, self.printed)

    def mistaken(self) -> list[str]:
        """Tasks that are written, can be run, and give something wrong."""
        complaints: dict[Task, list[str]] = {}
        for outcome in self.outcomes:
            if not outcome.passed:
                complaints.setdefault(self.tasks[outcome.test], []).append(outcome.message)
        return [
            task.name
            for task, messages in complaints.items()
            if task.module not in self.code.unusable
            and task.name not in self.allowance.losses
            and not any(UNWRITTEN in message for message in messages)
        ]

    def hint(self, task: str) -> str | None:
        """What its mistakes are, as far as they are known."""
        try:
            found = diagnose(task, signatures(self.code.remote.call("kit.check.probes:probe", (task,), {})))
        except Exception:  # whatever a submission raises, does or gives, it gets no hint then
            return None
        return " ".join([TWO, *found] if len(found) > 1 else found) or None

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        if self.marks is not None:
            terminalreporter.write_line(
                f"{self.marks.submission}: {self.marks.earned:g} of {self.marks.points:g} points"
            )


def outcome_of(item: pytest.Item, passed: bool, message: str) -> Outcome:
    return Outcome(name_of(item), passed, message, is_hidden(item), "" if is_hidden(item) else statement_of(item))
