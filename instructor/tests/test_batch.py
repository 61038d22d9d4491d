"""A class is graded whatever one submission does, and a batch resumes where it was stopped."""

import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from instructor.grading.batch import fingerprints, slurm
from instructor.grading.batch import run as batches
from instructor.grading.batch.attempt import RECORD
from instructor.grading.batch.fingerprints import submission_sha256
from instructor.grading.batch.run import BatchError, batch, submissions
from instructor.tests.support import terminal
from instructor.tests.support.fake_grader import hand_in
from kit.paths import KIT

pytestmark = pytest.mark.long

KIT_SHA256 = fingerprints.kit_sha256.__wrapped__
GRADER = "instructor.tests.support.fake_grader:grade"
COMMAND = """
import sys
from pathlib import Path
from instructor.grading.batch import fingerprints
from instructor.grading.batch.run import batch
fingerprints.kit_sha256 = lambda: "the kit"
if __name__ == "__main__":
    folder, out, workers = sys.argv[1:]
    sys.exit(batch(Path(folder), Path(out), workers=int(workers), grader="instructor.tests.support.fake_grader:grade"))
"""
FAILURES = {
    "fail": "RuntimeError: the grader's own",
    "exit": "SystemExit: 0",
    "exhaust": "MemoryError",
    "exit_at_once 0": "the grading ended without results.json",
    "exit_at_once 3": "the process that graded it ended with status 3",
    "crash": "the process that graded it was ended by SIGSEGV",
    "be_killed": "the process that graded it was ended by SIGKILL, perhaps for lack of memory",
    "kill_above": "what watched over its grading was killed too",
    "nothing": "the grading ended without results.json",
    "nan": "the grading left a results.json that cannot be read: it holds no score",
    "write_half": "the grading left a results.json that cannot be read",
}


@pytest.fixture(autouse=True)
def unchanging_kit(monkeypatch):
    """Somebody may work on it while the tests run."""
    monkeypatch.setattr(fingerprints, "kit_sha256", lambda: "the kit")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def hand_in_zip(path, does):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("does", does)


def run(folder, out, **options):
    """The exit status, and what was said."""
    said = []
    return batch(folder, out, grader=GRADER, say=said.append, **options), "\n".join(said)


def marks(out):
    return (out / batches.MARKS).read_text("utf-8-sig").splitlines()


def results(out, name):
    return json.loads((out / name / "results.json").read_text("utf-8"))


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.02)


def gone(pids):
    return not [pid for pid in pids.read_text("utf-8").split() if psutil.pid_exists(int(pid))]


def test_everybody_gets_reports_and_a_line_sorted_by_name(folder, out):
    hand_in(folder, cy="earn 3", ada="earn 7.5")
    hand_in_zip(folder / "bob.zip", "earn 0")
    status, said = run(folder, out)
    assert status == 0
    assert [line.split(",")[:2] for line in marks(out)[1:]] == [["ada", "7.5"], ["bob", "0"], ["cy", "3"]]
    assert (out / "ada" / "report.md").read_text("utf-8") == "7.5 points\n"
    assert said == f"3 graded, 0 failed, 0 unchanged: {out / 'marks.csv'}"


def test_the_table_is_the_same_whatever_the_order_and_the_number_of_workers(folder, out, tmp_path):
    hand_in(folder, ada="take 0.4 1", bob="earn 2", cy="take 0.2 3", di="fail", ed="earn 5")
    for workers in (1, 2, 5):
        run(folder, tmp_path / str(workers), workers=workers)
    assert len({(tmp_path / name / "marks.csv").read_bytes() for name in "125"}) == 1
    assert len(marks(tmp_path / "1")) == 6


def test_what_could_not_be_read_is_named_and_is_no_success(folder, out):
    """Whoever graded the class has to ask for it again: also when the same command is run once more."""
    hand_in(folder, ada="refuse", bob="earn 3")
    refused = "✗ ada: thesis.docx: it is not a zip. Hand in the kit's folder"
    status, said = run(folder, out)
    assert (status, said.splitlines()[0][:31]) == (1, "1 graded, 1 failed, 0 unchanged")
    assert refused in said
    assert marks(out)[1].startswith("ada,,")
    assert "it is not a zip" in marks(out)[1]
    status, said = run(folder, out)
    assert status == 1
    assert refused in said


