"""What a grader has before them: one answer, its place in the order, and how far everybody is."""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from instructor.marking.database import transaction
from instructor.marking.entries import mark_from
from instructor.marking.order import Order
from instructor.marking.records import Answer, Mark, Records, Undone
from instructor.marking.recount import recounted
from instructor.marking.scheme import Question, Scheme

LONGEST_GRADER = 60  # characters
CLAIM = 600  # seconds for which an answer that somebody looks at is offered to nobody else


@dataclass(frozen=True)
class Drawing:
    """What the submitted code draws: the picture's digest, or the problem, and how like the submitted figure it is."""

    picture: str
    similarity: float
    problem: str


class Desk:
    """The records, seen through the mark scheme. `names` says whether students' names are shown."""

    def __init__(self, records: Records, scheme: Scheme, names: bool = False) -> None:
        self.records, self.scheme, self.names = records, scheme, names
        self.order = Order(records.setting("order", secrets.token_hex(16)))
        self.codes = {self.order.code(name): name for name in records.submissions()}
        self.orders = {each.name: self.order.of(each.name, self.codes.values()) for each in scheme.questions}

    def question(self, name: str) -> Question | None:
        return next((each for each in self.scheme.questions if each.name == name), None)

    def label(self, submission: str) -> str:
        """What a student is called in the page."""
        return submission if self.names else self.order.code(submission)

    def position(self, question: str, submission: str) -> int:
        return self.orders[question].index(submission)

    def neighbour(self, question: str, submission: str, step: int) -> str:
        """The next student in the order, or for -1 the one before; behind the last comes the first."""
        students = self.orders[question]
        return students[(self.position(question, submission) + step) % len(students)]

    def next_open(self, question: str, after: str | None, grader: str) -> str | None:
        """The next student whose answer is not marked, and whom no other grader looks at; None where none is left."""
        students = self.orders[question]
        start = self.position(question, after) + 1 if after else 0
        words = """
            SELECT submission FROM marks JOIN answers USING (question, submission)
            WHERE question = ? AND done AND marks.answer = answers.sha256
            UNION SELECT submission FROM claims WHERE question = ? AND grader != ? AND at > ?
        """
        rows = self.records.connection.execute(words, (question, question, grader, time.time() - CLAIM))
        taken = {row["submission"] for row in rows} | {after}
        return next((name for name in [*students[start:], *students[:start]] if name not in taken), None)

    def claim(self, question: str, submission: str, grader: str) -> list[str]:
        """Say that the grader looks at this answer; the other graders who do."""
        run = self.records.connection.execute
        with transaction(self.records.connection):
            run("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?)", (question, submission, grader, time.time()))
            words = "SELECT grader FROM claims WHERE question = ? AND submission = ? AND grader != ? AND at > ?"
            rows = run(words, (question, submission, grader, time.time() - CLAIM)).fetchall()
        return [row["grader"] for row in rows]

    def figure(self, submission: str, place: str) -> tuple[Path, str, str]:
        """Where the submission lies, the figure's place in it, and the figure's digest."""
        words = """
            SELECT submissions.place AS path, figures.sha256 AS sha256 FROM submissions
            JOIN figures ON figures.submission = submissions.name WHERE submissions.name = ? AND figures.place = ?
        """
        row = self.records.connection.execute(words, (submission, place)).fetchone()
        return Path(row["path"]), place, row["sha256"]

    def drawings(self, submission: str) -> dict[str, Drawing]:
        """By the names of figures, those that were drawn anew from the submission as it is."""
        words = """
            SELECT drawings.* FROM drawings JOIN submissions ON submissions.name = submission
            WHERE submission = ? AND made = sha256 AND drawings.name != ''
        """
        rows = self.records.connection.execute(words, (submission,))
        return {row["name"]: Drawing(row["picture"], row["similarity"], row["problem"]) for row in rows}

    def picture(self, sha256: str) -> bytes | None:
        row = self.records.connection.execute("SELECT jpeg FROM pictures WHERE sha256 = ?", (sha256,)).fetchone()
        return row and row["jpeg"]

    def sharing(self, question: str, submission: str) -> dict[str, list[str]]:
        """What the answer shares, and with which other students."""
        words = """
            SELECT reason, other FROM warnings WHERE question = ? AND submission = ? AND other != ''
            ORDER BY reason, other
        """
        found: dict[str, list[str]] = {}
        for row in self.records.connection.execute(words, (question, submission)):
            found.setdefault(row["reason"], []).append(row["other"])
        return found

    def enter(self, question: Question, submission: str, entry: object, grader: str) -> Mark:
        """Save what a page sent. Raises EntryError, Conflict, LookupError."""
        return self.records.save(submission, question.name, mark_from(question, entry, grader))

    def undo(self, grader: str) -> Undone | None:
        """Take back the grader's latest change, and count the mark by the scheme as it is now. Raises Conflict."""
        undone = self.records.undo(grader)
        question = self.question(undone.question) if undone else None
        if undone is None or question is None:
            return undone
        with transaction(self.records.connection):
            recounted(self.records, undone.submission, question)
        return undone._replace(mark=self.records.mark(undone.submission, question.name))

    def is_finished(self, question: str) -> bool:
        """Whether every answer to the question is marked."""
        return sum(self.counts(question).values()) == len(self.orders[question])

    def progress(self) -> dict[str, dict[str, int]]:
        """For each question, how many answers each grader has marked."""
        return {each.name: self.counts(each.name) for each in self.scheme.questions}

    def counts(self, question: str) -> dict[str, int]:
        """How many answers to the question each grader has marked."""
        words = """
            SELECT marks.grader AS grader, count(*) AS number FROM marks
            JOIN answers USING (question, submission)
            WHERE question = ? AND done AND marks.answer = answers.sha256 GROUP BY marks.grader
        """
        return {row["grader"]: row["number"] for row in self.records.connection.execute(words, (question,))}

    def flagged(self) -> list[tuple[str, str, str]]:
        """Question, student and grader of every mark that asks for a second look."""
        words = "SELECT question, submission, grader FROM marks WHERE flagged ORDER BY question, submission"
        return [(row["question"], row["submission"], row["grader"]) for row in self.records.connection.execute(words)]

    def warned(self) -> dict[str, list[str]]:
        """For each question, the students about whom there is a warning."""
        rows = self.records.connection.execute("SELECT DISTINCT question, submission FROM warnings ORDER BY submission")
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["question"], []).append(row["submission"])
        return found

    def is_changed(self, answer: Answer, mark: Mark) -> bool:
        """Whether the mark was given to another answer than the one that is there now."""
        return mark.done and mark.answer != answer.sha256
