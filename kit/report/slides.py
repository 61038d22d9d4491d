"""writeup.md, read by Pandoc and cut into slides."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import panflute
import pypandoc
from panflute import (
    Block,
    Div,
    Element,
    Figure,
    Header,
    Image,
    Math,
    Para,
    Plain,
    Span,
)
from panflute.elements import from_json

from kit.assignment import REPORT
from kit.paths import KIT
from kit.report.repairs import repaired
from kit.report.source import ReportError, Source, read_source

FOLDER = Path(__file__).resolve().parent
SOURCE = KIT / REPORT
# Answers are plain prose: an @ is no citation, and a stray backslash is shown instead of swallowed.
DIALECT = (
    "markdown-citations-raw_tex-example_lists-blank_before_header+lists_without_preceding_blankline"
    "+tex_math_single_backslash-raw_attribute"
)
UNFILLED = {"author": "Your name", "email": "you@example.edu"}
WORDS_ABOVE_A_FIGURE = 160  # characters; more of them get a page of their own
LONGEST_CAPTION = 300


@dataclass
class Slide:
    """What stands below one `## Heading`. A page holds text, or one figure below a few words at most."""

    heading: Header
    pages: list[list[Block]]
    answers: list[Div]
    question: str | None  # the identifier of the question that it answers

    @property
    def title(self) -> str:
        return panflute.stringify(self.heading).strip()

    @property
    def is_question(self) -> bool:
        return "question" in self.heading.classes

    @property
    def figures(self) -> list[Image]:
        return [image for page in self.pages for block in page for image in inside(block, Image)]


@dataclass
class Report:
    title: str
    author: str
    email: str
    optional_figures: list[str]
    source: Source
    complaints: list[str]  # about whatever is not shown as it is written
    slides: list[Slide] = field(default_factory=list)

    @property
    def figures(self) -> list[str]:
        """The paths of its figures as they are written, in order."""
        return list(dict.fromkeys(image.url for slide in self.slides for image in slide.figures))


def read_report(path: Path = SOURCE) -> Report:
    """Raises ReportError for Markdown that makes no slides, FileNotFoundError when there is no such file."""
    source = read_source(path)
    document, complaints = repaired(parse(source, path), source)
    settings = {name: panflute.stringify(value).strip() for name, value in document.metadata.content.items()}
    for name in ("title", *UNFILLED):
        if not settings.get(name):
            raise ReportError(f"{path.name} has no {name}: write `{name}: ...` between the --- lines at its top")
    optional = document.metadata.content.get("optional-figures")
    names = [panflute.stringify(name).strip() for name in optional.content] if optional is not None else []
    report = Report(settings["title"], settings["author"], settings["email"], names, source, complaints)
    question = None
    for heading, blocks in sections(document, source, path.name):
        question = heading.identifier if "question" in heading.classes else question
        let_no_heading_skip_a_level(blocks)
        answers = [div for block in blocks for div in inside(block, Div) if "answer" in div.classes]
        report.slides.append(Slide(heading, pages(blocks), answers, question))
    if not report.slides:
        raise ReportError(f"{path.name} has no slides: each begins with a heading, `## Title`")
    return report


def parse(source: Source, path: Path) -> panflute.Doc:
    try:
        json = pypandoc.convert_text(source.text, "json", DIALECT, extra_args=["--quiet"], verify_format=False)
        return panflute.load(io.StringIO(json))
    except RuntimeError as error:
        remedy = "look at the lines between --- at its top, and put what has a colon in quotes"
        raise ReportError(f"{path.name} cannot be read: {remedy}. {' '.join(str(error).split())}") from error


def sections(document: panflute.Doc, source: Source, name: str) -> list[tuple[Header, list[Block]]]:
    """Every slide's heading, with the blocks below it."""
    found: list[tuple[Header, list[Block]]] = []
    for block in document.content:
        if isinstance(block, Header) and block.level <= 2:
            found.append((Header(*block.content, identifier=block.identifier, classes=block.classes, level=2), []))
        elif not found:
            words = panflute.stringify(block).strip()[:40]
            raise ReportError(f"{name}: {words!r} stands before the first slide: put it below a `## Title`")
        elif headings := [header for header in inside(block, Header) if header.level <= 2]:
            title, words = panflute.stringify(found[-1][0]), panflute.stringify(headings[0])
            place = source.where(f"# {words}") or source.where(words)
            remedy = (
                "end it with a line `:::`, write `###` for a heading inside an answer, and code between lines of ```"
            )
            raise ReportError(f"{name}{place}: the block below {title!r} is not closed before this `#`: {remedy}")
        else:
            found[-1][1].append(block)
    return found


def let_no_heading_skip_a_level(blocks: list[Block]) -> None:
    """Each is at most one level deeper than the one before, the slide's own first: an accessible PDF wants it so."""
    level = 2
    for heading in [heading for block in blocks for heading in inside(block, Header)]:
        heading.level = level = min(heading.level, level + 1)


def pages(blocks: list[Block]) -> list[list[Block]]:
    """Give each figure a page: it must not be squeezed by a long answer above it, nor push one off the page."""
    cut: list[list[Block]] = [[]]
    for block in unwrapped(blocks):
        is_below_a_figure = bool(cut[-1]) and figure_image(cut[-1][-1]) is not None
        if is_below_a_figure or (figure_image(block) and length(cut[-1]) > WORDS_ABOVE_A_FIGURE):
            cut.append([])
        cut[-1].append(block)
    return cut


def length(blocks: list[Block]) -> int:
    return sum(len(panflute.stringify(block)) for block in blocks)


def unwrapped(blocks: list[Block]) -> Iterator[Block]:
    """The blocks without the fences around answers; a caption too long to stand below its figure comes after it."""
    for block in blocks:
        if isinstance(block, Div) and "answer" in block.classes:
            yield from unwrapped(list(block.content))
        elif isinstance(block, Figure) and len(panflute.stringify(block.caption)) > LONGEST_CAPTION:
            yield Figure(*block.content, identifier=block.identifier)
            yield from block.caption.content
        elif isinstance(block, Plain) and figure_image(block) is None:
            yield Para(*block.content)  # what stands directly above a closing fence
        else:
            yield block


def figure_image(block: Block) -> Image | None:
    """The image of a block that is nothing but a figure."""
    if isinstance(block, Figure):
        return next(iter(inside(block, Image)), None)
    if isinstance(block, Para | Plain) and len(block.content) == 1 and isinstance(block.content[0], Image):
        return block.content[0]
    return None


def is_empty(answer: Div) -> bool:
    return not panflute.stringify(answer).strip() and not inside(answer, Image) and not inside(answer, Math)


def holds_prompt(answer: Div) -> bool:
    return any("prompt" in span.classes for span in inside(answer, Span))


def inside(block: Block, kind: type[Element]) -> list[Element]:
    """All elements of one kind in the block, itself included."""
    found: list[Element] = []
    block.walk(lambda element, _: found.append(element) if isinstance(element, kind) else None)
    return found


def copied(element: Element) -> Element:
    """A copy to change; copy.deepcopy would follow the parents and take the whole document along."""
    return json.loads(json.dumps(element.to_json()), object_hook=from_json)


def convert(blocks: list[Block], to: str, metadata: dict | None = None, **options: str | list[str]) -> str:
    """The blocks in another of Pandoc's formats."""
    text = io.StringIO()
    panflute.dump(panflute.Doc(*blocks, metadata=metadata or {}), text)
    return pypandoc.convert_text(text.getvalue(), to, format="json", verify_format=False, **options)