def test_a_spreadsheet_shows_names_as_they_are_written(folder, out):
    """It takes a file without a byte order mark for one of its own old encoding."""
    hand_in(folder, José="earn 3")
    run(folder, out)
    assert (out / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbfsubmission,")
    assert marks(out)[1].startswith("José,3,")


def test_jobs_inherit_nothing_of_a_job_that_submits_them(monkeypatch):
    """Beside a job's own memory, that of another ends it before it begins."""
    of_a_job = {"SLURM_MEM_PER_CPU": "4096", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "3"}
    of_the_user = {"SLURM_CONF": "/etc/slurm.conf", "SBATCH_PARTITION": "short"}
    for name, value in (of_a_job | of_the_user).items():
        monkeypatch.setenv(name, value)
    with slurm.outside_of_jobs():
        assert not of_a_job.keys() & os.environ.keys()
        assert of_the_user.items() <= os.environ.items()
    assert of_a_job.items() <= os.environ.items()


@pytest.fixture(scope="module")
def accidents(tmp_path_factory):
    """A batch in which every other submission brings its grading down."""
    root = tmp_path_factory.mktemp("accidents")
    for name in FAILURES:
        hand_in(root / "class", **{name: name, f"{name} and after": "earn 4"})
    return root / "out", *run(root / "class", root / "out", workers=2)


def test_only_what_watches_over_a_grading_heeds_the_end_of_a_job(folder, out):
    """Slurm tells all processes of a job at once, and the one that grades must not end first with another reason."""
    hand_in(folder, ada="hear 4")
    assert run(folder, out)[0] == 0
    assert marks(out)[1].startswith("ada,4,")


@pytest.mark.parametrize(("name", "reason"), FAILURES.items())
def test_an_accident_costs_one_submission_its_points_and_no_other(accidents, name, reason):
    out, status, said = accidents
    assert status == 1
    assert results(out, name)["score"] == 0
    assert f"could not be graded: {reason}" in results(out, name)["output"]
    assert f"✗ {name}: {reason}" in said
    assert next(line for line in marks(out) if line.startswith(f"{name},")).split(",")[1] == "", "not a mark"
    assert results(out, f"{name} and after")["score"] == 4


def test_what_a_failing_grader_printed_is_kept_for_the_instructor(accidents):
    out, _, _ = accidents
    assert "graded by a fake" in (out / "fail" / "log.txt").read_text("utf-8")
    assert "Traceback" in (out / "fail" / "log.txt").read_text("utf-8")
    assert not (out / "fail and after" / "log.txt").exists()


def test_what_hangs_is_ended_with_everything_that_it_started(folder, out, tmp_path):
    hand_in(folder, ada=f"hang {tmp_path / 'pids'}", bob="earn 1")
    status, said = run(folder, out, limit=2)
    assert status == 1
    assert "✗ ada: it took longer than 2 seconds" in said
    assert len((tmp_path / "pids").read_text("utf-8").split()) == 3
    assert gone(tmp_path / "pids")
    assert results(out, "bob")["score"] == 1


def test_processes_that_outlive_their_grading_are_ended(folder, out, tmp_path):
    hand_in(folder, ada=f"leave_behind {tmp_path / 'pids'} 6")
    assert run(folder, out)[0] == 0
    assert gone(tmp_path / "pids")
    assert results(out, "ada")["score"] == 6


def meet_each_other(folder, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    hand_in(folder, ada=f"meet {first} {second} 1", bob=f"meet {second} {first} 2")


def test_two_workers_grade_at_the_same_time(folder, out, tmp_path):
    meet_each_other(folder, tmp_path)
    assert run(folder, out, workers=2, limit=20)[0] == 0


def test_one_worker_grades_one_after_the_other(folder, out, tmp_path):
    meet_each_other(folder, tmp_path)
    status, said = run(folder, out, workers=1, limit=1)
    assert "✗ ada: it took longer" in said
    assert "✗ bob" not in said, "the first had left before the second came"
    assert status == 1


def test_workers_share_the_cores(folder, out):
    """One thread each, however many cores there are."""
    hand_in(folder, ada="count_threads")
    run(folder, out)
    assert results(out, "ada")["score"] == 1


@pytest.fixture
def graded(folder, out, tmp_path):
    """A finished batch: whoever is graded again leaves another line in the ledger, which is returned."""
    hand_in(folder, ada=f"count {tmp_path / 'ledger'} 1", bob=f"count {tmp_path / 'ledger'} 2")
    run(folder, out, workers=1)
    assert (tmp_path / "ledger").read_text("utf-8").split() == ["1", "2"]
    (tmp_path / "ledger").write_text("", "utf-8")
    return tmp_path / "ledger"


def test_what_is_graded_and_unchanged_is_left_as_it_is(folder, out, graded):
    before = (out / "marks.csv").read_bytes()
    assert run(folder, out)[1].startswith("0 graded, 0 failed, 2 unchanged")
    assert graded.read_text("utf-8") == ""
    assert (out / "marks.csv").read_bytes() == before


def test_a_changed_submission_is_graded_again(folder, out, graded):
    hand_in(folder, bob=f"count {graded} 3")
    run(folder, out)
    assert graded.read_text("utf-8").split() == ["3"]
    assert results(out, "bob")["score"] == 3
    assert not list((out / ".batch").rglob("bob")), "what was replaced is gone"


def test_a_file_that_was_added_or_linked_changes_a_submission(folder, out, graded):
    (folder / "ada" / "more").symlink_to("does")
    run(folder, out)
    (folder / "bob" / "more").write_text("", "utf-8")
    run(folder, out)
    assert graded.read_text("utf-8").split() == ["1", "2"]


def test_a_changed_kit_grades_everybody_again(folder, out, graded, monkeypatch):
    monkeypatch.setattr(fingerprints, "kit_sha256", lambda: "another")
    run(folder, out, workers=1)
    assert graded.read_text("utf-8").split() == ["1", "2"]


def test_the_kits_sum_covers_code_rubric_and_references(tmp_path, monkeypatch):
    for part in ("instructor", "tests", "data", "kit"):
        shutil.copytree(KIT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "downloads"))
    shutil.copy(KIT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(fingerprints, "KIT", tmp_path)
    sums = {KIT_SHA256()}
    (tmp_path / "tests" / "__pycache__").mkdir()
    (tmp_path / "tests" / "__pycache__" / "x.py").write_text("", "utf-8")
    assert {KIT_SHA256()} == sums, "caches do not count"
    for name in (
        "instructor/grading/judge.py",
        "kit/assignment.toml",
        "tests/references/style.npz",
        "tests/test_saliency.py",
    ):
        with (tmp_path / name).open("ab") as file:
            file.write(b"\n")
        sums.add(KIT_SHA256())
    assert len(sums) == 5


@pytest.mark.parametrize("name", ["results.json", "report.md", RECORD])
@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: os.truncate(path, 10), lambda path: path.write_bytes(b"{}")]
)
def test_a_damaged_folder_is_graded_again(folder, out, graded, name, damage):
    whole = (out / "ada" / name).read_bytes()
    damage(out / "ada" / name)
    run(folder, out)
    assert graded.read_text("utf-8").split() == ["1"]
    assert (out / "ada" / name).read_bytes() == whole


