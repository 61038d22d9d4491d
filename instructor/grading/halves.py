"""Judging a submission in two processes at the same time: a fork judges half of the tests, with a worker of its own.

A student who waits alone for the marks, on a machine with two processors, waits for half as long.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from itertools import accumulate
from pathlib import Path
from typing import NoReturn

import pytest

from instructor.grading.batch.supervisor import PARENT_DEATH_SIGNAL, process_control
from instructor.grading.graded import name_of
from instructor.grading.isolation import sandbox
from instructor.grading.judge import Found, Judge
from instructor.grading.marks import Outcome

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # microseconds of processor time, and in how many microseconds


def processors() -> int:
    """How many this process may use at the same time."""
    if sys.platform != "linux":
        return 1
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, QUOTA.read_text("ascii").split())
    except (OSError, ValueError):  # there is none, or it is called "max"
        return allowed
    return max(1, min(allowed, quota // period))


def halves(tests: Iterable[tuple[str, int]]) -> dict[str, int]:
    """0 for the first modules and 1 for the others, so that both cost about as much.

    Each test names its module and what it costs. The modules keep the order in which they come, and so do the tests.
    """
    costs: Counter[str] = Counter()
    for module, cost in tests:
        costs[module] += cost
    ends = list(accumulate(costs.values()))
    cut = min(range(len(ends)), key=lambda place: abs(2 * ends[place] - ends[-1]), default=0)
    return {module: int(place > cut) for place, module in enumerate(costs)}


class OtherHalf:
    """The fork, as both processes see it: `is_here` in the fork itself."""

    def __init__(self) -> None:
        told, telling = os.pipe()
        self.process = os.fork()
        self.is_here = self.process == 0
        self.pipe = telling if self.is_here else told
        os.close(told if self.is_here else telling)
        if self.is_here:
            process_control(PARENT_DEATH_SIGNAL, signal.SIGKILL)
            shut_in = sandbox.protection()
            sandbox.protection.cache_clear()
            sandbox.adopt(shut_in)  # which gives the fork's worker a user of its own

    def tell(self, found: Found) -> NoReturn:
        """The fork's last deed."""
        with open(self.pipe, "w", encoding="utf-8") as pipe:
            json.dump(asdict(found), pipe)
        os._exit(0)

    def found(self) -> Found:
        """Wait for what the fork tells."""
        with open(self.pipe, encoding="utf-8") as pipe:
            said = pipe.read()
        os.waitpid(self.process, 0)
        if not said:
            return Found((), {}, "", "the process that judged the other half of the tests has ended")
        told = json.loads(said)
        return Found(tuple(Outcome(**each) for each in told.pop("outcomes")), **told)


class JudgeInHalves(Judge):
    """A judge of half of the tests, who knows the marks when the fork has judged the others."""

    other: OtherHalf | None = None
    told_before = ""  # what was printed that the other process tells

    def begin(self, session: pytest.Session) -> None:
        half = self.half(session.items)
        self.other = OtherHalf()
        session.items[:] = [item for item in session.items if half(item) == self.other.is_here]
        super().begin(session)
        if self.other.is_here:
            self.told_before = self.code.remote.what_was_printed()  # by imports, which are the same in both

    def half(self, items: list[pytest.Item]) -> Callable[[pytest.Item], int]:
        """Which half a test belongs to. Modules come in the order of the table."""
        order = {task.name: place for place, task in enumerate(self.rubric.tasks)}
        in_order = sorted(items, key=lambda item: order[self.tasks[name_of(item)].name])
        found = halves((self.tasks[name_of(item)].module, cost_of(item)) for item in in_order)
        return lambda item: found[self.tasks[name_of(item)].module]

    def found(self, exitstatus: int) -> Found:
        """What both halves came to."""
        here = super().found(exitstatus)
        if self.other is None:
            return here
        if self.other.is_here:
            self.other.tell(replace(here, printed=here.printed.removeprefix(self.told_before)))
        return here if here.fault else together(here, self.other.found())

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """A fork that has told nothing ends here: what comes next is not for it."""
        if self.other is not None and self.other.is_here:
            os._exit(1)


def together(one: Found, other: Found) -> Found:
    """Both as one, with no more words than one process may print."""
    printed = (one.printed + other.printed).encode()[: sandbox.PRINTED].decode("utf-8", "replace")
    outcomes, hints = (*one.outcomes, *other.outcomes), {**one.hints, **other.hints}
    return Found(outcomes, hints, printed, one.fault or other.fault)


def cost_of(item: pytest.Item) -> int:
    """About how long it takes: photographs go through networks many layers deep."""
    return 5 if "photos" in item.fixturenames or "shipped" in item.fixturenames else 1
