"""What hostile code earns, reaches, and leaves behind: nothing, by the real grader, each submission in its own process.

The attacks stand in hostile/, one file for each aim, with several ways to it. Where one module of a submission is
honest, it keeps its points, whatever its neighbours do.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from instructor.grading.grade import grade, prepare
from instructor.grading.isolation import remote
from instructor.grading.isolation.sandbox import protection
from instructor.grading.marks import Marks
from instructor.grading.reports.write import markdown
from instructor.grading.rubric import read_rubric
from instructor.tests.hostile import packing
from instructor.tests.hostile.submissions import HONEST, MISSING, SUBMISSIONS, source, sources
from instructor.tests.support.forks import forks
from kit.assignment import MODULES
from kit.paths import KIT

pytestmark = pytest.mark.long

CALL_SECONDS = 5.0
# Where an attack must come to another limit first, a busy machine gets the time that it has when it grades.
LIMITED = ("exhausting", "forging messages")
SECONDS = defaultdict(lambda: CALL_SECONDS, dict.fromkeys(LIMITED, remote.CALL_SECONDS))
LONGEST = 240  # seconds for a submission
MARK = f"hostile-{secrets.token_hex(8)}"  # on the command lines of what submissions start
CANARY = f"canary-{secrets.token_hex(8)}"  # what nobody may read
SPIES = [
    attack
    for attacks in SUBMISSIONS.values()
    for attack, _ in attacks
    if attack.startswith(("spying", "reaching"))
    and attack.partition(": ")[2] not in ("the world", "names", "solutions")
]
SLEEP = "import time; kept = open(__import__('sys').argv[2], 'rb').read(); print(flush=True); time.sleep(900)"


@dataclass(frozen=True)
class Grading:
    """What a submission came to."""

    marks: Marks
    seconds: float
    out: Path
    left: tuple[str, ...]  # in the folder for temporary files
    user: int  # the number of the worker's user


def grade_apart(path: Path, out: Path, canary: Path) -> Grading:
    """In a process of its own, in which a secret lies about wherever a process can have one."""
    os.environ["CANARY"] = CANARY
    os.set_inheritable(os.open(canary, os.O_RDONLY), True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        Path(scratch).chmod(0o711)  # the worker may be another user
        tempfile.tempdir = scratch
        begun = time.monotonic()
        marks = grade(path, out, SECONDS[out.name])
        return Grading(marks, time.monotonic() - begun, out, tuple(os.listdir(scratch)), protection().user)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def targets(root):
    """What there is to reach and to read beside the kit; the names by which the attacks know it."""
    canary = root / "submissions" / "canary.txt"
    packing.written(root / "submissions" / "other", {"visualizers/saliency.py": f"# {CANARY}\n".encode()})
    canary.write_text(CANARY, "utf-8")
    with (
        listening(socket.AF_INET, ("127.0.0.1", 0)) as here,
        listening(socket.AF_UNIX, f"\0{MARK}"),
        listening(socket.AF_UNIX, str(root / "socket")),
        sleeper(canary) as process,
    ):
        yield {
            "KIT": str(KIT),
            "SUBMISSIONS": str(root / "submissions"),
            "OUT": str(root / "out"),
            "MARK": MARK,
            "PORT": str(here.getsockname()[1]),
            "SOCKET": str(root / "socket"),
            "SLEEPER": str(process.pid),
        }


@contextmanager
def listening(family, address):
    with socket.socket(family) as listener:
        listener.bind(address)
        listener.listen()
        yield listener


@contextmanager
def sleeper(canary):
    """A process with a secret on its command line, in its environment, its memory and a file that it holds open."""
    command = [sys.executable, "-c", SLEEP, CANARY, str(canary)]
    with canary.open(encoding="utf-8") as held:
        environment = {"CANARY": CANARY}
        process = subprocess.Popen(command, env=environment, pass_fds=[held.fileno()], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def submissions(root, targets):
    """Each as a folder or, every other one, as an archive."""
    places = {**targets, "ROOT": "/", "PIDS": ""}
    built = {}
    for number, name in enumerate(SUBMISSIONS):
        files = sources(name, places)
        if name == "files beside":
            files |= packing.BESIDE | {f"stray/{count}": b"" for count in range(100_000)}
        if name == "odd sources":
            files |= dict(zip(MODULES, [content for content, _ in packing.SOURCES], strict=False)) | packing.FIGURES
        write = packing.zipped if number % 2 and name != "files beside" else packing.written
        built[name] = write(root / "submissions" / name, files)
    return built


@pytest.fixture(scope="module")
def gradings(root, targets, submissions):
    """All submissions, graded two at a time."""
    prepare()
    (root / "out").mkdir()
    (root / "out").chmod(0o711)
    canary = root / "submissions" / "canary.txt"
    with forks(2) as pool:
        yield {name: pool.submit(grade_apart, path, root / "out" / name, canary) for name, path in submissions.items()}


@pytest.fixture(params=SUBMISSIONS)
def name(request):
    return request.param


@pytest.fixture
def grading(name, gradings):
    return gradings[name].result(timeout=3600)


def tasks_of(marks, module):
    return [task for task in marks.tasks if task.module == module]


def said_about(tasks):
    outcomes = [outcome for task in tasks for mark in task.criteria for outcome in mark.outcomes]
    return "\n".join(outcome.message for outcome in outcomes if not outcome.passed)


# ------------------------------------------------------------------------------------------- what it earns and reaches


@pytest.mark.parametrize(("name", "number"), [(name, n) for name in SUBMISSIONS for n in range(len(MODULES))], ids=str)
def test_an_attack_earns_nothing_and_an_honest_neighbour_everything(name, number, gradings):
    """Each attack was carried out, as what the grader says about it shows, and no point is given for its tasks."""
    attack, words = SUBMISSIONS[name][number]
    tasks = tasks_of(gradings[name].result(timeout=3600).marks, MODULES[number])
    assert tasks
    if attack == HONEST:
        assert [task.earned for task in tasks] == [task.points for task in tasks], said_about(tasks)
        return
    assert [task.earned for task in tasks] == [0] * len(tasks)
    assert words or attack == MISSING, f"nothing is expected to be said about {attack}"
    for task in tasks:
        assert re.search(words, said_about([task])), f"{task.name}, {attack}: {said_about([task])[:1000]}"


def test_nothing_else_earns_anything(grading):
    assert sum(task.earned for task in grading.marks.tasks if task.module not in MODULES) == 0


def test_every_grading_ends_and_writes_its_marks(name, grading):
    """In time, complete, and with all tests run or their reason told."""
    assert grading.seconds < LONGEST
    results = json.loads((grading.out / "results.json").read_text("utf-8"))
    assert results["score"] == grading.marks.earned
    assert {path.name for path in grading.out.iterdir()} == {"results.json", "report.md", "report.html"}
    counts = [len(mark.outcomes) for task in grading.marks.tasks for mark in task.criteria]
    assert min(counts) > 0


def test_nothing_is_read_that_is_hidden(grading):
    """Neither the secrets that lie about nor anything of the references stands in what comes out."""
    everything = "".join(path.read_text("utf-8") for path in grading.out.iterdir()) + repr(grading.marks)
    assert CANARY not in everything
    kept = (
        "instructor/tests/hidden/criteria.toml",
        "instructor/reference/oracle.py",
        "instructor/tests/hidden/test_hidden_losses.py",
    )
    assert not [name for name in kept if (KIT / name).read_text("utf-8")[:60] in everything]


def test_what_is_said_can_do_nothing_to_its_readers(grading):
    """Reports hold no markup and no control characters of a submission's."""
    page = (grading.out / "report.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    for path in grading.out.iterdir():
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", path.read_text("utf-8")), path.name


def test_no_process_outlives_its_grading(grading):
    """Whatever it was started by, and however it cut its ties."""
    gone_by = time.monotonic() + 10
    while left := [process for process in psutil.process_iter() if is_left(process, grading)]:
        assert time.monotonic() < gone_by, left
        time.sleep(0.1)


def is_left(process, grading):
    with suppress(psutil.Error):
        of_worker = grading.user and grading.user in (process.uids().real, process.uids().effective)
        return process.status() != psutil.STATUS_ZOMBIE and bool(of_worker or MARK in " ".join(process.cmdline()))
    return False


def test_no_file_is_left_anywhere(root, targets, submissions, gradings):
    """Neither by the grader nor by what it graded, where something may have written."""
    for name, grading in gradings.items():
        assert grading.result(timeout=3600).left == (), name
    folders = [
        KIT,
        KIT / "tests",
        KIT / "build" / "grading",
        Path("/tmp"),
        Path("/var/tmp"),
        Path("/dev/shm"),
        Path.home(),
    ]
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir() if MARK in path.name]
    found += [path for path in (KIT / "results.json", Path("/results.json"), root / "results.json") if path.exists()]
    assert not found
    assert {path.name for path in (root / "out").iterdir()} == set(SUBMISSIONS)


