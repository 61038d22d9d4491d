"""Modules of a student's own, beside those that the kit hands out: what the tasks' modules import is handed in too."""

import ast
from collections.abc import Callable

from kit.assignment import GIVEN, MODULES, PACKAGES
from kit.imports import imported

MOST = 20


def own_modules(read: Callable[[str], ast.Module | None]) -> list[str]:
    """Their paths: everything that is neither a task's nor the kit's and is imported from there, directly or not.

    `read` parses the module of a path, None where there is none. There are at most 20, and they lie beside the others.
    """
    found: list[str] = []
    waiting = list(MODULES)
    while waiting:
        path = waiting.pop(0)
        tree = read(path)
        names = imported(tree, path.partition("/")[0]) if tree is not None else ()
        new = [path for path in map(path_of, names) if path and path not in (*MODULES, *GIVEN, *found)]
        new = [path for path in dict.fromkeys(new) if len(found) < MOST and read(path) is not None][: MOST - len(found)]
        found += new
        waiting += new
    return sorted(found)


def path_of(name: str) -> str | None:
    """`visualizers/mine.py` for visualizers.mine; None for what lies elsewhere."""
    package, _, module = name.partition(".")
    return f"{package}/{module}.py" if package in PACKAGES and module.isidentifier() else None
