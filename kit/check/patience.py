"""A check that runs too long is named while it runs, and then stopped."""

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kit.check.complaints import place_of
from kit.check.verdicts import statement_of

SOON = 10  # seconds, after which a check that still runs is named
LIMIT = 60  # seconds for one check; the longest takes two on a quiet machine
STUBBORN = 5  # interrupts in vain


class TimeLimit:
    """`with TimeLimit(60, "the check", say):` names what still runs after ten seconds, and stops it after sixty.

    What catches the interrupt is interrupted again every second. `over` tells whether the time was over.
    """

    def __init__(self, seconds: float, what: str, say: Callable[[str], None]) -> None:
        self.seconds, self.what, self.say = seconds, what, say
        self.over = False
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        if self.ended.wait(min(SOON, self.seconds)):
            return
        self.say(f"After {SOON} s, still in {self.what} It will be stopped after {self.seconds} s.")
        attempts = 0
        while not self.ended.wait(1 if attempts else max(0, self.seconds - SOON)):
            self.over = True
            attempts += 1
            _thread.interrupt_main()
            if attempts == STUBBORN:
                self.say("It cannot be stopped: look for a bare `except:`, and restart the kernel.")

    def __enter__(self) -> "TimeLimit":
        if threading.current_thread() is threading.main_thread():  # no other can be interrupted
            # what a shell starts in the background ignores interrupts, also its own
            self.handler = signal.signal(signal.SIGINT, signal.default_int_handler)
            self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        if not self.thread.ident:
            return
        try:
            self.thread.join()
            time.sleep(0)  # an interrupt that is on its way arrives here
        except KeyboardInterrupt:
            if not self.over:
                raise
        finally:
            signal.signal(signal.SIGINT, self.handler or signal.SIG_DFL)


class Patience:
    """A pytest plugin that names a check that takes long, and gives each at most `LIMIT` seconds."""

    def __init__(self) -> None:
        self.statement: str | None = None
        self.statements: list[str] = []
        self.stopped_by_limit = False
        self.place = ""
        self.out = sys.stdout  # not what pytest puts in its place

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.statements = list(dict.fromkeys(map(statement_of, session.items)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.statement = statement_of(item)
        with TimeLimit(LIMIT, f"{self.which()}: “{self.statement}”", self.say) as limit:
            try:
                return (yield)
            finally:
                self.stopped_by_limit = limit.over

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.place = place_of(excinfo.value)

    def which(self) -> str:
        return f"check {self.statements.index(self.statement) + 1} of {len(self.statements)}"

    def say(self, words: str) -> None:
        print(words, file=self.out, flush=True)

    def in_words(self) -> str:
        """Why the checks did not run to the end, in one line."""
        if self.statement is None:
            return "Interrupted before the first check."
        which = f"{self.which()}, “{self.statement}”{self.place}"
        if self.stopped_by_limit:
            return (
                f"✗ Stopped after {LIMIT} s in {which}: is there a loop that never ends? What follows was not checked."
            )
        return f"Interrupted in {which}. It and what follows were not checked."
