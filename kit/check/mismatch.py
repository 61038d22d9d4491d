"""Values that are not what they should be, kept beside the goal, so that check() can show both."""

from torch import Tensor

SMALLEST_PICTURE = 16  # pixels, height and width


class Mismatch(AssertionError):
    """A check found `yours` where `goal`, of the same shape, is right; `images` are those that they belong to."""

    def __init__(self, words: str, yours: Tensor, goal: Tensor, images: Tensor | None = None) -> None:
        super().__init__(words)
        self.yours, self.goal, self.images = yours, goal, images

    @property
    def is_picture(self) -> bool:
        """Whether eyes find more in it than in numbers."""
        return self.goal.ndim > 1 and min(self.goal.shape[-2:]) >= SMALLEST_PICTURE
