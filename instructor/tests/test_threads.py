"""Wherever the kit's code starts, idle threads sleep: the setting is there before torch is, and is never the user's."""

import os
import subprocess
import sys

import nbformat
import pytest

from kit.paths import KIT

NAMES = ("OMP_WAIT_POLICY", "KMP_BLOCKTIME", "GOMP_SPINCOUNT", "KMP_LIBRARY")
PASSIVE = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "50000", "KMP_BLOCKTIME": "0"}
# Ends the process where torch would be imported, and prints the settings that it would find.
AT_TORCH = f"""
import os, sys

sys.modules["rfc3987_syntax"] = None  # which takes two seconds, as conftest.py says
printed = os.dup(1)

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            found = {{name: os.environ[name] for name in {NAMES} if name in os.environ}}
            os.write(printed, repr(found).encode())
            os._exit(0)

sys.meta_path.insert(0, Watch())
"""


def run(code, cwd=KIT, **settings):
    """What a fresh Python prints in which nobody has said anything about threads yet, except for `settings`."""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES} | settings
    command = [sys.executable, "-c", code]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    return subprocess.run(command, cwd=cwd, env=environment, check=True, **streams)


def found_by_torch(code, **settings):
    printed = run(AT_TORCH + code, **settings).stdout
    assert printed, f"torch is not imported by {code!r}"
    return eval(printed)


def program(name):
    start = f"sys.path.insert(0, {str((KIT / name).parent)!r}); runpy.run_path({name!r}, run_name='__main__')"
    return f"import runpy; {start}"


def module(name, *arguments):
    start = f"runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return f"import runpy; sys.argv[1:] = {list(arguments)}; {start}"


PACKAGES = sorted(path.parent.name for path in KIT.glob("*/__init__.py") if path.parent.name != "tests")
STARTS = {
    **{f"import {name}": f"import {name}, torch" for name in PACKAGES},
    "make test": module("pytest", "-q", "--collect-only", "tests/test_tv_loss.py"),
    "make figures": program("notebooks/run.py"),
    "the worker": "import instructor.grading.isolation.worker",
    "the batch": "import instructor.grading.batch.supervisor, instructor.grading.grade",
    "Gradescope": "import instructor.gradescope.__main__, instructor.grading.grade",
    "training": module("instructor.training.distill"),
    "make bench": module("instructor.benchmarks.speed"),
    "references": "import instructor.reference.stored",
    "the picture of README.md": module("instructor.overview"),
}


@pytest.mark.parametrize("start", STARTS)
def test_torch_finds_that_threads_wait_passively(start):
    assert found_by_torch(STARTS[start]) == PASSIVE


@pytest.mark.parametrize("path", sorted(KIT.glob("notebooks/0*.ipynb")), ids=lambda path: path.stem)
def test_the_first_cell_of_a_notebook_sets_it_before_torch(path):
    cell = next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    cell = cell.replace("%matplotlib inline\n", "")  # which is for a kernel alone
    shell = "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance()"
    assert found_by_torch(f"{shell}\nshell.run_cell({cell!r})") == PASSIVE


@pytest.mark.parametrize("name", NAMES)
def test_what_the_user_has_set_stays_and_nothing_is_added(name):
    for value in ("active", ""):
        assert found_by_torch("import kit, torch", **{name: value}) == {name: value}


def test_what_the_kit_starts_finds_it_too():
    inner = f"import subprocess; subprocess.run([sys.executable, '-c', {AT_TORCH + 'import torch'!r}])"
    assert eval(run(f"import sys, kit\n{inner}").stdout) == PASSIVE


def test_where_torch_is_loaded_already_nothing_pretends():
    loaded = "import os, sys; sys.modules['torch'] = None"  # as far as the kit can see
    assert run(f"{loaded}; import kit; print(os.environ.get('OMP_WAIT_POLICY'))").stdout == "None\n"


def test_the_library_of_torch_obeys():
    shown = run("import kit, torch, os; os._exit(0)", OMP_DISPLAY_ENV="true").stderr.upper()
    if "OPENMP DISPLAY ENVIRONMENT BEGIN" not in shown:
        pytest.skip("this torch has no OpenMP")
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in shown.replace("='", " = '")