def test_a_source_that_is_none_is_told_and_a_figure_that_is_none_left_out(gradings):
    """Of modules that cannot be read; the report shows no bomb."""
    grading = gradings["odd sources"].result(timeout=3600)
    for module, (_, words) in zip(MODULES, packing.SOURCES, strict=False):
        assert any(re.search(f"{module}.*({words})", problem) for problem in grading.marks.problems) == bool(words)
    assert (grading.out / "report.html").stat().st_size < 2**20


# ------------------------------------------------------------------------------------------------- unreadable archives


@pytest.mark.parametrize("kind", packing.UNREADABLE)
def test_what_cannot_be_read_has_no_points_and_a_reason(kind, tmp_path):
    build, words = packing.UNREADABLE[kind]
    path = build(tmp_path / "submission")
    before = {each: each.lstat().st_mtime_ns for each in tmp_path.rglob("*")}
    begun = time.monotonic()
    marks = grade(path, tmp_path / "out")
    assert time.monotonic() - begun < 5
    assert marks.earned == 0
    assert marks.points == read_rubric().points
    assert re.search(words, marks.problems[0])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"results.json", "report.md", "report.html"}
    after = {
        each: each.lstat().st_mtime_ns for each in tmp_path.rglob("*") if tmp_path / "out" not in (each, each.parent)
    }
    assert after == before, "something was unpacked"
    assert KIT.joinpath("visualizers/saliency.py").read_text("utf-8")[200:400] not in markdown(marks)


# ------------------------------------------------------------------------------------------- whether they look at all


CONTROL = """
import os, sys
sys.path[:0] = sys.argv[2:]
os.environ["CANARY"] = answer = sys.argv[1]
from instructor.grading.rubric import read_rubric
rubric = read_rubric()
source = sys.stdin.read()
names = {"__name__": "attack", "__file__": "attack.py"}
exec(compile(source, "attack.py", "exec"), names)
try:
    names["attack"]("x")
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize("attack", SPIES)
def test_without_walls_the_spies_would_see_something(attack, root, targets):
    """The attacks that find nothing in the sandbox do find something outside."""
    places = {**targets, "ROOT": str(KIT.parent), "PIDS": targets["SLEEPER"]}
    code = source(MODULES[0], attack, places)
    with (root / "submissions" / "canary.txt").open(encoding="utf-8") as held:
        found = subprocess.run(
            [sys.executable, "-c", CONTROL, CANARY, str(KIT)],
            input=code,
            capture_output=True,
            encoding="utf-8",
            pass_fds=[held.fileno()],
            cwd=KIT / "tests",
            timeout=60,
        )
    assert re.search("saw [1-9]|reached [^n]", found.stdout), found.stdout + found.stderr
