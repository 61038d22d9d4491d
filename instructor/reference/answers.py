"""The oracle's answers to all tests that ask it, recorded anew: for students' tests, and apart for the hidden ones."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from kit.paths import KIT

ASKS = "from tests.support import oracle"
FOLDERS = {KIT / "tests": KIT / "tests" / "references", (HIDDEN := KIT / "instructor" / "tests" / "hidden"): HIDDEN}


def renew() -> None:
    """Write recorded.json and recorded.npz into both folders. Raises RuntimeError where a test fails on the oracle."""
    for tests, folder in FOLDERS.items():
        record(asking(tests), folder)


def asking(tests: Path) -> list[Path]:
    return sorted(path for path in tests.glob("test_*.py") if ASKS in path.read_text("utf-8"))


def record(tests: Iterable[Path | str], folder: Path) -> None:
    """Run these tests, files or single ones by their ids, on the oracle, and keep in the folder what it answers."""
    options = ["-p", "no:cacheprovider", "-p", "instructor.reference.recording", f"--record-to={folder}"]
    command = [sys.executable, "-m", "pytest", *options, *map(str, tests)]
    run = subprocess.run(command, cwd=KIT, capture_output=True, encoding="utf-8")
    if run.returncode:
        said = (run.stdout + run.stderr)[-2000:]
        raise RuntimeError(f"the kit's own solutions do not pass on the oracle's answers: {said}")
