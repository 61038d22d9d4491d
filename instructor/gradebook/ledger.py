"""What students were told before, so that a regrade shows old and new marks."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from instructor.gradebook.policy import Policy
from instructor.gradebook.sums import Entry
from kit.atomic import write_atomically

LEDGER = "ledger.json"
LATE = "for being late"


class LedgerError(ValueError):
    """The ledger cannot be read."""


@dataclass(frozen=True)
class Change:
    """What moved since a sum was first given: titles with the old and the new points."""

    old_total: float
    new_total: float | None
    parts: tuple[tuple[str, float, float], ...]

    @property
    def title(self) -> str:
        """Work that has other marks is regraded; what lateness costs may change without that."""
        return "Regraded" if any(title != LATE for title, _, _ in self.parts) else "Late days counted anew"


@dataclass(frozen=True)
class State:
    """A student's marks, as the ledger keeps them; `total` is None as long as something is open."""

    total: float | None
    parts: Mapping[str, float]


def state_of(entry: Entry, policy: Policy) -> State:
    sections = (*entry.tasks, *entry.questions)
    parts = {section.label: section.earned for section in sections if section.earned is not None}
    total = entry.total(policy)
    lost = round(total - entry.code - entry.report, 2) if total is not None else 0
    return State(total, parts | ({LATE: lost} if lost else {}))


def read_ledger(folder: Path) -> dict[str, tuple[State, State | None]]:
    """By the students' keys: the latest state, and the one before its latest change. Raises LedgerError."""
    path = folder / LEDGER
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text("utf-8"))
        return {key: (State(**now), State(**before) if before else None) for key, (now, before) in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LedgerError(f"{path} cannot be read: {error}. Without it, no regrade shows what was before") from error


def renewed(
    ledger: Mapping[str, tuple[State, State | None]], entries: Iterable[Entry], policy: Policy
) -> dict[str, tuple[State, State | None]]:
    """The ledger after this run. Marks that were not complete are completed, not regraded; who left stays in it."""
    found = dict(ledger)
    for entry in entries:
        now = state_of(entry, policy)
        last, before = ledger.get(entry.student.key, (State(None, {}), None))
        if last.total is not None and (now.total != last.total or now.parts != last.parts):
            before = last
        found[entry.student.key] = (now, before)
    return found


def change(now: State, before: State | None) -> Change | None:
    if before is None or before.total is None:
        return None
    titles = [*dict.fromkeys([*before.parts, *now.parts])]
    pairs = [(title, before.parts.get(title, 0), now.parts.get(title, 0)) for title in titles]
    moved = tuple(pair for pair in pairs if pair[1] != pair[2])
    return Change(before.total, now.total, moved) if moved or before.total != now.total else None


def write_ledger(folder: Path, ledger: Mapping[str, tuple[State, State | None]]) -> None:
    kept = {key: [vars(now), vars(before) if before else None] for key, (now, before) in sorted(ledger.items())}
    write_atomically(folder / LEDGER, (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode())
