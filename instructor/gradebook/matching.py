"""Whose submission is whose: by the names that LMSs give to folders and archives, by metadata, and by groups."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from instructor.gradebook.roster import Roster, Student
from instructor.gradebook.times import Arrival

AGAIN = re.compile(r" \(\d+\)$")  # what a batch appends to the second of a name
GRADESCOPE = re.compile(r"submission_(\d+)")
MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_")


@dataclass(frozen=True)
class Match:
    """The submissions of each student, by key and in the order of their names, and those that are nobody's.

    `guessed` are those whose name begins with somebody's id or name and holds nothing else of theirs: a person should
    look at them.
    """

    of: dict[str, tuple[str, ...]]
    unknown: tuple[str, ...]
    guessed: tuple[str, ...] = ()


class Directory:
    """The class, by everything that a submission may call a student."""

    def __init__(self, roster: Roster) -> None:
        students = roster.students
        self.by_id = {column: index(students, column) for column in ("canvas", "participant")}
        self.anything = keys_by((word, each) for each in students for word in {*map(plain, words_for(each))})
        self.groups = keys_by((plain(each.group), each) for each in students)
        self.submissions = keys_by((each.cells.get("submission", ""), each) for each in students)

    def owners(self, submission: str, arrival: Arrival) -> list[str]:
        """The keys of those who handed it in; none if that cannot be told."""
        name = AGAIN.sub("", submission)
        if arrival.submitters:
            return [key for person in arrival.submitters for key in self.person(person)]
        if named := self.submissions.get(name) or self.submissions.get(GRADESCOPE.sub(r"\1", name)):
            return named
        for form, column in ((MOODLE, "participant"), (CANVAS, "canvas")):
            if lms := form.match(name):
                key = self.by_id[column].get(lms["id"])
                return [key] if key else self.called(lms["name"])
        return self.called(name)

    def person(self, words: Iterable[str]) -> list[str]:
        """The first of the words that fits one student decides."""
        for word in sorted(words, key=lambda word: ("@" not in word, not word.isalnum())):
            found = self.anything.get(plain(word), [])
            if len(found) == 1:
                return found
        return []

    def called(self, name: str) -> list[str]:
        """By an id, a name or a group."""
        found = self.anything.get(plain(name), [])
        return found if len(found) == 1 else self.groups.get(plain(name), [])

    def beginning(self, name: str) -> tuple[list[str], str]:
        """By the longest id, name or group that the name begins with, up to a dash or the like; not by one of two.

        Returned with the rest of the name.
        """
        if len(self.anything.get(plain(name), [])) > 1:
            return [], name
        for cut in reversed(cuts(name)):
            if plain(name[:cut]) and (found := self.called(name[:cut])):
                return found, name[cut + 1 :]
        return [], name

    def is_in(self, rest: str, owners: list[str]) -> bool:
        """Whether a part of it, between dashes or the like, calls the same students."""
        parts = combinations([-1, *cuts(rest), len(rest)], 2)
        return any(self.called(rest[start + 1 : end]) == owners for start, end in parts)


def match(roster: Roster, submissions: Iterable[str], arrivals: Mapping[str, Arrival]) -> Match:
    """Members of a group have what any of them handed in."""
    directory = Directory(roster)
    groups = {student.key: directory.groups.get(plain(student.group), [student.key]) for student in roster.students}
    found: dict[str, list[str]] = {student.key: [] for student in roster.students}
    unknown, guessed = [], []
    for submission in sorted(submissions, key=natural):
        arrival = arrivals.get(submission, Arrival())
        owners = directory.owners(submission, arrival)
        if not owners and not arrival.submitters:
            owners, rest = directory.beginning(submission)
            guessed += [submission] if owners and not directory.is_in(rest, owners) else []
        if not owners:
            unknown.append(submission)
        for key in dict.fromkeys(member for owner in owners for member in groups[owner]):
            found[key].append(submission)
    return Match({key: tuple(names) for key, names in found.items()}, tuple(unknown), tuple(guessed))


def cuts(name: str) -> list[int]:
    """Where a dash, an underscore or the like stands."""
    return [part.start() for part in re.finditer(r"[^\w@\s]|_", name)]


def keys_by(pairs: Iterable[tuple[str, Student]]) -> dict[str, list[str]]:
    """The keys of all students that go by a word; nobody goes by none."""
    found: dict[str, list[str]] = {}
    for word, student in pairs:
        if word:
            found.setdefault(word, []).append(student.key)
    return found


def index(students: Iterable[Student], column: str) -> dict[str, str]:
    """Keys by the digits at an id's end: Moodle writes "Participant 123", in the language of the site."""
    found = {}
    for student in students:
        if digits := re.search(r"\d+$", student.ids.get(column, "")):
            found[digits[0]] = student.key
    return found


def words_for(student: Student) -> list[str]:
    parts = student.name.split()
    names = ["".join(parts), "".join([*parts[-1:], *parts[:-1]])]
    mail = student.ids.get("email", "")
    return [student.key, *student.ids.values(), mail.partition("@")[0], *names]


def plain(word: str) -> str:
    """Without case, accents' spelling, spaces and punctuation but @ and the dots of addresses' domains."""
    text = unicodedata.normalize("NFKC", word).casefold()
    local, at, domain = text.partition("@")
    return "".join(filter(str.isalnum, local)) + at + domain


def natural(name: str) -> list[tuple[int, str]]:
    """So that `ada (10)` comes after `ada (9)`."""
    parts = enumerate(re.split(r"(\d+)", name))
    return [(int(part), "") if number % 2 else (-1, part) for number, part in parts]