def start(folder, out, workers=2, **streams):
    path = str(KIT)
    command = [sys.executable, "-c", COMMAND, str(folder), str(out), str(workers)]
    return terminal.start(command, env={**os.environ, "PYTHONPATH": path}, **streams)


def lines(path):
    return path.read_text("utf-8").split() if path.exists() else []


def test_a_batch_that_was_killed_goes_on_to_the_same_marks(folder, out, tmp_path):
    """kill -9 at several moments; no work is taken for done that is not, none that is done is done again."""
    ledger = tmp_path / "ledger"
    hand_in(folder, **{f"student {number:02}": f"count {ledger} {number}" for number in range(40)})
    for finished in (1, 6, 14, 27):
        killed = start(folder, out)
        wait_for(lambda least=finished: len(lines(ledger)) > least)
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
    status, said = run(folder, out, workers=2)
    assert status == 0
    assert " 0 unchanged" not in said
    assert set(lines(ledger)) == {str(number) for number in range(40)}
    assert len(lines(ledger)) <= 40 + 4 * 2, "more than what was under way is done again"
    run(folder, tmp_path / "never killed")
    assert (out / "marks.csv").read_bytes() == (tmp_path / "never killed" / "marks.csv").read_bytes()


def test_nothing_goes_on_when_the_batch_is_killed(folder, out, tmp_path):
    hand_in(folder, ada=f"hang {tmp_path / 'pids'}")
    killed = start(folder, out)
    wait_for((tmp_path / "pids").exists)
    family = psutil.Process(killed.pid).children(recursive=True)
    assert len(family) >= 3
    killed.kill()
    killed.wait()
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left
    assert gone(tmp_path / "pids")
    assert not (out / "ada").exists()


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(folder, out, tmp_path):
    """In a terminal, where a progress bar counts."""
    hand_in(folder, ada="earn 5", bob="fail", cy=f"hang {tmp_path / 'pids'}", di="earn 1")
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    running = start(folder, out, workers=1, stdout=subprocess.PIPE, stderr=theirs, encoding="utf-8")
    os.close(theirs)
    wait_for((tmp_path / "pids").exists)
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=20)
    shown = os.read(terminal, 2**16).decode()
    os.close(terminal)
    assert running.returncode == 130
    assert said == "Interrupted: 1 graded, 1 failed, 0 unchanged. Rerun the same command to resume.\n"
    assert "2/4" in shown
    assert "1 graded, 1 failed, 0 unchanged" in shown
    assert "Traceback" not in shown
    assert [line.split(",")[0] for line in marks(out)[1:]] == ["ada", "bob"]
    assert gone(tmp_path / "pids")
    hand_in(folder, cy="earn 2")
    assert run(folder, out)[1].startswith("2 graded, 0 failed, 2 unchanged")


