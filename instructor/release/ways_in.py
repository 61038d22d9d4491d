"""The ways in to a release that lies at an address: badges, and first cells that bring the kit to Colab and Kaggle.

An address is that of a GitHub repository, which all badges need, or that of the zip. Nothing here is in the
instructors' copy, so that no badge leads a student there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import nbformat

from instructor.release.proof import ReleaseError
from kit.assignment import NOTEBOOKS
from kit.hosted import MARKS, NOT_ASKED

README = "README.md"
GITHUB = re.compile(r"https://github\.com/(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?(?:tree/(?P<branch>[\w./-]+))?")
ZIP = re.compile(r"https?://[^\s\"'\\]+\.zip")
HEAD = f"""\
{NOT_ASKED} on Colab, True keeps the kit, with all that you write and draw, on your Google Drive

import os
import sys
from glob import glob
from importlib.util import find_spec
from shutil import unpack_archive
from urllib.request import urlretrieve

# A machine of Colab or Kaggle gets the kit here, once; on Kaggle, switch on Internet under Session options.
if {{"{'", "'.join(MARKS)}"}} & {{*os.environ}} and not glob("*/writeup/writeup.md"):
    unpack_archive(urlretrieve("ADDRESS")[0], format="zip")
"""
PLAIN = "import sys\nfrom glob import glob\nfrom importlib.util import find_spec\n\n"


@dataclass(frozen=True)
class Address:
    """Where a release lies: its zip, and on GitHub the name and branch of its repository."""

    archive: str
    name: str = ""
    branch: str = ""

    def badges(self, notebook: str) -> list[str]:
        """Links that open the notebook elsewhere, in Markdown: none without a repository."""
        if not self.name:
            return []
        in_repository = f"{self.name}/blob/{self.branch}/{notebook}"
        return [
            f"[![Open in {where}]({image})]({link})"
            for where, image, link in (
                (
                    "Colab",
                    "https://colab.research.google.com/assets/colab-badge.svg",
                    f"https://colab.research.google.com/github/{in_repository}",
                ),
                (
                    "Kaggle",
                    "https://kaggle.com/static/images/open-in-kaggle.svg",
                    f"https://kaggle.com/kernels/welcome?src=https://github.com/{in_repository}",
                ),
                (
                    "Codespaces",
                    "https://github.com/codespaces/badge.svg",
                    f"https://codespaces.new/{self.name}/tree/{self.branch}",
                ),
                (
                    "Binder",
                    "https://mybinder.org/badge_logo.svg",
                    f"https://mybinder.org/v2/gh/{self.name}/{self.branch}?urlpath=lab/tree/{notebook}",
                ),
            )
        ]


def address_of(url: str) -> Address:
    """Raises ReleaseError for what is neither a repository on GitHub nor a zip."""
    if repository := GITHUB.fullmatch(url):
        name, branch = repository["name"], (repository["branch"] or "main").rstrip("/")
        return Address(f"https://github.com/{name}/archive/refs/heads/{branch}.zip", name, branch)
    if ZIP.fullmatch(url):
        return Address(url)
    raise ReleaseError(
        f"{url} is not where students get the kit: give https://github.com/OWNER/REPOSITORY, with /tree/BRANCH if it "
        "is not main, or the http address of the zip"
    )


def with_ways_in(files: Mapping[str, bytes], url: str) -> dict[str, bytes]:
    """The files, of which the README and the notebooks lead to the release at this address. Raises ReleaseError."""
    address = address_of(url)
    changed = dict(files)
    for name in NOTEBOOKS:
        changed[name] = in_notebook(files[name].decode(), name, address).encode()
    badges = " ".join(address.badges(NOTEBOOKS[0]))
    if badges:
        changed[README] = below_title(files[README].decode(), badges).encode()
    return changed


def in_notebook(source: str, name: str, address: Address) -> str:
    notebook = nbformat.reads(source, as_version=4)
    title = first(notebook, "markdown", lambda text: text.startswith("# "), name)
    opening = first(notebook, "code", lambda text: text.startswith(PLAIN), name)
    if badges := address.badges(name):
        title.source = below_title(title.source, " ".join(badges))
    opening.source = HEAD.replace("ADDRESS", address.archive) + opening.source.removeprefix(PLAIN)
    return nbformat.writes(notebook) + "\n"


def first(notebook: nbformat.NotebookNode, kind: str, fits: Callable[[str], bool], name: str) -> nbformat.NotebookNode:
    """The first cell of its kind, which must fit."""
    cell = next((cell for cell in notebook.cells if cell.cell_type == kind), None)
    if cell is None or not fits(cell.source):
        raise ReleaseError(f"{name}: its first {kind} cell does not begin as those of the other notebooks")
    return cell


def below_title(text: str, words: str) -> str:
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{words}\n{rest}"
