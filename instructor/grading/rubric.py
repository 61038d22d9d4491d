"""Which points are given for what: the criteria of `kit/assignment.toml`, checked, and from outcomes to marks.

The table's head says how it is written. Tests that students do not see are named apart, in tests/hidden/criteria.toml.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from pathlib import Path

from instructor.grading.marks import CriterionMark, Marks, Outcome, TaskMark, barrier
from kit.assignment import EDITABLE, fits
from kit.paths import KIT

TABLE = KIT / "kit" / "assignment.toml"
HIDDEN = KIT / "instructor" / "tests" / "hidden" / "criteria.toml"
REQUIRED = ("title", "module", "functions", "notebook", "criteria")
HABIT = ("title", "points", "tests", "complaint")
OPTIONAL = ("test", "builds_on", "kind", "gate")


class RubricError(ValueError):
    """The rubric is not in order; the message names task and criterion."""


@dataclass(frozen=True)
class Criterion:
    name: str
    points: float
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    name: str
    title: str
    module: str
    functions: tuple[str, ...]
    gate: str | None
    criteria: tuple[Criterion, ...]

    @property
    def points(self) -> float:
        return sum(each.points for each in self.criteria)


@dataclass(frozen=True)
class Habit:
    """What shows in tests of many tasks, by how they complain, and costs these points at most over all of them."""

    title: str
    points: float
    tests: tuple[str, ...]
    complaint: str

    def shows_in(self, outcome: Outcome) -> bool:
        failed = not outcome.passed and outcome.message.startswith(self.complaint)
        return failed and any(fits(pattern, outcome.test) for pattern in self.tests)


@dataclass(frozen=True)
class Rubric:
    tasks: tuple[Task, ...]
    habits: tuple[Habit, ...] = ()

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @cached_property
    def patterns(self) -> dict[str, list[tuple[str, tuple[str, str]]]]:
        """Those of each file of tests, with the names of task and criterion."""
        found: dict[str, list[tuple[str, tuple[str, str]]]] = {}
        for task in self.tasks:
            for each in task.criteria:
                for pattern in each.tests:
                    found.setdefault(pattern.partition("::")[0], []).append((pattern, (task.name, each.name)))
        return found

    def criterion_of(self, test: str) -> tuple[str, str] | None:
        """The names of the task and the criterion about which a test decides. Raises RubricError if it is two."""
        patterns = self.patterns.get(test.partition("::")[0], ())
        found = list(dict.fromkeys(names for pattern, names in patterns if fits(pattern, test)))
        if len(found) > 1:
            both = " and ".join(".".join(names) for names in found)
            raise RubricError(f"{test} belongs to {both}: a test decides about one criterion")
        return found[0] if found else None

    def unmatched(self, tests: Iterable[str]) -> list[str]:
        """The patterns that fit none of these tests."""
        known = list(tests)
        patterns = [test for task in self.tasks for each in task.criteria for test in each.tests]
        return [pattern for pattern in patterns if not any(fits(pattern, test) for test in known)]

    def marks(
        self,
        submission: str,
        sha256: str,
        outcomes: Iterable[Outcome],
        hints: Mapping[str, str],
        problems: Iterable[str],
        printed: str,
    ) -> Marks:
        """What a submission earns. Tests of no criterion do not count; a task without fault has no hint."""
        sorted_out: dict[tuple[str, str] | None, list[Outcome]] = {}
        for outcome in outcomes:
            sorted_out.setdefault(self.criterion_of(outcome.test), []).append(outcome)
        tasks = []
        for task in self.tasks:
            criteria = self.marked(
                task, {each.name: sorted_out.get((task.name, each.name), []) for each in task.criteria}
            )
            tasks.append(TaskMark(task.name, task.title, task.module, criteria, hints.get(task.name)))
        for habit in self.habits:
            tasks = charged(habit, tasks)
        tasks = [task if any(mark.reason for mark in task.criteria) else replace(task, hint=None) for task in tasks]
        return Marks(submission, sha256, tuple(tasks), tuple(problems), printed)

    def marked(self, task: Task, outcomes: Mapping[str, Sequence[Outcome]]) -> tuple[CriterionMark, ...]:
        """As if nobody had habits."""
        reasons = {name: reason_against(list(map(self.without_habits, found))) for name, found in outcomes.items()}
        if task.gate and reasons[task.gate]:
            closed = f"its tests pass, but it counts only together with {task.gate}"
            reasons = {name: reason or closed for name, reason in reasons.items()}
        return tuple(
            CriterionMark(
                each.name,
                each.points,
                0 if reasons[each.name] else each.points,
                tuple(outcomes[each.name]),
                reasons[each.name],
            )
            for each in task.criteria
        )

    def without_habits(self, outcome: Outcome) -> Outcome:
        return replace(outcome, passed=outcome.passed or any(habit.shows_in(outcome) for habit in self.habits))


def charged(habit: Habit, tasks: Sequence[TaskMark]) -> list[TaskMark]:
    """The habit's points are taken from the first criteria in which nothing else is wrong, until it is paid for."""
    titles = [task.title for task in tasks if any(map(habit.shows_in, outcomes_of(task)))]
    where = f", here and in {', '.join(titles[1:])}" if len(titles) > 1 else ""
    left, found = habit.points, []
    for task in tasks:
        criteria = []
        for mark in task.criteria:
            cost = min(left, mark.earned) if any(map(habit.shows_in, mark.outcomes)) and not mark.reason else 0
            left -= cost
            reason = f"{habit.title}{where if task.title == titles[0] else ''}" if cost else mark.reason
            criteria.append(replace(mark, earned=mark.earned - cost, reason=reason))
        found.append(replace(task, criteria=tuple(criteria)))
    return found