def test_a_batch_says_at_once_that_it_grades_and_how_far_it_is(folder, out, capfd):
    """On the other stream than the result, also where that is no terminal; there its lines are few."""
    hand_in(folder, ada="earn 5", bob="earn 1")
    run(folder, out, workers=1)
    hand_in(folder, cy="earn 2")
    capfd.readouterr()
    run(folder, out)
    said, shown = capfd.readouterr()
    assert said == ""
    assert shown.startswith("Grading 1 submission, 2 unchanged.")
    assert "3/3" in shown
    assert shown.count("\r") <= 3
    run(folder, out)
    assert "Grading" not in capfd.readouterr().err, "there is nothing to wait for"


def test_a_second_batch_keeps_out(folder, out):
    hand_in(folder, ada="earn 5")
    (out / ".batch").mkdir(parents=True)
    with (out / ".batch" / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BatchError, match="another batch writes to"):
            run(folder, out)
    assert run(folder, out)[0] == 0


def test_submissions_are_found_as_gradescope_and_moodle_hand_them_over(folder):
    hand_in(folder, submission_1234="earn 1")
    hand_in_zip(folder / "Ada_99_assignsubmission_file" / "my work.zip", "earn 1")
    hand_in_zip(folder / "bob.ZIP", "earn 1")
    hand_in_zip(folder / "section" / "cy.zip", "earn 1")
    hand_in_zip(folder / "section" / "di.zip", "earn 1")
    hand_in_zip(folder / ".hidden.zip", "earn 1")
    hand_in(folder, __MACOSX="earn 1", **{".git": "earn 1"})
    (folder / "submission_metadata.yml").write_text("", "utf-8")
    (folder / "Ada_99_assignsubmission_file" / ".DS_Store").write_text("", "utf-8")
    assert [(name, path.relative_to(folder).as_posix()) for name, path in submissions(folder)] == [
        ("Ada_99_assignsubmission_file", "Ada_99_assignsubmission_file/my work.zip"),
        ("bob", "bob.ZIP"),
        ("section-cy", "section/cy.zip"),
        ("section-di", "section/di.zip"),
        ("submission_1234", "submission_1234"),
    ]


def test_a_zip_beside_something_else_is_the_submission_unless_the_kit_lies_there_too(folder):
    """Moodle puts everything that a student handed in into one folder."""
    hand_in_zip(folder / "ada" / "submission.zip", "earn 1")
    (folder / "ada" / "report.pdf").write_text("", "utf-8")
    (folder / "ada" / "drafts").mkdir()
    hand_in_zip(folder / "bob" / "submission.zip", "earn 1")
    (folder / "bob" / "inside-convnets" / "visualizers").mkdir(parents=True)
    (folder / "bob" / "inside-convnets" / "visualizers" / "saliency.py").write_text("", "utf-8")
    assert submissions(folder) == [("ada", folder / "ada" / "submission.zip"), ("bob", folder / "bob")]


def test_a_file_that_is_no_zip_is_named_and_is_no_success(folder, out):
    """What a learning platform adds for the instructor is not somebody's work."""
    hand_in(folder, ada="earn 1")
    for name in ("bob.tar.gz", "cy.7z", "di.rar", "eve.ipynb", "fay"):
        (folder / name).write_text("", "utf-8")
    for name in ("submission_metadata.yml", "index.html", "Thumbs.db", ".DS_Store"):
        (folder / name).write_text("", "utf-8")
    status, said = run(folder, out)
    assert status == 1
    assert [line.split()[1] for line in said.splitlines()[1:]] == ["bob.tar.gz", "cy.7z", "di.rar", "eve.ipynb", "fay"]
    assert [line.split(",")[:2] for line in marks(out)[1:]] == [
        ["ada", "1"], ["bob.tar.gz", ""], ["cy.7z", ""], ["di.rar", ""], ["eve.ipynb", ""], ["fay", ""]
    ]  # fmt: skip
    assert all("it is not a zip" in line for line in marks(out)[2:])


