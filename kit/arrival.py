"""What a notebook's first cell sets up: the kit, ready to import, and everything that it needs at once."""

import importlib
import os
import site
import sys
from pathlib import Path

from kit import hosted, requirements
from kit.paths import ARCHIVE, KIT


def settle(namespace: dict[str, object]) -> Path | None:
    """Make the kit and what it needs importable, here and in the commands that cells start.

    Returns the copy to go on with, where that is another one. Raises Unfit, which is one sentence.
    """
    come_first()
    try:
        if hosted.host():
            if lacking := requirements.lacking():
                hosted.install(lacking)
            if namespace.get("DRIVE") and not hosted.on_drive():
                return hosted.copy_on_drive()
            print(hosted.where_work_stays())
    except hosted.HostError as error:
        raise Unfit(str(error)) from None
    come_first()
    if lacking := requirements.lacking():
        raise Unfit(requirements.in_one_sentence(lacking))
    if old := requirements.outdated():
        print(f"Older than the versions that the kit was tried with: {', '.join(old)}.")
    return None


def come_first() -> None:
    """This copy of the kit is the first place to import from; packages of the user's own are another one."""
    for place in [place for place in sys.path if os.path.abspath(place) == str(KIT) or is_way(place)]:
        sys.path.remove(place)
    sys.path.insert(0, str(KIT))
    if site.ENABLE_USER_SITE and os.path.isdir(site.getusersitepackages()):
        site.addsitedir(site.getusersitepackages())  # it may be younger than this kernel
    importlib.invalidate_caches()
    for name, first in (("PYTHONPATH", str(KIT)), ("PATH", os.path.dirname(sys.executable))):
        others = [place for place in os.environ.get(name, "").split(os.pathsep) if place and place != first]
        os.environ[name] = os.pathsep.join([first, *others])


def is_way(place: str) -> bool:
    """Whether a notebook's first cell put it there to find the kit."""
    return place == ".." or place.endswith(os.path.join("kit", ".."))


class Unfit(RuntimeError):
    """This Python or machine lacks something. It is shown as its one sentence."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Offer:
    """After each cell: a submission that it packed is offered for download."""

    def __init__(self, namespace: dict[str, object]) -> None:
        self.namespace, self.archive = namespace, KIT / ARCHIVE
        self.seen = self.packed()

    def packed(self) -> int:
        return self.archive.stat().st_mtime_ns if self.archive.is_file() else 0

    def __call__(self, *_: object) -> None:
        if self.packed() > self.seen:
            hosted.give(self.archive)
        self.seen = self.packed()
        if hosted.host() == "Colab" and self.namespace.get("DRIVE") and not hosted.on_drive():
            print("DRIVE is read when a session begins: Runtime > Restart session, then run this cell again.")
