"""The autograder holds the whole kit, and leaves a valid result whatever happens to the grading."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, version

import pytest
from packaging.requirements import Requirement

from instructor.gradescope import pack as gradescope
from instructor.gradescope.pack import GradescopeError, pack, requirements
from instructor.release.known_files import GitError, known_files
from kit.assignment import MODULES, NOTEBOOKS
from kit.paths import KIT

pytestmark = pytest.mark.long

GRADER = "instructor.tests.support.fake_grader:grade"
STOPPED = "The autograder stopped before it had graded this submission"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return pack(tmp_path_factory.mktemp("packed") / "out")


def pins():
    return dict(line.split("==") for line in requirements().splitlines())


def test_the_archive_holds_gradescopes_scripts_and_what_git_knows(archive):
    known = subprocess.run(
        ["git", "ls-files"], cwd=KIT, capture_output=True, encoding="utf-8", check=True
    ).stdout.splitlines()
    with zipfile.ZipFile(archive) as packed:
        names = set(packed.namelist())
        assert names == {
            "setup.sh",
            "run_autograder",
            "requirements.txt",
            "python-version",
            *(f"kit/{name}" for name in known),
        }
        assert {"kit/instructor/reference/oracle.py", "kit/data/weights/squeezenet1_1-shipped.safetensors"} <= names
        for name in ("setup.sh", "run_autograder"):
            assert packed.getinfo(name).external_attr >> 16 == stat.S_IFREG | 0o755
            assert packed.read(name).startswith(b"#!/")
            assert b"\r" not in packed.read(name)
        assert packed.read("python-version").decode().strip() == ".".join(map(str, sys.version_info[:2]))
        assert packed.read("kit/pyproject.toml") == (KIT / "pyproject.toml").read_bytes()


def test_the_same_kit_gives_the_same_archive(archive, tmp_path):
    assert pack(tmp_path).read_bytes() == archive.read_bytes()


def test_every_dependency_is_pinned_to_what_is_installed():
    pinned = pins()
    project = tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [Requirement(text).name for text in project["dependencies"]]
    assert pinned.keys() >= {*names, "jinja2", "markupsafe"}, "also what they depend on themselves"
    assert all(pinned[name] == version(name).partition("+")[0] for name in names)


def test_nothing_is_pinned_to_one_graphics_card():
    assert not [
        name for name, number in pins().items() if name.startswith(("nvidia", "cuda", "triton")) or "+" in number
    ]


def test_extras_of_dependencies_are_followed(monkeypatch):
    class Installed:
        version = "1.0+cpu"

        def __init__(self, name):
            self.requires = {"torch": ["a[more]", "b; extra == 'other'"], "a": ["c; extra == 'more'", "torch"]}.get(
                name
            )

    monkeypatch.setattr(gradescope, "distribution", Installed)
    pinned = pins()
    assert pinned["c"] == "1.0"
    assert "b" not in pinned


def test_a_missing_dependency_is_named(monkeypatch, tmp_path):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(gradescope, "distribution", absent)
    with pytest.raises(GradescopeError, match=r'is not installed here: pip install -e "\.\[grading\]"'):
        pack(tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_git_nothing_is_packed(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "absent"))
    with pytest.raises(GitError, match="is not a git checkout, and only the files that git knows are taken"):
        pack(tmp_path)


def test_what_git_says_is_passed_on_with_its_remedy(monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as if somebody else owned the folder
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    with pytest.raises(GitError, match=r"dubious ownership .*git config --global --add safe\.directory"):
        known_files()


def test_a_machine_without_git_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed here"):
        known_files()


@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_the_scripts_parse(name):
    subprocess.run(["bash", "-n", str(gradescope.SCRIPTS / name)], check=True)
    assert os.access(gradescope.SCRIPTS / name, os.X_OK)


@pytest.fixture
def root(tmp_path):
    """What Gradescope's container has under /autograder, with this kit and this Python."""
    root = tmp_path / "auto grader"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    (root / "source" / "kit").symlink_to(KIT)
    shutil.copy(gradescope.SCRIPTS / "run_autograder", root)
    put_python(root)
    return root


def put_python(root):
    """In place of the environment that setup.sh makes."""
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n", "utf-8")
    python.chmod(0o755)


