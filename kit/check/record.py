"""What `check` found last: build/checks/NAME.json. The hand-in asks whether it still counts, by contents, not times."""

import json
from pathlib import Path

from kit.assignment import CHECKS
from kit.atomic import write_atomically
from kit.paths import KIT
from kit.provenance import digest

FOLDER = "build/checks"
RUN_AGAIN = "run its cell again, and save the notebook"


def digests(task: str, kit: Path = KIT) -> dict[str, str]:
    """Of the modules that the task's verdict depends on, as they are now."""
    present = [module for module in CHECKS.get(task, ()) if (kit / module).is_file()]
    return {module: digest((kit / module).read_bytes()) for module in present}


def keep(task: str, sha256: dict[str, str], holds: bool, kit: Path = KIT) -> None:
    """Write down that all checks hold, or not, for the modules of these digests."""
    if task not in CHECKS:
        return
    try:
        write_atomically(
            kit / FOLDER / f"{task}.json", json.dumps({"holds": holds, "sha256": sha256}, indent=1).encode()
        )
    except OSError as error:
        print(f"This could not be recorded for the hand-in: {error}")


def open_point(kit: Path, task: str) -> str | None:
    """Why nothing is known of a task's code as it is now, in words that follow the task's name; None where it is."""
    known = read(kit, task)
    if known is None:
        return f"was never run on this copy of the kit: {RUN_AGAIN}"
    now = digests(task, kit)
    changed = [module for module in CHECKS[task] if known["sha256"].get(module) != now.get(module)]
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
