"""How marks are put into words, alike in every kind of report."""

from collections.abc import Iterable

from instructor.grading.marks import CriterionMark, Marks, TaskMark
from instructor.grading.shown import shown, shown_lines
from kit.assignment import TABLE
from kit.unwritten import UNWRITTEN

MOST_COMPLAINTS = 5  # of one criterion, and as many tests of each
LONGEST_REASON = 300  # characters
LONGEST_MESSAGE = 1200
LONGEST_PRINTED = 4000


def number(points: float) -> str:
    return f"{points:g}"


def share(earned: float, points: float) -> str:
    return f"{number(earned)} of {number(points)}"


def sum_line(marks: Marks) -> str:
    """How the sum comes about, such as "4 + 3 + 0 + 2 = 9 of 12"."""
    return f"{' + '.join(number(task.earned) for task in marks.tasks)} = {share(marks.earned, marks.points)}"


def label(mark: CriterionMark) -> str:
    return mark.name.replace("_", " ")


def reason(mark: CriterionMark) -> str:
    return shown(mark.reason, LONGEST_REASON)


def barriers(task: TaskMark) -> list[str]:
    """Why several criteria of a task had no code to judge: said once, above them."""
    return [sentence(shown(words, LONGEST_REASON)) for words in task.barriers]


def sentence(words: str) -> str:
    """What stands alone begins with a capital, unless it is the name of a file."""
    return words[0].upper() + words[1:] if words.startswith(UNWRITTEN) else words


def own_reason(task: TaskMark, mark: CriterionMark) -> str:
    """What is said beside a criterion."""
    return "" if mark.barrier in task.barriers else reason(mark)


def meaning(mark: CriterionMark) -> str:
    """What a criterion of this name asks, if the table says so, and if there was anything to ask it of."""
    return "" if mark.barrier else TABLE.get("criteria", {}).get(mark.name, "")


def complaints(mark: CriterionMark) -> list[tuple[list[str], str]]:
    """What failed, together where it says the same, and what it says. Hidden tests are counted, not named."""
    told: dict[str, list[str]] = {}
    if mark.barrier:
        return []
    for outcome in sorted(mark.outcomes, key=lambda outcome: outcome.vagueness):
        if not outcome.passed and not outcome.hidden:
            message = shown_lines(outcome.message.strip(), LONGEST_MESSAGE)
            told.setdefault(message, []).append(shown(outcome.statement or outcome.test))
    found = [(first_few([*dict.fromkeys(tests)]), message) for message, tests in told.items()]
    left = sum(len(tests) for tests, _ in found[MOST_COMPLAINTS:])
    hidden = sum(outcome.hidden and not outcome.passed for outcome in mark.outcomes)
    others = [counted(left, "more test")] * bool(left) + [counted(hidden, "hidden test")] * bool(hidden)
    return found[:MOST_COMPLAINTS] + [([f"and {words}"], "") for words in others if found]


def code_apart(text: str) -> list[tuple[bool, str]]:
    """The parts of a text of the kit's own, and whether they stand between backticks."""
    parts = enumerate(shown(text).split("`"))
    return [(bool(number % 2), part) for number, part in parts if part]


def first_few(tests: list[str]) -> list[str]:
    left = len(tests) - MOST_COMPLAINTS
    return tests[:MOST_COMPLAINTS] + [f"and {counted(left, 'more test')}"] * (left > 0)


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def printed(marks: Marks) -> str:
    return shown_lines(marks.printed.strip("\n"), LONGEST_PRINTED)


def lines(texts: Iterable[str]) -> list[str]:
    return [shown(text) for text in texts]
