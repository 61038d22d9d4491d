"""Several LMSs in one run: beside the roster, exports of other LMSs, for what these import."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from instructor.gradebook.roster import Roster, RosterError, Student, read_roster
from instructor.gradebook.sums import Entry

SHARED = ("sid", "login", "email")  # ids that two LMSs may both have
Names = set[tuple[str, str]]  # an id with its kind


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
    names = [(entry, names_of(entry.student)) for entry in found]
    pairs = [(there, [entry for entry, known in names if known & names_of(there)]) for there in sheet.students]
    claims = Counter(entry.student.key for _, entries in pairs for entry in entries)
    return [
        replace(entries[0], student=replace(there, key=entries[0].student.key))
        for there, entries in pairs
        if len(entries) == 1 and claims[entries[0].student.key] == 1
    ]


def names_of(student: Student) -> Names:
    """Some logins are e-mail addresses."""
    names = {(column, student.ids[column].casefold()) for column in SHARED if column in student.ids}
    return names | {("email", value) for column, value in names if column == "login" and "@" in value}


def notes_on_worksheet(sheet: Roster, listed: Sequence[Entry], found: Sequence[Entry]) -> list[str]:
    """Who is in one of the two alone."""
    rows, keys = {entry.student.row for entry in listed}, {entry.student.key for entry in listed}
    strangers = [student.name for student in sheet.students if student.row not in rows]
    absent = [entry.student.name for entry in found if entry.student.key not in keys]
    notes = {
        f"Left out of {sheet.kind}.csv, since their ids are not exactly one student's of the roster": strangers,
        f"Not among the students of {sheet.kind.title()}": absent,
    }
    return [f"{words}: {', '.join(names)}" for words, names in notes.items() if names]
