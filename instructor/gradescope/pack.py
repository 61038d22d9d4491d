"""The autograder that Gradescope runs: a zip with the kit, and with the exact versions of what it needs.

See https://gradescope-autograders.readthedocs.io/en/latest/specs/ for what its files are for.
"""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from instructor.release.known_files import known_files
from kit.hand_in.archive import write_zip
from kit.paths import KIT

SCRIPTS = Path(__file__).resolve().parent
NAME = "autograder.zip"
EXECUTABLE = frozenset({"setup.sh", "run_autograder"})
EXTRAS = ("lab", "report", "grading")  # of pyproject.toml
ONLY_FOR_GPUS = ("nvidia-", "cuda-", "triton")


class GradescopeError(RuntimeError):
    """The autograder cannot be packed here; nothing was written."""


def pack(out: Path) -> Path:
    """Write OUT/autograder.zip: the same kit and versions give the same bytes. Raises GradescopeError, GitError."""
    kit = {f"kit/{name}": (KIT / name).read_bytes() for name in known_files()}
    scripts = {name: (SCRIPTS / name).read_bytes() for name in EXECUTABLE}
    python = f"{sys.version_info.major}.{sys.version_info.minor}\n"
    files = {**kit, **scripts, "requirements.txt": requirements().encode(), "python-version": python.encode()}
    write_zip(out / NAME, files, EXECUTABLE)
    return out / NAME


def requirements() -> str:
    """What the kit depends on, directly or not, pinned to the versions that are installed here."""
    project = tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [each for extra in EXTRAS for each in project["optional-dependencies"][extra]]
    wanted = [each for each in (*project["dependencies"], *extras) if not each.startswith(f"{project['name']}[")]
    pinned: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        asked = name, frozenset(requirement.extras)
        if asked in seen or name.startswith(ONLY_FOR_GPUS):
            continue
        seen.add(asked)
        try:
            installed = distribution(name)
        except PackageNotFoundError as error:
            raise GradescopeError(f'{name} is not installed here: pip install -e ".[{EXTRAS[-1]}]"') from error
        pinned[name] = Version(installed.version).public  # without "+cu130", the build for some graphics card
        waiting += [further for text in installed.requires or [] if applies(further := Requirement(text), requirement)]
    return "".join(f"{name}=={version}\n" for name, version in sorted(pinned.items()))


def applies(requirement: Requirement, of: Requirement) -> bool:
    """Whether a package needs this here, with the extras that are asked of it."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *of.extras})
