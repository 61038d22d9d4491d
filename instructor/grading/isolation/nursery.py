"""Where workers come from: one process that has imported what takes seconds, for all submissions of a batch.

`connection` leads to it. Who holds that asks with `bear` for a worker beside the shell in a sandbox.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from instructor.grading.isolation import births
from kit.paths import KIT

TORCHVISION = str(KIT / "kit" / "quick_torchvision.py")
GRADIENTS = str(Path(births.__file__).with_name("first_gradient.py"))
IMPORTED = ("torch", TORCHVISION, "torchvision.models", "captum.attr", "scipy.stats", "safetensors.torch", GRADIENTS)
PYTHON = os.path.abspath(sys.executable)  # which may have been called by a path that goes up and down
KERNELS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "KIT_WITHOUT_ONEDNN")  # how a machine computes
# Only the one file of the kit, which imports nothing else of it.
PROGRAM = "import sys; sys.path.insert(0, {!r}); import births; del sys.path[0]; births.serve({})"

shared: socket.socket | None = None


def environment(home: Path) -> dict[str, str]:
    """All that a worker has of it."""
    single = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        **dict.fromkeys(single, "1"),
        **{name: os.environ[name] for name in KERNELS if name in os.environ},
    }


def connection() -> socket.socket:
    """To the nursery that this process uses."""
    if shared is None:
        adopt(begin())
    return shared


def begin() -> socket.socket:
    """A new one, which imports when it is asked to."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [PYTHON, "-I", "-B", "-u", "-c", PROGRAM.format(str(Path(births.__file__).parent), theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd="/",
            env=environment(Path("/tmp")),
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie
    atexit.register(ours.close)
    return ours


def adopt(other: socket.socket) -> None:
    """Use the nursery of another process, which this one is to share."""
    global shared
    shared = other


def warm() -> None:
    """Let it import now what every worker needs."""
    ask({"imports": IMPORTED}, [])


def bear(shell: int, user: int, code: str, channel: int, printed: int) -> int:
    """A worker beside the process `shell`, that becomes `user` unless that is 0, and runs this code: its number.

    The code finds `channel` as descriptor births.CHANNEL. Raises RuntimeError with what went wrong.
    """
    request = {"imports": IMPORTED, "user": user, "code": code}
    return born(lambda descriptors: ask(request, descriptors), shell, channel, printed)


def can_bear(shell: int, user: int, nothing: int) -> bool:
    """Whether a process can be born there, as a nursery of its own finds out, which need import nothing for it."""
    request = json.dumps({"imports": (), "user": user, "code": ""}).encode()
    with begin() as trial, suppress(RuntimeError, OSError):
        born(lambda descriptors: socket.send_fds(trial, [request], descriptors), shell, nothing, nothing)
        return True
    return False


def born(send: Callable[[list[int]], object], shell: int, channel: int, printed: int) -> int:
    """Send a request with what belongs to it, and wait for the answer: the number of the process."""
    pidfd = os.pidfd_open(shell)
    answer, tell = os.pipe()
    with open(answer, "rb") as answered:
        try:
            send([pidfd, channel, printed, tell])
        finally:
            os.close(pidfd)
            os.close(tell)
        said = answered.read().decode()
    if not said.isdecimal():
        raise RuntimeError(f"no worker was born: {said or 'the nursery ended'}")
    return int(said)


def ask(request: dict, descriptors: list[int]) -> None:
    packed = [json.dumps(request).encode()]
    try:
        socket.send_fds(connection(), packed, descriptors)
    except (BrokenPipeError, ConnectionResetError):  # somebody, or want of memory, has ended it
        adopt(begin())
        socket.send_fds(connection(), packed, descriptors)
