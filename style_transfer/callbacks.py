"""Callbacks for `style_transfer`: keep what it did, or watch the picture develop in a notebook."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from data.images import deprocess
from style_transfer.transfer import Iterate

if TYPE_CHECKING:
    from IPython.display import DisplayHandle


@dataclass
class History:
    """Keeps the losses of every iteration, and the seconds from the end of the first one.

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


@dataclass
class Preview:
    """Shows the picture below the cell, anew after every `every` iterations."""

    every: int = 10
    handle: "DisplayHandle | None" = field(default=None, init=False)

    def __call__(self, iterate: Iterate) -> None:
        if iterate.iteration % self.every:
            return
        from IPython.display import display  # only there in a notebook

        picture = Image.fromarray(deprocess(iterate.image)[0])
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)
