"""Every number of the recipe, in one place."""

from dataclasses import dataclass

HELD_OUT = 100  # of the large photographs, never trained on
LARGE = 192  # pixels: photographs with at least such a shorter side are large; they alone are sharp when enlarged
SEED = 0


@dataclass(frozen=True)
class Stage:
    """One part of the training, which sees so many random crops of `size` px, `images` in all, in batches.

    `kind`: "blocks" trains each block of the network alone, on what the teacher gives it; "whole" trains all of them
    together. A share `large` of the crops comes from the large photographs. A crop covers between `smallest_area` and
    all of its photograph. The learning rate rises for the first 2 % and then falls to zero along a cosine.
    """

    kind: str
    images: int
    size: int
    smallest_area: float
    large: float
    rate: float
    batch: int = 32

    def __post_init__(self) -> None:
        if self.kind not in ("blocks", "whole"):
            raise ValueError(f'a stage\'s kind is {self.kind!r}: choose "blocks" or "whole"')


# At 1e-3 the loss rises tenfold, and what the blocks have learned is lost.
WHOLE = Stage("whole", images=120_000, size=224, smallest_area=0.3, large=0.9, rate=5e-5)

RECIPES = {
    # From random weights: an hour and a half on two CPU cores. Blocks bear no rate of 4e-2: squeeze channels die.
    "full": (Stage("blocks", images=320_000, size=160, smallest_area=0.3, large=0.7, rate=2e-2), WHOLE),
    # From weights that are good already (--start).
    "finish": (WHOLE,),
    # Does everything work?
    "smoke": (
        Stage("blocks", images=96, size=64, smallest_area=0.4, large=0.5, rate=2e-2, batch=16),
        Stage("whole", images=96, size=64, smallest_area=0.4, large=0.5, rate=5e-5, batch=16),
    ),
}
