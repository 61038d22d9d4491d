"""A submission's files: from a folder or an archive come those that students write, and nothing else."""

import ast
import hashlib
import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from instructor.grading.intake.archive import Archive, BoundedReader
from instructor.grading.intake.entries import LARGEST_TOTAL, Container, SubmissionError, megabytes
from instructor.grading.intake.folder import Folder
from instructor.grading.shown import shown
from instructor.release.markers import MARKER
from kit.assignment import MODULES, NOTEBOOKS
from kit.hand_in.contents import SMALL_FIGURES
from kit.hand_in.own_modules import own_modules

__all__ = ["Submission", "SubmissionError", "code_cells", "holds_solution", "parsed", "read_submission"]

LARGEST_MODULE = 2 * 2**20  # bytes
LARGEST_FILE = 30 * 2**20
LARGEST_PARSED = 2**18  # bytes; the parser needs up to a thousand times as much memory
MOST_BRACKETS = 200_000  # in a notebook; each may become a list or a dictionary, and notebook 05 has about 500
FIGURES = (SMALL_FIGURES, "figures/")  # those that the report shows, or where it was not built, all


@dataclass(frozen=True)
class Submission:
    """What was taken, each by its path in the kit.

    `sources` are the modules that can be parsed, also the student's own that these import, with line ends as \\n;
    `unread` says in words what is wrong with the others. `sha256` is that of all files taken, wherever they lay.
    """

    name: str
    sha256: str
    sources: dict[str, str]
    notebooks: dict[str, bytes]
    figures: dict[str, bytes]
    unread: dict[str, str]

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(self.unread.values())


def read_submission(path: Path) -> Submission:
    """Read a folder or a zip without writing, following links or running anything.

    Raises SubmissionError, beginning with the name, for what is not there, hostile, damaged or too large.
    """
    name = path.resolve().name if path.is_dir() else path.stem
    try:
        with opened(path) as container:
            files = taken_files(container)
    except SubmissionError as error:
        raise SubmissionError(f"{shown(path.name or name)}: {error}") from error
    except OSError as error:
        raise SubmissionError(f"{shown(str(path))} cannot be read: {error.strerror}. Check its permissions") from error
    sources, unread = {}, {}
    for module in (*MODULES, *(name for name in files if is_own(name))):
        try:
            sources[module] = source_of(module, files)
        except ModuleProblem as problem:
            unread[module] = str(problem)
    return Submission(
        name=name,
        sha256=digest(files),
        sources=sources,
        notebooks={notebook: files[notebook] for notebook in NOTEBOOKS if notebook in files},
        figures={file: content for file, content in files.items() if file.startswith(FIGURES)},
        unread=unread,
    )


@contextmanager
def opened(path: Path) -> Iterator[Container]:
    if path.is_dir():
        yield Folder(path)
    elif path.is_file():
        with BoundedReader(io.FileIO(path)) as file:
            archive = Archive(file)
            yield archive if archive.roots() else archive.only_archive() or archive
    elif path.exists():
        raise SubmissionError("it is neither a folder nor a file. Name a folder or a zip archive")
    else:
        raise SubmissionError("there is no such file or folder. Check its name")


def taken_files(container: Container) -> dict[str, bytes]:
    root = kit_root(container)
    figures = figure_names(container, root)
    files = {}
    left = LARGEST_TOTAL
    own = own_modules(lambda name: tree_of(container.read(root + name, LARGEST_MODULE)))
    for name in (*MODULES, *own, *NOTEBOOKS, *figures):
        content = container.read(root + name, LARGEST_MODULE if name.endswith(".py") else LARGEST_FILE)
        if content is not None:
            files[name] = content
            left -= len(content)
        if left < 0:
            raise SubmissionError(f"all its files together are larger than {megabytes(LARGEST_TOTAL)}. Leave some out")
    return files


def figure_names(container: Container, root: str) -> list[str]:
    """Of the first of the folders FIGURES that holds pictures."""
    folders = ([folder + name for name in container.listing(root + folder)] for folder in FIGURES)
    return next(filter(None, ([name for name in names if is_picture(name)] for names in folders)), [])


def is_own(name: str) -> bool:
    """A module that the student added, and that the others import."""
    return name.endswith(".py") and name not in MODULES


def tree_of(content: bytes | None) -> ast.Module | None:
    """The code of a module that is there and of a size that somebody writes."""
    if content is None or len(content) > LARGEST_PARSED:
        return None
    return ast.Module(body=parsed(content.decode("utf-8-sig", "replace")), type_ignores=[])


def is_picture(name: str) -> bool:
    return name.lower().endswith((".png", ".jpg"))


def kit_root(container: Container) -> str:
    """The folder that holds most of the modules."""
    found = container.roots().most_common(2)
    if not found:
        raise SubmissionError(f"it holds none of the modules, such as {MODULES[0]}. Hand in the kit's folder")
    if len(found) > 1 and found[0][1] == found[1][1]:
        both = " and ".join(sorted(shown(root) or "./" for root, _ in found))
        raise SubmissionError(f"the kit is there more than once: {both}. Keep only the one to be graded")
    return found[0][0]


def digest(files: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


class ModuleProblem(ValueError):
    """A module that cannot be used, in words."""


def source_of(name: str, files: Mapping[str, bytes]) -> str:
    """A module's source, if it is there, is UTF-8 and parses. Raises ModuleProblem."""
    if name not in files:
        raise ModuleProblem(f"{name} is missing")
    content = files[name].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if len(content) > LARGEST_PARSED:
        raise ModuleProblem(f"{name} is {len(content) // 1024} kB; more than {LARGEST_PARSED // 1024} are not read")
    try:
        source = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModuleProblem(f"{name}, line {line_at(content, error.start)}: this is not UTF-8") from error
    if "\0" in source:
        raise ModuleProblem(f"{name}, line {line_at(content, content.index(0))}: this is a NUL character")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        raise ModuleProblem(f"{name}, line {error.lineno or 1}: {shown(error.msg)}") from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise ModuleProblem(f"{name}, line 1: it is too large or too deeply nested to be parsed") from error
    return source


def line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def code_cells(notebook: bytes) -> list[str]:
    """The sources of the code cells without magics, in order. Raises SubmissionError for what is not a notebook."""
    try:
        if len(notebook) > LARGEST_FILE or notebook.count(b"[") + notebook.count(b"{") > MOST_BRACKETS:
            raise ValueError("it is too large")
        cells = json.loads(notebook)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        sources = [source.encode("utf-8", "replace").decode() for source in sources]  # no halves of characters
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SubmissionError(
            f"this is not a notebook: {shown(str(error), 80)}. Save it again in JupyterLab"
        ) from error
    return [without_magics(source) for source in sources]


def parsed(source: str) -> list[ast.stmt]:
    """The statements of a cell; none where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source).body
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return []


def holds_solution(source: str) -> bool:
    markers = filter(None, map(MARKER.match, source.splitlines()))
    return any(markers)


def without_magics(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))
