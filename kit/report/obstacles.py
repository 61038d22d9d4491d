"""What stops a program from typesetting the report: found, and shown as plain text, so that the rest is typeset."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import panflute
from panflute import Block, CodeBlock, Header, Str

from kit.report.source import Source

# Of the programs that set it, whatever they stumble over; a SyntaxError is XML that cannot be read again.
FAULTS = (RuntimeError, ValueError, LookupError, TypeError, SyntaxError)
Part = TypeVar("Part")


def obstacles(parts: Sequence[Part], attempt: Callable[[Sequence[Part]], object]) -> Iterator[Part]:
    """The parts with which the attempt fails, found by halving."""
    try:
        attempt(parts)
    except FAULTS:
        if len(parts) == 1:
            yield parts[0]
            return
        yield from obstacles(parts[: len(parts) // 2], attempt)
        yield from obstacles(parts[len(parts) // 2 :], attempt)


def as_plain_text(block: Block) -> Block:
    words = panflute.stringify(block).strip() or "?"
    return Header(Str(words), level=block.level) if isinstance(block, Header) else CodeBlock(words)


def named(block: Block, place: str, source: Source) -> str:
    words = panflute.stringify(block).split() or ["?"]
    quoted = " ".join(words)[:60]
    return f"{quoted!r} cannot be typeset in {place}: it is shown as plain text there{source.where(words[0])}"
