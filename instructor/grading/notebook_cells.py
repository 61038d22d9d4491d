"""The solutions that stand in notebooks, as functions: what a cell works out, and what it needs of the cells before.

Markers may be gone, changed by a formatter or deleted: an answer is known by the name that it must define. The names
that it uses come from the notebook's own imports and earlier cells, but for those that the function is given.
"""

import ast
import textwrap
from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from instructor.grading.intake.submission import LARGEST_PARSED, code_cells, holds_solution, parsed
from kit.paths import KIT
from kit.unwritten import STUB, UNWRITTEN

NOTEBOOK = "notebooks/01_saliency_maps.ipynb"
MODULE = "notebook_cells"
EMPTY = b'{"cells": []}'  # a notebook in which nothing is written
ANSWER, GIVEN = "probabilities", frozenset({"model", "X"})
FUNCTION = """import torch
from torch.nn import functional
from torch.nn import functional as F


def probabilities(model, X):
{code}
    return probabilities
"""


def as_module(notebook: bytes) -> str:
    """The source of a module with one function for each notebook cell that is graded.

    Raises SubmissionError for what is not a notebook.
    """
    code = answer_in(code_cells(notebook)) or STUB
    return FUNCTION.format(code=textwrap.indent(code, "    "))


def is_unwritten(module: str) -> bool:
    """Whether such a module holds the stub, and nothing that gives the answer a value."""
    statements = parsed(module)
    return UNWRITTEN in module and bool(statements) and ANSWER not in bound(statements[-1].body)


def answer_in(cells: Sequence[str]) -> str:
    """The cell that is marked, else the first that defines the answer, below what it needs; "" if there is none."""
    trees = [parsed(cell) for cell in cells] if sum(map(len, cells)) <= LARGEST_PARSED else [[] for _ in cells]
    marked = [number for number, cell in enumerate(cells) if holds_solution(cell)]
    defining = [number for number, tree in enumerate(trees) if ANSWER in bound(tree)]
    candidates = [*(number for number in marked if number in defining), *defining, *marked]
    if not candidates:
        return ""
    chosen = candidates[0]
    earlier = [statement for tree in trees[:chosen] for statement in tree]
    return "\n".join([*map(text_of, needed_of(earlier, used(trees[chosen]))), cells[chosen]])


def text_of(statement: ast.stmt) -> str:
    try:
        return ast.unparse(statement)
    except RecursionError:
        return ""  # nobody wrote it; the answer will miss it


def needed_of(statements: list[ast.stmt], names: set[str]) -> list[ast.stmt]:
    """Those that bind one of the names, or a name that these use in turn; in the order of the notebook."""
    wanted, taken = names - GIVEN, set()
    for number in reversed(range(len(statements))):
        binds = bound([statements[number]])
        if binds & wanted and not binds & GIVEN:
            taken.add(number)
            wanted |= used([statements[number]]) - GIVEN
    return [statements[number] for number in sorted(taken)]


def bound(statements: Iterable[ast.stmt]) -> set[str]:
    """The names that the statements give a value, wherever in them."""
    names = set()
    for node in walk(statements):
        if isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def used(statements: Iterable[ast.stmt]) -> set[str]:
    return {node.id for node in walk(statements) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def walk(statements: Iterable[ast.stmt]) -> Iterable[ast.AST]:
    return (node for statement in statements for node in ast.walk(statement))


def probabilities(model: nn.Module, X: Tensor) -> Tensor:
    """What the kit's own notebook works out. The judge puts a submission's in this place."""
    names: dict = {}
    exec(as_module((KIT / NOTEBOOK).read_bytes()), names)
    return names["probabilities"](model, X)
