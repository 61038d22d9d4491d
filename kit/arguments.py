"""Numbers among the arguments, checked before any work is done."""

from numbers import Integral, Real


def check_whole(**numbers: int) -> None:
    """Raise ValueError naming the first number that is not a whole one."""
    for name, number in numbers.items():
        if not isinstance(number, Integral) or isinstance(number, bool):
            raise ValueError(f"{name} is {number!r}: give a whole number")


def check_positive(**numbers: float) -> None:
    """Raise ValueError naming the first number that is not finite and greater than zero."""
    for name, number in numbers.items():
        if not isinstance(number, Real) or not 0 < number < float("inf"):
            raise ValueError(f"{name} is {number!r}: give a finite number greater than zero")
