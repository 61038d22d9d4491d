"""Watching a painting develop in a notebook."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from data.images import deprocess
from style_transfer.transfer import Iterate

if TYPE_CHECKING:
    from IPython.display import DisplayHandle


@dataclass
class Preview:
    """A callback that shows the picture below the cell, anew after every `every` iterations."""

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