def run(root, does, grader=GRADER, seconds=20):
    """What Gradescope reads afterwards, and what it shows to instructors."""
    (root / "submission" / "does").write_text(does, "utf-8")
    ours = {"AUTOGRADER_ROOT": str(root), "AUTOGRADER_GRADER": grader, "AUTOGRADER_SECONDS": str(seconds)}
    environment = {**os.environ, **ours, "PYTHONPATH": str(KIT)}
    command = [str(root / "run_autograder")]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0
    return json.loads((root / "results" / "results.json").read_text("utf-8")), done.stdout + done.stderr


def test_a_graded_submission_gets_the_graders_result(root):
    result, said = run(root, "earn 7")
    assert result == {
        "score": 7,
        "tests": [{"name": "all of it", "score": 7, "max_score": 10, "visibility": "visible"}],
    }
    assert said == ""
    assert stat.S_IMODE((root / "source").stat().st_mode) == 0o700
    assert sorted(path.name for path in root.iterdir()) == [
        "results",
        "run_autograder",
        "source",
        "submission",
        "venv",
    ]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("fail", "RuntimeError: the grader's own"),
        ("crash", "the process that graded it was ended by SIGSEGV"),
        ("hang {pids}", "it took longer than 1 seconds"),
        ("write_half", "the grading left a results.json that cannot be read"),
    ],
)
def test_an_accident_gives_no_points_and_the_reason(root, tmp_path, does, reason):
    result, said = run(root, does.format(pids=tmp_path / "pids"), seconds=1 if "hang" in does else 20)
    assert result["score"] == 0
    assert reason in result["output"]
    assert reason in said, "instructors see it too"


@pytest.mark.parametrize("broken", ["no grader", "no Python", "no kit", "no supervisor"])
def test_a_failing_result_stands_where_grading_cannot_even_begin(root, broken):
    """And never the result of an earlier run."""
    (root / "results" / "results.json").write_text('{"score": 100}', "utf-8")
    if broken == "no Python":
        shutil.rmtree(root / "venv")
    if broken == "no kit":
        (root / "source" / "kit").unlink()
    does = "kill_above" if broken == "no supervisor" else "earn 7"
    result, _ = run(root, does, grader="absent:grade" if broken == "no grader" else GRADER)
    assert result["score"] == 0
    assert result["output"].startswith(STOPPED) or "No module named 'absent'" in result["output"]


def test_what_is_the_same_for_all_is_prepared_when_the_image_is_built(root, tmp_path):
    (tmp_path / "preparing.py").write_text(
        "def prepare():\n    print('this kit', 'cannot', sep=' ')\n    1 / 0\n", "utf-8"
    )
    environment = {**os.environ, "AUTOGRADER_GRADER": "preparing:grade", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "instructor.gradescope", "--prepare", str(root)]
    done = subprocess.run(command, cwd=KIT, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 1, "the image is not built"
    assert "this kit cannot" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    (tmp_path / "preparing.py").write_text("def prepare():\n    pass\n", "utf-8")
    assert subprocess.run(command, cwd=KIT, env=environment).returncode == 0


def bubblewrap_starts():
    command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    return shutil.which("bwrap") is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.long
@pytest.mark.skipif(not bubblewrap_starts(), reason="bubblewrap is not installed, or cannot start here")
def test_in_an_empty_root_the_archive_grades_by_itself(archive, tmp_path):
    """As in Gradescope's container: nothing is there but the system, the archive's contents and a submission."""
    root = tmp_path / "autograder"
    for name in (*MODULES, *NOTEBOOKS):
        (root / "submission" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(KIT / name, root / "submission" / name)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(root / "source")
    shutil.copy(root / "source" / "run_autograder", root)
    (root / "run_autograder").chmod(0o755)  # unzip restores it, Python's zipfile does not
    put_python(root)
    box = ["bwrap", "--unshare-all", "--die-with-parent", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]
    box += ["--tmpfs", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for path in ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", *sorted({sys.prefix, sys.base_prefix} - {"/usr"})):
        box += ["--ro-bind-try", path, path]
    box += ["--bind", str(root), "/autograder"]
    prepare = ["--chdir", "/autograder/source/kit", "/autograder/venv/bin/python", "-m", "instructor.gradescope"]
    done = subprocess.run([*box, *prepare, "--prepare", "/autograder"], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    command = [*box, "--chdir", "/autograder", "/autograder/run_autograder"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    result = json.loads((root / "results" / "results.json").read_text("utf-8"))
    assert result["score"] == sum(test.get("max_score", 0) for test in result["tests"]) > 0, done.stdout + done.stderr
    assert done.returncode == 0
