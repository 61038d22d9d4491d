"""The marks that people gave, with all that was before them. Nobody overwrites unseen what another one wrote."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from instructor.marking.database import connect, transaction

LONGEST_COMMENT = 4000  # characters
LONGEST_REASON = 300
THE_SCHEME = "the mark scheme"  # who changes a mark by counting it anew


@dataclass(frozen=True)
class Answer:
    """What was handed in to a question: Markdown, and the places in the submission of the figures it refers to.

    `note` says in one line what of it is missing or cut, and `sha256` is that of text and figures.
    """

    submission: str
    question: str
    text: str
    note: str
    figures: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Mark:
    """What a grader has entered about an answer; `done` says that it counts.

    `adjustment` is what the grader gives or takes beside the scheme, for the `reason` that the student reads. `answer`
    is the fingerprint of the answer that was looked at. Version 0 is that of an answer nobody has touched.
    """

    points: float = 0.0
    criteria: list[str] = field(default_factory=list)
    misconceptions: list[str] = field(default_factory=list)
    comment: str = ""
    grader: str = ""
    flagged: bool = False
    version: int = 0
    done: bool = False
    answer: str = ""
    adjustment: float = 0.0
    reason: str = ""

    def says_the_same_as(self, other: "Mark") -> bool:
        """Whoever gave them, and when."""
        return replace(self, grader="", version=0) == replace(other, grader="", version=0)


class Conflict(Exception):
    """Somebody else has changed the mark since it was read: `current` is what it is now, `entered` is not saved."""

    def __init__(self, current: Mark, entered: Mark) -> None:
        super().__init__(f"{current.grader} has changed this mark in the meantime")
        self.current, self.entered = current, entered


class Undone(NamedTuple):
    """A change that was taken back: the mark as it is now, and as it was before that."""

    submission: str
    question: str
    mark: Mark
    before: Mark


def open_records(out: Path) -> "Records":
    """The records in OUT/marking.sqlite, made where there are none. Raises DatabaseError."""
    return Records(connect(out))


class Records:
    """One connection; every process and thread opens its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def close(self) -> None:
        self.connection.close()

    def submissions(self) -> dict[str, str]:
        """Each submission, with the reason why it could not be read, or ""."""
        rows = self.connection.execute("SELECT name, problem FROM submissions ORDER BY name")
        return {row["name"]: row["problem"] for row in rows}

    def answers(self) -> dict[str, dict[str, Answer]]:
        """By submission and question."""
        found: dict[str, dict[str, Answer]] = {name: {} for name in self.submissions()}
        for row in self.connection.execute("SELECT * FROM answers"):
            found.setdefault(row["submission"], {})[row["question"]] = answer_of(row)
        return found

    def answer(self, submission: str, question: str) -> Answer | None:
        words = "SELECT * FROM answers WHERE submission = ? AND question = ?"
        row = self.connection.execute(words, (submission, question)).fetchone()
        return answer_of(row) if row else None

    def marks(self) -> dict[str, dict[str, Mark]]:
        """By submission and question, those that count: given, and about the answer as it is now."""
        found: dict[str, dict[str, Mark]] = {name: {} for name in self.submissions()}
        words = """
            SELECT marks.* FROM marks JOIN answers USING (submission, question)
            WHERE done AND marks.answer = answers.sha256
        """
        for row in self.connection.execute(words):
            found.setdefault(row["submission"], {})[row["question"]] = mark_of(row)
        return found

    def mark(self, submission: str, question: str) -> Mark:
        """What is entered, whether it counts or not."""
        words = "SELECT * FROM marks WHERE submission = ? AND question = ?"
        row = self.connection.execute(words, (submission, question)).fetchone()
        return mark_of(row) if row else Mark()

    def save(self, submission: str, question: str, mark: Mark) -> Mark:
        """Enter the mark, which follows the version that it bears; returned with its new version.

        Where another version that says the same is in its place, that one stays and is returned.
        Raises Conflict where another version says something else, LookupError where there is no such answer.
        """
        with transaction(self.connection):
            current = self.mark(submission, question)
            if current.version != mark.version and current.says_the_same_as(mark):
                return current
            return self.write(submission, question, mark, undoes=None)

    def undo(self, grader: str) -> Undone | None:
        """Take back the grader's latest change that still stands.

        A second call takes back the one before, and so on. None where nothing is left. Raises Conflict where
        somebody else has changed the mark since.
        """
        latest = """
            SELECT * FROM history WHERE grader = ? AND undoes IS NULL
            AND id NOT IN (SELECT undoes FROM history WHERE grader = ? AND undoes IS NOT NULL)
            ORDER BY id DESC LIMIT 1
        """
        with transaction(self.connection):
            change = self.connection.execute(latest, (grader, grader)).fetchone()
            if change is None:
                return None
            submission, question = change["submission"], change["question"]
            current = self.mark(submission, question)
            if not self.is_own(submission, question, change["version"], grader):
                raise Conflict(current, self.state(submission, question, change["version"]))
            before = self.state(submission, question, change["version"] - 1)
            restored = replace(before, version=current.version, grader=grader)
            after = self.write(submission, question, restored, undoes=change["id"])
            return Undone(submission, question, after, current)

    def is_own(self, submission: str, question: str, version: int, grader: str) -> bool:
        """Whether the grader alone has changed the mark from that version on, beside the scheme."""
        words = "SELECT grader FROM history WHERE submission = ? AND question = ? AND version >= ?"
        rows = self.connection.execute(words, (submission, question, version))
        return {row["grader"] for row in rows} <= {grader, THE_SCHEME}

    def state(self, submission: str, question: str, version: int) -> Mark:
        words = "SELECT state FROM history WHERE submission = ? AND question = ? AND version = ?"
        row = self.connection.execute(words, (submission, question, version)).fetchone()
        return Mark(**json.loads(row["state"])) if row else Mark()

    def write(self, submission: str, question: str, mark: Mark, undoes: int | None, by: str = "") -> Mark:
        """Within a transaction. `by` is who changes the mark, if that is not its grader."""
        if self.answer(submission, question) is None:
            raise LookupError(f"there is no answer of {submission} to {question}")
        current = self.mark(submission, question)
        if current.version != mark.version:
            raise Conflict(current, mark)
        mark = replace(mark, version=mark.version + 1, comment=mark.comment[:LONGEST_COMMENT])
        state, key = asdict(mark), {"submission": submission, "question": question}
        row = {**key, **state, **{name: json.dumps(state[name]) for name in ("criteria", "misconceptions")}}
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self.connection.execute(f"INSERT OR REPLACE INTO marks ({names}) VALUES ({places})", row)
        entry = (submission, question, mark.version, by or mark.grader, now(), json.dumps(state), undoes)
        words = "INSERT INTO history (submission, question, version, grader, at, state, undoes) VALUES (?,?,?,?,?,?,?)"
        self.connection.execute(words, entry)
        return mark

    def setting(self, name: str, otherwise: str) -> str:
        """What is kept under the name; that is `otherwise` from the first time on."""
        with transaction(self.connection):
            self.connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, otherwise))
            (value,) = self.connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return value

    def earlier_comments(self, question: str, most: int = 8) -> Sequence[str]:
        """Those on other answers to the question, the most frequent first."""
        words = """
            SELECT comment FROM marks WHERE question = ? AND comment != ''
            GROUP BY comment ORDER BY count(*) DESC, max(rowid) DESC LIMIT ?
        """
        return [row["comment"] for row in self.connection.execute(words, (question, most))]


def answer_of(row: sqlite3.Row) -> Answer:
    return Answer(**{**dict(row), "figures": tuple(json.loads(row["figures"]))})


def mark_of(row: sqlite3.Row) -> Mark:
    values = {name: row[name] for name in Mark.__dataclass_fields__}
    lists = {name: json.loads(row[name]) for name in ("criteria", "misconceptions")}
    return Mark(**{**values, **lists, "flagged": bool(row["flagged"]), "done": bool(row["done"])})


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
