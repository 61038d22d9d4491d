"""Submissions are taken in by name, whole and small, whatever else somebody packed."""

import io
import json
import os
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib

import pytest
import torch

from instructor.grading import notebook_cells
from instructor.grading.intake import folder as folders
from instructor.grading.intake.submission import SubmissionError, code_cells, holds_solution, read_submission
from kit.assignment import MODULES, NOTEBOOKS
from kit.hand_in import own_modules
from kit.hand_in.archive import write_zip
from kit.paths import KIT

CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
SALIENCY = MODULES[0]


def submission_files():
    modules = {name: f"# {name}\nx = 1\n".encode() for name in MODULES}
    notebooks = dict.fromkeys(NOTEBOOKS, b'{"cells": []}')
    return {**modules, **notebooks, "figures/a.png": b"\x89PNG a", "figures/b.PNG": b"\x89PNG b"}


STRAY = {"README.md": b"read", "conftest.py": b"import os", "visualizers/torch.py": b"x", "figures/notes.txt": b"x"}


def packed(path, files, compression=zipfile.ZIP_DEFLATED):
    """Names, or ZipInfo objects, with contents."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def unpacked(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def patched(path, name, position, layout, *values):
    """Change a field of an entry in the archive's directory."""
    data = bytearray(path.read_bytes())
    start = data.index(name.encode(), data.index(CENTRAL)) - 46
    assert data[start : start + 4] == CENTRAL
    struct.pack_into(layout, data, start + position, *values)
    path.write_bytes(data)
    return path


def refused(path, words):
    with pytest.raises(SubmissionError, match=words) as error:
        read_submission(path)
    assert str(error.value).startswith(f"{path.name}: ")
    return str(error.value)


# ------------------------------------------------------------------------------------------------------ what is taken


def test_only_modules_notebooks_and_figures_are_taken(tmp_path):
    """Everything else comes from the kit."""
    found = read_submission(packed(tmp_path / "ada.zip", {**STRAY, **submission_files()}))
    assert found.name == "ada"
    assert found.sources.keys() == set(MODULES)
    assert found.sources[SALIENCY] == f"# {SALIENCY}\nx = 1\n"
    assert found.notebooks.keys() == set(NOTEBOOKS)
    assert found.figures == {"figures/a.png": b"\x89PNG a", "figures/b.PNG": b"\x89PNG b"}
    assert found.problems == ()


def test_figures_are_those_that_the_report_shows_where_it_was_built(tmp_path):
    """They are small, and a submission holds no others; a folder may hold both."""
    copies = {"writeup/build/figures/01-a.jpg": b"\xff\xd8 a", "writeup/build/figures/notes.txt": b"x"}
    found = read_submission(packed(tmp_path / "ada.zip", submission_files() | copies))
    assert found.figures == {"writeup/build/figures/01-a.jpg": b"\xff\xd8 a"}


def test_what_the_kit_packs_is_taken(tmp_path):
    """The archive of ./collect_submission.sh."""
    write_zip(tmp_path / "a.zip", {name: (KIT / name).read_bytes() for name in (*MODULES, *NOTEBOOKS)})
    found = read_submission(tmp_path / "a.zip")
    assert found.problems == ()
    assert found.sources == {name: (KIT / name).read_text("utf-8") for name in MODULES}


def test_folder_and_archive_of_the_same_files_are_the_same(tmp_path):
    """Order, compression, stray files and the place within the archive do not matter."""
    files = submission_files()
    reversed_files = dict(reversed([(f"my kit/{name}", content) for name, content in files.items()]))
    found = [
        read_submission(unpacked(tmp_path / "ada", {**files, **STRAY})),
        read_submission(packed(tmp_path / "ada.zip", files)),
        read_submission(packed(tmp_path / "b.zip", reversed_files, zipfile.ZIP_STORED)),
    ]
    assert len({each.sha256 for each in found}) == 1
    assert found[0] == found[1]


@pytest.mark.parametrize("name", [SALIENCY, NOTEBOOKS[0], "figures/a.png"])
def test_any_change_is_noticed(tmp_path, name):
    """The sum changes with every file that was taken, also with one that is gone."""
    before = read_submission(packed(tmp_path / "a.zip", submission_files())).sha256
    changed = submission_files()
    changed[name] += b"\n"
    gone = {other: content for other, content in submission_files().items() if other != name}
    after = [read_submission(packed(tmp_path / "a.zip", files)).sha256 for files in (changed, gone)]
    assert len({before, *after}) == 3


