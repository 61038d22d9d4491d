"""The class in numbers: how the points are distributed, and which mistakes were made how often."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from instructor.gradebook.policy import Policy
from instructor.gradebook.results import Section
from instructor.gradebook.sums import ADJUSTMENT, LIMITS, Entry
from kit.unwritten import UNWRITTEN

BINS = 10
UNUSABLE = "its file is missing or cannot be used"
CLOSER_LOOK = "A closer look: "  # before the name of a known mistake, in what Gradescope is told


@dataclass(frozen=True)
class Distribution:
    """`bins` counts the shares of the points from 0 to 1 in equal steps; all points are in the last."""

    title: str
    points: float
    count: int
    mean: float
    median: float
    full: int  # how many have all points
    none: int
    bins: tuple[int, ...]


@dataclass(frozen=True)
class Mistake:
    """`where` names task or question, `what` the criterion that was lost, the known mistake or the misconception."""

    where: str
    what: str
    count: int
    of: int
    kind: str


def distribution(title: str, points: float, values: Sequence[float], bins: int = BINS) -> Distribution | None:
    """None where nobody has a value."""
    if not values or points <= 0:
        return None
    places = Counter(min(int(bins * max(value, 0) / points + 1e-9), bins - 1) for value in values)
    full, none = sum(value >= points for value in values), sum(value <= 0 for value in values)
    counts = tuple(places[number] for number in range(bins))
    return Distribution(title, points, len(values), mean(values), median(values), full, none, counts)


def once_each(entries: Sequence[Entry]) -> list[Entry]:
    """One entry for each submission: the work of a group counts once."""
    return list({entry.submission: entry for entry in entries if entry.submission}.values())


def distributions(entries: Sequence[Entry], policy: Policy) -> dict[str, list[Distribution]]:
    """Of the sums of all students, and of what submissions have for each task and question."""
    totals = [(total, entry.points) for entry in entries if (total := entry.total(policy)) is not None]
    points = max((of for _, of in totals), default=0)
    works = once_each(entries)
    found = {
        "Sum": [distribution("Sum", points, [total for total, _ in totals], bins=20)],
        "Code": [of_section(section, works) for section in longest([entry.tasks for entry in works])],
        "Report": [of_section(section, works) for section in longest([entry.questions for entry in works])],
    }
    return {name: [each for each in group if each] for name, group in found.items()}


def longest(sections: Sequence[Sequence[Section]]) -> Sequence[Section]:
    return max(sections, key=len, default=())


def of_section(section: Section, works: Sequence[Entry]) -> Distribution | None:
    every = [each for entry in works for each in (*entry.tasks, *entry.questions)]
    values = [each.earned for each in every if each.label == section.label and each.earned is not None]
    return distribution(section.title, section.points, values)


def mistakes(entries: Sequence[Entry]) -> list[Mistake]:
    """The most frequent first, counted in submissions that have marks for the task or the question."""
    works = once_each(entries)
    counts: Counter[tuple[str, str, str]] = Counter()
    marked: Counter[str] = Counter()
    for entry in works:
        for section in (*entry.tasks, *entry.questions):
            if section.earned is None:
                continue
            marked[section.label] += 1
            counts.update({(section.label, what, kind): 1 for what, kind in lost(section, section in entry.questions)})
    rows = [Mistake(where, what, count, marked[where], kind) for (where, what, kind), count in counts.items()]
    return sorted(rows, key=lambda row: (-row.count, row.where, row.what))


def lost(section: Section, is_question: bool) -> list[tuple[str, str]]:
    """What went wrong in a task or a question, each thing once, with its kind. Code that is not there is one thing."""
    barred = [part for part in section.parts if part.barred]
    found = [(UNWRITTEN if part.words.startswith(UNWRITTEN) else UNUSABLE, "task") for part in barred]
    found += [
        (part.name, "criterion")
        for part in section.parts
        if part.points and part.earned < part.points and part not in barred
    ]
    if is_question:
        found += [
            (part.words, "misconception")
            for part in section.parts
            if not part.points and part.name not in (ADJUSTMENT, LIMITS)
        ]
    lines = [line for part in section.parts for line in part.words.splitlines()]
    found += [(line.removeprefix(CLOSER_LOOK), "known mistake") for line in lines if line.startswith(CLOSER_LOOK)]
    return list(dict.fromkeys(found))