def test_two_submissions_with_one_name_are_kept_apart(folder, out):
    hand_in(folder, ada="earn 1", **{"marks.csv": "earn 3"})
    hand_in_zip(folder / "ada.zip", "earn 2")
    assert run(folder, out)[0] == 0
    assert [line.split(",")[:2] for line in marks(out)[1:]] == [["ada", "1"], ["ada (2)", "2"], ["marks.csv (2)", "3"]]


def test_an_archive_that_is_a_link_is_no_archive(folder):
    """Else one student's folder could hand in another's work, or any file of the grader's."""
    hand_in_zip(folder / "ada.zip", "earn 1")
    (folder / "bob").mkdir()
    (folder / "bob" / "x.zip").symlink_to(folder / "ada.zip")
    assert submissions(folder) == [("ada", folder / "ada.zip"), ("bob", folder / "bob")]


def test_the_sum_of_a_hostile_folder_is_found_without_following_or_waiting(folder, tmp_path):
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    (folder / "secret").symlink_to("/etc/shadow")
    (folder / os.fsdecode(b"\xff\n")).write_text("", "utf-8")
    before = submission_sha256(folder)
    (folder / "secret").unlink()
    (folder / "secret").symlink_to("/etc/passwd")
    assert submission_sha256(folder) != before


@pytest.mark.parametrize(
    ("folder_name", "out_name", "options", "complaint"),
    [
        ("absent", "out", {}, "absent is not a folder"),
        ("empty", "out", {}, "empty holds no submissions"),
        ("class", "class", {}, "lies inside the other"),
        ("class", "class/out", {}, "lies inside the other"),
        ("class", ".", {}, "lies inside the other"),
        ("class", "mine", {}, "mine holds something else"),
        ("class", "mine/thesis.txt", {}, "thesis.txt holds something else"),
        ("class", "out", {"executor": "cloud"}, "no executor 'cloud': choose one of local, slurm"),
        ("class", "out", {"grader": "absent:grade"}, "no grader 'absent:grade'"),
    ],
)
def test_a_batch_that_cannot_begin_says_why_and_writes_nothing(
    tmp_path, folder, folder_name, out_name, options, complaint
):
    hand_in(folder, ada="earn 1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine", "utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BatchError, match=complaint):
        batch(tmp_path / folder_name, tmp_path / out_name, **{"grader": GRADER, **options})
    assert sorted(tmp_path.rglob("*")) == before


def test_without_slurm_its_executor_says_what_to_do(folder, out, monkeypatch):
    pytest.importorskip("submitit")
    hand_in(folder, ada="earn 1")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BatchError, match="needs sbatch, srun, squeue, scancel, not found here"):
        run(folder, out, executor="slurm")


def test_without_submitit_the_slurm_executor_says_what_to_install(folder, out, monkeypatch):
    hand_in(folder, ada="earn 1")
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(BatchError, match=r'needs submitit: pip install -e "\.\[grading\]"'):
        run(folder, out, executor="slurm")


PREPARING = """
from pathlib import Path

def prepare():
    with Path({ledger!r}).open("ab") as file:
        file.write(b"prepared ")
    {further}

def grade(path, out):
    score = Path({ledger!r}).read_bytes().count(b"prepared")
    (out / "results.json").write_bytes(b'{{"score": %d}}' % score)
"""


@pytest.fixture
def preparing(tmp_path, monkeypatch):
    """The name of a new grader with something to prepare."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, further="pass"):
        source = PREPARING.format(ledger=str(tmp_path / "ledger"), further=further)
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        return f"{name}:grade"

    return write


def test_what_is_the_same_for_all_is_prepared_once(folder, out, preparing):
    hand_in(folder, ada="", bob="", cy="")
    grader = preparing("graders_that_prepare")
    for _ in range(2):
        assert batch(folder, out, grader=grader, say=lambda words: None) == 0
    assert [line.split(",")[1] for line in marks(out)[1:]] == ["1", "1", "1"]


def test_a_kit_that_cannot_grade_gives_nobody_a_mark(folder, out, preparing):
    hand_in(folder, ada="")
    grader = preparing("graders_that_cannot", "raise RuntimeError('the solutions do not pass')")
    with pytest.raises(BatchError, match=r"the kit cannot grade: .*prepare\.txt says why"):
        batch(folder, out, grader=grader)
    assert "the solutions do not pass" in (out / ".batch" / "prepare.txt").read_text("utf-8")
    assert not (out / "ada").exists()
    assert not (out / "marks.csv").exists()