@pytest.mark.parametrize("prefix", ["kit/", "a/b/my kit/", "./"])
def test_the_kit_is_found_in_a_nested_folder(tmp_path, prefix):
    """Also beside what macOS adds."""
    files = {f"{prefix}{name}": content for name, content in submission_files().items()}
    macos = {f"__MACOSX/{prefix}visualizers/._saliency.py": b"x", f"{prefix}.DS_Store": b"x", "._kit": b"x"}
    macos |= {f"{prefix}figures/._a.png": b"x", **{f"__MACOSX/{name}": b"x" for name in MODULES}}
    found = read_submission(packed(tmp_path / "a.zip", {**files, **macos}))
    assert found.sources.keys() == set(MODULES)
    assert found.figures.keys() == {"figures/a.png", "figures/b.PNG"}
    if prefix != "./":
        assert read_submission(unpacked(tmp_path / "a", {**files, **macos})).sha256 == found.sha256


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


def test_what_tools_put_beside_the_kit_does_no_harm(tmp_path):
    """An environment with its links and thousands of files, caches, the Mac's icon: nobody looks at it."""
    plain = read_submission(packed(tmp_path / "plain.zip", submission_files()))
    path = packed(tmp_path / "ada.zip", submission_files())
    with zipfile.ZipFile(path, "a") as archive:
        for name in (".venv/bin/python", "kit/venv/bin/python", "node_modules/.bin/x", "Icon\r", "kit/Icon\r"):
            archive.writestr(link(name), "/etc/passwd")
        for number in range(6000):
            archive.writestr(f"visualizers/__pycache__/{number}.pyc", b"")
    assert read_submission(path).sha256 == plain.sha256


def test_a_link_among_what_is_looked_at_is_refused(tmp_path):
    path = packed(tmp_path / "ada.zip", submission_files())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link("visualizers/more.py"), "/etc/passwd")
    refused(path, "'visualizers/more.py' is a link or a device")


def test_a_zip_in_a_zip_is_opened(tmp_path):
    """Some learning platforms pack once more what they are given."""
    inner = packed(tmp_path / "submission.zip", submission_files())
    plain = read_submission(inner)
    wrapped = {"ada/submission.zip": inner.read_bytes(), "ada/report.pdf": b"x", "__MACOSX/ada/._a.zip": b"x"}
    found = read_submission(packed(tmp_path / "ada.zip", wrapped))
    assert (found.name, found.sha256) == ("ada", plain.sha256)


def test_a_zip_in_a_zip_is_checked_like_any_other(tmp_path):
    """One level deep, and only where there is a single one."""
    inner = packed(tmp_path / "submission.zip", submission_files()).read_bytes()
    refused(packed(tmp_path / "a.zip", {"one.zip": inner, "two.zip": inner}), "it holds one.zip and two.zip")
    twice = packed(tmp_path / "b.zip", {"submission.zip": inner}).read_bytes()
    refused(packed(tmp_path / "c.zip", {"b.zip": twice}), "it holds none of the modules")
    refused(packed(tmp_path / "d.zip", {"submission.zip": inner[:-30]}), "damaged or was cut short")
    refused(packed(tmp_path / "e.zip", {"../submission.zip": inner}), "leads out of its folder")
    refused(packed(tmp_path / "f.zip", {"zeros.zip": bytes(50 * 2**20)}), "more than 200 times its size")


def test_the_folder_with_most_modules_is_the_kit(tmp_path):
    """A single stray module elsewhere does not hide it."""
    files = {f"kit/{name}": content for name, content in submission_files().items()}
    files[SALIENCY] = b"stray = 1\n"
    for path in (packed(tmp_path / "a.zip", files), unpacked(tmp_path / "a", files)):
        assert "stray" not in read_submission(path).sources[SALIENCY]


def test_two_kits_are_refused(tmp_path):
    """Nobody guesses which one is meant."""
    files = {f"{kit}/{name}": content for kit in ("old", "new") for name, content in submission_files().items()}
    for path in (packed(tmp_path / "a.zip", files), unpacked(tmp_path / "a", files)):
        assert "new/ and old/" in refused(path, "more than once")


