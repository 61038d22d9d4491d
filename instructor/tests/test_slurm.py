"""Batches on a real Slurm: its daemons run on this machine, in a folder of their own, for as long as the tests do."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from instructor.grading.batch import fingerprints, slurm
from instructor.grading.batch.run import batch
from instructor.tests.support import terminal
from instructor.tests.support.fake_grader import hand_in
from kit.paths import KIT

GRADER = "instructor.tests.support.fake_grader:grade"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=2
SlurmdParameters=config_overrides
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=32000
PartitionName=tests Nodes=node Default=YES MaxTime=INFINITE State=UP
"""
COMMAND = """
import sys
from pathlib import Path
from instructor.grading.batch import fingerprints
from instructor.grading.batch.run import batch
fingerprints.kit_sha256 = lambda: "the kit"
if __name__ == "__main__":
    folder, out = map(Path, sys.argv[1:])
    sys.exit(batch(folder, out, executor="slurm", grader="instructor.tests.support.fake_grader:grade"))
"""
# Where the programs are, these tests must run; where they are not, they cannot.
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="Slurm's daemons start as root"),
    pytest.mark.skipif(
        bool(missing := [program for program in PROGRAMS if shutil.which(program) is None]),
        reason=f"not installed: {', '.join(missing)} (Debian and Ubuntu: apt install slurm-wlm munge)",
    ),
]


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for(condition, seconds=60, what="nothing came of it"):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Slurm of one node. The folder has a short name, since it holds a socket."""
    pytest.importorskip("submitit")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    host = socket.gethostname().split(".")[0]
    configuration = folder / "slurm.conf"
    words = CONFIGURATION.format(folder=folder, host=host, user=getpass.getuser(), ports=free_ports(2))
    configuration.write_text(words, "utf-8")
    names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    munge = [f"--{option}={folder}/munge.{suffix}" for option, suffix in names.items()]
    daemons = [
        ["munged", "--force", "--foreground", *munge],
        ["slurmctld", "-D", "-i", "-f", str(configuration)],
        ["slurmd", "-D", "-N", "node", "-f", str(configuration)],
    ]
    running = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(configuration))
        patch.setattr(slurm, "POLL", 0.3)
        patch.setattr(slurm, "GRACE", 3.0)
        try:
            for command in daemons:
                log = (folder / f"{command[0]}.out").open("wb")
                running.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
                if command[0] == "munged":
                    wait_for((folder / "munge.socket").exists, 10, "munged did not start")
            wait_for(idle, 60, lambda: "\n".join(path.read_text("utf-8") for path in folder.glob("*.[lo][ou][gt]")))
            yield folder
        finally:
            subprocess.run(["scancel", f"--user={os.getuid()}"], capture_output=True)
            for daemon in reversed(running):
                end(daemon)


def idle():
    said = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, encoding="utf-8")
    return said.stdout.strip() in ("idle", "mixed", "allocated")


def end(daemon):
    """A daemon, and the processes that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(daemon.pid).children(recursive=True)
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(20)
        for process in [*family, daemon]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    daemon.wait()


@pytest.fixture(autouse=True)
def unchanging_kit(monkeypatch):
    """Somebody may work on it while the tests run."""
    monkeypatch.setattr(fingerprints, "kit_sha256", lambda: "the kit")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "class"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def run(folder, out, executor="slurm", **options):
    said = []
    return batch(folder, out, executor=executor, grader=GRADER, say=said.append, **options), "\n".join(said)


def reports(out):
    """Every file that a batch leaves for people, but for what was printed and when."""
    files = [path for path in out.glob("[!.]*/*") if path.name != "log.txt"]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in [*files, out / "marks.csv"]}


def jobs():
    return subprocess.run(["squeue", "--noheader"], capture_output=True, encoding="utf-8").stdout


def gone(pids):
    return not [pid for pid in pids.read_text("utf-8").split() if psutil.pid_exists(int(pid))]


