"""The same tests, on code that runs in another process.

`pytest -p instructor.pytest_plugin --submission=FOLDER_OR_ZIP [--grade-to=OUT]` judges one submission.
The sign of equality matters. Before pytest knows its options it takes a path that is a word of its own for a folder of
tests, and runs the conftest.py that lies there.
"""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("grading")
    group.addoption("--submission", type=Path, metavar="FOLDER_OR_ZIP", help="judge this submission")
    group.addoption("--grade-to", type=Path, metavar="OUT", help="write results.json and the reports into this folder")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--submission")
    if path is not None:
        from instructor.grading.intake.submission import SubmissionError, read_submission
        from instructor.grading.judge import Judge

        try:
            submission = read_submission(path)
        except SubmissionError as error:
            raise pytest.UsageError(str(error)) from error
        config.pluginmanager.register(Judge(submission, config.getoption("--grade-to")), "judge")
