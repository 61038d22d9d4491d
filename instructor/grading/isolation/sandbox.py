"""Where a worker runs: bubblewrap where it can start, another user where we are root, and limits everywhere."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import psutil

from instructor.grading.isolation import births, nursery, syscalls
from instructor.grading.isolation.nursery import PYTHON, environment
from instructor.release.markers import strip
from kit.assignment import MODULES, PACKAGES
from kit.paths import KIT

BOX = Path("/kit")  # where the kit lies inside bubblewrap
CODE = ("data", *PACKAGES, "kit", "kit/check", "instructor/grading/isolation")
SINGLE = (
    "data/assets.toml",
    "kit/assignment.toml",
    "instructor/__init__.py",
    "instructor/grading/__init__.py",
    "tests/__init__.py",
    "tests/support/__init__.py",
    "tests/support/networks.py",
    "tests/support/stand_ins.py",
    "tests/support/surroundings.py",
)
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
BECOME = (
    "import os, sys; user = int(sys.argv[1]);"
    "user and (os.setgroups([]), os.setresgid(user, user, user), os.setresuid(user, user, user))"
)
WORKER = "import sys; sys.path.insert(0, {!r}); from instructor.grading.isolation.worker import main; main({})"
SHELL = ("/bin/sh", "-c", "echo; read nothing")  # holds a sandbox until nobody can write to it any more
LARGEST_MEMORY = 5 * 2**30  # bytes, all processes of a worker together
LEAST_FREE = 2**29  # bytes of memory that the machine must keep
MOST_PROCESSES = 12
PRINTED = 8192  # bytes that are kept


def kit_for(sources: Mapping[str, str], folder: Path) -> None:
    """The files that a worker sees: the kit's own code without solutions, and the submitted sources in their places.

    Packages' __init__ files are empty, so that a module that cannot be imported takes no other one with it.
    """
    for name, text in {**own_code(), **sources}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@cache
def own_code() -> dict[str, str]:
    names = [path.relative_to(KIT).as_posix() for part in CODE for path in sorted((KIT / part).glob("*.py"))]
    texts = {name: (KIT / name).read_text("utf-8") for name in [*names, *SINGLE]}
    texts |= {name: strip(texts[name], name) for name in MODULES}
    return texts | {f"{package}/__init__.py": "" for package in PACKAGES}


@dataclass(frozen=True)
class Protection:
    """How a worker is shut in."""

    bubblewrap: bool
    user: int  # the number of another user, who the worker becomes; 0 where we may not choose
    why_not: str = field(default="bubblewrap cannot start here", compare=False)  # what was found, without bubblewrap
    forks: bool = field(default=False, compare=False)  # whether a fork of the nursery can join bubblewrap's sandbox

    def missing(self) -> list[str]:
        """In words, for the grader."""
        lacking = []
        if not self.bubblewrap:
            network = "" if syscalls.program() else "reach the network and "
            lacking.append(f"{self.why_not}, so submissions can {network}see other processes")
        if not self.bubblewrap and not self.user:
            lacking.append("submissions run as you, and can change and delete your files")
        if not self.bubblewrap and not (self.user and KIT.stat().st_mode & 0o007 == 0):
            lacking.append(f"submissions can read {KIT}, and the references in it")
        return lacking

    def command(self, box: Path) -> list[str]:
        """What comes before the program and its arguments."""
        if not self.bubblewrap:
            return []
        words = ["bwrap", "--die-with-parent", "--new-session", "--clearenv"]
        if self.user:  # root needs no user namespace, and without one the limit on processes holds
            words += [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
            words += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            words.append("--unshare-all")
        for name, value in environment(Path("/tmp")).items():
            words += ["--setenv", name, value]
        python = dict.fromkeys((sys.base_prefix, sys.prefix, str(Path(os.path.realpath(PYTHON)).parent)))
        for path in SYSTEM:
            words += ["--ro-bind-try", path, path]
        words += [*limited("/tmp", 64), *(limited(str(KIT), 1) if KIT.is_relative_to("/usr") else [])]
        for path in python:
            words += [] if Path(path).is_relative_to("/usr") else [*readable_parents(path), "--ro-bind", path, path]
        words += ["--proc", "/proc", "--dev", "/dev", *limited("/dev/shm", 1), "--ro-bind", str(box), str(BOX)]
        return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def readable_parents(path: str) -> list[str]:
    """The folders on the way, which bubblewrap makes for its own user alone unless it is told."""
    parents = [str(parent) for parent in reversed(Path(path).parents)][1:]
    return [word for parent in parents for word in ("--perms", "0755", "--dir", parent)]


def limited(path: str, megabytes: int) -> list[str]:
    return ["--perms", "1777", "--size", str(megabytes * 2**20), "--tmpfs", path]


found_before: Protection | None = None


def adopt(found: Protection) -> None:
    """Take over what another process has found out about this machine."""
    global found_before
    found_before = found


@cache
def protection() -> Protection:
    """The best that works on this machine, with a user of this process's own."""
    other = 61184 + os.getpid() % 4096 if os.geteuid() == 0 else 0
    if found_before is not None:
        return replace(found_before, user=other if found_before.user else 0)
    found = ""
    for candidate in dict.fromkeys((Protection(True, other), Protection(True, 0), Protection(False, other))):
        problem = problem_with(candidate)
        if not problem:
            return replace(candidate, why_not=found, forks=candidate.bubblewrap and can_fork(candidate))
        found = problem if candidate.bubblewrap else found
    return Protection(False, 0, found)


