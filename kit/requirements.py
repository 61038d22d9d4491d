"""What the kit needs of a Python, as pyproject.toml says: what is missing there, and the line that installs it.

Needed at once are the dependencies. The extra `lab` is for one's own computer and for notebook 06, `report` for the
report and the hand-in.
"""

import re
import shlex
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version

from kit.paths import KIT
from kit.preflight import CPU_BUILDS, has_nvidia_driver

MODULES = {"skimage": "scikit-image", "sklearn": "scikit-learn", "PIL": "pillow", "pptx": "python-pptx"}


def wanted(extra: str | None = None) -> list[str]:
    """Requirements such as "captum>=0.9": the dependencies, or those of an extra."""
    project = tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["optional-dependencies"][extra] if extra else project["dependencies"]


def lacking(extra: str | None = None) -> list[str]:
    """Those for which nothing is installed."""
    return [each for each in wanted(extra) if installed(each) is None]


def outdated() -> list[str]:
    """The dependencies that are installed, but older than what the kit is tried with: "numpy 1.26.4"."""
    found = {each: installed(each) for each in wanted()}
    return [f"{name_of(each)} {has}" for each, has in found.items() if has and numbers(has) < numbers(bound(each))]


def behind(module: str) -> list[str]:
    """What else to install where this module is missing: all of its extra that is missing too."""
    name = MODULES.get(module, module)
    extras = (extra for extra in (None, "lab", "report") if name in map(name_of, wanted(extra)))
    extra = next(extras, "none")
    return [] if extra == "none" else lacking(extra)


def installed(requirement: str) -> str | None:
    try:
        return version(name_of(requirement))
    except PackageNotFoundError:
        return None


def name_of(requirement: str) -> str:
    return requirement.partition(">=")[0]


def bound(requirement: str) -> str:
    return requirement.partition(">=")[2]


def numbers(release: str) -> list[int]:
    """2.9.1+cpu as [2, 9, 1]."""
    return [int(digits) for digits in re.findall(r"\d+", release.partition("+")[0])[:3]]


def arguments(requirements: list[str]) -> str:
    """What to write behind `pip install`, quoted for any shell."""
    small = sys.platform.startswith("linux") and not has_nvidia_driver()
    index = ["--extra-index-url", CPU_BUILDS] if small and "torch" in map(name_of, requirements) else []
    return " ".join([*index, *(f'"{each}"' for each in requirements)])


def line(requirements: list[str]) -> str:
    """The line that installs them, for a terminal."""
    return f"{shlex.quote(sys.executable)} -m pip install {arguments(requirements)}"


def in_one_sentence(missing: list[str]) -> str:
    """What is missing in a notebook's Python, and the line to run there."""
    are = "are" if len(missing) > 1 else "is"
    line = f"%pip install {arguments(missing)}"
    return f"{names(missing)} {are} missing in {sys.executable}: run `{line}`, then this cell again."


def names(requirements: list[str]) -> str:
    """For a sentence: captum, pooch and tqdm."""
    *first, last = map(name_of, requirements)
    return f"{', '.join(first)} and {last}" if first else last
