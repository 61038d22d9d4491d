"""The kit on computers other than the one that it was made on: other terminals, other places, several copies."""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from instructor.tests.support.fresh import said_by
from kit.paths import KIT

NOT_THE_KIT = shutil.ignore_patterns(".*", "__pycache__", "build", "figures", "downloads", "*.egg-info")
STRIPPED = ("LANG", "LC_ALL", "PYTHONPATH", "PYTHONWARNDEFAULTENCODING")
TERMINALS = {
    "cp1252": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
}
IS_RUN = '\nif __name__ == "__main__":'
PLACE = "import visualizers; print(visualizers.__file__)"
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in {cells}:
    shell.run_cell(cell).raise_error()
"""


def run(*words, cwd=KIT, **settings):
    """Status and all bytes that a Python says on a terminal, without the kit's folders in its path."""
    environment = {name: value for name, value in os.environ.items() if name not in STRIPPED}
    environment |= {"KIT_OFFLINE": "1", **settings}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Another copy of the kit, which is not installed."""
    return Path(shutil.copytree(KIT, tmp_path_factory.mktemp("other") / "copy", ignore=NOT_THE_KIT))


def test_git_hands_out_text_with_lf_and_leaves_other_files_alone_on_every_system():
    listing = subprocess.run(["git", "ls-files", "--eol"], cwd=KIT, capture_output=True, encoding="utf-8", check=True)
    for line in listing.stdout.splitlines():
        state, name = line.split("\t")
        in_git, _, *rules = state.split()
        assert in_git in ("i/lf", "i/-text", "i/none"), f"{name} is stored with other line ends"
        assert " ".join(rules) == ("attr/-text" if in_git == "i/-text" else "attr/text=auto eol=lf"), name


def test_a_command_ends_without_looking_through_everything_for_garbage():
    """Which takes a second after torch was imported. What is registered first is called last, as here."""
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))"
    assert run("-c", f"{code}; from kit.command import get_ready; get_ready()") == (0, b"True\n")
    assert run("-c", code) == (0, b"False\n")


# ----------------------------------------------------------------------------------------------------------- terminals


def test_signs_that_a_terminal_lacks_are_printed_in_signs_that_it_has():
    code = "from kit.command import get_ready; get_ready(); print('✓ ✗ · × … – “é” 中 \\ud800')"
    code = ascii(code).join(("exec(", ")"))
    assert run("-c", code, **TERMINALS["cp1252"])[1].decode("cp1252").strip() == "[ok] [no] · × … – “é” \\u4e2d \\ud800"
    assert run("-c", code, **TERMINALS["ascii"])[1].strip() == b'[ok] [no] - x ... - "e" \\u4e2d \\ud800'
    assert run("-c", code, PYTHONUTF8="1")[1].decode().strip() == "✓ ✗ · × … – “é” 中 \\ud800"


def programs():
    """Every file that is run as a program, but for what runs before the kit is set up."""
    others = ("instructor/tests/", "kit/preflight.py")
    paths = sorted(path for folder in KIT.glob("[!.]*/") for path in folder.rglob("*.py"))
    names = [path.relative_to(KIT).as_posix() for path in paths]
    return [name for name in names if not name.startswith(others) and IS_RUN in (KIT / name).read_text("utf-8")]


@pytest.mark.parametrize("program", programs())
def test_every_program_gets_ready_before_it_does_anything(program):
    main = (KIT / program).read_text("utf-8").partition("\ndef main(")[2].partition("\n")[2].lstrip()
    if main.startswith('"""'):
        main = main.split('"""')[2].lstrip()
    assert main.startswith("get_ready()")


COMMANDS = (
    ("-m", "kit", "hand_in"),
    ("-m", "kit", "report", "--strict", "no such report.md"),
    ("-m", "data", "status"),
    ("-m", "instructor", "--help"),
    ("notebooks/run.py", "99"),
    ("-c", "from kit import check; check('tv_loss')"),
)
# Each command in a fork of its own: what takes seconds to import is imported once for a terminal.
ONE_AFTER_THE_OTHER = """
import json, os, runpy, sys
import kit.quick_torchvision, matplotlib.pyplot, torchvision.models
for number, words in enumerate(json.loads(sys.argv[1])):
    if os.fork():
        os.wait()
        continue
    for descriptor in (1, 2):
        os.dup2(os.open(f"{sys.argv[2]}/{number}", os.O_CREAT | os.O_WRONLY | os.O_APPEND), descriptor)
    kind, sys.argv = words[0], words[1:]
    if kind == "-m":
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        exec(words[1])
    else:
        sys.argv = words
        runpy.run_path(kind, run_name="__main__")
    sys.exit()
"""


