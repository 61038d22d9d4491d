"""The report as PDF: Pandoc turns the slides into Typst, Typst sets them with theme.typ."""

import json
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import panflute
import typst
from panflute import Block, Element, Image, Inline, Math, Para, RawBlock, RawInline, Span, Str

from kit.atomic import write_atomically
from kit.report.dropped import unshown
from kit.report.figures import Picture, description
from kit.report.formulas import in_a_line
from kit.report.obstacles import as_plain_text, named, obstacles
from kit.report.slides import FOLDER, Report, convert, copied, figure_image, inside
from kit.report.source import ReportError

ACCESSIBLE = ["ua-1"]  # a tagged PDF: every figure and formula described, every letter has a glyph
QUIET = ["--quiet"]
THEME = '#import "theme.typ": *'
BETWEEN = "// the next formula"
NO_GLYPH = re.compile(r"the text `\"(.+?)\"` could not be displayed")


@dataclass
class Layout:
    """The first page of each slide and the last page; and what is not shown as it was written."""

    first_pages: list[int]
    last_page: int
    complaints: list[str]


def write_pdf(report: Report, pictures: dict[str, Picture], folder: Path, path: Path) -> Layout:
    """Write the PDF, whole or not at all, from the pictures' copies in `folder`; fonts are embedded."""
    import matplotlib  # here, since whoever only reads a report need not wait for it

    shutil.copy(FOLDER / "theme.typ", folder)
    for font in (Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVuSans*.ttf"):
        shutil.copy(font, folder)  # Typst's own fonts have no Arabic, Hebrew or Georgian; these have
    text, log = typst_source(report, pictures, folder)
    complaints = [*unread_formulas(log, report), *unshown(blocks_of(report), text, "the PDF", report.source)]
    compiler = compiler_of(folder / "report.typ")
    for remedy in (formulas_in_letters, blocks_as_text, None):
        try:
            slides = laid_out(text, folder, compiler)
            break
        except RuntimeError as error:
            if remedy is None:
                raise ReportError(
                    f"the report cannot be typeset as PDF: {error}; look at what you wrote last"
                ) from error
            report, said = remedy(report, pictures, folder)
            complaints += said
            text, _ = typst_source(report, pictures, folder)
    (last_page,) = json.loads(compiler.query("<last-page>", field="value"))
    pdf, said = compiled(compiler)
    write_atomically(path, pdf)
    return Layout([slide["page"] for slide in slides], last_page, [*complaints, *said])


def compiler_of(path: Path) -> typst.Compiler:
    """One that reads the file anew whenever it is asked, and has looked for fonts once, which takes longest."""
    path.touch()
    return typst.Compiler(path, font_paths=[path.parent])


def laid_out(source: str, folder: Path, compiler: typst.Compiler) -> list[dict]:
    """What the compiler of report.typ, which becomes this, says of its slides. Raises RuntimeError."""
    (folder / "report.typ").write_text(source, "utf-8")
    return json.loads(compiler.query("<slide>", field="value"))


def formulas_in_letters(report: Report, _: dict[str, Picture], folder: Path) -> tuple[Report, list[str]]:
    """With those in letters that Typst cannot set: Pandoc may write names that this Typst does not know."""
    formulas = list({math.text: math for block in blocks_of(report) for math in inside(block, Math)}.values())
    apart = as_typst(RawBlock(BETWEEN))
    sources = convert([part for math in formulas for part in (Para(copied(math)), apart)], "typst", extra_args=QUIET)
    pairs = list(zip(formulas, sources.split(BETWEEN), strict=False))
    compiler = compiler_of(folder / "formulas.typ")

    def attempt(some: Sequence[tuple[Math, str]]) -> None:
        (folder / "formulas.typ").write_text("\n\n".join(source for _, source in some), "utf-8")
        compiler.compile(format="pdf")

    bad = [math.text for math, _ in obstacles(pairs, attempt)]
    problem = "cannot be typeset by this version of Typst; the PDF shows it in letters"
    return rewritten(report, lambda block: letters_for(block, bad)), [
        f"The formula {text!r} {problem}{report.source.where(text)}" for text in bad
    ]


def letters_for(block: Block, formulas: Collection[str]) -> Block:
    return copied(block).walk(
        lambda part, _: Str(in_a_line(part)) if isinstance(part, Math) and part.text in formulas else None
    )


def blocks_as_text(report: Report, pictures: dict[str, Picture], folder: Path) -> tuple[Report, list[str]]:
    """With those as plain text that Typst cannot set."""
    compiler = compiler_of(folder / "report.typ")

    def attempt(some: Sequence[Block]) -> None:
        blocks = [part for block in some for part in typst_blocks(block, pictures)]
        laid_out(f"{THEME}\n{convert(blocks, 'typst', extra_args=QUIET)}", folder, compiler)

    bad = list(obstacles(blocks_of(report), attempt))
    places = set(map(id, bad))
    said = [named(block, "the PDF", report.source) for block in bad]
    return rewritten(report, lambda block: as_plain_text(block) if id(block) in places else block), said


def blocks_of(report: Report) -> list[Block]:
    return [block for slide in report.slides for block in (slide.heading, *(b for page in slide.pages for b in page))]


def rewritten(report: Report, rewrite: Callable[[Block], Block]) -> Report:
    slides = [
        replace(slide, heading=rewrite(slide.heading), pages=[[*map(rewrite, page)] for page in slide.pages])
        for slide in report.slides
    ]
    return replace(report, slides=slides)


def compiled(compiler: typst.Compiler) -> tuple[bytes, list[str]]:
    """The PDF, accessible if it can be, and what stands in the way, such as letters that no font has."""
    try:
        return compiler.compile(format="pdf", pdf_standards=ACCESSIBLE), []
    except typst.TypstError as error:
        letters = "".join(dict.fromkeys(map(letter, NO_GLYPH.findall(error.diagnostic))))
        problem = f"No font on this machine has {letters}: the PDF shows boxes in their place"
        said = problem if letters else f"The PDF cannot be made accessible: {' '.join(str(error).split())}"
        return compiler.compile(format="pdf"), [said]


def letter(quoted: str) -> str:
    """Typst quotes rare letters as \\u{1f600}."""
    return re.sub(r"\\u\{(\w+)\}", lambda match: chr(int(match[1], 16)), quoted)


def unread_formulas(log: Path, report: Report) -> list[str]:
    """Complaints about the formulas that Pandoc complained about."""
    messages = json.loads(log.read_text("utf-8")) if log.is_file() else []
    bad = [message["contents"] for message in messages if message["type"] == "CouldNotConvertTeXMath"]
    problem = "is not TeX that can be read; it is shown as written"
    return [f"The formula {text!r} {problem}{report.source.where(text)}" for text in dict.fromkeys(bad)]


def typst_source(report: Report, pictures: dict[str, Picture], folder: Path) -> tuple[str, Path]:
    """The whole report in Typst, and the log with what Pandoc complains about."""
    blocks: list[Block] = []
    for slide in report.slides:
        blocks.append(command("slide", title=slide.title, question=slide.is_question))
        blocks.append(typst_words(slide.heading, pictures))
        for number, page in enumerate(slide.pages):
            blocks += [command("pagebreak")] if number else []
            for block in page:
                blocks += typst_blocks(block, pictures)
    blocks.append(command("last-page"))
    head = command("show: report.with", title=report.title, author=report.author, email=report.email)
    log = folder / "log.json"
    return f"{THEME}\n{head.text}\n{convert(blocks, 'typst', extra_args=[*QUIET, f'--log={log}'])}", log


def typst_words(block: Block, pictures: dict[str, Picture]) -> Block:
    return copied(block).walk(lambda element, _: typst_inline(element, pictures))


def typst_blocks(block: Block, pictures: dict[str, Picture]) -> list[Block]:
    """A figure becomes a call of the theme's `figure-page`; formulas and prompts in the text are marked."""
    image = figure_image(block)
    if image is None:
        return [typst_words(block, pictures)]
    picture = pictures[image.url]
    caption, alt = description(block, picture)
    if picture.problem:
        words = caption or [Para(Str(alt))] * bool(alt)
        return [command("missing-figure", words=picture.problem), *(typst_words(part, pictures) for part in words)]
    call = command("figure-page", path=picture.copy.name, alt=alt or picture.name)
    caption = [typst_words(part, pictures) for part in caption]
    return [as_typst(RawBlock(f"{call.text}[")), *caption, as_typst(RawBlock("]"))]


def typst_inline(element: Element, pictures: dict[str, Picture]) -> list[Inline] | None:
    if isinstance(element, Math):
        return [raw(f"#described({literal(element.text)})["), element, raw("]")]
    if isinstance(element, Span) and "prompt" in element.classes:
        return [raw("#prompt["), *element.content, raw("]")]
    if isinstance(element, Image):
        picture = pictures[element.url]
        if picture.problem:
            return [Str(f"[{picture.problem}] "), *element.content]
        alt = panflute.stringify(element).strip() or picture.alt or picture.name
        return [raw(f"#box(image({literal(picture.copy.name)}, alt: {literal(alt)}))")]
    return None


def command(name: str, **arguments: str | bool) -> RawBlock:
    """A call in Typst: `#name(argument: value, ...)`."""
    values = ", ".join(f"{key}: {literal(value)}" for key, value in arguments.items())
    return as_typst(RawBlock(f"#{name}({values})"))


def literal(value: str | bool) -> str:
    return json.dumps(value, ensure_ascii=False)


def raw(text: str) -> RawInline:
    return as_typst(RawInline(text))


def as_typst(element: RawBlock | RawInline) -> RawBlock | RawInline:
    element.format = "typst"  # the constructors' own list of formats is older than Typst
    return element