def problem_with(candidate: Protection) -> str:
    """Why no worker can be shut in like this, as far as it can be found out; empty where one can."""
    if candidate.bubblewrap and shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian and Ubuntu: sudo apt install bubblewrap)"
    user = str(candidate.user)
    with tempfile.TemporaryDirectory() as name:
        box = Path(name)
        box.chmod(0o755)
        inside = candidate.command(box)
        packages = complaint([*inside, PYTHON, "-I", "-c", f"{BECOME}; import numpy", user], box)
        if not packages:
            return ""
        nothing = complaint([*inside, "/bin/sh", "-c", ":"], box)
        if nothing:
            return f"bubblewrap may not do its work here ({nothing})"
        python = complaint([*inside, PYTHON, "-I", "-c", BECOME, user], box)
        if python:
            return f"bubblewrap starts, but {PYTHON} does not start in it ({python})"
        return f"bubblewrap starts, but {PYTHON} does not find its packages in it ({packages})"


def complaint(command: list[str], home: Path) -> str:
    """The last line of what a command says that fails; empty for one that does not."""
    try:
        done = subprocess.run(command, env=environment(home), capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.returncode}"]
    return lines[-1] if done.returncode else ""


def can_fork(candidate: Protection) -> bool:
    """Whether the kernel lets a process into a sandbox that exists, as Linux does since 5.8."""
    with (
        tempfile.TemporaryDirectory() as name,
        open(os.devnull, "r+b") as nothing,
        hold(candidate, Path(name), nothing.fileno()) as holder,
    ):
        try:
            return nursery.can_bear(shell_in(holder), candidate.user, nothing.fileno())
        except RuntimeError:
            return False
        finally:
            holder.kill()