def test_no_modules_at_all_are_refused(tmp_path):
    """An empty folder, and an archive of something else."""
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", f"none of the modules, such as {SALIENCY}")
    refused(packed(tmp_path / "a.zip", {"thesis.docx": b"x", "visualizers/": b""}), "none of the modules")


# ------------------------------------------------------------------------------------------------- modules in disorder


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x = 1\ny = \xff\n", "line 2: this is not UTF-8"),
        (b"x = 1\r\n\r\ny = '\0'\n", "line 3: this is a NUL character"),
        (b"x = 1\ndef f(:\n", "line 2: invalid syntax"),
        (b"-" * 200_000 + b"1", "line 1: it is too large or too deeply nested"),
        (b"x" + b".a" * 100_000, "line 1: it is too large or too deeply nested"),
        (b"x = 1\n" * 100_000, "is 585 kB; more than 256 are not read"),
        (b"x = " + b"9" * 5000, "line 1: Exceeds the limit"),
        (None, "is missing"),
    ],
)
def test_a_module_that_cannot_be_used_is_a_problem_and_no_more(tmp_path, content, words):
    """The other modules are graded."""
    files = {name: body for name, body in (submission_files() | {SALIENCY: content}).items() if body is not None}
    for path in (packed(tmp_path / "a.zip", files), unpacked(tmp_path / "a", files)):
        found = read_submission(path)
        assert found.sources.keys() == set(MODULES) - {SALIENCY}
        (problem,) = found.problems
        assert problem.startswith(SALIENCY)
        assert words in problem


def test_a_folder_in_a_modules_place_is_a_missing_module(tmp_path):
    """In folders and archives alike."""
    files = submission_files()
    del files[SALIENCY]
    inner = unpacked(tmp_path / "a", {**files, f"{SALIENCY}/x.txt": b"x"})
    for path in (inner, packed(tmp_path / "a.zip", {**files, f"{SALIENCY}/": b""})):
        assert read_submission(path).problems == (f"{SALIENCY} is missing",)


def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path):
    """Windows writes both."""
    files = submission_files() | {SALIENCY: b"\xef\xbb\xbfx = 1\r\ny = 2\rz = 3\n"}
    assert read_submission(packed(tmp_path / "a.zip", files)).sources[SALIENCY] == "x = 1\ny = 2\nz = 3\n"


def test_warnings_of_the_parser_reach_nobody(tmp_path, recwarn):
    """A student's text does not get onto the grader's terminal."""
    found = read_submission(packed(tmp_path / "a.zip", submission_files() | {SALIENCY: b"x = '\\z' is 1\n"}))
    assert found.problems == ()
    assert not recwarn.list


# --------------------------------------------------------------------------------------------------- hostile archives


def test_what_is_not_there_or_no_archive_is_refused(tmp_path):
    """Each with its own words."""
    refused(tmp_path / "gone.zip", "there is no such file or folder")
    (tmp_path / "a.zip").write_bytes(b"Rar!\x1a\x07 not a zip")
    refused(tmp_path / "a.zip", "it is not a zip archive")
    (tmp_path / "empty.zip").write_bytes(b"")
    refused(tmp_path / "empty.zip", "it is not a zip archive")
    os.mkfifo(tmp_path / "pipe.zip")
    refused(tmp_path / "pipe.zip", "neither a folder nor a file")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 0.999])
def test_a_truncated_archive_is_refused(tmp_path, share):
    """Uploads break off anywhere."""
    whole = packed(tmp_path / "whole.zip", submission_files()).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: int(share * len(whole))])
    refused(tmp_path / "a.zip", "damaged or was cut short")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/cron.d/x", "absolute path"),
        ("C:/x.py", "absolute path"),
        ("c:x.py", "absolute path"),
        ("../../x.py", "leads out"),
        ("visualizers/../../x.py", "leads out"),
        ("visualizers\\saliency.py", "backslash"),
        ("a\nb.py", "control characters"),
        ("a\x1b[2Jb.py", "control characters"),
        ("visualizers/saliency.py\0.txt", "control characters"),
        ("x" * 300, "300 characters"),
        ("VISUALIZERS/Saliency.py", "the same name twice"),
        ("./visualizers//saliency.py", "the same name twice"),
        ("visualizers/saliency.py/", "the same name twice"),
    ],
)
def test_names_that_no_honest_tool_writes_are_refused(tmp_path, name, words):
    """Wherever they would lead."""
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name  # as it stands, without what ZipInfo makes of it
    message = refused(packed(tmp_path / "a.zip", {**submission_files(), entry: b""}), words)
    assert not any(ord(character) < 32 for character in message)


