"""`python -m instructor.tried` tries the kit with the newest packages and the lowest, and says so in README.md.

Each Python that is found here gets an environment of its own under build/tried, and runs the students' tests there.
PyTorch, which is large, is taken from this Python with `--keep-torch`; the table then says which one it was.
"""

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from kit.atomic import write_atomically
from kit.command import get_ready
from kit.paths import KIT
from kit.requirements import bound, name_of, wanted

README = KIT / "README.md"
BEGIN, END = "<!-- tried by python -m instructor.tried -->\n", "<!-- end -->\n"
CHOICES = ("lowest", "newest")
SHOWN = ("torch", "numpy", "matplotlib", "captum", "scipy", "scikit-image")
HEAD = f"| Python | packages | {' | '.join(SHOWN)} | students' tests | on | date |\n"
ASK = "import json, sys; from importlib.metadata import version; print(json.dumps(list(map(version, sys.argv[1:]))))"


@dataclass(frozen=True)
class Trial:
    """One row: a Python, the choice of packages, and what came out."""

    python: str
    choice: str
    versions: tuple[str, ...]
    outcome: str

    def row(self) -> str:
        where, date = f"{platform.system()} {platform.machine()}", datetime.date.today().isoformat()
        return f"| {' | '.join([self.python, self.choice, *self.versions, self.outcome, where, date])} |\n"


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m instructor.tried", description=__doc__)
    parser.add_argument("pythons", nargs="*", default=pythons(), help="default: each that is found here, from 3.11 on")
    parser.add_argument("--only", choices=CHOICES, help="try these packages only")
    parser.add_argument("--keep-torch", action="store_true", help="take torch and torchvision from this Python")
    options = parser.parse_args()
    choices = (options.only,) if options.only else CHOICES
    trials = [tried(python, choice, options.keep_torch) for python in options.pythons for choice in choices]
    rows = {trial.row() for trial in trials}
    write_table(rows)
    print("".join(sorted(rows)), end="")
    return int(any(trial.outcome != "all pass" for trial in trials))


def pythons() -> list[str]:
    """Every Python from 3.11 on that is found here and runs; this one for its own number."""
    own = sys.version_info.minor
    found = {minor: shutil.which(f"python3.{minor}") for minor in range(11, 20)} | {own: sys.executable}
    return [path for _, path in sorted(found.items()) if path and runs(path)]


def runs(python: str) -> bool:
    """Not so the names of versions that pyenv has not installed."""
    return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def tried(python: str, choice: str, keep_torch: bool) -> Trial:
    number = said(python, "-c", "import platform; print(platform.python_version())")
    folder = KIT / "build" / "tried" / f"{number}-{choice}"
    subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    inner = str(folder / "bin" / "python")
    requirements = [*wanted(), *wanted("lab")]
    kept = {"torch", "torchvision"} if keep_torch else set()
    if kept:
        own = Path(said(inner, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
        (own / "kept.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    chosen = [each for each in requirements if name_of(each) not in kept]
    if choice == "lowest":
        chosen = [f"{name_of(each)}=={bound(each)}" for each in chosen]
    pip = [inner, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--upgrade"]
    subprocess.run([*pip, *chosen], check=True)
    tests = subprocess.run([inner, "-m", "pytest", "tests", "-p", "no:cacheprovider"], cwd=KIT, capture_output=True)
    if tests.returncode:
        print(tests.stdout.decode(errors="replace")[-5000:], file=sys.stderr)
    summary = tests.stdout.decode(errors="replace").strip().splitlines()
    return Trial(number, choice, tuple(json.loads(said(inner, "-c", ASK, *SHOWN))), outcome(tests.returncode, summary))


def said(python: str, *arguments: str) -> str:
    return subprocess.run([python, *arguments], check=True, capture_output=True, encoding="utf-8").stdout.strip()


def outcome(status: int, summary: list[str]) -> str:
    """ "all pass", or pytest's last line."""
    return "all pass" if status == 0 else (summary or ["did not run"])[-1].strip("= ").replace("|", "/")


def write_table(rows: set[str]) -> None:
    """Put the rows into the README's table, in the place of those of the same Python and packages."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    table, _, after = rest.partition(END)
    renewed = {beginning(row) for row in rows}
    old = {row for row in table.splitlines(keepends=True) if row.startswith("| 3.") and beginning(row) not in renewed}
    rule = f"|{' --- |' * (HEAD.count('|') - 1)}\n"
    write_atomically(README, "".join([before, BEGIN, "\n", HEAD, rule, *sorted(old | rows), "\n", END, after]).encode())


def beginning(row: str) -> tuple[str, ...]:
    return tuple(row.split("|")[1:3])


if __name__ == "__main__":
    sys.exit(main())
