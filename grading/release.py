"""The kit as students get it: a folder and a zip without solutions, which stand alone and were tried before."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from grading import proof
from grading.known_files import known_files
from grading.markers import strip
from grading.proof import KIT, ReleaseError
from submission.archive import write_zip
from submission.contents import EDITABLE
from submission.inspection import KEY_FILES, digest

NAME = "inside-convnets"
EXECUTABLE = frozenset({f"{NAME}/collect_submission.sh"})
# Folders and files that students do not get. Tests of the kit's own machinery go wrong when a student fills it in.
LEFT_OUT = (
    ".ci/",
    "benchmarks/",
    "grading/",
    "training/",
    "images/painting/",
    "images/readme/draw.py",
    "tests/crude.py",
    "tests/fake_grader.py",
    "tests/hidden/",
    "tests/hostile/",
    "tests/kernels.py",
    "tests/mutants/",
    "tests/references/make_references.py",
    "tests/references/slow.py",
    "tests/terminal.py",
    "tests/test_alive.py",
    "tests/test_batch.py",
    "tests/test_benchmarks.py",
    "tests/test_checks.py",
    "tests/test_comparison.py",
    "tests/test_complaints.py",
    "tests/test_diagnosis.py",
    "tests/test_estimate.py",
    "tests/test_gradescope.py",
    "tests/test_hostile.py",
    "tests/test_imports.py",
    "tests/test_intake.py",
    "tests/test_isolation.py",
    "tests/test_judge.py",
    "tests/test_markers.py",
    "tests/test_mutants.py",
    "tests/test_notebooks.py",
    "tests/test_other_computers.py",
    "tests/test_references.py",
    "tests/test_release.py",
    "tests/test_reports.py",
    "tests/test_roundtrip.py",
    "tests/test_rubric.py",
    "tests/test_set_up.py",
    "tests/test_slurm.py",
    "tests/test_submission.py",
    "tests/test_threads.py",
    "tests/test_training.py",
    "tests/test_writeup.py",
)
FREE_TO_CHANGE = (
    "README.md",
    "LICENSE",
    "Makefile",
    "environment.yml",
    ".gitattributes",
    ".gitignore",
    "images/",
    KEY_FILES,
    *EDITABLE,
)
SLOW = "tests/references/slow.py"
RECORDED = ("recorded.json", "recorded.npz")


def release(out: Path, say: Callable[[str], None] = print) -> Path:
    """Write OUT/inside-convnets and OUT/inside-convnets.zip; return the zip.

    Nothing is written before every proof holds, and nothing is overwritten. Raises ReleaseError, GitError, or
    MarkerError for markers that are not in order.
    """
    if out.exists() and any(out.iterdir()):
        raise ReleaseError(f"{out} is not empty: name a new folder")
    originals = {name: (KIT / name).read_text("utf-8") for name in EDITABLE}
    files = student_files()
    count = proof.prove_that_nothing_survives(files, originals)
    say(f"✓ {len(files)} files; none of the {count} lines of the solutions is left in them")
    proof.prove_that_everything_imports(files)
    say("✓ everything parses and can be imported")
    files |= recorded_references(files, originals)
    files[KEY_FILES] = key_files(files)
    say(f"✓ the slow reference's answers are recorded ({len(files['tests/references/recorded.npz']) / 2**20:.1f} MB)")
    say(f"✓ with the solutions put back, {proof.prove_that_solutions_pass(files, originals)} tests pass")
    say(f"✓ without them, {proof.prove_that_stubs_wait(files)} tests wait for a task to be written; the rest pass")
    proof.prove_that_nothing_survives(files, originals)
    return write(files, out)


def student_files() -> dict[str, bytes]:
    """Every file that git knows and students get, without solutions and without what is for instructors."""
    names = [name for name in known_files() if not name.startswith(LEFT_OUT)]
    return {name: without_solutions(name, (KIT / name).read_bytes()) for name in names}


def without_solutions(name: str, content: bytes) -> bytes:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content  # a picture, weights or arrays
    return strip(text, name).encode()


def recorded_references(files: dict[str, bytes], originals: dict[str, str]) -> dict[str, bytes]:
    """What takes the place of the slow reference, which would give the solutions away: its answers to the tests."""
    slow = (KIT / SLOW).read_bytes()
    solved = {**files, **{name: source.encode() for name, source in originals.items()}, SLOW: slow}
    tests = [name for name, content in files.items() if b"from references import slow" in content]
    with proof.unpacked(solved) as folder:
        _, complaints = proof.run_tests(folder, "-p", "grading.recording", f"--record-to={folder.parent}", *tests)
        if complaints:
            raise ReleaseError(f"{len(complaints)} tests fail already here, first {next(iter(complaints))}")
        recorded = {f"tests/references/{name}": (folder.parent / name).read_bytes() for name in RECORDED}
    return {**recorded, SLOW: (KIT / "grading" / "replayed.py").read_bytes()}


def key_files(files: dict[str, bytes]) -> bytes:
    """The sums by which a submission is held against what was handed out."""
    sums = {name: digest(content) for name, content in sorted(files.items()) if not name.startswith(FREE_TO_CHANGE)}
    return (json.dumps(sums, indent=1) + "\n").encode()


def write(files: dict[str, bytes], out: Path) -> Path:
    """The folder and the zip appear together, or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        proof.write_tree(files, temporary / NAME)
        (temporary / NAME / "collect_submission.sh").chmod(0o755)
        write_zip(temporary / f"{NAME}.zip", {f"{NAME}/{name}": content for name, content in files.items()}, EXECUTABLE)
        temporary.chmod(0o755)
        temporary.replace(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return out / f"{NAME}.zip"
