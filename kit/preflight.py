"""Before `make` installs anything: say what stands in the way, and choose the build of PyTorch.

Run by whatever Python is there, without the kit and its packages. The address of the index to take PyTorch from goes to
standard output, nothing where pip decides; everything else goes to the screen.
"""

from __future__ import annotations  # an older Python is to be told so, not to stumble

import os
import shutil
import sys
import threading
import urllib.request
from typing import NoReturn

CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
SECONDS = 3.0  # for the index to answer
WITH_CUDA, WITHOUT = 7, 2  # GB


def main() -> None:
    stop_if_too_old()
    index, words, needed = choose(sys.argv[1] if len(sys.argv) > 1 else "auto")
    free = shutil.disk_usage(".").free / 2**30
    if free < needed:
        stop(f"PyTorch needs about {needed} GB ({words}), and {free:.1f} GB are free here: make room")
    sys.stderr.write(f"PyTorch: {words}\n")
    print(index)


def stop(reason: str) -> NoReturn:
    sys.stderr.write(reason + "\n")
    sys.exit(1)


def stop_if_too_old() -> None:
    major, minor = sys.version_info[:2]
    if (major, minor) < (3, 11):
        stop(f"Python {major}.{minor} is too old: install Python 3.11 or newer, and run `make PYTHON=python3.11 ...`")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop("This Python has no venv module: install it (Debian and Ubuntu: sudo apt install python3-venv)")


def choose(asked: str, cpu_builds: str = CPU_BUILDS) -> tuple[str, str, int]:
    """The index or nothing, why, and how many GB it takes.

    `asked` is "auto", nothing for pip's own choice, or the address of an index.
    """
    if asked not in ("auto", ""):
        return asked, f"what {asked} has, as you asked", WITHOUT
    if not sys.platform.startswith("linux"):
        return "", "what pip installs by default, which is small on this system", WITHOUT
    if not asked:
        return "", "what pip installs by default, with CUDA, as you asked", WITH_CUDA
    if has_nvidia_driver():
        return "", "what pip installs by default, with CUDA, since there is an NVIDIA driver", WITH_CUDA
    if not answers(cpu_builds):
        why = f"{cpu_builds} does not answer within {SECONDS:.0f} s"
        return "", f"what pip installs by default, with CUDA, since {why}", WITH_CUDA
    return cpu_builds, "the build for CPUs, since there is no NVIDIA driver", WITHOUT


def has_nvidia_driver() -> bool:
    return shutil.which("nvidia-smi") is not None or os.path.exists("/proc/driver/nvidia/version")


def answers(index: str) -> bool:
    """Whether the index has builds of torch, and says so in time. A name server may take longer than any timeout."""
    found = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(index.rstrip("/") + "/torch/", timeout=SECONDS) as page:
                found.append(b"torch-" in page.read(100000))
        except (OSError, ValueError):
            pass

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    return any(found)


if __name__ == "__main__":
    main()
