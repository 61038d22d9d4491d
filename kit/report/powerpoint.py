"""The report as PowerPoint: Pandoc writes it, python-pptx sets the look, alternative texts and the marks."""

import io
import subprocess
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path

import panflute
import pypandoc
from lxml.etree import SubElement
from panflute import (
    Block,
    Code,
    CodeBlock,
    Element,
    Emph,
    Header,
    Image,
    Inline,
    LineBreak,
    Math,
    Para,
    Plain,
    Span,
    Str,
    Strong,
    Table,
    TableRow,
)
from pptx import Presentation as open_presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import PP_ALIGN
from pptx.oxml.ns import qn
from pptx.oxml.xmlchemy import BaseOxmlElement
from pptx.presentation import Presentation
from pptx.shapes.picture import Picture as PictureShape
from pptx.slide import Slide as PowerPointSlide
from pptx.util import Inches, Pt

from kit.atomic import write_atomically
from kit.report.continued import fitting_pages
from kit.report.dropped import unshown
from kit.report.figures import Picture, description
from kit.report.formulas import give_fallbacks, in_a_line
from kit.report.obstacles import FAULTS, as_plain_text, named, obstacles
from kit.report.repairs import inlines_of
from kit.report.slides import Report, Slide, convert, copied, figure_image, inside

ACCENT, QUIET = RGBColor(0xA3, 0x31, 0x2A), RGBColor(0x5C, 0x67, 0x73)
LEFT, WIDTH = Inches(0.6), Inches(8.8)
# Places: left, top, width, height.
REPORT_TITLE = (LEFT, Inches(1.3), WIDTH, Inches(1.1))
REPORT_AUTHOR = (LEFT, Inches(2.5), WIDTH, Inches(1.0))
TITLE = (LEFT, Inches(0.35), WIDTH, Inches(0.6))
BODY = (LEFT, Inches(1.05), WIDTH, Inches(4.2))
FIGURE = (LEFT, Inches(1.05), WIDTH, Inches(3.65))
CAPTION = Inches(0.6)  # high, below the figure
CONTINUED = " (continued)"
BADGE = (Inches(8.2), Inches(0.1), Inches(1.4), Inches(0.3))


def write_powerpoint(report: Report, pictures: dict[str, Picture], folder: Path, path: Path) -> list[str]:
    """Write the presentation, whole or not at all, from the pictures' copies in `folder`.

    Returns what to say about whatever is not shown as it is written.
    """
    (folder / "reference.pptx").write_bytes(reference())
    blocks = [block for slide in report.slides for block in powerpoint_blocks(slide, pictures)]

    def converted(some: Sequence[Block]) -> Presentation:
        metadata = {"title": report.title, "author": [report.author, report.email]}
        options = ["--quiet", "--slide-level=2", f"--reference-doc={folder / 'reference.pptx'}"]
        convert(list(map(copied, some)), "pptx", metadata, outputfile=str(folder / "report.pptx"), extra_args=options)
        return open_presentation(str(folder / "report.pptx"))

    try:
        bad, presentation = [], converted(blocks)
    except FAULTS:
        bad = list(obstacles(blocks, converted))
        places = set(map(id, bad))
        presentation = converted([as_plain_text(block) if id(block) in places else block for block in blocks])
    complaints = [named(block, "the presentation", report.source) for block in bad]
    complaints += unshown(blocks, texts_of(presentation), "the presentation", report.source)
    questions = {slide.title for slide in report.slides if slide.is_question}
    for number, slide in enumerate(presentation.slides):
        give_fallbacks(slide.element)
        title = slide.shapes.title.text if slide.shapes.title is not None else ""
        if number == 0 or title.removesuffix(CONTINUED) in questions:
            mark_untagged(slide)
        for shape in slide.shapes:
            if isinstance(shape, PictureShape):
                arrange(slide, shape)
    finished = io.BytesIO()
    presentation.save(finished)
    write_atomically(path, finished.getvalue())
    return complaints


def texts_of(presentation: Presentation) -> str:
    """The words on the slides, and those that describe pictures."""
    elements = [element for slide in presentation.slides for element in slide.element.iter()]
    return "\n".join(text for element in elements for text in (element.text, element.get("descr")) if text)


def powerpoint_blocks(slide: Slide, pictures: dict[str, Picture]) -> list[Block]:
    """The slide, and the slides on which it is continued, each with its heading."""
    blocks: list[Block] = []
    parts = chain.from_iterable(map(with_pictures_apart, slide.pages))
    for page in chain.from_iterable(map(fitting_pages, parts)):
        continued = [Str(CONTINUED)] if blocks else []
        blocks.append(Header(*without_formulas(copied(slide.heading)).content, *continued, level=2))
        blocks += [powerpoint_block(block, pictures) for block in page]
    return blocks


def with_pictures_apart(page: list[Block]) -> list[list[Block]]:
    """Pandoc drops pictures within a line of text, so they follow it, each on a page of its own."""
    pages: list[list[Block]] = [[]]
    for block in page:
        inline = [] if figure_image(block) else inside(block, Image)
        words = without_pictures(block) if inline else block
        if not inline or panflute.stringify(words).strip() or inside(words, Math):
            pages[-1].append(words)
        pages += [[Para(copied(image))] for image in inline]
        pages += [[]] if inline else []
    return [page for page in pages if page] or [[]]