def test_a_name_that_stands_there_twice_is_refused(tmp_path):
    """Different tools would take different ones."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path / "a.zip", {**submission_files(), zipfile.ZipInfo(SALIENCY): b"y = 2"})
    refused(path, "the same name twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
@pytest.mark.parametrize("name", [SALIENCY, "beside"])
def test_links_and_devices_in_an_archive_are_refused(tmp_path, kind, name):
    """A module, and also something that nobody wants."""
    files = {other: content for other, content in submission_files().items() if other != name}
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    refused(packed(tmp_path / "a.zip", {**files, entry: b"/etc/passwd"}), f"'{name}' is a link or a device")


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_an_encrypted_archive_is_refused(tmp_path, flag):
    """With the old and the strong encryption."""
    refused(patched(packed(tmp_path / "a.zip", submission_files()), SALIENCY, 8, "<H", flag), "is encrypted")


def test_an_unusual_compression_is_refused(tmp_path):
    """Their unpackers do not bound what they give."""
    refused(packed(tmp_path / "a.zip", submission_files(), zipfile.ZIP_LZMA), "unusual way .method 14")


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        (SALIENCY, 2 * 2**20 + 1, "saliency.py is larger than 2 MB"),
        (NOTEBOOKS[0], 30 * 2**20 + 1, "ipynb is larger than 30 MB"),
        ("figures/a.png", 10 * 2**20, "would unpack to more than 200 times its size"),
    ],
)
def test_bombs_are_refused_before_they_go_off(tmp_path, name, size, words):
    """They are told by the sizes in the directory."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for other, content in submission_files().items():
            if other != name:
                archive.writestr(other, content)
        with archive.open(entry, "w") as file:
            for start in range(0, size, 2**20):
                file.write(bytes(min(2**20, size - start)))
    assert path.stat().st_size < 2**18
    tracemalloc.start()
    refused(path, words)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_more_than_two_hundred_megabytes_are_refused(tmp_path):
    """Also where nobody wants most of them."""
    path = packed(tmp_path / "a.zip", {**submission_files(), "beside.bin": b"x"})
    patched(path, "beside.bin", 24, "<I", 201 * 2**20)
    refused(path, "unpacked it is 201 MB, more than 200 MB")


def test_a_size_that_lies_unpacks_to_no_more(tmp_path):
    """The directory says 100 bytes, with their checksum; 50 MB stand there."""
    path = packed(tmp_path / "a.zip", submission_files() | {SALIENCY: bytes(50 * 2**20)})
    patched(path, SALIENCY, 16, "<I", zlib.crc32(bytes(100)))
    patched(path, SALIENCY, 24, "<I", 100)
    tracemalloc.start()
    found = read_submission(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.problems == (f"{SALIENCY}, line 1: this is a NUL character",)
    assert peak < 4 * 2**20


@pytest.mark.parametrize(
    ("position", "layout", "value"),
    [
        (24, "<I", 5),  # unpacked size
        (24, "<I", 1000),
        (20, "<I", 3),  # packed size
        (16, "<I", 1),  # checksum
        (42, "<I", 7),  # where the content is
        (42, "<I", 2**32 - 2),
        (6, "<H", 2**16 - 1),  # the version that is needed to unpack
        (10, "<H", 99),  # method
    ],
)
def test_a_directory_that_lies_about_an_entry_is_refused(tmp_path, position, layout, value):
    """In one of our own words, not in an exception of the unpacker's."""
    path = patched(packed(tmp_path / "a.zip", submission_files()), SALIENCY, position, layout, value)
    refused(path, "cannot be unpacked|is damaged|unusual way|not as long as")


@pytest.mark.parametrize(
    ("position", "layout", "value"), [(12, "<I", 2**32 - 2), (12, "<I", 20), (16, "<I", 2**32 - 2), (16, "<I", 3)]
)
def test_an_end_record_that_lies_about_the_directory_is_refused(tmp_path, position, layout, value):
    """About its size, and about its place."""
    path = packed(tmp_path / "a.zip", submission_files())
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.rindex(END) + position, value)
    path.write_bytes(data)
    refused(path, "damaged or was cut short|cannot be unpacked")


