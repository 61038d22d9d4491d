"""The same on every machine? The tests of values, and the marks of a right and of wrong solutions, under many.

`python -m instructor.machines` runs all, `python -m instructor.machines "oldest instructions"` the one named so.
Versions of PyTorch and Captum other than the installed ones get an environment of their own under build/machines, with
pip.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from instructor.grading.notebook_cells import NOTEBOOK
from instructor.mistakes.catalogue import MODULES, Mutant, mutants
from kit import assignment
from kit.assignment import TASKS
from kit.command import get_ready
from kit.paths import KIT
from kit.threads import PASSIVE

ENVIRONMENTS = KIT / "build" / "machines"
TESTS = (
    *dict.fromkeys(task.test for task in TASKS.values() if task.test),
    *(f"tests/test_{name}.py" for name in ("explanations", "captum_attributions", "features", "transfer", "batches")),
    *(f"tests/test_{name}.py" for name in ("purity", "approach", "experiments", "similarity", "scores")),
    "instructor/tests/hidden",
)
VERSIONS = ("torch", "torchvision", "captum")
# Tasks whose mistakes can be graded together, and those that build on one of these. At most one mistake of each task.
FIRST = {task.module: name for name, task in reversed(TASKS.items())}
ALONE = tuple(name for name, module in MODULES.items() if FIRST[module] == name and not TASKS[name].builds_on)
WRONG = (ALONE, tuple(name for name in MODULES if name not in ALONE))


@dataclass(frozen=True)
class Machine:
    """How it differs from this one: variables, options of pytest, versions ("lowest", "newest", "" for those here)."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    versions: str = ""


MACHINES = (
    Machine("as it is"),
    Machine("oldest instructions", {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}),
    Machine("AVX2", {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
    Machine("plain PyTorch, newest oneDNN", {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "ALL"}),
    Machine("without oneDNN", {"KIT_WITHOUT_ONEDNN": "1"}, ("-p", "instructor.without_onednn")),
    Machine("one thread", {"OMP_NUM_THREADS": "1"}),
    Machine("three threads, random order", {"OMP_NUM_THREADS": "3"}, ("--random-order", "--random-order-seed=7")),
    Machine("lowest versions", versions="lowest"),
    Machine("newest versions", versions="newest"),
)


@dataclass(frozen=True)
class Result:
    """What a machine found. `marks` holds the points of every task, for the right and the two wrong submissions."""

    tests: str
    passed: bool
    marks: list[dict[str, float]]


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.machines", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MACHINE", help=", ".join(machine.name for machine in MACHINES))
    parser.add_argument("--grade-to", type=Path, help=argparse.SUPPRESS)  # in the process that grades
    parser.add_argument("--group", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.grade_to:
        grade_group(options.group, options.grade_to)
        return 0
    unknown = set(options.names) - {machine.name for machine in MACHINES}
    if unknown:
        parser.error(f"there is no machine {unknown.pop()!r}")
    results = {}
    for machine in MACHINES:
        if not options.names or machine.name in options.names:
            results[machine.name] = found = run(machine)
            print(f"{machine.name:30} {found.tests:34} {in_words(found.marks)}", flush=True)
    agreed = len({json.dumps(found.marks, sort_keys=True) for found in results.values()}) == 1
    full = all(found.marks and sum(found.marks[0].values()) == 100 for found in results.values())
    print("The marks are the same everywhere" if agreed else "The marks differ: look at the tasks above")
    return 0 if agreed and full and all(found.passed for found in results.values()) else 1


def in_words(marks: Sequence[dict[str, float]]) -> str:
    if not marks:
        return "not graded"
    right, *wrong = marks
    points = {task: found[task] for group, found in zip(WRONG, wrong, strict=True) for task in group}
    return f"right {sum(right.values()):g}; wrong " + ", ".join(f"{task} {earned:g}" for task, earned in points.items())


def run(machine: Machine) -> Result:
    try:
        python = python_of(machine.versions)
    except subprocess.CalledProcessError as error:
        return Result(f"not run: pip ended with {error.returncode}", False, [])
    environment = {**os.environ, **PASSIVE, **machine.variables, "PYTHONPATH": str(KIT)}
    side_by_side = ["-n", "logical", "--dist", "loadfile"]
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *side_by_side, *machine.options, *TESTS]
    tests = subprocess.run(command, cwd=KIT, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
    if tests.returncode:
        print(tests.stdout[-4000:])
    counts = re.findall(r"\d+ (?:passed|failed|errors?)", tests.stdout)
    right = graded(python, environment, 0)  # before others, since it proves the kit on this machine
    with ThreadPoolExecutor(len(WRONG)) as pool:
        wrong = pool.map(partial(graded, python, environment), range(1, 1 + len(WRONG)))
        marks = [right, *wrong]
    return Result(", ".join(counts) or f"{tests.stdout.count('.')} dots", not tests.returncode, marks)


def graded(python: str, environment: dict[str, str], group: int) -> dict[str, float]:
    """The points of every task, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "instructor.machines", f"--grade-to={folder}", f"--group={group}"]
        subprocess.run(command, cwd=KIT, env=environment, check=True)
        return json.loads((Path(folder) / "points.json").read_text("utf-8"))


def grade_group(group: int, folder: Path) -> None:
    from instructor.grading.grade import grade

    chosen = () if group == 0 else tuple(next(m for m in mutants() if m.task == task) for task in WRONG[group - 1])
    write_submission(chosen, folder / "kit")
    marks = grade(folder / "kit", folder / "out")
    (folder / "points.json").write_text(json.dumps({task.name: task.earned for task in marks.tasks}), "utf-8")


def write_submission(chosen: Sequence[Mutant], folder: Path) -> None:
    """The kit's own solutions, with these mistakes in them."""
    assert len({mutant.module for mutant in chosen}) == len(chosen), "two mistakes change one module"
    sources = {name: (KIT / name).read_text("utf-8") for name in (*assignment.MODULES, NOTEBOOK)}
    for name, text in (sources | {mutant.module: mutant.source() for mutant in chosen}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def python_of(versions: str) -> str:
    """The Python of an environment with these versions, made when it is missing."""
    if not versions:
        return sys.executable
    folder = ENVIRONMENTS / versions
    python = str(folder / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = [f"{name}=={bound}" if versions == "lowest" else name for name, bound in lower_bounds().items()]
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", *wanted], check=True)
    subprocess.run([*pip, "-e", f"{KIT}[dev,grading]", *(wanted if versions == "lowest" else ())], check=True)
    return python


def lower_bounds() -> dict[str, str]:
    project = tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = dict(line.split(">=") for line in project["dependencies"])
    return {name: bounds[name] for name in VERSIONS}


if __name__ == "__main__":
    sys.exit(main())
