"""The kit is proved sound once, before it grades."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from instructor.grading import soundness

TESTS = [Path("test_one.py")]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Where nothing was proved before; the runs of the tests, which come to `code`."""
    monkeypatch.setattr(soundness, "CACHE", tmp_path / "build" / "grading")
    found, outcome = [], {"code": 0}

    def run(command, **_):
        found.append(command)
        time.sleep(0.2)
        return subprocess.CompletedProcess(command, outcome["code"], stdout="1 failed")

    monkeypatch.setattr(subprocess, "run", run)
    return found, outcome


def test_of_several_graders_who_begin_together_one_runs_the_tests(runs):
    found, _ = runs
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(soundness.prove, [TESTS] * 4))
    assert len(found) == 1


def test_a_kit_that_is_at_fault_is_asked_again(runs):
    found, outcome = runs
    outcome["code"] = 1
    for _ in range(2):
        with pytest.raises(RuntimeError, match="own solutions do not pass the graded tests: 1 failed"):
            soundness.prove(TESTS)
    outcome["code"] = 0
    for _ in range(2):
        soundness.prove(TESTS)
    assert len(found) == 3