@pytest.fixture(scope="module")
def said_on(tmp_path_factory):
    """What every command says on a terminal."""

    @cache
    def said_on(terminal):
        folder = tmp_path_factory.mktemp(terminal)
        status, said = run("-c", ONE_AFTER_THE_OTHER, json.dumps(COMMANDS), folder, **TERMINALS[terminal])
        assert status == 0, said
        return [(folder / str(number)).read_bytes() for number in range(len(COMMANDS))]

    return said_on


@pytest.mark.long
@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=map(" ".join, COMMANDS))
def test_what_a_command_says_survives_every_terminal(number, terminal, said_on):
    said = said_on(terminal)[number]
    assert said.strip()
    assert b"Traceback" not in said
    assert b"UnicodeEncodeError" not in said
    assert said.isascii() or terminal != "ascii"


# -------------------------------------------------------------------------------------------------------------- copies


@pytest.mark.long
def test_a_command_in_another_copy_says_which_one_it_runs(copy):
    assert run("-m", "data", "status", cwd=copy)[1].count(b"another copy") == 0, "Python takes the folder it is run in"
    said = run("-m", "data", "status", cwd=copy / "notebooks")[1].decode()
    assert said.splitlines()[0] == f"This runs the kit in {KIT}, and you are in another copy of it, {copy}"


def test_a_notebook_gets_the_modules_of_its_own_copy(copy):
    code = SHELL.format(cells=["%load_ext kit", PLACE, "import kit.alive as a; print(len(a.RUNNING) > 5)"])
    said = said_by(f"import os; os.chdir({str(copy / 'notebooks')!r})\n{code}")
    assert said.splitlines() == [str(copy / "visualizers" / "__init__.py"), "True"]


@pytest.mark.long
def test_a_notebook_that_has_modules_of_another_copy_keeps_them_and_says_so(copy):
    code = SHELL.format(cells=[PLACE, "%load_ext kit", PLACE, "import kit.alive as a; print(len(a.RUNNING) > 5)"])
    said = run("-c", code, cwd=copy / "notebooks")[1].decode()
    ours = str(KIT / "visualizers" / "__init__.py")
    assert said.splitlines() == [
        f"This runs the kit in {KIT}, and you are in another copy of it, {copy}", ours, ours, "True"
    ]  # fmt: skip


@pytest.mark.long
def test_run_py_runs_the_modules_of_its_own_copy_from_anywhere(copy, tmp_path):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    source = f"{PLACE}\nfrom pathlib import Path; Path({str(tmp_path / 'place')!r}).write_text(visualizers.__file__)"
    notebook = {"cells": [{**cell, "source": source}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (copy / "notebooks" / "97_where.ipynb").write_text(json.dumps(notebook), "utf-8")
    status, said = run(copy / "notebooks" / "run.py", "97", cwd=tmp_path)
    assert status == 0, said.decode()
    assert (tmp_path / "place").read_text("utf-8") == str(copy / "visualizers" / "__init__.py")


# -------------------------------------------------------------------------------------------------------------- places

# Of the suite, what reads and writes files and draws; of check(), the notebooks and the report, one of each kind.
STUDENTS = ("assets", "examples", "figures", "images", "model", "pictures")
INSTRUCTORS = (
    "checks.py::test_an_error_is_told_with_its_place_and_what_was_printed",
    "checks.py::test_in_a_notebook_a_wrong_map_is_shown_beside_the_goal",
    "notebooks.py::test_a_saved_figure_is_shown_small_above_its_caption",
    "notebooks.py::test_outputs_are_kept_only_on_request",
    "writeup.py::test_the_whole_report_is_built_also_without_any_figure",
)
PARTS = [f"tests/test_{part}.py" for part in STUDENTS] + [f"instructor/tests/test_{part}" for part in INSTRUCTORS]


@pytest.mark.long
def test_the_suite_passes_read_only_in_a_path_with_spaces_and_umlauts_where_each_text_must_name_its_encoding(tmp_path):
    """bubblewrap makes the copy read-only, for root as well; only figures/ and build/ can be written."""
    if not shutil.which("bwrap") or subprocess.run(["bwrap", "--dev-bind", "/", "/", "true"]).returncode:
        pytest.skip("bubblewrap cannot start here")
    kit = shutil.copytree(KIT, tmp_path / "Übung mit Leerzeichen", ignore=NOT_THE_KIT)
    words = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", kit, kit, "--chdir", kit]
    for name in ("figures", "build"):
        (kit / name).mkdir()
        words += ["--bind", kit / name, kit / name]
    words += ["--", sys.executable, "-W", "error::EncodingWarning", "-m", "pytest", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONWARNDEFAULTENCODING": "1", "PYTHONPATH": str(kit)}  # kernels, too, run the copy
    done = subprocess.run([*words, "-m", "", *PARTS], env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
