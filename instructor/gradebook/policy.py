"""`gradebook.toml`, read and checked: when work is late, what that costs, and how the column of grades is called."""

import tomllib
from dataclasses import dataclass, fields
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

POLICY = Path(__file__).with_name("gradebook.toml")
TABLES = ("late", "column", "feedback")


class PolicyError(ValueError):
    """The policy is not in order; the message names file and key."""


@dataclass(frozen=True)
class Policy:
    """`due` has an offset from UTC, or is None: then nothing is late."""

    grace_minutes: float
    free_days: float
    percent_per_day: float
    last_day: float
    title: str
    full_answers: bool
    due: datetime | None = None


def read_policy(path: Path = POLICY) -> Policy:
    """Raises PolicyError."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PolicyError(f"the policy cannot be read: {path.name}: {error}") from error
    values: dict[str, Any] = {}
    for name, table in tables.items():
        require(name in TABLES and isinstance(table, dict), path, name, f"is unknown: write [{'], ['.join(TABLES)}]")
        values |= table
    known = {each.name for each in fields(Policy)}
    for name in values:
        require(name in known, path, name, f"is unknown: choose from {', '.join(sorted(known))}")
    for name in sorted(known - {"due"}):
        require(name in values, path, name, "is missing")
    for name in ("grace_minutes", "free_days", "percent_per_day", "last_day"):
        value = values[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        require(is_number and isfinite(value) and value >= 0, path, name, f"is {value!r}: write a number, 0 or more")
    require(values["percent_per_day"] <= 100, path, "percent_per_day", "is above 100")
    require(isinstance(values["title"], str) and bool(values["title"].strip()), path, "title", "must be a text")
    require(isinstance(values["full_answers"], bool), path, "full_answers", "must be true or false")
    due = values.get("due")
    has_offset = isinstance(due, datetime) and due.tzinfo is not None
    require(due is None or has_offset, path, "due", f"is {due}: write it with its offset, as 2026-11-06T23:59:00+01:00")
    return Policy(**values)


def require(condition: bool, path: Path, name: str, complaint: str) -> None:
    if not condition:
        raise PolicyError(f"{path.name}: {name} {complaint}")
