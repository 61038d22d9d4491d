"""Blocks of numbers that a worker has already: from then on they are named, not sent."""

import torch
from torch import Tensor

HEAD = 64  # bytes by which blocks are told apart at first


class Blocks:
    """Of one worker, to whom every block is sent once. A block is known by its bytes."""

    def __init__(self) -> None:
        self.alike: dict[tuple, list[tuple[str, Tensor]]] = {}
        self.count = 0

    def name_of(self, flat: Tensor) -> str | None:
        """The name of a block with the same bytes, if there is one. `flat` is contiguous, with one dimension."""
        numbers = as_bits(flat)
        return next((name for name, other in self.alike.get(key(flat), ()) if torch.equal(numbers, other)), None)

    def new_name(self) -> str:
        """One that no block has had, whether it was kept or not."""
        self.count += 1
        return str(self.count)

    def keep(self, sent: dict[str, Tensor]) -> None:
        """Know these blocks, which nobody changes any more."""
        for name, flat in sent.items():
            self.alike.setdefault(key(flat), []).append((name, as_bits(flat)))


def key(flat: Tensor) -> tuple[torch.dtype, int, bytes]:
    return flat.dtype, flat.nbytes, flat.view(torch.uint8)[:HEAD].numpy().tobytes()


def as_bits(flat: Tensor) -> Tensor:
    """Integers, of which torch.equal says what it says of bytes: no NaN, and one zero."""
    return flat.view(torch.int64 if flat.nbytes % 8 == 0 else torch.uint8)
