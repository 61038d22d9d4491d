"""What the kit does in a notebook's kernel: fresh modules at every cell, and of a traceback what helps.

The packages that students write in import this before their own modules, so that no edit comes too early to be seen.
"""

import ast
import gc
import importlib
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kit import alive, arrival, requirements
from kit.command import copy_to_take, get_ready
from kit.paths import KIT
from kit.tracebacks import shortened
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
    shell.set_custom_exc((Exception,), in_brief)


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
        other = arrival.settle(shell.user_ns)
    if other is None:
        attach()
        search_no_imports(shell)
        shell.events.register("post_run_cell", arrival.Offer(shell.user_ns))
        return
    detach(shell)
    for name in [name for name in sys.modules if name.partition(".")[0] == "kit"]:
        del sys.modules[name]
    sys.path.insert(0, str(other))
    importlib.invalidate_caches()
    importlib.import_module("kit").load_ipython_extension(shell)


def search_no_imports(shell: "InteractiveShell") -> None:
    """Nothing that the first cell imports is garbage, and looking through it takes half a second each time."""

    def imported(result: object) -> None:
        shell.events.unregister("post_run_cell", imported)
        gc.freeze()
        gc.enable()

    if gc.isenabled():
        gc.disable()
        shell.events.register("post_run_cell", imported)


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
            raise Refused(f"{error}. No cell runs until this is fixed and saved.") from None
        return node


def in_brief(
    shell: "InteractiveShell", kind: type, error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    """One line for an unwritten task, a syntax error in a module, a missing package; others with their traceback.

    That of an error in a student's module holds the student's lines and not those of the libraries in between.
    """
    if isinstance(error, ModuleNotFoundError):
        words = missing(error)
    else:
        words = unwritten(error, trace) if kind is NotImplementedError else unreadable(error)
    if words:
        shell._showtraceback(kind, error, [words])  # the one way to a message that still counts as an error
    elif isinstance(error, IndentationError):
        shell.showindentationerror()
    else:
        shell.showtraceback((kind, error, shortened(trace)), tb_offset=tb_offset)


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
    return requirements.in_one_sentence(lacking) if lacking else None


def unreadable(error: BaseException) -> str | None:
    """None where the error is in a cell."""
    if not isinstance(error, SyntaxError) or Path(error.filename or "") not in alive.PATHS.values():
        return None
    path = Path(error.filename or "")
    where = f"{alive.shown(path)}, line {error.lineno}"
    return f"{where}: {type(error).__name__}: {error.msg}. Fix it, save the file, and run this cell again."


attach()
