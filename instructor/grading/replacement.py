"""The submission's functions in the places where the tests find the kit's: each call goes to the worker.

Tests and their support import `visualizers.saliency.compute_saliency_maps` and the like after the places were taken,
which is done once for a process and its forks; whose functions are called there is decided later.
"""

import importlib
import sys
from collections.abc import Callable

from instructor.grading import notebook_cells
from instructor.grading.errors import in_words
from instructor.grading.intake.submission import Submission, SubmissionError
from instructor.grading.isolation.remote import Remote
from instructor.grading.rubric import Task
from kit.assignment import MODULES, dotted
from kit.unwritten import UNWRITTEN
from tests.support import stand_ins, surroundings

CELLS = f"{notebook_cells.MODULE}.py"
IMPORT_SECONDS = 15.0

called: Remote | None = None


class Replacement:
    """A worker with a submission's sources; `problems` says what is wrong with them, `unusable` with which module."""

    def __init__(self, submission: Submission, seconds: float) -> None:
        self.problems: list[str] = []
        self.unusable = dict(submission.unread)
        self.remote = Remote({**submission.sources, CELLS: self.cells(submission)}, seconds)

    def cells(self, submission: Submission) -> str:
        """The solutions in notebooks, as a module."""
        name = notebook_cells.NOTEBOOK
        notebook = submission.notebooks.get(name)
        if notebook is None:
            self.unusable[name] = f"{name} is missing"
        try:
            cells = notebook_cells.as_module(notebook or notebook_cells.EMPTY)
        except SubmissionError as error:
            self.unusable[name] = f"{name}: {error}"
            cells = notebook_cells.as_module(notebook_cells.EMPTY)
        self.problems += [self.unusable[name]] if name in self.unusable else []
        if notebook_cells.is_unwritten(cells):
            self.unusable.setdefault(name, f"{UNWRITTEN}: {notebook_cells.ANSWER} in {name}")
        return cells

    def begin(self) -> None:
        """Whatever took the places of functions goes to this worker from now on, which imports the modules first."""
        global called
        called = self.remote
        self.import_modules()

    def import_modules(self) -> None:
        """A module that cannot be imported costs its own tasks; for the others its stub takes its place."""
        self.remote.seconds, seconds = IMPORT_SECONDS, self.remote.seconds
        for module in MODULES:
            try:
                self.remote.call("importlib:import_module", (dotted(module),), {})
            except Exception as error:
                self.unusable[module] = f"{module} cannot be imported: {in_words(error)}"
                self.problems.append(self.unusable[module])
                self.remote.close()
                self.remote.sources.pop(module, None)
        self.remote.seconds = seconds


def take_places(tasks: tuple[Task, ...]) -> None:
    for task in tasks:
        for name in task.functions:
            replace(task.module, name)
    surroundings.surroundings = forwarding("tests.support.surroundings:surroundings")
    for name in ("guided_grad_cam", "style_loss"):
        setattr(stand_ins, name, forwarding(f"tests.support.stand_ins:{name}"))


def replace(module: str, name: str) -> None:
    if module == notebook_cells.NOTEBOOK:
        setattr(notebook_cells, name, forwarding(f"{notebook_cells.MODULE}:{name}"))
        return
    path = dotted(module)
    function = forwarding(f"{path}:{name}")
    setattr(importlib.import_module(path), name, function)
    package = sys.modules[path.partition(".")[0]]
    if hasattr(package, name):
        setattr(package, name, function)


def forwarding(path: str) -> Callable:
    """A function that calls `module:name` of the submission that is judged."""

    def forwarded(*args: object, **kwargs: object) -> object:
        assert called is not None, f"nothing is judged yet, so nobody may call {path}"
        return called.call(path, args, kwargs)

    forwarded.__name__ = path.rpartition(":")[2]
    return forwarded
