"""Reaches for other processes, this machine's and the world's."""

import contextlib
import functools
import os
import signal
import socket


def connected(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as attempt:
        attempt.settimeout(2)
        attempt.connect(address)
        attempt.send(b"references, please")
        return str(address)


def names():
    socket.setdefaulttimeout(2)
    return str(socket.getaddrinfo("localhost.localdomain" if "@PORT@" == "0" else "example.org", 80))


def broadcast():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attempt:
        attempt.sendto(b"x", ("198.51.100.1", 9))
        return "sent a datagram"


def signals():
    reached = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            if pid not in (1, os.getpid(), os.getppid()):
                os.kill(pid, signal.SIGTERM if "@PIDS@" == "" else 0)
                reached.append(pid)
    return str(reached) if reached else None


WAYS = {
    "this machine": lambda: connected(socket.AF_INET, ("127.0.0.1", int("@PORT@"))),
    "a socket in a folder": lambda: connected(socket.AF_UNIX, "@SOCKET@"),
    "a socket without a folder": lambda: connected(socket.AF_UNIX, "\0@MARK@"),
    "the world": lambda: connected(socket.AF_INET, ("93.184.215.14", 80)),
    "names": names,
    "datagrams": broadcast,
    "signals": signals,
}


@functools.cache
def report():
    try:
        reached = WAYS["@WAY@"]()
    except OSError as error:
        return f"reached nobody: {error}"
    return f"reached {reached}" if reached else "reached nobody"


def attack(name, *args, **kwargs):
    raise RuntimeError(report())
