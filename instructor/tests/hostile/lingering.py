"""Leaves something behind that is to act when the grading is over."""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)", "@MARK@"]


def child():
    return subprocess.Popen(SLEEP).pid


def session():
    return subprocess.Popen(SLEEP, start_new_session=True).pid


def orphan():
    """A process whose parent has gone, in a session of its own, deaf to what can be ignored."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.write(writing, str(os.getpid()).encode())
            os.execv(SLEEP[0], SLEEP)
        os._exit(0)
    return int(os.read(reading, 20))


def write_results(*_):
    for folder in (".", "/tmp", "@OUT@", "@KIT@"):
        try:
            with open(f"{folder}/results.json", "w", encoding="utf-8") as file:
                file.write('{"score": 100}')
        except OSError:
            pass


def at_exit():
    return atexit.register(write_results) and 1


def on_signals():
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, write_results)
    return 1


def thread():
    def wait_and_write():
        while True:
            time.sleep(0.2)
            write_results()

    threading.Thread(target=wait_and_write).start()
    return 1


STARTED = []


def attack(name, *args, **kwargs):
    if not STARTED:
        STARTED.append(globals()["@WAY@"]())
    raise RuntimeError(f"left {STARTED} behind")
