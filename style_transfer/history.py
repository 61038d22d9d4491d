"""What a style transfer did, iteration by iteration."""

import time
from dataclasses import dataclass, field

from style_transfer.transfer import Iterate


@dataclass
class History:
    """A callback that keeps the losses of every iteration, and the seconds from the end of the first one.

    After `style_transfer(..., callback=history)`: the lists history.seconds, .content, .style, .tv and .total.
    """

    seconds: list[float] = field(default_factory=list)
    content: list[float] = field(default_factory=list)
    style: list[float] = field(default_factory=list)
    tv: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def __call__(self, iterate: Iterate) -> None:
        if iterate.iteration == 1:
            self.started = time.perf_counter()
        self.seconds.append(time.perf_counter() - self.started)
        self.content.append(iterate.content_loss)
        self.style.append(iterate.style_loss)
        self.tv.append(iterate.tv_loss)

    @property
    def iterations(self) -> range:
        return range(1, len(self.seconds) + 1)

    @property
    def total(self) -> list[float]:
        return [sum(terms) for terms in zip(self.content, self.style, self.tv, strict=True)]
