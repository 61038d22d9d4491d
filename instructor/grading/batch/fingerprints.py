"""What a mark depends on, in sums of bytes: the submission, and the code that grades it."""

import hashlib
import os
import stat
import tomllib
from functools import cache
from pathlib import Path

from kit.paths import KIT

GRADING = ("instructor", "tests", "kit", "data", "visualizers", "style_transfer", "sanity_checks")
KINDS = (".py", ".toml", ".json", ".npz", ".safetensors", ".pth")
NOT_OURS = {"__pycache__", "downloads", "marking"}  # people mark the report, whatever the code is worth


def fingerprint(submission: Path, grader: str) -> dict[str, str]:
    """As long as none of it changes, neither does the mark."""
    return {
        "submission": submission_sha256(submission),
        "called": submission.name,
        "kit": kit_sha256(),
        "version": kit_version(),
        "grader": grader,
    }


def submission_sha256(path: Path) -> str:
    """Of an archive's bytes, or of every name, kind and content in a folder. Links are not followed."""
    if not path.is_dir():
        return file_sha256(path)
    return tree_sha256(path, sorted(path.rglob("*")))


@cache
def kit_sha256() -> str:
    """Of the code that grades, the rubric, the tests, the references and the weights."""
    paths = [path for part in GRADING for path in (KIT / part).rglob("*") if path.suffix in KINDS]
    return tree_sha256(KIT, sorted(path for path in paths if not NOT_OURS & set(path.parts)))


def kit_version() -> str:
    return tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def tree_sha256(root: Path, paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        name = os.fsencode(path.relative_to(root).as_posix())
        total.update(b"%d %s %s\n" % (len(name), name, described(path).encode()))
    return total.hexdigest()


def described(path: Path) -> str:
    """A regular file by its content, a link by where it leads, anything else by its kind alone."""
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            return "link " + hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        return file_sha256(path) if stat.S_ISREG(kind) else str(stat.S_IFMT(kind))
    except OSError as error:
        return f"unreadable {error.errno}"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
