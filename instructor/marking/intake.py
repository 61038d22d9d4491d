"""The submissions in a folder, read into the records: each again only where it has changed."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from instructor.grading.batch.fingerprints import submission_sha256
from instructor.grading.batch.run import submissions
from instructor.grading.intake.entries import SubmissionError
from instructor.grading.intake.submission import LARGEST_FILE, figure_names, kit_root, opened
from instructor.grading.shown import shown
from instructor.marking.answers import plain_name, read_answers
from instructor.marking.database import transaction
from instructor.marking.look import look
from instructor.marking.records import Answer, Records
from instructor.marking.sharing import is_chosen
from kit.assignment import REPORT

MOST_FIGURES = 60
NOT_TEXT = "\ufffd"


class IntakeError(ValueError):
    """There is nothing to mark."""


@dataclass(frozen=True)
class Handed:
    """What was read of a submission; `problem` says why nothing was, or is ""."""

    name: str
    place: Path
    sha256: str
    answers: list[Answer]
    figures: dict[str, str]  # digests by places in the submission
    looks: dict[str, str]  # of those that the student has chosen
    problem: str = ""


def take_in(folder: Path, records: Records) -> Counter[str]:
    """Read what is new or changed; how many were "read", "unchanged", and "unreadable". Raises IntakeError."""
    if not folder.is_dir():
        raise IntakeError(f"{folder} is not a folder: name the one that holds the submissions")
    found = submissions(folder)
    if not found:
        raise IntakeError(f"{folder} holds no submissions: each is a .zip file or a folder in it")
    known = {row["name"]: row["sha256"] for row in records.connection.execute("SELECT name, sha256 FROM submissions")}
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # unpacking and hashing leave the interpreter to others
        handed = [each for each in threads.map(lambda one: read(*one, known.get(one[0])), found) if each]
    with transaction(records.connection):
        enter(handed, records)
        places = [(str(path.resolve()), name) for name, path in found]
        records.connection.executemany("UPDATE submissions SET place = ? WHERE name = ?", places)
    unreadable = sum(bool(each.problem) for each in handed)
    return Counter(read=len(handed) - unreadable, unchanged=len(found) - len(handed), unreadable=unreadable)


def read(name: str, path: Path, known: str | None) -> Handed | None:
    """None where it is what is known already."""
    try:
        sha256 = submission_sha256(path)
    except OSError as error:
        return unread(name, path, "", f"it cannot be read: {error.strerror}")
    if sha256 == known:
        return None
    try:
        report, figures, looks = contents(path)
    except (SubmissionError, OSError) as error:
        return unread(name, path, sha256, str(error))
    return Handed(name, path, sha256, read_answers(name, report, figures), figures, looks)


def unread(name: str, path: Path, sha256: str, problem: str) -> Handed:
    """The answers do not say why, since that holds the name."""
    return Handed(name, path, sha256, read_answers(name, None, {}, "the submission cannot be read"), {}, {}, problem)


def contents(path: Path) -> tuple[str | None, dict[str, str], dict[str, str]]:
    """The report's text, the figures' digests by their places, and some looks. Raises SubmissionError, OSError."""
    with opened(path) as container:
        root = kit_root(container)
        report = container.read(root + REPORT, LARGEST_FILE)
        figures, looks = {}, {}
        for name in figure_names(container, root)[:MOST_FIGURES]:
            content = container.read(root + name, LARGEST_FILE) or b""
            figures[name] = hashlib.sha256(content).hexdigest()
            if is_chosen(plain_name(Path(name).stem)):
                looks[name] = f"{look(content):x}"
    text = None if report is None else report.decode("utf-8-sig", "replace").replace("\0", NOT_TEXT)
    return text, figures, looks


def figure(path: Path, name: str) -> bytes | None:
    """A figure of a submission, by its place in it. Raises SubmissionError, OSError."""
    with opened(path) as container:
        return container.read(kit_root(container) + name, LARGEST_FILE)


def enter(handed: Iterable[Handed], records: Records) -> None:
    """Within a transaction. Marks stay as they are: those of an answer that has changed no longer count."""
    run = records.connection.executemany
    for each in handed:
        row = (each.name, str(each.place.resolve()), each.sha256, shown(each.problem))
        run("INSERT OR REPLACE INTO submissions VALUES (?, ?, ?, ?)", [row])
        answers = [
            (one.submission, one.question, one.text, one.note, json.dumps(one.figures), one.sha256)
            for one in each.answers
        ]
        run("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", answers)
        run("DELETE FROM figures WHERE submission = ?", [(each.name,)])
        figures = [
            (each.name, place, plain_name(Path(place).stem), sha256, each.looks.get(place, ""))
            for place, sha256 in each.figures.items()
        ]
        run("INSERT INTO figures VALUES (?, ?, ?, ?, ?)", figures)