def outcomes_of(task: TaskMark) -> list[Outcome]:
    return [outcome for mark in task.criteria for outcome in mark.outcomes]


def reason_against(outcomes: Sequence[Outcome]) -> str:
    """Why the points are not given, in one line, or "". What a hidden test says stays hidden."""
    if not outcomes:
        return "none of its tests was run"
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if not failed:
        return ""
    if nothing_to_judge := barrier(failed):
        return nothing_to_judge
    count = f"{len(failed)} of {len(outcomes)} tests failed" if len(outcomes) > 1 else "its test failed"
    shown = sorted((outcome for outcome in failed if not outcome.hidden), key=lambda outcome: outcome.vagueness)
    if not shown:
        return f"{count}: a hidden test"
    statement = f"“{shown[0].statement}” " if shown[0].statement else ""
    first = " ".join(shown[0].message.split()) or "without a message"
    return f"{count}{', such as' if len(failed) > 1 else ''}: {statement}{first}"


def read_rubric(table: Path = TABLE, hidden: Path | None = HIDDEN) -> Rubric:
    """Raises RubricError for whatever is not as the head of the table says."""
    tasks = read_table(table).get("tasks")
    if not tasks:
        raise RubricError(f"{table} holds no task: write one, such as [tasks.saliency]")
    unseen = read_table(hidden) if hidden else {}
    for name, criteria in unseen.items():
        for criterion, tests in criteria.items():
            place = tasks.get(name, {}).get("criteria", {}).get(criterion)
            require(place is not None, f"{name}.{criterion}", f"has hidden tests in {hidden}, but is not in the table")
            place["tests"] = [*place.get("tests", []), *tests]
    habits = read_table(table).get("habits", {})
    rubric = Rubric(
        tuple(read_task(name, entry) for name, entry in tasks.items()),
        tuple(read_habit(f"habits.{name}", entry) for name, entry in habits.items()),
    )
    check_that_patterns_differ(rubric)
    return rubric


def read_table(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RubricError(f"{path} cannot be read: {error}") from error


def read_task(name: str, entry: object) -> Task:
    require(isinstance(entry, dict), name, f"is not a task: write [tasks.{name}] and its keys below")
    check_keys(name, entry.keys(), REQUIRED, (*REQUIRED, *OPTIONAL))
    for key in ("title", "module", "notebook"):
        require(is_text(entry[key]), f"{name}.{key}", "must be a text")
    module, gate, criteria = entry["module"], entry.get("gate"), entry["criteria"]
    require(module in EDITABLE, f"{name}.module", f"is {module!r}: choose one of {', '.join(EDITABLE)}")
    require(is_list_of_texts(entry["functions"]), f"{name}.functions", "must be a list of names")
    require(
        isinstance(criteria, dict) and bool(criteria), name, f"has no criterion: write [tasks.{name}.criteria.value]"
    )
    require(gate is None or gate in criteria, f"{name}.gate", f"is {gate!r}: choose one of {', '.join(criteria)}")
    read = tuple(read_criterion(f"{name}.{key}", key, value) for key, value in criteria.items())
    return Task(name, entry["title"], module, tuple(entry["functions"]), gate, read)


def read_criterion(place: str, name: str, table: dict) -> Criterion:
    check_keys(place, table.keys(), required=("points", "tests"), allowed=("points", "tests"))
    points, tests = table["points"], table["tests"]
    is_number = isinstance(points, int | float) and not isinstance(points, bool)
    require(is_number and isfinite(points) and points > 0, f"{place}.points", f"is {points!r}: it must be above 0")
    require(is_list_of_texts(tests), f"{place}.tests", "must be a list of tests, with at least one")
    for test in tests:
        require("::" in test, f"{place}.tests", f"holds {test!r}: write test_file.py::test_name")
    return Criterion(name, points, tuple(tests))


def read_habit(place: str, entry: dict) -> Habit:
    require(isinstance(entry, dict), place, "is not a habit: write its keys below")
    check_keys(place, entry.keys(), HABIT, HABIT)
    for key in ("title", "complaint"):
        require(is_text(entry[key]), f"{place}.{key}", "must be a text")
    read = read_criterion(place, "", {key: entry[key] for key in ("points", "tests")})
    return Habit(entry["title"], read.points, read.tests, entry["complaint"])


def check_keys(place: str, keys: Iterable[str], required: Sequence[str], allowed: Sequence[str]) -> None:
    found = set(keys)
    for key in sorted(found - set(allowed)):
        raise RubricError(f"{place}.{key} is unknown: choose from {', '.join(allowed)}")
    for key in required:
        require(key in found, place, f"has no {key}")


def check_that_patterns_differ(rubric: Rubric) -> None:
    places: dict[str, str] = {}
    for task in rubric.tasks:
        for each in task.criteria:
            for test in each.tests:
                place = f"{task.name}.{each.name}"
                require(test not in places, f"{place}.tests", f"holds {test!r}, as does {places.get(test)}")
                places[test] = place


def require(condition: bool, place: str, complaint: str) -> None:
    if not condition:
        raise RubricError(f"{place} {complaint}")


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_text, value))
