"""Handing in: one command checks the work, says everything that is wrong at once, and packs what belongs to it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from kit.assignment import CHECKS, EDITABLE, MODULES, NOTEBOOKS
from kit.check import record
from kit.hand_in import rehearsal
from kit.hand_in.archive import write_zip
from kit.hand_in.contents import SMALL_FIGURES, wanted
from kit.paths import KIT
from kit.provenance import digest
from kit.report.slides import read_report

pytestmark = pytest.mark.long

PARTS = ("kit", "visualizers", "style_transfer", "sanity_checks", "data", "notebooks", "writeup")
LEFT_OUT = shutil.ignore_patterns("build", "__pycache__", "weights", "downloads")
ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
TESTED = {
    "writeup/build/writeup.pdf",
    "writeup/writeup.md",
    "visualizers/saliency.py",
    f"{SMALL_FIGURES}01-saliency_maps.png",
}


def change_notebook(path, change):
    notebook = json.loads(path.read_text("utf-8"))
    change([cell for cell in notebook["cells"] if cell["cell_type"] == "code"])
    path.write_text(json.dumps(notebook), "utf-8")


def said(words):
    """An output that holds what was printed."""
    return [{"output_type": "stream", "name": "stdout", "text": words.splitlines(keepends=True)}]


def run_in_order(cells):
    for number, cell in enumerate(cells, start=1):
        cell["execution_count"] = number
        if "".join(cell["source"]).startswith("check("):
            cell["outputs"] = said("✓ It is right.\nAll checks hold.\n")


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=300)


def collect(kit, *options):
    """What the script runs when it has found this Python."""
    return run(sys.executable, "-m", "kit", "hand_in", *options, cwd=kit)


def looked_at(kit):
    """As if all modules were imported before, as they are now, and nothing was wrong: that takes seconds."""
    names = [name for name in wanted(kit, {}) if name.endswith(".py") and (kit / name).is_file()]
    rehearsal.keep(kit, {name: digest((kit / name).read_bytes()) for name in names}, [])


def packed(kit):
    with zipfile.ZipFile(kit / "submission.zip") as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A kit whose notebooks were run, with figures and report, in a folder with spaces in its name."""
    kit = tmp_path_factory.mktemp("a finished kit") / "my kit"
    for part in PARTS:
        shutil.copytree(KIT / part, kit / part, ignore=LEFT_OUT)
    for name in ("collect_submission.sh", "pyproject.toml"):
        shutil.copy(KIT / name, kit)
    for name in NOTEBOOKS:
        change_notebook(kit / name, run_in_order)
    for task in CHECKS:
        record.keep(task, record.digests(task, kit), True, kit)
    report = kit / "writeup" / "writeup.md"
    report.write_text(
        report.read_text("utf-8").replace("Your name", "Ada").replace("you@example.edu", "a@b.org"), "utf-8"
    )
    (kit / "figures").mkdir()
    words = PngImagePlugin.PngInfo()
    words.add_itxt("Description", "A picture.")
    for url in read_report().figures:
        Image.new("RGB", (40, 30)).save(kit / "figures" / Path(url).name, pnginfo=words)
    done = subprocess.run(
        [sys.executable, "-m", "kit", "report"], cwd=kit, env=ENVIRONMENT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert not rehearsal.import_problems(kit, wanted(kit, {}))  # looked at once, and known in every copy
    return kit


@pytest.fixture
def kit(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "my kit"))


