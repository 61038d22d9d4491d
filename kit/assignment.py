"""`assignment.toml`, the one table of tasks, notebooks and questions, read."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

TABLE = tomllib.loads(Path(__file__).with_name("assignment.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Task:
    """What students write: functions in a module, met in a notebook, asked about by the tests of one file.

    `module` is a path within the kit, or the notebook's where the task is solved in a cell; then there is no `test`.
    `graded` are the patterns of the tests that decide about the marks, but for hidden ones.
    """

    name: str
    title: str
    module: str
    functions: tuple[str, ...]
    notebook: str
    test: str | None = None
    builds_on: tuple[str, ...] = ()
    kind: str | None = None
    graded: tuple[str, ...] = ()

    @property
    def dotted(self) -> str:
        return dotted(self.module)

    @property
    def check(self) -> str | None:
        """The name by which `check` knows the tests of this task."""
        return PurePosixPath(self.test).stem.removeprefix("test_") if self.test else None


def dotted(module: str) -> str:
    """A module's path, as Python imports it."""
    return module.removesuffix(".py").replace("/", ".")


def read_task(name: str, entry: dict) -> Task:
    lists = {key: tuple(entry.get(key, ())) for key in ("functions", "builds_on")}
    own: dict[str, Any] = {key: value for key, value in entry.items() if key not in ("criteria", "gate")} | lists
    graded = tuple(test for criterion in entry["criteria"].values() for test in criterion.get("tests", ()))
    return Task(name, **own, graded=graded)


def fits(pattern: str, test: str) -> bool:
    """Whether file::test is meant: * and ? as in a shell; without [, whatever the parameters."""
    if pattern.partition("::")[0] != test.partition("::")[0]:
        return False
    compared = test if "[" in pattern else test.partition("[")[0]
    return fnmatchcase(compared, pattern.replace("[", "[[]"))  # a bracket stands for itself


TASKS = {name: read_task(name, entry) for name, entry in TABLE["tasks"].items()}
# What students write. Everything else is the kit's, and graders take it from their own copy.
MODULES = tuple(dict.fromkeys(task.module for task in TASKS.values() if task.module.endswith(".py")))
GIVEN = tuple(TABLE["given"])
PACKAGES = tuple(dict.fromkeys(module.partition("/")[0] for module in MODULES))
NOTEBOOKS = tuple(f"notebooks/{name}.ipynb" for name in TABLE["notebooks"])
FIGURES = {name: words for notebook in TABLE["notebooks"].values() for name, words in notebook["figures"].items()}
QUESTIONS = TABLE["questions"]
REPORT = "writeup/writeup.md"
EDITABLE = (*MODULES, *NOTEBOOKS, REPORT)


def checked_by(check: str) -> list[Task]:
    """The tasks that the tests of `check` ask about."""
    return [task for task in TASKS.values() if task.check == check]


def modules_behind(check: str) -> tuple[str, ...]:
    """The modules that the verdict of `check` depends on."""
    tasks = checked_by(check)
    others = [TASKS[name] for task in tasks for name in task.builds_on]
    return tuple(dict.fromkeys(task.module for task in (*tasks, *others)))


CHECKS = {check: modules_behind(check) for task in TASKS.values() if (check := task.check)}
