"""Showing that a student release does what it should, before anybody gets it."""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import nbformat

from data.assets import asset_folders
from instructor.release.errors import ReleaseError
from instructor.release.markers import regions, solution_lines
from kit.assignment import MODULES, PACKAGES
from kit.paths import KIT
from kit.unwritten import UNWRITTEN

TOO_SHORT_TO_TELL = 12  # characters; such a line, a bracket or an `else:`, stands everywhere
IMPORT_ALL = """
import importlib, pathlib
for path in sorted(pathlib.Path().glob("*/**/*.py")):
    if path.parts[0] in {packages} and path.stem != "__main__":
        importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
"""
IMPORTED = {"data", "kit", "sanity_checks", *PACKAGES}


def prove_that_nothing_survives(files: Mapping[str, bytes], originals: Mapping[str, str]) -> int:
    """No line of a solution may stand anywhere, alone or within another line. Returns how many were looked for."""
    lines = {line for name, source in originals.items() for line in solution_lines(source, name)}
    lines = {line for line in lines if len(line) >= TOO_SHORT_TO_TELL}
    for name, content in files.items():
        text = readable(name, content)
        survivors = [line for line in lines if line in text]
        if survivors:
            raise ReleaseError(f"{name} holds a line of a solution: {survivors[0]!r}")
    return len(lines)


def readable(name: str, content: bytes) -> str:
    """The text of a file, for notebooks that of their cells; of other files whatever looks like text."""
    text = content.decode("utf-8", "replace")
    if name.endswith(".ipynb"):
        return "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    return text


def prove_that_everything_imports(files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".py"):
            try:
                ast.parse(content)
            except SyntaxError as error:
                raise ReleaseError(f"{name}, line {error.lineno}, does not parse: {error.msg}") from error
    with unpacked(files) as folder:
        run = python(folder, "-c", IMPORT_ALL.format(packages=IMPORTED))
    if run.returncode:
        raise ReleaseError(f"not everything can be imported: {run.stderr.strip().splitlines()[-1]}")


def prove_that_stubs_wait(folder: Path) -> int:
    """In a kit without solutions, tests fail only because a task is not written yet. Returns how many wait."""
    passed, complaints = run_tests(folder)
    for test, complaint in complaints.items():
        if UNWRITTEN not in complaint:
            raise ReleaseError(f"on the stubs, {test} fails for another reason than an unwritten task: {complaint}")
    for function, module in written_functions():
        if not any(f"{UNWRITTEN}: {function} in {module}" in complaint for complaint in complaints.values()):
            raise ReleaseError(f"no test waits for {function} in {module}")
    if not passed:
        raise ReleaseError("on the stubs no test passes, not even those that need no solution")
    return len(complaints)


def prove_that_solutions_pass(folder: Path, originals: Mapping[str, str]) -> int:
    """What waited in this kit passes with the solutions, which are put in their places. Returns how many tests did.

    The others have passed without a line of a solution, and would do the same again.
    """
    write_tree({name: source.encode() for name, source in originals.items()}, folder)
    passed, complaints = run_tests(folder, "--last-failed", "--last-failed-no-failures=none")
    if complaints:
        test, complaint = next(iter(complaints.items()))
        raise ReleaseError(f"with the solutions, {len(complaints)} tests fail, first {test}: {complaint}")
    return passed


def written_functions() -> list[tuple[str, str]]:
    """The functions in which solutions stand, each with its module."""
    found = []
    for module in MODULES:
        source = (KIT / module).read_text("utf-8")
        lines = [region.begin + 1 for region in regions(source, module)]
        functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        found += [(each.name, module) for each in functions if any(each.lineno <= n <= each.end_lineno for n in lines)]
    return found


def run_tests(folder: Path, *options: str) -> tuple[int, dict[str, str]]:
    """How many tests passed, and what each other one complained about; pytest remembers beside the folder which."""
    report, remembered = folder.with_name("report.xml"), folder.with_name("remembered")
    report.unlink(missing_ok=True)
    run = python(folder, "-m", "pytest", "-o", f"cache_dir={remembered}", f"--junit-xml={report}", *options)
    if not report.is_file():
        raise ReleaseError(f"the tests did not run: {(run.stdout + run.stderr).strip()[-500:]}")
    cases = list(ElementTree.parse(report).iter("testcase"))
    complaints = {
        f"{case.get('classname')}::{case.get('name')}": outcome.get("message", "")
        for case in cases
        for outcome in case
        if outcome.tag in ("failure", "error")
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - skipped - len(complaints), complaints


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run this Python in a kit's folder, whose own modules come first."""
    beside = [folder for folder in (KIT.parent / "shared",) if folder.is_dir()]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(KIT)]),
        "KIT_ASSETS": os.pathsep.join(map(str, [*asset_folders(), *beside])),
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


@contextmanager
def unpacked(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder with the files, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as name:
        write_tree(files, Path(name) / "kit")
        yield Path(name) / "kit"


def write_tree(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
