"""What the kit does in a notebook's kernel: fresh modules at every cell, and one line where a traceback would not help.

The packages that students write in import this before their own modules, so that no edit comes too early to be seen.
"""

import ast
import importlib
import os
import site
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kit import alive, hosted, requirements
from kit.command import copy_to_take, get_ready
from kit.paths import ARCHIVE, KIT
from kit.unwritten import is_unwritten, stub_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def attach() -> None:
    """Keep the kernel that this runs in up to date with the saved files. Without one, in a plain Python, do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or copy_to_take() or any(isinstance(transformer, Door) for transformer in shell.ast_transformers):
        return
    get_ready()
    alive.watch(shell.user_ns)
    shell.ast_transformers.append(Door())
    shell.set_custom_exc((NotImplementedError, SyntaxError, ModuleNotFoundError), in_one_line)


def detach(shell: "InteractiveShell") -> None:
    """What `attach` did, undone, for another copy to do it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, alive.Finder)]
    shell.ast_transformers[:] = [each for each in shell.ast_transformers if not isinstance(each, Door)]


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """`%load_ext kit`: saved edits are seen, and a task that is not written yet is said in one line.

    A notebook of another copy of the kit than the one that is installed gets the modules of its own copy. On Colab and
    Kaggle, what is missing is installed first; elsewhere the line that installs it is said.
    """
    other = copy_to_take()
    if other is None:
        other = settle(shell.user_ns)
    if other is None:
        attach()
        shell.events.register("post_run_cell", Offer(shell.user_ns))
        return
    detach(shell)
    for name in [name for name in sys.modules if name.partition(".")[0] == "kit"]:
        del sys.modules[name]
    sys.path.insert(0, str(other))
    importlib.invalidate_caches()
    importlib.import_module("kit").load_ipython_extension(shell)


def settle(namespace: dict[str, object]) -> Path | None:
    """Make the kit and what it needs importable, here and in the commands that cells start.

    Returns the copy to go on with, where that is another one. Raises Unfit, which is one sentence.
    """
    come_first()
    try:
        if hosted.host():
            if lacking := requirements.lacking():
                hosted.install(lacking)
            if namespace.get("DRIVE") and not hosted.on_drive():
                return hosted.copy_on_drive()
            print(hosted.where_work_stays())
    except hosted.HostError as error:
        raise Unfit(str(error)) from None
    come_first()
    if lacking := requirements.lacking():
        raise Unfit(said_of(lacking))
    if old := requirements.outdated():
        print(f"Older than what the kit is tried with: {', '.join(old)}.")
    return None


def come_first() -> None:
    """This copy of the kit is the first place to import from; packages of the user's own are another one."""
    for place in [place for place in sys.path if os.path.abspath(place) == str(KIT) or is_way(place)]:
        sys.path.remove(place)
    sys.path.insert(0, str(KIT))
    if site.ENABLE_USER_SITE and os.path.isdir(site.getusersitepackages()):
        site.addsitedir(site.getusersitepackages())  # it may be younger than this kernel
    importlib.invalidate_caches()
    for name, first in (("PYTHONPATH", str(KIT)), ("PATH", os.path.dirname(sys.executable))):
        others = [place for place in os.environ.get(name, "").split(os.pathsep) if place and place != first]
        os.environ[name] = os.pathsep.join([first, *others])


def is_way(place: str) -> bool:
    """Whether a notebook's first cell put it there to find the kit."""
    return place == ".." or place.endswith(os.path.join("kit", ".."))


class Unfit(RuntimeError):
    """This Python or machine lacks something. It is shown as its one sentence."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Offer:
    """After each cell: a submission that it packed is offered for download."""

    def __init__(self, namespace: dict[str, object]) -> None:
        self.namespace, self.archive = namespace, KIT / ARCHIVE
        self.seen = self.packed()

    def packed(self) -> int:
        return self.archive.stat().st_mtime_ns if self.archive.is_file() else 0

    def __call__(self, *_: object) -> None:
        if self.packed() > self.seen:
            hosted.give(self.archive)
        self.seen = self.packed()
        if hosted.host() == "Colab" and self.namespace.get("DRIVE") and not hosted.on_drive():
            print("DRIVE is read when a session begins: Runtime > Restart session, then run this cell again.")


class Door(ast.NodeTransformer):
    """Changes no cell, but lets none run before what it imports is up to date."""

    def visit(self, node: ast.AST) -> ast.AST:
        from IPython.core.error import InputRejected

        class Refused(InputRejected):
            def _render_traceback_(self) -> list[str]:
                return [str(self)]

        try:
            alive.refresh()
        except alive.BrokenModule as error:
            raise Refused(f"{error}. No cell runs until this is mended and saved.") from None
        return node


def in_one_line(
    shell: "InteractiveShell", kind: type, error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    """A task that is not written yet, and a syntax error in a module, without their tracebacks; others as usual."""
    if isinstance(error, ModuleNotFoundError):
        words = missing(error)
    else:
        words = unwritten(error, trace) if kind is NotImplementedError else unreadable(error)
    if words:
        shell._showtraceback(kind, error, [words])  # the one way to a message that still counts as an error
    elif isinstance(error, IndentationError):
        shell.showindentationerror()
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def unwritten(error: BaseException, trace: TracebackType) -> str | None:
    if not is_unwritten(error):
        return None
    place = stub_of(error)
    path = Path(place.filename)
    in_module = path.is_relative_to(KIT) and path.is_file()
    where = f"{place.name} in {alive.shown(path)}, line {place.lineno}" if in_module else "a part of this cell"
    save = ", save the file" if in_module else ""
    return f"Not implemented yet: {where}. Write it between the markers{save}, and run this cell again."


def missing(error: ModuleNotFoundError) -> str | None:
    """None for a module that the kit does not need."""
    lacking = requirements.behind((error.name or "").partition(".")[0])
    return said_of(lacking) if lacking else None


def said_of(lacking: list[str]) -> str:
    names, needed = requirements.names(lacking), requirements.arguments(lacking)
    are = "are" if len(lacking) > 1 else "is"
    return f"{names} {are} missing in {sys.executable}: run `%pip install {needed}`, then this cell again."


def unreadable(error: BaseException) -> str | None:
    """None where the error is in a cell."""
    if not isinstance(error, SyntaxError) or Path(error.filename or "") not in alive.PATHS.values():
        return None
    path = Path(error.filename or "")
    where = f"{alive.shown(path)}, line {error.lineno}"
    return f"{where}: {type(error).__name__}: {error.msg}. Mend it, save the file, and run this cell again."


attach()
