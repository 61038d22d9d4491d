"""check() answers in plain words, in a fresh process as in a notebook's kernel."""

import base64
import io
import json

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from instructor.tests.support.fresh import said_by
from kit import check
from kit.assignment import TASKS, fits
from kit.check.hints import hint_at
from kit.paths import KIT

BROKEN = """
import os
import style_transfer
style_transfer.tv_loss = {replacement}
before = dict(os.environ)
from kit import check
check("tv_loss")
assert dict(os.environ) == before
"""


def words(replacement):
    return said_by(BROKEN.format(replacement=replacement))


def test_a_right_function_is_told_that_all_checks_hold():
    assert words("style_transfer.tv_loss").endswith("All checks hold.\n")


def test_a_wrong_function_is_told_what_does_not_hold():
    answer = words("lambda img, tv_weight: tv_weight * img.sum()")
    assert "✗" in answer
    assert "All checks hold." not in answer
    assert "Traceback" not in answer


def test_an_unwritten_function_is_told_so():
    answer = words("lambda *args: (_ for _ in ()).throw(NotImplementedError())")
    assert answer.startswith("Not implemented yet: ")
    assert answer.count("Not implemented yet: ") == 1
    assert "  · " in answer
    assert "✗" not in answer
    assert "Traceback" not in answer


def test_an_error_is_told_with_its_place_and_what_was_printed():
    body = "def broken(img, tv_weight):\n    print('shape', tuple(img.shape))\n    return img.nowhere\n"
    answer = words(f"(exec(compile({body!r}, 'style_transfer/own.py', 'exec')), broken)[1]")
    assert (
        "AttributeError: 'Tensor' object has no attribute 'nowhere' (broken in style_transfer/own.py, line 3)" in answer
    )
    assert "Output of your code" in answer
    assert "shape (" in answer


CHECKED = """
import pathlib
from kit.check import run
run.TESTS = pathlib.Path({folder!r})
for _ in range({times}):
    run.check("task")
"""
SKIPPING = """
import pytest
def test_one():
    "One holds."
def test_two():
    "Two holds."
    pytest.skip("no file")
"""
COUNTING = """
from answers import counted
def test_one():
    "First."
    counted.calls.append(1)
    assert counted.calls == [1], "not the first call"
"""
REPLAYING = """
from pathlib import Path
from tests.support import oracle
oracle.read(Path(__file__).parent / "answers")
def test_one():
    "One."
    assert [oracle.answer(), oracle.answer()] == [1, 2], "other answers"
def test_two():
    "Two."
    assert oracle.answer() == 3, "another answer"
def test_three():
    "Three."
    oracle.answer()
def test_four():
    "Four."
    assert oracle.answer() == 5, "expected 5"
"""
FAILING = """
import importlib.util
spec = importlib.util.spec_from_file_location("mine", {path!r})
mine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mine)
def test_one():
    "One."
    mine.f()
def test_two():
    "Two."
    mine.f()
"""
GIVEN = """
import pytest
def test_own():
    "Own."
@pytest.mark.given
def test_given():
    "Given."
    assert {holds}, "not so"
"""


def checked(tests, folder, times=1):
    """What check() says of these tests."""
    (folder / "test_task.py").write_text(tests, "utf-8")
    return said_by(CHECKED.format(folder=str(folder), times=times))


def test_a_check_that_is_skipped_is_no_tick(tmp_path):
    """It is said why it was not checked, and not that all checks hold."""
    expected = "– Two holds. Not checked: no file\n✓ One holds.\n1 of 2 checks hold, 1 not checked.\n"
    assert checked(SKIPPING, tmp_path) == expected


