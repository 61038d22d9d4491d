"""One submission, judged in this process: `grade(path, out)`. The code under test runs elsewhere."""

import contextlib
import io
import os
from pathlib import Path
from unittest.mock import patch

import pytest
import torchvision.models  # noqa: F401 for the tests, in processes that are forked from one that has imported this

from instructor.grading import soundness
from instructor.grading.intake.submission import Submission, SubmissionError, read_submission
from instructor.grading.isolation.remote import CALL_SECONDS
from instructor.grading.judge import Judge, graded_files
from instructor.grading.marks import Marks
from instructor.grading.reports.write import write_reports
from instructor.grading.rubric import read_rubric
from kit.check.run import WITHOUT
from kit.paths import KIT


def grade(path: Path, out: Path, seconds: float = CALL_SECONDS) -> Marks:
    """Judge the folder or zip, and write results.json, report.md and report.html into `out`.

    A call of a submission's code may take so many seconds, all calls of a task a few times as many.
    A submission that cannot be read gets no points and the reason. Raises RuntimeError when the kit itself is at fault.
    A process can do this once, since pytest imports the tests only once.
    """
    try:
        submission = read_submission(path)
    except SubmissionError as error:
        marks = read_rubric().marks(path.stem, "", (), {}, [str(error)], "")
        write_reports(marks, {}, out)
        return marks
    return judged(submission, out, seconds)


def prepare() -> None:
    """What is the same for all submissions: the kit's own solutions pass. Raises RuntimeError if it is at fault."""
    soundness.prove(graded_files(read_rubric()))


def judged(submission: Submission, out: Path, seconds: float) -> Marks:
    prepare()
    judge, said = Judge(submission, out, seconds), io.StringIO()
    options = [
        *WITHOUT,
        "--capture=sys",
        "--tb=native",
        f"--rootdir={KIT}",
        "-c",
        str(KIT / "pyproject.toml"),
    ]
    alone = patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    with alone, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        pytest.main([*options, str(KIT / "tests")], plugins=[judge])
    if judge.marks is None:
        raise RuntimeError(f"the tests could not be run: {said.getvalue()[-2000:]}")
    return judge.marks
