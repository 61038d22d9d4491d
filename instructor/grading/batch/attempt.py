"""One submission's way through the batch: what it is, whether it is graded already, and how its folder comes about.

A folder with reports appears whole, or not at all: it is made elsewhere and renamed. The last file in it, graded.json,
says what was graded by what, so that nothing is taken for finished that is not.
"""

import hashlib
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from instructor.grading.reports.write import write_reports
from instructor.grading.rubric import read_rubric
from kit.atomic import write_atomically

RESULTS = "results.json"
RECORD = "graded.json"
LOG = "log.txt"
LONGEST_REASON = 500  # characters


@dataclass(frozen=True)
class Attempt:
    """What is graded by which function, and where it goes."""

    name: str
    path: Path
    folder: Path  # the reports, in the end
    scratch: Path  # the reports, while they are made: on the same file system
    fingerprint: dict[str, str]
    grader: str  # "module:function"
    limit: float  # seconds


def is_finished(attempt: Attempt) -> bool:
    """Whether the folder holds what this grading of this submission gave, complete and unchanged."""
    record = read_record(attempt)
    return record is not None and all(digest(attempt.folder / name) == sum_ for name, sum_ in record["files"].items())


def failure(attempt: Attempt) -> str:
    """Why a finished submission could not be graded; empty if it was."""
    record = read_record(attempt)
    return record["failure"] if record else ""


def complaint(attempt: Attempt) -> str:
    """Why a finished submission has no points: it could not be graded, or nothing of it was read. Empty if it has."""
    if read_record(attempt) is None or failure(attempt):
        return failure(attempt)
    about = read_results(attempt.folder).get("extra_data", {})
    return about["problems"][0] if about.get("sha256") == "" else ""


def read_record(attempt: Attempt) -> dict | None:
    """graded.json, if it is there and about the same submission, kit and version."""
    try:
        record = json.loads((attempt.folder / RECORD).read_text("utf-8"))
        return record if {name: record[name] for name in attempt.fingerprint} == attempt.fingerprint else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def begin(attempt: Attempt) -> None:
    """An empty folder to write to."""
    shutil.rmtree(attempt.scratch, ignore_errors=True)
    attempt.scratch.mkdir(parents=True)


def finish(attempt: Attempt, reason: str) -> None:
    """Put the folder in its place, with no points where there is a reason why nothing could be graded."""
    reason = (reason or results_problem(attempt.scratch)).rstrip(".")[:LONGEST_REASON]
    if reason:
        write_failure(attempt, reason)
    else:
        (attempt.scratch / LOG).unlink(missing_ok=True)
    written = sorted(path for path in attempt.scratch.rglob("*") if path.is_file() and path.name != LOG)
    files = {path.relative_to(attempt.scratch).as_posix(): digest(path) for path in written}
    record = {**attempt.fingerprint, "failure": reason, "files": files}
    write_atomically(attempt.scratch / RECORD, (json.dumps(record, indent=1) + "\n").encode())
    earlier = attempt.scratch.parent.with_name("earlier") / attempt.name
    remove(earlier)
    if attempt.folder.exists():
        earlier.parent.mkdir(exist_ok=True)
        attempt.folder.rename(earlier)
    attempt.scratch.rename(attempt.folder)
    remove(earlier)


def write_failure(attempt: Attempt, reason: str) -> None:
    """The usual reports, with the reason, in place of whatever the grading left except what it printed."""
    for path in attempt.scratch.iterdir():
        if path.name != LOG:
            remove(path)
    problem = f"This submission could not be graded: {reason}"
    nothing = read_rubric().marks(attempt.name, attempt.fingerprint["submission"], (), {}, [problem], "")
    write_reports(nothing, {}, attempt.scratch)


def results_problem(folder: Path) -> str:
    """What is wrong with results.json; empty if nothing is."""
    try:
        read_results(folder)
    except FileNotFoundError:
        return f"the grading ended without {RESULTS}"
    except (OSError, ValueError) as error:
        return f"the grading left a {RESULTS} that cannot be read: {error}"
    return ""


def read_results(folder: Path) -> dict:
    """results.json. Raises OSError, ValueError."""
    results = json.loads((folder / RESULTS).read_text("utf-8"))
    score = results.get("score") if isinstance(results, dict) else None
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise ValueError("it holds no score")
    return results


def digest(path: Path) -> str:
    """SHA-256 of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def remove(path: Path) -> None:
    """A file, or a folder with everything in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
