"""What a person should look at before the marks go out."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from instructor.gradebook.exports import points_in, spoken
from instructor.gradebook.ledger import Change
from instructor.gradebook.matching import Match
from instructor.gradebook.policy import Policy
from instructor.gradebook.results import ReportRecords
from instructor.gradebook.roster import Roster
from instructor.gradebook.sums import Entry
from instructor.gradebook.times import duration, moment

NO_TIME = ("-", "–", "Never")


def notes_on(found: Sequence[Entry], matched: Match, policy: Policy, report: ReportRecords | None) -> list[str]:
    """What a person should look at."""
    notes = [
        f"Missing, nothing handed in: {entry.student.name} ({entry.student.key})"
        for entry in found
        if not entry.submission
    ]
    notes += [f"Not exactly one student of the roster: {name}" for name in matched.unknown]
    twice = [entry for entry in found if entry.others]
    notes += [
        f"Handed in {1 + len(each.others)} times: {each.student.name}; {each.submission} counts, as the last"
        f"{'' if each.handed_in else ' by name, since no times are known'}"
        for each in twice
    ]
    notes += [f"No sum: {entry.student.name}: {entry.open}" for entry in found if entry.submission and entry.open]
    owners = {name: [e.student.name for e in found if name in (e.submission, *e.others)] for name in matched.guessed}
    notes += [f"{name} is taken for {', '.join(names)}, by the beginning of its name" for name, names in owners.items()]
    notes += notes_on_lateness(found, policy)
    notes += [] if report else ["The sums are of the code alone: nobody has marked the report yet"]
    flagged = flags(found, report)
    notes += [f"Flagged for a second look: {flagged} {'mark' if flagged == 1 else 'marks'}"] if flagged else []
    return notes


def notes_on_lateness(found: Sequence[Entry], policy: Policy) -> list[str]:
    handed_in = [entry for entry in found if entry.submission]
    if policy.due is None:
        ignored = any(duration(entry.student.cells.get("lateness", "")) for entry in handed_in)
        also = "; what the roster says of lateness is not charged" if ignored else ""
        return [f"Nothing is late, since the policy names no due date{also}"]
    notes = [f"Late: {entry.student.name}, {entry.late.in_words(policy)}" for entry in handed_in if entry.late.days]
    timeless = [entry.student.name for entry in handed_in if not entry.time_source]
    notes += (
        [f"Hand-in time unknown, so not late: {', '.join(timeless)}; --submissions supplies it"] if timeless else []
    )
    sources = sorted({entry.time_source for entry in handed_in} - {""})
    notes += [f"Times are from {' and '.join(sources)}"] if sources else []
    cells = [(entry.student.name, entry.student.cells.get("time", "-")) for entry in handed_in]
    notes += [
        f"The roster's time for {name} cannot be read, and is not used: {cell!r}"
        for name, cell in cells
        if cell not in NO_TIME and moment(cell, UTC) is None
    ]
    return notes


def flags(found: Sequence[Entry], report: ReportRecords | None) -> int:
    names = {entry.submission for entry in found if entry.submission}
    return sum(mark.flagged for name in names for mark in report.marks.get(name, {}).values()) if report else 0


def notes_on_lms(roster: Roster, found: Sequence[Entry], policy: Policy) -> list[str]:
    """Where the LMS has another maximum, its percentages would be wrong."""
    points = max((entry.points for entry in found), default=0)
    there = points_in(roster, policy.title)
    if there is None or there == points:
        return []
    return [f"The LMS gives this assignment {there:g} points, the gradebook {points:g}: set {points:g} there first"]


def notes_on_changes(found: Sequence[Entry], changes: Mapping[str, Change | None]) -> list[str]:
    """Whose marks are others than before."""
    notes = []
    for entry in found:
        if moved := changes[entry.student.key]:
            parts = ", ".join(f"{title} {spoken(old)} → {spoken(new)}" for title, old, new in moved.parts)
            new = spoken(moved.new_total) or "open"
            notes.append(f"{moved.title}: {entry.student.name}, {spoken(moved.old_total)} → {new} ({parts})")
    return notes
