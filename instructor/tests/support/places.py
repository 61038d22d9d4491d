"""Places where students work, built from the packages that are here, without a download.

A place is a Python that has some of them, in a folder of its own; its kernels see that folder and can write nowhere
else where bubblewrap can start. What a place lacks, a loopback server offers to its pip.
"""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

from jupyter_client.manager import KernelManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(sysconfig.get_path("purelib"))
WALL = shutil.which("bwrap")


def with_dependencies(names: Iterable[str]) -> set[str]:
    """The distributions, and all that they depend on here."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        found.add(canonicalize_name(requirement.name))
        further = map(Requirement, distribution(requirement.name).requires or [])
        extras = {"", *requirement.extras}
        waiting += [
            each for each in further if not each.marker or any(each.marker.evaluate({"extra": e}) for e in extras)
        ]
    return found


def files_of(name: str) -> list[str]:
    """Paths in the folder of packages, without scripts and bytecode."""
    paths = (path.as_posix() for path in distribution(name).files or [])
    return [path for path in paths if not path.startswith("..") and "__pycache__" not in path]


def make_python(folder: Path, names: Iterable[str], *, like_a_system: bool = False) -> Path:
    """A Python in `folder` that has these distributions and what they need; its packages are links to those here.

    Like a system's own, it looks at the user's packages, too.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    if like_a_system:
        settings = folder / "pyvenv.cfg"
        settings.write_text(settings.read_text("utf-8").replace("packages = false", "packages = true"), "utf-8")
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    tops = {path.partition("/")[0] for name in with_dependencies(names) for path in files_of(name)}
    for top in tops:
        (packages / top).symlink_to(HERE / top)
    return packages


def pretend_older(packages: Path, name: str, version: str) -> None:
    """The same code under an older number."""
    found = next(packages.glob(f"{name}-*.dist-info"))
    copy = packages / f"{name}-{version}.dist-info"
    copy.mkdir()
    metadata = (found / "METADATA").read_text("utf-8")
    (copy / "METADATA").write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", metadata, count=1), "utf-8")
    found.unlink()


def write_wheel(folder: Path, name: str) -> None:
    """A wheel of what is installed here."""
    about = distribution(name)
    written = canonicalize_name(name).replace("-", "_")
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(
        folder / f"{written}-{about.version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED, True, 1
    ) as wheel:
        for path in files_of(name):
            if not path.endswith(("/INSTALLER", "/REQUESTED", "/direct_url.json")) and (HERE / path).is_file():
                wheel.write(HERE / path, path)


class Counting(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and counts the bytes of its archives."""

    served: dict[str, int]

    def log_message(self, *args: object) -> None:
        pass

    def copyfile(self, source, outputfile) -> None:  # type: ignore[no-untyped-def]
        if self.path.endswith((".zip", ".whl")):
            self.served[self.path.rpartition("/")[2]] = os.fstat(source.fileno()).st_size
        super().copyfile(source, outputfile)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """The folder's address, and the sizes of the archives that were taken from there."""
    sizes: dict[str, int] = {}
    handler = type("Handler", (Counting,), {"served": sizes})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", sizes
        server.shutdown()


class Session:
    """A kernel of a place's Python: `run(cell)` gives what it printed and its errors, `shown` what it displayed."""

    def __init__(self, python: Path, folder: Path, home: Path, **variables: str) -> None:
        """`folder` is where it starts; only `home` can be written to, and what lies in it."""
        home.mkdir(parents=True, exist_ok=True)
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "PYTHON", "PIP_"))}
        own = {"HOME": str(home), "TMPDIR": str(home), "JUPYTER_RUNTIME_DIR": str(home), "KIT_OFFLINE": "1"}
        launch = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        self.manager = KernelManager(connection_file=str(home / "kernel.json"))
        self.manager.kernel_spec.argv = [*wall(home), *launch]
        self.manager.start_kernel(env={**bare, **own, **variables}, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.shown: list[dict] = []

    def run(self, cell: str) -> str:
        said: list[str] = []
        self.shown.clear()

        def listen(message: dict) -> None:
            content = message["content"]
            said.append(content.get("text", "") + "\n".join(content.get("traceback", [])))
            if "data" in content:
                self.shown.append(content["data"])

        self.client.execute_interactive(cell, timeout=300, output_hook=listen, allow_stdin=False)
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(said)).strip()

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def wall(home: Path) -> list[str]:
    """In front of a command: it can write nowhere but in `home`. Nothing where bubblewrap cannot start."""
    words = [WALL or "", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--bind", str(home), str(home)]
    works = WALL is not None and subprocess.run([*words, "true"], capture_output=True).returncode == 0
    return [*words, "--die-with-parent"] if works else []
