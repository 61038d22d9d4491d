"""Solutions stand between `### BEGIN SOLUTION` and `### END SOLUTION`."""

import ast
import re
from dataclasses import dataclass

from kit.assignment import PACKAGES, REPORT
from kit.unwritten import STUB

MARKER = re.compile(r"^(?P<indent> *)(?:<!-- )?### (?P<edge>BEGIN|END) SOLUTION(?: -->)?$")
MEANT_AS_MARKER = re.compile(r"^[\s#<!-]*(BEGIN|END)[ _-]*SOLUTION", re.IGNORECASE)
PROMPT = "[Your answer]{.prompt}"


class MarkerError(ValueError):
    """A marker is nested, unclosed, misplaced or misspelled; the message begins with file and line."""


@dataclass(frozen=True)
class Region:
    """Lines `begin` to `end` of a text, markers included, counted from 0."""

    indent: str
    begin: int
    end: int
    lines: tuple[str, ...]  # between the markers


def regions(text: str, name: str) -> list[Region]:
    """All marked regions of a text, in order. Raises MarkerError."""
    found: list[Region] = []
    lines = text.split("\n")
    opened: tuple[int, re.Match] | None = None
    for number, line in enumerate(lines):
        place = f"{name}, line {number + 1}"
        marker = MARKER.match(line)
        if marker is None:
            if MEANT_AS_MARKER.match(line):
                raise MarkerError(
                    f"{place}: {line.strip()!r} is not a marker: write '### BEGIN SOLUTION' or '### END SOLUTION'"
                )
            continue
        if marker["edge"] == "BEGIN":
            if opened is not None:
                raise MarkerError(
                    f"{place}: this region begins inside the one of line {opened[0] + 1}; they do not nest"
                )
            opened = number, marker
            continue
        if opened is None:
            raise MarkerError(f"{place}: {line.strip()!r} ends what has not begun")
        begin, first = opened
        if first["indent"] != marker["indent"]:
            raise MarkerError(f"{place}: {line.strip()!r} does not match the indentation of line {begin + 1}")
        inner = tuple(lines[begin + 1 : number])
        if not any(line.strip() for line in inner):
            raise MarkerError(f"{place}: nothing stands between this marker and line {begin + 1}")
        found.append(Region(marker["indent"], begin, number, inner))
        opened = None
    if opened is not None:
        raise MarkerError(f"{name}, line {opened[0] + 1}: this region does not end")
    return found


def without_solutions(text: str, name: str, left: list[str] | None = None) -> str:
    """The text with these lines in place of each solution and its markers; with None, a stub between the markers."""
    lines = text.split("\n")
    for region in reversed(regions(text, name)):
        stub = [lines[region.begin], region.indent + STUB, lines[region.end]]
        lines[region.begin : region.end + 1] = stub if left is None else left
    return "\n".join(lines)


def strip_module(source: str, name: str) -> str:
    """A module with `raise NotImplementedError` in place of its solutions."""
    stripped = without_solutions(source, name)
    check_stub(stripped, name)
    return stripped


def check_stub(stripped: str, name: str) -> None:
    """Markers must enclose whole statements of a function, or of a notebook's cell."""
    try:
        ast.parse(stripped)
    except SyntaxError as error:
        raise MarkerError(
            f"{name}, line {error.lineno}: without its solution it does not parse: {error.msg}"
        ) from error


def strip_notebook(source: str, name: str) -> str:
    """A notebook without outputs, and without the solutions in its code and its prose."""
    import nbformat  # takes seconds, and grading needs it not

    notebook = nbformat.reads(source, as_version=4)
    for number, cell in enumerate(notebook.cells, start=1):
        place = f"{name}, cell {number}"
        if cell.cell_type == "code":
            cell.source = without_solutions(cell.source, place)
            check_stub(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE), place)
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = without_solutions(cell.source, place, [])
    return nbformat.writes(notebook) + "\n"


def strip_report(source: str, name: str) -> str:
    """The report with a prompt in place of each answer."""
    return without_solutions(source, name, [PROMPT])


def strip(source: str, name: str) -> str:
    """A file as students get it, by what its name says that it is."""
    if name.endswith(".ipynb"):
        return strip_notebook(source, name)
    if name == REPORT:
        return strip_report(source, name)
    if name.endswith(".py") and name.startswith(tuple(f"{package}/" for package in PACKAGES)):
        return strip_module(source, name)
    check_that_it_holds_none(source, name)
    return source


def check_that_it_holds_none(text: str, name: str) -> None:
    for region in regions(text, name):
        raise MarkerError(f"{name}, line {region.begin + 1}: solutions stand in modules, notebooks and the report only")


def solution_lines(source: str, name: str) -> list[str]:
    """Every line that must not survive."""
    if name.endswith(".ipynb"):
        import nbformat

        cells = nbformat.reads(source, as_version=4).cells
        return [
            line
            for number, cell in enumerate(cells, 1)
            for line in solution_lines(cell.source, f"{name}, cell {number}")
        ]
    return [line.strip() for region in regions(source, name) for line in region.lines]
