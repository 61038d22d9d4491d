"""Judging a submission in two processes at the same time: a fork judges half of the tests, with a worker of its own.

A student who waits alone for the marks, on a machine with two processors, waits for half as long.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import NoReturn

from instructor.grading.batch.supervisor import PARENT_DEATH_SIGNAL, process_control
from instructor.grading.isolation import sandbox
from instructor.grading.marks import Outcome

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # microseconds of processor time, and in how many microseconds


@dataclass(frozen=True)
class Found:
    """What one half of the tests came to. `fault` says why it came to nothing."""

    outcomes: tuple[Outcome, ...]
    hints: Mapping[str, str]
    printed: str
    fault: str = ""

    def and_then(self, other: "Found") -> "Found":
        """Both together."""
        outcomes, hints = (*self.outcomes, *other.outcomes), {**self.hints, **other.hints}
        printed = (self.printed + other.printed).encode()[: sandbox.PRINTED].decode("utf-8", "replace")
        return Found(outcomes, hints, printed, self.fault or other.fault)


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