def test_more_than_five_thousand_entries_are_refused(tmp_path):
    """A whole environment was packed."""
    files = {**submission_files(), **{f"drafts/{number}.py": b"" for number in range(5000)}}
    refused(packed(tmp_path / "a.zip", files), f"holds {len(files)} files, more than 5000")


@pytest.mark.parametrize("count", [1, 2**16 - 2])
def test_a_hundred_thousand_entries_are_refused_at_once(tmp_path, count):
    """Whatever the end record says about their number."""
    record = struct.Struct("<4s6H3I5H2I")
    names = [f"{number:x}".encode() for number in range(100_000)]
    directory = b"".join(
        record.pack(CENTRAL, 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name for name in names
    )
    end = struct.pack("<4s4H2IH", END, 0, 0, count, count, len(directory), 0, 0)
    (tmp_path / "a.zip").write_bytes(directory + end)
    start = time.perf_counter()
    refused(tmp_path / "a.zip", "far more than 5000 files")
    assert time.perf_counter() - start < 0.5


def test_an_archive_within_the_archive_is_ignored(tmp_path):
    """So is whatever it holds."""
    inner = io.BytesIO()
    packed(inner, {"../../x.py": b"x"})
    files = {**submission_files(), "kit.zip": inner.getvalue()}
    assert read_submission(packed(tmp_path / "a.zip", files)).problems == ()


def test_nothing_is_written_beside_the_archive(tmp_path):
    """Contents stay in memory."""
    path = packed(tmp_path / "a.zip", submission_files())
    read_submission(path)
    assert list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------------------------------------------- hostile folders


@pytest.mark.parametrize("step", ["visualizers/saliency.py", "visualizers", "figures", "figures/a.png"])
def test_links_on_the_way_to_a_wanted_file_are_refused(tmp_path, step):
    """To a file, and to a folder."""
    kit = unpacked(tmp_path / "kit", submission_files())
    (kit / step).rename(tmp_path / "elsewhere")
    (kit / step).symlink_to(tmp_path / "elsewhere")
    refused(kit, f"'{step}' is a link")


def test_a_link_that_nobody_needs_does_not_matter(tmp_path):
    """Virtual environments are full of them."""
    kit = unpacked(tmp_path / "kit", submission_files())
    (kit / "python").symlink_to("/usr/bin/env")
    (kit / "round").symlink_to(kit)
    assert read_submission(kit).problems == ()


def test_a_pipe_in_a_modules_place_is_refused(tmp_path):
    """Nobody waits for it."""
    kit = unpacked(tmp_path / "kit", submission_files())
    (kit / SALIENCY).unlink()
    os.mkfifo(kit / SALIENCY)
    refused(kit, f"'{SALIENCY}' is not an ordinary file")


def test_large_files_in_a_folder_are_refused(tmp_path, monkeypatch):
    """One by one, and all together."""
    kit = unpacked(tmp_path / "kit", submission_files())
    os.truncate(kit / "figures/a.png", 30 * 2**20 + 1)
    refused(kit, "figures/a.png is larger than 30 MB")
    os.truncate(kit / "figures/a.png", 10)
    os.truncate(kit / SALIENCY, 2 * 2**20 + 1)
    refused(kit, "saliency.py is larger than 2 MB")
    os.truncate(kit / SALIENCY, 10)
    monkeypatch.setattr("instructor.grading.intake.submission.LARGEST_TOTAL", 300)
    refused(kit, "all its files together are larger than")


def test_odd_names_of_figures_in_a_folder_are_refused(tmp_path):
    """As they are in an archive."""
    refused(unpacked(tmp_path / "a", submission_files() | {"figures/a\nb.png": b"x"}), "control characters")
    refused(unpacked(tmp_path / "b", submission_files() | {"figures/A.png": b"x"}), "the same name twice")


def test_thousands_of_stray_files_cost_nothing(tmp_path, monkeypatch):
    """They are neither opened nor, beyond a bound, listed."""
    kit = unpacked(tmp_path / "kit", submission_files())
    for number in range(6000):
        os.close(os.open(kit / f"{number}", os.O_CREAT | os.O_WRONLY))
    listed = []
    entries = folders.Folder.entries
    monkeypatch.setattr(folders.Folder, "entries", lambda *a: (listed.append(e) or e for e in entries(*a)))
    assert read_submission(kit).problems == ()
    assert len(listed) < 5100
    refused(tmp_path, "none of the modules")


def test_too_many_figures_in_a_folder_are_refused(tmp_path):
    """The listing is bounded, too."""
    kit = unpacked(tmp_path / "kit", submission_files())
    for number in range(5000):
        os.close(os.open(kit / "figures" / f"{number}.png", os.O_CREAT | os.O_WRONLY))
    refused(kit, "figures/ holds more than 5000 files")


# ---------------------------------------------------------------------------------------------------------- notebooks


def cell(source, kind="code"):
    return {"cell_type": kind, "source": source, "metadata": {}}


def notebook(*cells):
    return json.dumps({"cells": cells}).encode()


def test_code_cells_are_taken_without_magics():
    """Whether their source is a text or a list of lines."""
    first = "%time\n### BEGIN SOLUTION\nx = 1\n!ls\n### END SOLUTION\ny = x % 2"
    second = ["### BEGIN SOLUTION\n", "z = 3\n", "### END SOLUTION"]
    cells = code_cells(notebook(cell("import os"), cell(first), cell("x = 5", "markdown"), cell(second)))
    assert cells == [
        "import os",
        "### BEGIN SOLUTION\nx = 1\n### END SOLUTION\ny = x % 2",
        "### BEGIN SOLUTION\nz = 3\n### END SOLUTION",
    ]


def test_one_of_the_kits_own_notebooks_has_a_cell_to_write():
    cells = {name: code_cells((KIT / name).read_bytes()) for name in NOTEBOOKS}
    written = [(name, cell) for name, sources in cells.items() for cell in sources if holds_solution(cell)]
    assert [name for name, _ in written] == ["notebooks/01_saliency_maps.ipynb"]
    assert "softmax(dim=1)" in written[0][1]


MARKED = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
SOFTMAX = "probabilities = model(X).softmax(dim=1)"


@pytest.mark.parametrize(
    "cells",
    [
        [MARKED.format(SOFTMAX)],
        [f"# BEGIN SOLUTION\n{SOFTMAX}\n# END SOLUTION"],
        [SOFTMAX],
        [MARKED.format("raise NotImplementedError('not implemented yet')"), SOFTMAX],
        ["from torch import nn", MARKED.format("probabilities = nn.Softmax(dim=1)(model(X))")],
        ["import numpy as np, torch as t", MARKED.format("probabilities = t.softmax(model(X), np.int64(1).item())")],
        ["logits = model(X)", "print(logits)", MARKED.format("probabilities = logits.softmax(dim=1)")],
        [
            "scale = 2",
            "def soft(x):\n    return (x * scale / 2).softmax(1)",
            MARKED.format("probabilities = soft(model(X))"),
        ],
        ["model = lambda x: 1 / 0\nX = 7", "boom = 1 / 0", MARKED.format(SOFTMAX)],
        ["this is no Python (", "%matplotlib inline", MARKED.format(SOFTMAX), "probabilities = None"],
        ["x = 1\nx = x + 1", MARKED.format("probabilities = model(X).softmax(dim=x // 2)")],
        [MARKED.format("logits = model(X)\nprobabilities = logits.softmax(dim=1)"), "probabilities, order = 1 / 0"],
    ],
    ids=lambda cells: cells[0][:30],
)
def test_an_answer_in_a_notebook_is_found_by_its_name_with_what_it_needs(cells):
    """Markers may be changed or gone; what it does not need is not run, and the function's own arguments stay."""
    names: dict = {}
    exec(notebook_cells.as_module(notebook(*map(cell, cells))), names)
    model, X = torch.nn.Flatten(), torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(names["probabilities"](model, X), X.flatten(1).softmax(1))


def test_a_notebook_of_a_size_that_nobody_writes_is_not_parsed():
    """Its marked cell counts; a parser would need a thousand times as much memory."""
    huge = "x = " + "[" * 90 + "]" * 90 + "\n"
    code = notebook_cells.answer_in([huge * 4000, MARKED.format(SOFTMAX)])
    assert code == MARKED.format(SOFTMAX)
    deep = "y = " + "-" * 5000 + "1"
    assert SOFTMAX in notebook_cells.answer_in([deep, "z = y" + " + y" * 3000, MARKED.format(f"{SOFTMAX} + 0 * z")])


@pytest.mark.parametrize("cells", [[], ["x = 1"], [MARKED.format("raise NotImplementedError('not implemented yet')")]])
def test_a_notebook_without_an_answer_is_not_written_yet(cells):
    names: dict = {}
    exec(notebook_cells.as_module(notebook(*map(cell, cells))), names)
    with pytest.raises(NotImplementedError, match="not implemented yet"):
        names["probabilities"](torch.nn.Flatten(), torch.rand(2, 3))
    assert notebook_cells.is_unwritten(notebook_cells.as_module(notebook(*map(cell, cells))))


@pytest.mark.parametrize(
    "code", [SOFTMAX, f"# not implemented yet\n{SOFTMAX}", "probabilities = not implemented yet ("]
)
def test_an_answer_that_is_written_or_no_python_is_not_called_unwritten(code):
    assert not notebook_cells.is_unwritten(notebook_cells.as_module(notebook(cell(MARKED.format(code)))))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b'{"cells": 3}',
        b'{"cells": [[]]}',
        b'{"cells": {"a": 1}}',
        notebook({"cell_type": "code", "source": 5}),
        notebook({"cell_type": "code", "source": [1, 2]}),
        b"[" * 100_000,
        b'{"cells": [], "metadata": [' + b"[]," * 250_000 + b"[]]}",
        b'{"cells": [' + b"9" * 5000 + b"]}",
    ],
    ids=lambda content: content[:24].decode("latin-1"),
)
def test_what_is_no_notebook_is_refused(content):
    """Deep, wide or plainly something else."""
    with pytest.raises(SubmissionError, match="this is not a notebook"):
        code_cells(content)


