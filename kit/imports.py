"""What a module's code imports, read without running it."""

import ast
from collections.abc import Iterator
from importlib.util import resolve_name


def imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The dotted names of modules, and of what may be one: both `a.b` and `a.b.c` for `from a.b import c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                module = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            except ImportError:  # more dots than there are packages
                continue
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
