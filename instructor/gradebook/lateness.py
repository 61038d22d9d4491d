"""Whether work was late, and what that costs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from instructor.gradebook.policy import Policy

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Lateness:
    """Days are counted as begun. `charged` are those that cost; `counts` is false after the last day."""

    days: int = 0
    free: float = 0
    charged: float = 0
    counts: bool = True

    def factor(self, policy: Policy) -> float:
        """The part of the points that is left, from 0 to 1."""
        return max(0.0, 1 - self.charged * policy.percent_per_day / 100) if self.counts else 0.0

    def in_words(self, policy: Policy) -> str:
        if not self.days:
            return "in time"
        late = f"{self.days} day{'' if self.days == 1 else 's'} late"
        if not self.counts:
            return f"{late}: after day {policy.last_day:g}, nothing counts"
        free = f", {min(self.free, self.days):g} of them free" if self.free else ""
        if not self.charged:
            return late + free
        share, count = min(100, self.charged * policy.percent_per_day), f"{self.charged:g}"
        return f"{late}{free}: {share:g} % off for {count} day{'' if self.charged == 1 else 's'}"


def lateness(beyond: timedelta, policy: Policy, extension: float = 0, free: float | None = None) -> Lateness:
    """Of work that came so long after it was due, by a student with an extension and free late days of their own."""
    late = beyond - extension * DAY
    if late <= timedelta(minutes=policy.grace_minutes):
        return Lateness()
    days, gratis = ceil(late / DAY), policy.free_days if free is None else free
    return Lateness(days, gratis, max(0, days - gratis), days <= policy.last_day)


def beyond_due(handed_in: datetime | None, policy: Policy) -> timedelta | None:
    """How long after the due date; None where one of the two is not known."""
    return handed_in - policy.due if handed_in and policy.due else None
