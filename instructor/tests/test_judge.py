"""One submission on its way through the judge: what costs what, and what stays hidden."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from instructor.grading.grade import grade
from instructor.grading.notebook_cells import NOTEBOOK
from instructor.grading.rubric import read_rubric
from instructor.tests.support.forks import forks
from kit.assignment import MODULES
from kit.hand_in.archive import write_zip
from kit.paths import KIT
from kit.unwritten import STUB
from tests.support import oracle

pytestmark = pytest.mark.long

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "instructor.pytest_plugin"]
UNWRITTEN_NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": [STUB]}]}).encode()
SEES = "print(tuple(X.shape))\n    saliency = gradient"


def pytest_on(submission: Path, *words: str) -> subprocess.CompletedProcess:
    command = [*PYTEST, f"--submission={submission}", *words]
    return subprocess.run(command, cwd=KIT, capture_output=True, encoding="utf-8")


def grade_in(folder: Path, out: str, in_halves: bool = False) -> bytes:
    """What the report says of the submission ada.zip."""
    grade(folder / "ada.zip", folder / out, in_halves=in_halves)
    return (folder / out / "results.json").read_bytes()


@pytest.fixture(scope="module")
def graders() -> Iterator[ProcessPoolExecutor]:
    with forks(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess, dict, Path]:
    """A submission in which four modules are out of order and one tells what it is given."""
    folder = tmp_path_factory.mktemp("judge")
    files = {name: (KIT / name).read_bytes() for name in (*MODULES, NOTEBOOK)}
    saliency = files["visualizers/saliency.py"].decode()
    assert saliency.count("saliency = gradient") == 1
    files["visualizers/saliency.py"] = saliency.replace("saliency = gradient", SEES).encode()
    files["visualizers/fooling.py"] = b"import no_such_package\n"
    files["visualizers/class_visualization.py"] = b"import sys\nsys.exit(0)\n"
    files["style_transfer/content_loss.py"] = b"def content_loss(:\n"
    del files["style_transfer/tv_loss.py"]
    write_zip(folder / "ada.zip", files)
    run = pytest_on(folder / "ada.zip", f"--grade-to={folder}")
    return run, json.loads((folder / "results.json").read_text("utf-8")), folder


def test_a_module_that_cannot_be_used_costs_its_own_tasks_alone(graded):
    """What is missing, cannot be parsed, or fails in its import gets nothing; everything else gets everything."""
    _, results, _ = graded
    lost = {"fooling", "class_visualization", "content_loss", "tv_loss"}
    expected = {task.name: 0 if task.name in lost else task.points for task in read_rubric().tasks}
    assert results["extra_data"]["tasks"] == expected


def test_the_report_says_what_was_wrong_with_each_module(graded):
    """Each module that could not be used is named with the reason."""
    _, _, folder = graded
    report = (folder / "report.md").read_text("utf-8").replace("\\", "")
    for words in ("no_such_package", "SystemExit", "content_loss.py, line 1", "tv_loss.py is missing"):
        assert words in report


def test_a_module_that_cannot_be_used_is_told_once_for_each_task(graded):
    """Beside the list of problems, above the criteria; not as code that is not written yet."""
    _, results, folder = graded
    report = (folder / "report.md").read_text("utf-8").replace("\\", "")
    for words in ("tv_loss.py is missing", "content_loss.py, line 1: invalid syntax", "no_such_package"):
        assert report.count(words) == 2
    assert "not implemented yet" not in report.lower()
    assert results["tests"][0]["status"] == "passed"


@pytest.mark.parametrize("kind", ["missing", "damaged", "unwritten"])
def test_a_notebook_without_an_answer_is_the_reason_although_its_test_is_hidden(graders, tmp_path, kind):
    files = {MODULES[0]: (KIT / MODULES[0]).read_bytes()}
    files |= {"damaged": {NOTEBOOK: b"{"}, "unwritten": {NOTEBOOK: UNWRITTEN_NOTEBOOK}}.get(kind, {})
    words = {"missing": "is missing", "damaged": "this is not a notebook", "unwritten": "not implemented yet"}[kind]
    write_zip(tmp_path / "ada.zip", files)
    first = json.loads(graders.submit(grade_in, tmp_path, "out").result())["tests"][0]
    assert (first["name"], first["score"]) == ("Warm-up: probabilities: value", 0)
    assert words in first["output"]
    assert NOTEBOOK in first["output"]


def test_what_code_prints_is_shown_but_not_what_hidden_tests_give_it(graded):
    """The shapes of the visible tests appear, those of the hidden tests do not."""
    _, _, folder = graded
    everything = "".join((folder / name).read_text("utf-8") for name in ("report.md", "report.html", "results.json"))
    assert "(2, 3, 72, 88)" in everything
    for hidden in ("(2, 3, 91, 67)", "(11, 3, 7, 5)"):
        assert hidden not in everything


def test_in_halves_the_reports_are_the_same(graders, graded):
    """Also where modules are out of order."""
    _, _, folder = graded
    graders.submit(grade_in, folder, "halves", in_halves=True).result()
    for name in ("results.json", "report.md", "report.html"):
        assert (folder / "halves" / name).read_bytes() == (folder / name).read_bytes(), name


def test_in_halves_all_is_told_once_that_code_prints(graders, tmp_path):
    """What two modules print when they are imported, which both processes do, and what they print in either half."""
    files = {name: (KIT / name).read_bytes() for name in (*MODULES, NOTEBOOK)}
    for name in ("visualizers/saliency.py", "style_transfer/tv_loss.py"):
        source = files[name].decode().replace("    ### BEGIN SOLUTION", "    print(__name__, 'runs')", 1)
        files[name] = f"{source}\nprint(__name__, 'is imported')\n".encode()
    write_zip(tmp_path / "ada.zip", files)
    whole = graders.submit(grade_in, tmp_path, "whole").result()
    for words in (b"visualizers.saliency runs", b"style_transfer.tv_loss runs", b"tv_loss is imported"):
        assert words in whole
    assert graders.submit(grade_in, tmp_path, "halves", in_halves=True).result() == whole


def test_pytest_shows_the_points(graded):
    """`pytest --submission` ends with the sum."""
    run, results, _ = graded
    assert f"ada: {results['score']:g} of 100 points" in run.stdout
    assert run.returncode == 1


def test_reports_name_no_places_in_memory(graders, tmp_path):
    """They would differ from run to run."""
    source = (KIT / "style_transfer" / "tv_loss.py").read_text("utf-8")
    wrong = "    raise ValueError(object())\n    ### END SOLUTION"
    write_zip(
        tmp_path / "ada.zip", {"style_transfer/tv_loss.py": source.replace("    ### END SOLUTION", wrong).encode()}
    )
    told = graders.submit(grade_in, tmp_path, "out").result()
    assert b"<object object>" in told
    assert b"0x" not in told


def test_a_submission_that_cannot_be_read_is_refused_in_one_sentence(tmp_path):
    """No traceback for what is not an archive."""
    (tmp_path / "bad.zip").write_bytes(b"nothing")
    run = pytest_on(tmp_path / "bad.zip")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "bad.zip" in run.stderr
    assert "Traceback" not in run.stderr + run.stdout


def test_a_folders_own_configuration_and_tests_are_left_alone(tmp_path):
    """pytest takes a submission's folder neither for a place of tests nor for one with a conftest.py."""
    trap = f"import pathlib; pathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n"
    for name in ("conftest.py", "test_trap.py", "visualizers/conftest.py", "visualizers/saliency.py"):
        (tmp_path / "ada" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ada" / name).write_text(trap, "utf-8")
    (tmp_path / "ada" / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n", "utf-8")
    run = pytest_on(tmp_path / "ada", "tests/test_saliency.py")
    assert not (tmp_path / "sprung").exists()
    assert "ada: 0 of 100 points" in run.stdout


ANSWERS = (
    "test_saliency.py::test_other_networks[vgg11] saliency 1",
    "test_class_visualization.py::test_one_step_with_other_networks[vgg11] class_visualization_step 1",
)


def fault_without(answer: str, folder: Path, in_halves: bool) -> str:
    """What stops the grading, where the kit has lost this answer."""
    del oracle.CALLS[answer]
    with pytest.raises(RuntimeError) as error:
        grade_in(folder, "out", in_halves)
    return str(error.value)


@pytest.mark.parametrize(("in_halves", "answer"), [(False, ANSWERS[0]), (True, ANSWERS[0]), (True, ANSWERS[1])])
def test_an_answer_that_the_kit_lacks_costs_nobody_points(graders, tmp_path, in_halves, answer):
    """The kit is at fault, so there are no marks, whichever process finds it out."""
    write_zip(tmp_path / "ada.zip", {name: (KIT / name).read_bytes() for name in (*MODULES, NOTEBOOK)})
    fault = graders.submit(fault_without, answer, tmp_path, in_halves).result()
    assert fault.startswith("the tests could not be run")
    assert "the kit is at fault, not your code: it lacks the recorded answer" in fault
    assert not (tmp_path / "out").exists()
