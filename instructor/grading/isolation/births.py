"""The nursery's own program: imports what takes seconds and forks, on request, into sandboxes.

The request names a shell in a sandbox that bubblewrap has made. The worker is a fork of a fork: the first joins the
shell's namespaces, the second lives in them, and has given up every right before it runs anything of a submission. This
runs by itself, knows nothing of the kit, and ends with the last process that could ask it.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

LONGEST = 4096  # bytes of a request
NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000  # mount cgroup UTS IPC process net
USERS = 0x10000000
FIRST_TO_GO = "1000"  # when the machine's memory runs out
CAPABILITIES = 0x20080522  # the third version of capset(2)
CHILD_SUBREAPER = 36  # of prctl(2)
CHANNEL = 3  # the descriptor that leads a worker to its judge


def serve(descriptor: int) -> NoReturn:
    """Answer what comes through the socket of this number."""
    listener = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for workers
    call_kernel("prctl", CHILD_SUBREAPER, 1, 0, 0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, "ascii")
    gc.disable()  # of what is imported nothing is garbage, and the search for it takes a sixth of the time
    home = tempfile.TemporaryDirectory(prefix="nursery-")
    os.environ.update(HOME=home.name, TMPDIR=home.name)  # what packages write when they are imported
    while True:
        request, descriptors, _, _ = socket.recv_fds(listener, LONGEST, 4)
        if not request:
            home.cleanup()
            os._exit(0)  # what was imported takes seconds to go by itself
        asked = json.loads(request)
        for name in asked["imports"]:
            (runpy.run_path if name.endswith(".py") else importlib.import_module)(name)
        gc.freeze()  # it stays, and workers share it as long as nobody touches it
        if not descriptors:
            continue
        if os.fork() == 0:
            listener.close()
            enter(asked["user"], asked["code"], *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def enter(user: int, code: str, shell: int, channel: int, printed: int, tell: int) -> NoReturn:
    """Join the namespaces, and have a child, since of processes only children are in the other namespace."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        call_kernel("setns", shell, NAMESPACES | (0 if os.geteuid() == 0 else USERS))
        worker = os.fork()
        said = str(worker)
    except BaseException as error:
        worker, said = -1, f"{type(error).__name__}: {error}"
    if worker == 0:
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.dup2(channel, CHANNEL)
        os.closerange(CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))
        live(user, code)
    os.write(tell, said.encode())
    os._exit(0)


def live(user: int, code: str) -> NoReturn:
    """Without rights, as somebody else, in an empty home, run the code."""
    try:
        gc.enable()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.update(HOME="/tmp", TMPDIR="/tmp")
        tempfile.tempdir = None
        os.chdir("/tmp")
        if user:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        call_kernel("capset", (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)())
        exec(compile(code, "<worker>", "exec"), {"__name__": "__main__"})
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def call_kernel(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
