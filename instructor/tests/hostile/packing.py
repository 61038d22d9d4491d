"""Submissions that attack whoever reads them: archives, links, sources that are none, figures that are none."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from kit.assignment import MODULES
from kit.paths import KIT

SALIENCY = MODULES[0]


def written(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def zipped(path: Path, files: Mapping[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    path = path.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def with_link(path: Path) -> Path:
    """To the kit's own solution."""
    written(path, dict.fromkeys(MODULES[1:], b""))
    (path / SALIENCY).symlink_to(KIT / SALIENCY)
    return path


def with_linked_folder(path: Path) -> Path:
    path.mkdir()
    (path / "visualizers").symlink_to(KIT / "visualizers")
    return path


def zipped_link(path: Path) -> Path:
    link = zipfile.ZipInfo(SALIENCY)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped(path, {link: str(KIT / SALIENCY).encode()})


def encrypted(path: Path) -> Path:
    path = zipped(path, {SALIENCY: b"x = 1\n"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, entry + 8, 0x1)  # its flags
    path.write_bytes(data)
    return path


def cut_short(path: Path) -> Path:
    path = zipped(path, {SALIENCY: b"x = 1\n" * 1000})
    path.write_bytes(path.read_bytes()[:-30])
    return path


# How each is made, and what the grader says about it.
UNREADABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a name that leads out": (lambda path: zipped(path, {SALIENCY: b"", "../../results.json": b"{}"}), "leads out of"),
    "an absolute name": (lambda path: zipped(path, {SALIENCY: b"", "/tmp/results.json": b"{}"}), "an absolute path"),
    "a module that is a bomb": (lambda path: zipped(path, {SALIENCY: b" " * 2**27}), "is larger than 2 MB"),
    "a figure that is a bomb": (
        lambda path: zipped(path, {SALIENCY: b"", "figures/a.png": bytes(25 * 2**20)}),
        "would unpack to more than",
    ),
    "a large bomb": (lambda path: zipped(path, {SALIENCY: b"", "x": bytes(2**28)}), "more than 200 MB"),
    "encrypted": (encrypted, "is encrypted"),
    "a hundred thousand files": (
        lambda path: zipped(path, {SALIENCY: b"", **{f"{number}": b"" for number in range(100_000)}}, 0),
        "more than 5000",
    ),
    "a link to a solution": (with_link, "is a link"),
    "a folder that is a link": (with_linked_folder, "is a link|none of the modules"),
    "a link in an archive": (zipped_link, "is a link or a device"),
    "a module of 50 MB": (lambda path: written(path, {SALIENCY: b"#" * 50 * 2**20}), "is larger than 2 MB"),
    "cut short": (cut_short, "damaged or was cut short"),
    "no archive": (
        lambda path: written(path.parent, {f"{path.name}.zip": b"passed"}) / f"{path.name}.zip",
        "not a zip",
    ),
    "nothing": (lambda path: written(path, {"results.json": b'{"score": 100}'}), "none of the modules"),
}

# Sources for the modules in turn, and what the grader says about each that is none.
SOURCES: tuple[tuple[bytes, str], ...] = (
    (b"x = 1\0\n", "this is a NUL character"),
    (b"x = " + b"(" * 90_000 + b")" * 90_000, "too many nested|too deeply nested"),
    # This one is read, though people read it otherwise.
    ("def grad_cam(*given): return given[0] #\u202e\u2066 0 * ]0[ \u2069\n".encode(), ""),
    ("# \u00e9\nx = 1\n".encode("latin-1"), "this is not UTF-8"),
    (b"x = " + b"-" * 200_000 + b"1\n", "too deeply nested|cannot be imported"),
    (b"# " + b"x" * 300_000 + b"\n", "more than 256 are not read"),
    (b"x = [" + b"a." * 50_000 + b"a]\n", "too deeply nested|cannot be imported"),
)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def picture(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG of that size, says its head."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


FIGURES = {
    "figures/saliency_maps.png": picture(60_000, 60_000, chunk(b"IDAT", zlib.compress(bytes(2**20)))),
    "figures/text.png": picture(8, 8, chunk(b"zTXt", b"Description\0\0" + zlib.compress(b" " * 2**26))),
    "figures/empty.png": b"",
    "figures/page.png": b"<script>alert(1)</script>",
    "figures/cut.png": picture(4000, 4000)[:40],
    "figures/program.png": b"#!/bin/sh\ntouch /tmp/results.json\n",
}

PLANT = b"import builtins\nbuiltins.planted = __file__\nraise SystemExit('100 passed')\n"
CONFIGURATION = (
    b"[pytest]\naddopts = --collect-only -p no:judge\n[tool.pytest.ini_options]\naddopts = '--collect-only'\n"
)
NAMES = ("torch", "numpy", "json", "sitecustomize", "usercustomize", "conftest", "pytest", "safetensors", "instructor")
# Files that Python, pytest or the kit might take for theirs.
BESIDE = {
    **{f"{folder}{name}.py": PLANT for name in NAMES for folder in ("", "visualizers/", "style_transfer/", "tests/")},
    **{
        f"{folder}/__init__.py": PLANT
        for folder in ("visualizers", "style_transfer", "data", "torch", "tests", "instructor")
    },
    **{f"{folder}plant.pth": b"import builtins; builtins.planted = 1\n" for folder in ("", "visualizers/")},
    **dict.fromkeys(("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "tests/pytest.ini"), CONFIGURATION),
    "visualizers/scores.py": PLANT,
    "style_transfer/features.py": PLANT,
    "kit/check/probes.py": PLANT,
    "instructor/tests/hidden/criteria.toml": b"[passed]\n",
    "tests/test_saliency.py": b"def test_stored_reference(): pass\n",
    "results.json": b'{"score": 100}',
}