def test_a_second_check_forgets_what_the_first_has_counted(tmp_path):
    """Also in folders of tests that are not packages."""
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "counted.py").write_text("calls = []\n", "utf-8")
    (tmp_path / "conftest.py").write_text(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n", "utf-8")
    assert checked(COUNTING, tmp_path, times=3) == 3 * "✓ First.\nAll checks hold.\n"


def replaying(folder):
    """A folder of tests with recorded answers of their own."""
    (folder / "answers").mkdir()
    answers = {"one answer 1": 1, "one answer 2": 2, "two answer 1": 3, "four answer 1": 4}
    recorded = {f"test_task.py::test_{call}": {"number": answer} for call, answer in answers.items()}
    (folder / "answers" / "recorded.json").write_text(json.dumps(recorded), "utf-8")
    np.savez(folder / "answers" / "recorded.npz", nothing=np.zeros(1))


def test_recorded_answers_are_the_same_at_every_check(tmp_path):
    """One that was never recorded is no tick, and no fault of the student's."""
    replaying(tmp_path)
    fault = "the kit is at fault, not your code: it lacks the recorded answer 'test_task.py::test_three answer 1'"
    lines = ("✗ Four.", "      expected 5", f"– Three. Not checked: {fault}", "✓ One.", "✓ Two.")
    expected = "\n".join([*lines, "2 of 4 checks hold, 1 not checked.", ""])
    assert checked(REPLAYING, tmp_path, times=5) == 5 * expected


def test_recorded_answers_are_counted_anew_for_each_test(tmp_path):
    """Also where nobody forgets the module between two runs of the tests."""
    replaying(tmp_path)
    (tmp_path / "test_task.py").write_text(REPLAYING.partition("def test_three")[0], "utf-8")
    options = ["-q", "-p", "no:cacheprovider", str(tmp_path)]
    assert said_by(f"import pytest\nfor _ in range(2):\n    pytest.main({options})").count("2 passed") == 2


def test_the_same_complaint_is_made_once_with_its_line_and_a_hint(tmp_path):
    path = tmp_path / "visualizers" / "mine.py"
    path.parent.mkdir()
    path.write_text("def f():\n    return [missing for _ in range(3)]\n", "utf-8")
    one, complaint, line, hint, two, summary = checked(FAILING.format(path=str(path)), tmp_path).splitlines()
    assert [one, two] == ["✗ One.", "✗ Two."]
    assert complaint.strip() == "NameError: name 'missing' is not defined (f in visualizers/mine.py, line 2)"
    assert line.strip() == "return [missing for _ in range(3)]"
    assert hint.strip().startswith("Is it misspelled")
    assert summary == "0 of 2 checks hold."


def test_the_first_failure_is_told_with_its_numbers_and_the_others_in_a_line_each(tmp_path):
    """What holds comes last. Of another error its type and line are told, with the hint."""
    path = tmp_path / "visualizers" / "mine.py"
    path.parent.mkdir()
    path.write_text("def f():\n    return [missing for _ in range(3)]\n", "utf-8")
    holding = 'def test_three():\n    "Three."\n'
    wrong = 'def test_four():\n    "Four."\n    assert False, "expected 4, got 5"\n'
    tests = FAILING.format(path=str(path)).replace("mine.f()", 'assert False, "expected 1, got 2"', 1)
    first, hint = ["✗ One.", "      expected 1, got 2"], hint_at("NameError", "")
    expected = [*first, f"✗ Two. (NameError in line 2: {hint})", "✗ Four.", "✓ Three.", "1 of 4 checks hold."]
    assert checked(tests + holding + wrong, tmp_path).splitlines() == expected


def test_checks_of_given_code_are_told_of_only_where_they_fail(tmp_path):
    """And never counted."""
    assert checked(GIVEN.format(holds=True), tmp_path) == "✓ Own.\nAll checks hold.\n"
    failing = "✗ Given. (given code, which calls yours)\n      not so\n✓ Own.\n1 of 1 checks hold.\n"
    assert checked(GIVEN.format(holds=False), tmp_path) == failing


def test_checks_of_given_code_that_fail_beside_the_students_own_are_only_counted(tmp_path):
    wrong = GIVEN.format(holds=False).replace('"Own."', '"Own."; assert False, "wrong"')
    expected = (
        "✗ Own.\n      wrong\nA check of given code fails too: look again when yours hold.\n0 of 1 checks hold.\n"
    )
    assert checked(wrong, tmp_path) == expected


WRONG_VALUES = """
import torch
from tests.support.comparison import assert_matches
def test_few():
    "Few numbers."
    assert_matches(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 4.0]))
def test_map():
    "A map."
    goal = torch.arange(2 * 20 * 24.0).view(2, 20, 24)
    yours = goal.clone()
    yours[1] = -goal[1]
    assert_matches(yours, goal, images=torch.rand(2, 3, 20, 24))
"""


FEW = "✗ Few numbers.\n      expected [1.0, 2.0, 4.0], got [1.0, 2.0, 3.0]: off by"


@pytest.fixture(scope="module")
def outputs_of_wrong_values(tmp_path_factory):
    """What a notebook shows where numbers and a map are wrong, and where only numbers are."""
    cells = []
    for tests in (WRONG_VALUES, WRONG_VALUES.partition("def test_map")[0]):
        folder = tmp_path_factory.mktemp("wrong")
        (folder / "test_task.py").write_text(tests, "utf-8")
        cells.append(CHECKED.format(folder=str(folder), times=1))
    return outputs_of(*cells)


def test_in_a_notebook_wrong_numbers_are_shown_beside_the_goal(outputs_of_wrong_values):
    words, shown, others = outputs_of_wrong_values[1]
    assert words.text.startswith(FEW)
    assert others.text.endswith("0 of 1 checks hold.\n")
    assert shown.data["text/markdown"].splitlines()[2:] == [
        "| yours | 1 | 2 | 3 |",
        "| the goal | 1 | 2 | 4 |",
        "| yours − the goal | 0 | 0 | -1 |",
    ]


def test_in_a_notebook_a_wrong_map_is_shown_beside_the_goal(outputs_of_wrong_values):
    """For the input that is farthest off, and rather than numbers."""
    words, shown, caption, others = outputs_of_wrong_values[0]
    assert words.text.startswith(FEW)
    assert others.text.endswith("✗ A map.\n0 of 2 checks hold.\n")
    alt = "Pictures in a row for input 2 of 2: yours, the goal, yours − the goal."
    assert shown.metadata["image/jpeg"]["alt"] == alt
    assert caption.data["text/markdown"].startswith("*A map. Here for input 2 of 2")
    with Image.open(io.BytesIO(base64.b64decode(shown.data["image/jpeg"]))) as picture:
        assert picture.width > 3 * picture.height > 300
        light = np.asarray(picture.convert("L"))
    assert light[:2].min() > 240, "a light ground of its own, whatever the page's"


def test_in_a_terminal_nothing_is_shown_but_words(tmp_path):
    assert checked(WRONG_VALUES, tmp_path).splitlines()[-2:] == ["✗ A map.", "0 of 2 checks hold."]


def test_a_check_that_does_not_end_is_stopped_and_named():
    hanging = "def hang(*given):\n    while True:\n        pass\n"
    limits = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"  # as in the background
    limits += "from kit.check import patience\npatience.SOON, patience.LIMIT = 1, 2"
    named, stopped = words(f"None\n{limits}\n{hanging}\nstyle_transfer.tv_loss = hang").splitlines()
    assert named.startswith("After 1 s, still in check 1 of ")
    assert named.endswith("It will be stopped after 2 s.")
    assert stopped.startswith("✗ Stopped after 2 s in check 1 of ")
    assert stopped.endswith("is there a loop that never ends? What follows was not checked.")


def test_an_interrupted_check_says_one_line():
    answer = words("lambda *given: (_ for _ in ()).throw(KeyboardInterrupt())")
    assert answer.startswith("Interrupted in check 1 of ")
    assert answer.count("\n") == 1


def test_a_module_that_cannot_be_imported_is_told_in_one_line(tmp_path):
    (tmp_path / "test_broken.py").write_text("import torhc\n", "utf-8")
    code = (
        f"import pathlib\nfrom kit.check import run\nrun.TESTS = pathlib.Path({str(tmp_path)!r})\nrun.check('broken')"
    )
    assert said_by(code) == "✗ Nothing was checked: ModuleNotFoundError: No module named 'torhc'\n"


def test_a_task_without_tests_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"'tvloss'.*tv_loss"):
        check("tvloss")


