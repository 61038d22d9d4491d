"""What grading a submission comes to. Nothing here depends on time: grading twice gives the same marks."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# The clearest complaints first: a line of the student's own, numbers to compare, a factor; then all others.
CLEAREST = (re.compile(r", line \d+\)"), re.compile("^expected "), re.compile(" times what they should be"))


@dataclass(frozen=True)
class Outcome:
    """One test, such as "test_saliency.py::test_values[shipped]", and the first words of what it complained about.

    `statement` is what it asks, in the words that check() has for it. `barred` tests met no code that they could judge:
    the message says that it is missing or not written, which is no secret even where the test is hidden.
    """

    test: str
    passed: bool
    message: str = ""
    hidden: bool = False  # students see neither its name nor its message
    statement: str = ""
    barred: bool = False

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

    @property
    def barrier(self) -> str:
        return barrier(self.outcomes)


def barrier(outcomes: Sequence[Outcome]) -> str:
    """Why there was no code to judge, if that is all that students are told of what failed; else ""."""
    told = [each for each in outcomes if not each.passed and (each.barred or not each.hidden)]
    return " ".join(told[0].message.split()) if told and all(each.barred for each in told) else ""


@dataclass(frozen=True)
class TaskMark:
    """`hint` names a known misconception that gives the same output."""

    name: str
    title: str
    module: str
    criteria: tuple[CriterionMark, ...]
    hint: str | None

    @property
    def barriers(self) -> tuple[str, ...]:
        """Those that bar more than one criterion, and are said once."""
        met = Counter(filter(None, (mark.barrier for mark in self.criteria)))
        return tuple(words for words, count in met.items() if count > 1)

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
