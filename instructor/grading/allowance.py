"""What a submission's code may cost: a task that takes too much is given up, the others are not."""

from collections import Counter

LOSSES = 2  # how often a task may lose its worker before its other tests are given up
LONG_CALLS = 3  # how many times as long as one call may take a task may take


class Allowance:
    """Counts, task by task, lost workers and the seconds that were waited."""

    def __init__(self) -> None:
        self.losses: dict[str, list[str]] = {}
        self.spent: Counter[str] = Counter()
        self.begun = 0.0

    def given_up(self, task: str, seconds: float) -> str | None:
        """Why the rest of the task is skipped, if a call may take so many seconds; None while it is."""
        losses = self.losses.get(task, [])
        if len(losses) >= LOSSES or any("seconds" in loss for loss in losses):
            return f"Skipped. {losses[0]}"
        if self.spent[task] > LONG_CALLS * seconds:
            return f"Skipped. The code has already taken more than {LONG_CALLS * seconds:.0f} seconds."
        return None

    def begin(self, waited: float) -> None:
        """`waited` is what the worker has been waited for altogether."""
        self.begun = waited

    def end(self, task: str, waited: float) -> None:
        self.spent[task] += waited - self.begun
        self.begun = waited

    def lost(self, task: str, reason: str) -> None:
        self.losses.setdefault(task, []).append(reason)