def test_a_module_that_does_not_parse_is_named_and_nothing_passes(monkeypatch, tmp_path, capsys):
    (tmp_path / "visualizers").mkdir()
    (tmp_path / "visualizers" / "saliency.py").write_text("def f(:\n", encoding="utf-8")
    monkeypatch.setattr("kit.alive.KIT", tmp_path)
    check("tv_loss")
    assert capsys.readouterr().out.startswith("✗ Nothing was checked: visualizers/saliency.py, line 1")


def outputs_of(*cells):
    """What a notebook shows for each cell."""
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    options = {"resources": {"metadata": {"path": str(KIT)}}, "extra_arguments": ["--log-level=ERROR"]}
    return [cell.outputs for cell in NotebookClient(notebook, **options).execute().cells]


def error_of(cell):
    """What a notebook shows for a cell that fails, with the extension loaded."""
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext kit", cell, "6 * 7")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    options = {"resources": {"metadata": {"path": str(KIT)}}, "extra_arguments": ["--log-level=ERROR"]}
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, **options).execute()
    (output,) = notebook.cells[1].outputs
    assert not notebook.cells[2].outputs, "the cells below must not run"
    return output


def test_in_a_notebook_an_unwritten_task_answers_in_one_line(tmp_path):
    """The line says what to write and where, and the cell still counts as failed."""
    source = "def paint():\n    raise NotImplementedError('not implemented yet')\n"
    (tmp_path / "unwritten.py").write_text(source, "utf-8")
    lines = ("import sys, pathlib, kit.kernel", f"kit.alive.KIT = kit.kernel.KIT = pathlib.Path({str(tmp_path)!r})")
    calls = ("sys.path.insert(0, str(kit.alive.KIT))", "import unwritten", "unwritten.paint()")
    (words,) = error_of("\n".join([*lines, *calls])).traceback
    place = "Not implemented yet: paint in unwritten.py, line 2."
    assert words == f"{place} Write it between the markers, save the file, and run this cell again."


