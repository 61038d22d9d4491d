"""What the page says in a line: a number of points, what was undone, and why a figure is worth a second look."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from math import floor

from instructor.marking.desk import Drawing
from instructor.marking.records import Mark, Undone
from instructor.marking.scheme import Question
from instructor.marking.similarity import least


def counted(points: float) -> str:
    """The number with its noun: 1 point, 2.5 points."""
    return f"{points:g} {'point' if points == 1 else 'points'}"


def percent(share: float) -> str:
    """Rounded down, so that what is below a limit is written below it."""
    return f"{floor(100 * share + 1e-9)} %"


def given(mark: Mark) -> str:
    return f"{counted(mark.points)}, {'finished' if mark.done else 'not finished'}"


def undone_words(question: Question, label: str, undone: Undone) -> str:
    """Which change was taken back, of whose answer, with the points then and now."""
    before, now = given(undone.before), given(undone.mark)
    points = f"before {before}; now {now}" if before != now else f"still {now}"
    taken = ", ".join(changes(undone))
    words = f"Undone in {question.number} · {question.title}, answer of {label}: {points}."
    return f"{words} Taken back: {taken}." if taken else words


def changes(undone: Undone) -> Iterator[str]:
    """The entries that the change was about."""
    now, before = asdict(undone.mark), asdict(undone.before)
    for name in ("criteria", "misconceptions"):
        yield from (f"“{each}”" for each in sorted({*before[name]} ^ {*now[name]}))
    if (now["adjustment"], now["reason"]) != (before["adjustment"], before["reason"]):
        yield "the points beside the criteria"
    for name, words in (("comment", "the comment"), ("flagged", "the flag")):
        if now[name] != before[name]:
            yield words


def figure_lines(figures: Iterable[str], drawings: Mapping[str, Drawing], titles: Mapping[str, str]) -> Iterator[str]:
    """One for the figures that do not look as the submitted code draws them, one for those that it does not draw."""
    found = {name: drawings[name] for name in figures if name in drawings}
    unlike = {name: each.similarity for name, each in found.items() if each.picture and each.similarity < least(name)}
    for limit in sorted({least(name) for name in unlike}):
        first, *others = [(f"“{titles[name]}”", percent(unlike[name])) for name in unlike if least(name) == limit]
        words = f"{first[0]} is only {first[1]} like what the submitted code draws here"
        more = "".join(f", {title} only {share}" for title, share in others)
        yield f"{words}{more}; the limit is {percent(limit)}."
    missing = [f"“{titles[name]}”" for name, each in found.items() if not each.picture]
    if missing:
        yield f"The submitted code does not draw {', '.join(missing)}."
