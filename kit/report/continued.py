"""Cutting a page of text to the length of a slide, for a program that does not flow it on."""

from itertools import accumulate, count
from math import ceil

import panflute
from panflute import Block, BulletList, CodeBlock, Inline, Math, OrderedList, Para, SoftBreak, Space, Table
from panflute import ListItem as Item

from kit.report.slides import copied, figure_image, inside

LINES = 14  # of a slide
CHARACTERS = 64  # of a line, in the widest font that may stand in for the theme's
DISPLAYED_FORMULA = 2.5  # lines
GAP = 0.4  # lines between blocks
ROWS = 10  # of a table


def fitting_pages(page: list[Block]) -> list[list[Block]]:
    """The page, or the pages on which it is continued. Figures and tables stand alone."""
    pages: list[list[Block]] = [[]]
    for block in page:
        pages = add(block, pages)
    return [part for part in pages if part] or [[]]


def add(block: Block, pages: list[list[Block]]) -> list[list[Block]]:
    if isinstance(block, Table):
        return [*pages, *([part] for part in table_parts(block))]
    if stands_alone(block):
        return [*pages, [block]]
    if pages[-1] and stands_alone(pages[-1][-1]):
        pages = [*pages, []]
    room = LINES - sum(lines(other) + GAP for other in pages[-1])
    if lines(block) <= room:
        return [*pages[:-1], [*pages[-1], block]]
    head, tail = split(block, room)
    if head is None and not pages[-1]:
        return [*pages[:-1], [block], []]  # it cannot be cut
    if head is None:
        return add(block, [*pages, []])
    return add(tail, [*pages[:-1], [*pages[-1], head], []])


def stands_alone(block: Block) -> bool:
    return isinstance(block, Table) or figure_image(block) is not None


def lines(block: Block) -> float:
    """About how many lines of a slide the block takes."""
    if isinstance(block, BulletList | OrderedList):
        return sum(sum(map(lines, item.content)) for item in block.content)
    if isinstance(block, CodeBlock):
        return sum(max(1, ceil(len(line) / CHARACTERS)) for line in block.text.split("\n"))
    return height(*extent(block))


def extent(element: Block | Inline) -> tuple[float, int]:
    """Characters of running text, a formula being shorter than its source, and formulas on lines of their own."""
    formulas = inside(element, Math)
    displayed = [formula for formula in formulas if formula.format == "DisplayMath"]
    source = sum(len(formula.text) for formula in formulas)
    inline = source - sum(len(formula.text) for formula in displayed)
    return len(panflute.stringify(element)) - source + inline / 3, len(displayed)


def height(characters: float, formulas: int) -> float:
    return ceil(characters / CHARACTERS) + DISPLAYED_FORMULA * formulas


def split(block: Block, room: float) -> tuple[Block | None, Block | None]:
    """The part of the block that takes at most `room` lines, and the rest; (None, None) if no cut helps."""
    if isinstance(block, Para):
        return split_paragraph(block, room)
    if isinstance(block, BulletList | OrderedList):
        return split_list(block, room)
    if isinstance(block, CodeBlock) and room >= 2:
        rows = block.text.split("\n")
        head, tail = copied(block), copied(block)
        head.text, tail.text = "\n".join(rows[: int(room)]), "\n".join(rows[int(room) :])
        return head, tail
    return None, None


def split_paragraph(block: Para, room: float) -> tuple[Para | None, Para | None]:
    """Between two words."""
    words, cut, characters, formulas = list(copied(block).content), None, 0.0, 0
    for i, word in enumerate(words):
        more_characters, more_formulas = extent(word)
        characters, formulas = characters + more_characters, formulas + more_formulas
        if isinstance(word, Space | SoftBreak) and height(characters, formulas) <= room:
            cut = i
    if cut is None or room < 2:  # a single line left behind reads badly
        return None, None
    return Para(*words[:cut]), Para(*words[cut + 1 :])


def split_list(block: BulletList | OrderedList, room: float) -> tuple[Block | None, Block | None]:
    """Between two items; a numbered list goes on counting."""
    items = list(copied(block).content)
    totals = accumulate(sum(map(lines, item.content)) for item in items)
    fitting = sum(total <= room for total in totals)
    if fitting == 0 and lines(part_of(block, items[:1])) > LINES and len(items[0].content) == 1:
        return split_item(block, items, room)
    if fitting == 0:
        return None, None
    return part_of(block, items[:fitting]), part_of(block, items[fitting:], fitting)


def split_item(block: BulletList | OrderedList, items: list[Item], room: float) -> tuple[Block | None, Block | None]:
    """Within the first item, which is longer than a slide: two items of it."""
    head, tail = split_paragraph(Para(*items[0].content[0].content), room)
    if head is None:
        return None, None
    return part_of(block, [Item(head)]), part_of(block, [Item(tail), *items[1:]])


def table_parts(table: Table) -> list[Table]:
    """The table, cut after every ten rows, each part below the table's head."""
    rows = sum(len(body.content) for body in table.content)
    parts = []
    for first in range(0, rows, ROWS):
        part, numbers = copied(table), count()
        for body in part.content:
            body.content = [row for row in list(body.content) if first <= next(numbers) < first + ROWS]
        part.content = [body for body in part.content if len(body.content)]
        parts.append(part)
    return parts or [table]


def part_of(block: BulletList | OrderedList, items: list[Item], offset: int = 0) -> BulletList | OrderedList:
    return BulletList(*items) if isinstance(block, BulletList) else OrderedList(*items, start=block.start + offset)