def test_in_a_notebook_an_unwritten_cell_answers_in_one_line():
    (words,) = error_of('raise NotImplementedError("not implemented yet")').traceback
    assert words == "Not implemented yet: a part of this cell. Write it between the markers, and run this cell again."


def test_in_a_notebook_other_errors_keep_their_traceback():
    output = error_of('raise NotImplementedError("no such kernel for this device")')
    assert any("no such kernel for this device" in line for line in output.traceback)
    assert len(output.traceback) > 1


ASKED = """
import contextlib, io, json
import pytest
from kit.assignment import CHECKS
from kit.check.asked import Asked
from kit.check.run import TESTS, WITHOUT

class Names:
    def pytest_collection_finish(self, session):
        self.found = [f"{item.path.name}::{item.name}" for item in session.items]

def names(marked, files, *plugins):
    collected = Names()
    with contextlib.redirect_stdout(io.StringIO()):
        options = ["--collect-only", "-m", marked, "-o", "addopts=", *WITHOUT]
        pytest.main([*options, *map(str, files)], plugins=[*plugins, collected])
    return collected.found

asked = {check: Asked(TESTS / f"test_{check}.py", check) for check in CHECKS}
everything = names("", {file for each in asked.values() for file in each.files})
print(json.dumps([everything, {check: names("not slow", each.files, each) for check, each in asked.items()}]))
"""


def test_check_asks_everything_that_is_graded_and_not_hidden():
    """What costs points for a reason that students can see is no surprise: check() has said it."""
    everything, asked = json.loads(said_by(ASKED))
    for task in filter(lambda task: task.check, TASKS.values()):
        graded = {name for name in everything if any(fits(pattern, name) for pattern in task.graded)}
        assert graded
        assert not graded - set(asked[task.check]), task.name
    assert any("test_purity" in name for name in asked["saliency"])
