"""A process that lets another one grade, and outlives whatever happens to it.

The other one may crash, hang, or leave processes behind: all of them end with it. Both end when the batch does.
"""

import contextlib
import ctypes
import importlib
import os
import pkgutil
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import NoReturn

import psutil

from instructor.grading.batch.attempt import LOG, LONGEST_REASON, Attempt, begin, finish
from instructor.grading.isolation import nursery, sandbox

PARENT_DEATH_SIGNAL, CHILD_SUBREAPER = 1, 36  # of prctl(2)
LARGEST_DATA = 4 * 2**30  # bytes of memory of the process that grades
FIRST_TO_GO = "900"  # when the machine's memory runs out, long before the batch
PATIENCE = 10  # seconds, for processes to be gone that were killed
STOPPED = 143  # the exit status that shells give to SIGTERM
PREPARATION = 3600.0  # seconds
SINGLE_THREADED = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def supervise(attempt: Attempt, workers: socket.socket, protection: sandbox.Protection) -> None:
    """Have one submission graded and its folder put in place. Runs in a process of its own, a child of the batch.

    `workers` leads to the nursery that all submissions share, and `protection` is what this machine offers.
    """
    nursery.adopt(workers)
    sandbox.adopt(protection)
    begin(attempt)
    with supervision() as temporary:

        def grade() -> None:
            os.environ["TMPDIR"] = tempfile.tempdir = temporary
            pkgutil.resolve_name(attempt.grader)(attempt.path, attempt.scratch)

        reason = carried_out(grade, attempt.limit, attempt.scratch / LOG)
    finish(attempt, reason)


def supervise_preparation(grader: str, log: Path) -> None:
    """Have done what the grader's module does once for all submissions, if it has a `prepare`. Else status 1."""
    with supervision():

        def prepare() -> None:
            getattr(importlib.import_module(grader.partition(":")[0]), "prepare", lambda: None)()

        reason = carried_out(prepare, PREPARATION, log)
    sys.exit(1 if reason else 0)


@contextlib.contextmanager
def supervision() -> Iterator[str]:
    """Whatever this process starts meanwhile ends with the block, and a temporary folder goes with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the batch, which ends this one otherwise
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    os.setsid()
    process_control(CHILD_SUBREAPER, 1)  # orphans come here, where they are found
    process_control(PARENT_DEATH_SIGNAL, signal.SIGTERM)
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o711)  # the worker in its sandbox may be another user
        try:
            yield temporary
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            end_descendants()


def carried_out(work: Callable[[], None], limit: float, log: Path) -> str:
    """Do the work in a child; what went wrong with it, or nothing."""
    complaints, complain = os.pipe()
    os.set_blocking(complaints, False)
    child = os.fork()
    if child == 0:
        work_and_exit(work, log, complain)
    os.close(complain)
    ended, batch = os.pidfd_open(child), parent_process().sentinel
    ready = connection.wait([ended, batch], limit)
    if batch in ready:
        sys.exit(STOPPED)  # nobody waits for the result any more
    if not ready:
        return f"it took longer than {limit:g} seconds"
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(BlockingIOError):
        if complaint := os.read(complaints, 4 * LONGEST_REASON).decode("utf-8", "replace"):
            return complaint
    if status < 0:
        memory = ", perhaps for lack of memory" if status == -signal.SIGKILL else ""
        return f"the process that graded it was ended by {signal.Signals(-status).name}{memory}"
    return f"the process that graded it ended with status {status}" if status else ""


def work_and_exit(work: Callable[[], None], log: Path, complain: int) -> NoReturn:
    """The child's part. What goes wrong in Python is written to `complain`, in one line."""
    status = 1
    try:
        process_control(PARENT_DEATH_SIGNAL, signal.SIGKILL)
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the supervisor hears it, says so, and ends this process
        own_limits()
        own_streams(log)
        os.environ.update(SINGLE_THREADED)
        work()
        status = 0
    except BaseException as error:
        complaint = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
        os.write(complain, complaint[:LONGEST_REASON].encode("utf-8", "replace"))
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def own_limits() -> None:
    """Memory is bounded, and if it runs out all the same, this process goes rather than the batch."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    soft = LARGEST_DATA if hard == resource.RLIM_INFINITY else min(LARGEST_DATA, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, "utf-8")


def own_streams(log: Path) -> None:
    """Read nothing; print into a file, not across the progress bar."""
    with open(os.devnull, "rb") as nothing, log.open("wb") as file:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def end_descendants() -> None:
    """Kill everything that this process has started, directly or not, until nothing of it is left."""
    last = time.monotonic() + PATIENCE
    while (left := psutil.Process().children(recursive=True)) and time.monotonic() < last:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=0.05)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def process_control(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
