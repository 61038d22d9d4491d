"""What Pandoc would drop, or show as its source, in a report: repaired, or named. Nothing is lost without a word."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import panflute
from panflute import Doc, Element, Header, Image, LineBreak, Link, Para, Plain, RawBlock, RawInline, Span, Str

# Tags whose words stay where they are, and those inside of others, which are named.
HARMLESS = {"a", "b", "br", "center", "em", "font", "i", "mark", "p", "s", "small", "span", "strong", "sub", "sup", "u"}
INNER = {"caption", "figcaption", "li", "source", "tbody", "td", "tfoot", "th", "thead", "tr"}
SOURCE_OF_A_FORMULA = re.compile(r"^\$\$$|^\\[(\[]|^\$?\\[a-zA-Z]{2,}|\\begin\{")


def repaired(document: Doc) -> tuple[Doc, list[str]]:
    """The document as it can be shown, and what to say of what is shown otherwise than it was written."""
    places = Counter(place.identifier for place in found(document, Header, Span))
    complaints: list[str] = []

    def repair(element: Element, _: Doc) -> Element | list[Element] | None:
        if isinstance(element, Link) and element.url.startswith("#") and places[element.url[1:]] != 1:
            words, where = panflute.stringify(element), "more than one place" if places[element.url[1:]] else "nowhere"
            complaints.append(f"The link {words!r} to {element.url} leads to {where}: its words are shown without it")
            return list(element.content)
        if isinstance(element, RawInline | RawBlock) and element.format == "html":
            shown = list(shown_instead(element.text, complaints))
            return [Para(*shown)] if shown and isinstance(element, RawBlock) else shown
        return None

    document = document.walk(repair)
    return document, [*dict.fromkeys(complaints), *unread_formulas(document)]


def shown_instead(html: str, complaints: list[str]) -> Iterator[Element]:
    """Pictures and line ends as Pandoc knows them; other tags are named."""
    tags: list[tuple[str, dict[str, str | None]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attrs)))

    Parser().feed(html)
    for tag, attributes in tags:
        if tag == "img" and attributes.get("src"):
            yield Image(Str(attributes.get("alt") or ""), url=attributes["src"])
        elif tag == "br":
            yield LineBreak()
        elif tag not in HARMLESS | INNER:
            complaints.append(f"HTML is not shown: write what stands in <{tag}> as Markdown")


def unread_formulas(document: Doc) -> Iterator[str]:
    """What looks like TeX and stands in the text as it was written, block by block."""
    for paragraph in found(document, Para, Plain):
        words = [word.text for word in found(paragraph, Str)]
        written = [word for word in words if SOURCE_OF_A_FORMULA.search(word)]
        if words.count("$") > 1:
            written.append("$")
        if written:
            yield (
                f"{written[0]!r} is shown as it is written: a formula stands between $ and $, without spaces beside "
                "them, or between $$ and $$, without blank lines in it"
            )


def found(element: Element, *kinds: type[Element]) -> list[Element]:
    collected: list[Element] = []
    element.walk(lambda part, _: collected.append(part) if isinstance(part, kinds) else None)
    return collected
