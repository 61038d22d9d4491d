"""Who is in the class: an export of Canvas, Moodle or Gradescope, or any table, recognized by its columns."""

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from instructor.gradebook.csv_table import CsvTable, TableError, read_csv

# What a column may be called, in lower case; the first that is there is taken.
COLUMNS = {
    "canvas": ("id",),
    "participant": ("identifier",),
    "sid": ("sis user id", "sid", "student id", "id number", "student number", "matriculation number", "id"),
    "login": ("sis login id", "login", "username", "login id"),
    "email": ("email", "email address", "e-mail", "e-mail address", "mail"),
    "name": ("student", "full name", "name", "student name"),
    "first": ("first name", "first", "given name", "firstname"),
    "last": ("last name", "last", "surname", "family name", "lastname"),
    "group": ("group", "group name", "team"),
    "section": ("section", "sections"),
    "submission": ("submission id", "submission"),
    "time": ("submission time", "last modified (submission)", "handed in", "submitted at"),
    "lateness": ("lateness (h:m:s)", "lateness"),
    "extension": ("extension days",),
    "free": ("free late days",),
}
IDS = ("sid", "login", "email", "canvas", "participant")
TEST_STUDENTS = {"student, test", "test student"}  # Canvas gives each course one
POINTS_POSSIBLE = re.compile(r"\s*points possible", re.IGNORECASE)  # Canvas's second line
POSTING = re.compile(r"\s*(muted|manual posting.*)?\s*", re.IGNORECASE)  # and the one between, where there is one


class RosterError(ValueError):
    """The roster cannot be used; the message names file, row or column and the remedy."""


@dataclass(frozen=True)
class Student:
    """`key` is unique in the class. `ids` holds what is known of IDS, `cells` the other columns that mean something."""

    key: str
    name: str
    ids: dict[str, str]
    cells: dict[str, str] = field(default_factory=dict)
    row: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.cells.get("group", "")


@dataclass(frozen=True)
class Roster:
    """`kind` is canvas, moodle, gradescope or plain; `places` says in which column of the table something stands."""

    kind: str
    table: CsvTable
    places: dict[str, int]
    students: tuple[Student, ...]


def read_roster(path: Path) -> Roster:
    """Raises RosterError for a table without names or ids, and for students who stand in it twice."""
    try:
        table = read_csv(path)
    except FileNotFoundError as error:
        raise RosterError(f"there is no {path}: export the roster from your LMS, or write id,name,email") from error
    except TableError as error:
        raise RosterError(str(error)) from error
    kind = kind_of([name.casefold() for name in table.header])
    places = places_of(table, kind)
    if not any(column in places for column in IDS):
        raise RosterError(
            f"{path.name} has no column that tells students apart: name one id, login or email. "
            f"It has {', '.join(table.header)}"
        )
    students = [student(row, places) for row in table.rows if is_student(row, places)]
    if not students:
        raise RosterError(f"{path.name} has no students: export it again")
    check(students, path.name)
    return Roster(kind, table, places, tuple(students))


def kind_of(header: list[str]) -> str:
    if "identifier" in header and "full name" in header:
        return "moodle"
    if "id" in header and "section" in header and ("student" in header or "sis login id" in header):
        return "canvas"
    if "sid" in header and "email" in header:
        return "gradescope"
    if {"first name", "email address"} <= set(header):
        return "moodle"
    return "plain"


def places_of(table: CsvTable, kind: str) -> dict[str, int]:
    """The number of each column that means something. Canvas alone numbers its students in `ID`."""
    header = [name.casefold() for name in table.header]
    found = {}
    for meaning, names in COLUMNS.items():
        own = [
            name for name in names if name in header and (name != "id" or (meaning == "canvas") == (kind == "canvas"))
        ]
        if own:
            found[meaning] = header.index(own[0])
    return found


def is_student(row: list[str], places: dict[str, int]) -> bool:
    """Canvas puts lines about its columns between header and students, and a student for tests at the end."""
    first = row[places.get("name", 0)]
    if POINTS_POSSIBLE.match(row[0]) or all(POSTING.fullmatch(cell) for cell in row):
        return False
    return first.strip().casefold() not in TEST_STUDENTS


def student(row: list[str], places: dict[str, int]) -> Student:
    cells = {meaning: clean(row[place]) for meaning, place in places.items() if row[place].strip()}
    ids = {name: cells[name] for name in IDS if name in cells}
    whole = " ".join(cells[part] for part in ("first", "last") if part in cells)
    name = turned(cells.get("name", "")) or whole
    key = next(iter(ids.values()), "")
    return Student(key, name or key, ids, {k: v for k, v in cells.items() if k not in ids}, tuple(row))


def clean(cell: str) -> str:
    return " ".join(unicodedata.normalize("NFC", cell).split())


def turned(name: str) -> str:
    """Canvas writes "Lovelace, Ada"."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma and "," not in first else name


def check(students: list[Student], name: str) -> None:
    for number, each in enumerate(students, start=1):
        if not each.key:
            raise RosterError(f"{name}: student {number} ({each.name or 'without a name'}) has no id, login or email")
    for column in IDS:
        taken: dict[str, Student] = {}
        for each in students:
            value = each.ids.get(column, "").casefold()
            if value and value in taken:
                raise RosterError(
                    f"{name}: {taken[value].name} and {each.name} have the same {column}, {each.ids[column]}: "
                    "keep one line for each student"
                )
            taken[value] = each
    keys = {each.key.casefold() for each in students}
    if len(keys) < len(students):
        raise RosterError(f"{name}: some students have ids that are others' logins: give each an id of one kind")
