"""Names of files for students whose ids and names may be anything, and the zip that Moodle takes feedback from."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from hashlib import sha256

from instructor.gradebook.sums import Entry

LONGEST = 60  # characters
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the same zip for the same content


def file_name(key: str) -> str:
    """A name without suffix that no file system takes for a path or a device; different keys have different ones."""
    safe = re.sub(r"[^A-Za-z0-9-]+", "-", key).strip("-")[:LONGEST].lower()
    return safe if safe == key else f"{safe or 'student'}-{sha256(key.encode()).hexdigest()[:8]}"


def moodle_folder(entry: Entry) -> str | None:
    """The folder by which Moodle knows whose feedback it is: name, number of the participant, kind of the file."""
    digits = re.search(r"\d+$", entry.student.ids.get("participant", ""))
    if digits is None:
        return None
    name = " ".join(re.sub(r"[^\w.' -]|_", " ", entry.student.name).split()).strip(".") or "student"
    return f"{name[:LONGEST]}_{digits[0]}_assignsubmission_file_"


def moodle_zip(entries: Iterable[Entry], feedback: Mapping[str, Mapping[str, bytes]]) -> bytes | None:
    """Everybody's files, by key and name; None where no `Identifier` of Moodle's worksheet says whose they are."""
    folders = {entry.student.key: moodle_folder(entry) for entry in entries}
    if not any(folders.values()):
        return None
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, folder in folders.items():
            for name, content in feedback.get(key, {}).items() if folder else ():
                info = zipfile.ZipInfo(f"{folder}/{name}", FIRST_DAY)
                info.external_attr, info.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
    return file.getvalue()
