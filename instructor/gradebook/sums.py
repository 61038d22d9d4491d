"""How each student's sum comes about: code and report, less what lateness costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from instructor.gradebook.lateness import Lateness, beyond_due, lateness
from instructor.gradebook.matching import Match
from instructor.gradebook.policy import Policy
from instructor.gradebook.results import CodeMarks, Part, ReportRecords, Section
from instructor.gradebook.roster import Roster, Student
from instructor.gradebook.times import Arrival, duration, moment
from instructor.marking.records import Mark
from instructor.marking.scheme import Question, Scheme

ADJUSTMENT = "the grader's adjustment"
LIMITS = "the limits of the question"
DECIMALS = 2  # as many as Canvas keeps


@dataclass(frozen=True)
class Entry:
    """A student's line in the gradebook. `submission` is the one that counts, "" if there is none.

    `open` says what is missing before there is a sum; `questions` is empty where the report is not marked here.
    """

    student: Student
    submission: str
    others: tuple[str, ...]  # submissions that do not count
    tasks: tuple[Section, ...]
    questions: tuple[Section, ...]
    late: Lateness
    handed_in: datetime | None
    time_source: str
    open: str = ""

    @property
    def code(self) -> float:
        return earned(self.tasks)

    @property
    def report(self) -> float:
        return earned(self.questions)

    @property
    def points(self) -> float:
        return sum(section.points for section in (*self.tasks, *self.questions))

    def total(self, policy: Policy) -> float | None:
        """None as long as something is open."""
        if self.open:
            return None
        return round((self.code + self.report) * self.late.factor(policy), DECIMALS)


def earned(sections: Sequence[Section]) -> float:
    return round(sum(section.earned or 0 for section in sections), DECIMALS)


def entries(
    roster: Roster,
    matched: Match,
    arrivals: Mapping[str, Arrival],
    code: Mapping[str, CodeMarks],
    report: ReportRecords | None,
    scheme: Scheme,
    policy: Policy,
) -> list[Entry]:
    """One for each student of the roster, in its order. Of several submissions, the last that came counts."""
    zone = policy.due.tzinfo if policy.due else None
    found = []
    for student in roster.students:
        of_student = sorted_by_time(matched.of[student.key], arrivals)
        submission = of_student[-1] if of_student else ""
        others = tuple(of_student[:-1])
        tasks = code.get(submission, CodeMarks((), "its code was not graded"))
        questions = questions_of(submission, report, scheme) if submission and report else ()
        late, at, source = how_late(student, arrivals.get(submission, Arrival()), policy, zone)
        reason = what_is_open(submission, tasks, questions)
        late = late if submission else Lateness()
        found.append(Entry(student, submission, others, tasks.tasks, questions, late, at, source, reason))
    return found


def sorted_by_time(submissions: Sequence[str], arrivals: Mapping[str, Arrival]) -> list[str]:
    """The last one last; those without a time come first, and equal times leave the order of the names."""
    times = {name: arrivals[name].at if name in arrivals else None for name in submissions}
    return sorted(submissions, key=lambda name: times[name].timestamp() if times[name] else float("-inf"))


def how_late(
    student: Student, arrival: Arrival, policy: Policy, zone: tzinfo | None
) -> tuple[Lateness, datetime | None, str]:
    """What the roster says goes first, since somebody may have corrected it."""
    said, at = duration(student.cells.get("lateness", "")), moment(student.cells.get("time"), zone)
    at, source = (at, "the roster") if at else (arrival.at, arrival.source)
    beyond = beyond_due(at, policy) if said is None or policy.due is None else said
    source = source if said is None else "the roster"
    extension, free = (number(student, column) for column in ("extension", "free"))
    late = lateness(beyond if beyond is not None else timedelta(0), policy, extension or 0, free)
    return late, at, source


def number(student: Student, column: str) -> float | None:
    """Raises ValueError for what is not a number."""
    cell = student.cells.get(column)
    if cell is None:
        return None
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        value = -1
    if not 0 <= value < 1000:
        raise ValueError(f"the roster gives {student.name} {cell!r} {column} days: write a number, 0 or more")
    return value


def questions_of(submission: str, report: ReportRecords, scheme: Scheme) -> tuple[Section, ...]:
    marks = report.marks.get(submission, {})
    return tuple(question_section(question, marks.get(question.name)) for question in scheme.questions)


def question_section(question: Question, mark: Mark | None) -> Section:
    """Criteria with what they earned, misconceptions with what they cost, and what else the grader gave or took."""
    if mark is None:
        return Section("Report", question.name, question.title, question.points, None)
    parts = [
        Part(each.name, each.points, each.points if each.name in mark.criteria else 0, each.full_answer)
        for each in question.criteria
    ]
    parts += [
        Part(each.name, 0, -each.cost, each.sentence)
        for each in question.misconceptions
        if each.name in mark.misconceptions
    ]
    if mark.adjustment:
        parts.append(Part(ADJUSTMENT, 0, mark.adjustment, mark.reason))
    rest = round(mark.points - sum(part.earned for part in parts), DECIMALS)
    if rest:
        words = f"A question has no fewer than 0 points, and no more than {question.points:g}."
        parts.append(Part(LIMITS, 0, rest, words))
    return Section("Report", question.name, question.title, question.points, mark.points, tuple(parts))


def what_is_open(submission: str, code: CodeMarks, questions: Sequence[Section]) -> str:
    if not submission:
        return "nothing was handed in"
    if code.problem:
        return code.problem
    waiting = [section.title for section in questions if section.earned is None]
    if waiting:
        return f"{len(waiting)} of {len(questions)} questions are not marked yet"
    return ""
