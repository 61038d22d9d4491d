"""A traceback that passes through a student's module leaves libraries out; every other stays whole."""

import json
import traceback
from pathlib import Path

from kit.paths import KIT
from kit.tracebacks import shortened

LIBRARY = Path(json.__file__).parent / "somewhere.py"  # a file of the standard library, as far as its place tells


def trace_through(*files):
    """The traceback of an error in the last file's function, which those of the files before it lead to."""
    functions = [lambda: 1 / 0]
    for file in reversed(files):
        names = {"inner": functions[-1]}
        exec(compile("def call():\n    return inner()\n", file, "exec"), names)
        functions.append(names["call"])
    try:
        functions[-1]()
    except ZeroDivisionError as error:
        return error.__traceback__


def files_of(trace):
    """All but this file's own frames, which come first and last."""
    return [frame.filename for frame in traceback.extract_tb(trace)[1:-1]]


def test_libraries_between_and_behind_a_students_lines_are_left_out():
    student, given = str(KIT / "visualizers" / "saliency.py"), str(KIT / "visualizers" / "scores.py")
    through = ["<cell>", str(LIBRARY), given, str(LIBRARY), student, str(LIBRARY)]
    assert files_of(shortened(trace_through(*through))) == ["<cell>", given, student]


def test_a_module_of_a_students_own_counts_as_well():
    own = str(KIT / "style_transfer" / "my_own.py")
    assert files_of(shortened(trace_through(str(LIBRARY), own))) == [own]


def test_a_traceback_without_a_students_module_stays_whole():
    for given in ("visualizers/figures.py", "kit/check/run.py"):
        trace = trace_through(str(KIT / given), str(LIBRARY))
        assert shortened(trace) is trace


def test_the_lines_stay_those_of_the_error():
    trace = shortened(trace_through(str(LIBRARY), str(KIT / "visualizers" / "saliency.py")))
    assert [frame.lineno for frame in traceback.extract_tb(trace)][1] == 2
