"""Colab and Kaggle: a machine for some hours, which has PyTorch, and nothing of the student's.

What is missing is installed and nothing else is touched. On Colab, the kit with all that a student writes and draws can
lie on Google Drive, where the next session finds it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kit.paths import KIT
from kit.requirements import installed, name_of, names, wanted

MARKS = {"COLAB_RELEASE_TAG": "Colab", "KAGGLE_KERNEL_RUN_TYPE": "Kaggle"}  # variables that only these set
MY_DRIVE = Path("drive") / "MyDrive"
ASKED, NOT_ASKED = "DRIVE = True  #", "DRIVE = False  #"  # in the first cells of a release's notebooks


class HostError(RuntimeError):
    """The machine does not give what is needed; the message says what to do."""


def host() -> str | None:
    """Colab, Kaggle, or None elsewhere."""
    return next((name for mark, name in MARKS.items() if mark in os.environ), None)


def install(requirements: list[str]) -> None:
    """Install them, and leave what is there as it is: PyTorch above all. Raises HostError."""
    print(f"Installing {names(requirements)}")
    there = {name_of(each): installed(each) for each in wanted()}
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.txt"
        kept.write_text("".join(f"{name}=={version}\n" for name, version in there.items() if version), "utf-8")
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(kept)]
        done = subprocess.run([*command, *requirements], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip stopped"])[-1]
        internet = " On Kaggle, switch on Internet under Session options." if host() == "Kaggle" else ""
        raise HostError(f"{names(requirements)} cannot be installed: {last}.{internet}")


def on_drive() -> bool:
    return MY_DRIVE.parts[1] in KIT.parts


def copy_on_drive() -> Path:
    """The copy of the kit on the student's Drive, which is mounted first, and gets this copy where it has none."""
    from google.colab import drive

    drive.mount(str(KIT.parent / MY_DRIVE.parts[0]))
    kept = KIT.parent / MY_DRIVE / KIT.name
    if not kept.exists():
        with tempfile.TemporaryDirectory(prefix=f".{KIT.name}-", dir=kept.parent) as folder:
            copy = Path(folder) / KIT.name
            shutil.copytree(KIT, copy, ignore=shutil.ignore_patterns("__pycache__"))
            for notebook in copy.glob("notebooks/*.ipynb"):
                notebook.write_text(notebook.read_text("utf-8").replace(NOT_ASKED, ASKED), "utf-8")
            copy.rename(kept)  # whole or not at all
    return kept


def where_work_stays() -> str:
    """One sentence on where the student's work is, and for how long."""
    if on_drive():
        shown = "/".join(KIT.parts[KIT.parts.index(MY_DRIVE.parts[1]) :])
        return f"The kit is on your Drive, in {shown}, and stays there. Open the notebooks there, too, to hand them in."
    if host() == "Colab":
        return (
            f"The kit is in {KIT} and will be gone when this session ends. "
            "To keep it on your Drive, set DRIVE = True above."
        )
    return f"The kit is in {KIT}."


def give(archive: Path) -> None:
    """Offer a file for download, under the cell that made it."""
    if host() == "Colab":
        from google.colab import files

        files.download(str(archive))
        return
    from IPython.display import FileLink, display

    display(FileLink(os.path.relpath(archive), result_html_prefix="Download: "))
