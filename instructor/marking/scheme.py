"""`scheme.toml`, the mark scheme of the report, read and checked.

Titles and points of the questions come from kit/assignment.toml, their texts and model answers from the report that
instructors have.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isclose, isfinite
from pathlib import Path
from typing import Any

from instructor.marking.asked import QUESTION_HEADING, figure_titles, question_texts
from instructor.release.markers import regions
from kit.assignment import QUESTIONS, REPORT
from kit.paths import KIT

SCHEME = Path(__file__).with_name("scheme.toml")
ALTERNATIVE = "|"


class SchemeError(ValueError):
    """The scheme is not in order; the message names file, question and entry."""


@dataclass(frozen=True)
class Criterion:
    """What earns points: all of them, or none."""

    name: str
    points: float
    full_answer: str  # Markdown, for the grader
    words: tuple[str, ...]  # a full answer holds every entry, in one of its alternatives


@dataclass(frozen=True)
class Misconception:
    """What costs points, and the sentence in Markdown that the student reads."""

    name: str
    cost: float
    sentence: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    number: int
    name: str
    title: str
    text: str  # Markdown, as the report asks it
    points: float
    model_answer: str  # Markdown
    criteria: tuple[Criterion, ...]
    misconceptions: tuple[Misconception, ...]

    def earned(self, criteria: Collection[str], misconceptions: Collection[str] = (), adjustment: float = 0.0) -> float:
        """The points for these criteria, less what these misconceptions cost, with the grader's own adjustment.

        Never below 0, and never above the question's points. Others' names count 0.
        """
        won = sum(each.points for each in self.criteria if each.name in criteria)
        lost = sum(each.cost for each in self.misconceptions if each.name in misconceptions)
        return min(self.points, max(0, won - lost + adjustment))


@dataclass(frozen=True)
class Scheme:
    questions: tuple[Question, ...]
    figure_titles: Mapping[str, str]  # by the figures' names

    @property
    def points(self) -> float:
        return sum(question.points for question in self.questions)

    def __getitem__(self, name: str) -> Question:
        return next(question for question in self.questions if question.name == name)


def load_scheme(path: Path = SCHEME, report: Path = KIT / REPORT) -> Scheme:
    """All questions of the report, in its order. Raises SchemeError for whatever is not as the scheme's head says."""
    try:
        entries, given = tomllib.loads(path.read_text("utf-8")), report.read_text("utf-8")
        answers = model_answers(given)
    except (OSError, ValueError) as error:
        raise SchemeError(f"the mark scheme cannot be read: {error}") from error
    for name in entries:
        require(name in QUESTIONS, path, name, f"is not a question of the report: choose from {', '.join(QUESTIONS)}")
    for name in QUESTIONS:
        require(name in entries, path, name, f"has no criteria: write [{name}.criteria.NAME]")
        require(name in answers, path, name, f"has no model answer in {report}: write one between the markers")
    texts = question_texts(given)
    questions = (
        read_question(number, name, entries[name], texts[name], answers[name], path)
        for number, name in enumerate(QUESTIONS, start=1)
    )
    return Scheme(tuple(questions), figure_titles(given))


def model_answers(report: str) -> dict[str, str]:
    """What stands between the markers of the report's Markdown, for each question."""
    found: dict[str, list[str]] = {}
    lines = report.split("\n")
    for region in regions(report, REPORT):
        headings = (QUESTION_HEADING.match(line) for line in reversed(lines[: region.begin]))
        name = next((heading["name"] for heading in headings if heading), None)
        if name:
            found.setdefault(name, []).append("\n".join(region.lines).strip())
    return {name: "\n\n".join(parts) for name, parts in found.items()}


def uses(words: Collection[str], answer: str) -> bool:
    """Whether the answer holds every entry, whatever its line breaks, capitals and emphasis. Raises no error."""
    text = flat(answer)
    return all(any(flat(word) in text for word in entry.split(ALTERNATIVE)) for entry in words)


def flat(text: str) -> str:
    return " ".join(text.replace("*", "").casefold().split())


def read_question(number: int, name: str, entry: Mapping, text: str, answer: str, path: Path) -> Question:
    check_keys(entry, ("criteria", "misconceptions"), (), path, name)
    criteria = tuple(
        Criterion(key, *amounts(value, "points", "full_answer", path, f"{name}.criteria.{key}"))
        for key, value in entry["criteria"].items()
    )
    misconceptions = tuple(
        Misconception(key, *amounts(value, "cost", "sentence", path, f"{name}.misconceptions.{key}"))
        for key, value in entry["misconceptions"].items()
    )
    title, points = QUESTIONS[name]["title"], QUESTIONS[name]["points"]
    total = sum(each.points for each in criteria)
    require(
        isclose(total, points), path, f"{name}.criteria", f"add up to {total:g} points: the question has {points:g}"
    )
    for each in criteria:
        require(bool(each.words), path, f"{name}.criteria.{each.name}", "has no words: say what a full answer uses")
    for mistake in misconceptions:
        place, cost = f"{name}.misconceptions.{mistake.name}.cost", mistake.cost
        require(cost <= points, path, place, f"is {cost:g}: the question has {points:g} points")
    return Question(number, name, title, text, points, answer, criteria, misconceptions)


def amounts(entry: Any, amount: str, text: str, path: Path, place: str) -> tuple[float, str, tuple[str, ...]]:
    """The number, the text and the words of a criterion or a misconception."""
    check_keys(entry, (amount, text), ("words",), path, place)
    number, words = entry[amount], entry.get("words", [])
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    require(is_number and isfinite(number) and number > 0, path, f"{place}.{amount}", f"is {number!r}: must be above 0")
    require(is_text(entry[text]), path, f"{place}.{text}", "is empty: write a sentence")
    alternatives = (
        [part for entry in words for part in str(entry).split(ALTERNATIVE)] if isinstance(words, list) else [""]
    )
    require(all(map(is_text, [*words, *alternatives])), path, f"{place}.words", "must be a list of words, none empty")
    return number, entry[text], tuple(words)


def check_keys(entry: Any, required: Collection[str], optional: Collection[str], path: Path, place: str) -> None:
    require(isinstance(entry, dict), path, place, "is not a table: write its keys below")
    for key in entry:
        require(key in (*required, *optional), path, f"{place}.{key}", f"is unknown: choose from {', '.join(required)}")
    for key in required:
        require(key in entry and entry[key] != {}, path, place, f"has no {key}")


def require(condition: bool, path: Path, place: str, complaint: str) -> None:
    if not condition:
        raise SchemeError(f"{path.name}: {place} {complaint}")


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
