"""`python -m instructor gradebook OUT --roster roster.csv`: the gradebook, whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from instructor.gradebook import exports
from instructor.gradebook.class_page import class_page
from instructor.gradebook.csv_table import as_csv
from instructor.gradebook.feedback import environment, feedback
from instructor.gradebook.files import file_name, moodle_zip
from instructor.gradebook.folder import GradebookError, new_folder
from instructor.gradebook.ledger import Change, change, read_ledger, renewed, write_ledger
from instructor.gradebook.matching import match
from instructor.gradebook.notes import notes_on, notes_on_changes, notes_on_lms
from instructor.gradebook.policy import POLICY, Policy, read_policy
from instructor.gradebook.press import printed
from instructor.gradebook.results import CodeMarks, ReportRecords, code_marks, report_records
from instructor.gradebook.roster import Roster, read_roster
from instructor.gradebook.sums import Entry, entries
from instructor.gradebook.times import Arrival, arrivals
from instructor.gradebook.worksheets import entries_in, notes_on_worksheet, read_worksheets
from instructor.grading.batch.run import GRADEBOOK, submissions
from instructor.grading.reports import table
from instructor.grading.rubric import read_rubric
from instructor.grading.shown import shown
from instructor.marking.records import Answer, Mark
from instructor.marking.scheme import load_scheme

LMS = {"canvas": exports.for_canvas, "moodle": exports.for_moodle, "gradescope": exports.for_gradescope}


def gradebook(
    out: Path,
    roster_path: Path,
    submissions_folder: Path | None = None,
    policy_path: Path = POLICY,
    *,
    worksheets: Sequence[Path] = (),
    trial: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """Write OUT/gradebook/, and say who is missing, unknown or there twice. Returns the exit status 0.

    `worksheets` are exports of other LMSs than the roster, which get their tables, too.
    A trial makes no PDF and is forgotten: no later run compares its marks with it.
    Raises GradebookError, and ValueError for a roster, a policy or records that are not in order.
    """
    roster, policy, scheme = read_roster(roster_path), read_policy(policy_path), load_scheme()
    sheets = read_worksheets(roster, worksheets)
    code = code_marks(out, read_rubric())
    if not code:
        raise GradebookError(f"{out} holds no graded submissions: run `python -m instructor batch` first")
    report = report_records(out, scheme)
    came = arrivals_in(submissions_folder, code) if submissions_folder else {}
    matched = match(roster, code, came)
    found = entries(roster, matched, came, code, report, scheme, policy)
    notes = [
        f"Recounted by the mark scheme as it is now: {each.in_words()}" for each in (report.recounted if report else ())
    ]
    lists = [(roster, found), *((sheet, entries_in(sheet, found)) for sheet in sheets)]
    notes += notes_on(found, matched, policy, report)
    notes += [note for sheet, _ in lists for note in notes_on_lms(sheet, found, policy)]
    notes += [note for sheet, listed in lists[1:] for note in notes_on_worksheet(sheet, listed, found)]
    notes += [f"Handed in, and not graded: {name}; run the batch again" for name in sorted(came.keys() - code.keys())]
    with new_folder(out / GRADEBOOK) as folder:
        told = read_ledger(out / GRADEBOOK)
        ledger = renewed(told, found, policy)
        changes = {entry.student.key: change(*ledger[entry.student.key]) for entry in found}
        write_ledger(folder, told if trial else ledger)
        rows = exports.whole_table(found, policy, changes)
        (folder / "gradebook.csv").write_bytes(table.as_csv(rows))
        (folder / "gradebook.xlsx").write_bytes(table.as_workbook(rows))
        made = tables(lists, policy)
        pages = write_feedback(folder, found, policy, changes, report, with_pdf=not trial)
        made["moodle-feedback.zip"] = moodle_zip(
            [entry for entry in of_lms("moodle", lists)[1] if not entry.open], pages
        )
        for name, content in made.items():
            if isinstance(content, bytes):
                (folder / name).write_bytes(content)
        notes += notes_on_changes(found, changes)
        (folder / "class.html").write_bytes(class_page(found, policy, notes, environment()))
    tell(say, notes, made)
    sums = sum(entry.total(policy) is not None for entry in found)
    say(f"{sums} of {len(found)} students have a sum: {out / GRADEBOOK}")
    if trial:
        say("A trial without PDFs: no later run compares its marks with these.")
    return 0


def tell(say: Callable[[str], None], notes: Sequence[str], made: Mapping[str, bytes | str | None]) -> None:
    """What a person should look at, and which tables there are not."""
    for note in notes:
        say(f"• {shown(note, 1000)}")
    if strange := [name for name, content in made.items() if content is None]:
        say(f"• Not written, since the roster has no ids of that LMS: {', '.join(strange)}")
    for name, reason in made.items():
        if isinstance(reason, str):
            say(f"✗ {name} was not written: {reason}")


def arrivals_in(folder: Path, code: Mapping[str, CodeMarks]) -> dict[str, Arrival]:
    if not folder.is_dir():
        raise GradebookError(f"{folder} is not a folder: name the one that was given to `batch`")
    found = arrivals(folder, submissions(folder))
    if not found.keys() & code.keys():
        raise GradebookError(f"{folder} holds none of the submissions that were graded: name the one given to `batch`")
    return found


def of_lms(name: str, lists: Sequence[tuple[Roster, list[Entry]]]) -> tuple[Roster, list[Entry]]:
    """Its own list of the students, else the roster."""
    return next((each for each in lists if each[0].kind == name), lists[0])


def tables(lists: Sequence[tuple[Roster, list[Entry]]], policy: Policy) -> dict[str, bytes | str | None]:
    """What the LMSs import, by the names of the files; or why not, or None where no list has ids of that LMS."""
    made = {f"{name}.csv": export(*of_lms(name, lists), policy) for name, export in LMS.items()}
    return {name: as_csv(rows) if isinstance(rows, list) else rows for name, rows in made.items()}


def write_feedback(
    folder: Path,
    found: Sequence[Entry],
    policy: Policy,
    changes: Mapping[str, Change | None],
    report: ReportRecords | None,
    *,
    with_pdf: bool,
) -> dict[str, dict[str, bytes]]:
    """A page for everybody who has handed in; returned too, by key and name of the file."""
    pages = {
        entry.student.key: feedback(entry, policy, changes[entry.student.key], *of_submission(report, entry.submission))
        for entry in found
        if entry.submission
    }
    written = printed(pages, with_pdf)
    (folder / "feedback").mkdir()
    for key, files in written.items():
        for name, content in files.items():
            (folder / "feedback" / f"{file_name(key)}{Path(name).suffix}").write_bytes(content)
    return written


def of_submission(report: ReportRecords | None, submission: str) -> tuple[Mapping[str, Mark], Mapping[str, Answer]]:
    return (report.marks.get(submission, {}), report.answers.get(submission, {})) if report else ({}, {})
