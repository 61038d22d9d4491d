"""What Pandoc would drop, or show as its source, in a report: repaired, or named. Nothing is lost without a word."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser

import panflute
from panflute import (
    Block,
    DefinitionItem,
    Div,
    Doc,
    Element,
    Header,
    HorizontalRule,
    Image,
    Inline,
    LineBreak,
    Link,
    Math,
    Note,
    Para,
    Plain,
    RawBlock,
    RawInline,
    Space,
    Span,
    Str,
)

from kit.report.dropped import unread
from kit.report.source import Source

# Tags whose words stay where they are, and those inside of others, which are named.
HARMLESS = {"a", "b", "br", "center", "em", "font", "i", "mark", "p", "s", "small", "span", "strong", "sub", "sup", "u"}
INNER = {"caption", "figcaption", "li", "source", "tbody", "td", "tfoot", "th", "thead", "tr"}
SOURCE_OF_A_FORMULA = re.compile(r"^\$\$$|^\\[(\[]|^\$?\\[a-zA-Z]{2,}|\\begin\{")
UNTITLED = "Untitled"


def repaired(document: Doc, source: Source) -> tuple[Doc, list[str]]:
    """The document as it can be shown, and what to say about whatever is not shown as it was written."""
    places = Counter(place.identifier for place in found(document, Header, Span))
    said = [*source.complaints, *unread(source, document)]

    def say(words: str, about: str) -> None:
        said.append(words + source.where(about))

    def repair(element: Element, _: Doc) -> Element | list[Element] | None:
        match element:
            case Link(url=url) if url.startswith("#") and places[url[1:]] != 1:
                words, where = panflute.stringify(element), "more than one place" if places[url[1:]] else "nowhere"
                say(f"The link {words!r} to {url} leads to {where}: its words are shown without it", f"({url}")
                return list(element.content)
            case Link(title=title) if title:
                return [element, Str(f" ({title})")]
            case RawInline(format="html") | RawBlock(format="html"):
                shown = list(shown_instead(element.text, say))
                return [Para(*shown)] if shown and isinstance(element, RawBlock) else shown
            case Header():
                return heading_and_pictures(element, say)
            case Note() if is_inside(element, Note):
                return [Str(" ("), *inlines_of(element.content), Str(")")]
            case DefinitionItem():
                element.term = [Space() if isinstance(part, LineBreak) else part for part in element.term]
            case HorizontalRule():
                return []
            case Div() if "notes" in element.classes:
                element.classes = []  # in a presentation they would be the speaker's
        return None

    document = document.walk(repair)
    for words, about in unread_formulas(document):
        say(words, about)
    return document, list(dict.fromkeys(said))


def heading_and_pictures(heading: Header, say: Callable[[str, str], None]) -> list[Block]:
    """The pictures of a heading below it; a heading without words is none, and a slide without a title gets one."""
    images = found(heading, Image)
    pictures = [Para(image) for image in images]
    heading = heading.walk(lambda part, _: [] if isinstance(part, Image) else None)
    if not panflute.stringify(heading).strip() and not found(heading, Math):
        if heading.level > 2:
            return pictures
        title = " ".join(panflute.stringify(image) for image in images).strip() or UNTITLED
        say(f"A slide's heading has no words: it is called {title!r}", images[0].url if images else "#")
        heading.content = [Str(title)]
    return [heading, *pictures]


def is_inside(element: Element, kind: type[Element]) -> bool:
    above = element.parent
    while above is not None and not isinstance(above, kind):
        above = above.parent
    return above is not None


def inlines_of(blocks: Iterable[Block]) -> list[Inline]:
    """Their text in one line."""
    lines = [block.content if isinstance(block, Para | Plain) else [Str(panflute.stringify(block))] for block in blocks]
    return [inline for line in lines for inline in (*line, Space())][:-1]


def shown_instead(html: str, say: Callable[[str, str], None]) -> Iterator[Inline]:
    """Pictures, line ends and words as Pandoc knows them; other tags are named."""
    parts: list[tuple[str, dict[str, str | None]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            parts.append((tag, dict(attrs)))

        def handle_data(self, data: str) -> None:
            parts.append(("", {"words": data}))

    Parser().feed(html)
    for tag, attributes in parts:
        if tag == "img" and attributes.get("src"):
            yield Image(Str(attributes.get("alt") or ""), url=attributes["src"])
        elif tag == "br":
            yield LineBreak()
        elif not tag and attributes["words"].strip():
            yield Str(" ".join(attributes["words"].split()))
        elif tag and tag not in HARMLESS | INNER:
            say(f"HTML is not shown: write what stands in <{tag}> as Markdown", f"<{tag}")


def unread_formulas(document: Doc) -> Iterator[tuple[str, str]]:
    """What looks like TeX and stands in the text as it was written, block by block: a complaint, and about what."""
    for paragraph in found(document, Para, Plain):
        words = [word.text for word in found(paragraph, Str)]
        written = [word for word in words if SOURCE_OF_A_FORMULA.search(word)]
        if words.count("$") > 1:
            written.append("$")
        if written:
            remedy = "a formula stands between $ and $, without spaces beside them, or between $$ and $$, without " \
                     "blank lines in it"  # fmt: skip
            yield f"{written[0]!r} is shown as written: {remedy}", written[0]


def found(element: Element, *kinds: type[Element]) -> list[Element]:
    collected: list[Element] = []
    element.walk(lambda part, _: collected.append(part) if isinstance(part, kinds) else None)
    return collected
