"""A student release gives nothing away, and is refused when it would not hold what it promises."""

import json

import nbformat
import pytest

from instructor.release import proof, release
from instructor.release.errors import ReleaseError
from instructor.release.known_files import known_files
from instructor.release.release import is_kept, key_files, student_files, write
from kit.assignment import EDITABLE, GIVEN, MODULES, PACKAGES
from kit.paths import KIT
from kit.provenance import digest

LINE = "result = a * b + 0 * len('secret')"
MODULE = f"def area(a, b):\n    ### BEGIN SOLUTION\n    {LINE}\n    ### END SOLUTION\n    return result\n"
STUB = 'def area(a, b):\n    raise NotImplementedError("not implemented yet")\n'
RIGHT = "def area(a, b):\n    return a * b\n"
TEST = "def test_area():\n    assert area(2, 3) == 6\n\ndef test_other():\n    pass\n"
CONFTEST = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo and str(call.excinfo.value) == "not implemented yet":
        report.longrepr = "not implemented yet: area in visualizers/area.py"
    return report
"""


@pytest.fixture(scope="module")
def files():
    return student_files()


def test_students_get_the_kit_without_the_instructors_part(files):
    assert {*EDITABLE, "README.md", "Makefile", "pyproject.toml", "collect_submission.sh"} <= files.keys()
    assert {"conftest.py", "tests/test_saliency.py", "tests/references/style.npz"} <= files.keys()
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc") or name.startswith("figures/")]


def test_the_wing_is_the_only_thing_that_students_do_not_get(files):
    """There is no list of exceptions: a file is released unless it lies in instructor/."""
    assert {name for name in known_files() if name not in files} == {
        name for name in known_files() if name.startswith("instructor/")
    }


def test_the_table_knows_what_stands_beside_the_tasks():
    """What it does not know counts as a student's own, and is packed and graded as such."""
    rooms = tuple(f"{package}/" for package in PACKAGES)
    assert {name for name in known_files() if name.startswith(rooms)} == {*MODULES, *GIVEN}


def test_a_file_is_the_same_in_a_release_unless_it_holds_a_solution(files):
    """Nothing else is stripped, replaced or added."""
    altered = [name for name, content in files.items() if content != (KIT / name).read_bytes()]
    assert sorted(altered) == sorted(EDITABLE)


def test_no_line_of_a_solution_is_in_a_release(files):
    originals = {name: (KIT / name).read_text("utf-8") for name in EDITABLE}
    assert proof.prove_that_nothing_survives(files, originals) > 80


NOTEBOOK = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"Before: {LINE}")])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tests/test_area.py", f"assert area(2, 3) == 6  # {LINE}"),
        ("visualizers/area.cpython-311.pyc", f"\x00\x01{LINE}\x00"),
        ("notebooks/a.ipynb", nbformat.writes(NOTEBOOK)),
    ],
)
def test_a_line_that_survives_anywhere_is_found(name, content):
    with pytest.raises(ReleaseError, match=f"{name} holds a line of a solution"):
        proof.prove_that_nothing_survives({name: content.encode()}, {"visualizers/area.py": MODULE})


def tiny(source, test):
    """The smallest kit that can be proved."""
    return {
        "pyproject.toml": b"[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
        "visualizers/__init__.py": b"",
        "visualizers/area.py": source.encode(),
        "conftest.py": CONFTEST.encode(),
        "tests/test_area.py": f"from visualizers.area import area\n\n{test}\n".encode(),
    }


@pytest.fixture
def prove(monkeypatch, tmp_path):
    """How many tests of a tiny kit wait for its one task, and how many of those pass with the solution."""
    monkeypatch.setattr(proof, "written_functions", lambda: [("area", "visualizers/area.py")])

    def prove(source=STUB, test=TEST, solution=RIGHT):
        kit = tmp_path / "kit"
        proof.write_tree(tiny(source, test), kit)
        return (
            proof.prove_that_stubs_wait(kit),
            proof.prove_that_solutions_pass(kit, {"visualizers/area.py": solution}),
        )

    return prove


def test_tests_that_wait_for_a_solution_and_pass_with_it_are_accepted(prove):
    assert prove() == (1, 1)


def test_solutions_that_fail_are_refused(prove):
    with pytest.raises(ReleaseError, match=r"1 tests fail, first tests\.test_area::test_area"):
        prove(solution=RIGHT.replace("*", "+"))


@pytest.mark.parametrize(
    ("source", "test", "complaint"),
    [
        ("def area(a, b):\n    return undefined\n", TEST, "fails for another reason than an unwritten task"),
        (RIGHT, TEST, "no test waits for area"),
        (STUB, TEST.split("def test_other")[0], "no test passes"),
    ],
)
def test_stubs_that_fail_otherwise_are_refused(prove, source, test, complaint):
    with pytest.raises(ReleaseError, match=complaint):
        prove(source, test)


def test_modules_that_cannot_be_imported_are_refused():
    proof.prove_that_everything_imports(tiny(RIGHT, TEST))
    with pytest.raises(ReleaseError, match="No module named 'nowhere'"):
        proof.prove_that_everything_imports(tiny("import nowhere\n", TEST))
    with pytest.raises(ReleaseError, match=r"visualizers/area\.py, line 1, does not parse"):
        proof.prove_that_everything_imports(tiny("def area(:\n", TEST))


def test_key_files_are_those_that_students_leave_alone(files):
    sums = json.loads(key_files(files))
    assert not sums.keys() & set(EDITABLE)
    assert set(sums) == {name for name in files if is_kept(name)}
    assert {
        "tests/test_saliency.py",
        "visualizers/scores.py",
        "kit/check/run.py",
        "kit/hand_in/archive.py",
    } <= sums.keys()
    assert all(sums[name] == digest(files[name]) for name in sums)


def test_a_release_is_written_whole_and_never_over_another(tmp_path):
    out = tmp_path / "new" / "release"
    archive = write({"a/b.txt": b"text", "collect_submission.sh": b"#!/bin/sh\n"}, out)
    assert archive == out / "inside-convnets.zip"
    assert (out / "inside-convnets" / "a" / "b.txt").read_bytes() == b"text"
    assert (out / "inside-convnets" / "collect_submission.sh").stat().st_mode & 0o111
    with pytest.raises(ReleaseError, match="is not empty: name a new folder"):
        release.release(out)
    with pytest.raises(TypeError):
        write({"a": None}, tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