def test_half_a_character_in_a_notebook_does_not_get_out():
    """The source can be written as UTF-8."""
    (source,) = code_cells(notebook(cell("### BEGIN SOLUTION\nx = '\ud800'\n### END SOLUTION")))
    assert source.encode("utf-8").split(b"\n")[1] == b"x = '?'"


# ------------------------------------------------------------------------------------------- modules of one's own


@pytest.mark.parametrize(
    "line",
    [
        "from visualizers.mine import largest",
        "from visualizers import mine",
        "import visualizers.mine",
        "from .mine import largest",
        "from . import mine",
        "def f():\n    from visualizers.mine import largest",
    ],
)
def test_a_module_of_ones_own_that_a_task_imports_is_taken_with_what_it_imports(tmp_path, line):
    files = submission_files() | {
        SALIENCY: line.encode(),
        "visualizers/mine.py": b"from visualizers import other\n",
        "visualizers/other.py": b"x = 1\n",
        "visualizers/stray.py": b"y = 1\n",
        "visualizers/scores.py": b"from visualizers import stray\n",  # the kit's, which graders take from their copy
    }
    for found in (read_submission(packed(tmp_path / "a.zip", files)), read_submission(unpacked(tmp_path / "a", files))):
        assert found.sources.keys() == {*MODULES, "visualizers/mine.py", "visualizers/other.py"}
        assert found.problems == ()


def test_a_module_of_ones_own_that_does_not_parse_is_named(tmp_path):
    files = submission_files() | {SALIENCY: b"import visualizers.mine\n", "visualizers/mine.py": b"def f(:\n"}
    found = read_submission(packed(tmp_path / "a.zip", files))
    assert found.problems == ("visualizers/mine.py, line 1: invalid syntax",)


def test_only_so_many_modules_of_ones_own_are_taken(tmp_path):
    """A chain of them ends, and one that imports itself does too."""
    chain = {f"visualizers/m{n}.py": f"import visualizers.m{n + 1}, visualizers.m{n}\n".encode() for n in range(50)}
    files = submission_files() | {SALIENCY: b"import visualizers.m0\n"} | chain
    assert len(read_submission(packed(tmp_path / "a.zip", files)).sources) == len(MODULES) + own_modules.MOST
