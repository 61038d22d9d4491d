"""When each submission was handed in, and by whom, as far as files and metadata tell."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import yaml

METADATA = "submission_metadata.yml"  # beside the folders of Gradescope's export
OWN_METADATA = "submission_metadata.json"  # what Gradescope gives an autograder about one submission
LARGEST = 20 * 10**6  # bytes
MOODLE_TIMES = ("%A, %d %B %Y, %I:%M %p", "%A, %B %d, %Y, %I:%M %p", "%A, %d %B %Y, %H:%M", "%d/%m/%y, %H:%M")
DURATION = re.compile(r"(\d+):(\d{2}):(\d{2})")


@dataclass(frozen=True)
class Arrival:
    """`source` says where the time comes from; `submitters` are ids, e-mail addresses and names, one set for each."""

    at: datetime | None = None
    source: str = ""
    submitters: tuple[frozenset[str], ...] = ()


class GradescopeYaml(yaml.SafeLoader):
    """Gradescope's files name classes of Ruby; only what they hold is read."""


def untagged(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


GradescopeYaml.add_multi_constructor("!", untagged)


def arrivals(folder: Path, found: Iterable[tuple[str, Path]]) -> dict[str, Arrival]:
    """Of each submission, by its name: from Gradescope's metadata where there are some, else from the files' times.

    Raises ValueError for metadata that cannot be read.
    """
    entries = gradescope_entries(folder / METADATA)
    return {name: arrival(path, entries.get(path.name) or own_metadata(path)) for name, path in found}


def arrival(path: Path, entry: dict | None) -> Arrival:
    if entry:
        people = entry.get(":submitters") or entry.get("users") or []
        submitters = tuple(identity(each) for each in people if isinstance(each, dict))
        at = moment(entry.get(":created_at") or entry.get("created_at"), UTC)
        if at or submitters:
            return Arrival(at, "Gradescope's metadata" if at else "", submitters)
    return Arrival(datetime.fromtimestamp(newest(path), UTC), "the files' times")


def identity(person: dict) -> frozenset[str]:
    values = (person.get(key) for name in ("sid", "email", "name") for key in (f":{name}", name))
    return frozenset(str(value) for value in values if value)


def gradescope_entries(path: Path) -> dict[str, dict]:
    if not path.is_file():
        return {}
    try:
        entries = yaml.load(limited(path), GradescopeYaml)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}. Export the submissions again") from error
    return {str(name): entry for name, entry in entries.items() if isinstance(entry, dict)} if entries else {}


def own_metadata(path: Path) -> dict | None:
    own = path / OWN_METADATA
    if not path.is_dir() or not own.is_file():
        return None
    try:
        entry = json.loads(limited(own))
    except ValueError as error:
        raise ValueError(f"{path.name}/{own.name} cannot be read: {error}") from error
    return entry if isinstance(entry, dict) else None


def limited(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it has {path.stat().st_size:,} bytes, and at most {LARGEST:,} are read")
    return path.read_text("utf-8")


def newest(path: Path) -> float:
    """Seconds since 1970: of an archive its own time, of a folder that of its newest file. Links are not followed."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_mtime
    files = [each for each in path.rglob("*") if not each.is_symlink() and each.is_file()]
    return max((each.stat().st_mtime for each in files), default=path.stat().st_mtime)


def moment(value: object, zone: tzinfo | None) -> datetime | None:
    """A time as LMSs write it, in `zone` where it has no offset; None if it is not one."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    text = re.sub(r" ([+-]\d{2}):?(\d{2})$", r"\1:\2", str(value or "").strip()).replace(" UTC", "+00:00")
    readings = [datetime.fromisoformat, *(lambda t, form=form: datetime.strptime(t, form) for form in MOODLE_TIMES)]
    for reading in readings:
        try:
            found = reading(text)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=zone)
    return None


def duration(text: str) -> timedelta | None:
    """Gradescope's H:M:S."""
    match = DURATION.fullmatch(text.strip())
    return timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3])) if match else None
