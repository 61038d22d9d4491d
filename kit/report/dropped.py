"""What a program drops silently: the words that were written, counted against those that arrive."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from panflute import Block, Code, CodeBlock, Doc, Str

from kit.report.source import Source

WORD = re.compile(r"[^\W_]+")
# Markup, and no words: the lines at the top, comments, labels of notes and links, attributes, tags that Pandoc takes
# for its own, numbers of items, entities, fences.
MARKUP = re.compile(
    r"\A---\n.*?\n(?:---|\.\.\.)\n|<!--.*?-->|\[\^[^\]\s]+\]|(?<=\])\[[^\]\n]*\]|^ {0,3}\[[^\]\n]+\]:"
    r"|(?<=[\])`])\{[^{}\n]*\}|</?(?:div|span)\b[^>]*>|^[ >]*\(?(?:\w{1,4}|#|@\w*)[.)](?=\s)|&#?\w+;"
    r"|^ *(?:```|~~~)[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
MOST = 20  # words that are named


def unread(source: Source, document: Doc) -> list[str]:
    """Complaints about words of the text that Pandoc has not read."""
    written = Counter(WORD.findall(MARKUP.sub(" ", source.text)))
    return complaints(list(written - words_of(strings(document.to_json()["blocks"]))), "the report", source)


def unshown(blocks: Iterable[Block], shown: str, place: str, source: Source) -> list[str]:
    """Complaints about words of the blocks, outside of formulas, that are not in what was made of them."""
    texts: list[str] = []
    for block in blocks:
        block.walk(lambda part, _: texts.append(part.text) if isinstance(part, Str | Code | CodeBlock) else None)
    lost = words_of(texts) - words_of([shown])
    return complaints([word for word in lost if word not in shown], place, source)


def words_of(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in WORD.findall(text))


def strings(json: Any) -> Iterator[str]:
    """All texts in a piece of Pandoc's JSON, which names kinds by "t" and has their contents in "c"."""
    if isinstance(json, str):
        yield json
    elif isinstance(json, dict):
        yield from strings(json.get("c", ""))
    elif isinstance(json, list):
        for part in json:
            yield from strings(part)


def complaints(lost: list[str], place: str, source: Source) -> list[str]:
    """One for each line in which something is lost."""
    lines: dict[str, list[str]] = {}
    for word in lost[:MOST]:
        lines.setdefault(source.where(word), []).append(repr(word))
    more = [f"{len(lost) - MOST} more words are not in {place} either"] * (len(lost) > MOST)
    return [f"Not in {place}: {', '.join(words)}{line}. Write it differently" for line, words in lines.items()] + more