def hold(shut_in: Protection, box: Path, printing: int) -> subprocess.Popen:
    """A sandbox with nothing in it but a shell that waits."""
    filter_, write = os.pipe()
    os.write(write, syscalls.program())
    os.close(write)
    words = shut_in.command(box)
    words[-1:] = ["--seccomp", str(filter_), "--"] if syscalls.program() else ["--"]
    try:
        holder = subprocess.Popen(
            [*words, *SHELL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printing,
            pass_fds=[filter_],
            start_new_session=True,
        )
    finally:
        os.close(filter_)
    holder.stdout.readline()
    return holder


def shell_in(holder: subprocess.Popen) -> int:
    """The process that bubblewrap has started, last of all. Raises RuntimeError when it has ended instead."""
    family = psutil.Process(holder.pid).children(recursive=True)
    if not family:
        raise RuntimeError("bubblewrap ended")
    return family[-1].pid


def start(shut_in: Protection, box: Path, home: Path, channel: int, printing: int) -> tuple[subprocess.Popen, int]:
    """A sandbox, which ends with this process, and the number of the worker in it, from which others may descend."""
    if shut_in.forks:
        holder = hold(shut_in, box, printing)
        code = WORKER.format(str(BOX), births.CHANNEL)
        return holder, nursery.bear(shell_in(holder), shut_in.user, code, channel, printing)
    code = f"{BECOME}; {WORKER.format(str(BOX if shut_in.bubblewrap else box), channel)}"
    process = subprocess.Popen(
        [*shut_in.command(box), PYTHON, "-I", "-B", "-u", "-c", code, str(shut_in.user)],
        stdin=subprocess.DEVNULL,
        stdout=printing,
        stderr=printing,
        pass_fds=[channel],
        cwd=home,
        env=environment(home),
        start_new_session=True,
    )
    return process, process.pid


class Sandbox:
    """A worker process. `channel` leads to it; `printed()` is what it wrote; `close()` kills it and its children."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="worker-")
        root, shut_in = Path(self.folder.name), protection()
        box, home = root / "kit", root / "home"
        box.mkdir()
        home.mkdir()
        kit_for(sources, box)
        root.chmod(0o755)
        if shut_in.user:
            os.chown(home, shut_in.user, -1)
        self.channel, theirs = socket.socketpair()
        read, write = os.pipe()
        with theirs:
            self.process, worker = start(shut_in, box, home, theirs.fileno(), write)
        os.close(write)
        os.set_blocking(read, False)
        self.pipe, self.pipe_lock = read, threading.Lock()
        self.roots = [known(number) for number in dict.fromkeys((self.process.pid, worker))]
        self.words = bytearray()
        self.excess = ""  # why the watch ended the worker
        self.reader = threading.Thread(target=self.read_output, daemon=True)
        self.reader.start()
        threading.Thread(target=self.watch, daemon=True).start()

    def read_output(self) -> None:
        """Keep the beginning of what is printed, and take the rest, so that nobody waits for a full pipe."""
        waiting = select.poll()
        waiting.register(self.pipe, select.POLLIN)
        while not self.has_ended():
            waiting.poll()

    def has_ended(self) -> bool:
        """Read what the pipe holds now; whether nobody can write into it any more."""
        with self.pipe_lock, contextlib.suppress(BlockingIOError):
            while self.pipe >= 0:
                chunk = os.read(self.pipe, 65536)
                self.words += chunk[: PRINTED - len(self.words)]
                if not chunk:
                    return True
        return self.pipe < 0

    def watch(self) -> None:
        """Limits hold for one process each; this holds for all of them together."""
        while self.process.poll() is None:
            processes = self.descendants()
            if len(processes) > MOST_PROCESSES:
                self.excess = f"started more than {MOST_PROCESSES} processes"
            elif memory_of(processes) > LARGEST_MEMORY or psutil.virtual_memory().available < LEAST_FREE:
                self.excess = f"used more than {LARGEST_MEMORY // 2**30} GB of memory"
            if self.excess:
                self.kill()
                return
            time.sleep(0.25)

    def descendants(self) -> list[psutil.Process]:
        """With those that they descend from. Orphans become children of the sandbox's first process."""
        found = []
        for process in filter(None, self.roots):
            with contextlib.suppress(psutil.Error):
                found += [process, *process.children(recursive=True)]
        return found

    def printed(self) -> str:
        """The beginning of all that was printed until now."""
        self.has_ended()
        return self.words.decode("utf-8", "replace")

    def kill(self) -> None:
        descendants = self.descendants()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for process in descendants:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def close(self) -> None:
        """Kill the worker and whatever it has started, also what has cut its ties, and remove its folder."""
        self.kill()
        self.process.communicate()
        self.reader.join(1)
        with self.pipe_lock:
            os.close(self.pipe)
            self.pipe = -1
        self.channel.close()
        if not protection().bubblewrap:
            kill_strays(str(Path(self.folder.name) / "home"))
        self.folder.cleanup()


def known(number: int) -> psutil.Process | None:
    """The process of this number, as long as there is one."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(number)
    return None


def memory_of(processes: list[psutil.Process]) -> int:
    """Bytes, what they share counted once; that takes long to find out, so the sum of all comes first."""
    total = 0
    for kind in ("memory_info", "memory_full_info"):
        total = 0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                said = getattr(process, kind)()
                total += getattr(said, "pss", said.rss)
        if total <= LARGEST_MEMORY:
            break
    return total


def kill_strays(home: str) -> None:
    """Without bubblewrap, a process may have left its session. What has inherited the worker's home is the worker's."""
    for _ in range(20):
        strays = [process for process in psutil.process_iter() if is_stray(process, home)]
        if not strays:
            return
        for process in strays:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(strays, timeout=1)


def is_stray(process: psutil.Process, home: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get("HOME") == home
    except psutil.Error:
        return False
