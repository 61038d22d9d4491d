"""How a method looks in every figure: one colour, one marker and one line, known by its name.

The colours differ for every kind of colour vision and stand out from white; markers and lines tell the methods apart in
grey prints.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """As Matplotlib names them."""

    color: str
    marker: str
    line: str


LOOKS = {
    "gradient": Look("#317cf2", "o", "-"),
    "SmoothGrad": Look("#005763", "s", "--"),
    "gradient x input": Look("#e458a0", "D", ":"),
    "integrated gradients": Look("#cf0d17", "^", "-."),
    "guided backprop": Look("#00ac7a", "v", "-"),
    "Grad-CAM": Look("#000000", "P", "--"),
    "guided Grad-CAM": Look("#9f9e00", "X", ":"),
    "layer conductance": Look("#756653", "<", "-."),
}
SAME = {"saliency": "gradient", "layer Grad-CAM": "Grad-CAM"}
CONTROL = "0.6"  # the grey of what methods are compared with: unrelated images, random pixels


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each name: a method's own; for other things one that no name of the figure has, while there is one.

    A line break in a name and "Captum's" before it change nothing.
    """
    keys = {name: key_of(name) for name in names}
    free = [look for key, look in LOOKS.items() if key not in keys.values()] or list(LOOKS.values())
    others = [name for name, key in keys.items() if key not in LOOKS]
    found = {name: free[number % len(free)] for number, name in enumerate(others)}
    return {name: found.get(name) or LOOKS[key] for name, key in keys.items()}


def key_of(name: str) -> str:
    words = " ".join(name.split()).removeprefix("Captum's ")
    return SAME.get(words, words)
