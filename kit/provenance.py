"""Which code drew or found something: told by contents, never by times."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from kit import alive
from kit.assignment import PACKAGES
from kit.paths import KIT

DRAWING = frozenset({"data", "sanity_checks", *PACKAGES})  # packages out of whose modules a figure comes


def digest(content: bytes) -> str:
    """SHA-256, whatever the line ends became on the way."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def code_in_use() -> dict[str, str]:
    """The digests of the kit's modules that this process runs, by their paths in the kit."""
    files = {name: Path(getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())}
    texts = {
        path.relative_to(KIT).as_posix(): alive.RUNNING.get(name) or path.read_bytes()
        for name, path in files.items()
        if name.partition(".")[0] in DRAWING and path.is_relative_to(KIT) and path.is_file()
    }
    return {name: digest(text) for name, text in sorted(texts.items())}


def changed_since(code: Mapping[str, str], used: frozenset[Path]) -> str | None:
    """The first of the modules `used` whose digest is not the one in `code`; None if there is none."""
    present = {path.relative_to(KIT).as_posix(): path for path in used}
    kept = sorted(present.keys() & code)
    return next((name for name in kept if digest(present[name].read_bytes()) != code[name]), None)
