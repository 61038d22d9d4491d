"""Which points are given for what: `grading/rubric.toml`, checked, and from the tests' outcomes to marks.

[saliency]                                     # a task, in the order of the reports
title = "Saliency maps"
module = "visualizers/saliency.py"
functions = ["compute_saliency_maps"]
gate = "approach"                              # optional: without it, no other property counts

[saliency.approach]                            # a property: all of its points, or none
points = 1
tests = ["test_saliency.py::test_direction"]   # * and ? as in a shell; without [, whatever the parameters
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path

from grading.marks import Marks, Outcome, PropertyMark, TaskMark
from submission.contents import EDITABLE

RUBRIC = Path(__file__).resolve().parent / "rubric.toml"
TASK_KEYS = ("title", "module", "functions", "gate")


class RubricError(ValueError):
    """The rubric is not in order; the message names task and property."""


@dataclass(frozen=True)
class Property:
    name: str
    points: float
    tests: tuple[str, ...]

    def is_decided_by(self, test: str) -> bool:
        return any(fits(pattern, test) for pattern in self.tests)


@dataclass(frozen=True)
class Task:
    name: str
    title: str
    module: str
    functions: tuple[str, ...]
    gate: str | None
    properties: tuple[Property, ...]

    @property
    def points(self) -> float:
        return sum(each.points for each in self.properties)


@dataclass(frozen=True)
class Rubric:
    tasks: tuple[Task, ...]

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    def property_of(self, test: str) -> tuple[str, str] | None:
        """The names of the task and the property about which a test decides. Raises RubricError if it is two."""
        found = [(task.name, each.name) for task in self.tasks for each in task.properties if each.is_decided_by(test)]
        if len(found) > 1:
            both = " and ".join(".".join(names) for names in found)
            raise RubricError(f"{test} belongs to {both}: a test decides about one property")
        return found[0] if found else None

    def unmatched(self, tests: Iterable[str]) -> list[str]:
        """The patterns that fit none of these tests."""
        known = list(tests)
        patterns = [test for task in self.tasks for each in task.properties for test in each.tests]
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
        """What a submission earns. Tests of no property do not count; a task without fault has no hint."""
        sorted_out: dict[tuple[str, str] | None, list[Outcome]] = {}
        for outcome in outcomes:
            sorted_out.setdefault(self.property_of(outcome.test), []).append(outcome)
        tasks = []
        for task in self.tasks:
            properties = marked(
                task, {each.name: sorted_out.get((task.name, each.name), []) for each in task.properties}
            )
            hint = hints.get(task.name) if any(mark.reason for mark in properties) else None
            tasks.append(TaskMark(task.name, task.title, task.module, properties, hint))
        return Marks(submission, sha256, tuple(tasks), tuple(problems), printed)


def marked(task: Task, outcomes: Mapping[str, Sequence[Outcome]]) -> tuple[PropertyMark, ...]:
    reasons = {name: reason_against(found) for name, found in outcomes.items()}
    if task.gate and reasons[task.gate]:
        closed = f"its tests pass, but it counts only together with {task.gate}"
        reasons = {name: reason or closed for name, reason in reasons.items()}
    return tuple(
        PropertyMark(
            each.name,
            each.points,
            0 if reasons[each.name] else each.points,
            tuple(outcomes[each.name]),
            reasons[each.name],
        )
        for each in task.properties
    )


def reason_against(outcomes: Sequence[Outcome]) -> str:
    """Why the points are not given, in one line, or "". What a hidden test says stays hidden."""
    if not outcomes:
        return "none of its tests was run"
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if not failed:
        return ""
    count = f"{len(failed)} of {len(outcomes)} tests failed" if len(outcomes) > 1 else "its test failed"
    shown = [outcome for outcome in failed if not outcome.hidden]
    if not shown:
        return f"{count}: a hidden test"
    first = " ".join(shown[0].message.split()) or "without a message"
    return f"{count}{', first' if len(failed) > 1 else ''}: {first}"


def fits(pattern: str, test: str) -> bool:
    """A bracket stands for itself, since it begins a test's parameters; a pattern without one does not look at them."""
    compared = test if "[" in pattern else test.partition("[")[0]
    return fnmatchcase(compared, pattern.replace("[", "[[]"))


def read_rubric(path: Path = RUBRIC) -> Rubric:
    """Raises RubricError for whatever is not as the head of this module says."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RubricError(f"{path} cannot be read: {error}") from error
    if not written:
        raise RubricError(f"{path} holds no task: write one, such as [saliency]")
    rubric = Rubric(tuple(read_task(name, table) for name, table in written.items()))
    check_that_patterns_differ(rubric)
    return rubric


def read_task(name: str, table: object) -> Task:
    require(isinstance(table, dict), name, "is no task: write [" + name + "] and its keys below")
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    check_keys(name, table.keys() - tables.keys(), required=TASK_KEYS[:-1], allowed=TASK_KEYS)
    for key in ("title", "module"):
        require(is_text(table[key]), f"{name}.{key}", "must be a text")
    require(
        table["module"] in EDITABLE, f"{name}.module", f"is {table['module']!r}: choose one of {', '.join(EDITABLE)}"
    )
    require(is_list_of_texts(table["functions"]), f"{name}.functions", "must be a list of names")
    require(bool(tables), name, f"has no property: write one, such as [{name}.value]")
    gate = table.get("gate")
    require(gate is None or gate in tables, f"{name}.gate", f"is {gate!r}: choose one of {', '.join(tables)}")
    properties = tuple(read_property(f"{name}.{key}", key, value) for key, value in tables.items())
    return Task(name, table["title"], table["module"], tuple(table["functions"]), gate, properties)


def read_property(place: str, name: str, table: dict) -> Property:
    check_keys(place, table.keys(), required=("points", "tests"), allowed=("points", "tests"))
    points, tests = table["points"], table["tests"]
    is_number = isinstance(points, int | float) and not isinstance(points, bool)
    require(is_number and isfinite(points) and points > 0, f"{place}.points", f"is {points!r}: it must be above 0")
    require(is_list_of_texts(tests), f"{place}.tests", "must be a list of tests, with at least one")
    for test in tests:
        require("::" in test, f"{place}.tests", f"holds {test!r}: write test_file.py::test_name")
    return Property(name, points, tuple(tests))


def check_keys(place: str, keys: Iterable[str], required: Sequence[str], allowed: Sequence[str]) -> None:
    found = set(keys)
    for key in sorted(found - set(allowed)):
        raise RubricError(f"{place}.{key} is unknown: choose from {', '.join(allowed)}")
    for key in required:
        require(key in found, place, f"has no {key}")


def check_that_patterns_differ(rubric: Rubric) -> None:
    places: dict[str, str] = {}
    for task in rubric.tasks:
        for each in task.properties:
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
