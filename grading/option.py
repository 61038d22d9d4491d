"""`pytest --submission FOLDER_OR_ZIP [--grade-to OUT]`: the same tests, on code that runs in another process.

pytest finds this plugin as an entry point of the installed kit.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

KIT = Path(__file__).resolve().parent.parent


OWN = [f"--rootdir={KIT}", "-c", str(KIT / "pyproject.toml")]
PATHS = ("--submission", "--grade-to")


def pytest_addoption(parser: pytest.Parser) -> None:
    if any(word.startswith("--submission") for word in sys.argv[1:]) and OWN[0] not in sys.argv:
        begin_again(sys.argv[1:])
    group = parser.getgroup("grading")
    group.addoption("--submission", type=Path, metavar="FOLDER_OR_ZIP", help="judge this submission")
    group.addoption("--grade-to", type=Path, metavar="OUT", help="write results.json and the reports into this folder")


def begin_again(words: Sequence[str]) -> NoReturn:
    """Begin pytest anew, in the kit's folder and with the kit's settings.

    Before pytest knows its options it takes a submission's path for a folder of tests, and the folder in which it was
    begun for another. It would follow the configuration and run the conftest.py that lie there: a student's code in
    the process that holds the answers.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in PATHS:
        parser.add_argument(name)
    known, rest = parser.parse_known_args(words)
    given = {name: getattr(known, name.strip("-").replace("-", "_")) for name in PATHS}
    paths = [f"{name}={Path(path).absolute()}" for name, path in given.items() if path is not None]
    os.chdir(KIT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *OWN, *paths, *rest])


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--submission")
    if path is not None:
        from grading.intake import SubmissionError, read_submission
        from grading.judge import Judge

        try:
            submission = read_submission(path)
        except SubmissionError as error:
            raise pytest.UsageError(str(error)) from error
        config.pluginmanager.register(Judge(submission, config.getoption("--grade-to")), "judge")
