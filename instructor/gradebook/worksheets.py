"""Several LMSs in one run: beside the roster, exports of other LMSs, for what these import."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from instructor.gradebook.roster import Roster, RosterError, Student, read_roster
from instructor.gradebook.sums import Entry

SHARED = ("sid", "login", "email")  # ids that two LMSs may both have


def read_worksheets(roster: Roster, paths: Sequence[Path]) -> list[Roster]:
    """Raises RosterError for what is not an export of yet another LMS."""
    sheets: list[Roster] = []
    for path in paths:
        sheet = read_roster(path)
        if sheet.kind == "plain":
            raise RosterError(f"{path.name} is not an export of an LMS: only the first --roster may be any table")
        if sheet.kind in {other.kind for other in (roster, *sheets)}:
            raise RosterError(f"{path.name} is a second export of {sheet.kind.title()}: name one of each LMS")
        sheets.append(sheet)
    return sheets


def entries_in(sheet: Roster, found: Sequence[Entry]) -> list[Entry]:
    """Those of its students, in its order, with its ids and rows; who is not exactly one of the class is left out."""
    owners: dict[str, set[str]] = {}
    for entry in found:
        for word in words_of(entry.student):
            owners.setdefault(word, set()).add(entry.student.key)
    by_key = {entry.student.key: entry for entry in found}
    listed = []
    for student in sheet.students:
        keys = set().union(*(owners.get(word, set()) for word in words_of(student)))
        if len(keys) == 1:
            entry = by_key[keys.pop()]
            listed.append(replace(entry, student=replace(student, key=entry.student.key)))
    return listed


def words_of(student: Student) -> set[str]:
    return {student.ids[column].casefold() for column in SHARED if column in student.ids}


def notes_on_worksheet(sheet: Roster, listed: Sequence[Entry], found: Sequence[Entry]) -> list[str]:
    """Who is in one of the two alone."""
    rows, keys = {entry.student.row for entry in listed}, {entry.student.key for entry in listed}
    strangers = [student.name for student in sheet.students if student.row not in rows]
    absent = [entry.student.name for entry in found if entry.student.key not in keys]
    lms = sheet.kind.title()
    notes = [f"Left out of {sheet.kind}.csv, since no id is in the roster: {', '.join(strangers)}"] if strangers else []
    return notes + ([f"Not among the students of {lms}: {', '.join(absent)}"] if absent else [])
