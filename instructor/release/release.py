"""The kit as students get it: a folder and a zip without solutions, which stand alone and were tried before."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from instructor.release import proof
from instructor.release.errors import ReleaseError
from instructor.release.known_files import known_files
from instructor.release.markers import strip
from instructor.release.ways_in import with_ways_in
from kit.assignment import EDITABLE, PACKAGES
from kit.hand_in.archive import write_zip
from kit.hand_in.inspection import KEY_FILES
from kit.paths import KIT
from kit.provenance import digest

NAME = "inside-convnets"
EXECUTABLE = frozenset({f"{NAME}/collect_submission.sh"})
WING = "instructor/"  # what students never get, and nothing else
# What a student's results depend on, and what is compared with what was handed out before they are handed in.
FILES = ("collect_submission.sh", "conftest.py", "notebooks/run.py", "pyproject.toml")
KEPT = (*FILES, *(f"{folder}/" for folder in ("data", "kit", "sanity_checks", "tests", *PACKAGES)))


def release(out: Path, say: Callable[[str], None] = print, url: str | None = None) -> Path:
    """Write OUT/inside-convnets and OUT/inside-convnets.zip; return the zip.

    Nothing is written before every proof holds, and nothing is overwritten. Raises ReleaseError, GitError, or
    MarkerError for markers that are not in order. Badges and first cells lead to `url`, where students get the kit.
    """
    if out.exists() and any(out.iterdir()):
        raise ReleaseError(f"{out} is not empty: name a new folder")
    originals = {name: (KIT / name).read_text("utf-8") for name in EDITABLE}
    files = with_ways_in(student_files(), url) if url else student_files()
    count = proof.prove_that_nothing_survives(files, originals)
    say(f"✓ {len(files)} files; none of the {count} lines of the solutions is left in them")
    proof.prove_that_everything_imports(files)
    say("✓ everything parses and can be imported")
    files[KEY_FILES] = key_files(files)
    with proof.unpacked(files) as folder:
        waiting = proof.prove_that_stubs_wait(folder)
        say(f"✓ {waiting} tests wait for a task to be written; the rest pass")
        passing = proof.prove_that_solutions_pass(folder, originals)
        say(f"✓ with the solutions put back, {passing} of those {waiting} pass too")
    proof.prove_that_nothing_survives(files, originals)
    return write(files, out)


def student_files() -> dict[str, bytes]:
    """Every file that git knows but those of the wing, without solutions."""
    names = [name for name in known_files() if not name.startswith(WING)]
    return {name: without_solutions(name, (KIT / name).read_bytes()) for name in names}


def without_solutions(name: str, content: bytes) -> bytes:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content  # a picture, weights or arrays
    return strip(text, name).encode()


def key_files(files: dict[str, bytes]) -> bytes:
    """The sums by which a submission is compared with what was handed out."""
    sums = {name: digest(content) for name, content in sorted(files.items()) if is_kept(name)}
    return (json.dumps(sums, indent=1) + "\n").encode()


def is_kept(name: str) -> bool:
    return name.startswith(KEPT) and name not in EDITABLE


def write(files: dict[str, bytes], out: Path) -> Path:
    """The folder and the zip appear together, or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        proof.write_tree(files, temporary / NAME)
        (temporary / NAME / "collect_submission.sh").chmod(0o755)
        write_zip(temporary / f"{NAME}.zip", {f"{NAME}/{name}": content for name, content in files.items()}, EXECUTABLE)
        temporary.chmod(0o755)
        temporary.replace(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return out / f"{NAME}.zip"
