"""One submission, judged in this process: `grade(path, out)`. The code under test runs elsewhere."""

import contextlib
import gc
import io
import os
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from instructor.grading import soundness
from instructor.grading.batch.fingerprints import kit_sha256
from instructor.grading.graded import TESTS, graded_files
from instructor.grading.halves import JudgeInHalves
from instructor.grading.intake.submission import Submission, SubmissionError, read_submission
from instructor.grading.isolation.remote import CALL_SECONDS
from instructor.grading.isolation.sandbox import own_code
from instructor.grading.judge import Judge
from instructor.grading.marks import Marks
from instructor.grading.replacement import take_places
from instructor.grading.reports.write import write_reports
from instructor.grading.rubric import read_rubric
from kit.check.run import WITHOUT
from kit.paths import KIT
from tests.support.loaded import loaded

torch.testing.assert_close(0, 0)  # the first time, it imports for half a second: not anew in every process forked later


def grade(path: Path, out: Path, seconds: float = CALL_SECONDS, in_halves: bool = False) -> Marks:
    """Judge the folder or zip, and write results.json, report.md and report.html into `out`.

    A call of a submission's code may take so many seconds, all calls of a task a few times as many. With `in_halves`,
    two processes share the tests, for marks that somebody waits for.
    A submission that cannot be read gets no points and the reason. Raises RuntimeError when the kit itself is at fault.
    A process can do this once, since pytest imports the tests only once.
    """
    try:
        submission = read_submission(path)
    except SubmissionError as error:
        marks = read_rubric().marks(path.stem, "", (), {}, [str(error)], "")
        write_reports(marks, {}, out)
        return marks
    return judged(submission, out, seconds, in_halves)


def prepare() -> None:
    """What is the same for all submissions: the kit's own solutions pass. Raises RuntimeError if it is at fault."""
    soundness.prove(graded_files(read_rubric()))


def judged(submission: Submission, out: Path, seconds: float, in_halves: bool) -> Marks:
    gc.freeze()  # what was imported stays: nobody need search it for garbage
    prepare()
    judge = (JudgeInHalves if in_halves else Judge)(submission, out, seconds)
    said = pytest_says([str(TESTS)], judge)
    if judge.marks is None:
        raise RuntimeError(f"the tests could not be run: {judge.fault} {said[-2000:]}".rstrip())
    return judge.marks


def collect() -> None:
    """Import the graded tests, and do what else is the same for all submissions and can be kept in memory.

    Neither this process nor those that are forked from it do it again when they grade.
    """
    rubric = read_rubric()
    take_places(rubric.tasks)
    pytest_says(["--collect-only", *map(str, graded_files(rubric))])
    own_code()
    kit_sha256()
    for name in ("shipped", "resnet18", "vgg11"):
        loaded(name)
    gc.freeze()  # it stays, and forks share it as long as nobody touches it


def pytest_says(words: list[str], *plugins: object) -> str:
    """Run it with these arguments: what it prints."""
    torch.set_num_threads(1)  # the tensors are small, and the worker needs a processor
    options = [*WITHOUT, "--capture=sys", "--tb=native", f"--rootdir={KIT}", "-c", str(KIT / "pyproject.toml")]
    alone, said = patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"), io.StringIO()
    with alone, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        pytest.main([*options, *words], plugins=plugins)
    return said.getvalue()
