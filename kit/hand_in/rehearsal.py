"""What is handed in is imported before it is packed, as in grading: alone with the kit, in a new Python, elsewhere."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from kit.assignment import GIVEN, MODULES, PACKAGES, dotted
from kit.atomic import write_atomically
from kit.hand_in.contents import tree_of
from kit.provenance import digest

RECORD = "build/rehearsal.json"
ROOMS = ("data", "kit", "sanity_checks", *PACKAGES)  # what a student's module can import, out of the kit
KINDS = (".py", ".toml", ".json")
EMPTY = {f"{package}/__init__.py": b"" for package in PACKAGES}  # so that a module takes no other one with it
LONGEST = 120  # seconds
REMEDY = "what it needs besides the kit and its requirements must be a module beside it"
IMPORTS = """
import importlib, json, sys, traceback
kit, answer, *names = sys.argv[1:]
sys.path.insert(0, kit)
for name in names:
    reason, places = "", []
    try:
        importlib.import_module(name)
    except BaseException as error:
        reason = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
        places = [place.filename for place in traceback.extract_tb(error.__traceback__)]
        places += [error.filename] if isinstance(error, SyntaxError) else []
    with open(answer, "a", encoding="utf-8") as file:
        print(json.dumps([reason, places]), file=file)
"""


def import_problems(kit: Path, packed: Sequence[str]) -> list[str]:
    """Why a task's module cannot be imported where it is graded, one line each; `packed` are paths in the kit.

    Nothing is imported again that was looked at before: the record goes by contents.
    """
    present = [name for name in MODULES if tree_of(kit / name) is not None]
    modules = {name: (kit / name).read_bytes() for name in packed if name.endswith(".py") and (kit / name).is_file()}
    sha256 = {name: digest(content) for name, content in modules.items()}
    known = read(kit)
    if known.get("sha256") == sha256:
        return known["problems"]
    problems = rehearse(kit, modules, present)
    with suppress(OSError):  # then it is looked at again the next time
        keep(kit, sha256, problems)
    return problems


def keep(kit: Path, sha256: Mapping[str, str], problems: Sequence[str]) -> None:
    write_atomically(kit / RECORD, json.dumps({"sha256": sha256, "problems": problems}, indent=1).encode())


def read(kit: Path) -> dict:
    try:
        return dict(json.loads((kit / RECORD).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def rehearse(kit: Path, modules: dict[str, bytes], present: Sequence[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as place:
        folder, answer = Path(place) / "kit", Path(place) / "answer"
        for name, content in {**given(kit), **modules, **EMPTY}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        command = [sys.executable, "-I", "-B", "-c", IMPORTS, str(folder), str(answer), *map(dotted, present)]
        try:
            subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            return [f"importing the modules takes more than {LONGEST} seconds: an import must do no work"]
        said = answer.read_text("utf-8").splitlines() if answer.exists() else []
        failed = blamed(folder, present, [json.loads(line) for line in said])
    return [f"{name} cannot be imported where it is graded, {failed[name]}" for name in present if name in failed]


def blamed(folder: Path, present: Sequence[str], said: list[tuple[str, list[str]]]) -> dict[str, str]:
    """Why a module fails: for each of `present`, in turn, the reason, if any, and the files that led to it.

    The last module on the way is to blame, not those that import it. One about which nothing is said ended everything.
    """
    files = {str(folder / name): name for name in present}
    failed: dict[str, str] = {}
    for name, (reason, places) in zip(present, said, strict=False):
        if reason:
            on_the_way = [files[place] for place in places if place in files]
            failed.setdefault(on_the_way[-1] if on_the_way else name, f"{reason}: {REMEDY}")
    if len(said) < len(present):
        failed.setdefault(present[len(said)], "it ends Python: an import must do no work")
    return failed


def given(kit: Path) -> dict[str, bytes]:
    """The kit's own modules and tables, without those that students write."""
    paths = [path for room in ROOMS for path in sorted((kit / room).rglob("*")) if path.suffix in KINDS]
    files = {path.relative_to(kit).as_posix(): path for path in paths if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if is_given(name)}


def is_given(name: str) -> bool:
    """In the rooms of the tasks only what the table names is the kit's; anything else there is a student's own."""
    return name.partition("/")[0] not in PACKAGES or name in GIVEN
