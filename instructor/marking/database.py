"""The file that holds everything about marking: SQLite, which several processes share and no crash damages."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from instructor.grading.batch.run import MARKING

VERSION = 2
PATIENCE = 20  # seconds in which another process may finish what it is writing
SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE submissions (
    name TEXT PRIMARY KEY, place TEXT NOT NULL, sha256 TEXT NOT NULL, problem TEXT NOT NULL
);
CREATE TABLE answers (
    submission TEXT, question TEXT, text TEXT NOT NULL, note TEXT NOT NULL, figures TEXT NOT NULL,
    sha256 TEXT NOT NULL, PRIMARY KEY (question, submission)
);
CREATE INDEX digests_of_answers ON answers (question, submission, sha256);
CREATE TABLE figures (
    submission TEXT, place TEXT, name TEXT NOT NULL, sha256 TEXT NOT NULL, look TEXT NOT NULL,
    PRIMARY KEY (submission, place)
);
CREATE TABLE warnings (
    submission TEXT, question TEXT, reason TEXT, other TEXT, PRIMARY KEY (question, submission, reason, other)
);
CREATE TABLE drawings (
    submission TEXT, name TEXT, made TEXT NOT NULL, picture TEXT NOT NULL, similarity REAL NOT NULL,
    problem TEXT NOT NULL, PRIMARY KEY (submission, name)
);
CREATE TABLE pictures (sha256 TEXT PRIMARY KEY, jpeg BLOB NOT NULL);
CREATE TABLE marks (
    submission TEXT, question TEXT, version INTEGER NOT NULL, done INTEGER NOT NULL, points REAL NOT NULL,
    criteria TEXT NOT NULL, misconceptions TEXT NOT NULL, comment TEXT NOT NULL, flagged INTEGER NOT NULL,
    grader TEXT NOT NULL, answer TEXT NOT NULL, adjustment REAL NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (question, submission)
);
CREATE TABLE history (
    id INTEGER PRIMARY KEY, submission TEXT NOT NULL, question TEXT NOT NULL, version INTEGER NOT NULL,
    grader TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, undoes INTEGER,
    UNIQUE (question, submission, version)
);
CREATE INDEX history_by_grader ON history (grader, id);
CREATE TABLE claims (
    question TEXT, submission TEXT, grader TEXT, at REAL NOT NULL, PRIMARY KEY (question, grader)
);
"""
UPGRADE = """
ALTER TABLE marks ADD COLUMN adjustment REAL NOT NULL DEFAULT 0;
ALTER TABLE marks ADD COLUMN reason TEXT NOT NULL DEFAULT '';
"""  # from version 1, which knew no adjustments


class DatabaseError(ValueError):
    """The file is not a marking database, or one of another version of the kit."""


def connect(out: Path) -> sqlite3.Connection:
    """Open OUT/marking.sqlite, made where there is none. What is committed outlasts a crash of program and machine.

    Raises DatabaseError.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / MARKING
    if not path.exists():
        path.touch(mode=0o600)  # it holds the marks, and the token of the page's address
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        with transaction(connection):
            prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DatabaseError(f"{path} cannot be used: {error}. Move it away, or restore it") from error
    except DatabaseError:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version in (0, 1):
        for statement in filter(str.strip, (UPGRADE if version else SCHEMA).split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif version != VERSION:
        raise DatabaseError(f"{path} has version {version}, and this kit reads {VERSION}. Use the kit that made it")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
