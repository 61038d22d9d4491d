"""The submission's functions in the places where the tests find the kit's: each call goes to the worker.

Tests and their support import `visualizers.saliency.compute_saliency_maps` and the like after this was done.
"""

import importlib
import sys

from instructor.grading import notebook_cells
from instructor.grading.errors import in_words
from instructor.grading.intake.submission import Submission, SubmissionError
from instructor.grading.isolation.remote import Remote
from instructor.grading.rubric import Task
from kit.assignment import MODULES, dotted
from tests.support import stand_ins, surroundings

CELLS = f"{notebook_cells.MODULE}.py"
IMPORT_SECONDS = 15.0


class Replacement:
    """A worker with a submission's sources; `problems` says what is wrong with them, `unusable` with which module."""

    def __init__(self, submission: Submission, seconds: float) -> None:
        self.problems: list[str] = []
        self.unusable: dict[str, str] = {}
        self.remote = Remote({**submission.sources, CELLS: self.cells(submission)}, seconds)

    def cells(self, submission: Submission) -> str:
        """The solutions in notebooks, as a module."""
        notebook = submission.notebooks.get(notebook_cells.NOTEBOOK)
        if notebook is None:
            self.problems.append(f"{notebook_cells.NOTEBOOK} is missing")
        try:
            return notebook_cells.as_module(notebook or notebook_cells.EMPTY)
        except SubmissionError as error:
            self.problems.append(f"{notebook_cells.NOTEBOOK}: {error}")
            return notebook_cells.as_module(notebook_cells.EMPTY)

    def put_in_place(self, tasks: tuple[Task, ...]) -> None:
        for task in tasks:
            for name in task.functions:
                self.replace(task.module, name)
        surroundings.surroundings = self.remote.function("tests.support.surroundings:surroundings")
        for name in ("guided_grad_cam", "style_loss"):
            setattr(stand_ins, name, self.remote.function(f"tests.support.stand_ins:{name}"))
        self.import_modules()

    def replace(self, module: str, name: str) -> None:
        if module == notebook_cells.NOTEBOOK:
            setattr(notebook_cells, name, self.remote.function(f"{notebook_cells.MODULE}:{name}"))
            return
        path = dotted(module)
        remote = self.remote.function(f"{path}:{name}")
        setattr(importlib.import_module(path), name, remote)
        package = sys.modules[path.partition(".")[0]]
        if hasattr(package, name):
            setattr(package, name, remote)

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
