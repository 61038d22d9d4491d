"""The gradebook as tables: one with everything, and those that Canvas, Moodle and Gradescope import.

Canvas: https://community.canvaslms.com, "How do I import grades in the Gradebook?"
Moodle: https://docs.moodle.org, "Offline grading worksheet" and "Grade import"
Gradescope: https://guides.gradescope.com, "Exporting grades"; it names students by SID and e-mail address
"""

import re
from collections.abc import Mapping, Sequence

from instructor.gradebook.ledger import Change
from instructor.gradebook.policy import Policy
from instructor.gradebook.results import Section
from instructor.gradebook.roster import Roster
from instructor.gradebook.sums import Entry
from instructor.grading.reports.table import Table

Rows = list[list[str]]  # of an export; it is None where the roster has no ids of that LMS, and a text if it is spoilt
CANVAS_INFORMATION = ("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section")
WORKSHEET = ("Grade", "Last modified (grade)")  # without these, Moodle refuses a worksheet


def number(value: float | None) -> str:
    """As many decimals as it has, none if it is whole; "" for None."""
    return "" if value is None else f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def spoken(value: float | None) -> str:
    """The same for people, with a minus sign."""
    return number(value).replace("-", "−")


def whole_table(entries: Sequence[Entry], policy: Policy, changes: Mapping[str, Change | None]) -> Table:
    """A line for each student, with every mark, and why there is no sum."""
    sections = dict.fromkeys(section.label for entry in entries for section in (*entry.tasks, *entry.questions))
    ids = [column for column in ("sid", "login", "email") if any(column in entry.student.ids for entry in entries)]
    head = ["name", *ids, "group", "submission", "handed in", "days late"]
    head += ["code", "report", "for being late", "total", "points possible", "total before", "why no total"]
    head += ["handed in, not counted"]
    table: Table = [[*head, *sections]]
    for entry in entries:
        student, total, moved = entry.student, entry.total(policy), changes.get(entry.student.key)
        marks = {section.label: section.earned for section in (*entry.tasks, *entry.questions)}
        at = entry.handed_in.isoformat(" ", "minutes") if entry.handed_in and entry.submission else ""
        about = [student.name, *(student.ids.get(column, "") for column in ids), student.group, entry.submission, at]
        lost = "" if total is None else round(total - entry.code - entry.report, 2)
        sums: list[str | float] = [
            entry.late.days if entry.submission else "",
            entry.code if has_marks(entry.tasks) else "",
            entry.report if has_marks(entry.questions) else "",
            lost,
            "" if total is None else total,
            entry.points if entry.submission else "",
            moved.old_total if moved else "",
            entry.open,
            ", ".join(entry.others),
        ]
        each = [marks.get(label) for label in sections]
        table.append([*about, *sums, *("" if value is None else value for value in each)])
    return table


def has_marks(sections: Sequence[Section]) -> bool:
    return any(section.earned is not None for section in sections)


def for_canvas(roster: Roster, entries: Sequence[Entry], policy: Policy) -> Rows | None:
    """Its information columns as they came, and one of grades."""
    if roster.kind != "canvas":
        return None
    header = roster.table.header
    kept = [place for place, name in enumerate(header) if name in CANVAS_INFORMATION]
    title = canvas_title(header, policy.title)
    points = max((entry.points for entry in entries), default=0)
    above = [["    Points Possible", *[""] * (len(kept) - 1), number(points)]]
    rows = [[*(entry.student.row[place] for place in kept), number(entry.total(policy))] for entry in entries]
    return [[*(header[place] for place in kept), title], *above, *rows]


def canvas_title(header: Sequence[str], title: str) -> str:
    """The column of the gradebook that bears the title, with Canvas's number."""
    form = re.compile(rf"{re.escape(title)} \(\d+\)", re.IGNORECASE)
    return next((name for name in header if name == title or form.fullmatch(name)), title)


def for_moodle(roster: Roster, entries: Sequence[Entry], policy: Policy) -> Rows | str | None:
    """The grading worksheet as it came, with grades; for other rosters, what Moodle's import of grades can map."""
    header = roster.table.header
    if roster.kind == "moodle" and "participant" in roster.places:
        missing = [name for name in WORKSHEET if name not in header]
        if missing:
            return f"the worksheet has no column {' and no '.join(missing)}: download it again, in English"
        place = header.index("Grade")
        graded = [(entry, entry.total(policy)) for entry in entries]
        rows = [
            [
                number(total) if column == place and total is not None else cell
                for column, cell in enumerate(e.student.row)
            ]
            for e, total in graded
        ]
        return [header, *rows]
    if not any(entry.student.ids.get("email") for entry in entries):
        return None
    ids = [[entry.student.ids.get("sid", ""), entry.student.ids.get("email", "")] for entry in entries]
    rows = [[*known, number(entry.total(policy))] for known, entry in zip(ids, entries, strict=True)]
    return [["ID number", "Email address", policy.title], *rows]


def for_gradescope(roster: Roster, entries: Sequence[Entry], policy: Policy) -> Rows | None:
    """By SID and e-mail address, as in its own exports."""
    if not any(entry.student.ids.keys() & {"sid", "email"} for entry in entries):
        return None
    rows = []
    for entry in entries:
        cells, ids = entry.student.cells, entry.student.ids
        first, _, last = entry.student.name.rpartition(" ")
        names = [cells.get("first", first or last), cells.get("last", last if first else "")]
        total = number(entry.total(policy))
        state = "Graded" if total else "Ungraded" if entry.submission else "Missing"
        points = number(entry.points) if entry.submission else ""
        rows.append([*names, ids.get("sid", ""), ids.get("email", ""), total, points, state])
    return [["First Name", "Last Name", "SID", "Email", "Total Score", "Max Points", "Status"], *rows]


def points_in(roster: Roster, title: str) -> float | None:
    """How many points the LMS gives the assignment, if its export says so."""
    header, rows = roster.table.header, roster.table.rows
    column, cells = "", [""]
    if roster.kind == "canvas":
        column = canvas_title(header, title)
        cells = (
            [row[header.index(column)] for row in rows if "points possible" in row[0].lower()]
            if column in header
            else []
        )
    elif roster.kind == "moodle":
        column = next((name for name in header if name.lower() == "maximum grade"), "")
        cells = [row[header.index(column)] for row in rows] if column else []
    try:
        return float(cells[0].replace(",", "."))
    except (IndexError, ValueError):
        return None
