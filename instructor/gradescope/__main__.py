"""Grade the submission in ROOT/submission, and leave ROOT/results/results.json."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from instructor.grading.batch.attempt import LOG, RESULTS, Attempt, failure, is_finished
from instructor.grading.batch.fingerprints import submission_sha256
from instructor.grading.batch.local import on_this_machine, prepare
from instructor.grading.batch.run import LIMIT
from instructor.grading.isolation import nursery
from kit.atomic import write_atomically
from kit.command import get_ready

GRADER = "instructor.grading.ready:alone"


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.gradescope", description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="/autograder, on Gradescope")
    parser.add_argument("--prepare", action="store_true", help="only do what is the same for all submissions")
    options = parser.parse_args()
    grader = os.environ.get("AUTOGRADER_GRADER", GRADER)  # tests put another one here
    limit = float(os.environ.get("AUTOGRADER_SECONDS", LIMIT))
    with tempfile.TemporaryDirectory(prefix="autograder-") as name:
        if options.prepare:
            return prepared(grader, Path(name) / LOG)
        grade_submission(options.root, grader, limit, Path(name))
    return 0


def prepared(grader: str, log: Path) -> int:
    if prepare(grader, log):
        return 0
    print(log.read_text("utf-8", "replace"), file=sys.stderr)
    return 1


def grade_submission(root: Path, grader: str, limit: float, work: Path) -> None:
    """What goes wrong with the grading is printed, which Gradescope shows to instructors alone."""
    path = root / "submission"
    if grader == GRADER:
        nursery.warm()  # while another process imports the tests
    fingerprint = {"submission": submission_sha256(path)}
    attempt = Attempt(path.name, path, work / "graded", work / "unfinished" / path.name, fingerprint, grader, limit)
    for _ in on_this_machine([attempt], workers=1):
        if is_finished(attempt):
            write_atomically(root / "results" / RESULTS, (attempt.folder / RESULTS).read_bytes())
    if failure(attempt):
        print(failure(attempt))
        if (attempt.folder / LOG).is_file():
            print((attempt.folder / LOG).read_text("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main())