def test_slurm_gives_the_same_marks_as_this_machine(cluster, folder, out, tmp_path):
    works = {"ada": "earn 7", "bob": "fail", "cy": "crash", "di": f"hang {tmp_path / 'pids'}", "ed": "exit_at_once 0"}
    hand_in(folder, **works, fay="exhaust", gus=f"count {tmp_path / 'ledger'} 2", hy="kill_above")
    status, said = run(folder, out, limit=4)
    assert status == 1
    assert said.startswith("2 graded, 6 failed, 0 unchanged")
    assert gone(tmp_path / "pids")
    run(folder, tmp_path / "here", executor="local", limit=4)
    assert reports(out) == reports(tmp_path / "here")
    assert list((out / ".slurm").glob("*.out"))
    (tmp_path / "ledger").write_text("", "utf-8")
    hand_in(folder, ada="earn 8")
    assert run(folder, out, limit=4)[1].startswith("1 graded, 0 failed, 7 unchanged")
    assert (tmp_path / "ledger").read_text("utf-8") == "", "only what has changed is graded again"
    assert "ada,8," in (out / "marks.csv").read_text("utf-8-sig")


def test_a_batch_that_is_started_inside_of_a_job_gives_the_marks_too(cluster, folder, out, monkeypatch):
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "4096")
    hand_in(folder, ada="earn 7")
    assert run(folder, out, limit=60) == (0, f"1 graded, 0 failed, 0 unchanged: {out / 'marks.csv'}")


def test_a_job_that_dies_costs_one_submission_its_points(cluster, folder, out):
    hand_in(folder, ada="cancel_job", bob="earn 3")
    status, said = run(folder, out, limit=60)
    assert status == 1
    assert "✗ ada: what watched over its grading was killed too" in said
    assert [line.split(",")[1] for line in (out / "marks.csv").read_text("utf-8-sig").splitlines()[1:]] == ["", "3"]


def start(folder, out):
    path = str(KIT)
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", COMMAND, str(folder), str(out)]
    return terminal.start(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8")


def test_ctrl_c_cancels_the_jobs_and_keeps_what_is_finished(cluster, folder, out, tmp_path):
    hand_in(folder, ada="earn 3", bob=f"hang {tmp_path / 'pids'}")
    running = start(folder, out)
    wait_for(lambda: (tmp_path / "pids").exists() and (out / "ada").exists())
    time.sleep(3)  # until the batch has looked
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said == "Interrupted: 1 graded, 0 failed, 0 unchanged. Rerun the same command to resume.\n"
    assert not jobs()
    wait_for(lambda: gone(tmp_path / "pids"))


def test_a_batch_that_was_killed_leaves_jobs_that_the_next_one_ends(cluster, folder, out, tmp_path):
    hand_in(folder, ada=f"hang {tmp_path / 'pids'}", bob="earn 3")
    running = start(folder, out)
    wait_for(lambda: (tmp_path / "pids").exists() and (out / "bob").exists())
    running.kill()
    running.wait()
    assert jobs()
    hand_in(folder, ada="earn 5")
    status, said = run(folder, out)
    assert status == 0
    assert said.startswith("1 graded, 0 failed, 1 unchanged")
    wait_for(lambda: gone(tmp_path / "pids"))
    assert not jobs()


def test_what_slurm_refuses_is_said(cluster, folder, out, monkeypatch):
    hand_in(folder, ada="earn 3")
    monkeypatch.setenv("SBATCH_PARTITION", "absent")
    with pytest.raises(RuntimeError, match=r"Slurm did not take the jobs: .*invalid partition"):
        run(folder, out)
    assert not (out / "ada").exists()


def test_many_submissions_share_jobs(cluster, folder, out, monkeypatch):
    monkeypatch.setattr(slurm, "MOST_JOBS", 2)
    hand_in(folder, **{f"student {number}": f"earn {number}" for number in range(5)})
    assert run(folder, out)[1].startswith("5 graded, 0 failed, 0 unchanged")
    assert len(list((out / ".slurm").glob("*_submitted.pkl"))) == 2
