"""A notebook sees every saved edit of the modules that students write in, at its next cell and without a restart.

IPython's autoreload trusts file times, loses the second edit of a function, and runs the old code on where the new one
cannot be read. Here the text of a file decides: what differs from what is running is imported anew, together with all
that imports it, and a file that cannot be imported lets no cell run until it is fixed.
"""

import ast
import linecache
import sys
import time
import traceback
import weakref
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from kit import assignment
from kit.imports import imported
from kit.paths import KIT

PACKAGES = (*assignment.PACKAGES, "sanity_checks")
PATIENCE = 1.0  # seconds, for an editor that takes a file away before it puts the new one in its place

PATHS: dict[str, Path] = {}  # of each module that was imported, or tried to
RUNNING: dict[str, bytes] = {}  # the text that each module runs
MODULES: dict[str, ModuleType] = {}  # stay the same objects, so that old functions find the new globals
NAMESPACES: list[dict[str, object]] = []  # that import from the modules: the notebook's
FUNCTIONS: dict[tuple[str, str], list[weakref.ref]] = {}  # by module and name, from the oldest that is in use


class BrokenModule(Exception):
    """A saved file cannot be imported. The message is one line: file, line, error."""


class Finder(MetaPathFinder):
    """Finds the watched packages where the others find them, and has them loaded by `Loader`."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] not in PACKAGES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


class Loader(SourceFileLoader):
    """Compiles the file as it is, never a stored .pyc, which two edits within a second can deceive."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return MODULES.get(spec.name)

    def get_code(self, fullname: str) -> CodeType | None:
        self.text = self.get_data(self.path)
        quote(self.path, self.text)
        return self.source_to_code(self.text, self.path)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        PATHS[name] = Path(self.path)
        RUNNING.pop(name, None)
        super().exec_module(module)
        RUNNING[name] = self.text
        remember(module)


def watch(namespace: dict[str, object]) -> None:
    """Watch the packages from now on, for the names in `namespace`. What is imported counts as read a moment ago."""
    NAMESPACES.append(namespace)
    sys.meta_path.insert(0, Finder())
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES and getattr(module, "__file__", None):
            PATHS[name] = Path(module.__file__)
            RUNNING[name] = read(PATHS[name]) or b""
            quote(module.__file__, RUNNING[name])
            remember(module)


def quote(path: str, text: bytes) -> None:
    """Have tracebacks quote the lines that run, also when the file is saved again before the error."""
    try:
        lines = decode_source(text).splitlines(keepends=True)
    except (SyntaxError, UnicodeDecodeError):  # the import says so, too
        return
    linecache.cache[path] = (len(text), None, lines, path)  # without a time, it is not compared with the file


def remember(module: ModuleType) -> None:
    MODULES[module.__name__] = module
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            FUNCTIONS.setdefault((module.__name__, name), []).append(weakref.ref(value))


def refresh() -> None:
    """Bring every watched module up to date, and what has been imported from it.

    Raises BrokenModule, at every call until it is fixed, where a file cannot be read, compiled or imported.
    """
    texts = {name: read(path) for name, path in PATHS.items()}
    stale = {name for name, text in texts.items() if text != RUNNING.get(name)}
    if not stale:
        return
    imports = {name: imports_of(name, text) for name, text in texts.items() if text is not None}
    stale |= dependents(stale, imports)
    for name in stale:
        forget(name)
    for name in sorted(stale & imports.keys()):
        try:
            import_module(name)
        except Exception as error:
            raise BrokenModule(f"{place_of(error, PATHS[name])}: {type(error).__name__}: {error}") from error
    for name in stale - imports.keys():
        del PATHS[name]
    for namespace in (*NAMESPACES, *map(vars, MODULES.values())):
        rebind(namespace, stale)
    for generations in FUNCTIONS.values():
        update_old_functions(generations)


def read(path: Path) -> bytes | None:
    """None for a file that is gone, and not only for a moment."""
    deadline = time.monotonic() + PATIENCE
    while not path.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def check_syntax() -> None:
    """Raises BrokenModule for the first file of the packages, imported or not, that is not Python."""
    for package in PACKAGES:
        for path in sorted(KIT.glob(f"{package}/*.py")):
            parsed(path, path.read_bytes())


def parsed(path: Path, text: bytes) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line, reason = getattr(error, "lineno", None), getattr(error, "msg", error)
        where = f"{shown(path)}, line {line}" if line else shown(path)
        raise BrokenModule(f"{where}: {type(error).__name__}: {reason}") from error


@lru_cache(maxsize=1000)  # an edit leaves all files but one as they were
def imports_of(name: str, text: bytes) -> frozenset[str]:
    """What this text of the module imports. Raises BrokenModule for a text that is not Python."""
    return frozenset(imported(parsed(PATHS[name], text), package_of(name)))


def dependents(stale: set[str], imports: dict[str, frozenset[str]]) -> set[str]:
    """All modules that import one of `stale`, directly or not."""
    found = set(stale)
    while more := {name for name in imports.keys() - found if imports[name] & found}:
        found |= more
    return found


def package_of(name: str) -> str:
    return name if PATHS[name].name == "__init__.py" else name.rpartition(".")[0]


def forget(name: str) -> None:
    """Empty the module, except for its submodules, which are not imported anew where they have not changed."""
    RUNNING.pop(name, None)
    module = sys.modules.pop(name, None)
    if module is None:
        return
    submodules = {key: value for key, value in vars(module).items() if is_submodule(value, name)}
    vars(module).clear()
    vars(module).update(submodules, __name__=name)


def is_submodule(value: object, name: str) -> bool:
    return isinstance(value, ModuleType) and value.__name__.rpartition(".")[0] == name


def rebind(namespace: dict[str, object], stale: set[str]) -> None:
    """Names that stand for a function or class of a module that was imported anew stand for the new one."""
    for name, value in list(namespace.items()):
        if isinstance(value, FunctionType | type) and value.__module__ in stale and value.__module__ in MODULES:
            namespace[name] = vars(MODULES[value.__module__]).get(value.__name__, value)


def update_old_functions(generations: list[weakref.ref]) -> None:
    """Old functions that something holds on to, a list or a lambda, do what the newest does."""
    generations[:] = [reference for reference in generations if reference() is not None]
    plain = [function for reference in generations if (function := reference()) and function.__closure__ is None]
    for function in plain[:-1]:
        function.__code__ = plain[-1].__code__
        function.__defaults__, function.__kwdefaults__ = plain[-1].__defaults__, plain[-1].__kwdefaults__


def place_of(error: Exception, path: Path) -> str:
    """File and line of the innermost frame in the watched packages."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((Path(error.filename), error.lineno))
    watched = [(file, line) for file, line in frames if file in PATHS.values()]
    file, line = watched[-1] if watched else (path, None)
    return f"{shown(file)}, line {line}" if line else shown(file)


def shown(path: Path) -> str:
    return path.relative_to(KIT).as_posix() if path.is_relative_to(KIT) else str(path)
