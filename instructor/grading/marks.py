"""What grading a submission comes to. Nothing here depends on time: grading twice gives the same marks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One test, such as "test_saliency.py::test_values[shipped]", and the first words of what it complained about."""

    test: str
    passed: bool
    message: str = ""
    hidden: bool = False  # students see neither its name nor its message


@dataclass(frozen=True)
class CriterionMark:
    """A criterion of a task: all of its points, or none. `reason` says why none, in one line."""

    name: str
    points: float
    earned: float
    outcomes: tuple[Outcome, ...]
    reason: str

    @property
    def is_hidden(self) -> bool:
        """Whether only hidden tests decide about it."""
        return bool(self.outcomes) and all(outcome.hidden for outcome in self.outcomes)


@dataclass(frozen=True)
class TaskMark:
    """`hint` names a known misconception that gives the same output."""

    name: str
    title: str
    module: str
    criteria: tuple[CriterionMark, ...]
    hint: str | None

    @property
    def points(self) -> float:
        return sum(mark.points for mark in self.criteria)

    @property
    def earned(self) -> float:
        return sum(mark.earned for mark in self.criteria)


@dataclass(frozen=True)
class Marks:
    """`problems` is what was wrong with the submission as a whole, `printed` what its code printed."""

    submission: str
    sha256: str
    tasks: tuple[TaskMark, ...]
    problems: tuple[str, ...]
    printed: str

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @property
    def earned(self) -> float:
        return sum(task.earned for task in self.tasks)
