"""Ends the process that runs it, or what surrounds the call, in the hope that nothing is asked afterwards."""

import ctypes
import os
import signal
import sys


class Unspeakable(Exception):
    def __str__(self):
        raise self


def recurse(depth=0):
    return recurse(depth + 1) + recurse(depth + 1)


def overflow():
    sys.setrecursionlimit(2**31 - 1)
    deep = []
    for _ in range(10**6):
        deep = [deep]
    print(repr(deep), recurse())


def throw(error):
    raise error


WAYS = {
    "exit": lambda: os._exit(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "abort": os.abort,
    "crash": lambda: ctypes.string_at(0),
    "another program": lambda: os.execv("/bin/true", ["true"]),
    "closed files": lambda: os.closerange(0, 1024),
    "overflow": overflow,
    "sys.exit": lambda: sys.exit(0),
    "interrupt": lambda: throw(KeyboardInterrupt()),
    "generator exit": lambda: throw(GeneratorExit()),
    "unspeakable": lambda: throw(Unspeakable()),
}


def attack(name, *args, **kwargs):
    WAYS["@WAY@"]()
