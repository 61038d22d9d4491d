"""Zip archives that depend on nothing but their contents."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from kit.atomic import write_atomically

DATE = (2000, 1, 1, 0, 0, 0)  # always the same, and late enough for tools that count from 1980 in any time zone


def write_zip(path: Path, files: Mapping[str, bytes], executable: frozenset[str] = frozenset()) -> None:
    """Write the files, in the order of their names: the same files give the same bytes, on every machine.

    They are stored, not compressed, since compressors differ between machines, and pictures would not shrink. The
    archive appears whole or not at all.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system = 3  # Unix, also when written on Windows
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(entry, content)
    write_atomically(path, packed.getvalue())
