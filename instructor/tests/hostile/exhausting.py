"""Takes whatever there is to take: memory, processes, time, disk, output."""

import ctypes
import ctypes.util
import mmap
import os
import signal
import subprocess
import sys
import threading
import time

import torch

MEGABYTE = 2**20
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
system = ctypes.CDLL(None, use_errno=True)


def memory_of_lists():
    kept = []
    while True:
        kept.append([0] * MEGABYTE)


def memory_of_tensors():
    kept = []
    while True:
        kept.append(torch.ones(64 * MEGABYTE))


def memory_that_is_shared():
    """Anonymous, shared mappings are no process's own data."""
    kept = []
    while len(kept) < 256:
        kept.append(mmap.mmap(-1, 64 * MEGABYTE))
        kept[-1].write(b"x" * (64 * MEGABYTE))


def memory_of_nobody():
    """Files in memory that no process has mapped."""
    kept = 0
    for _ in range(16):
        if os.fork():
            continue
        for _ in range(1000):
            os.write(os.memfd_create("x"), b"x" * (16 * MEGABYTE))
        time.sleep(60)
    raise RuntimeError(f"kept {kept}")


def memory_of_the_system():
    """Shared segments that are detached and stay."""
    system.shmat.restype = ctypes.c_void_p
    kept = 0
    while kept < 64:
        segment = system.shmget(0, 128 * MEGABYTE, 0o1600)
        if segment < 0:
            raise RuntimeError(f"took {kept} segments: {os.strerror(ctypes.get_errno())}")
        place = system.shmat(segment, None, 0)
        ctypes.memset(place, 1, 128 * MEGABYTE)
        system.shmdt(ctypes.c_void_p(place))
        kept += 1
    raise RuntimeError(f"took {kept} segments")


def memory_of_a_disk():
    """A file system of its own, in a namespace of its own."""
    if system.unshare(CLONE_NEWUSER | CLONE_NEWNS):
        raise RuntimeError(f"took no namespace: {os.strerror(ctypes.get_errno())}")
    mounted = system.mount(b"x", b"/tmp", b"tmpfs", 0, b"size=100g")
    raise RuntimeError(f"took a namespace, and a disk: {mounted == 0}")


def disk():
    filled = {}
    for folder in ("/tmp", "/dev/shm", "/dev", "/", "/kit", "/var/tmp", "/run"):
        filled[folder] = fill(folder) // MEGABYTE
    raise RuntimeError(f"filled {sum(filled.values())} MB: {filled}")


def fill(folder):
    count = 0
    for number in range(4000):
        try:
            with open(f"{folder}/fill-{number}", "wb", buffering=0) as file:
                while written := file.write(b"x" * MEGABYTE):
                    count += written
        except OSError as error:
            if error.errno not in (None, 27):  # 27: this file is as large as it may be
                break
    return count


def processes():
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


def threads():
    count = 0
    try:
        while count < 10_000:
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
            count += 1
    except RuntimeError as error:
        raise RuntimeError(f"started {count} threads: {error}") from None
    raise RuntimeError(f"started {count} threads")


def programs():
    while True:
        try:
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "@MARK@"], start_new_session=True)
        except OSError:
            time.sleep(0.01)


def time_on_its_own():
    while True:
        pass


def patience():
    """Each call takes nearly as long as it may."""
    time.sleep(3)


def time_without_signals():
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def output():
    while True:
        os.write(1, b"100 passed\n" * 10_000)
        os.write(2, b"100 passed\n" * 10_000)


TRIED = []


def attack(name, *args, **kwargs):
    """Once in each process, if it lives on; but patience is tried anew."""
    if not TRIED or "@WAY@" == "patience":
        try:
            globals()["@WAY@"]()
        except Exception as error:
            TRIED.append((type(error), str(error)))
    kind, words = TRIED[0] if TRIED else (RuntimeError, "nothing happened")
    raise kind(words)
