"""Whose figures are they? Each submission's figures beside those that its own code draws, while people mark already.

`python -m instructor mark` starts this in a process of its own, with low priority. It draws the figures that take
seconds first, for all submissions, and then those that take a minute. Killed, it goes on with the same command: a
submission that was compared is compared again only when it changes.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from instructor.grading.intake.submission import Submission, SubmissionError, read_submission
from instructor.grading.reports.thumbnails import thumbnails
from instructor.grading.shown import shown
from instructor.marking.answers import plain_name
from instructor.marking.by_look import BY_LOOK
from instructor.marking.database import transaction
from instructor.marking.drawings import MINUTES, RECIPES, Code, Recipes, Scene, digest, drawn_in, scenes
from instructor.marking.records import Records, open_records
from instructor.marking.similarity import ALIKE, RESEMBLING, resemblance, similarity
from kit.assignment import QUESTIONS
from kit.command import get_ready

LOCK = "marking.redrawing"
OTHERS = "does not look like what the submitted code draws"
FAILS = "is there, but the submitted code does not draw it"
NICENESS = 19


@dataclass(frozen=True)
class Round:
    """Figures that are drawn and compared in the same way; `name` stands in the records for all that are done."""

    name: str
    recipes: Recipes
    compare: Callable[[bytes, bytes], float]
    alike: float  # the least


ROUNDS = (
    Round("", RECIPES, similarity, ALIKE),
    Round("once", MINUTES, similarity, ALIKE),
    Round("by look", BY_LOOK, resemblance, RESEMBLING),
)


def redraw(out: Path) -> None:
    """Compare all submissions in the records that were not compared yet. Does nothing where another process does."""
    with alone(out) as only:
        if not only:
            return
        records, places = open_records(out), scenes()
        rows = records.connection.execute("SELECT name, place, sha256 FROM submissions WHERE problem = ''").fetchall()
        known = {tuple(row) for row in records.connection.execute("SELECT submission, name, made FROM drawings")}
        for each in ROUNDS:
            for row in rows:
                if (row["name"], each.name, row["sha256"]) not in known:
                    compare(records, row["name"], Path(row["place"]), row["sha256"], places, each)
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


def compare(records: Records, name: str, place: Path, sha256: str, places: list[Scene], about: Round) -> None:
    """Draw a submission's figures, and keep what they look like and how alike they are."""
    try:
        submission = read_submission(place)
    except SubmissionError:
        return  # it has changed since it was read into the records
    found = best_of_scenes(submission, places, about)
    with transaction(records.connection):
        run = records.connection.execute
        for figure in about.recipes:
            run("DELETE FROM drawings WHERE submission = ? AND name = ?", (name, figure))
            reasons = [f"The figure {figure} {words}" for words in (OTHERS, FAILS)]
            run("DELETE FROM warnings WHERE submission = ? AND reason IN (?, ?)", (name, *reasons))
        run("INSERT OR REPLACE INTO drawings VALUES (?, ?, ?, '', 0, '')", (name, about.name, sha256))
        for figure, (picture, alike, problem) in found.items():
            key = digest(picture) if picture else ""
            run("INSERT INTO drawings VALUES (?, ?, ?, ?, ?, ?)", (name, figure, sha256, key, alike, problem))
            if picture:
                run("INSERT OR IGNORE INTO pictures VALUES (?, ?)", (key, picture))
            if alike < about.alike:
                reason = f"The figure {figure} {OTHERS if picture else FAILS}"
                for question in (question for question, words in QUESTIONS.items() if figure in words["figures"]):
                    run("INSERT OR IGNORE INTO warnings VALUES (?, ?, ?, '')", (name, question, reason))


def best_of_scenes(
    submission: Submission, places: list[Scene], about: Round
) -> dict[str, tuple[bytes | None, float, str]]:
    """For each figure that was handed in and can be drawn anew: the closest drawing, how close it is, and its problem.

    Nobody says with which weights and photographs a student worked, so a figure that is unlike is tried with others.
    What fits comes first in `places` from then on: in one class, most have worked with the same.
    """
    handed = {plain_name(Path(path).stem): content for path, content in submission.figures.items()}
    handed |= thumbnails(handed).jpegs  # made small in the same way as ours, on which fine lines depend
    names = [name for name in about.recipes if name in handed]
    best: dict[str, tuple[bytes | None, float, str]] = {}
    code = Code(submission.sources)
    try:
        for scene in list(places):
            waiting = [name for name in names if name not in best or best[name][1] < about.alike]
            for name, picture, problem in drawn_in(waiting, code, scene, about.recipes):
                alike = about.compare(picture, handed[name]) if picture else 0.0
                if name not in best or alike > best[name][1]:
                    best[name] = picture, alike, shown(problem, 200)
                if alike >= about.alike:
                    places.sort(key=lambda place, fits=scene: place is not fits)
    finally:
        code.close()
    return best


def end_with_parent(parent: int) -> None:
    """End, sandbox and all, soon after the command that has started this, in whatever way and however soon it ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    get_ready()
    out, parent = Path(sys.argv[1]), int(sys.argv[2])
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # so that the sandbox is closed
    threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
    os.environ["KIT_OFFLINE"] = "1"
    redraw(out)


if __name__ == "__main__":
    main()
