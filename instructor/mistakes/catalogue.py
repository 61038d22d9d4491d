"""The catalogue of mistakes: the files beside this describe them, kit/check/catalogue.json holds what each leaves.

`python -m instructor catalogue` makes the latter from the former. Students have it, so it holds hints and numbers only.
"""

import json
import sys
import tomllib
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path

import torch

from instructor.mistakes.pairs import pairs
from instructor.release.markers import regions
from kit.assignment import PACKAGES, TASKS, dotted
from kit.atomic import write_atomically
from kit.check.diagnosis import CATALOGUE, Signature, alike, fold, signatures
from kit.check.probes import RAISED, ordinary_questions, probe
from kit.paths import KIT

NOTHING = (torch.zeros_like, torch.ones_like, lambda result: torch.full_like(result, torch.nan), lambda result: RAISED)
MISTAKES = Path(__file__).resolve().parent
MODULES = {name: task.module for name, task in TASKS.items() if (MISTAKES / f"{name}.toml").is_file()}


class MutantError(ValueError):
    """A mutant does not fit the module that it changes; the message names both."""


@dataclass(frozen=True)
class Mutant:
    """A mistake: in the solution of `module`, a path within the kit, `find` is replaced."""

    task: str
    name: str
    module: str
    hint: str
    find: str
    replace: str

    def source(self) -> str:
        """The whole text of the module with the mistake in it. Raises MutantError unless `find` occurs exactly once."""
        text = (KIT / self.module).read_text("utf-8")
        where = f"instructor/mistakes/{self.task}.toml, {self.name}"
        if text.count(self.find) != 1:
            raise MutantError(f"{where}: {self.find!r} occurs {text.count(self.find)} times in {self.module}, not once")
        solutions = ["\n".join([*region.lines, ""]) for region in regions(text, self.module)]
        if not any(self.find in solution for solution in solutions):
            raise MutantError(f"{where}: {self.find!r} is not part of a solution in {self.module}")
        return text.replace(self.find, self.replace)


def mutants() -> list[Mutant]:
    """All of them, task by task. Raises MutantError when one lacks something."""
    found = []
    for task, module in MODULES.items():
        for entry in tomllib.loads((MISTAKES / f"{task}.toml").read_text("utf-8"))["mutant"]:
            if entry.keys() != {"name", "hint", "find", "replace"}:
                raise MutantError(
                    f"instructor/mistakes/{task}.toml: an entry has {sorted(entry)}: give name, hint, find, replace"
                )
            found.append(Mutant(task=task, module=module, **entry))
    return found


@dataclass(frozen=True)
class Substitute(MetaPathFinder, InspectLoader):
    """Imports one module from a text instead of from its file."""

    module: str
    text: str

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return spec_from_loader(name, self, is_package=False) if name == self.module else None

    def get_source(self, name: str) -> str:
        return self.text


def in_place(mutant: Mutant) -> AbstractContextManager[None]:
    return replaced(mutant.module, mutant.source())


@contextmanager
def replaced(module: str, text: str) -> Iterator[None]:
    """Inside, the students' packages are imported anew, this one from the text; afterwards all is as before."""
    substitute = Substitute(dotted(module), text)
    before = take_out()
    sys.meta_path.insert(0, substitute)
    try:
        yield
    finally:
        sys.meta_path.remove(substitute)
        take_out()
        sys.modules.update(before)


def take_out() -> dict[str, object]:
    """Forget the students' packages and return what was forgotten."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in PACKAGES}


def build(tasks: Collection[str]) -> dict[str, dict]:
    """By task: the reference's signatures, how much of it comes from ordinary inputs, every mistake's."""
    catalogue: dict[str, dict] = {}
    for task in tasks:
        known = [mutant for mutant in mutants() if mutant.task == task]
        entries = [
            {"name": mutant.name, "hint": mutant.hint, "signatures": left_by(task, mutant.source())} for mutant in known
        ]
        catalogue[task] = {
            "ordinary": ordinary_questions(task),
            "reference": signatures(probe(task)),
            "entries": entries,
        }
    return catalogue


def left_by(task: str, source: str) -> list[Signature]:
    """What the probe finds in a module with this text."""
    with replaced(MODULES[task], source):
        return signatures(probe(task))


def two_at_once(task: str) -> Iterator[list]:
    """The numbers of two mistakes and what both together leave, in ordinary circumstances and in all.

    Those that leave nothing but errors, zeros, ones or NaN are left out: everything does that.
    """
    ordinary, right = ordinary_questions(task), probe(task)
    nothing = [signatures([spoil(result) for result in right]) for spoil in NOTHING]
    crude = [fold(left[:length]) for left in nothing for length in (ordinary, len(right))]
    wrong = [mutant.source() for mutant in mutants() if mutant.task == task]
    for first, second, source in pairs((KIT / MODULES[task]).read_text("utf-8"), wrong):
        try:
            left = left_by(task, source)
        except SyntaxError:  # each alone is Python, both are not
            continue
        folded = [fold(left[:ordinary]), fold(left)]
        if not any(alike(one, other) for one in folded for other in crude):
            yield [first, second, *folded]


def write(only: Collection[str] = ()) -> Path:
    """Make kit/check/catalogue.json anew, or what it holds of some tasks, a mistake or two a line (minutes).

    Raises MutantError, also for a task without a file of mistakes, and then leaves it as it was.
    """
    if unknown := set(only) - MODULES.keys():
        names = ", ".join(sorted(unknown))
        raise MutantError(f"there are no mistakes for {names}: write instructor/mistakes/NAME.toml")
    kept = json.loads(CATALOGUE.read_text("utf-8")) if only else {}
    catalogue = {**kept, **build(only or MODULES)}
    for task in only or MODULES:
        catalogue[task]["pairs"] = list(two_at_once(task))
    tasks = []
    for task, known in ((task, catalogue[task]) for task in MODULES):
        entries = ",\n".join(map(compact, known["entries"]))
        both = ",\n".join(map(compact, known["pairs"]))
        head = f'"ordinary": {known["ordinary"]},\n"reference": {compact(known["reference"])}'
        tasks.append(f'"{task}": {{\n{head},\n"entries": [\n{entries}\n],\n"pairs": [\n{both}\n]}}')
    write_atomically(CATALOGUE, ("{\n" + ",\n".join(tasks) + "\n}\n").encode())
    return CATALOGUE


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
