"""What can be wrong with a submission. Every function returns its complaints, one line each."""

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path

from kit.assignment import CHECKS, MODULES, NOTEBOOKS
from kit.check import record
from kit.hand_in.contents import BUILT
from kit.provenance import changed_since, digest
from kit.report.figures import SOURCES, modules_behind
from kit.unwritten import UNWRITTEN

KEY_FILES = "kit/hand_in/key_files.json"  # written by the student release: {path: SHA-256}
RUN_AGAIN = "restart the kernel, run all cells, and save (or `python notebooks/run.py --save`)"
CHECK = re.compile(r"""^check\(["'](\w+)["']\)""", re.MULTILINE)
LARGEST_FILE = 30 * 2**20  # bytes
LARGEST_SUBMISSION = 90 * 2**20  # Gradescope takes 100 MB


def module_problems(kit: Path) -> list[str]:
    """Modules that are missing or do not parse, and functions that are not written yet."""
    problems = []
    for name in MODULES:
        try:
            tree = ast.parse((kit / name).read_bytes())  # as Python reads it, with any mark of its encoding
        except SyntaxError as error:
            problems.append(f"{name}, line {error.lineno}: {error.msg}")
        except (OSError, ValueError) as error:
            problems.append(f"{name} cannot be read: {error}")
        else:
            functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
            unwritten = [function.name for function in functions if UNWRITTEN in ast.unparse(function)]
            problems += [f"{name}: {function} is not written yet" for function in unwritten]
    return problems


def key_file_problems(kit: Path) -> list[str]:
    """Files of the kit that are not as they were handed out. Without a list of them there is nothing to compare."""
    try:
        handed_out = json.loads((kit / KEY_FILES).read_text("utf-8"))
    except FileNotFoundError:
        return []
    same = [
        name
        for name, sha256 in handed_out.items()
        if (kit / name).is_file() and digest((kit / name).read_bytes()) == sha256
    ]
    changed = sorted(handed_out.keys() - same)
    return [f"{name} was changed or removed: take it from a fresh copy of the kit" for name in changed]


def notebook_problems(kit: Path) -> list[str]:
    """Notebooks that were not run in order and without errors, or whose code has changed since."""
    problems = []
    for name in NOTEBOOKS:
        try:
            cells = code_cells(kit / name)
            found = cell_problem(cells) or age_problem(cells, kit / name)
        except (OSError, ValueError, KeyError, TypeError) as error:
            found = f"cannot be read: {error}"
        if found:
            problems.append(f"{name}: {found}")
    return problems


def check_problems(kit: Path) -> list[str]:
    """Tasks whose last check found something that does not hold, as a saved notebook shows it, or in a later run."""
    return [
        f"{name}: check({task!r}) found something that does not hold"
        for task, (name, printed) in last_checks(kit).items()
        if "✗" in printed or "Not implemented yet" in printed or record.holds(kit, task) is False
    ]


def open_checks(kit: Path) -> list[str]:
    """Tasks whose notebooks do not show whether they hold: no check ran to the end on the code as it is."""
    found: dict[str, str | None] = {task: f"no notebook calls check({task!r})" for task in CHECKS}
    for task, (name, printed) in last_checks(kit).items():
        ended = "All checks hold." in printed
        point = record.open_point(kit, task) if ended else "was not run to the end, or not saved afterwards"
        found[task] = point and f"{name}: check({task!r}) {point}"
    return [point for point in found.values() if point]


def last_checks(kit: Path) -> dict[str, tuple[str, str]]:
    """For each task that is checked: the last notebook that does it, and what it printed."""
    found = {}
    for name in NOTEBOOKS:
        try:
            for cell in code_cells(kit / name):
                for task in CHECKS.keys() & CHECK.findall("".join(cell["source"])):
                    found[task] = name, json.dumps(cell["outputs"], ensure_ascii=False)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # said already
    return found


def code_cells(notebook: Path) -> list[dict]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def age_problem(cells: Sequence[dict], notebook: Path) -> str | None:
    """Students run a notebook to see what their code does now; what it drew tells by which code."""
    metadata = [output.get("metadata", {}).get("image/jpeg", {}) for cell in cells for output in cell["outputs"]]
    drawn = [dict(about["code"]) for about in metadata if "code" in about]
    changed = next(filter(None, (changed_since(code, modules_behind(notebook)) for code in drawn)), None)
    return f"it was saved before {changed} was changed: {RUN_AGAIN}" if changed else None


def cell_problem(cells: Sequence[dict]) -> str | None:
    """The first complaint about a notebook's code cells."""
    if not any(cell["execution_count"] for cell in cells):
        return f"it was not run, or not saved afterwards: {RUN_AGAIN}"
    last = 0
    for number, cell in enumerate(cells, start=1):
        errors = [output for output in cell["outputs"] if output["output_type"] == "error"]
        if errors:
            return f"code cell {number} ended in {errors[0]['ename']}: {errors[0]['evalue']}"
        if not cell["execution_count"]:
            return f"code cell {number} was not run: {RUN_AGAIN}"
        if cell["execution_count"] <= last:
            return f"code cell {number} was run before the one above it: {RUN_AGAIN}"
        last = cell["execution_count"]
    return None


def built_report_problems(kit: Path, sources: Sequence[str]) -> list[str]:
    """A report that was not built, or was built before its text or figures changed."""
    if not (kit / BUILT).is_file():
        return [f"{BUILT} is missing: run `python -m kit report`"]
    try:
        known = dict(json.loads((kit / BUILT).with_name(SOURCES).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return []  # nothing tells what it was built from
    files = [name for name in sources if (kit / name).is_file()]
    newer = [name for name in files if known.get(name) != digest((kit / name).read_bytes())]
    return [f"{BUILT} is older than {newer[0]}: run `python -m kit report` again"] if newer else []


def place_problems(kit: Path, names: Sequence[str]) -> list[str]:
    """Links, which may lead anywhere, and things that are not files."""
    return [f"{name} is a link, or lies behind one: put the file itself there" for name in names if is_link(kit, name)]


def is_link(kit: Path, name: str) -> bool:
    steps = Path(name).parts
    return any(kit.joinpath(*steps[: count + 1]).is_symlink() for count in range(len(steps)))


def size_problems(kit: Path, names: Sequence[str]) -> list[str]:
    """Files that are too large to be handed in."""
    sizes = {name: (kit / name).stat().st_size for name in names if (kit / name).is_file()}
    problems = [f"{name} is {megabytes(size)}, more than 30 MB" for name, size in sizes.items() if size > LARGEST_FILE]
    if sum(sizes.values()) > LARGEST_SUBMISSION:
        problems.append(f"all files together are {megabytes(sum(sizes.values()))}, more than 90 MB")
    return problems


def megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
