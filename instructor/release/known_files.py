"""Which files belong to the kit: those that git knows, and no others that may lie about."""

import os
import subprocess

from kit.paths import KIT


class GitError(RuntimeError):
    """git does not say which files belong to the kit; the message gives its reason, and its remedy."""


def known_files() -> list[str]:
    """Their names. Raises GitError."""
    english = {**os.environ, "LC_ALL": "C"}
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=KIT, env=english, capture_output=True, encoding="utf-8")
    except FileNotFoundError as error:
        raise GitError("git is not installed here, and only the files that it knows are taken") from error
    if listing.returncode:
        said = " ".join(listing.stderr.split())
        if "not a git repository" in said:
            raise GitError(f"{KIT} is not a git checkout, and only the files that git knows are taken")
        raise GitError(f"git does not list the files of {KIT}: {said}")
    return [name for name in listing.stdout.split("\0") if name]
