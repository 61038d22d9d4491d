"""Two mistakes in one solution: their changes, word by word, made in the same text as far as they do not meet."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations, pairwise

WORDS = re.compile(r"\w+|\s|[^\w\s]")
Change = tuple[int, int, list[str]]  # the words from here to there become these


def pairs(text: str, wrong: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The numbers of two wrong texts, and the text that is wrong in both ways, for all that can be put together."""
    words = WORDS.findall(text)
    changes = [changed(words, WORDS.findall(other)) for other in wrong]
    for first, second in combinations(range(len(wrong)), 2):
        both = sorted([*changes[first], *changes[second]], key=lambda change: change[:2])
        if not any(meet(*neighbours) for neighbours in pairwise(both)):
            yield first, second, carried_out(both, words)


def changed(words: list[str], other: list[str]) -> list[Change]:
    steps = SequenceMatcher(None, words, other, autojunk=False).get_opcodes()
    return [(start, end, other[i:j]) for kind, start, end, i, j in steps if kind != "equal"]


def meet(first: Change, second: Change) -> bool:
    """Whether they change the same words, or put something in the same place."""
    return first[1] > second[0] or first[0] == first[1] == second[0]


def carried_out(changes: list[Change], words: list[str]) -> str:
    result = list(words)
    for start, end, new in reversed(changes):
        result[start:end] = new
    return "".join(result)
