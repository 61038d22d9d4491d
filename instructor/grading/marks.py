"""What grading a submission comes to. Nothing here depends on time: grading twice gives the same marks."""

import re
from dataclasses import dataclass

# The clearest complaints first: a line of the student's own, numbers to compare, a factor; then all others.
CLEAREST = (re.compile(r", line \d+\)"), re.compile("^expected "), re.compile(" times what they should be"))


@dataclass(frozen=True)
class Outcome:
    """One test, such as "test_saliency.py::test_values[shipped]", and the first words of what it complained about.

    `statement` is what it asks, in the words that check() has for it.
    """

    test: str
    passed: bool
    message: str = ""
    hidden: bool = False  # students see neither its name nor its message
    statement: str = ""

    @property
    def vagueness(self) -> int:
        """How little a student learns from the message, as far as can be told from its form."""
        return next((rank for rank, form in enumerate(CLEAREST) if form.search(self.message)), len(CLEAREST))


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
