"""What was found or drawn by which code. The hand-in asks whether it still counts, by contents and never by times.

What `check` found last stands in build/checks/TASK.json; a figure carries the digests of its code in itself.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from checks import alive
from checks.tasks import TASKS

KIT = Path(__file__).resolve().parent.parent
FOLDER = "build/checks"
PACKAGES = ("data", "style_transfer", "visualizers")  # out of whose modules a figure comes
RUN_AGAIN = "run its cell again, and save the notebook"


def digest(content: bytes) -> str:
    """SHA-256, whatever the line ends became on the way."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def code_in_use() -> dict[str, str]:
    """The digests of the kit's modules that this process runs, by their paths in the kit."""
    files = {name: Path(getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())}
    texts = {
        path.relative_to(KIT).as_posix(): alive.RUNNING.get(name) or path.read_bytes()
        for name, path in files.items()
        if name.partition(".")[0] in PACKAGES and path.is_relative_to(KIT) and path.is_file()
    }
    return {name: digest(text) for name, text in sorted(texts.items())}


def changed_since(code: Mapping[str, str], used: frozenset[Path]) -> str | None:
    """The first of the modules `used` whose text is not the one of which `code` holds the digest; None if none is."""
    present = {path.relative_to(KIT).as_posix(): path for path in used}
    kept = sorted(present.keys() & code)
    return next((name for name in kept if digest(present[name].read_bytes()) != code[name]), None)


def digests(task: str, kit: Path = KIT) -> dict[str, str]:
    """Of the modules that the task's verdict depends on, as they are now."""
    present = [module for module in TASKS.get(task, ()) if (kit / module).is_file()]
    return {module: digest((kit / module).read_bytes()) for module in present}


def keep(task: str, sha256: dict[str, str], holds: bool, kit: Path = KIT) -> None:
    """Write down that all checks hold, or not, for the modules of these digests."""
    from writeup.whole import write_whole

    if task not in TASKS:
        return
    try:
        write_whole(kit / FOLDER / f"{task}.json", json.dumps({"holds": holds, "sha256": sha256}, indent=1).encode())
    except OSError as error:
        print(f"This could not be written down for the hand-in: {error}")


def open_point(kit: Path, task: str) -> str | None:
    """Why nothing is known of a task's code as it is now, in words that follow the task's name; None where it is."""
    known = read(kit, task)
    if known is None:
        return f"was never run on this copy of the kit: {RUN_AGAIN}"
    now = digests(task, kit)
    changed = [module for module in TASKS[task] if known["sha256"].get(module) != now.get(module)]
    return f"is out of date, {changed[0]} has changed since: {RUN_AGAIN}" if changed else None


def holds(kit: Path, task: str) -> bool | None:
    """Whether all checks held for the code as it is now; None where nothing is known of it."""
    return None if open_point(kit, task) else read(kit, task)["holds"]


def read(kit: Path, task: str) -> dict | None:
    """What `keep` wrote; None where there is nothing, or something else."""
    try:
        known = json.loads((kit / FOLDER / f"{task}.json").read_text("utf-8"))
        return {"holds": bool(known["holds"]), "sha256": dict(known["sha256"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
