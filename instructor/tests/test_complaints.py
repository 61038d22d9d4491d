"""What check() says of wrong solutions: each complaint once, in words, with the student's own line and a hint."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from instructor.release.markers import strip
from instructor.tests.support.crude import SINGLE, crude_solutions
from instructor.tests.support.fresh import said_by
from kit.assignment import CHECKS
from kit.paths import KIT

QUICK = {
    "saliency",
    "content_loss",
    "style_loss",
    "tv_loss",
    "rank_correlation",
}  # tasks whose tests take half a second
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
    options = ["-m", "not slow", *run.WITHOUT, "-o", "addopts=", str(run.TESTS / f"test_{task}.py")]
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
def kits(tmp_path_factory):
    """A copy for each processor: while one check looks at a wrong module, another must find its own."""
    kits = [tmp_path_factory.mktemp("complaints") for _ in range(os.cpu_count())]
    for kit in kits:
        shutil.copy(KIT / "conftest.py", kit)
        for package in COPIED:
            shutil.copytree(
                KIT / package, kit / package, ignore=shutil.ignore_patterns("__pycache__", "build", "hostile")
            )
    return kits


def all_said(kits, solutions):
    """What check() says of each (task, module, text), one after another in one process for each copy."""
    shares = [solutions[first :: len(kits)] for first in range(len(kits))]
    with ThreadPoolExecutor(len(kits)) as pool:
        said = list(pool.map(said_in, kits, shares))
    return [said[number % len(kits)][number // len(kits)] for number in range(len(solutions))]


def said_in(kit, solutions):
    lines = "".join(f"{json.dumps(solution)}\n" for solution in solutions)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RUN]
    run = subprocess.run(command, cwd=kit, env=environment, input=lines, capture_output=True, encoding="utf-8")
    assert not run.returncode, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def said_of_crude(kits, crude):
    said = all_said(kits, [(each.task, each.module, each.source()) for each in crude])
    return {f"{each.function}: {each.name}": (each, words) for each, words in zip(crude, said, strict=True)}


def assert_well_said(name, words):
    assert not RAW.search(words), f"{name} is told in raw words:\n{words}"
    assert all(len(line) < LONGEST for line in words.splitlines()), f"{name} is told at length:\n{words}"
    places = Counter(ERROR.findall(words))
    assert all(count == 1 for count in places.values()), f"{name} is told more than once:\n{words}"


@pytest.mark.long
@pytest.mark.parametrize("tasks", [QUICK, CHECKS.keys() - QUICK], ids=["quick", "slow"])
def test_usual_mistakes_are_told_once_with_the_line_and_a_hint(tasks, kits):
    for name, (crude, words) in said_of_crude(kits, [crude for crude in SINGLE if crude.task in tasks]).items():
        assert_well_said(name, words)
        assert crude.hint in words, f"{name} lacks its hint:\n{words}"
        if "Error: " in words:
            assert f" in {crude.module}, line " in words or "guided_backprop.py" in words, f"{name}:\n{words}"


def test_what_is_not_written_gets_no_tick(kits):
    """A check that holds without a solution asks about given code, and is marked so."""
    stubs = [
        (task, modules[0], strip((KIT / modules[0]).read_text("utf-8"), modules[0])) for task, modules in CHECKS.items()
    ]
    lines = "".join(f"{json.dumps(stub)}\n" for stub in stubs)
    start = f"import io, os, sys\nos.chdir({str(kits[0])!r})\nsys.stdin = io.StringIO({lines!r})"
    said = map(json.loads, said_by(f"{start}\n{RUN}").splitlines())
    for task, words in zip(CHECKS, said, strict=True):
        assert "✓" not in words, f"{task}:\n{words}"
        assert "✗" not in words, f"{task}:\n{words}"
        assert re.search(r"^0 of \d+ checks hold\.$", words, re.MULTILINE), f"{task}:\n{words}"


@pytest.mark.long
def test_whatever_students_write_is_answered_in_words(kits):
    for name, (_, words) in said_of_crude(kits, list(crude_solutions())).items():
        assert_well_said(name, words)
