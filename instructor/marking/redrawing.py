"""Whose figures are they? Each submission's figures beside those that its own code draws, while people mark already.

`python -m instructor mark --redraw` starts this in a process of its own, with low priority. Killed, it goes on with the
same command: a submission that was compared is compared again only when it changes.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from instructor.grading.intake.submission import Submission, SubmissionError, read_submission
from instructor.grading.shown import shown
from instructor.marking.answers import plain_name
from instructor.marking.database import transaction
from instructor.marking.drawings import RECIPES, Code, Scene, digest, drawn_in, scenes
from instructor.marking.records import Records, open_records
from instructor.marking.similarity import similarity
from kit.assignment import QUESTIONS
from kit.command import get_ready

LOCK = "marking.redrawing"
ALIKE = 0.95  # the same code on another machine has 0.98 and more, another method 0.92 and less
OTHERS = "does not look like what the submitted code draws"
FAILS = "is there, but the submitted code does not draw it"
NICENESS = 15


def redraw(out: Path) -> None:
    """Compare all submissions in the records that were not compared yet. Does nothing where another process does."""
    with alone(out) as only:
        if not only:
            return
        records, places = open_records(out), scenes()
        rows = records.connection.execute("SELECT name, place, sha256 FROM submissions WHERE problem = ''").fetchall()
        known = {
            (row["submission"], row["made"])
            for row in records.connection.execute("SELECT submission, made FROM drawings")
        }
        parent = os.getppid()
        for row in rows:
            if os.getppid() != parent:
                break  # the command that started this was killed
            if (row["name"], row["sha256"]) not in known:
                compare(records, row["name"], Path(row["place"]), row["sha256"], places)
        records.close()


@contextmanager
def alone(out: Path) -> Iterator[bool]:
    """Whether no other process redraws here. The lock goes with the process that holds it."""
    with (out / LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def compare(records: Records, name: str, place: Path, sha256: str, places: list[Scene]) -> None:
    """Draw a submission's figures, and keep what they look like and how alike they are."""
    try:
        submission = read_submission(place)
    except SubmissionError:
        return  # it has changed since it was read into the records
    found = best_of_scenes(submission, places)
    with transaction(records.connection):
        run = records.connection.execute
        run("DELETE FROM drawings WHERE submission = ?", (name,))
        run(
            "DELETE FROM warnings WHERE submission = ? AND (reason LIKE ? OR reason LIKE ?)",
            (name, f"%{OTHERS}", f"%{FAILS}"),
        )
        run("INSERT INTO drawings VALUES (?, '', ?, '', 0, '')", (name, sha256))
        for figure, (picture, alike, problem) in found.items():
            key = digest(picture) if picture else ""
            run(
                "INSERT OR REPLACE INTO drawings VALUES (?, ?, ?, ?, ?, ?)", (name, figure, sha256, key, alike, problem)
            )
            if picture:
                run("INSERT OR IGNORE INTO pictures VALUES (?, ?)", (key, picture))
            if alike < ALIKE:
                reason = f"The figure {figure} {OTHERS if picture else FAILS}"
                questions = [question for question, about in QUESTIONS.items() if figure in about["figures"]]
                for question in questions:
                    run("INSERT OR IGNORE INTO warnings VALUES (?, ?, ?, '')", (name, question, reason))


def best_of_scenes(submission: Submission, places: list[Scene]) -> dict[str, tuple[bytes | None, float, str]]:
    """For each figure that was handed in and can be drawn anew: the closest drawing, how close it is, and its problem.

    Nobody says with which weights and photographs a student worked, so a figure that is unlike is tried with others.
    """
    handed = {plain_name(Path(path).stem): content for path, content in submission.figures.items()}
    names = [name for name in RECIPES if name in handed]
    best: dict[str, tuple[bytes | None, float, str]] = {}
    code = Code(submission.sources)
    try:
        for scene in places:
            waiting = [name for name in names if name not in best or best[name][1] < ALIKE]
            for name, picture, problem in drawn_in(waiting, code, scene):
                alike = similarity(picture, handed[name]) if picture else 0.0
                if name not in best or alike > best[name][1]:
                    best[name] = picture, alike, shown(problem, 200)
    finally:
        code.close()
    return best


def main() -> None:
    get_ready()
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # so that the sandbox is closed
    os.environ["KIT_OFFLINE"] = "1"
    redraw(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