def without_pictures(block: Block) -> Block:
    return copied(block).walk(lambda part, _: [] if isinstance(part, Image) else None)


def powerpoint_block(block: Block, pictures: dict[str, Picture]) -> Block:
    image = figure_image(block)
    if image is None:
        return without_inner_tables(block).walk(lambda part, _: powerpoint_text(part))
    picture = pictures[image.url]
    caption, alt = description(block, picture)
    words = [inline for part in caption if isinstance(part, Para | Plain) for inline in part.content]
    if picture.problem:
        return Para(Strong(Str(f"[{picture.problem}] ")), *map(without_formulas, words or [Str(alt)]))
    # For Pandoc, an image's content is the caption, its title the alternative text.
    return Para(Image(*map(without_formulas, words), url=str(picture.copy), title=alt or picture.name))


def without_inner_tables(block: Block) -> Block:
    """Pandoc drops tables inside of lists, quotations and other tables: their rows become paragraphs."""
    own = copied(block)
    return own.walk(lambda part, _: row_by_row(part) if isinstance(part, Table) and part is not own else None)


def row_by_row(table: Table) -> list[Block]:
    rows = [row for part in (table.head, *table.content, table.foot) for row in part.content]
    return [*map(as_paragraph, rows), *(table.caption.content if table.caption else [])]


def as_paragraph(row: TableRow) -> Para:
    cells = [inlines_of(cell.content) for cell in row.content]
    return Para(*[part for cell in cells for part in (*cell, Str(" | "))][:-1])


def without_formulas(element: Element) -> Element:
    """With formulas in letters: in captions, headings and tables, Pandoc hides them or stops at them."""
    return element.walk(lambda part, _: Str(in_a_line(part)) if isinstance(part, Math) else None)


def powerpoint_text(element: Element) -> Inline | Block | None:
    """Prompts in italics, and listings line by line, since PowerPoint knows no line ends within a run."""
    if isinstance(element, Table):
        return without_formulas(element)
    if isinstance(element, Span) and "prompt" in element.classes:
        return Emph(*element.content)
    if isinstance(element, CodeBlock):
        rows = [(Code(row or " "), LineBreak()) for row in element.text.split("\n")]
        return Para(*[part for row in rows for part in row][:-1])
    return None


@cache
def reference() -> bytes:
    """Pandoc's own presentation, whose styles it copies, with our sizes, places and colours."""
    presentation = open_presentation(io.BytesIO(pandoc_data("reference.pptx")))
    master = presentation.slide_master
    title_style, body_style = master.element.find(qn("p:txStyles"))[:2]
    restyle(title_style.find(qn("a:lvl1pPr")), Pt(24), ACCENT)
    for level, size in enumerate((16, 15, 14), start=1):
        restyle(body_style.find(qn(f"a:lvl{level}pPr")), Pt(size))
    title_slide = presentation.slide_layouts.get_by_name("Title Slide")
    for layout, places in ((master, (TITLE, BODY)), (title_slide, (REPORT_TITLE, REPORT_AUTHOR))):
        for shape, place in zip(layout.placeholders, places, strict=False):
            shape.left, shape.top, shape.width, shape.height = place
    for style in title_slide.placeholders[1].element.iter(qn("a:lvl1pPr")):
        style.set("algn", "l")
    finished = io.BytesIO()
    presentation.save(finished)
    return finished.getvalue()


def pandoc_data(name: str) -> bytes:
    command = [pypandoc.get_pandoc_path(), "--print-default-data-file", name]
    return subprocess.run(command, capture_output=True, check=True).stdout


def restyle(paragraph: BaseOxmlElement, size: Pt, colour: RGBColor | None = None) -> None:
    paragraph.set("algn", "l")
    letters = paragraph.find(qn("a:defRPr"))
    letters.set("sz", str(int(size.pt * 100)))
    if colour is not None:
        fill = letters.find(qn("a:solidFill"))
        fill.remove(fill[0])
        SubElement(fill, qn("a:srgbClr"), val=str(colour))


def arrange(slide: PowerPointSlide, picture: PictureShape) -> None:
    """As large as the page allows, the caption below in small letters; only the alternative text as description."""
    description = picture._element.nvPicPr.cNvPr
    description.set("descr", description.get("descr").rpartition("  ")[0])  # Pandoc adds the path
    captions = [shape for shape in slide.placeholders if shape.placeholder_format.idx == 1 and shape.text_frame.text]
    left, top, width, height = FIGURE if captions else BODY
    scale = min(width / picture.width, height / picture.height)
    picture.width, picture.height = int(picture.width * scale), int(picture.height * scale)
    picture.left, picture.top = left + (width - picture.width) // 2, top + (height - picture.height) // 2
    for caption in captions:
        caption.left, caption.top, caption.width, caption.height = LEFT, picture.top + picture.height, WIDTH, CAPTION
        for run in [run for paragraph in caption.text_frame.paragraphs for run in paragraph.runs]:
            run.font.size, run.font.color.rgb = Pt(11), QUIET


def mark_untagged(slide: PowerPointSlide) -> None:
    """Say in the corner that this page is not to be tagged."""
    frame = slide.shapes.add_textbox(*BADGE).text_frame
    frame.text = "do not tag"
    frame.paragraphs[0].alignment = PP_ALIGN.RIGHT
    frame.paragraphs[0].runs[0].font.size = Pt(11)
    frame.paragraphs[0].runs[0].font.color.rgb = ACCENT
