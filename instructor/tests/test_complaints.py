"""What check() says of wrong solutions: each complaint once, in words, with the student's own line and a hint."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from instructor.release.markers import strip
from instructor.tests.support.crude import SINGLE, crude_solutions
from kit.assignment import CHECKS
from kit.paths import KIT

COPIED = (
    "data",
    "kit",
    "sanity_checks",
    "style_transfer",
    "tests",
    "visualizers",
)
# What no student should have to read: raw assertions, tensors, errors of gradcheck, addresses in memory.
RAW = re.compile(
    r"assert |\+  where|Traceback|GradcheckError|tensor\(|it does not$|0x[0-9a-f]{6}|no good", re.MULTILINE
)
LONGEST = 320  # characters of a line
ERROR = re.compile(r"^ {6}(\w+): .* \(\w+ in (\S+), line (\d+)\)$", re.MULTILINE)
# For each line of the standard input, the task's tests, each with its first parameters alone: the last line of every
# complaint is the same for the others, and ten times as many take ten times as long.
RUN = """
import contextlib, io, json, sys
from pathlib import Path
import pytest
from kit import alive
from kit.check import run
from kit.check.verdicts import Verdicts

class OneOfEach:
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items[:] = {item.originalname: item for item in reversed(items)}.values()
        items.reverse()

def said(task):
    alive.refresh()
    verdicts = Verdicts()
    options = ["-m", "not slow", "--tb=no", *run.WITHOUT, "-o", "addopts=", str(run.TESTS / f"test_{task}.py")]
    with run.as_in_a_fresh_process(), contextlib.redirect_stdout(io.StringIO()) as log:
        pytest.main(options, plugins=[verdicts, OneOfEach()])
    return verdicts.not_collected or verdicts.in_words()

alive.watch({})
for line in sys.stdin:
    task, module, text = json.loads(line)
    path = run.KIT / module
    right = path.read_bytes()
    path.write_text(text, "utf-8")
    print(json.dumps(said(task)), flush=True)
    path.write_bytes(right)
"""


@pytest.fixture(scope="module")
def say(tmp_path_factory):
    """What check() says of a task with this text for a module: one process in a copy of the kit says it all, once."""
    kit = tmp_path_factory.mktemp("complaints")
    shutil.copy(KIT / "conftest.py", kit)
    for package in COPIED:
        shutil.copytree(KIT / package, kit / package, ignore=shutil.ignore_patterns("__pycache__", "build"))
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=kit, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )

    @cache
    def say(task, module, text):
        print(json.dumps([task, module, text]), file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    yield say
    process.kill()
    process.communicate()


def assert_well_said(name, words):
    assert not RAW.search(words), f"{name} is told in raw words:\n{words}"
    assert all(len(line) < LONGEST for line in words.splitlines()), f"{name} is told at length:\n{words}"
    places = Counter(ERROR.findall(words))
    assert all(count == 1 for count in places.values()), f"{name} is told more than once:\n{words}"


@pytest.mark.long
def test_usual_mistakes_are_told_once_with_the_line_and_a_hint(say):
    for crude in SINGLE:
        name, words = f"{crude.function}: {crude.name}", say(crude.task, crude.module, crude.source())
        assert_well_said(name, words)
        assert crude.hint in words, f"{name} lacks its hint:\n{words}"
        if "Error: " in words:
            assert f" in {crude.module}, line " in words or "guided_backprop.py" in words, f"{name}:\n{words}"


def test_what_is_not_written_gets_no_tick(say):
    """A check that holds without a solution asks about given code, and is marked so."""
    for task, (module, *_) in CHECKS.items():
        words = say(task, module, strip((KIT / module).read_text("utf-8"), module))
        assert "✓" not in words, f"{task}:\n{words}"
        assert "✗" not in words, f"{task}:\n{words}"
        assert re.search(r"^0 of \d+ checks hold\.$", words, re.MULTILINE), f"{task}:\n{words}"


@pytest.mark.long
def test_whatever_students_write_is_answered_in_words(say):
    for crude in crude_solutions():
        assert_well_said(f"{crude.function}: {crude.name}", say(crude.task, crude.module, crude.source()))
