"""Every construct of Markdown in every place, each with marks by which it is found again: words, numbers, pictures."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PICTURE = "../figures/red.png"


@dataclass
class Marks:
    """What was given out, each once; numbers stand in formulas, and pictures are told by their descriptions."""

    given: list[str] = field(default_factory=list)
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def word(self) -> str:
        return self.mark("mk")

    def number(self) -> str:
        return self.mark("7")

    def picture(self) -> str:
        return self.mark("pic")

    def label(self) -> str:
        """Shown nowhere."""
        return f"n{next(self.counter)}"

    def mark(self, kind: str) -> str:
        self.given.append(f"{kind}{next(self.counter)}")
        return self.given[-1]


Construct = Callable[[Marks], str]

INLINE: dict[str, Construct] = {
    "plain words": lambda m: m.word(),
    "emphasis": lambda m: f"*{m.word()}*",
    "strong": lambda m: f"**{m.word()}**",
    "strong emphasis": lambda m: f"***{m.word()}***",
    "struck out": lambda m: f"~~{m.word()}~~",
    "superscript": lambda m: f"x^{m.word()}^",
    "subscript": lambda m: f"x~{m.word()}~",
    "code": lambda m: f"`{m.word()}`",
    "code with a tick": lambda m: f"`` `{m.word()} ``",
    "link": lambda m: f"[{m.word()}](https://example.org)",
    "link with a title": lambda m: f'[{m.word()}](https://example.org "{m.word()}")',
    "address": lambda m: f"<https://{m.word()}.org>",
    "mail address": lambda m: f"<{m.word()}@example.org>",
    "link to nowhere": lambda m: f"[{m.word()}](#nowhere)",
    "link without its address": lambda m: f"[{m.word()}][{m.word()}]",
    "formula": lambda m: f"$x = {m.number()}$",
    "displayed formula": lambda m: f"$$x = {m.number()}$$",
    "formula in brackets": lambda m: rf"\(y = {m.number()}\)",
    "formula that does not end": lambda m: rf"$\nosuch{{{m.number()}$",
    "formula of unknown words": lambda m: rf"$\nosuch{{{m.number()}}}$",
    "formula that Typst gave up": lambda m: rf"$a \odot {m.number()}$",
    "matrix": lambda m: rf"$\begin{{pmatrix}} 1 & {m.number()} \\ 3 & 4 \end{{pmatrix}}$",
    "words in a formula": lambda m: rf"$\text{{{m.word()} b}}$",
    "formula with spaces": lambda m: f"$ x = {m.number()} $",
    "picture": lambda m: f"![{m.picture()}]({PICTURE})",
    "picture without words": lambda m: f"{m.word()} ![]({PICTURE})",
    "picture with a width": lambda m: f"![{m.picture()}]({PICTURE}){{width=50%}}",
    "missing picture": lambda m: f"![{m.word()}](../figures/{m.word()}.png)",
    "picture of the network": lambda m: f"![{m.word()}](https://example.org/{m.word()}.png)",
    "picture in HTML": lambda m: f'<img src="{PICTURE}" alt="{m.picture()}">',
    "picture as a link": lambda m: f"[![{m.picture()}]({PICTURE})](https://example.org)",
    "note": lambda m: f"{m.word()}^[{m.word()} *{m.word()}* $z = {m.number()}$]",
    "note in a note": lambda m: f"{m.word()}^[{m.word()}^[{m.word()}]]",
    "note to nowhere": lambda m: f"{m.word()}[^nowhere]",
    "span": lambda m: f"[{m.word()}]{{.mark}}",
    "underlined": lambda m: f"[{m.word()}]{{.underline}}",
    "small capitals": lambda m: f"[{m.word()}]{{.smallcaps}}",
    "prompt": lambda m: f"[{m.word()}]{{.prompt}}",
    "line end": lambda m: f"{m.word()}\\\n{m.word()}",
    "quotation marks": lambda m: f"\"{m.word()}\" '{m.word()}'",
    "HTML": lambda m: f"<b>{m.word()}</b> <kbd>{m.word()}</kbd> <br> {m.word()}",
    "comment": lambda m: f"{m.word()} <!-- gone --> {m.word()}",
    "HTML of a block": lambda m: f"<details><summary>{m.word()}</summary>{m.word()}</details>",
    "raw HTML": lambda m: f"`<i>{m.word()}</i>`{{=html}}",
    "raw LaTeX": lambda m: rf"`\emph{{{m.word()}}}`{{=latex}}",
    "raw Typst": lambda m: f"`#panic()  {m.word()}`{{=typst}}",
    "raw XML": lambda m: f"`<a:r><a:t>{m.word()}</a:t></a:r>`{{=openxml}}",
    "command of LaTeX": lambda m: rf"\emph{{{m.word()}}}",
    "command of Typst": lambda m: f"#panic({m.word()}) @{m.word()} #let x",
    "citation": lambda m: f"[@{m.word()}]",
    "entity": lambda m: f"&amp; &copy; {m.word()}&nbsp;{m.word()}",
    "control character": lambda m: f"a\x01\x0b\x0c{m.word()}\ufffe",
    "invisible signs": lambda m: f"\u200b{m.word()}\u2060\ufeff",
    "emoji": lambda m: f"\U0001f642 {m.word()}",
    "other scripts": lambda m: f"مرحبا 中文 {m.word()}",
}
BLOCKS: dict[str, Construct] = {
    "paragraphs": lambda m: f"{m.word()}\n\n{m.word()}",
    "items": lambda m: f"- {m.word()}\n- {m.word()}\n    - {m.word()}",
    "items of paragraphs": lambda m: f"- {m.word()}\n\n    {m.word()}\n\n- {m.word()}",
    "numbers": lambda m: f"1. {m.word()}\n2. {m.word()}",
    "letters": lambda m: f"a) {m.word()}\nb) {m.word()}",
    "tasks": lambda m: f"- [ ] {m.word()}\n- [x] {m.word()}",
    "items within items": lambda m: "\n".join(f"{'    ' * depth}- {m.word()}" for depth in range(8)),
    "definition": lambda m: f"{m.word()}\n:   {m.word()}\n\n    {m.word()}",
    "definition of a formula": lambda m: f"${m.number()}$\n:   {m.word()}",
    "lines": lambda m: f"| {m.word()}\n|   {m.word()}",
    "quotation": lambda m: f"> {m.word()}\n>\n> - {m.word()}",
    "listing": lambda m: f"```\n{m.word()}\n  {m.word()}\n```",
    "listing in Python": lambda m: f"```python\n{m.word()} = '{m.word()}'\n```",
    "indented listing": lambda m: f"    {m.word()}\n    {m.word()}",
    "heading": lambda m: f"### {m.word()}\n\n{m.word()}",
    "deep heading": lambda m: f"###### {m.word()}\n\n{m.word()}",
    "heading with its end": lambda m: f"### {m.word()} ### {{.unnumbered}}",
    "heading of a formula": lambda m: f"### ${m.number()}$\n\n{m.word()}",
    "heading of a note": lambda m: f"### ^[{m.word()}]\n\n{m.word()}",
    "heading of nothing": lambda m: f"###\n\n{m.word()}",
    "rule": lambda m: f"{m.word()}\n\n---\n\n{m.word()}\n\n* * *\n\n{m.word()}",
    "formula": lambda m: f"$$\nx = {m.number()}\n$$",
    "aligned formulas": lambda m: f"$$\\begin{{aligned}} a &= {m.number()} \\\\ b &= 2 \\end{{aligned}}$$",
    "bare align": lambda m: f"\\begin{{align}}\na &= {m.number()}\n\\end{{align}}",
    "square brackets": lambda m: f"\\[\nx = {m.number()}\n\\]",
    "formula with an empty line": lambda m: f"$$\nx\n\n= {m.number()}\n$$",
    "labelled equation": lambda m: f"$$\\begin{{equation}} x = {m.number()} \\label{{eq}} \\end{{equation}}$$",
    "figure": lambda m: f"![{m.picture()}]({PICTURE})",
    "figure with a formula": lambda m: f"![{m.picture()} $x = {m.number()}$]({PICTURE})",
    "two pictures": lambda m: f"![{m.picture()}]({PICTURE}) ![{m.picture()}]({PICTURE})",
    "figure in HTML": lambda m: (
        f'<figure><img src="{PICTURE}" alt="{m.picture()}"><figcaption>{m.word()}</figcaption></figure>'
    ),
    "table in HTML": lambda m: f"<table><tr><th>{m.word()}</th></tr><tr><td>{m.word()}</td></tr></table>",
    "block of HTML": lambda m: f"<div>\n\n{m.word()}\n\n</div>",
    "paragraph in HTML": lambda m: f"<p align=center>{m.word()} <img src='{PICTURE}' alt='{m.picture()}'></p>",
    "script": lambda m: f"<script>alert('{m.word()}')</script>",
    "drawing": lambda m: f"<svg><text>{m.word()}</text></svg>",
    "film": lambda m: f"<video src='x.mp4'></video>\n\n{m.word()}",
    "block": lambda m: f"::: note\n{m.word()}\n:::",
    "columns": lambda m: f":::: columns\n::: column\n{m.word()}\n:::\n::: column\n{m.word()}\n:::\n::::",
    "notes of a speaker": lambda m: f"::: notes\n{m.word()}\n:::",
    "pause": lambda m: f"{m.word()}\n\n. . .\n\n{m.word()}",
    "table": lambda m: f"| {m.word()} | b |\n|---|--:|\n| {m.word()} | ${m.number()}$ |\n\n: {m.word()}",
    "wide table": lambda m: f"|{'|'.join(m.word() for _ in range(12))}|\n|{'---|' * 12}\n|{'x|' * 12}",
    "table of a head": lambda m: f"| {m.word()} |\n|---|\n",
    "simple table": lambda m: f"{m.word()}   {m.word()}\n-------  -------\n{m.word()}   {m.word()}\n",
    "grid": lambda m: cells([[m.word(), f"- {m.word()}"], [m.word(), "x"]]),
    "picture in a table": lambda m: f"| a | b |\n|---|---|\n| ![{m.picture()}]({PICTURE}) | {m.word()} |",
    "note below": lambda m: noted(m, m.word()),
    "note that nobody refers to": lambda m: f"[^{m.label()}]: {m.word()}",
    "raw LaTeX": lambda m: f"```{{=latex}}\n\\textbf{{{m.word()}}}\n```",
    "raw HTML": lambda m: f"```{{=html}}\n<b>{m.word()}</b>\n```",
    "raw Typst": lambda m: f"```{{=typst}}\n#panic() {m.word()}\n```",
    "raw XML": lambda m: f"```{{=openxml}}\n<p:x>{m.word()}</p:x>\n```",
    "LaTeX": lambda m: f"\\begin{{itemize}}\n\\item {m.word()}\n\\end{{itemize}}",
    "long word": lambda m: f"{'w' * 300} {m.word()}",
    "settings": lambda m: f"---\nkey: {m.word()}\n---\n\n{m.word()}",
    "numbered examples": lambda m: f"(@) {m.word()}\n(@a) {m.word()}",
}
INLINE_PLACES: dict[str, Callable[[str, Marks], str]] = {
    "paragraph": lambda text, m: text,
    "title of a slide": lambda text, m: f"## {joined(text)}\n\n{m.word()}",
    "heading": lambda text, m: f"### {joined(text)}\n\n{m.word()}",
    "item": lambda text, m: f"- {indented(text, '', '  ')}\n- {m.word()}",
    "cell": lambda text, m: f"| a | {m.word()} |\n|---|---|\n| {joined(text)} | c |",
    "head of a table": lambda text, m: f"| {joined(text)} | {m.word()} |\n|---|---|\n| d | c |",
    "caption of a table": lambda text, m: f"| a |\n|---|\n| d |\n\n: {joined(text)}",
    "caption": lambda text, m: f"![{joined(text)}]({PICTURE})",
    "note": lambda text, m: noted(m, indented(text, "", "    ")),
    "answer": lambda text, m: f"::: answer\n{text}\n:::",
    "link": lambda text, m: f"[{joined(text)}](https://example.org)",
    "term": lambda text, m: f"{joined(text)}\n:   {m.word()}",
    "quotation": lambda text, m: indented(text, "> ", "> "),
    "emphasis": lambda text, m: f"*{text}*",
    "line": lambda text, m: f"| {joined(text)}\n| {m.word()}",
}
BLOCK_PLACES: dict[str, Callable[[str, Marks], str]] = {
    "slide": lambda text, m: text,
    "answer": lambda text, m: f"::: answer\n{text}\n:::",
    "item": lambda text, m: f"- {m.word()}\n\n{indented(text, '    ', '    ')}\n\n- {m.word()}",
    "item's beginning": lambda text, m: f"- {indented(text, '  ', '    ')}",
    "number": lambda text, m: f"1.  {m.word()}\n\n{indented(text, '    ', '    ')}",
    "quotation": lambda text, m: indented(text, "> ", "> "),
    "definition": lambda text, m: f"{m.word()}\n\n:   {indented(text, '', '    ')}",
    "note": lambda text, m: noted(m, f"{m.word()}\n\n{indented(text, '    ', '    ')}"),
    "below text": lambda text, m: f"{m.word()}\n{text}",
    "cell": lambda text, m: cells([[text, "c"]]),
}


@dataclass(frozen=True)
class Fragment:
    """A slide with something to find again."""

    name: str
    markdown: str
    marks: tuple[str, ...]


def fragment(name: str, make: Construct, counter: Iterator[int]) -> Fragment:
    marks = Marks(counter=counter)
    text = make(marks)
    title = "" if text.startswith("## ") else f"## {marks.word()}\n\n"
    return Fragment(name, f"{title}{text}\n\n", tuple(marks.given))


def everything_in(place: str) -> list[Fragment]:
    """Every construct in a place; the names of places of blocks end in an asterisk."""
    counter = itertools.count(1000)
    put = BLOCK_PLACES[place[:-1]] if place.endswith("*") else INLINE_PLACES[place]
    constructs = BLOCKS if place.endswith("*") else INLINE
    return [
        fragment(f"{name} in {place}", lambda m, make=make: put(make(m), m), counter)
        for name, make in constructs.items()
    ]


def nested(seed: int, count: int) -> list[Fragment]:
    """As many fragments of constructs in places in places, drawn at random."""
    drawn, counter = random.Random(seed), itertools.count(1000)
    return [nesting(drawn, counter) for _ in range(count)]


def nesting(drawn: random.Random, counter: Iterator[int]) -> Fragment:
    blocks = drawn.random() < 0.6
    name, make = drawn.choice(list((BLOCKS if blocks else INLINE).items()))
    places = [drawn.choice(list(BLOCK_PLACES.items())) for _ in range(drawn.randint(0, 3))]
    inner = [] if blocks else [drawn.choice([item for item in INLINE_PLACES.items() if item[0] != "title of a slide"])]

    def made(m: Marks) -> str:
        text = make(m)
        for _, put in (*inner, *places):
            text = put(text, m)
        return text

    return fragment(" in ".join([name, *(place for place, _ in (*inner, *places))]), made, counter)


def damaged(text: str, seed: int) -> str:
    """The text with some pieces cut out, doubled, or replaced by what means something to somebody."""
    drawn = random.Random(seed)
    signs = [*"#$`*_[]{}()<>|:\\!^~@&\n\t\"'-+=;,\0", "\n\n", "```", ":::", "$$", "---", "<!--", "\\begin{", "![", "\r"]
    for _ in range(drawn.randint(1, 40)):
        start = drawn.randrange(len(text))
        end = start + drawn.choice([0, 1, 1, 5, 40])
        text = text[:start] + drawn.choice(["", text[start:end] * 2, drawn.choice(signs)]) + text[end:]
    return text


def noted(marks: Marks, text: str) -> str:
    label = marks.label()
    return f"{marks.word()}[^{label}]\n\n[^{label}]: {text}"


def joined(text: str) -> str:
    return " ".join(text.split("\n"))


def indented(text: str, first: str, rest: str) -> str:
    start, *others = text.split("\n")
    return "\n".join([first + start, *(rest + line if line else line for line in others)])


def cells(rows: list[list[str]]) -> str:
    """A table of Pandoc's that may hold anything."""
    lines = [[cell.split("\n") for cell in row] for row in rows]
    widths = [max(len(line) for row in lines for line in row[column]) + 2 for column in range(len(rows[0]))]
    bar = "".join(f"+{'-' * width}" for width in widths) + "+"
    drawn = [bar]
    for row in lines:
        for parts in itertools.zip_longest(*row, fillvalue=""):
            drawn.append("".join(f"|{f' {part}':{width}}" for part, width in zip(parts, widths, strict=True)) + "|")
        drawn.append(bar)
    return "\n".join(drawn)
