"""The traceback of an error in a student's code: its own lines, without what libraries do in between."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from kit.assignment import GIVEN, PACKAGES
from kit.paths import KIT

LIBRARIES = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def shortened(trace: TracebackType) -> TracebackType:
    """Without the frames of libraries, where the trace passes through a module of the student's; else as it is.

    The first frame stays: it is IPython's own, which IPython leaves out by itself.
    """
    first, *others = entries(trace)
    if not any(is_students(file_of(entry)) for entry in others):
        return trace
    shorter = None
    for entry in reversed([first, *(entry for entry in others if not is_of_a_library(file_of(entry)))]):
        shorter = TracebackType(shorter, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return shorter


def entries(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def file_of(entry: TracebackType) -> Path:
    return Path(entry.tb_frame.f_code.co_filename)


def is_students(file: Path) -> bool:
    if not file.is_relative_to(KIT):
        return False
    name = file.relative_to(KIT).as_posix()
    return name.partition("/")[0] in PACKAGES and name not in GIVEN


def is_of_a_library(file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in LIBRARIES)