def test_a_finished_kit_is_packed_with_everything_that_belongs_to_it(kit):
    done = run("sh", "./collect_submission.sh", cwd=kit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    contents = packed(kit)
    figures = {f"{SMALL_FIGURES}{number:02}-{Path(url).name}" for number, url in enumerate(read_report().figures, 1)}
    assert contents.keys() == {*EDITABLE, *figures, "writeup/build/writeup.pdf", "manifest.json"}
    assert all(name in done.stdout for name in contents)
    assert all(contents[name] == (kit / name).read_bytes() for name in contents.keys() - {"manifest.json"})


def test_the_manifest_lists_every_file_with_its_sum(kit):
    collect(kit)
    contents = packed(kit)
    manifest = json.loads(contents.pop("manifest.json"))
    assert manifest["sha256"] == {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert manifest["problems"] == []


def test_the_same_work_gives_the_same_bytes(kit, tmp_path):
    collect(kit)
    other = Path(shutil.copytree(kit, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("submission.zip")))
    for path in sorted(other.rglob("*"), reverse=True):
        os.utime(path, (2e9, 2e9))
    collect(other)
    assert (kit / "submission.zip").read_bytes() == (other / "submission.zip").read_bytes()


def test_it_works_from_any_directory_through_a_link_and_without_zip(kit, tmp_path):
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    (tmp_path / "bin" / "python3").write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n", "utf-8")
    (tmp_path / "bin" / "python3").chmod(0o755)
    (tmp_path / "linked").symlink_to(kit)
    command = [shutil.which("sh"), str(tmp_path / "linked" / "collect_submission.sh")]
    path = {**os.environ, "PATH": str(tmp_path / "bin")}
    done = subprocess.run(command, cwd=elsewhere, env=path, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert packed(kit).keys() >= TESTED
    assert not list(elsewhere.iterdir())


def test_without_the_kits_packages_it_says_what_to_do(kit, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dirname").symlink_to(shutil.which("dirname"))
    command = [shutil.which("sh"), str(kit / "collect_submission.sh")]
    done = subprocess.run(command, env={"PATH": str(tmp_path / "bin")}, capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert "There is no Python with the kit's packages" in done.stderr


def break_everything(kit):
    (kit / MODULES[0]).write_text("def compute_saliency_maps(:\n", "utf-8")
    change_notebook(kit / NOTEBOOKS[1], lambda cells: cells[3].update(execution_count=None))
    (kit / "figures" / "grad_cam.png").unlink()
    (kit / "writeup" / "build" / "writeup.pdf").unlink()
    looked_at(kit)
    return [
        "saliency.py, line 1",
        "02_grad_cam.ipynb: code cell 4",
        "figures/grad_cam.png is missing",
        "writeup.pdf is missing",
    ]


def test_all_problems_are_listed_at_once_and_nothing_is_packed(kit):
    expected = break_everything(kit)
    done = collect(kit)
    assert done.returncode == 1
    assert all(problem in done.stdout for problem in expected)
    assert "--force" in done.stderr
    assert not (kit / "submission.zip").exists()


def test_force_packs_all_the_same_and_the_manifest_tells(kit):
    expected = break_everything(kit)
    done = run("sh", "./collect_submission.sh", "--force", cwd=kit)
    assert done.returncode == 0
    contents = packed(kit)
    problems = json.loads(contents["manifest.json"])["problems"]
    assert all(any(problem in line for line in problems) for problem in expected)
    assert not [name for name in contents if name.endswith("-grad_cam.png")]
    assert MODULES[0] in contents


def end_in_an_error(cells):
    cells[2]["outputs"] = [{"output_type": "error", "ename": "ValueError", "evalue": "too dark", "traceback": []}]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda cells: [cell.update(execution_count=None) for cell in cells], "was not run, or not saved"),
        (lambda cells: cells[-1].update(execution_count=None), "was not run"),
        (lambda cells: cells[4].update(execution_count=1), "code cell 5 was run before the one above it"),
        (end_in_an_error, "code cell 3 ended in ValueError: too dark"),
    ],
)
def test_a_notebook_that_was_not_run_from_top_to_bottom_is_named(kit, change, complaint):
    change_notebook(kit / NOTEBOOKS[0], change)
    done = collect(kit)
    assert done.returncode == 1
    assert f"{NOTEBOOKS[0]}: " in done.stdout
    assert complaint in done.stdout


def test_cells_that_were_run_again_in_order_are_no_problem(kit):
    change_notebook(
        kit / NOTEBOOKS[0], lambda cells: [cell.update(execution_count=10 * n) for n, cell in enumerate(cells, 1)]
    )
    assert collect(kit).returncode == 0


def test_an_empty_cell_need_not_be_run(kit):
    empty = {"cell_type": "code", "source": [], "execution_count": None, "outputs": [], "metadata": {}}
    notebook = json.loads((kit / NOTEBOOKS[0]).read_text("utf-8"))
    notebook["cells"].append(empty)
    (kit / NOTEBOOKS[0]).write_text(json.dumps(notebook), "utf-8")
    assert collect(kit).returncode == 0


def test_what_is_not_written_yet_is_named(kit):
    source = "def tv_loss(img, tv_weight):\n    raise NotImplementedError('not implemented yet')\n"
    (kit / "style_transfer" / "tv_loss.py").write_text(source, "utf-8")
    looked_at(kit)
    assert "style_transfer/tv_loss.py: tv_loss is not written yet" in collect(kit).stdout


def show_a_figure(kit, notebook):
    """As figures.save leaves it, with the digests of the modules as they are now."""
    code = {name: record.digest((kit / name).read_bytes()) for name in MODULES}
    figure = {"output_type": "display_data", "data": {"image/jpeg": ""}, "metadata": {"image/jpeg": {"code": code}}}
    change_notebook(kit / notebook, lambda cells: cells[-1]["outputs"].append(figure))


def test_a_notebook_saved_before_the_code_was_changed_is_named(kit):
    for notebook in (NOTEBOOKS[0], NOTEBOOKS[4]):
        show_a_figure(kit, notebook)
    assert collect(kit).returncode == 0
    path = kit / "visualizers" / "saliency.py"
    times = path.stat()
    path.write_text(path.read_text("utf-8") + "# better\n", "utf-8")
    os.utime(path, (times.st_atime, times.st_mtime))
    looked_at(kit)
    done = collect(kit)
    assert f"{NOTEBOOKS[0]}: it was saved before visualizers/saliency.py was changed" in done.stdout
    assert f"{NOTEBOOKS[4]}:" not in done.stdout


def outputs_of_the_check(kit, outputs):
    def change(cells):
        (cell,) = (cell for cell in cells if "".join(cell["source"]) == 'check("saliency")')
        cell["outputs"] = outputs

    change_notebook(kit / NOTEBOOKS[0], change)


@pytest.mark.parametrize(
    "words", ["✗ The map is zero.\n      off by 3 %\n", "Not implemented yet: tv_loss in tv_loss.py."]
)
def test_a_check_that_did_not_hold_is_named(kit, words):
    outputs_of_the_check(kit, said(words))
    assert f"{NOTEBOOKS[0]}: check('saliency') found something that does not hold" in collect(kit).stdout


@pytest.mark.parametrize(
    "outputs", [[], said("✓ One.\n– Two. Not checked: no file\n1 of 2 checks hold, 1 not checked.\n")]
)
def test_a_check_that_was_not_run_to_its_end_is_named(kit, outputs):
    outputs_of_the_check(kit, outputs)
    done = collect(kit)
    assert "– everything that the notebooks checked holds: not known" in done.stdout
    assert "✓ everything that the notebooks checked holds" not in done.stdout
    assert f"{NOTEBOOKS[0]}: check('saliency') was not run to the end, or not saved afterwards" in done.stdout
    assert done.returncode == 0, "it is said, but nobody has to check"


def test_a_check_of_other_code_is_named_although_the_notebook_was_saved_later(kit):
    path = kit / "visualizers" / "guided_backprop.py"
    path.write_text(path.read_text("utf-8") + "# better\n", "utf-8")
    os.utime(path, (0, 0))
    looked_at(kit)
    done = collect(kit).stdout
    assert "– everything that the notebooks checked holds: not known" in done
    for task in ("guided_backprop", "grad_cam"):
        assert (
            f"{NOTEBOOKS[1]}: check('{task}') is out of date, visualizers/guided_backprop.py has changed since" in done
        )
    assert "check('saliency')" not in done


def test_other_line_ends_are_no_other_code(kit):
    path = kit / "visualizers" / "saliency.py"
    changed = path.stat().st_mtime
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    os.utime(path, (changed, changed))
    assert "✓ everything that the notebooks checked holds" in collect(kit).stdout


@pytest.mark.parametrize("content", [None, "", "[]", '{"holds": true}'])
def test_a_check_that_never_ran_is_named(kit, content):
    path = kit / record.FOLDER / "saliency.json"
    path.unlink() if content is None else path.write_text(content, "utf-8")
    done = collect(kit).stdout
    assert "– everything that the notebooks checked holds: not known" in done
    assert f"{NOTEBOOKS[0]}: check('saliency') was never run on this copy of the kit" in done


def test_a_check_that_did_not_hold_when_it_last_ran_is_named(kit):
    """Whatever an older output in the notebook says."""
    record.keep("tv_loss", record.digests("tv_loss", kit), False, kit)
    assert f"{NOTEBOOKS[4]}: check('tv_loss') found something that does not hold" in collect(kit).stdout


def test_a_check_that_was_taken_out_of_its_notebook_is_named(kit):
    change_notebook(kit / NOTEBOOKS[4], lambda cells: [cell.update(source=["1 + 1"]) for cell in cells])
    assert "no notebook calls check('tv_loss')" in collect(kit).stdout


@pytest.mark.parametrize("content", ["", "{}", '{"cells": [', "[1, 2]"])
def test_a_damaged_notebook_is_named(kit, content):
    (kit / NOTEBOOKS[0]).write_text(content, "utf-8")
    done = collect(kit)
    assert f"{NOTEBOOKS[0]}: cannot be read" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_question_that_was_deleted_is_named(kit):
    report = kit / "writeup" / "writeup.md"
    text = report.read_text("utf-8")
    start, end = text.index("## 9 · Why"), text.index("## 10 · What")
    report.write_text(text[:start] + text[end:], "utf-8")
    assert "question 'ascent' is gone" in collect(kit).stdout


def test_a_module_that_is_gone_is_named(kit):
    (kit / "visualizers" / "saliency.py").unlink()
    looked_at(kit)
    done = collect(kit)
    assert done.returncode == 1
    assert "visualizers/saliency.py cannot be read" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_earlier_archive_is_said_to_be_an_earlier_one(kit):
    assert collect(kit).returncode == 0
    (kit / "figures" / "grad_cam.png").unlink()
    assert "submission.zip in this folder is from an earlier run" in collect(kit).stderr


def test_a_changed_key_file_is_named(kit):
    key = kit / "visualizers" / "scores.py"
    listed = {"visualizers/scores.py": hashlib.sha256(key.read_bytes()).hexdigest(), "tests/gone.py": "0" * 64}
    (kit / "kit" / "hand_in" / "key_files.json").write_text(json.dumps(listed), "utf-8")
    done = collect(kit)
    assert "tests/gone.py was changed or removed" in done.stdout
    assert "scores.py was changed" not in done.stdout
    key.write_bytes(key.read_bytes().replace(b"\n", b"\r\n"))
    assert "scores.py was changed" not in collect(kit).stdout, "other line ends are no change"
    key.write_bytes(key.read_bytes() + b"# changed\n")
    os.utime(key, (0, 0))
    assert "visualizers/scores.py was changed" in collect(kit).stdout


def test_a_report_older_than_its_text_is_named(kit):
    report = kit / "writeup" / "writeup.md"
    report.write_text(report.read_text("utf-8") + "\n## More\n\nWords.\n", "utf-8")
    assert "writeup.pdf is older than writeup/writeup.md" in collect(kit).stdout


def test_a_report_older_than_a_figure_is_named(kit):
    Image.new("RGB", (40, 30), "red").save(kit / "figures" / "grad_cam.png")
    assert "writeup.pdf is older than figures/grad_cam.png" in collect(kit).stdout


def test_after_git_clone_nothing_is_older_than_anything(kit, tmp_path):
    """Whose files all have other times; only what they say counts."""
    show_a_figure(kit, NOTEBOOKS[0])
    for number, path in enumerate(sorted(path for path in kit.rglob("*") if path.is_file())):
        os.utime(path, (1e9 + number % 7, 1e9 + number % 7))
    done = collect(kit)
    assert "older than" not in done.stdout
    assert "was changed" not in done.stdout
    assert done.returncode == 0


def test_an_open_answer_is_named(kit):
    report = kit / "writeup" / "writeup.md"
    report.write_text(report.read_text("utf-8") + "\n## More\n\n::: answer\n[Your answer]{.prompt}\n:::\n", "utf-8")
    assert "More: still contains the prompt" in collect(kit).stdout


def test_a_report_that_cannot_be_read_is_named(kit):
    (kit / "writeup" / "writeup.md").write_text("no slides", "utf-8")
    done = collect(kit)
    assert done.returncode == 1
    assert "writeup.md has no title" in done.stdout
    assert "not checked, because the report cannot be read" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_file_that_is_too_large_is_named(kit):
    with (kit / "writeup" / "build" / "writeup.pdf").open("ab") as file:
        file.truncate(31 * 2**20)
    assert "writeup/build/writeup.pdf is 31.0 MB" in collect(kit).stdout


def test_of_a_large_picture_the_copy_in_the_report_is_packed(kit):
    """Whatever its name; and the picture itself where the report was not built with it."""
    random = np.random.default_rng(0)
    noise = random.integers(100, 116, (700, 900, 3), dtype=np.uint8)
    names = ("figures/mine.png", "images/mine.png", "figures/größe 2.png", "figures/later.png")
    (kit / "images").mkdir()
    for name in names:
        Image.fromarray(noise).save(kit / name)
    report = kit / "writeup" / "writeup.md"
    for shown in (names[:3], names[3:]):
        more = "".join(f"\n![words](<../{name}>)\n" for name in shown)
        report.write_text(report.read_text("utf-8") + f"\n## More of {shown[0]}\n{more}", "utf-8")
        if shown == names[:3]:
            run = subprocess.run([sys.executable, "-m", "kit", "report"], cwd=kit, env=ENVIRONMENT, capture_output=True)
            assert run.returncode == 0, run.stderr
    collect(kit, "--force")
    contents = packed(kit)
    copies = sorted(name for name in contents if name.endswith(".jpg"))
    first = len(read_report().figures) + 1
    stems = [f"{first}-mine", f"{first + 1}-mine", f"{first + 2}-gr_e_2"]
    assert copies == [f"{SMALL_FIGURES}{stem}.jpg" for stem in stems]
    assert all(len(contents[name]) < (kit / names[0]).stat().st_size / 2 for name in copies)
    assert [name for name in contents if name.startswith(("figures/", "images/"))] == ["figures/later.png"]


@pytest.mark.parametrize("forced", [False, True])
def test_a_link_is_never_packed(kit, tmp_path, forced):
    secret = tmp_path / "secret.py"
    secret.write_text("password = 'hunter2'", "utf-8")
    (kit / MODULES[0]).unlink()
    (kit / MODULES[0]).symlink_to(secret)
    shutil.move(kit / "figures", tmp_path / "figures elsewhere")
    (kit / "figures").symlink_to(tmp_path / "figures elsewhere")
    done = collect(kit, *["--force"] * forced)
    assert f"{MODULES[0]} is a link" in done.stdout
    assert "figures/grad_cam.png is a link, or lies behind one" in done.stdout
    assert done.returncode == (0 if forced else 1)
    if forced:
        assert not [name for name in packed(kit) if name.startswith("figures/") or name == MODULES[0]]
        assert b"hunter2" not in (kit / "submission.zip").read_bytes()


def test_nothing_outside_the_kit_or_beside_the_work_is_packed(kit, tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "private.png")
    Image.new("RGB", (40, 30)).save(kit / "figures" / "mine.png")
    Image.new("RGB", (40, 30)).save(kit / "figures" / "not_shown.png")
    (kit / ".venv").mkdir()
    Image.new("RGB", (40, 30)).save(kit / ".venv" / "logo.png")
    for name in (
        ".env",
        ".netrc",
        ".git/config",
        ".venv/secret.py",
        "visualizers/__pycache__/a.pyc",
        "visualizers/extra.py",
    ):
        (kit / name).parent.mkdir(parents=True, exist_ok=True)
        (kit / name).write_text("token", "utf-8")
    report = kit / "writeup" / "writeup.md"
    shown = ("../../private.png", "../figures/mine.png", "../figures/../../private.png", "../.env", "../.venv/logo.png")
    more = "\n## More\n" + "".join(f"\n![words]({path})\n" for path in shown)
    report.write_text(report.read_text("utf-8") + more, "utf-8")
    done = collect(kit, "--force")
    assert "../../private.png lies outside the kit" in done.stdout
    names = packed(kit).keys()
    assert "figures/mine.png" in names
    assert not [name for name in names if "private" in name or "not_shown" in name or ".." in name]
    assert names - {"manifest.json", "writeup/build/writeup.pdf"} <= {
        *EDITABLE,
        *(n for n in names if n.startswith(("figures/", SMALL_FIGURES))),
    }


def test_an_archive_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a.zip"
    target.write_bytes(b"before")
    with pytest.raises(TypeError):
        write_zip(target, {"a": b"fine", "b": None})
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


IMPORTS = {  # what stands first in a module, and why that cannot be imported elsewhere
    "visualizers/guided_backprop.py": ("raise SystemExit(0)", "SystemExit"),
    "visualizers/rank_correlation.py": ("import helper", "ModuleNotFoundError: No module named 'helper'"),
    "style_transfer/content_loss.py": ("SIZE = len(open('figures/grad_cam.png').read())", "FileNotFoundError"),
    "style_transfer/style_loss.py": ("from visualizers import make_fooling_image", "ImportError: cannot import name"),
    "style_transfer/tv_loss.py": ("print('[]'); x = undefined", "NameError"),
}


def test_each_module_that_cannot_be_imported_in_grading_is_named_and_no_other(kit):
    """There the kit is alone, whatever lies beside it at home; Grad-CAM, which imports another, is not to blame."""
    (kit / "helper.py").write_text("", "utf-8")
    for name, (line, _) in IMPORTS.items():
        (kit / name).write_text(f"{line}\n{(kit / name).read_text('utf-8')}", "utf-8")
    done = collect(kit)
    assert done.returncode == 1
    for name, (_, reason) in IMPORTS.items():
        assert f"{name} cannot be imported where it is graded, {reason}" in done.stdout
    assert done.stdout.count("cannot be imported where it is graded") == len(IMPORTS)


def test_a_module_that_ends_python_is_named(kit):
    (kit / "visualizers" / "saliency.py").write_text("import os\nos._exit(0)\n", "utf-8")
    assert "visualizers/saliency.py cannot be imported where it is graded, it ends Python" in collect(kit).stdout


def test_a_module_of_ones_own_is_packed_where_a_task_imports_it(kit):
    """It would be missing in grading, after every check has held."""
    saliency = kit / "visualizers" / "saliency.py"
    saliency.write_text("from visualizers.mine import largest\n" + saliency.read_text("utf-8"), "utf-8")
    (kit / "visualizers" / "mine.py").write_text("def largest(x):\n    return x.amax(dim=1)\n", "utf-8")
    (kit / "visualizers" / "notes.py").write_text("", "utf-8")
    collect(kit, "--force")
    names = packed(kit).keys()
    assert "visualizers/mine.py" in names
    assert not {"visualizers/notes.py", "visualizers/scores.py"} & names
